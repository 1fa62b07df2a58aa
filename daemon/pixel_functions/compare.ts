/**
 * Kernels are used only where they do what is built in, byte for byte.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import {
  type KernelName,
  KERNELS,
  type Kernels,
  loadKernels,
} from "../../lib/ffmpeg/abi/pixel_functions.ts";
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { type Layout, LAYOUTS, lineBytes, Packer } from "../../lib/ffmpeg/packer.ts";
import { randomBytes } from "../../lib/image/patterns.ts";
import { PictureMemory } from "./picture_memory.ts";

// Below, at and above what vectors of 16 to 64 bytes hold, and a line of many of them.
const WIDTHS = [1, 2, 3, 7, 15, 16, 17, 31, 33, 63, 64, 65, 129, 1921];
const HEIGHTS = [1, 2, 5];
// Bytes between a line's end and the next line; words stay at even addresses.
const SPARES = [0, 2, 62];

// Between the lines of what is packed: to be found where it does not belong.
const PADDING = 0x5a;

/** A picture to pack, and the memory to pack it to. */
export interface Trial {
  readonly layout: Layout;
  readonly width: number;
  readonly height: number;
  /** Bytes from line to line of each plane of `to`. */
  readonly strides: readonly number[];
  readonly from: PictureMemory;
  readonly to: PictureMemory;
}

function trial(layout: Layout, width: number, height: number, spare: number): Trial {
  const { bytesPerSample, planes } = LAYOUTS[layout];
  const [luma, difference] = lineBytes("yuv420p", width).map((samples) => samples * bytesPerSample);
  const half = Math.ceil(height / 2);
  const from = new PictureMemory(
    [[luma, height], [difference, half], [difference, half]].map(([row, lines]) => ({
      ...{ row, lines },
      stride: row + spare,
    })),
    PADDING,
  );
  const rows = lineBytes(layout, width);
  // Chroma in turns has lines as far apart as luma's.
  const strides = rows.map((row) => (planes.length > 2 ? row : Math.max(...rows)) + spare);
  const to = new PictureMemory(
    planes.map(({ down }, i) => ({
      ...{ row: rows[i], stride: strides[i] },
      lines: Math.ceil(height / down),
    })),
  );
  const noise = randomBytes(from.samples.length, width);
  // Of a sample in two bytes the lower ten bits are used.
  if (bytesPerSample > 1) noise.forEach((_, at) => noise[at] &= at % 2 ? 3 : 0xff);
  from.samples = noise;
  return { layout, width, height, strides, from, to };
}

/** Pictures of many sizes, with noise in them. */
export function* trials(): Generator<Trial> {
  for (const layout of Object.keys(LAYOUTS) as Layout[]) {
    for (const width of WIDTHS) {
      for (const height of HEIGHTS) {
        for (const spare of SPARES) yield trial(layout, width, height, spare);
      }
    }
  }
}

/** Packs by what is built in, of this FFmpeg. */
export function packBuiltIn(ffmpeg: Ffmpeg, { layout, width, height, strides, from, to }: Trial) {
  using packer = new Packer(ffmpeg, layout, width, height, strides);
  packer.pack(from, to.planes);
}

/** Whether a kernel makes of a trial what it has to. */
function agrees(kernels: Kernels, name: KernelName, trial: Trial, wanted: Uint8Array): boolean {
  const { layout, width, height, from, to } = trial;
  if (name === "vpipe_crc32") {
    to.samples = wanted;
    const { bytesPerSample } = LAYOUTS[layout];
    // The same picture came before it.
    const crc = kernels[name]!(crc32(wanted), to.planes, to.strides, width, height, bytesPerSample);
    return crc === crc32(Buffer.concat([wanted, wanted]));
  }
  if (LAYOUTS[layout].kernel !== name) return true;
  to.clear();
  kernels[name]!(from.pointer, from.linesizes, to.planes, to.strides, width, height);
  return to.holds(wanted);
}

/**
 * Compares kernels with what is built in.
 *
 * @param pack what is built in
 * @returns why a kernel is not to be used, of those that are not
 */
export function refusals(
  kernels: Kernels,
  pack: (trial: Trial) => void,
): ReadonlyMap<KernelName, string> {
  const refused = new Map<KernelName, string>();
  const left = new Set<KernelName>();
  for (const name of KERNELS) {
    if (kernels[name]) left.add(name);
    else refused.set(name, "the library has none");
  }
  for (const trial of trials()) {
    // No function has to do with planes as they are.
    if (LAYOUTS[trial.layout].kernel === undefined) continue;
    pack(trial);
    const wanted = trial.to.samples;
    for (const name of left) {
      if (agrees(kernels, name, trial, wanted)) continue;
      left.delete(name);
      const { layout, width, height, strides } = trial;
      const where = `${layout} of ${width}x${height}, ${strides[0]} bytes a line`;
      refused.set(name, `differs from what is built in: ${where}`);
    }
  }
  return refused;
}

/** The kernels of a library that are used, as a worker is told of them. */
export interface KernelChoice {
  readonly path: string;
  readonly names: readonly KernelName[];
}

/**
 * Loads a library of kernels and compares them with what is built in.
 *
 * @param path as dlopen(3) takes it
 * @returns those to use, and why the others are not
 * @throws {Error} the library cannot be loaded, or is of another version
 */
export function chooseKernels(ffmpeg: Ffmpeg, path: string) {
  const refused = refusals(loadKernels(path), (trial) => packBuiltIn(ffmpeg, trial));
  const choice: KernelChoice = { path, names: KERNELS.filter((name) => !refused.has(name)) };
  return { choice, refused };
}
