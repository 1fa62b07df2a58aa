/**
 * The kernel's side of a stateful stream, as vpipe-dec.h has it, without a kernel: messages go through
 * a socket, and buffers are this process's memory.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { Answers } from "../../daemon/stream/answers.ts";
import type { Buffers } from "../../daemon/pictures/buffers.ts";
import type { Dmabuf } from "../../lib/dmabuf/dma_buf.ts";
import { captureFormat } from "../../daemon/pictures/capture_format.ts";
import { Log } from "../../daemon/stream/log.ts";
import { Incoming } from "../../daemon/stream/messages.ts";
import type { ServedStream } from "../../daemon/stream/service.ts";
import { StatefulService } from "../../daemon/stream/stateful_service.ts";
import { StreamMemory } from "../../daemon/stream/stream_memory.ts";
import { codecBit } from "../../daemon/stream/codecs.ts";
import type { CodecName } from "../../lib/codec/codecs.ts";
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { runsOf, type SamplePlane } from "../../lib/image/sample_planes.ts";
import { File, IoBuffer } from "../../lib/sys/file.ts";
import { Mapping } from "../../lib/sys/mmap.ts";
import type { Fields, StructType, View } from "../../lib/uapi/struct.ts";
import { V4L2_PIX_FMT_NV12, V4L2_PIX_FMT_P010 } from "../../lib/uapi/videodev2.ts";
import * as uapi from "../../lib/uapi/vpipe_dec.ts";
import { expect, expectEqual } from "../harness/suite.ts";

export const STREAM = 5;
const AF_UNIX = 1;
const SOCK_SEQPACKET_NONBLOCK = 5 | 0o4000;
export const OUTPUT_BYTES = 1 << 20;

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
});

/** The kernel's end of a stream's file, and the daemon's. */
export function socketPair(): [kernel: File, daemon: File] {
  const fds = new Int32Array(2);
  const pair = new Uint8Array(fds.buffer);
  expectEqual("socketpair", libc.socketpair(AF_UNIX, SOCK_SEQPACKET_NONBLOCK, 0, pair), 0);
  return [new File("kernel", fds[0]), new File("daemon", fds[1])];
}

/** Of a message, but for its head. */
export type Values = Readonly<Record<string, number | bigint>>;

/** Writes a message of the stream's to the daemon. */
export function sendMessage<F extends Fields>(
  kernel: File,
  type: number,
  struct: StructType<F>,
  values: Values,
): void {
  const { size } = struct;
  const head = { version: uapi.VPIPE_DEC_VERSION, type, size, stream: STREAM };
  const message: View<F> = struct.alloc();
  Object.assign(message, head, values);
  expectEqual("write", kernel.tryWrite(new IoBuffer(message.bytes)), size);
}

/** A picture that came out. */
export interface Picture {
  /** Number of the coded frame that it is of, by its place among all that were sent. */
  readonly source: number;
  readonly status: number;
  /** Of the visible part, as a raw file has it. */
  readonly bytes: Uint8Array;
}

/** Plane by plane, memory that a test can look at. */
export class Memory {
  readonly #mappings = new Map<string, Mapping>();

  get(queue: number, index: number, plane: number, size: number): Mapping {
    const key = `${queue}.${index}.${plane}`;
    const known = this.#mappings.get(key);
    if (known && known.length >= size) return known;
    const made = Mapping.anonymous(size);
    this.#mappings.set(key, made);
    return made;
  }

  close(): void {
    for (const mapping of this.#mappings.values()) mapping.close();
  }
}

/** What the daemon's service has of a stream whose CAPTURE planes are of `sizeimage`. */
export function servedStream(
  ffmpeg: Ffmpeg,
  file: File,
  incoming: Incoming,
  memory: Memory,
  sizeimage: (plane: number) => number,
): ServedStream {
  const log = new Log("error");
  const plane = (queue: number, index: number, plane: number) => {
    const size = queue === uapi.VPIPE_DEC_QUEUE_OUTPUT ? OUTPUT_BYTES : sizeimage(plane);
    const { address, length, bytes } = memory.get(queue, index, plane, size);
    const pointer = Deno.UnsafePointer.of(bytes)!;
    return { pointer, address, bytes, size: length, begin() {}, end() {} } as unknown as Dmabuf;
  };
  const buffers = { plane } as unknown as Buffers;
  const answers = new Answers(log, STREAM, file);
  const allowance = new StreamMemory(log, STREAM, file);
  return { ffmpeg, log, id: STREAM, file, incoming, answers, buffers, memory: allowance };
}

/** One stream between a client that does as it is told and the daemon's service. */
export class FakeKernel implements Disposable {
  readonly #kernel: File;
  readonly #daemon: File;
  readonly #toKernel: Incoming;
  readonly #toDaemon: Incoming;
  readonly #memory = new Memory();
  readonly #service: StatefulService;
  readonly #codec: CodecName;
  readonly #captures: number;
  #sizes: number[] = [];
  #planes: readonly SamplePlane[] = [];
  #cookie = 0n;
  #empties = 0n;
  /** Number of the frame with a cookie. */
  readonly #numbers = new Map<bigint, number>();
  readonly #indexOfEmpty = new Map<bigint, number>();
  #frames = 0;
  readonly pictures: Picture[] = [];
  /** Of each DONE, in its order. */
  readonly statuses: number[] = [];
  /** As FORMAT told them. */
  readonly formats: Record<string, number>[] = [];
  drained = 0;
  /** What is done when a picture came, before its buffer is given again. */
  onPicture: () => void = () => {};

  /** @param captures how many buffers there are for pictures */
  constructor(ffmpeg: Ffmpeg, codec: CodecName, captures: number) {
    [this.#kernel, this.#daemon] = socketPair();
    this.#toKernel = new Incoming(this.#kernel);
    this.#toDaemon = new Incoming(this.#daemon);
    this.#codec = codec;
    this.#captures = captures;
    const sizeimage = (plane: number) => this.#sizes[plane];
    this.#service = new StatefulService(
      servedStream(ffmpeg, this.#daemon, this.#toDaemon, this.#memory, sizeimage),
    );
    this.start();
  }

  #send<F extends Fields>(type: number, struct: StructType<F>, values: Values): void {
    sendMessage(this.#kernel, type, struct, values);
    this.#turn();
  }

  /** Has the service do all it can, and takes its answers in. */
  #turn(): void {
    const incoming = this.#toDaemon;
    for (;;) {
      const type = incoming.read();
      if (type > 0) expect(this.#service.handle(type), `no such message: ${type}`);
      else if (!this.#service.ready) break;
      if (this.#service.ready) this.#service.step();
    }
    this.#answers();
  }

  #answers(): void {
    const incoming = this.#toKernel;
    for (let type = incoming.read(); type > 0; type = incoming.read()) {
      switch (type) {
        case uapi.VPIPE_DEC_MSG_DONE:
          this.statuses.push(incoming.as(uapi.vpipe_dec_done).status);
          break;
        case uapi.VPIPE_DEC_MSG_FORMAT:
          this.#format(incoming.as(uapi.vpipe_dec_format));
          break;
        case uapi.VPIPE_DEC_MSG_PICTURE:
          this.#picture(incoming.as(uapi.vpipe_dec_picture));
          break;
        case uapi.VPIPE_DEC_MSG_DRAINED:
          expectEqual("cookie of DRAINED", incoming.header.cookie, this.#cookie);
          this.drained++;
          break;
        default:
          expect(false, `an answer of type ${type}`);
      }
    }
  }

  #format(format: View<typeof uapi.vpipe_dec_format.fields>): void {
    const { width, height, left, top, visible_width, visible_height, depth } = format;
    this.formats.push({ width, height, left, top, visible_width, visible_height, depth });
    this.capture();
  }

  /** CAPTURE for the latest format, and all its buffers. */
  capture(): void {
    const { width, height, depth } = this.formats.at(-1)!;
    const wide = depth > 8;
    const bytesperline0 = Math.ceil(width * (wide ? 2 : 1) / 64) * 64;
    const sizeimage0 = bytesperline0 * (height + Math.ceil(height / 2));
    this.#sizes = [sizeimage0];
    this.#indexOfEmpty.clear();
    const pixelformat = wide ? V4L2_PIX_FMT_P010 : V4L2_PIX_FMT_NV12;
    const values = { pixelformat, width, height, num_planes: 1, bytesperline0, sizeimage0 };
    const others = { bytesperline1: 0, sizeimage1: 0, bytesperline2: 0, sizeimage2: 0 };
    this.#planes = captureFormat({ ...values, ...others }).planes;
    this.#send(uapi.VPIPE_DEC_MSG_CAPTURE, uapi.vpipe_dec_capture, values);
    for (let index = 0; index < this.#captures; index++) this.#lend(index);
  }
  #lend(index: number): void {
    const cookie = ++this.#empties;
    this.#indexOfEmpty.set(cookie, index);
    this.#send(uapi.VPIPE_DEC_MSG_EMPTY, uapi.vpipe_dec_empty, { cookie, index });
  }

  #picture(picture: View<typeof uapi.vpipe_dec_picture.fields>): void {
    const { cookie, source, status, bytesused0 } = picture;
    const index = this.#indexOfEmpty.get(cookie);
    expect(index !== undefined, `a picture for a buffer ${cookie} that is not lent`);
    this.#indexOfEmpty.delete(cookie);
    const number = this.#numbers.get(source);
    expect(number !== undefined, `a picture of ${source}, which was not sent`);
    expectEqual("bytesused", bytesused0, this.#sizes[0]);
    const { left, top, visible_width: width, visible_height: height } = this.formats.at(-1)!;
    const memory = this.#memory.get(uapi.VPIPE_DEC_QUEUE_CAPTURE, index, 0, bytesused0).bytes;
    const runs = runsOf(this.#planes, { left, top, width, height });
    const bytes = new Uint8Array(runs.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const { offset, length } of runs) {
      bytes.set(memory.subarray(offset, offset + length), at);
      at += length;
    }
    this.pictures.push({ source: number, status, bytes });
    memory.fill(0);
    this.onPicture();
    if (this.#indexOfEmpty.size < this.#captures) this.#lend(index);
  }

  /** OUTPUT streams, for the first time or anew. */
  start(): void {
    const codec = codecBit(this.#codec);
    const flags = uapi.VPIPE_DEC_STATEFUL;
    this.#indexOfEmpty.clear();
    this.#numbers.clear();
    this.#send(uapi.VPIPE_DEC_MSG_START, uapi.vpipe_dec_start, { codec, flags });
    if (this.formats.length > 0) this.capture();
  }

  /** One coded frame in an OUTPUT buffer. */
  decode(unit: Uint8Array): void {
    const cookie = ++this.#cookie;
    const number = this.#frames++;
    const index = number % 32;
    this.#numbers.set(cookie, number);
    this.#memory.get(uapi.VPIPE_DEC_QUEUE_OUTPUT, index, 0, OUTPUT_BYTES).bytes.set(unit);
    const values = { cookie, output_index: index, bytesused: unit.length };
    this.#send(uapi.VPIPE_DEC_MSG_DECODE, uapi.vpipe_dec_decode, values);
  }

  /** V4L2_DEC_CMD_STOP, and on again. */
  drain(): void {
    const { drained } = this;
    this.#send(uapi.VPIPE_DEC_MSG_DRAIN, uapi.vpipe_dec_header, { cookie: ++this.#cookie });
    expectEqual("DRAINED", this.drained, drained + 1);
    if (this.formats.length > 0) this.capture();
  }

  /** SHA-256 of all pictures, one behind the other. */
  get digest(): string {
    const hash = createHash("sha256");
    for (const { bytes } of this.pictures) hash.update(bytes);
    return hash.digest("hex");
  }

  [Symbol.dispose](): void {
    this.#service[Symbol.dispose]();
    this.#memory.close();
    this.#kernel.close();
    this.#daemon.close();
  }
}
