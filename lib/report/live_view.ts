/**
 * A capture while it goes on, on one screen: the figures of its last seconds, by the rules of the page.
 *
 * @module
 */
import { Screen, type Terminal } from "../cli/screen.ts";
import { formatNumber } from "../measure/format.ts";
import { SourceStatistics } from "../measure/source_statistics.ts";
import { epochSeconds, monotonicNs } from "../sys/clock.ts";
import { V4L2_BUF_FLAG_ERROR } from "../uapi/videodev2.ts";
import { kindOf, type PathKind } from "./analysis/recorded_paths.ts";
import { bars } from "./bars.ts";
import { timeLines } from "./camera_lines.ts";
import { timeFigures } from "./figures.ts";
import { type Columns, RecentRows } from "./recent_rows.ts";
import { losses, rowsOf } from "./words.ts";

/** What the figures are of: at 30 frames a second, the 99th percentile of so long is three frames. */
const SECONDS = 10;
const MOST_ROWS = 1 << 13;
const EVERY_NS = 0.5e9;
/** A camera that has none for so long is told; that it stopped, its tool's `--timeout` says. */
const STILL_NS = 1e9;

/** What the screen says of the camera. */
export interface LiveCamera {
  /** The first line. */
  readonly title: string;
  readonly driver: string;
}

/** Rows become figures, and those lines; nothing of it knows a terminal. */
export class LiveFigures {
  readonly #driver: string;
  #alternating = false;
  #source = new SourceStatistics();
  #recent: { readonly kind: PathKind; readonly rows: RecentRows } | undefined;
  #last = 0;

  constructor({ driver }: Omit<LiveCamera, "title">) {
    this.#driver = driver;
  }

  /** Before the first row: whether each has one of a frame's two fields. */
  begin(alternating: boolean): void {
    this.#alternating = alternating;
    this.#source = new SourceStatistics(alternating);
  }

  /** Adds the first `rows` of each column. */
  add(columns: Columns, rows: number): void {
    if (rows === 0) return;
    const { kind, rows: recent } = this.#recent ??= begin(columns);
    recent.add(columns, rows);
    const times = columns[kind.latency.to];
    const sequence = columns[kind.sequences.at(0)?.column ?? "frame"];
    for (let row = 0; row < rows; row++) {
      const isFaulty = (columns.flags?.[row] & V4L2_BUF_FLAG_ERROR) !== 0;
      this.#source.record(times[row], sequence[row], isFaulty, columns.field?.[row]);
    }
    this.#last = times[rows - 1];
  }

  /**
   * What there is to say.
   *
   * @param width of a line, in characters
   * @param now by `monotonicNs`
   */
  lines(width: number, now: number): string[] {
    if (this.#recent === undefined) {
      return ["  no frame that counts yet: the first ones are to warm up"];
    }
    const { kind, rows } = this.#recent;
    const { frames, dropped: lost, gaps, backwards, errors } = this.#source;
    const still = now - this.#last;
    rows.forgetBefore(kind.latency.to, now - SECONDS * 1e9);
    const recent = rows.length === 0 ? undefined : timeFigures(rows, kind, this.#alternating);
    const all = {
      kind,
      errors: kind.errors === "counted" ? errors : undefined,
      gaps: kind.sequences.map(({ of }) => ({ of, lost, gaps, backwards })),
    };
    return [
      ...still < STILL_NS ? [] : [`  no frame for ${Math.floor(still / 1e9)} s`],
      ...recent?.rate === undefined ? [] : [
        `  rate      ${formatNumber(recent.rate, 2)} a second, of the last ${rowsOf(recent)}`,
      ],
      ...recent === undefined ? [] : timeLines(recent, this.#driver),
      `  since the start: ${rowsOf({ frames, alternating: this.#alternating })}; ${losses(all)}`,
      ...recent === undefined ? [] : [
        "",
        `  latency from, frames`,
        ...bars(recent.latencies, width),
      ],
    ];
  }
}

function begin(columns: Columns) {
  const has = (...names: string[]) => names.every((name) => name in columns);
  const kind = kindOf({ has, word: () => undefined });
  if (kind === undefined) throw new Error("no kind of path has these columns");
  return { kind, rows: new RecentRows(columns, epochSeconds, MOST_ROWS) };
}

/** Watches a recording, and draws twice a second. */
export class LiveView implements Disposable {
  readonly #title: string;
  readonly #figures: LiveFigures;
  readonly #screen: Screen;
  #next = 0;

  /** @throws {Error} without a terminal to draw on */
  constructor({ title, ...camera }: LiveCamera, terminal?: Terminal) {
    this.#title = title;
    this.#figures = new LiveFigures(camera);
    this.#screen = new Screen(terminal);
    this.look({}, 0);
  }

  begin(alternating: boolean): void {
    this.#figures.begin(alternating);
  }

  look(columns: Columns, rows: number): void {
    this.#figures.add(columns, rows);
    const now = monotonicNs();
    if (now < this.#next) return;
    this.#next += EVERY_NS;
    if (this.#next < now) this.#next = now + EVERY_NS;
    const { columns: width } = this.#screen.size;
    this.#screen.draw([this.#title, "", ...this.#figures.lines(width, now)]);
  }

  [Symbol.dispose](): void {
    this.#screen[Symbol.dispose]();
  }
}
