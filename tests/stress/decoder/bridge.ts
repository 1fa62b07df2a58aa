/**
 * The daemon's side of vpipe-dec.h, call by call: every result is returned, nothing is believed.
 *
 * @module
 */
import { SysError } from "../../../lib/sys/errno.ts";
import { File, IoBuffer, O_NONBLOCK, O_RDWR } from "../../../lib/sys/file.ts";
import { tryIoctl } from "../../../lib/sys/ioctl.ts";
import { Mapping } from "../../../lib/sys/mmap.ts";
import { Poller, POLLIN } from "../../../lib/sys/poll.ts";
import type { View } from "../../../lib/uapi/struct.ts";
import * as uapi from "../../../lib/uapi/vpipe_dec.ts";

/** All bits up to the last codec's. */
export const ALL_CODECS = 2 * uapi.VPIPE_DEC_CODEC_H263 - 1;

/** As many as the kernel lets a daemon serve. */
const MANY_STREAMS = 256;

const PATH = "/dev/vpipe-dec";

export type Header = View<typeof uapi.vpipe_dec_header.fields>;

/** Messages to and from one file. */
class Messages implements Disposable {
  readonly file: File;
  readonly #poller: Poller;
  readonly #incoming = new IoBuffer(new Uint8Array(uapi.VPIPE_DEC_MAX_MESSAGE));

  constructor(file: File) {
    this.file = file;
    this.#poller = new Poller(file, POLLIN);
  }

  /** The events of poll(2), within `ms`. */
  poll(ms = 0): number {
    return this.#poller.wait(ms);
  }

  /** Size of the message that was read, or the negated errno. */
  read(room = uapi.VPIPE_DEC_MAX_MESSAGE): number {
    this.#incoming.length = room;
    return this.file.tryRead(this.#incoming);
  }

  /** What was read last; valid until the next `read`. */
  get message(): Uint8Array<ArrayBuffer> {
    return this.#incoming.bytes;
  }

  get header(): Header {
    return uapi.vpipe_dec_header.at(this.message);
  }

  /** Bytes written, or the negated errno. */
  write(bytes: Uint8Array<ArrayBuffer>): number {
    const buffer = new IoBuffer(bytes);
    buffer.length = bytes.length;
    return this.file.tryWrite(buffer);
  }

  close(): void {
    this.file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** `/dev/vpipe-dec`, open. */
export class Bridge extends Messages {
  /** @throws {SysError} EBUSY, ENOENT */
  constructor() {
    super(File.open(PATH, O_RDWR | O_NONBLOCK));
  }

  hello(
    codecs = ALL_CODECS,
    values: Partial<View<typeof uapi.vpipe_dec_hello.fields>> = {},
  ): number {
    const { size } = uapi.vpipe_dec_hello;
    const type = uapi.VPIPE_DEC_MSG_HELLO;
    const version = uapi.VPIPE_DEC_VERSION;
    return this.write(
      uapi.vpipe_dec_hello.alloc({ version, type, size, codecs, streams: MANY_STREAMS, ...values })
        .bytes,
    );
  }

  /** The number of the next stream that is announced, or the negated errno. */
  announced(): number {
    const size = this.read();
    if (size < 0) return size;
    return this.header.type === uapi.VPIPE_DEC_MSG_OPENED ? this.header.stream : 0;
  }

  /** A descriptor of a stream's file, or the negated errno. */
  open(stream: number): number {
    const argument = uapi.vpipe_dec_stream.alloc({ stream, fd: -1 });
    const result = tryIoctl(this.file.fd, uapi.VPIPE_DEC_IOC_STREAM.request, argument.bytes);
    return result < 0 ? result : argument.fd;
  }

  /** The file of a stream that has to be there. */
  stream(id: number): StreamFile {
    const fd = this.open(id);
    if (fd < 0) throw new SysError(PATH, "VPIPE_DEC_IOC_STREAM", -fd);
    return new StreamFile(id, fd);
  }
}

/** The file of a stream. */
export class StreamFile extends Messages {
  constructor(readonly id: number, fd: number) {
    super(new File(`stream ${id}`, fd));
  }

  /** What was read last, as the message about a frame. */
  get frame() {
    return uapi.vpipe_dec_decode.at(this.message);
  }

  /** What begins a message to it. */
  #head(type: number, size: number, cookie: bigint) {
    return { version: uapi.VPIPE_DEC_VERSION, type, size, stream: this.id, cookie };
  }

  done(cookie: bigint, values: Partial<View<typeof uapi.vpipe_dec_done.fields>> = {}): number {
    const head = this.#head(uapi.VPIPE_DEC_MSG_DONE, uapi.vpipe_dec_done.size, cookie);
    return this.write(uapi.vpipe_dec_done.alloc({ ...head, ...values }).bytes);
  }

  /** All of the picture is visible, and of 8 bits, unless `values` say otherwise. */
  format(cookie: bigint, values: Partial<View<typeof uapi.vpipe_dec_format.fields>>): number {
    const { width, height } = values;
    const head = this.#head(uapi.VPIPE_DEC_MSG_FORMAT, uapi.vpipe_dec_format.size, cookie);
    const whole = { visible_width: width, visible_height: height, depth: 8 };
    return this.write(uapi.vpipe_dec_format.alloc({ ...head, ...whole, ...values }).bytes);
  }

  picture(cookie: bigint, values: Partial<View<typeof uapi.vpipe_dec_picture.fields>>): number {
    const head = this.#head(uapi.VPIPE_DEC_MSG_PICTURE, uapi.vpipe_dec_picture.size, cookie);
    return this.write(uapi.vpipe_dec_picture.alloc({ ...head, ...values }).bytes);
  }

  drained(cookie: bigint, values: Partial<Header> = {}): number {
    const head = this.#head(uapi.VPIPE_DEC_MSG_DRAINED, uapi.vpipe_dec_header.size, cookie);
    return this.write(uapi.vpipe_dec_header.alloc({ ...head, ...values }).bytes);
  }

  /** A plane of a buffer, its `fd` the caller's; or the negated errno. */
  buffer(queue: number, index: number, plane = 0) {
    const argument = uapi.vpipe_dec_buffer.alloc({ queue, index, plane, fd: -1 });
    const result = tryIoctl(this.file.fd, uapi.VPIPE_DEC_IOC_BUFFER.request, argument.bytes);
    return { result, argument };
  }

  /** A plane of a buffer that has to be there, mapped. */
  map(queue: number, index: number, plane = 0): Mapping {
    const { result, argument } = this.buffer(queue, index, plane);
    if (result < 0) throw new SysError(this.file.path, "VPIPE_DEC_IOC_BUFFER", -result);
    using dmabuf = new File("dma-buf", argument.fd);
    return queue === uapi.VPIPE_DEC_QUEUE_OUTPUT
      ? Mapping.readOnly(dmabuf, argument.size)
      : Mapping.shared(dmabuf, argument.size);
  }
}
