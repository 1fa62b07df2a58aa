/**
 * Child processes: this program again, told on its command line what to do. A worker prints what it
 * has done as one line of JSON at its end.
 *
 * @module
 */
import { Running } from "../../harness/processes.ts";
import { CheckFailure, expect } from "../../harness/suite.ts";
import { changeControls } from "../filter/controls_worker.ts";
import { streamAnything } from "../decoder/anything_worker.ts";
import { blockInDecoder } from "../decoder/blocked.ts";
import { holdOn } from "../decoder/holding.ts";
import { blockInInject } from "../decoder/inject.ts";
import { beHostile } from "../decoder/hostile_worker.ts";
import { answerAnything } from "../decoder/random_worker.ts";
import { decodeExactly, displayExactly } from "../decoder/worker.ts";
import { injectFaults } from "./faults_worker.ts";
import { blockInDequeue, blockInRead } from "../filter/hotplug_worker.ts";
import { readLoop } from "../loop/reader_worker.ts";
import { churnViews } from "../loop/views_worker.ts";
import { beLoopVictim, missMemory } from "../loop/victim_worker.ts";
import { writeLoop } from "../loop/writer_worker.ts";
import { callMetaAtRandom } from "../filter/meta_worker.ts";
import { NEVER_S } from "./stage.ts";
import { stream } from "../filter/stream_worker.ts";
import {
  callDecoderAtRandom,
  callLoopAtRandom,
  callLoopBeside,
  callVideoAtRandom,
} from "./random_worker.ts";

/** First argument of a worker. */
export const WORKER = "--worker";

const workers = {
  answerAnything,
  beHostile,
  beLoopVictim,
  blockInDecoder,
  blockInDequeue,
  blockInInject,
  blockInRead,
  callDecoderAtRandom,
  callLoopAtRandom,
  callLoopBeside,
  callMetaAtRandom,
  callVideoAtRandom,
  changeControls,
  churnViews,
  decodeExactly,
  displayExactly,
  holdOn,
  injectFaults,
  missMemory,
  readLoop,
  stream,
  streamAnything,
  writeLoop,
};

type Workers = typeof workers;
type Order<K extends keyof Workers> = Parameters<Workers[K]>[0];
type Result<K extends keyof Workers> = Awaited<ReturnType<Workers[K]>>;

/** Becomes the worker that the command line asks for. */
export async function work([kind, order]: string[]): Promise<void> {
  const run = workers[kind as keyof Workers] as (order: unknown) => unknown;
  try {
    console.log(JSON.stringify(await run(JSON.parse(order))));
  } catch (error) {
    const { message, stack } = error as Error;
    console.error(error instanceof CheckFailure ? message : stack);
    Deno.exit(1);
  }
}

/** A worker at work; killed when it goes out of scope. */
export class Worker<K extends keyof Workers> implements AsyncDisposable {
  readonly #process: Running;

  constructor(readonly kind: K, order: Order<K>) {
    this.#process = new Running(Deno.execPath(), [WORKER, kind, JSON.stringify(order)]);
  }

  /** The next line that it prints; undefined at its end. */
  line(): Promise<string | undefined> {
    return this.#process.line();
  }

  /** Asks a worker to end that goes on until then. */
  stop(): void {
    try {
      this.#process.kill("SIGTERM");
    } catch {
      // It ended by itself; its result says why.
    }
  }

  /** Has it stand still, wherever it is. */
  pause(): Promise<void> {
    return this.#process.stop();
  }

  /** What it has done; a worker that fails, or stands still for `seconds`, fails the check. */
  async result(seconds = NEVER_S): Promise<Result<K>> {
    const { status, stdout, stderr } = await this.#process.end(seconds);
    expect(status === 0, `${this.kind}: status ${status}: ${stderr.trim()}`);
    return JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process[Symbol.asyncDispose]();
  }
}
