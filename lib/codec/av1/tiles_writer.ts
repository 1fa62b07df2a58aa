/**
 * How an AV1 frame is divided into tiles.
 * Source: AV1 Bitstream & Decoding Process Specification, sections 5.9.15 and 6.8.14.
 *
 * @module
 */
import type { BitWriter } from "../bits/writer.ts";
import { StreamError } from "../stream_error.ts";

/** Bytes of the size in front of each tile but the last. */
export const AV1_TILE_SIZE_BYTES = 4;

const MAX_TILES = 64;
const MAX_TILE_WIDTH = 4096;
const MAX_TILE_AREA = 4096 * 2304;
/** Log2 of the pixels of a unit in which tiles begin. */
const MI_SIZE = 2;

/** How often `unit` has to be doubled to be `size`. */
function log2Above(unit: number, size: number): number {
  let log2 = 0;
  while (unit * 2 ** log2 < size) log2++;
  return log2;
}

/** Writes one side of tiles of equal width; returns log2 of their number, rounded up. */
function writeUniform(
  bits: BitWriter,
  tiles: number,
  starts: Uint32Array,
  superblocks: number,
  shift: number,
  least: number,
): number {
  const most = log2Above(1, Math.min(superblocks, MAX_TILES));
  const width = tiles > 1 ? starts[1] >> shift : superblocks;
  let log2 = least;
  const widthOf = () => Math.ceil(superblocks / 2 ** log2);
  while (log2 < most && widthOf() > width) {
    bits.flag(true);
    log2++;
  }
  if (log2 < most) bits.flag(false);
  if (widthOf() !== width || Math.ceil(superblocks / width) !== tiles) {
    throw new StreamError(`${tiles} tiles of equal width in ${superblocks} superblocks`);
  }
  return log2;
}

/** Writes the width of each tile along one side; returns the widest, in superblocks. */
function writeWidths(
  bits: BitWriter,
  tiles: number,
  starts: Uint32Array,
  superblocks: number,
  shift: number,
  most: number,
): number {
  let widest = 0;
  for (let i = 0, start = 0; i < tiles; i++) {
    const end = i + 1 < tiles ? starts[i + 1] >> shift : superblocks;
    const width = end - start;
    bits.nonSymmetric(width - 1, Math.min(superblocks - start, most));
    widest = Math.max(widest, width);
    start = end;
  }
  return widest;
}

/**
 * Writes tile_info().
 *
 * @param width,height of the frame in pixels, before upscaling
 * @param columnStarts,rowStarts where tiles begin, in units of 4 pixels
 * @param log2Superblock of a superblock's side in pixels, 6 or 7
 * @throws {StreamError} the tiles do not fill the frame, or are larger than tiles can be
 */
export function writeAv1Tiles(
  bits: BitWriter,
  width: number,
  height: number,
  log2Superblock: number,
  uniform: boolean,
  columns: number,
  columnStarts: Uint32Array,
  rows: number,
  rowStarts: Uint32Array,
  contextUpdateTile: number,
): void {
  if (!(columns >= 1 && columns <= MAX_TILES && rows >= 1 && rows <= MAX_TILES)) {
    throw new StreamError(`${columns}x${rows} tiles`);
  }
  const shift = log2Superblock - MI_SIZE;
  const across = Math.ceil(width / 2 ** log2Superblock);
  const down = Math.ceil(height / 2 ** log2Superblock);
  const maxWidth = MAX_TILE_WIDTH >> log2Superblock;
  const minColumns = log2Above(maxWidth, across);
  const minTiles = Math.max(
    minColumns,
    log2Above(MAX_TILE_AREA >> 2 * log2Superblock, across * down),
  );
  let log2Columns: number;
  let log2Rows: number;
  bits.flag(uniform);
  if (uniform) {
    log2Columns = writeUniform(bits, columns, columnStarts, across, shift, minColumns);
    const minRows = Math.max(minTiles - log2Columns, 0);
    log2Rows = writeUniform(bits, rows, rowStarts, down, shift, minRows);
  } else {
    const widest = writeWidths(bits, columns, columnStarts, across, shift, maxWidth);
    const area = minTiles > 0 ? across * down >> (minTiles + 1) : across * down;
    writeWidths(bits, rows, rowStarts, down, shift, Math.max(Math.floor(area / widest), 1));
    log2Columns = log2Above(1, columns);
    log2Rows = log2Above(1, rows);
  }
  if (contextUpdateTile >= columns * rows) {
    throw new StreamError(`no tile ${contextUpdateTile}`);
  }
  if (log2Columns + log2Rows === 0) return;
  bits.bits(contextUpdateTile, log2Columns + log2Rows);
  bits.bits(AV1_TILE_SIZE_BYTES - 1, 2);
}
