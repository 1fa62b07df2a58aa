/**
 * The kernel's trace as text: what tracefs shows, or `trace-cmd report` makes of its file. The text does
 * not say which clock its times are of.
 *
 * @module
 */
import { readPieces } from "../files/files.ts";

/** One line of it. */
export interface TraceEvent {
  /** Of the thread that was on the CPU. */
  readonly thread: number;
  readonly cpu: number;
  /** Since a second that whoever reads has named; the kernel's text has whole microseconds. */
  readonly ns: number;
  readonly name: string;
  readonly says: string;
}

/** A place where the trace lacks events of a CPU: its buffer was full. */
export interface TraceLoss {
  readonly cpu: number;
  /** How many; NaN where the trace does not say. */
  readonly lost: number;
}

/** From the first event to the last. */
export interface TraceSpan {
  /** The whole one of the first event, which the times here are counted from. */
  readonly second: number;
  readonly first: number;
  readonly last: number;
  /** Places where events were lost, and how many these were: NaN where the trace does not say of one. */
  readonly places: number;
  readonly lost: number;
}

/** A thread as a trace names it; the idle ones of all CPUs are one. */
export interface Task {
  readonly id: number;
  readonly name: string;
}

/** A task that leaves a CPU, and the one that has it next. */
export interface Switch {
  readonly previous: Task;
  readonly next: Task;
}

// TASK-PID (TGID) [CPU] FLAGS TIME: EVENT: ...
const LINE =
  /^\s*.+-(\d+)\s+(?:\([-\s\d]+\)\s+)?\[(\d+)\]\s+(?:\S+\s+)?(\d+)(\.\d+)?:\s+(\w+):\s*(.*)\r?$/;
// As the kernel writes it, and trace-cmd; each also without a number.
const LOSS = /^CPU:(\d+) \[(?:LOST )?(?:(\d+) )?EVENTS(?: DROPPED)?\]/;
const SWITCH =
  /^prev_comm=(.*) prev_pid=(\d+) .*next_comm=(.*) next_pid=(\d+)|^(.*):(\d+) \[\d+\] \S+ ==> (.*):(\d+) \[/;
const DEQUEUED = /type ?= ?VIDEO_CAPTURE\w*,.*sequence ?= ?(\d+)/;
/** How trace-cmd's own file begins. */
const BINARY = "\x17\x08Dtracing";

/** What to do where a trace has another clock than the rows. */
export const SET_CLOCK =
  "trace with the clock mono (trace_clock in tracefs, trace-cmd record -C mono)";

/**
 * Every event and loss, in the order of the file; other lines are passed over.
 *
 * @param second that times are counted from
 * @throws {SysError} naming the file
 * @throws {Error} naming the file, where it is trace-cmd's own or its times are no seconds
 */
export function* traceEvents(
  path: string,
  second: number,
): Generator<TraceEvent | TraceLoss, void> {
  for (const line of linesOf(path)) {
    const [, thread, cpu, seconds, fraction, name, says] = LINE.exec(line) ?? [];
    if (says === undefined) {
      const loss = LOSS.exec(line);
      if (loss) yield { cpu: Number(loss[1]), lost: Number(loss[2] ?? NaN) };
      continue;
    }
    if (fraction === undefined) {
      throw new Error(`${path}: its times count no seconds: ${SET_CLOCK}`);
    }
    const ns = Number(fraction.slice(1, 10).padEnd(9, "0"));
    yield {
      thread: Number(thread),
      cpu: Number(cpu),
      ns: (Number(seconds) - second) * 1e9 + ns,
      name,
      says,
    };
  }
}

/** @throws {Error} naming the file, where there is no event in it; and as `traceEvents` */
export function traceSpan(path: string): TraceSpan {
  const second = firstSecond(path);
  let [first, last] = [Infinity, -Infinity];
  let [places, lost] = [0, 0];
  for (const event of traceEvents(path, second)) {
    if ("lost" in event) {
      places++;
      lost += event.lost;
      continue;
    }
    first = Math.min(first, event.ns);
    last = Math.max(last, event.ns);
  }
  return { second, first, last, places, lost };
}

function firstSecond(path: string): number {
  for (const line of linesOf(path)) {
    const found = LINE.exec(line);
    if (found) return Number(found[3]);
  }
  throw new Error(`${path}: no event in it: is it the kernel's trace as text?`);
}

/** What a sched_switch says; undefined of any other event. */
export function switchOf({ name, says }: TraceEvent): Switch | undefined {
  const found = name === "sched_switch" ? SWITCH.exec(says) : null;
  if (!found) return undefined;
  const [previous, previousId, next, nextId] = found[1] === undefined
    ? found.slice(5)
    : found.slice(1, 5);
  const task = (name: string, id: string) => ({
    id: Number(id),
    name: id === "0" ? "idle" : `${name}-${id}`,
  });
  return { previous: task(previous, previousId), next: task(next, nextId) };
}

/** The sequence of a CAPTURE buffer that a thread has got; undefined of any other event. */
export function dequeuedSequence({ name, says }: TraceEvent): number | undefined {
  const found = name === "v4l2_dqbuf" ? DEQUEUED.exec(says) : null;
  return found ? Number(found[1]) : undefined;
}

function* linesOf(path: string): Generator<string, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for (const piece of readPieces(path)) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    if (lines[0].startsWith(BINARY)) {
      throw new Error(
        `${path}: is trace-cmd's own file: trace-cmd report ${path} makes text of it`,
      );
    }
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== "") yield rest;
}
