/**
 * One client's stream: its messages, until it is over.
 *
 * @module
 */
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import type { File } from "../../lib/sys/file.ts";
import {
  vpipe_dec_free,
  VPIPE_DEC_MSG_FREE,
  VPIPE_DEC_MSG_START,
  VPIPE_DEC_QUEUE_CAPTURE,
  VPIPE_DEC_QUEUE_OUTPUT,
  vpipe_dec_start,
  VPIPE_DEC_STATEFUL,
} from "../../lib/uapi/vpipe_dec.ts";
import { Answers } from "./answers.ts";
import { Buffers } from "../pictures/buffers.ts";
import type { Digest } from "../pictures/digest.ts";
import type { Log } from "./log.ts";
import { Incoming, ProtocolError } from "./messages.ts";
import { PollSet } from "../../lib/sys/poll_set.ts";
import type { Service } from "./service.ts";
import { StreamMemory } from "./stream_memory.ts";
import { StatefulService } from "./stateful_service.ts";
import { StatelessService } from "./stateless_service.ts";

// Of the poll set.
const STREAM = 0;
const STOP = 1;

/** Serves one stream on the calling thread. */
export class Stream implements Disposable {
  readonly #ffmpeg: Ffmpeg;
  readonly #log: Log;
  readonly #id: number;
  readonly #file: File;
  readonly #poll: PollSet;
  readonly #incoming: Incoming;
  readonly #start;
  readonly #free;
  readonly #answers: Answers;
  readonly #buffers: Buffers;
  readonly #memory: StreamMemory;
  #service: Service;
  #stateful = false;

  /**
   * @param file the stream's; its owner closes it
   * @param stop has input or is hung up when the daemon is to end
   * @param digest of the pictures that the client gets, where it is asked for
   */
  constructor(
    ffmpeg: Ffmpeg,
    log: Log,
    id: number,
    file: File,
    stop: { readonly fd: number },
    digest?: Digest,
  ) {
    this.#ffmpeg = ffmpeg;
    this.#log = log;
    this.#id = id;
    this.#file = file;
    this.#poll = new PollSet([file, stop]);
    this.#incoming = new Incoming(file);
    this.#start = this.#incoming.as(vpipe_dec_start);
    this.#free = this.#incoming.as(vpipe_dec_free);
    this.#answers = new Answers(log, id, file);
    this.#buffers = new Buffers(file, digest);
    this.#memory = new StreamMemory(log, id, file);
    this.#service = this.#makeService();
  }

  #makeService(): Service {
    const served = {
      ffmpeg: this.#ffmpeg,
      log: this.#log,
      id: this.#id,
      file: this.#file,
      incoming: this.#incoming,
      answers: this.#answers,
      buffers: this.#buffers,
      memory: this.#memory,
    };
    return this.#stateful ? new StatefulService(served) : new StatelessService(served);
  }

  /**
   * Answers until the stream is over or the daemon is to end.
   *
   * @throws {SysError} of the stream's file
   * @throws {ProtocolError} the kernel does not keep to vpipe-dec.h
   */
  serve(): void {
    for (;;) {
      // What the kernel has to say may make the rest of the work needless.
      this.#poll.wait(this.#service.ready ? 0 : -1);
      if (this.#poll.events(STOP) !== 0) return;
      if (this.#poll.events(STREAM) !== 0) {
        const type = this.#incoming.read();
        if (type < 0) return;
        if (type > 0) this.#handle(type);
      }
      if (this.#service.ready) this.#service.step();
    }
  }

  #handle(type: number): void {
    const incoming = this.#incoming;
    const { stream } = incoming.header;
    if (stream !== this.#id) throw new ProtocolError(`a message for stream ${stream}`);
    if (type === VPIPE_DEC_MSG_FREE) return this.#handleFree();
    if (type === VPIPE_DEC_MSG_START) this.#choose();
    if (!this.#service.handle(type)) this.#log.debug("unknown-message", { stream, type });
  }

  /** Has a START handled by the service for its kind. */
  #choose(): void {
    this.#incoming.require(vpipe_dec_start);
    this.#answers.begin();
    this.#memory.begin();
    const stateful = (this.#start.flags & VPIPE_DEC_STATEFUL) !== 0;
    if (stateful === this.#stateful) return;
    this.#service[Symbol.dispose]();
    this.#stateful = stateful;
    this.#service = this.#makeService();
  }

  #handleFree(): void {
    this.#incoming.require(vpipe_dec_free);
    const { queue, indices } = this.#free;
    if (queue !== VPIPE_DEC_QUEUE_OUTPUT && queue !== VPIPE_DEC_QUEUE_CAPTURE) {
      throw new ProtocolError(`buffers of queue ${queue} are gone`);
    }
    if (queue === VPIPE_DEC_QUEUE_CAPTURE) this.#service.forget();
    this.#buffers.free(queue, indices);
  }

  /** Frames by what became of them, how often memory was mapped, and what the pictures were. */
  get summary(): Record<string, number | string> {
    const { mappings, digest } = this.#buffers;
    const pictures = digest && { digest: digest.text };
    return { stream: this.#id, ...this.#answers.summary, mappings, ...pictures };
  }

  [Symbol.dispose](): void {
    this.#service[Symbol.dispose]();
    this.#buffers[Symbol.dispose]();
  }
}
