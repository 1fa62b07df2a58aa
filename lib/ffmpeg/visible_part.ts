/**
 * The part of a coded picture that is to be shown.
 *
 * @module
 */
import { AV_FRAME_CROP_UNALIGNED } from "./abi/avutil.ts";
import { FfmpegError } from "./abi/error.ts";
import { Frame } from "./frame.ts";
import type { Ffmpeg } from "./abi/libraries.ts";

/** Finds the visible rectangle of one picture after the other. */
export class VisiblePart implements Disposable {
  readonly #ffmpeg: Ffmpeg;
  readonly #cropped: Frame;
  /** In pixels, as all of them. */
  left = 0;
  top = 0;
  width = 0;
  height = 0;

  constructor(ffmpeg: Ffmpeg) {
    this.#ffmpeg = ffmpeg;
    this.#cropped = new Frame(ffmpeg);
  }

  /**
   * Sets the rectangle to that of `picture`, which is not changed. How far FFmpeg moves its first
   * sample says left and top, as the members with the four borders lie elsewhere in each release.
   *
   * @param bytesPerSample of the first plane
   * @throws {FfmpegError} no memory
   */
  measure(picture: Frame, bytesPerSample: number): void {
    const { avutil } = this.#ffmpeg;
    const cropped = this.#cropped;
    const code = avutil.av_frame_ref(cropped.pointer, picture.pointer);
    if (code < 0) throw new FfmpegError(this.#ffmpeg, "av_frame_ref", code);
    avutil.av_frame_apply_cropping(cropped.pointer, AV_FRAME_CROP_UNALIGNED);
    const moved = cropped.address - picture.address;
    this.top = Math.floor(moved / picture.linesize);
    this.left = (moved - this.top * picture.linesize) / bytesPerSample;
    this.width = cropped.width;
    this.height = cropped.height;
    cropped.clear();
  }

  [Symbol.dispose](): void {
    this.#cropped[Symbol.dispose]();
  }
}
