/**
 * What FFmpeg exports of the blocks of a picture, beside it.
 *
 * @module
 */
import {
  AVFRAMESIDEDATA,
  AVMOTIONVECTOR,
  AVVIDEOBLOCKPARAMS,
  AVVIDEOENCPARAMS,
  SIDE_DATA_NAMES,
} from "./abi/avutil.ts";
import type { Ffmpeg } from "./abi/libraries.ts";
import type { Frame } from "./frame.ts";

/** Has a decoder export it. */
export const EXPORT_BLOCKS = { export_side_data: "+mvs+venc_params", threads: "1" };

/** A block, in pixels, and how coarsely it is quantised: as AVVideoEncParamsType has it for the codec. */
export interface Block {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly qp: number;
}

/** A block that is predicted from another picture. */
export interface MotionVector {
  /** Its upper left corner, in pixels. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Which picture: below 0 for one that is shown before, above 0 for one that is shown later. */
  readonly source: number;
  /** From here to there, in pixels. */
  readonly motionX: number;
  readonly motionY: number;
}

/** Reads both from pictures that a decoder with EXPORT_BLOCKS made. */
export class PictureBlocks {
  readonly #ffmpeg: Ffmpeg;
  readonly #motionVectors: number;
  readonly #encodingParameters: number;

  /** @throws {Error} this FFmpeg does not know of them */
  constructor(ffmpeg: Ffmpeg) {
    this.#ffmpeg = ffmpeg;
    this.#motionVectors = this.#typeOf(SIDE_DATA_NAMES.motionVectors);
    this.#encodingParameters = this.#typeOf(SIDE_DATA_NAMES.encodingParameters);
  }

  #typeOf(name: string): number {
    const { avutil, version } = this.#ffmpeg;
    for (let type = 0;; type++) {
      const pointer = avutil.av_frame_side_data_name(type);
      if (pointer === null) throw new Error(`FFmpeg ${version}: exports no ${name.toLowerCase()}`);
      if (Deno.UnsafePointerView.getCString(pointer) === name) return type;
    }
  }

  /** The picture as a whole first, and each block whose quantiser it tells; empty where it tells none. */
  blocks(picture: Frame): Block[] {
    const view = this.#sideData(picture, this.#encodingParameters);
    if (view === undefined) return [];
    const { blocks, blocksOffset, blockSize, qp } = AVVIDEOENCPARAMS;
    const first = Number(view.getBigUint64(blocksOffset, true));
    const step = Number(view.getBigUint64(blockSize, true));
    const ofPicture = view.getInt32(qp, true);
    const at = AVVIDEOBLOCKPARAMS;
    const { width, height } = picture;
    const each = Array.from({ length: view.getUint32(blocks, true) }, (_, i) => {
      const value = (offset: number) => view.getInt32(first + i * step + offset, true);
      return {
        x: value(at.x),
        y: value(at.y),
        width: value(at.width),
        height: value(at.height),
        qp: ofPicture + value(at.deltaQp),
      };
    });
    return [{ x: 0, y: 0, width, height, qp: ofPicture }, ...each];
  }

  /** Empty where the decoder says nothing, and for a picture that is predicted from none. */
  motionVectors(picture: Frame): MotionVector[] {
    const view = this.#sideData(picture, this.#motionVectors);
    if (view === undefined) return [];
    const at = AVMOTIONVECTOR;
    return Array.from({ length: Math.floor(view.byteLength / at.bytes) }, (_, i) => {
      const start = i * at.bytes;
      const width = view.getUint8(start + at.width);
      const height = view.getUint8(start + at.height);
      const scale = view.getUint16(start + at.motionScale, true);
      return {
        // FFmpeg gives the middle.
        x: view.getInt16(start + at.toX, true) - (width >> 1),
        y: view.getInt16(start + at.toY, true) - (height >> 1),
        width,
        height,
        source: view.getInt32(start + at.source, true),
        motionX: view.getInt32(start + at.motionX, true) / scale,
        motionY: view.getInt32(start + at.motionY, true) / scale,
      };
    });
  }

  #sideData({ pointer }: Frame, type: number): DataView | undefined {
    const entry = this.#ffmpeg.avutil.av_frame_get_side_data(pointer, type);
    if (entry === null) return undefined;
    const view = new Deno.UnsafePointerView(entry);
    const size = Number(view.getBigUint64(AVFRAMESIDEDATA.size));
    const data = view.getPointer(AVFRAMESIDEDATA.data);
    return data === null || size === 0
      ? undefined
      : new DataView(Deno.UnsafePointerView.getArrayBuffer(data, size));
  }
}
