/**
 * Where in a stream decoding may begin, told by the start codes of a coded frame; and whether its
 * pictures are in the order of display.
 *
 * @module
 */
import { behindStartCode } from "./annexb.ts";
import { NAL_SLICE, NAL_SLICE_IDR, NAL_SPS, NAL_TYPE_MASK } from "./h264/nal_types.ts";
import { readSps } from "./h264/sps.ts";
import { StreamError } from "./stream_error.ts";

/**
 * What a coded frame is to those behind it:
 * - `none`: it has no picture, only headers.
 * - `key`: nothing behind it needs what came before it.
 * - `open`: nothing behind it needs what came before it, but for `leading` ones, which follow at once
 *   and are shown earlier.
 */
export type Access = "none" | "key" | "open" | "leading" | "other";

/**
 * What the first picture in `bytes` is by the code behind its start code 00 00 01; without any start
 * code it is `other`, which FFmpeg will complain of.
 *
 * @param classify undefined for what is no picture
 */
function firstPicture(
  bytes: Uint8Array,
  classify: (bytes: Uint8Array, at: number) => Access | undefined,
): Access {
  let units = 0;
  for (let at = behindStartCode(bytes); at >= 0 && at < bytes.length;) {
    const access = classify(bytes, at);
    if (access !== undefined) return access;
    units++;
    at = behindStartCode(bytes, at);
  }
  return units > 0 ? "none" : "other";
}

/** nal_unit_type in table 7-1 of H.264. An I picture that is no IDR one says nothing of the others. */
function h264Unit(bytes: Uint8Array, at: number): Access | undefined {
  const type = bytes[at] & NAL_TYPE_MASK;
  if (type === NAL_SLICE_IDR) return "key";
  return type >= NAL_SLICE && type < NAL_SLICE_IDR ? "other" : undefined;
}

/** nal_unit_type in table 7-1 of H.265. */
function hevcUnit(bytes: Uint8Array, at: number): Access | undefined {
  const type = bytes[at] >> 1 & 0x3f;
  if (type >= 32) return undefined;
  // CRA, then BLA and IDR: what a BLA's leading pictures need is never there.
  if (type === 21) return "open";
  if (type >= 16) return "key";
  // RADL and RASL.
  return type >= 6 && type <= 9 ? "leading" : "other";
}

/** picture_coding_type in table 6-12 of ITU-T H.262. */
function mpegCode(bytes: Uint8Array, at: number): Access | undefined {
  if (bytes[at] !== 0) return undefined;
  const type = bytes[at + 2] >> 3 & 7;
  return type === 1 ? "open" : type === 3 ? "leading" : "other";
}

/** vop_coding_type in table 6-20 of ISO/IEC 14496-2. */
function mpeg4Code(bytes: Uint8Array, at: number): Access | undefined {
  if (bytes[at] !== 0xb6) return undefined;
  const type = bytes[at + 1] >> 6;
  return type === 0 ? "open" : type === 2 ? "leading" : "other";
}

/**
 * Whether a picture is intra, in 5.1.3 and 5.1.4.3 of ITU-T H.263. Each packet begins with one.
 */
export function h263Access(bytes: Uint8Array): Access {
  // Type 7 of the source format: all is said in PLUSPTYPE, whose first part may be left out.
  const extended = (bytes[4] & 0x1c) === 0x1c;
  if (!extended) return (bytes[4] & 2) === 0 ? "key" : "other";
  const update = (bytes[4] & 3) << 1 | bytes[5] >> 7;
  const type = update === 1 ? bytes[7] >> 2 & 7 : bytes[5] >> 4 & 7;
  return type === 0 ? "key" : "other";
}

export const h264Access = (bytes: Uint8Array) => firstPicture(bytes, h264Unit);
export const hevcAccess = (bytes: Uint8Array) => firstPicture(bytes, hevcUnit);
export const mpegAccess = (bytes: Uint8Array) => firstPicture(bytes, mpegCode);
export const mpeg4Access = (bytes: Uint8Array) => firstPicture(bytes, mpeg4Code);

/**
 * Whether pictures come in the order of display from here on, as an H.264 sequence parameter set says
 * by its type of picture order count.
 *
 * @returns undefined where there is no such set, or one that cannot be read
 */
export function h264InOrder(bytes: Uint8Array): boolean | undefined {
  for (let at = behindStartCode(bytes); at >= 0; at = behindStartCode(bytes, at)) {
    const type = bytes[at] & NAL_TYPE_MASK;
    if (type >= NAL_SLICE && type <= NAL_SLICE_IDR) return undefined;
    if (type === NAL_SPS) return inOrder(bytes.subarray(at + 1));
  }
  return undefined;
}

function inOrder(sps: Uint8Array): boolean | undefined {
  try {
    return readSps(sps).pocType === 2;
  } catch (error) {
    if (error instanceof StreamError) return undefined;
    throw error;
  }
}
