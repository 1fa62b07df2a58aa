/**
 * A file that comes in parts, and the coded frames in it.
 *
 * @module
 */
import type { Codec, CodecName } from "../../lib/codec/codecs.ts";
import { isStreamOf, type Lost, readStream, StreamError } from "../../lib/codec/stream.ts";
import type { DisplayDecoder } from "../../lib/ffmpeg/display_decoder.ts";
import { concatenate } from "../../lib/files/files.ts";

// Whoever writes it is root; a file that is written by mistake must not take all memory.
const MAX_BYTES = 64 << 20;

type Bytes = Uint8Array<ArrayBuffer>;

/** What a file holds. */
interface Found {
  readonly codec: CodecName;
  readonly frames: readonly Bytes[];
}

function find(bytes: Bytes, codec: CodecName | undefined, lost: Lost): Found {
  if (codec !== undefined && !isStreamOf(bytes, codec)) return { codec, frames: [bytes] };
  const units = [];
  try {
    for (const unit of readStream(bytes, codec as Codec | undefined, lost)) units.push(unit);
  } catch (error) {
    // What came before it is whole.
    if (!(error instanceof StreamError) || units.length === 0) throw error;
    lost(error, units.length);
  }
  return { codec: units[0].sequence.codec, frames: units.map(({ data }) => data) };
}

/** Takes a file in, and gives its frames to a decoder one by one. */
export class FileFrames {
  readonly #codec: CodecName | undefined;
  readonly #parts: Bytes[] = [];
  #size = 0;
  #frames: readonly Bytes[] = [];
  #next = 0;
  #broken = 0;

  /** @param codec what it must be; without it, what it is */
  constructor(codec: CodecName | undefined) {
    this.#codec = codec;
  }

  /** Whether a frame was left out because its headers are broken, or rejected by the decoder. */
  get broken(): boolean {
    return this.#broken > 0;
  }

  /**
   * Takes a copy of the next part.
   *
   * @returns false where the file is too large
   */
  add(part: Bytes): boolean {
    if (this.#size + part.length > MAX_BYTES) return false;
    this.#size += part.length;
    this.#parts.push(part.slice());
    return true;
  }

  /**
   * Finds the frames, when all parts are there.
   *
   * @returns the codec that they are for
   * @throws {StreamError} no video is known in it, or it is of another codec
   */
  close(): CodecName {
    const bytes = concatenate(this.#parts.splice(0));
    const { codec, frames } = find(bytes, this.#codec, () => this.#broken++);
    this.#frames = frames;
    return codec;
  }

  /**
   * Has the decoder decode the next frame, or, behind the last one, drained.
   *
   * @param low of the pts of all pictures
   * @returns whether there may be pictures yet
   * @throws {FfmpegError} no memory
   */
  decodeNext(decoder: DisplayDecoder, low: number, high: number): boolean {
    if (this.#next > 0 && this.#next <= this.#frames.length && decoder.damaged) this.#broken++;
    const at = this.#next++;
    if (at < this.#frames.length) {
      const frame = this.#frames[at];
      decoder.take(Deno.UnsafePointer.of(frame)!, frame.length, low, high);
      decoder.decode();
    } else if (at === this.#frames.length) decoder.drain();
    return at <= this.#frames.length;
  }
}
