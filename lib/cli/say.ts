/**
 * Lines on stdout and stderr, for which no reader is waited until the program ends.
 *
 * @module
 */
import { ReaderQueue, readersBehind } from "../files/reader_queue.ts";
import { SysError } from "../sys/errno.ts";
import { BREATH_MS, breathe, type StopRequest } from "./stop.ts";

export const STREAMS = { stdout: 1, stderr: 2 } as const;

/** For how long a program that was told to end waits for who does not read. */
const PATIENCE_MS = 1000;

/** @returns why nobody reads any more */
function attempt(write: () => void): SysError | undefined {
  try {
    write();
    return undefined;
  } catch (error) {
    if (error instanceof SysError) return error;
    throw error;
  }
}

/** Says a line; that nobody reads any more ends no run. */
export function say(stream: keyof typeof STREAMS, line: string): void {
  const bytes = new Uint8Array(new TextEncoder().encode(line + "\n"));
  attempt(() => ReaderQueue.of(stream, STREAMS[stream]).append(bytes));
}

/**
 * Waits until all that was said and written is taken; a signal ends that soon.
 *
 * @returns why a tool's data did not get to where they should
 */
export async function deliver(stop: Pick<StopRequest, "status">): Promise<SysError | undefined> {
  let since = Infinity;
  let failure: SysError | undefined;
  for (let behind = readersBehind(); behind.length > 0; behind = readersBehind()) {
    if (stop.status !== 0 && since === Infinity) since = performance.now();
    if (performance.now() - since > PATIENCE_MS) break;
    for (const reader of behind) {
      const lost = attempt(() => reader.wait(BREATH_MS));
      if (reader.isData) failure ??= lost;
    }
    await breathe();
  }
  return failure;
}
