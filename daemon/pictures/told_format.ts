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
  width = 0;
  height = 0;
  left = 0;
  top = 0;
  visibleWidth = 0;
  visibleHeight = 0;
  /** In bits; 0 where there was no picture yet. */
  depth = 0;

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
    const same = depth === this.depth && picture.width === this.width &&
      picture.height === this.height && visible.left === this.left && visible.top === this.top &&
      visible.width === this.visibleWidth && visible.height === this.visibleHeight;
    if (same) return false;
    this.depth = depth;
    this.width = picture.width;
    this.height = picture.height;
    this.left = visible.left;
    this.top = visible.top;
    this.visibleWidth = visible.width;
    this.visibleHeight = visible.height;
    return true;
  }

  /** Makes the next picture's format another one than before. */
  forget(): void {
    this.depth = 0;
  }

  [Symbol.dispose](): void {
    this.#visible[Symbol.dispose]();
  }
}
