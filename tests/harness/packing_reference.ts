/**
 * What packing is, sample by sample, to compare it with.
 *
 * @module
 */
import type { Trial } from "../../daemon/pixel_functions/compare.ts";

/** Packs planes of Y, Cb and Cr to NV12 or P010, or copies them. */
export function packReference({ layout, width, height, from, to }: Trial): void {
  if (layout === "yuv420p") {
    to.samples = from.samples;
    return;
  }
  const words = layout === "p010le";
  const samples = words ? new Uint16Array(from.samples.buffer) : from.samples;
  const lumas = width * height;
  const chromas = (samples.length - lumas) / 2;
  const packed = samples.slice();
  for (let i = 0; i < chromas; i++) {
    packed[lumas + 2 * i] = samples[lumas + i];
    packed[lumas + 2 * i + 1] = samples[lumas + chromas + i];
  }
  to.samples = new Uint8Array((words ? packed.map((sample) => sample << 6) : packed).buffer);
}
