/**
 * What `perf stat -x,` wrote.
 *
 * @module
 */

/** Counts by event, or perf's word for why there is none: `not supported`, `not counted`. */
export type PerfCounters = ReadonlyMap<string, number | string>;

/** Takes lines of `count,unit,event,...`; anything else is passed over. */
export function parsePerf(text: string): PerfCounters {
  const counters = new Map<string, number | string>();
  for (const line of text.split("\n")) {
    const [count, , event] = line.split(",");
    // The modifiers behind a colon say which modes were counted.
    const name = event?.split(":")[0];
    if (!name || line.startsWith("#")) continue;
    const word = /^<(.*)>$/.exec(count)?.[1];
    if (word !== undefined) counters.set(name, word);
    else if (/^\d+(\.\d+)?$/.test(count)) counters.set(name, Number(count));
  }
  return counters;
}
