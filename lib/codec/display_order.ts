/**
 * The display order of H.264's and HEVC's pictures, which follows from their order counts.
 * Source: ITU-T H.264, section C.4, and ITU-T H.265, section C.5.2.
 *
 * @module
 */

/** Place of a picture in its stream. */
export interface Place {
  /** Number of its coded video sequence: all its pictures come before those of the next. */
  readonly group: number;
  /** Its picture order count. */
  readonly count: number;
}

/**
 * The display indices of pictures that are given in decoding order: by group, then by count, then
 * as they were decoded.
 */
export function displayIndices(places: readonly Place[]): Int32Array {
  const order = places.map((_, i) => i).sort((a, b) =>
    places[a].group - places[b].group || places[a].count - places[b].count || a - b
  );
  const indices = new Int32Array(places.length);
  order.forEach((picture, index) => indices[picture] = index);
  return indices;
}

/**
 * For each picture in decoding order: how many decoded ones wait, once it is decoded, for others to
 * be shown before them.
 */
export function heldBack(indices: Int32Array): Int32Array {
  const decoded = new Uint8Array(indices.length);
  let shown = 0;
  return indices.map((index, i) => {
    decoded[index] = 1;
    while (decoded[shown]) shown++;
    return i + 1 - shown;
  });
}
