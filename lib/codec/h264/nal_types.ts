/**
 * nal_unit_type in table 7-1 of ITU-T H.264.
 *
 * @module
 */
export const NAL_SLICE = 1;
export const NAL_SLICE_PARTITION_A = 2;
export const NAL_SLICE_IDR = 5;
export const NAL_SEI = 6;
export const NAL_SPS = 7;
export const NAL_PPS = 8;
export const NAL_DELIMITER = 9;
export const NAL_END_OF_STREAM = 11;
export const NAL_PREFIX = 14;
export const NAL_RESERVED_18 = 18;

/** Of the first byte of a NAL unit. */
export const NAL_TYPE_MASK = 0x1f;

/** Whether a unit begins a slice: all of it, or the first of its partitions. */
export function isSlice(type: number): boolean {
  return type === NAL_SLICE || type === NAL_SLICE_PARTITION_A || type === NAL_SLICE_IDR;
}
