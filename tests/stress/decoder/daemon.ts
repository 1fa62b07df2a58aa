/**
 * The real daemon, as a process of its own.
 *
 * @module
 */
import { Patience } from "../../harness/patience.ts";
import { Running } from "../../harness/processes.ts";
import { expect } from "../../harness/suite.ts";
import { daemonAnswers, expectIdle } from "./decoder.ts";
import { NEVER_S } from "../engine/stage.ts";
import { delay } from "../../harness/waiting.ts";

/** So many looks in a row have to see the same. */
const QUIET_LOOKS = 5;
const LOOK_MS = 100;

/** What a process holds. */
export interface Holdings {
  readonly fds: number;
  readonly maps: number;
  /** Clients' buffers among the maps. */
  readonly buffers: number;
  /** Of memory. */
  readonly megabytes: number;
}

/** `build/bin/decoder-daemon`; killed when it goes out of scope. */
export class Daemon implements AsyncDisposable {
  readonly #process: Running;

  private constructor(process: Running) {
    this.#process = process;
  }

  /** Starts it and waits until it answers. */
  static async start(tools: string): Promise<Daemon> {
    const running = new Running(`${tools}/decoder-daemon`, ["--log-level", "error"]);
    const patience = Patience.with(running.pid, NEVER_S);
    while (!daemonAnswers()) {
      expect(!patience.isOver, "the daemon does not begin to answer");
      await delay(10);
    }
    return new Daemon(running);
  }

  get pid(): number {
    return this.#process.pid;
  }

  kill(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** Has it stand still, until SIGCONT; returns when it does. */
  stop(): Promise<void> {
    return this.#process.stop();
  }

  /** How it ended, within so many seconds. */
  end(seconds: number) {
    return this.#process.end(seconds);
  }

  /** Fails unless it is still the one that answers, with what it said when it ended. */
  async expectAlive(): Promise<void> {
    // It may be busy for a while.
    for (const patience = Patience.with(this.pid, NEVER_S); !patience.isOver;) {
      if (daemonAnswers()) return;
    }
    this.kill("SIGABRT");
    const { status, stderr } = await this.#process.end(NEVER_S);
    expect(false, `the daemon does not answer any more; status ${status}: ${stderr.slice(-2000)}`);
  }

  holdings(): Holdings {
    const maps = Deno.readTextFileSync(`/proc/${this.pid}/maps`).trimEnd().split("\n");
    const status = Deno.readTextFileSync(`/proc/${this.pid}/status`);
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? [];
    return {
      megabytes: Math.round(Number(kilobytes) / 1024),
      fds: [...Deno.readDirSync(`/proc/${this.pid}/fd`)].length,
      maps: maps.length,
      buffers: maps.filter((line) => line.includes("dmabuf")).length,
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process[Symbol.asyncDispose]();
  }
}

/**
 * What the daemon has when no client is there any more. It lets go of a stream, and of a thread that
 * it does not keep, some time after the client.
 */
export async function settled(daemon: Daemon): Promise<Holdings> {
  await expectIdle(1);
  let held = daemon.holdings();
  for (let quiet = 0; quiet < QUIET_LOOKS;) {
    await delay(LOOK_MS);
    const next = daemon.holdings();
    quiet = next.fds === held.fds && next.buffers === 0 ? quiet + 1 : 0;
    held = next;
  }
  return held;
}
