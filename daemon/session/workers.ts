/**
 * The threads that serve streams, each one at a time.
 *
 * @module
 */
import type { Order, Outcome } from "./stream_worker.ts";

// A worker takes long to start, so one is always ready. As many more are kept as a few clients need
// that come and go; a worker is a JavaScript engine of its own.
const MAX_IDLE = 3;

/** Gives each stream a worker that was started ahead. */
export class Workers {
  readonly #ended: (outcome: Outcome) => void;
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<number, Worker>();

  /** @param ended called in the event loop when a stream is over, or its worker died */
  constructor(ended: (outcome: Outcome) => void) {
    this.#ended = ended;
    this.#idle.push(this.#start());
  }

  /** Streams that are being served. */
  get busy(): number {
    return this.#busy.size;
  }

  #start(): Worker {
    const worker = new Worker(import.meta.resolve("./stream_worker.ts"), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<Outcome>) => this.#over(worker, data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#died(worker, event.message);
    };
    return worker;
  }

  /** Has a stream served. */
  serve(order: Order): void {
    const worker = this.#idle.pop() ?? this.#start();
    this.#busy.set(order.stream, worker);
    worker.postMessage(order);
    if (this.#idle.length === 0) this.#idle.push(this.#start());
  }

  #over(worker: Worker, outcome: Outcome): void {
    this.#busy.delete(outcome.stream);
    // What failed once is in an unknown state.
    if (outcome.failure === undefined && this.#idle.length < MAX_IDLE) this.#idle.push(worker);
    else worker.terminate();
    this.#ended(outcome);
  }

  #died(worker: Worker, failure: string): void {
    worker.terminate();
    const idle = this.#idle.indexOf(worker);
    if (idle >= 0) this.#idle.splice(idle, 1);
    for (const [stream, served] of this.#busy) {
      if (served !== worker) continue;
      this.#busy.delete(stream);
      this.#ended({ stream, failure });
    }
  }

  /** Ends the workers that serve nothing. */
  terminateIdle(): void {
    for (const worker of this.#idle.splice(0)) worker.terminate();
  }
}
