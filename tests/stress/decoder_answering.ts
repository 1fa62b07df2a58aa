/**
 * A daemon inside the test program, whose codec fills a picture with the sum of the bitstream's
 * bytes.
 *
 * @module
 */
import { SysError } from "../../lib/sys/errno.ts";
import type { Mapping } from "../../lib/sys/mmap.ts";
import * as uapi from "../../lib/vpipe/decoder_uapi.ts";
import { expect } from "../check/suite.ts";
import { Bridge, StreamFile } from "./decoder_bridge.ts";

const { VPIPE_DEC_QUEUE_OUTPUT: OUTPUT, VPIPE_DEC_QUEUE_CAPTURE: CAPTURE } = uapi;

/** Serves one stream, frame by frame. */
export class AnsweredStream implements Disposable {
  readonly #mappings = [new Map<number, Mapping>(), new Map<number, Mapping>()];
  /** Bits of the buffers that the kernel said are gone, by queue. */
  readonly gone: [number, number] = [0, 0];
  starts = 0;

  constructor(readonly file: StreamFile) {}

  #map(queue: number, index: number): Uint8Array {
    let mapping = this.#mappings[queue].get(index);
    if (mapping === undefined) {
      mapping = this.file.map(queue, index);
      this.#mappings[queue].set(index, mapping);
    }
    return mapping.bytes;
  }

  /**
   * Reads until there is a frame, and gives its cookie; 0 where there is none, undefined where the
   * stream is over.
   */
  next(): bigint | undefined {
    for (;;) {
      const size = this.file.read();
      if (size < 0) return 0n;
      if (size === 0) return undefined;
      const { type, cookie } = this.file.header;
      if (type === uapi.VPIPE_DEC_MSG_DECODE) return cookie;
      if (type === uapi.VPIPE_DEC_MSG_START) this.starts++;
      else this.#free();
    }
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
    const { output_index, capture_index, bytesused, cookie } = this.file.frame;
    try {
      const coded = this.#map(OUTPUT, output_index).subarray(0, bytesused);
      const picture = this.#map(CAPTURE, capture_index);
      picture.fill(coded.reduce((sum, byte) => sum + byte, 0));
      return this.file.done(cookie, { bytesused0: picture.length });
    } catch (error) {
      // The client has freed the buffer, or ended the stream.
      if (!(error instanceof SysError)) throw error;
      return this.file.done(cookie, { status: uapi.VPIPE_DEC_FAILED });
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
      let cookie = stream.next();
      for (; cookie; cookie = stream.next()) if (stream.answer() >= 0) this.frames++;
      if (cookie !== undefined) continue;
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
