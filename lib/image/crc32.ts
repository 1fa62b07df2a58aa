/**
 * The kernel's crc32_le(~0, bytes): reflected polynomial 0xedb88320, start ~0, no final inversion.
 *
 * @module
 */
import { crc32 as inverted } from "node:zlib";

/** CRC-32 of `bytes` without the final inversion, as `struct vpipe_meta_entry` carries it. */
export function crc32(bytes: Uint8Array): number {
  return ~inverted(bytes) >>> 0;
}
