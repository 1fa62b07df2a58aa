/**
 * `--break-at`: stops a trace at the first slow frame, which then is at the trace's end.
 *
 * @module
 */
import { integer, optional, path, UsageError } from "../cli/parameters.ts";
import { formatNs } from "../measure/format.ts";
import { SysError } from "../sys/errno.ts";
import { File, IoBuffer, O_WRONLY } from "../sys/file.ts";

const TRACEFS = "/sys/kernel/tracing";

/** What the command line says of it. */
export interface BreakSettings {
  /** In ns. */
  readonly "break-at"?: number;
  readonly trace?: string;
}

export const BREAK_OPTIONS = {
  "break-at": optional(
    integer("NS", "stop the trace, and end, at the first frame whose latency is above", { min: 1 }),
  ),
  trace: optional(
    path("FOLDER", `of the trace to stop: an instance in tracefs; without it ${TRACEFS}`),
  ),
};

/** Looks at the latency of frames, and stops the trace once. */
export class TraceBreak implements Disposable {
  readonly #limit: number;
  readonly #zero = new IoBuffer(Uint8Array.of("0".charCodeAt(0)));
  readonly #tracingOn: File | undefined;
  /** What stopped it. */
  #frame = -1;
  #latency = 0;

  /**
   * @throws {Error} naming the file; without `--break-at` there is none
   * @throws {UsageError} nothing stops the trace
   */
  constructor({ "break-at": limit, trace }: BreakSettings) {
    this.#limit = limit ?? Infinity;
    if (limit !== undefined) this.#tracingOn = open(`${trace ?? TRACEFS}/tracing_on`);
    else if (trace !== undefined) throw new UsageError("--trace is for --break-at");
  }

  /**
   * Looks at a frame; allocates nothing.
   *
   * @param frame its number, negative while warming up
   * @param latency in ns
   * @returns whether the trace was stopped there
   * @throws {SysError} where it cannot be stopped
   */
  look(frame: number, latency: number): boolean {
    if (latency <= this.#limit || frame < 0) return false;
    this.#frame = frame;
    this.#latency = latency;
    const written = this.#tracingOn!.tryWrite(this.#zero);
    if (written < 0) throw new SysError(this.#tracingOn!.path, "write", -written);
    return true;
  }

  /** Which frame it was, in words; undefined where none was slow. */
  get words(): string | undefined {
    if (this.#frame < 0) return undefined;
    return `frame ${this.#frame} took ${formatNs(this.#latency)}: ${
      this.#tracingOn!.path
    } is 0 since`;
  }

  [Symbol.dispose](): void {
    this.#tracingOn?.close();
  }
}

function open(path: string): File {
  try {
    return File.open(path, O_WRONLY);
  } catch (error) {
    const { message } = error as SysError;
    throw new Error(`${message} (--break-at needs tracefs, and root)`, { cause: error });
  }
}
