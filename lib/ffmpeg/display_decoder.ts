/**
 * Coded frames in, pictures in display order out.
 *
 * @module
 */
import { monotonicNs } from "../sys/clock.ts";
import { AVERROR_EAGAIN, AVERROR_EOF } from "./abi/avutil.ts";
import { type Colours, coloursOf } from "./colours.ts";
import type { CodecName } from "../codec/codecs.ts";
import { DECODERS, findFfmpegDecoder } from "./decoders.ts";
import { CodecContext, type GetBuffer } from "./context.ts";
import { Doubt } from "./doubt.ts";
import { Frame } from "./frame.ts";
import type { Ffmpeg } from "./abi/libraries.ts";
import { Packet } from "./packet.ts";
import { PacketHistory } from "./packet_history.ts";
import { type Allow, Allowance } from "./allowance.ts";
import { PictureMemory } from "./picture_memory.ts";
import type { HevcRecovery } from "../codec/hevc/recovery.ts";
import type { Access } from "../codec/random_access.ts";

// What comes out is what the ffmpeg command makes of the same data, also of damaged data.
const OPTIONS = {
  threads: "1",
  // dav1d's own delay.
  max_frame_delay: "1",
  // The coded picture as a whole.
  apply_cropping: "0",
};

// No decoder complains so often of one coded frame.
const MAX_COMPLAINTS = 1000;
/** How often FFmpeg wants fields of one parity before it shows what has no other. */
const FIELDS_SHOWN = 4;

// As many parameter sets as anybody sends one by one, and as many bytes of them in all.
const MAX_LEAD = 16;
const MAX_LEAD_BYTES = 1 << 20;

// The upper half of AV_NOPTS_VALUE, of libavutil/avutil.h; the lower one is 0.
const NOPTS_HIGH = 0x8000_0000;

// Both halves of the pts of what is decoded a second time.
const AGAIN = 0xffff_ffff;

/**
 * Decodes one stream as a player would. Each coded frame brings any number of pictures, of itself or
 * of those before it; each picture has the pts of the coded frame that it is of.
 *
 * `drain` takes out what waits for its turn, and decoding then goes on with all references. But for
 * H.264, FFmpeg has to be flushed after that, and so all coded frames since the latest random access point
 * are decoded once more. Where these are more than 600, or 32 MiB, they are not: up to the next random
 * access point, pictures are then what FFmpeg makes of the rest, and doubtful.
 */
export class DisplayDecoder implements Disposable {
  readonly #ffmpeg: Ffmpeg;
  readonly #access: ((bytes: Uint8Array) => Access) | undefined;
  readonly #inOrder: ((bytes: Uint8Array) => boolean | undefined) | undefined;
  readonly #recovery: HevcRecovery | undefined;
  readonly #guesses: boolean;
  readonly #beginsAnew: boolean;
  readonly #drains: "in place" | "again" | undefined;
  readonly #history: PacketHistory;
  readonly #doubt = new Doubt();
  readonly #parts: Allowance | undefined;
  readonly #memory: PictureMemory;
  readonly #packet: Packet;
  readonly #again: Packet;
  readonly #empty: Packet;
  readonly #options: Readonly<Record<string, string>>;
  readonly #context: CodecContext;
  readonly #owned: DisposableStack;
  /** Headers that came by themselves since the last coded picture. */
  readonly #lead: Uint8Array<ArrayBuffer>[] = [];
  /** What the last coded frame is to others. */
  #last: Access | undefined;
  /** Flushed by `drain`, in the middle of a stream. */
  #flushed = false;
  /** That was more than can be decoded again; there was no random access point since. */
  #lost = false;
  /** `drain` is on, and FFmpeg gives what waits one by one. */
  #emptying = false;
  /** Emptied by `drain` in its place, and there was no picture since. */
  #emptied = false;
  /** Flushed by `flush`, and FFmpeg has had no key frame since. */
  #seeking = false;
  /** There was a random access point since the beginning, or `flush`. */
  #begun = false;
  /**
   * No `flush` since the latest random access point, or picture. Else nothing waits, and FFmpeg would
   * show nothing any more behind a packet without bytes.
   */
  #shows = true;
  #damaged = false;
  /** Of the pts of what was taken last. */
  #low = 0;
  #codecNs = 0;
  /** The picture that `receive` got. */
  readonly picture: Frame;
  /** FFmpeg's name of the decoder. */
  readonly name: string;

  /**
   * @param maxPixels the largest picture that memory is spent on
   * @param allow asked for the memory of all pictures and coded frames; without it they take what they take
   * @throws {Error} this FFmpeg has no decoder for the codec, or cannot open it
   */
  constructor(ffmpeg: Ffmpeg, readonly codec: CodecName, maxPixels: number, allow?: Allow) {
    const decoder = findFfmpegDecoder(ffmpeg, codec);
    if (decoder === undefined) throw new Error(`FFmpeg ${ffmpeg.version}: no decoder for ${codec}`);
    this.#ffmpeg = ffmpeg;
    this.name = decoder.name;
    const { access, recovery, inOrder, drains, guesses = false, beginsAnew = false } =
      DECODERS[codec];
    this.#access = access;
    this.#recovery = recovery?.();
    this.#inOrder = inOrder;
    this.#guesses = guesses;
    this.#beginsAnew = beginsAnew;
    this.#drains = drains;
    using made = new DisposableStack();
    const parts = this.#parts = allow && new Allowance(allow);
    this.#history = made.use(new PacketHistory(parts?.part()));
    this.#packet = made.use(new Packet(ffmpeg, parts?.part()));
    this.#again = made.use(new Packet(ffmpeg, parts?.part()));
    this.#empty = made.use(new Packet(ffmpeg));
    this.#empty.makeEmpty();
    this.picture = made.use(new Frame(ffmpeg));
    // As av_frame_alloc leaves it: a release whose AVFrame is another one is noticed here.
    if (this.picture.ptsLow !== 0 || this.picture.ptsHigh !== NOPTS_HIGH) {
      throw new Error(`FFmpeg ${ffmpeg.version}: AVFrame has its pts at another place`);
    }
    this.#options = { ...OPTIONS, max_pixels: String(maxPixels) };
    this.#memory = made.use(new PictureMemory(ffmpeg, codec, parts?.part()));
    const getBuffer = allow && this.#makeGetBuffer(this.#memory, made);
    this.#context = made.use(new CodecContext(ffmpeg, decoder, this.#options, { getBuffer }));
    this.#owned = made.move();
  }

  // FFmpeg calls it on this thread, within avcodec_send_packet and avcodec_receive_frame.
  #makeGetBuffer(memory: PictureMemory, made: DisposableStack): GetBuffer {
    const callback: GetBuffer = new Deno.UnsafeCallback(
      { parameters: ["pointer", "pointer", "i32"], result: "i32" },
      (context, frame, flags) => memory.allocate(context, frame, flags),
    );
    return made.adopt(callback, (callback) => callback.close());
  }

  /**
   * What the coded frame that was taken last looks like, where decoding may begin with it and its
   * picture has to wait for its turn: a decoder of its own gives it out at once.
   *
   * @param look called with the picture, which it must not keep
   * @throws {Error} the second decoder cannot be opened
   */
  peek(look: (picture: Frame) => void): void {
    if (this.#last !== "key" && this.#last !== "open" && !this.#recovery?.isPoint) return;
    const ffmpeg = this.#ffmpeg;
    const { avcodec } = ffmpeg;
    using made = new DisposableStack();
    const coded = this.#parts?.part();
    made.defer(() => coded?.(0));
    // Its own copy of what the packet has.
    if (coded?.(this.#packet.capacity) === false) return;
    const memory = made.use(new PictureMemory(ffmpeg, this.codec, this.#parts?.part()));
    const getBuffer = this.#parts && this.#makeGetBuffer(memory, made);
    const decoder = findFfmpegDecoder(ffmpeg, this.codec)!;
    const context = made.use(new CodecContext(ffmpeg, decoder, this.#options, { getBuffer }));
    const picture = made.use(new Frame(ffmpeg));
    for (const header of this.#lead) {
      avcodec.avcodec_send_packet(context.pointer, this.#copy(header).pointer);
    }
    // One field alone FFmpeg does not show, but the third of a parity.
    for (const times of [1, FIELDS_SHOWN]) {
      for (let sent = 0; sent < times; sent++) {
        avcodec.avcodec_send_packet(context.pointer, this.#packet.pointer);
      }
      avcodec.avcodec_send_packet(context.pointer, null);
      if (avcodec.avcodec_receive_frame(context.pointer, picture.pointer) >= 0) {
        return look(picture);
      }
      context.flush();
    }
  }

  /**
   * Whether FFmpeg complained of the last coded frame, or had to be flushed and lacks what that refers to.
   * Headers by themselves are no damage.
   */
  get damaged(): boolean {
    return (this.#damaged || this.#lost || this.refused) && this.#last !== "none";
  }

  /** Whether there was no memory for a picture since the last coded frame came. */
  get refused(): boolean {
    return this.#memory.refused;
  }

  /** Whether the picture that `receive` got may be wrong: something was concealed or made up in it. */
  get doubtful(): boolean {
    return this.picture.damaged || (this.#guesses && this.#doubt.has(this.picture.ptsLow));
  }

  /** As the stream says by now. */
  get colours(): Colours {
    return coloursOf(this.#ffmpeg, this.#context);
  }

  /** What FFmpeg itself took since the last `take`, in nanoseconds. */
  get codecNs(): number {
    return this.#codecNs;
  }

  /**
   * Takes a copy of one coded frame for `decode`.
   *
   * @param size in bytes, at least 1
   * @param low of its pts, which is neither AV_NOPTS_VALUE nor -1
   * @throws {FfmpegError} no memory
   * @throws {Error} none that it may have
   */
  take(source: Deno.PointerObject, size: number, low: number, high: number): void {
    // What refers to it will have something else.
    if (!this.#packet.reserve(size)) this.#lose();
    this.#packet.copy(source, size);
    this.#packet.setPts(low, high);
    this.#low = low;
    this.#codecNs = 0;
  }

  /** Decodes the frame that was taken; `receive` then gives pictures. */
  decode(): void {
    const access = this.#access?.(this.#packet.bytes);
    const begin = monotonicNs();
    this.#setOrder();
    if (access === "key" || access === "open") this.#begin();
    // Of a sequence that begins anew FFmpeg drops what comes before the last picture that it gave out,
    // unless it gave that out when it had the first of the new ones.
    if (this.#emptied && access === "key") this.#context.flush();
    if (access !== "none") this.#emptied = false;
    if (this.#flushed && access !== "key") this.#decodeAgain(access);
    const exact = this.#recover();
    if (access !== undefined) this.#doubt.add(this.#low, access, this.#seeking, exact);
    this.#flushed = false;
    if (this.#last !== "none") this.#lead.length = 0;
    this.#last = access;
    this.#damaged = !this.#memory.admits(this.#packet.bytes) || this.#send(this.#packet) < 0;
    if (this.#damaged) this.#recovery?.lose();
    if (this.refused) this.#lose();
    this.#codecNs += monotonicNs() - begin;
    if (access !== undefined && this.#drains === "again") {
      this.#history.add(this.#packet.bytes, access);
    }
    if (access === "none") this.#keepLead(this.#packet.bytes);
  }

  #keepLead(header: Uint8Array): void {
    const kept = this.#lead.reduce((sum, { length }) => sum + length, header.length);
    if (this.#lead.length < MAX_LEAD && kept <= MAX_LEAD_BYTES) this.#lead.push(header.slice());
  }

  /** FFmpeg gets a random access point. */
  #begin(): void {
    this.#seek(false);
    this.#lost = false;
    if (this.#beginsAnew && !this.#begun) this.#context.flush();
    this.#begun = true;
    this.#shows = true;
  }

  /** @returns whether the frame is as it was encoded although what came before it is not all there */
  #recover(): boolean {
    const recovery = this.#recovery;
    if (recovery === undefined) return false;
    const exact = recovery.next(this.#packet.bytes as Uint8Array<ArrayBuffer>, !this.#doubt.whole);
    if (recovery.isPoint) {
      this.#seek(false);
      this.#lost = false;
      this.#begun = true;
      this.#shows = true;
    }
    return exact;
  }

  /** What refers to frames so far may have something else. */
  #lose(): void {
    this.#doubt.lose();
    this.#recovery?.lose();
  }

  /**
   * Without a VUI an H.264 stream does not say how far its pictures are reordered. FFmpeg learns it as it
   * goes, losing pictures, unless it is strict: then it takes what the level allows.
   */
  #setOrder(): void {
    const inOrder = this.#inOrder?.(this.#packet.bytes);
    if (inOrder !== undefined) this.#context.setOption("strict", inOrder ? "normal" : "strict");
  }

  #send({ pointer }: Packet): number {
    return this.#ffmpeg.avcodec.avcodec_send_packet(this.#context.pointer, pointer);
  }

  /** A packet whose picture, where it is one, was shown before. */
  #copy(bytes: Uint8Array<ArrayBuffer>): Packet {
    this.#again.copy(Deno.UnsafePointer.of(bytes)!, bytes.length);
    this.#again.setPts(AGAIN, AGAIN);
    return this.#again;
  }

  /** Comes to where the decoder was before it was flushed. */
  #decodeAgain(access: Access | undefined): void {
    const { avcodec } = this.#ffmpeg;
    const history = this.#history;
    let longest = 0;
    for (let i = 0; i < history.length; i++) longest = Math.max(longest, history.at(i).length);
    if (!this.#again.reserve(longest)) history.clear();
    if (history.length === 0) {
      this.#lose();
      this.#lost = this.#begun && access !== "open";
    }
    for (let i = 0; i < history.length; i++) {
      this.#send(this.#copy(history.at(i)));
      while (avcodec.avcodec_receive_frame(this.#context.pointer, this.picture.pointer) >= 0);
    }
  }

  /**
   * Gets the next picture.
   *
   * @returns whether there is one; if not, it wants the next coded frame, or everything is out
   */
  receive(): boolean {
    const begin = monotonicNs();
    const found = this.#receive();
    this.#codecNs += monotonicNs() - begin;
    return found;
  }

  #receive(): boolean {
    const { avcodec } = this.#ffmpeg;
    const { picture } = this;
    let asked = false;
    for (let complaints = 0; complaints < MAX_COMPLAINTS;) {
      const code = avcodec.avcodec_receive_frame(this.#context.pointer, picture.pointer);
      if (code === AVERROR_EAGAIN && this.#emptying && !asked) {
        this.#send(this.#empty);
        asked = true;
        continue;
      }
      if (code === AVERROR_EAGAIN || code === AVERROR_EOF) return false;
      if (code < 0) {
        this.#damaged = true;
        if (this.refused) this.#lose();
        complaints++;
        continue;
      }
      this.#seek(false);
      this.#shows = true;
      // Else it was shown before.
      if (picture.ptsLow !== AGAIN || picture.ptsHigh !== AGAIN) return true;
    }
    return false;
  }

  /** Has `receive` give all pictures that wait for their turn; `resume` comes after that. */
  drain(): void {
    if (this.#drains === "in place") this.#emptying = this.#shows;
    else if (this.#drains === "again" && !this.#flushed) {
      this.#ffmpeg.avcodec.avcodec_send_packet(this.#context.pointer, null);
    }
  }

  /** Goes on after `drain`, with all that was decoded before. */
  resume(): void {
    this.#emptied ||= this.#emptying;
    this.#emptying = false;
    if (this.#drains !== "again") return;
    this.#context.flush();
    this.#flushed = true;
  }

  /** Has FFmpeg show no picture before the next key frame, or all that it can. */
  #seek(seeking: boolean): void {
    if (this.#seeking === seeking || !this.#guesses) return;
    this.#seeking = seeking;
    this.#context.setOption("skip_frame", seeking ? "nokey" : "default");
  }

  /** Forgets all coded frames: pictures come from the next key frame on. Parameter sets stay. */
  flush(): void {
    this.#context.flush();
    this.#memory.flush();
    this.#seek(true);
    this.#begun = false;
    this.#shows = false;
    this.#lost = false;
    this.#history.clear();
    this.#lose();
    this.#flushed = false;
    this.#emptying = false;
    this.#emptied = false;
    this.#last = undefined;
    this.picture.clear();
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}
