/**
 * What the pictures of a stateful stream are like, as FORMAT tells it.
 *
 * @module
 */
import type { Frame } from "../../lib/ffmpeg/frame.ts";
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { LAYOUTS } from "../../lib/ffmpeg/packer.ts";
import { VisiblePart } from "../../lib/ffmpeg/visible_part.ts";
import { cString } from "../../lib/sys/libc.ts";

/** Of vpipe-dec.h, in pixels. */
export const MAX_SIZE = 4096;

/** Bits of a sample in what can be packed, by FFmpeg's names. */
const DEPTHS = Object.values(LAYOUTS).flatMap(({ sources, grey, depth }) =>
  [...sources, grey].map((name) => [name, depth] as const)
);

/** Of the latest picture: its coded size, the visible part of it, and its depth. */
export class ToldFormat implements Disposable {
  readonly #depths: ReadonlyMap<number, number>;
  readonly #visible: VisiblePart;
  /** As `struct vpipe_dec_format` has it; a depth of 0 where there was no picture yet. */
  readonly told = {
    width: 0,
    height: 0,
    left: 0,
    top: 0,
    visible_width: 0,
    visible_height: 0,
    depth: 0,
  };

  constructor(ffmpeg: Ffmpeg) {
    const { avutil } = ffmpeg;
    this.#depths = new Map(
      DEPTHS.map(([name, depth]) => [avutil.av_get_pix_fmt(cString(name)), depth]),
    );
    this.#visible = new VisiblePart(ffmpeg);
  }

  /** Whether a picture can be given to a client at all. */
  takes({ width, height, format }: Frame): boolean {
    return width <= MAX_SIZE && height <= MAX_SIZE && this.#depths.has(format);
  }

  /**
   * Makes this the format of a picture that it takes.
   *
   * @returns whether it is another one than before
   * @throws {FfmpegError} no memory
   */
  update(picture: Frame): boolean {
    const depth = this.#depths.get(picture.format)!;
    const visible = this.#visible;
    visible.measure(picture, depth > 8 ? 2 : 1);
    const { told } = this;
    const same = depth === told.depth && picture.width === told.width &&
      picture.height === told.height && visible.left === told.left && visible.top === told.top &&
      visible.width === told.visible_width && visible.height === told.visible_height;
    if (same) return false;
    told.depth = depth;
    told.width = picture.width;
    told.height = picture.height;
    told.left = visible.left;
    told.top = visible.top;
    told.visible_width = visible.width;
    told.visible_height = visible.height;
    return true;
  }

  /** Makes the next picture's format another one than before. */
  forget(): void {
    this.told.depth = 0;
  }

  [Symbol.dispose](): void {
    this.#visible[Symbol.dispose]();
  }
}
