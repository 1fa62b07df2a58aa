/**
 * The processor's own counters, of the calling thread.
 *
 * @module
 */
import { monotonicNs, sleepUntil } from "./clock.ts";
import { File, IoBuffer } from "./file.ts";
import { libc } from "./libc.ts";
import {
  PERF_COUNT_HW_CACHE_MISSES,
  PERF_COUNT_HW_CPU_CYCLES,
  PERF_COUNT_HW_INSTRUCTIONS,
  perf_event_attr,
  PERF_FLAG_FD_CLOEXEC,
  PERF_FORMAT_GROUP,
  PERF_FORMAT_TOTAL_TIME_ENABLED,
  PERF_FORMAT_TOTAL_TIME_RUNNING,
  PERF_TYPE_HARDWARE,
} from "../uapi/perf_event.ts";

/** asm/unistd.h: glibc has no function for it. */
const SYS_PERF_EVENT_OPEN = Deno.build.arch === "aarch64" ? 241n : 298n;

/** What is counted: PERF_TYPE_* and PERF_COUNT_*. */
export type CountedEvent = readonly [type: number, config: number];

/** Cycles, instructions, cache misses. */
export const PROCESSOR_EVENTS: readonly CountedEvent[] = [
  [PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES],
  [PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS],
  [PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES],
];

const FORMAT = PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;

/** What is read before the counts, in words of 64 bits: how many there are, and two times. */
const HEAD = 3;
const [ENABLED, RUNNING] = [1, 2];

/** So long a thread sleeps to be given a processor anew. */
const TURN_NS = 1e6;

/** perf_event_open(2) of the calling thread on any processor; below 0 where it cannot be counted. */
function open([type, config]: CountedEvent, leader: number): number {
  const { bytes } = perf_event_attr.alloc({
    type,
    size: perf_event_attr.size,
    config: BigInt(config),
    read_format: BigInt(FORMAT),
  });
  const flags = BigInt(PERF_FLAG_FD_CLOEXEC);
  return Number(libc.syscall(SYS_PERF_EVENT_OPEN, bytes, 0, -1, leader, flags));
}

/** Events of the calling thread that are counted together, in user mode and in the kernel. */
export class ThreadCounters implements Disposable {
  /**
   * Of each event, how often it came between the last two calls of `read`. NaN of one that this machine or
   * this user cannot count, and of all where they shared the counters with others' meanwhile.
   */
  readonly added: Float64Array;
  /** The first leads the group. */
  readonly #files: File[] = [];
  /** Where each event that is counted has its number in `added`. */
  readonly #places: number[] = [];
  readonly #words: Uint32Array<ArrayBuffer>;
  readonly #buffer: IoBuffer;
  readonly #before: Float64Array;

  constructor(events: readonly CountedEvent[] = PROCESSOR_EVENTS) {
    this.added = new Float64Array(events.length).fill(NaN);
    for (const [place, event] of events.entries()) {
      const fd = open(event, this.#files.at(0)?.fd ?? -1);
      if (fd < 0) continue;
      this.#files.push(new File("perf_event_open", fd));
      this.#places.push(place);
    }
    const size = HEAD + this.#files.length;
    this.#words = new Uint32Array(2 * size);
    this.#buffer = new IoBuffer(new Uint8Array(this.#words.buffer));
    this.#before = new Float64Array(size);
    // What joins a group that counts already is not counted before the thread next gets a processor.
    if (this.#files.length > 1) sleepUntil(monotonicNs() + TURN_NS);
    this.read();
  }

  /** Sets `added`; allocates nothing, and makes no call where nothing is counted. */
  read(): void {
    if (this.#files.length === 0) return;
    const isWhole = this.#files[0].tryRead(this.#buffer) === this.#buffer.bytes.length &&
      this.#advance(ENABLED) === this.#advance(RUNNING);
    for (let i = 0; i < this.#places.length; i++) {
      const count = this.#advance(HEAD + i);
      this.added[this.#places[i]] = isWhole ? count : NaN;
    }
  }

  /** By how much a word has grown. */
  #advance(word: number): number {
    const value = this.#words[2 * word] + this.#words[2 * word + 1] * 2 ** 32;
    const grown = value - this.#before[word];
    this.#before[word] = value;
    return grown;
  }

  [Symbol.dispose](): void {
    for (const file of this.#files) file.close();
  }
}
