/**
 * What the parsers make of a stream, whatever its codec and container.
 *
 * @module
 */

import type { Rectangle } from "../image/rectangle.ts";
import type { Codec } from "./codecs.ts";

/** How the chroma planes are sampled. */
export type Chroma = "4:0:0" | "4:2:0" | "4:2:2" | "4:4:4" | "4:4:0";

/** A stateless V4L2 control: its id, and its C struct in little-endian bytes. */
export interface Control {
  /** V4L2_CID_STATELESS_* */
  id: number;
  /** All of the struct, as lib/uapi declares it. */
  payload: Uint8Array<ArrayBuffer>;
}

/** What a decoder is set up for; a new object each time something in it changes. */
export interface Sequence {
  /** What it is coded by; the format that OUTPUT is set to follows from it. */
  codec: Codec;
  /**
   * Coded size in pixels, for VIDIOC_S_FMT: the frame's in VP9 and AV1 (there the upscaled width),
   * whole macroblocks of a frame in H.264, whole coding blocks in HEVC.
   */
  width: number;
  /** In lines, as `width`. */
  height: number;
  /** Visible rectangle in it, in pixels: H.264's and HEVC's cropping; elsewhere the whole. */
  crop: Rectangle;
  /** Bits a sample: 8 to 14, in VP9 and AV1 one of 8, 10 and 12. */
  bitDepth: number;
  /** A stateless decoder takes 4:2:0 and 4:0:0. */
  chroma: Chroma;
  /** Most pictures held back at a time to put them in display order; 0 for VP9 and AV1. */
  reorder: number;
  /** The sequence-level controls, as of the first unit of the sequence. */
  controls: readonly Control[];
}

/** A sequence whose pictures are seen whole, and come in the order of display. */
export function uncropped(sequence: Omit<Sequence, "crop" | "reorder">): Sequence {
  const { width, height } = sequence;
  return { ...sequence, crop: { left: 0, top: 0, width, height }, reorder: 0 };
}

/** What a decoder is sent at a time. */
export interface AccessUnit {
  /**
   * A view of the input: an IVF frame, a temporal unit, or an access unit with both its fields. Of
   * AV1 Annex B it is a copy, in section 5's form.
   */
  data: Uint8Array<ArrayBuffer>;
  sequence: Sequence;
  /** Decoding can start here. */
  key: boolean;
  /**
   * Place of its picture in display order, counted from 0 over the whole stream without gaps; -1
   * where nothing is shown.
   */
  displayIndex: number;
}
