/**
 * What a run's latency is of: what its tool says, or, of a camera whose buffers have a time of the
 * program's own clock, from that time to having the frame.
 *
 * @module
 */
import {
  V4L2_BUF_FLAG_TIMESTAMP_MASK,
  V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC,
  V4L2_BUF_FLAG_TSTAMP_SRC_MASK,
} from "../../uapi/videodev2.ts";
import { timestampSource } from "../../v4l2/buffer_flags.ts";
import { mostFrequent } from "./percentiles.ts";
import type { PathKind } from "./recorded_paths.ts";
import type { Rows } from "./table.ts";

/** When a driver takes a buffer's time, in words; by the flags' own where there is none. */
export function takenAt(flags: number): string {
  const source = timestampSource(flags);
  return source === "soe" ? "start of exposure" : source === "eof" ? "end of frame" : source;
}

/** Times of each row in ns since the table's second, NaN where one is not known. */
export interface RunLatency {
  readonly name: string;
  readonly from: Float64Array;
  readonly to: Float64Array;
  /** Whether `from` is what the camera's driver says. */
  readonly byDriver: boolean;
  /** Rows whose buffer has a time that comes after the program had it. */
  readonly ahead: number;
  /** Rows whose buffer's time is not above an earlier one's: it stood still, and is no time of the frame. */
  readonly stale: number;
}

/**
 * The latency of a run; its kind's own where the buffers' time cannot be compared with the program's for
 * most frames: they lack one, had yet to come to it, or it stands still.
 */
export function latencyOf(rows: Rows, { buffers, latency }: PathKind): RunLatency {
  const to = rows.times(latency.to)!;
  const stamps = buffers ? driverTimes(rows) : undefined;
  const known = stamps ? stamps.times.filter((from) => !Number.isNaN(from)).length : 0;
  const ahead = stamps ? stamps.times.filter((from, row) => from > to[row]).length : 0;
  const stale = stamps ? forgetStale(stamps.times, to) : 0;
  return stamps === undefined || known - ahead - stale < to.length / 2
    ? { name: latency.name, from: rows.times(latency.from)!, to, byDriver: false, ahead, stale }
    : {
      name: `${stamps.taken} to dequeueing`,
      from: stamps.times,
      to,
      byDriver: true,
      ahead,
      stale,
    };
}

/** Makes NaN of times that do not rise; one that is ahead of its frame does not count for the others. */
function forgetStale(times: Float64Array, had: Float64Array): number {
  let last = -Infinity;
  let stale = 0;
  for (let row = 0; row < times.length; row++) {
    if (times[row] <= last) {
      times[row] = NaN;
      stale++;
    } else if (times[row] <= had[row]) last = times[row];
  }
  return stale;
}

const CLOCK = V4L2_BUF_FLAG_TIMESTAMP_MASK | V4L2_BUF_FLAG_TSTAMP_SRC_MASK;

/** The flags of most buffers that are about their clock; undefined of rows without flags. */
export function clockOf(rows: Rows): number | undefined {
  const flags = rows.numbers("flags");
  return flags && mostFrequent(flags.map((each) => each & CLOCK));
}

/** Of rows whose buffers have the clock and source of most; undefined where that is another clock. */
function driverTimes(rows: Rows): { taken: string; times: Float64Array } | undefined {
  const flags = rows.numbers("flags");
  const sec = rows.numbers("v4l2_timestamp_sec");
  const usec = rows.numbers("v4l2_timestamp_usec");
  const clock = clockOf(rows);
  if (!flags || !sec || !usec || clock === undefined) return undefined;
  if ((clock & V4L2_BUF_FLAG_TIMESTAMP_MASK) !== V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC) {
    return undefined;
  }
  const times = Float64Array.from(sec, (seconds, row) => {
    const isSet = seconds > 0 || usec[row] > 0;
    const isAlike = (flags[row] & CLOCK) === clock;
    return isSet && isAlike ? (seconds - rows.second) * 1e9 + usec[row] * 1e3 : NaN;
  });
  const isKnown = times.some((time) => !Number.isNaN(time));
  return isKnown ? { taken: takenAt(clock), times } : undefined;
}
