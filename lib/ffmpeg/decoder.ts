/**
 * Coded frames in, one picture each out.
 *
 * @module
 */
import { monotonicNs } from "../sys/clock.ts";
import { AVERROR_EAGAIN, AVFRAME } from "./abi/avutil.ts";
import { behindStartCode } from "../codec/annexb.ts";
import type { CodecName } from "../codec/codecs.ts";
import { isSlice, NAL_TYPE_MASK } from "../codec/h264/nal_types.ts";
import { BOTH_FIELDS } from "../codec/h264/slice.ts";
import { DECODERS, findFfmpegDecoder } from "./decoders.ts";
import { copyBytes } from "./copy_bytes.ts";
import { CodecContext, type GetBuffer } from "./context.ts";
import { Frame, isDamaged } from "./frame.ts";
import { fillMissingField } from "./missing_field.ts";
import type { Ffmpeg } from "./abi/libraries.ts";
import { Packet } from "./packet.ts";
import { type Allow, Allowance } from "./allowance.ts";
import { PictureMemory } from "./picture_memory.ts";

// Every decoder works on the calling thread, so that a coded frame is decoded when it was sent.
const OPTIONS = {
  threads: "1",
  // Else FFmpeg 5 and 6 warn of a get_buffer2 that frame threads would call.
  thread_type: "slice",
  // dav1d's own delay.
  max_frame_delay: "1",
  // The coded picture as a whole.
  apply_cropping: "0",
};

type Bytes = Uint8Array<ArrayBuffer>;

/** Decodes one stream. Its coded frames come one at a time, in decode order. */
export class Decoder implements Disposable {
  readonly #ffmpeg: Ffmpeg;
  readonly #source;
  readonly #access;
  readonly #recovery;
  readonly #finder;
  readonly #packet: Packet;
  readonly #memory: PictureMemory;
  /** The picture in the memory that the decoder asked for last. */
  readonly #asked: Frame;
  #given: Frame;
  #next: Frame;
  readonly #getBuffer: GetBuffer | undefined;
  readonly #context: CodecContext;
  #askedNow = false;
  /** Fields of that picture that there are, of H.264: TOP_FIELD and so on. */
  #fields = 0;
  /** There was a slice of them that cannot be read. */
  #unread = false;
  /** The decoder asked for memory of references that are missing. */
  #madeUp = false;
  /** The same of a picture since the last one that stands alone; and of those in front of that. */
  #doubt = false;
  #leadingDoubt = false;
  /** The last coded frame is as it was encoded, whatever is missing before it. */
  #exact = false;
  /** The decoder's own AVFrame for that picture: it says of damage what `#asked` was too early for. */
  #original: Deno.PointerValue = null;
  readonly #words = new Int32Array(AVFRAME.size >> 2);
  readonly #wordsPointer = Deno.UnsafePointer.of(this.#words);
  #damaged = false;
  #rejected = false;
  #codecNs = 0;
  /** FFmpeg's name of the decoder. */
  readonly name: string;

  /**
   * @param maxPixels the largest picture that memory is spent on
   * @param allow asked for the memory of all pictures and coded frames; without it they take what they take
   * @throws {Error} this FFmpeg has no decoder for the codec, or cannot open it
   */
  constructor(ffmpeg: Ffmpeg, codec: CodecName, maxPixels: number, allow?: Allow) {
    const decoder = findFfmpegDecoder(ffmpeg, codec);
    if (decoder === undefined) throw new Error(`FFmpeg ${ffmpeg.version}: no decoder for ${codec}`);
    this.#ffmpeg = ffmpeg;
    this.name = decoder.name;
    const { source, access, recovery, fields } = DECODERS[codec];
    this.#source = source;
    this.#access = access;
    this.#recovery = recovery?.();
    this.#finder = fields?.();
    using made = new DisposableStack();
    const parts = allow && new Allowance(allow);
    this.#packet = made.use(new Packet(ffmpeg, parts?.part()));
    this.#memory = made.use(new PictureMemory(ffmpeg, codec, parts?.part()));
    this.#asked = made.use(new Frame(ffmpeg));
    this.#given = made.use(new Frame(ffmpeg));
    this.#next = made.use(new Frame(ffmpeg));
    if (this.#source !== "given" || allow) {
      const callback = made.adopt(this.#makeGetBuffer(), (callback) => callback.close());
      this.#getBuffer = callback;
    }
    const { decodingOrder } = DECODERS[codec];
    const options = { ...OPTIONS, ...decodingOrder, max_pixels: String(maxPixels) };
    this.#context = made.use(
      new CodecContext(ffmpeg, decoder, options, { getBuffer: this.#getBuffer }),
    );
    this.#owned = made.move();
  }

  readonly #owned: DisposableStack;

  // FFmpeg calls it on this thread, within avcodec_send_packet and avcodec_receive_frame.
  #makeGetBuffer(): GetBuffer {
    const { avutil } = this.#ffmpeg;
    const asked = this.#asked;
    const memory = this.#memory;
    return new Deno.UnsafeCallback(
      { parameters: ["pointer", "pointer", "i32"], result: "i32" },
      (context, frame, flags) => {
        if (this.#source === "first asked" && this.#askedNow) {
          this.#madeUp = true;
          return memory.allocate(context, frame, flags);
        }
        asked.clear();
        this.#askedNow = false;
        const code = memory.allocate(context, frame, flags);
        if (code < 0 || this.#source === "given") return code;
        // With a reference of our own FFmpeg cannot use the memory for another picture.
        const copied = avutil.av_frame_ref(asked.pointer, frame);
        this.#askedNow = copied >= 0;
        this.#original = this.#askedNow ? frame : null;
        return Math.min(copied, 0);
      },
    );
  }

  /**
   * Whether the last coded frame was damaged. There may be a picture nevertheless, patched up from
   * others.
   */
  get damaged(): boolean {
    return this.#damaged;
  }

  /** Whether FFmpeg rejected the last coded frame: it is none that others can refer to. */
  get rejected(): boolean {
    return this.#rejected;
  }

  /** Whether there was no memory for the picture of the last coded frame. */
  get refused(): boolean {
    return this.#memory.refused;
  }

  /** What FFmpeg itself took in the latest `decode`, in nanoseconds. */
  get codecNs(): number {
    return this.#codecNs;
  }

  /** @returns whether there may be memory for a coded frame of so many bytes */
  reserve(size: number): boolean {
    return this.#packet.reserve(size);
  }

  /**
   * Takes a copy of one coded frame, an access unit, temporal unit or superframe, for `decode`.
   *
   * @param size in bytes, at least 1
   * @throws {FfmpegError} no memory
   * @throws {Error} none that it may have
   */
  take(source: Deno.PointerObject, size: number): void {
    this.#packet.copy(source, size);
  }

  /**
   * Decodes the frame that was taken.
   *
   * @returns its picture, uncropped, valid until the next call; undefined where it has none
   */
  decode(): Frame | undefined {
    const { avcodec } = this.#ffmpeg;
    const context = this.#context.pointer;
    this.#askedNow = false;
    this.#madeUp = false;
    this.#codecNs = 0;
    if (!this.#memory.admits(this.#packet.bytes)) {
      this.#damaged = this.#rejected = true;
      return undefined;
    }
    const begin = monotonicNs();
    const sent = avcodec.avcodec_send_packet(context, this.#packet.pointer);
    this.#rejected = sent < 0;
    let given = false;
    // To the end: with a picture left in it FFmpeg would put the next coded frame off.
    for (;;) {
      const code = avcodec.avcodec_receive_frame(context, this.#next.pointer);
      if (code < 0) {
        this.#rejected ||= code !== AVERROR_EAGAIN;
        break;
      }
      [this.#given, this.#next] = [this.#next, this.#given];
      given = true;
    }
    this.#codecNs = monotonicNs() - begin;
    const { bytes } = this.#packet;
    this.#exact = this.#recovery?.next(bytes as Bytes, this.#doubt || this.#madeUp) ?? false;
    this.#rejected ||= this.#memory.refused;
    if (this.#rejected) this.#recovery?.lose();
    const picture = this.#memory.refused ? undefined : this.#picture(given);
    this.#lookForFields(picture);
    this.#damaged = this.#rejected || picture !== undefined && this.#isDamaged(picture);
    return picture;
  }

  /** A client that gives one field alone gets a picture for it, in which nothing may be left of others. */
  #lookForFields(picture: Frame | undefined): void {
    if (this.#finder === undefined) return;
    const fields = this.#finder.fieldsIn(this.#packet.bytes as Bytes);
    if (this.#askedNow) this.#unread = false;
    this.#unread ||= this.#finder.broken;
    this.#fields = this.#askedNow ? fields : this.#fields | fields;
    if (picture === undefined || this.#fields === 0 || this.#fields === BOTH_FIELDS) return;
    fillMissingField(this.#ffmpeg, picture, this.#fields);
  }

  #isDamaged(picture: Frame): boolean {
    if (this.#source !== "asked" && this.#source !== "first asked") return picture.damaged;
    if (this.#source === "first asked" && this.#isDoubtful()) return true;
    if (this.#unread) return true;
    if (this.#original === null) return false;
    copyBytes(this.#ffmpeg, this.#wordsPointer, this.#original, AVFRAME.size);
    return isDamaged(this.#ffmpeg, this.#words);
  }

  /**
   * Whether references were made up for the picture, or for one that it may refer to: they stay with the
   * decoder. What stands alone may name some, for leading pictures behind it.
   */
  #isDoubtful(): boolean {
    const access = this.#access?.(this.#packet.bytes);
    if (access === "key" || access === "open") {
      this.#leadingDoubt = this.#madeUp || access === "open" && this.#doubt;
      return this.#doubt = false;
    }
    this.#doubt ||= this.#madeUp;
    if (this.#exact) return false;
    return this.#doubt || access === "leading" && this.#leadingDoubt;
  }

  #picture(given: boolean): Frame | undefined {
    if (given && this.#source.startsWith("given")) return this.#given;
    if (this.#source === "given") return undefined;
    if (this.#askedNow) return this.#asked;
    // The second field of a picture goes where the first one is.
    const field = this.#source === "asked" && this.#asked.width > 0 && hasSlice(this.#packet.bytes);
    return field ? this.#asked : undefined;
  }

  /** @param maxPixels the largest picture that memory is spent on, from now on */
  limit(maxPixels: number): void {
    this.#context.setOption("max_pixels", String(maxPixels));
  }

  /** Forgets all coded frames: the next one stands alone. */
  flush(): void {
    this.#context.flush();
    this.#memory.flush();
    this.#original = null;
    this.#doubt = this.#leadingDoubt = false;
    this.#recovery?.lose();
    this.#asked.clear();
    this.#given.clear();
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}

/** Whether H.264 in Annex B's form has a slice, or parameter sets and the like only. */
function hasSlice(bytes: Uint8Array): boolean {
  for (let at = behindStartCode(bytes); at >= 0; at = behindStartCode(bytes, at)) {
    if (isSlice(bytes[at] & NAL_TYPE_MASK)) return true;
  }
  return false;
}
