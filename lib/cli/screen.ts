/**
 * A screen of a terminal that is drawn again and again, and afterwards is as it was.
 *
 * @module
 */
import { ReaderQueue } from "../files/reader_queue.ts";
import { SysError } from "../sys/errno.ts";
import { libc } from "../sys/libc.ts";
import { STREAMS } from "./say.ts";

/** signal.h */
const SIGSTOP = 19;

// xterm's other screen buffer, which most terminals have; the cursor goes with it.
const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
/** To the end of the line, in front of its text: behind a full one it would take its last character. */
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";

/** Of a pseudo-terminal that nobody gave a size. */
const USUAL = { columns: 80, rows: 24 };
const INDENT = "    ";

const PATIENCE_MS = 1000;

/** What a screen is drawn on. */
export interface Terminal {
  isTerminal(): boolean;
  size(): { readonly columns: number; readonly rows: number };
  /** Takes it, and waits for nobody who has to make room. */
  write(text: string): void;
  /** Whether some of what it took is yet to be shown. */
  isBehind(): boolean;
  /** Waits so many milliseconds at most until it is. */
  wait(timeout: number): void;
}

/** Says of what is gone why it is. */
function ofStdout<T>(take: (terminal: ReaderQueue) => T): T {
  try {
    return take(ReaderQueue.of("stdout", STREAMS.stdout));
  } catch (error) {
    throw error instanceof SysError ? new Error(error.what, { cause: error }) : error;
  }
}

const STDOUT: Terminal = {
  isTerminal: () => Deno.stdout.isTerminal(),
  size: () => Deno.consoleSize(),
  write: (text) =>
    ofStdout((terminal) => terminal.append(new Uint8Array(new TextEncoder().encode(text)))),
  isBehind: () =>
    ofStdout((terminal) => {
      terminal.push();
      return terminal.bytes > 0;
    }),
  wait: (timeout) => ofStdout((terminal) => terminal.wait(timeout)),
};

/** A text in lines of at most so many characters, broken at spaces where there are any. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > columns) {
    const space = rest.lastIndexOf(" ", columns);
    // What stands in front is the indentation, and no word.
    const isWord = space > 0 && rest.slice(0, space).trim() !== "";
    const end = isWord ? space : columns;
    lines.push(rest.slice(0, end));
    const indent = columns > 2 * INDENT.length ? INDENT : "";
    rest = indent + rest.slice(end).trimStart();
  }
  return [...lines, rest];
}

/**
 * Takes a terminal's whole screen until it is disposed of. Ctrl-Z gives it back for as long as the
 * program stands still.
 */
export class Screen implements Disposable {
  readonly #terminal: Terminal;
  readonly #suspend = () => {
    this.#write(LEAVE);
    // The shell is to find its own screen, unless nobody shows any.
    this.#ask((terminal) => terminal.wait(PATIENCE_MS));
    libc.raise(SIGSTOP);
    this.#write(ENTER);
  };
  #isGone = false;

  /** @throws {Error} without a terminal */
  constructor(terminal: Terminal = STDOUT) {
    if (!terminal.isTerminal()) throw new Error("stdout is no terminal to draw on");
    this.#terminal = terminal;
    this.#write(ENTER);
    Deno.addSignalListener("SIGTSTP", this.#suspend);
  }

  /** In characters; it may change at any time. */
  get size(): { readonly columns: number; readonly rows: number } {
    try {
      const { columns, rows } = this.#terminal.size();
      return columns > 0 && rows > 0 ? { columns, rows } : USUAL;
    } catch {
      // Of a terminal that is gone: the next write says so.
      return USUAL;
    }
  }

  /**
   * Shows these lines and nothing else; long ones are broken, and what has no room is left out. On a terminal
   * that stands still it is nothing.
   */
  draw(lines: readonly string[]): void {
    if (this.#ask((terminal) => terminal.isBehind()) ?? true) return;
    const { columns, rows } = this.size;
    const shown = lines
      // What a driver calls its camera is shown, and never obeyed.
      .flatMap((line) => wrapped(line.replaceAll(/[^\x20-\x7e]/g, "?"), columns))
      .slice(0, rows)
      .map((line) => CLEAR_LINE + line);
    // Below the last line there may be none, and the end of a full one is still on it.
    const below = shown.length < rows ? `\r\n${CLEAR_BELOW}` : "";
    this.#write(HOME + shown.join("\r\n") + below);
  }

  #write(text: string): void {
    this.#ask((terminal) => terminal.write(text));
  }

  /** A terminal that is gone is said to be once. */
  #ask<T>(ask: (terminal: Terminal) => T): T | undefined {
    if (this.#isGone) return undefined;
    try {
      return ask(this.#terminal);
    } catch (error) {
      this.#isGone = true;
      throw new Error(`stdout: ${(error as Error).message}`, { cause: error });
    }
  }

  [Symbol.dispose](): void {
    Deno.removeSignalListener("SIGTSTP", this.#suspend);
    try {
      this.#write(LEAVE);
    } catch {
      // There is nothing left to give back.
    }
  }
}
