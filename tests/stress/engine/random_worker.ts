/**
 * A process that calls a video node at random.
 *
 * @module
 */
import type { Tally } from "./tally.ts";
import { NodeCaller, type NodeFacts } from "./node_caller.ts";
import { DECODER } from "../decoder/calls.ts";
import { descriptorOf, raw } from "./libc.ts";
import { BESIDE, LOOP } from "../loop/calls.ts";
import { Random } from "../../harness/random.ts";
import { delay } from "../../harness/waiting.ts";
import { FILTER } from "../filter/calls.ts";

/** What the worker is to do. */
export interface VideoOrder {
  readonly seed: number;
  /** Until SIGTERM where there is none. */
  readonly seconds?: number;
  /** At least so many calls, however long they take. */
  readonly calls?: number;
  /** And so many frames that came out of them. */
  readonly results?: number;
  /** Print process id and a descriptor of the first file opened, for another worker to join. */
  readonly announce?: boolean;
  /** Share this open file of that process. */
  readonly join?: { readonly pid: number; readonly fd: number };
}

/** Between two looks at signals: of steps no number, a slow guest takes a second for some. */
const STEPS_MS = 20;

/** Calls at random until the time is over; the process's end closes what is open then. */
async function callAtRandom(
  facts: NodeFacts,
  { seed, seconds = Infinity, calls = 0, results = 0, announce, join }: VideoOrder,
): Promise<Tally> {
  const caller = new NodeCaller(new Random(seed), facts);
  let told = false;
  Deno.addSignalListener("SIGTERM", () => void (told = true));
  const end = performance.now() + seconds * 1000;
  if (join !== undefined) caller.open(descriptorOf(join));
  // A duplicate, as the random calls may close the first.
  if (announce) console.log(`${Deno.pid} ${raw.dup(caller.open().fd)}`);
  const { tally } = caller;
  const isEnough = () => tally.calls >= calls && tally.results >= results;
  while (!told && (performance.now() < end || !isEnough())) {
    const look = performance.now() + STEPS_MS;
    do caller.step(); while (performance.now() < look);
    await delay(0);
  }
  return tally;
}

export const callVideoAtRandom = (order: VideoOrder) => callAtRandom(FILTER, order);

export const callDecoderAtRandom = (order: VideoOrder) => callAtRandom(DECODER, order);

export const callLoopAtRandom = (order: VideoOrder) => callAtRandom(LOOP, order);

export const callLoopBeside = (order: VideoOrder) => callAtRandom(BESIDE, order);
