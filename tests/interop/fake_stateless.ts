/**
 * The kernel's side of a stateless stream, without a kernel: see `fake_kernel.ts`.
 *
 * @module
 */
import { codecBit } from "../../daemon/stream/codecs.ts";
import { Incoming } from "../../daemon/stream/messages.ts";
import { StatelessService } from "../../daemon/stream/stateless_service.ts";
import type { CodecName } from "../../lib/codec/codecs.ts";
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import type { File } from "../../lib/sys/file.ts";
import type { Fields, StructType } from "../../lib/uapi/struct.ts";
import { V4L2_PIX_FMT_NV12 } from "../../lib/uapi/videodev2.ts";
import * as uapi from "../../lib/uapi/vpipe_dec.ts";
import { expectEqual } from "../harness/suite.ts";
import {
  Memory,
  OUTPUT_BYTES,
  sendMessage,
  servedStream,
  socketPair,
  type Values,
} from "./fake_kernel.ts";

/** One stream between a client without controls and the daemon's service. */
export class FakeStateless implements Disposable {
  readonly #kernel: File;
  readonly #daemon: File;
  readonly #toKernel: Incoming;
  readonly #toDaemon: Incoming;
  readonly #memory = new Memory();
  readonly #service: StatelessService;
  readonly #codec: CodecName;
  #cookie = 0n;
  #width = 0;
  #height = 0;

  constructor(ffmpeg: Ffmpeg, codec: CodecName) {
    [this.#kernel, this.#daemon] = socketPair();
    this.#toKernel = new Incoming(this.#kernel);
    this.#toDaemon = new Incoming(this.#daemon);
    this.#codec = codec;
    this.#service = new StatelessService(
      servedStream(ffmpeg, this.#daemon, this.#toDaemon, this.#memory, () => this.#sizeimage),
    );
  }

  get #stride(): number {
    return Math.ceil(this.#width / 64) * 64;
  }
  get #sizeimage(): number {
    return this.#stride * (this.#height + Math.ceil(this.#height / 2));
  }

  #send<F extends Fields>(type: number, struct: StructType<F>, values: Values): void {
    sendMessage(this.#kernel, type, struct, values);
    this.#service.handle(this.#toDaemon.read());
  }

  /** Both queues stream; buffers of the former size are gone. */
  start(width: number, height: number): void {
    this.#service.forget();
    this.#width = width;
    this.#height = height;
    const bytesperline0 = this.#stride;
    const sizeimage0 = this.#sizeimage;
    const codec = codecBit(this.#codec);
    const pixelformat = V4L2_PIX_FMT_NV12;
    const values = { codec, pixelformat, width, height, num_planes: 1, bytesperline0, sizeimage0 };
    this.#send(uapi.VPIPE_DEC_MSG_START, uapi.vpipe_dec_start, values);
  }

  /** Decodes a frame; returns its status, and the picture as a raw file has it. */
  decode(frame: Uint8Array): { status: number; bytes: Uint8Array } {
    const cookie = ++this.#cookie;
    this.#memory.get(uapi.VPIPE_DEC_QUEUE_OUTPUT, 0, 0, OUTPUT_BYTES).bytes.set(frame);
    const values = { cookie, bytesused: frame.length };
    this.#send(uapi.VPIPE_DEC_MSG_DECODE, uapi.vpipe_dec_decode, values);
    expectEqual("answer", this.#toKernel.read(), uapi.VPIPE_DEC_MSG_DONE);
    const { status } = this.#toKernel.as(uapi.vpipe_dec_done);
    return { status, bytes: this.#picture() };
  }

  #picture(): Uint8Array {
    const queue = uapi.VPIPE_DEC_QUEUE_CAPTURE;
    const { bytes } = this.#memory.get(queue, 0, 0, this.#sizeimage);
    const width = this.#width;
    const lines = this.#height + Math.ceil(this.#height / 2);
    const picture = new Uint8Array(width * lines);
    for (let line = 0; line < lines; line++) {
      const at = line * this.#stride;
      picture.set(bytes.subarray(at, at + width), line * width);
    }
    return picture;
  }

  [Symbol.dispose](): void {
    this.#service[Symbol.dispose]();
    this.#memory.close();
    this.#kernel.close();
    this.#daemon.close();
  }
}
