/**
 * Streams of field pictures: what each shows of a decoder.
 *
 * @module
 */
import { concatenate } from "../../lib/files/files.ts";
import { BOTTOM, TOP } from "./field_samples.ts";
import { FieldEncoder, type FieldPicture, type FieldRecipe } from "./h264_fields.ts";

const own = (parity: FieldRecipe["parity"], more: Partial<FieldRecipe> = {}): FieldRecipe => (
  { parity, from: "samples", ...more }
);
const copy = (parity: FieldRecipe["parity"], from: number[], more: Partial<FieldRecipe> = {}) => (
  { parity, from, ...more }
);
const begins = { begins: true } as const;

/** Both fields, each of its own samples. */
const IDR: readonly FieldRecipe[] = [own(TOP, { ...begins, idr: true }), own(BOTTOM)];

const OTHER_PARITY: readonly FieldRecipe[] = [
  ...IDR,
  copy(TOP, [1], begins),
  copy(BOTTOM, [1, 0]),
  copy(TOP, [0, 1, 2, 3], begins),
  copy(BOTTOM, [2, 1, 0]),
];
const FRAMES_BETWEEN: readonly FieldRecipe[] = [
  ...IDR,
  copy(undefined, [0], begins),
  own(TOP, begins),
  copy(BOTTOM, [1, 0]),
  copy(undefined, [1, 0], begins),
  copy(TOP, [0, 1], begins),
  own(BOTTOM),
];
const UNUSED: readonly FieldRecipe[] = [
  ...IDR,
  own(TOP, { ...begins, unused: true }),
  copy(BOTTOM, [1, 0], { unused: true }),
  copy(TOP, [0, 1], begins),
  copy(BOTTOM, [0, 1]),
];

/** By name; each field that begins a frame is followed by the other one, where that is not lost. */
export const FIELD_STREAMS = {
  "fields of their own samples": [...IDR, own(TOP, begins), own(BOTTOM)],
  "a second field that refers to the first": [
    own(TOP, { ...begins, idr: true }),
    copy(BOTTOM, [0]),
    own(TOP, begins),
    // Frame before, bottom; then the first field of its own frame.
    copy(BOTTOM, [1]),
    own(TOP, begins),
    copy(BOTTOM, [0, 1, 2]),
  ],
  "fields that refer to the other parity": OTHER_PARITY,
  "bottom fields first": [
    own(BOTTOM, { ...begins, idr: true }),
    own(TOP),
    copy(BOTTOM, [1, 0], begins),
    copy(TOP, [1]),
  ],
  "frames between fields": FRAMES_BETWEEN,
  "fields of two slices": [
    own(TOP, { ...begins, idr: true, slices: 2 }),
    own(BOTTOM, { slices: 2 }),
    copy(TOP, [1, 0], { ...begins, slices: 2 }),
    copy(BOTTOM, [1], { slices: 2 }),
  ],
  "fields that no picture refers to": UNUSED,
  "all of these": [...OTHER_PARITY, ...FRAMES_BETWEEN.slice(2), ...UNUSED.slice(2)],
  "a second field that is not there": [
    ...IDR,
    copy(TOP, [1], begins),
    copy(TOP, [0, 1, 2], begins),
    copy(BOTTOM, [0, 1]),
    own(TOP, begins),
    own(BOTTOM),
  ],
  "first fields alone, and then none": [
    ...IDR,
    own(TOP, begins),
    own(BOTTOM, begins),
    own(BOTTOM, begins),
    copy(TOP, [0, 1], begins),
  ],
} satisfies Record<string, readonly FieldRecipe[]>;

export type FieldStream = keyof typeof FIELD_STREAMS;

/** A stream and the pictures that its frames are, as NV12 without padding. */
export interface CodedFields {
  readonly encoder: FieldEncoder;
  readonly coded: readonly FieldPicture[];
  readonly pictures: readonly Uint8Array<ArrayBuffer>[];
}

/** All of it, with its parameter sets. */
export function fieldFile({ encoder, coded }: CodedFields): Uint8Array<ArrayBuffer> {
  return concatenate([encoder.parameterSets, ...coded.flatMap(({ slices }) => slices)]);
}

/** Codes one of them. */
export function codeFields(name: FieldStream): CodedFields {
  const encoder = new FieldEncoder();
  const recipes: readonly FieldRecipe[] = FIELD_STREAMS[name];
  const coded = recipes.map((recipe) => encoder.code(recipe));
  return { encoder, coded, pictures: encoder.pictures };
}
