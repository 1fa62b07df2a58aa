/**
 * Starting the tools under test as a user would, and stopping what was started.
 *
 * @module
 */
import { TextLineStream } from "@std/streams/text-line-stream";
import { Patience } from "./patience.ts";
import { expect } from "./suite.ts";
import { delay } from "./waiting.ts";

/** How a program ended. */
export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const POLL_MS = 5;
const SIGINT_BIT = 1n << 1n;

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A program that runs in the background; killed when it goes out of scope. */
export class Running implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #stderr: Promise<Uint8Array>;
  #stdout = "";
  #ended = false;
  #isOver = false;

  constructor(program: string, args: readonly string[]) {
    this.#child = new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#lines = this.#child.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream())
      .getReader();
    this.#stderr = new Response(this.#child.stderr).bytes();
    void this.#child.status.then(() => this.#isOver = true);
  }

  /** The next line on stdout; undefined at its end. */
  async line(): Promise<string | undefined> {
    const { value } = await this.#lines.read();
    if (value !== undefined) this.#stdout += value + "\n";
    return value;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Whether the program has come to its end. */
  get isOver(): boolean {
    return this.#isOver;
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Whether the program has a handler for SIGINT by now. */
  get hearsInterrupts(): boolean {
    const [, caught] = this.#status.match(/^SigCgt:\s+([\da-f]+)$/m) ?? ["", "0"];
    return (BigInt(`0x${caught}`) & SIGINT_BIT) !== 0n;
  }

  get #status(): string {
    return Deno.readTextFileSync(`/proc/${this.pid}/status`);
  }

  /** Has it stand still, until SIGCONT; returns when it does. */
  async stop(): Promise<void> {
    this.kill("SIGSTOP");
    while (!/^State:\s+[TZ]/m.test(this.#status)) await delay(POLL_MS);
  }

  /** Waits for the end; a program that stands still for `seconds` fails the check. */
  async end(seconds = 60): Promise<Outcome> {
    using _limit = Patience.with(this.pid, seconds).orElse(() => this.#killIfThere());
    while (await this.line() !== undefined);
    const { code, signal } = await this.#child.status;
    this.#ended = true;
    expect(signal !== "SIGKILL", `killed: does nothing for ${seconds} s, or does not end`);
    return { status: code, stdout: this.#stdout, stderr: decode(await this.#stderr) };
  }

  #killIfThere(): void {
    try {
      this.kill("SIGKILL");
    } catch {
      // It ended by itself.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    this.#killIfThere();
    while (await this.line() !== undefined);
    await this.#child.status;
    await this.#stderr;
  }
}

/** Runs a program to its end. */
export function run(program: string, args: readonly string[], seconds?: number): Promise<Outcome> {
  return new Running(program, args).end(seconds);
}

/** Runs a program that has to succeed, and returns its stdout. */
export async function succeed(
  program: string,
  args: readonly string[],
  seconds?: number,
): Promise<string> {
  const { status, stdout, stderr } = await run(program, args, seconds);
  expect(
    status === 0,
    `${program} ${args.join(" ")}: status ${status}: ${stderr.trim() || stdout.trim()}`,
  );
  return stdout;
}
