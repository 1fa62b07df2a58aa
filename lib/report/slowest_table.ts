/**
 * The table of a run's slowest frames.
 *
 * @module
 */
import { counted } from "../measure/format.ts";
import { PARTS } from "./analysis/recorded_paths.ts";
import type { RunFigures } from "./figures.ts";
import { type Content, html, type Markup } from "./html.ts";
import { table, us } from "./sheet.ts";
import type { SlowFrame } from "./slowest_frames.ts";

/** What stands in a row's cells, and above them. */
interface Column {
  readonly name: string;
  readonly of: (frame: SlowFrame) => Content;
}

/** `minor_faults` to `minor faults`, ns to µs. */
function charge(name: string): Column {
  const isTime = name.endsWith("_ns");
  return {
    name: name.replace(/_ns$/, "").replaceAll("_", " ") + (isTime ? ", µs" : ""),
    of({ charged }) {
      const value = charged.get(name);
      return value === undefined || Number.isNaN(value) ? "–" : isTime ? us(value) : value;
    },
  };
}

/** What the rows of a run know of their frames. */
function columnsOf(frames: readonly SlowFrame[]): Column[] {
  const parts = Object.keys(PARTS) as (keyof typeof PARTS)[];
  const [{ charged, remainder }] = frames;
  return [
    { name: "at, s", of: ({ seconds }) => seconds.toFixed(3) },
    { name: "latency, µs", of: ({ latency }) => us(latency) },
    ...parts.filter((name) => frames.some((frame) => frame.parts.has(name))).map((name) => ({
      name,
      of: (frame: SlowFrame) => us(frame.parts.get(name) ?? NaN),
    })),
    ...(remainder === undefined
      ? []
      : [{ name: "remainder", of: (frame: SlowFrame) => us(frame.remainder!) }]),
    ...[...charged.keys()].map(charge),
  ];
}

/** The slowest frames with all that is known of them, and of how many they are. */
export function slowestTable({ slowest, latency, latencyName, decomposition }: RunFigures): Markup {
  const columns = columnsOf(slowest);
  const many = slowest.length === latency.count ? "all" : `the slowest ${slowest.length} of`;
  const ofTurn = decomposition?.whole === "turn";
  return html`
    <details>
      <summary>Why was this frame slow? <small>${many} ${counted(
        latency.count,
        "frame",
      )}</small></summary>
      <p class="quiet">
        The longest ${latencyName} first.${decomposition &&
          ` Parts are in µs, ${
            ofTurn ? "of the turn of the loop that had the frame" : "of the latency"
          }.`} A large part says where the time went; run delay and
        involuntary switches, that others had the CPU; faults, that memory was not there.
      </p>
      ${table(
        ["frame", ...columns.map(({ name }) => name)],
        slowest.map((frame) => [frame.frame, ...columns.map(({ of }) => of(frame))]),
        "slow",
      )}
    </details>
  `;
}
