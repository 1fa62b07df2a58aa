/**
 * A daemon inside the test program, whose codec fills a picture with the sum of the bitstream's
 * bytes: where it comes in several buffers, of those in the last one.
 *
 * @module
 */
import { SysError } from "../../../lib/sys/errno.ts";
import type { Mapping } from "../../../lib/sys/mmap.ts";
import * as uapi from "../../../lib/uapi/vpipe_dec.ts";
import { expect } from "../../harness/suite.ts";
import { Bridge, StreamFile } from "./bridge.ts";
import { DisplayedPictures, sumOf } from "./pictures.ts";

const { VPIPE_DEC_QUEUE_OUTPUT: OUTPUT, VPIPE_DEC_QUEUE_CAPTURE: CAPTURE } = uapi;
const NOTHING = new Uint8Array(0);

/** Serves one stream, frame by frame where it is a stateless one. */
export class AnsweredStream implements Disposable {
  readonly #mappings = [new Map<number, Mapping>(), new Map<number, Mapping>()];
  /** Bits of the buffers that the kernel said are gone, by queue. */
  readonly gone: [number, number] = [0, 0];
  starts = 0;
  /** Of a stateful stream, since its latest start. */
  pictures: DisplayedPictures | undefined;

  constructor(readonly file: StreamFile) {}

  /** @throws {SysError} where the client has freed the buffer, or ended the stream */
  map(queue: number, index: number): Uint8Array {
    let mapping = this.#mappings[queue].get(index);
    if (mapping === undefined) {
      mapping = this.file.map(queue, index);
      this.#mappings[queue].set(index, mapping);
    }
    return mapping.bytes;
  }

  /** Reads a message and gives its type; 0 where there is none, undefined where the stream is over. */
  step(): number | undefined {
    const size = this.file.read();
    if (size < 0) return 0;
    if (size === 0) return undefined;
    const { type } = this.file.header;
    if (type === uapi.VPIPE_DEC_MSG_START) this.#start();
    else if (type === uapi.VPIPE_DEC_MSG_FREE) this.#free();
    else this.pictures?.hear();
    return type;
  }

  /**
   * Reads until there is a frame of a stateless stream, and gives its cookie; 0 where there is none,
   * undefined where the stream is over.
   */
  next(): bigint | undefined {
    for (;;) {
      const type = this.step();
      if (!type) return type === undefined ? undefined : 0n;
      if (type === uapi.VPIPE_DEC_MSG_DECODE && !this.pictures) return this.file.header.cookie;
    }
  }

  #start(): void {
    const { flags } = uapi.vpipe_dec_start.at(this.file.message);
    this.starts++;
    this.pictures = flags & uapi.VPIPE_DEC_STATEFUL ? new DisplayedPictures(this) : undefined;
  }

  #free(): void {
    const { queue, indices } = uapi.vpipe_dec_free.at(this.file.message);
    expect(queue === OUTPUT || queue === CAPTURE, `buffers of queue ${queue} are gone`);
    this.gone[queue] |= indices;
    for (const [index, mapping] of this.#mappings[queue]) {
      if ((indices >>> index & 1) === 0) continue;
      mapping.close();
      this.#mappings[queue].delete(index);
    }
  }

  /** Decodes the frame that was read last; the result is that of DONE. */
  answer(): number {
    const { output_index, capture_index, bytesused, cookie, flags } = this.file.frame;
    try {
      const coded = flags & uapi.VPIPE_DEC_FINISH
        ? NOTHING
        : this.map(OUTPUT, output_index).subarray(0, bytesused);
      if (flags & uapi.VPIPE_DEC_MORE) return this.file.done(cookie);
      const picture = this.map(CAPTURE, capture_index);
      picture.fill(sumOf(coded));
      return this.file.done(cookie, { bytesused0: picture.length });
    } catch (error) {
      // The client has freed the buffer, or ended the stream.
      if (!(error instanceof SysError)) throw error;
      return this.file.done(cookie, { status: uapi.VPIPE_DEC_FAILED });
    }
  }

  /** Answers all that there is; how many pictures it gave, undefined where the stream is over. */
  serve(): number | undefined {
    let pictures = 0;
    for (;;) {
      const cookie = this.next();
      if (cookie === undefined) return undefined;
      if (cookie !== 0n) {
        if (this.answer() >= 0) pictures++;
        continue;
      }
      const before = this.pictures?.given ?? 0;
      if (!this.pictures?.answer()) return pictures;
      pictures += this.pictures.given - before;
    }
  }

  [Symbol.dispose](): void {
    this.file.close();
    for (const mappings of this.#mappings) {
      for (const mapping of mappings.values()) mapping.close();
      mappings.clear();
    }
  }
}

/** A daemon that serves whenever it is told to. */
export class Answering implements Disposable {
  readonly bridge = new Bridge();
  readonly streams = new Map<number, AnsweredStream>();
  frames = 0;

  constructor() {
    const result = this.bridge.hello();
    expect(result > 0, `HELLO: errno ${-result}`);
  }

  /** Opens the streams that were announced. */
  accept(): void {
    for (let id = this.bridge.announced(); id >= 0; id = this.bridge.announced()) {
      if (id === 0) continue;
      const fd = this.bridge.open(id);
      if (fd >= 0) this.streams.set(id, new AnsweredStream(new StreamFile(id, fd)));
    }
  }

  /** The stream that was opened last. */
  get latest(): AnsweredStream {
    const stream = [...this.streams.values()].at(-1);
    expect(stream !== undefined, "no stream was announced");
    return stream;
  }

  /** Answers all that there is. */
  serve(): void {
    this.accept();
    for (const [id, stream] of this.streams) {
      const pictures = stream.serve();
      this.frames += pictures ?? 0;
      if (pictures !== undefined) continue;
      stream[Symbol.dispose]();
      this.streams.delete(id);
    }
  }

  [Symbol.dispose](): void {
    for (const stream of this.streams.values()) stream[Symbol.dispose]();
    this.streams.clear();
    this.bridge.close();
  }
}
