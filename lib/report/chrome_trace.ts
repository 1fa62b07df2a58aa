/**
 * Chrome's trace event format, as ui.perfetto.dev and chrome://tracing open it: an object of events,
 * one a line. "Trace Event Format" of the Chromium project's catapult has the fields.
 *
 * @module
 */

/** Where slices are drawn: one row on the screen. */
export interface Track {
  readonly pid: number;
  readonly tid: number;
}

/** Characters that are kept before they are written. */
const ENOUGH = 1 << 16;

/**
 * The format's microseconds of whole ns. A viewer multiplies by 1000 and cuts off: what would become
 * the ns before is the next larger number, by which slices would no longer lie within each other.
 */
export function microseconds(ns: number): number {
  const us = ns / 1000;
  return us * 1000 < ns ? us * (1 + Number.EPSILON) : us;
}

/** Writes events one by one. Without `close` what is written is no JSON. */
export class ChromeTrace {
  readonly #append: (text: string) => void;
  readonly #first: number;
  #text = '{"displayTimeUnit":"ns","traceEvents":[';
  #events = 0;
  #processes = 0;
  #threads = 0;
  #arrows = 0;

  /**
   * @param append takes pieces of the file
   * @param first what slices' times become relative to, in ns
   */
  constructor(append: (text: string) => void, first: number) {
    this.#append = append;
    this.#first = first;
  }

  /** How many slices, arrows and names there are. */
  get events(): number {
    return this.#events;
  }

  /** A group of tracks: the pid. */
  group(name: string): number {
    const pid = ++this.#processes;
    this.#add({ ph: "M", name: "process_name", pid, args: { name } });
    this.#add({ ph: "M", name: "process_sort_index", pid, args: { sort_index: pid } });
    return pid;
  }

  /** A new track; they are shown in this order. */
  track(pid: number, name: string): Track {
    const track = { pid, tid: ++this.#threads };
    this.#add({ ph: "M", name: "thread_name", ...track, args: { name } });
    this.#add({ ph: "M", name: "thread_sort_index", ...track, args: { sort_index: track.tid } });
    return track;
  }

  /** What lies within another slice of its track has to come behind it. */
  slice(
    track: Track,
    { name, begin, end }: { name: string; begin: number; end: number },
    args?: Readonly<Record<string, number | string>>,
  ): void {
    this.#add({
      ph: "X",
      name,
      ...track,
      ts: this.#time(begin),
      dur: microseconds(end - begin),
      args,
    });
  }

  /** From within a slice to within another one; a slice's end is no longer within it. */
  arrow(name: string, from: Track, begin: number, to: Track, end: number): void {
    const flow = { name, cat: "flow", id: ++this.#arrows };
    this.#add({ ph: "s", ...flow, ...from, ts: this.#time(begin) });
    this.#add({ ph: "f", bp: "e", ...flow, ...to, ts: this.#time(end) });
  }

  close(): void {
    this.#append(`${this.#text}\n]}\n`);
    this.#text = "";
  }

  #time(ns: number): number {
    return microseconds(ns - this.#first);
  }

  #add(event: Readonly<Record<string, unknown>>): void {
    this.#text += `${this.#events++ > 0 ? "," : ""}\n${JSON.stringify(event)}`;
    if (this.#text.length < ENOUGH) return;
    this.#append(this.#text);
    this.#text = "";
  }
}

/** Tracks of what may overlap, as slices of one track must not: each on the first that is free. */
export class Lanes {
  readonly #tracks: Track[] = [];
  readonly #ends: number[] = [];

  constructor(
    readonly trace: ChromeTrace,
    readonly pid: number,
    readonly name: string,
  ) {}

  /** A track that is free from `begin`, and then taken until `end`. */
  take({ begin, end }: { readonly begin: number; readonly end: number }): Track {
    let lane = this.#ends.findIndex((taken) => taken <= begin);
    if (lane < 0) {
      lane = this.#tracks.length;
      this.#tracks.push(this.trace.track(this.pid, this.name));
    }
    this.#ends[lane] = end;
    return this.#tracks[lane];
  }
}
