/**
 * The session with the kernel: streams are announced here, and handed to workers.
 *
 * @module
 */
import { BREATH_MS, breathe, type StopRequest } from "../../lib/cli/stop.ts";
import { ENOENT, SysError } from "../../lib/sys/errno.ts";
import { File, O_NONBLOCK, O_RDWR } from "../../lib/sys/file.ts";
import { ioctl, tryIoctl } from "../../lib/sys/ioctl.ts";
import {
  vpipe_dec_header,
  vpipe_dec_hello,
  VPIPE_DEC_IOC_STREAM,
  VPIPE_DEC_MSG_HELLO,
  VPIPE_DEC_MSG_OPENED,
  VPIPE_DEC_MSG_PING,
  VPIPE_DEC_MSG_PONG,
  vpipe_dec_opened,
  vpipe_dec_stream,
} from "../../lib/uapi/vpipe_dec.ts";
import { codecName } from "../stream/codecs.ts";
import type { Log } from "../stream/log.ts";
import { Incoming, Outgoing } from "../stream/messages.ts";
import { Pipe } from "../../lib/sys/pipe.ts";
import { PollSet } from "../../lib/sys/poll_set.ts";
import type { Wishes } from "./stream_worker.ts";
import { Workers } from "./workers.ts";

// Longer than any frame takes to decode.
const LAST_FRAMES_MS = 5000;

// Each takes a thread, some 11 MiB and 8 descriptors: one client must not have so many of them that
// the daemon ends for all.
const MAX_STREAMS = 32;

/** Opens the device. Another one might take a HELLO for a frame, as a loopback node does. */
function openSession(device: string): File {
  const file = File.open(device, O_RDWR | O_NONBLOCK);
  // Before HELLO it has no stream, and says so.
  const { name, request } = VPIPE_DEC_IOC_STREAM;
  const code = -tryIoctl(file.fd, request, vpipe_dec_stream.alloc().bytes);
  if (code === ENOENT) return file;
  file.close();
  const { message } = new SysError(device, name, code);
  throw new Error(`${message}: is not a decoder's session, such as /dev/vpipe-dec`);
}

/** Serves one device from HELLO until it is to stop or the device is gone. */
export class Session implements Disposable {
  readonly #log: Log;
  readonly #file: File;
  readonly #incoming: Incoming;
  readonly #opened;
  readonly #pong: Outgoing<typeof vpipe_dec_header.fields>;
  readonly #request = vpipe_dec_stream.alloc();
  readonly #stop = new Pipe();
  readonly #wake = new Pipe();
  readonly #streams = new Map<number, File>();
  /** Codecs of those for which there was no descriptor yet. */
  readonly #unopened = new Map<number, number>();
  readonly #workers: Workers;
  readonly #wishes: Wishes;

  /**
   * @param codecs what this daemon can decode, as vpipe_dec_hello.codecs
   * @param memory bytes for the pictures of all streams, as vpipe_dec_hello.memory
   * @throws {SysError} ENOENT: the module is not loaded, EBUSY: there is a daemon, EACCES
   * @throws {Error} it is another kind of device
   */
  constructor(
    log: Log,
    device: string,
    codecs: number,
    memory: number,
    wishes: Omit<Wishes, "level">,
  ) {
    this.#log = log;
    this.#wishes = { level: log.level, ...wishes };
    this.#file = openSession(device);
    this.#incoming = new Incoming(this.#file);
    this.#opened = this.#incoming.as(vpipe_dec_opened);
    this.#pong = new Outgoing(this.#file, VPIPE_DEC_MSG_PONG, vpipe_dec_header);
    this.#workers = new Workers(({ stream, failure }) => this.#over(stream, failure));
    const hello = new Outgoing(this.#file, VPIPE_DEC_MSG_HELLO, vpipe_dec_hello);
    hello.view.codecs = codecs;
    hello.view.streams = MAX_STREAMS;
    hello.view.memory = memory;
    hello.write();
  }

  /**
   * Serves until a signal asks to stop; what is in work then is finished first.
   *
   * @throws {SysError} of the device
   * @throws {Error} the device is gone
   */
  async run(stop: StopRequest): Promise<void> {
    const poll = new PollSet([this.#file, this.#wake.reader]);
    try {
      while (!stop.requested) {
        poll.wait(BREATH_MS);
        if (this.#unopened.size > 0) this.#openLate();
        if (poll.events(0) !== 0) this.#read();
        this.#wake.drain();
        // Signals, and what the workers say.
        await breathe();
      }
    } finally {
      await this.#finish();
    }
  }

  // One at a time: a stream may have to wait for a new thread, and in that time others end, of whose
  // threads the event loop has to hear before another one is started.
  #read(): void {
    const type = this.#incoming.read();
    if (type < 0) throw new Error(`${this.#file.path}: the device is gone (ENODEV)`);
    switch (type) {
      case 0:
        return;
      case VPIPE_DEC_MSG_PING:
        return this.#answerPing();
      case VPIPE_DEC_MSG_OPENED:
        this.#incoming.require(vpipe_dec_opened);
        return this.#open(this.#opened.stream, this.#opened.codec);
      default:
        this.#log.debug("unknown-message", { type });
    }
  }

  #answerPing(): void {
    this.#pong.answers(this.#incoming);
    const code = -this.#pong.tryWrite();
    // Who asked may have given up.
    if (code !== 0) this.#log.debug("pong-failed", { errno: code });
  }

  #open(stream: number, codec: number, late = false): void {
    this.#request.stream = stream;
    try {
      ioctl(this.#file, VPIPE_DEC_IOC_STREAM, this.#request.bytes);
    } catch (error) {
      // ENOENT: its client has gone again. EMFILE: the others go on, and it is heard of this once.
      if (!(error instanceof SysError)) throw error;
      if (error.code !== ENOENT) this.#unopened.set(stream, codec);
      if (!late) this.#log.warning("stream-failed", { stream, reason: error.message });
      return;
    }
    const { fd } = this.#request;
    const file = new File(`stream ${stream}`, fd);
    if (this.#streams.size >= MAX_STREAMS) {
      // The kernel then returns its client's buffers, with the error flag.
      file.close();
      this.#log.warning("stream-refused", { stream, served: MAX_STREAMS });
      return;
    }
    this.#streams.set(stream, file);
    this.#log.info("stream-opened", { stream, codec: codecName(codec) ?? codec });
    this.#workers.serve({
      stream,
      fd,
      stopFd: this.#stop.reader.fd,
      wakeFd: this.#wake.writer.fd,
      ...this.#wishes,
    });
  }

  #over(stream: number, failure: string | undefined): void {
    if (failure !== undefined) this.#log.error("stream-failed", { stream, reason: failure });
    // The kernel then returns what buffers it still has.
    this.#streams.get(stream)?.close();
    this.#streams.delete(stream);
  }

  #openLate(): void {
    for (const [stream, codec] of [...this.#unopened]) {
      this.#unopened.delete(stream);
      this.#open(stream, codec, true);
    }
  }

  async #finish(): Promise<void> {
    this.#workers.terminateIdle();
    // A hang-up reaches all workers at once.
    this.#stop.writer.close();
    const end = performance.now() + LAST_FRAMES_MS;
    while (this.#workers.busy > 0 && performance.now() < end) await breathe();
    this.#log.info("stopped", { unfinished: this.#workers.busy });
  }

  [Symbol.dispose](): void {
    this.#file.close();
    // Workers that did not end in time still have the other descriptors; the process ends now.
  }
}
