/**
 * Child processes: this program again, told on its command line what to do. A worker prints what it
 * has done as one line of JSON at its end.
 *
 * @module
 */
import { Patience } from "../../harness/patience.ts";
import { Running } from "../../harness/processes.ts";
import { expect, expectEqual } from "../../harness/suite.ts";
import { NEVER_S } from "./stage.ts";

/** First argument of a worker. */
export const WORKER = "--worker";

/** A worker at work; killed when it goes out of scope. */
export class Worker<Order, Result> implements AsyncDisposable {
  readonly #process: Running;
  readonly kind: string;

  /** @param run one of the functions in worker_table.ts, which is called in the other process */
  constructor(run: (order: Order) => Result | Promise<Result>, order: Order) {
    this.kind = run.name;
    this.#process = new Running(Deno.execPath(), [WORKER, this.kind, JSON.stringify(order)]);
  }

  /** The next line that it prints; undefined at its end. */
  line(): Promise<string | undefined> {
    return this.#process.line();
  }

  /** The next line, which has to come: one that ends instead, or stands still, fails the check. */
  async said(): Promise<string> {
    using _limit = Patience.with(this.pid, NEVER_S).orElse(() => this.#kill("SIGKILL"));
    const line = await this.line();
    if (line === undefined) await this.result();
    return line!;
  }

  /** Waits until it says `wanted`. */
  async says(wanted: string): Promise<void> {
    expectEqual(`what ${this.kind} says`, await this.said(), wanted);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Asks a worker to end that goes on until then. */
  stop(): void {
    this.#kill("SIGTERM");
  }

  #kill(signal: Deno.Signal): void {
    try {
      this.#process.kill(signal);
    } catch {
      // It ended by itself; its result says why.
    }
  }

  /** Has it stand still, wherever it is. */
  pause(): Promise<void> {
    return this.#process.stop();
  }

  /** What it has done; a worker that fails, or stands still for `seconds`, fails the check. */
  async result(seconds = NEVER_S): Promise<Result> {
    const { status, stdout, stderr } = await this.#process.end(seconds);
    expect(status === 0, `${this.kind}: status ${status}: ${stderr.trim()}`);
    return JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process[Symbol.asyncDispose]();
  }
}

/**
 * What a worker says first; undefined where the kernel lacks what it needs. One that ends otherwise fails the
 * check: a crash is no lack.
 */
export async function firstLine<Order>(
  worker: Worker<Order, { readonly supported: boolean }>,
): Promise<string | undefined> {
  const line = await worker.line();
  if (line === undefined) await worker.result();
  return line === JSON.stringify({ supported: false }) ? undefined : line;
}
