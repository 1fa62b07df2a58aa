/**
 * AV1 whose headers are in controls: a buffer holds tiles, and another control says where.
 * Source of the OBUs: AV1 Bitstream & Decoding Process Specification, sections 5.3 and 5.11.
 *
 * @module
 */
import {
  V4L2_CID_STATELESS_AV1_FILM_GRAIN,
  V4L2_CID_STATELESS_AV1_FRAME,
  V4L2_CID_STATELESS_AV1_SEQUENCE,
  V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY,
  v4l2_ctrl_av1_tile_group_entry as TILE,
} from "../../lib/uapi/v4l2_controls_av1.ts";
import { Av1FrameWriter } from "../../lib/codec/av1/frame_writer.ts";
import { writeAv1Sequence } from "../../lib/codec/av1/sequence_writer.ts";
import { AV1_TILE_SIZE_BYTES } from "../../lib/codec/av1/tiles_writer.ts";
import { BitWriter } from "../../lib/codec/bits/writer.ts";
import { OBU_FRAME, OBU_SEQUENCE_HEADER, OBU_TEMPORAL_DELIMITER } from "../../lib/codec/av1/obu.ts";
import { StreamError } from "../../lib/codec/stream_error.ts";
import type { Assembly } from "./access_unit_buffer.ts";
import type { FrameControls, Rebuilder } from "./rebuilder.ts";

const HAS_SIZE = 2;
const DELIMITER = Uint8Array.of(OBU_TEMPORAL_DELIMITER << 3 | HAS_SIZE, 0);
// A size always takes four bytes of seven bits: it is known when what follows is written.
const SIZE_BYTES = 4;
const MAX_SIZE = 2 ** (7 * SIZE_BYTES) - 1;

const { tile_offset: OFFSET, tile_size: SIZE } = TILE.fields;

/** Puts sequence and frame header in front of tiles. */
export class Av1Rebuilder implements Rebuilder {
  readonly #bits = new BitWriter();
  readonly #writer = new Av1FrameWriter(this.#bits);
  readonly #header = new Uint8Array(1 + SIZE_BYTES);
  readonly #tileSize = new Uint8Array(AV1_TILE_SIZE_BYTES);
  readonly #tileSizeView = new DataView(this.#tileSize.buffer);
  /** Timestamp of the latest frame. */
  #low = 0;
  #high = 0;
  /** The frame that was added last is kept for later ones. */
  #kept = false;

  isWhole(_bytes: Uint8Array, controls: FrameControls): boolean {
    const tiles = controls.find(V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY);
    if (tiles === undefined) return true;
    const words = wordsOf(tiles);
    for (let at = SIZE.offset >> 2; at < words.length; at += TILE.size >> 2) {
      if (words[at] !== 0) return false;
    }
    return true;
  }

  add(to: Assembly, bytes: Uint8Array, controls: FrameControls): void {
    this.#kept = false;
    const sequence = controls.find(V4L2_CID_STATELESS_AV1_SEQUENCE);
    const frame = controls.find(V4L2_CID_STATELESS_AV1_FRAME);
    const tiles = controls.find(V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY);
    if (!sequence || !frame || !tiles) throw new StreamError("a frame lacks a control");
    const writer = this.#writer;
    const bits = this.#bits;
    writer.load(sequence, frame, controls.find(V4L2_CID_STATELESS_AV1_FILM_GRAIN));
    to.add(DELIMITER);
    bits.clear();
    writeAv1Sequence(bits, writer.sequence);
    this.#addHeader(to, OBU_SEQUENCE_HEADER, bits.bytes.length);
    to.add(bits.bytes);
    bits.clear();
    writer.write();
    bits.align();
    // tile_start_and_end_present_flag, where there are several: all of them follow
    if (writer.tiles > 1) bits.bits(0, 8);
    this.#addHeader(to, OBU_FRAME, bits.bytes.length + this.#sizeOf(tiles, bytes.length));
    to.add(bits.bytes);
    this.#addTiles(to, bytes, tiles);
    this.#low = controls.timestampLow;
    this.#high = controls.timestampHigh;
    writer.keep(this.#low, this.#high);
    this.#kept = true;
  }

  #addHeader(to: Assembly, type: number, size: number): void {
    if (size > MAX_SIZE) throw new StreamError(`an OBU of ${size} bytes`);
    const header = this.#header;
    header[0] = type << 3 | HAS_SIZE;
    for (let i = 0; i < SIZE_BYTES; i++) {
      header[1 + i] = size >> 7 * i & 0x7f | (i + 1 < SIZE_BYTES ? 0x80 : 0);
    }
    to.add(header);
  }

  /** Bytes of all tiles with their sizes; checks that they lie in the buffer. */
  #sizeOf(tiles: Uint8Array, length: number): number {
    const count = this.#writer.tiles;
    const words = wordsOf(tiles);
    if (tiles.length !== count * TILE.size) {
      throw new StreamError(`${tiles.length / TILE.size} of ${count} tiles`);
    }
    let size = AV1_TILE_SIZE_BYTES * (count - 1);
    for (let at = 0; at < words.length; at += TILE.size >> 2) {
      const bytes = words[at + (SIZE.offset >> 2)];
      if (bytes === 0 || words[at + (OFFSET.offset >> 2)] + bytes > length) {
        throw new StreamError("a tile is not in the buffer");
      }
      size += bytes;
    }
    return size;
  }

  #addTiles(to: Assembly, bytes: Uint8Array, tiles: Uint8Array): void {
    const words = wordsOf(tiles);
    for (let at = 0; at < words.length; at += TILE.size >> 2) {
      const offset = words[at + (OFFSET.offset >> 2)];
      const size = words[at + (SIZE.offset >> 2)];
      if (at + (TILE.size >> 2) < words.length) {
        this.#tileSizeView.setUint32(0, size - 1, true);
        to.add(this.#tileSize);
      }
      to.add(bytes.subarray(offset, offset + size));
    }
  }

  reject(): void {
    this.#writer.drop(this.#low, this.#high);
  }

  /** What it would have replaced is not known any more. */
  giveUp(): void {
    if (this.#kept) this.#writer.clear();
    this.#kept = false;
  }

  flush(): void {
    this.#writer.clear();
  }
}

/** A payload, which a message aligns to 8 bytes, as 32-bit words. */
function wordsOf({ buffer, byteOffset, length }: Uint8Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, length >> 2);
}
