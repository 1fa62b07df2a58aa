/**
 * A decoder-daemon of the checks' own, its log, and what the module counts.
 *
 * @module
 */
import { constants } from "node:os";
import { TextLineStream } from "@std/streams/text-line-stream";
import type { Context } from "../../harness/context.ts";
import { Patience } from "../../harness/patience.ts";
import { expect } from "../../harness/suite.ts";
import { until } from "../../harness/waiting.ts";

const DEBUGFS = "/sys/kernel/debug/vpipe-dec";

/** A daemon's time for one frame: a guest may stand still for longer than the module's own. */
export const FRAME_MS = 60_000;

/** Of a daemon that does nothing. */
const WAIT_S = 60;

/** Its number, on every architecture that is built for. */
export const SIGSEGV = 11;

/** What the daemon's line says of a stream that is over. */
export interface StreamOver {
  readonly stream: number;
  /** Frames that were decoded. */
  readonly ok: number;
  /** How often memory was mapped. */
  readonly mappings: number;
  /** Of all pictures, where the daemon was asked for it. */
  readonly digest: string | undefined;
}

/** A running daemon; killed when it goes out of scope. */
export class Daemon implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  #ended = false;
  #silent = false;
  /** Lines of its log so far. */
  readonly log: string[] = [];

  private constructor(program: string, args: readonly string[]) {
    this.#child = new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    const lines = this.#child.stderr
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    for await (const line of lines) this.log.push(line);
    this.#silent = true;
  }

  /** Starts one, and returns once it serves the device. */
  static async start(context: Context, ...args: string[]): Promise<Daemon> {
    const daemon = new Daemon(context.tool("decoder-daemon"), args);
    const isUp = () => daemon.log.some((line) => / serving /.test(line));
    try {
      const patience = Patience.with(daemon.pid, WAIT_S);
      await until("the daemon's start", () => isUp() || daemon.#silent, patience);
      expect(isUp(), `decoder-daemon does not start: ${daemon.log.at(-1)}`);
    } catch (error) {
      await daemon[Symbol.asyncDispose]();
      throw error;
    }
    return daemon;
  }

  get pid(): number {
    return this.#child.pid;
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  #handles(signal: number): boolean {
    const [, mask] = Deno.readTextFileSync(`/proc/${this.pid}/status`).match(/^SigCgt:\t(\S+)$/m)!;
    return (BigInt(`0x${mask}`) >> BigInt(signal - 1) & 1n) !== 0n;
  }

  /**
   * Ends it as a fault in its code does: its runtime takes the first SIGSEGV, lets go of the signal and
   * goes on where the fault then comes again.
   */
  async crash(): Promise<void> {
    if (this.#handles(SIGSEGV)) {
      this.kill("SIGSEGV");
      await until("the runtime's letting go of SIGSEGV", () => !this.#handles(SIGSEGV));
    }
    this.kill("SIGSEGV");
  }

  /** Waits for its end, and returns the exit status; standing still for `seconds` fails the check. */
  async end(seconds = WAIT_S): Promise<number> {
    using _limit = Patience.with(this.pid, seconds).orElse(() => this.kill("SIGKILL"));
    const { code, signal } = await this.#child.status;
    this.#ended = true;
    await this.#reading;
    expect(signal !== "SIGKILL", `decoder-daemon: does nothing for ${seconds} s, or does not end`);
    return code;
  }

  /**
   * Waits for its answer to a ping; the round trip in ns. The kernel waits a second for it, for which a
   * guest may stand still.
   */
  async answer(): Promise<number> {
    let ns: number | undefined;
    const isThere = () => (ns = tryPing()) !== undefined;
    await until("the daemon's answer", isThere, Patience.with(this.pid, WAIT_S));
    return ns!;
  }

  /** The streams that are over, in the order in which they ended. */
  get streams(): StreamOver[] {
    return this.log.filter((line) => / stream-over /.test(line)).map((line) => {
      const number = (key: string) => Number(line.match(` ${key}=(\\d+)`)?.[1]);
      const digest = line.match(/ digest=(\S+)/)?.[1];
      return {
        stream: number("stream"),
        ok: number("ok"),
        mappings: number("mappings"),
        digest,
      };
    });
  }

  /** Waits until so many streams are over, and returns the last of them. */
  async streamOver(count: number): Promise<StreamOver> {
    const patience = Patience.with(this.pid, WAIT_S);
    await until(`the end of stream ${count}`, () => this.streams.length >= count, patience);
    return this.streams[count - 1];
  }

  /** Memory that it takes, in MiB. */
  get resident(): number {
    const [, kilobytes] = Deno.readTextFileSync(`/proc/${this.pid}/status`).match(
      /^VmRSS:\s+(\d+)/m,
    )!;
    return Number(kilobytes) / 1024;
  }

  /** Memory of devices that it has mapped, and files that it has open. */
  get held(): { mappings: number; files: number } {
    const maps = Deno.readTextFileSync(`/proc/${this.pid}/maps`).split("\n");
    return {
      mappings: maps.filter((line) => /dmabuf/.test(line)).length,
      files: [...Deno.readDirSync(`/proc/${this.pid}/fd`)].length,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    try {
      this.kill("SIGKILL");
    } catch {
      // It ended by itself.
    }
    await this.#child.status;
    await this.#reading;
    this.#ended = true;
  }
}

/** What the module counted since it was loaded, over all streams. */
export function statistics(): { frames: number; errors: number } {
  const text = Deno.readTextFileSync(`${DEBUGFS}/stats`);
  const sum = (key: string) =>
    [...text.matchAll(new RegExp(`\\b${key} (\\d+)`, "g"))]
      .reduce((total, [, count]) => total + Number(count), 0);
  return { frames: sum("frames"), errors: sum("errors") };
}

/** Asks the daemon for a sign of life; the round trip in ns. */
export function ping(): number {
  const answer = Deno.readTextFileSync(`${DEBUGFS}/ping`).trim();
  expect(/^\d+$/.test(answer), `ping says "${answer}"`);
  return Number(answer);
}

/** The same; undefined where it did not answer in time. */
function tryPing(): number | undefined {
  try {
    return ping();
  } catch (error) {
    if (`${error}`.includes(`(os error ${constants.errno.ETIMEDOUT})`)) return undefined;
    throw error;
  }
}
