/**
 * The kernel's crc32_le(~0, bytes): reflected polynomial 0xedb88320, start ~0, no final inversion.
 *
 * @module
 */

// Slicing by four: table k advances a byte that lies k bytes before the end of a word.
const tables = Array.from({ length: 4 }, () => new Uint32Array(256));
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  tables[0][byte] = crc;
}
for (let k = 1; k < 4; k++) {
  for (let byte = 0; byte < 256; byte++) {
    const crc = tables[k - 1][byte];
    tables[k][byte] = (crc >>> 8) ^ tables[0][crc & 255];
  }
}
const [t0, t1, t2, t3] = tables;

/** CRC-32 of `bytes` without the final inversion, as `struct vpipe_meta_entry` carries it. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  let i = 0;
  for (; i + 4 <= bytes.length; i += 4) {
    crc ^= bytes[i] | bytes[i + 1] << 8 | bytes[i + 2] << 16 | bytes[i + 3] << 24;
    crc = t3[crc & 255] ^ t2[crc >>> 8 & 255] ^ t1[crc >>> 16 & 255] ^ t0[crc >>> 24];
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[i]) & 255];
  return crc >>> 0;
}
