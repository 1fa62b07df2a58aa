/**
 * A stream whose slices name their reference pictures, written so that the sequence parameter set names
 * them: what encoders do that the fixtures were not made by. Source: ITU-T H.265, section 7.3.7.
 *
 * @module
 */
import { writeUnit } from "../../lib/codec/annexb.ts";
import { BitReader } from "../../lib/codec/bits/reader.ts";
import { BitWriter } from "../../lib/codec/bits/writer.ts";
import { forgetsAll, hevcNals, isIdr, isSlice, NAL_SPS } from "../../lib/codec/hevc/nal.ts";
import { PictureOrder } from "../../lib/codec/hevc/order.ts";
import { readSps, type SpsControl } from "../../lib/codec/hevc/parameter_sets.ts";
import { spsUnit } from "../../lib/codec/hevc/parameter_sets_writer.ts";
import type { Reference, ShortTermSet } from "../../lib/codec/hevc/reference_set.ts";
import { HeaderBytes, passHeader, readSlice, type Slice } from "../../lib/codec/hevc/slice.ts";
import { ParameterSets } from "../../lib/codec/hevc/stream.ts";
import { V4L2_HEVC_SPS_FLAG_LONG_TERM_REF_PICS_PRESENT } from "../../lib/uapi/v4l2_controls_hevc.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const MANY = 2 ** 16;

/** How the slices of a stream are to name their reference pictures. */
export interface Naming {
  /** Every other picture has a set of its own, predicted from one of the sequence. */
  readonly predicted: boolean;
  /** The first picture is a long-term reference, chosen from the sequence parameter set. */
  readonly longTerm: boolean;
}

const both = ({ negative, positive }: ShortTermSet) => [...negative, ...positive];

function copyBits(to: BitWriter, from: BitReader, count: number): void {
  for (; count > 0; count--) to.flag(from.flag());
}

function writePlain(bits: BitWriter, { negative, positive }: ShortTermSet): void {
  bits.exponential(negative.length, MANY);
  bits.exponential(positive.length, MANY);
  for (const half of [negative, positive]) {
    let last = 0;
    for (const { delta, used } of half) {
      bits.exponential(Math.abs(delta - last) - 1, MANY);
      bits.flag(used);
      last = delta;
    }
  }
}

/** By how much a set has to be shifted for another to be all in it; undefined where it cannot be. */
function shiftTo(set: ShortTermSet, from: ShortTermSet): number | undefined {
  const deltas = both(set).map(({ delta }) => delta);
  const known = both(from).map(({ delta }) => delta);
  const tries = deltas.flatMap((delta) => [delta, ...known.map((one) => delta - one)]);
  return tries.find((shift) =>
    shift !== 0 && deltas.every((delta) => delta === shift || known.includes(delta - shift))
  );
}

function writePredicted(bits: BitWriter, set: ShortTermSet, from: ShortTermSet, shift: number) {
  bits.flag(shift < 0);
  bits.exponential(Math.abs(shift) - 1, MANY);
  for (const delta of [...both(from).map(({ delta }) => delta + shift), shift]) {
    const found = both(set).find((one) => one.delta === delta);
    bits.flag(found?.used ?? false);
    if (!found?.used) bits.flag(found !== undefined);
  }
}

/** Where in a parameter set of `spsUnit` the number of reference picture sets is. */
function placeOfSets(payload: Bytes, { flags }: SpsControl): number {
  let stop = 8 * payload.length - 1;
  while ((payload[stop >> 3] >> (7 - stop % 8) & 1) === 0) stop--;
  // Long-term references and their number, motion, smoothing, VUI and extensions follow.
  return stop - (flags & V4L2_HEVC_SPS_FLAG_LONG_TERM_REF_PICS_PRESENT ? 6 : 5) - 1;
}

function writeSequence(
  control: SpsControl,
  sets: readonly ShortTermSet[],
  longTerm: boolean,
): Bytes {
  const plain = new BitWriter();
  const [, , , , first, second] = spsUnit(plain, control);
  const from = new BitReader(plain.bytes);
  const to = new BitWriter();
  copyBits(to, from, placeOfSets(plain.bytes, control));
  from.bit();
  to.exponential(sets.length, 64);
  for (const [i, set] of sets.entries()) {
    const shift = i > 0 ? shiftTo(set, sets[i - 1]) : undefined;
    if (i > 0) to.flag(shift !== undefined);
    if (shift === undefined) writePlain(to, set);
    else writePredicted(to, set, sets[i - 1], shift);
  }
  if (from.flag()) from.bit();
  to.flag(longTerm);
  if (longTerm) {
    const lsbBits = control.log2_max_pic_order_cnt_lsb_minus4 + 4;
    to.exponential(2, 32);
    for (const lsb of [7, 0]) {
      to.bits(lsb, lsbBits);
      to.flag(true);
    }
  }
  copyBits(to, from, 4);
  to.stop();
  return writeUnit([first, second], to.bytes);
}

/** What a slice is to say; `lasts` where the first picture is no short-term reference of it. */
interface Wanted {
  readonly slice: Slice;
  readonly header: HeaderBytes;
  readonly set: ShortTermSet;
  readonly lasts: boolean;
}

function writeSlice(
  { slice, header, set, lasts }: Wanted,
  sets: readonly ShortTermSet[],
  { longTerm }: Naming,
  own: boolean,
): Bytes {
  const { nal: { bytes: unit }, setsBegin, setsEnd, shortTerm } = slice;
  const rest = new BitReader(header.bytes);
  for (let i = 0; i < setsEnd; i++) rest.bit();
  const end = passHeader(rest, slice, both(shortTerm!).filter(({ used }) => used).length);
  const from = new BitReader(header.bytes);
  const to = new BitWriter();
  copyBits(to, from, setsBegin);
  for (let i = setsBegin; i < setsEnd; i++) from.bit();
  const index = sets.findIndex((one) => JSON.stringify(one) === JSON.stringify(set));
  const basis = own ? sets.findLastIndex((one) => shiftTo(set, one) !== undefined) : -1;
  to.flag(basis < 0);
  if (basis < 0) {
    to.bits(index, Math.ceil(Math.log2(sets.length)));
  } else {
    to.flag(true);
    to.exponential(sets.length - basis - 1, MANY);
    writePredicted(to, set, sets[basis], shiftTo(set, sets[basis])!);
  }
  if (longTerm) {
    to.exponential(lasts ? 1 : 0, 32);
    to.exponential(0, 32);
    // The second one, and not how many ranges it is behind.
    if (lasts) to.bits(0b10, 2);
  }
  copyBits(to, from, end - setsEnd);
  to.stop();
  const data = unit.subarray(header.inUnit(rest.bytesRead));
  return Uint8Array.of(...writeUnit([unit[0], unit[1]], to.bytes), ...data);
}

/** The same pictures, whose references are named in another way. */
export function withSequenceSets(file: Bytes, naming: Naming): Bytes {
  const parameters = new ParameterSets();
  const order = new PictureOrder();
  const nals = [...hevcNals(file)];
  let poc = 0;
  const wanted = nals.map((nal): Wanted | undefined => {
    if (!isSlice(nal.type)) {
      parameters.read(nal);
      return undefined;
    }
    const header = new HeaderBytes(nal);
    const slice = readSlice(nal, new BitReader(header.bytes), (id) => parameters.find(id));
    if (slice.first) poc = order.next(slice, forgetsAll(nal.type));
    if (isIdr(nal.type)) return undefined;
    const { negative, positive } = slice.shortTerm!;
    const other = ({ delta }: Reference) => !naming.longTerm || delta !== -poc;
    const set = { negative: negative.filter(other), positive, predictedFrom: 0 };
    return { slice, header, set, lasts: set.negative.length < negative.length };
  });
  const all = wanted.flatMap((one) => one ? [JSON.stringify(one.set)] : []);
  const sets = [...new Set(all)].map((text): ShortTermSet => JSON.parse(text));
  // All slices of a picture say the same in the same way.
  let own = false;
  const units = nals.map((nal, i) => {
    const slice = wanted[i];
    if (slice?.slice.first) own = naming.predicted && !own;
    if (slice) return writeSlice(slice, sets, naming, own);
    if (nal.type === NAL_SPS) {
      return writeSequence(readSps(nal.bytes).control, sets, naming.longTerm);
    }
    return Uint8Array.of(0, 0, 1, ...nal.bytes);
  });
  return Uint8Array.from(units.flatMap((unit) => [...unit]));
}
