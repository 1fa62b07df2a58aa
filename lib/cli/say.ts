/**
 * Lines on stdout and stderr, for which no reader is waited until the program ends.
 *
 * @module
 */
import { ReaderQueue, readersBehind } from "../files/reader_queue.ts";
import { EIO, EPIPE, SysError } from "../sys/errno.ts";
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

/** That nobody reads any more ends no run; that a disk is full does, where figures go to it. */
const isFailure = ({ code, subject }: SysError) =>
  subject === "stdout" && code !== EPIPE && code !== EIO;

let unsaid: SysError | undefined;

/** Says a line. What keeps stdout from taking it `deliver` tells. */
export function say(stream: keyof typeof STREAMS, line: string): void {
  const bytes = new Uint8Array(new TextEncoder().encode(line + "\n"));
  const lost = attempt(() => ReaderQueue.of(stream, STREAMS[stream]).append(bytes));
  if (lost !== undefined && isFailure(lost)) unsaid ??= lost;
}

/** Waits until who reads a file's pipe has made room, or for being told to end. */
export async function awaitReader(
  file: { readonly behind: ReaderQueue | undefined },
  stop: Pick<StopRequest, "requested">,
): Promise<void> {
  for (let { behind } = file; behind && !stop.requested; { behind } = file) {
    behind.wait(BREATH_MS);
    if (file.behind !== undefined) await breathe();
  }
}

/**
 * Waits until all that was said and written is taken; behind a signal as long as somebody reads.
 *
 * @returns why a tool's data or figures did not get to where they should
 */
export async function deliver(stop: Pick<StopRequest, "status">): Promise<Error | undefined> {
  let since = Infinity;
  let least = Infinity;
  let failure: Error | undefined;
  for (let behind = readersBehind(); behind.length > 0; behind = readersBehind()) {
    const left = behind.reduce((sum, { bytes }) => sum + bytes, 0);
    if (stop.status !== 0 && left < least) {
      since = performance.now();
      least = left;
    }
    if (performance.now() - since > PATIENCE_MS) break;
    for (const reader of behind) {
      const lost = attempt(() => reader.wait(BREATH_MS));
      if (lost !== undefined && (reader.isData || isFailure(lost))) failure ??= lost;
    }
    await breathe();
  }
  const unread = readersBehind().find(({ isData }) => isData);
  if (unread !== undefined) {
    failure ??= new Error(`${unread.path}: ${unread.bytes} bytes were not read`);
  }
  failure ??= unsaid;
  unsaid = undefined;
  return failure;
}
