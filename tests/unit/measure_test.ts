import { assert, assertEquals } from "@std/assert";
import { formatNs, formatNumber, formatRate } from "../../lib/measure/format.ts";
import { FrameLog } from "../../lib/measure/frame_log.ts";
import { pairFrames } from "../../lib/report/analysis/frame_pairs.ts";
import { missingFrames, sequenceGaps, sequenceStep } from "../../lib/measure/gaps.ts";
import { Histogram } from "../../lib/measure/histogram.ts";
import { median, quantile, statistics } from "../../lib/report/analysis/percentiles.ts";
import { SourceStatistics } from "../../lib/measure/source_statistics.ts";
import { Table } from "../../lib/report/analysis/table.ts";

Deno.test("quantile: the nearest rank, at the ends, of one and of none", () => {
  assertEquals(quantile([1, 2, 3, 4], 0.5), 2);
  assertEquals(quantile([1, 2, 3, 4], 0.51), 3);
  assertEquals(quantile([1, 2, 3, 4], 0), 1);
  assertEquals(quantile([1, 2, 3, 4], 1), 4);
  assertEquals(quantile([7], 0.99), 7);
  assertEquals(quantile([], 0.5), undefined);
});

Deno.test("percentiles: the page's and the terminal's of the same run are the same", () => {
  const histogram = new Histogram();
  const run = Float64Array.from({ length: 150 }, (_, i) => (i * 37 % 150 + 1) * 5);
  for (const ns of run) histogram.record(ns);
  // 5, 10 ... 750: of 150 values, 75 are not above 375, 143 not above 715, and 149 not above 745.
  const stated = { count: 150, min: 5, p50: 375, p95: 715, p99: 745, max: 750 };
  assertEquals(histogram.summary(), stated);
  assertEquals(statistics(run), { ...stated, mean: 377.5 });
  // Of a few runs the middle is between the two.
  assertEquals(median([4, 1, 3, 2]), 2.5);
});

Deno.test("histogram: exact while small", () => {
  const histogram = new Histogram();
  for (let value = 1; value <= 1000; value++) histogram.record(value);
  assertEquals(histogram.summary(), {
    count: 1000,
    min: 1,
    p50: 500,
    p95: 950,
    p99: 990,
    max: 1000,
  });
});

Deno.test("histogram: one part in 1024 at any size", () => {
  for (const value of [1023, 1024, 2047, 2048, 123_456, 2 ** 31 - 1, 2 ** 31, 1e10, 1e13, 1e15]) {
    const histogram = new Histogram();
    // Two neighbours, so that minimum and maximum do not give the answer away.
    for (const v of [0, value, 2 * value]) histogram.record(v);
    const median = histogram.quantile(0.5)!;
    assert(Math.abs(median - value) <= value / 1024, `${value} came back as ${median}`);
  }
});

Deno.test("histogram: nothing recorded, nothing said", () => {
  assertEquals(new Histogram().summary(), undefined);
});

Deno.test("nanoseconds: three digits and a unit", () => {
  const shown = [0, 812, 999.4, 14_249, 99_960, 999_499, 999_600, 33_333_333, 1.2e9, 600e9];
  assertEquals(shown.map(formatNs), [
    "0 ns",
    "812 ns",
    "999 ns",
    "14.2 us",
    "100 us",
    "999 us",
    "1.00 ms",
    "33.3 ms",
    "1.20 s",
    "600 s",
  ]);
});

Deno.test("format: below 1 three digits count, and nothing is rounded to none or has an exponent", () => {
  const shown = [0, 2.5e-7, 0.00033, 0.4, 0.99999, 1, 29.97, 180.4, -0.002];
  const of = (digits: number) => shown.map((value) => formatNumber(value, digits));
  assertEquals(of(0), [
    ...["0", "0.000000250", "0.000330", "0.400", "1.000", "1", "30", "180", "-0.00200"],
  ]);
  assertEquals(of(3), [
    ...["0.000", "0.000000250", "0.000330", "0.400", "1.000", "1.000", "29.970", "180.400"],
    "-0.00200",
  ]);
  assertEquals([30, 30000 / 1001, 1 / 3, 100, 0.0001, 1e-9].map(formatRate), [
    ...["30", "29.97", "0.333", "100", "0.0001", "0.000000001"],
  ]);
});

Deno.test("frame log: the header with the first row, rows in batches, nothing twice", () => {
  const written: string[] = [];
  const log = new FrameLog(
    { append: (rows) => written.push(rows) },
    {
      frame: String,
      time: (value) => value.toFixed(1),
    },
    [],
    2,
  );
  const add = (frame: number) => {
    log.columns.frame[log.row] = frame;
    log.columns.time[log.row] = frame / 2;
    log.endRow();
  };
  add(-1);
  log.clear();
  log.flush();
  assertEquals(written, []);
  add(0);
  add(1);
  assert(log.isFull, "two rows are a batch of two");
  log.flush();
  add(2);
  log.flush();
  log.flush();
  assertEquals(written, ["frame,time\n0,0.0\n1,0.5\n", "2,1.0\n"]);
});

const WRITE = "frame,io,sequence,submit_monotonic_ns,submitted_monotonic_ns\n";
/** Beyond 2^53 ns, a frame each 1000. */
const at = (ns: number) => String(9_100_000_000_123_456_000n + BigInt(ns));
const written = (frames: number) =>
  new Table(
    WRITE + Array.from({ length: frames }, (_, frame) =>
      `${frame},mmap,${frame},${at(frame * 1000)},${at(frame * 1000 + 20)}\n`).join(""),
  );
/** A reader's rows of these frames, each had so many ns after it was written. */
const hadFrames = (header: string, rows: readonly (readonly (number | string)[])[]) =>
  new Table(
    [`frame,${header}`, ...rows.map((row, frame) => [frame, ...row].join(","))].join("\n") + "\n",
  );

Deno.test("frame pairs: by the stamp, with lost frames between", () => {
  const read = hadFrames("dequeue_monotonic_ns,sequence,stamp", [
    [at(3150), 0, 3],
    [at(4160), 1, 4],
    [at(7170), 4, 7],
  ]);
  const found = pairFrames(written(10), read, "dequeue_monotonic_ns");
  assertEquals([...found.latencies], [150, 160, 170]);
  assertEquals([...found.written], [3, 4, 7]);
  assertEquals([found.lost, found.unknown, found.early, found.contradictory], [2, 0, 0, 0]);
});

Deno.test("frame pairs: read(2) has no sequence", () => {
  const read = hadFrames("read_end_monotonic_ns,stamp", [[at(2300), 2], [at(3300), 3]]);
  assertEquals([...pairFrames(written(5), read, "read_end_monotonic_ns").latencies], [300, 300]);
});

Deno.test("frame pairs: what is another frame's, or nobody's, is counted and not joined", () => {
  const read = hadFrames("dequeue_monotonic_ns,sequence,stamp", [
    [at(1100), 1, 1],
    [at(1900), 2, 2],
    [at(3100), 4, 3],
    [at(4100), 1, 1],
    [at(9100), 9, 9],
  ]);
  const found = pairFrames(written(5), read, "dequeue_monotonic_ns");
  assertEquals([...found.written], [1]);
  assertEquals([found.early, found.contradictory, found.unknown], [1, 2, 1]);
  const unstamped = hadFrames("dequeue_monotonic_ns,sequence", [[at(1100), 1]]);
  assertEquals(pairFrames(written(5), unstamped, "dequeue_monotonic_ns").unknown, 1);
});

Deno.test("frame pairs: a first row that is strange costs itself alone", () => {
  const rows = [1, 2, 3].map((frame) => [at(frame * 1000 + 100), frame - 1, frame]);
  const strange: [first: (string | number)[], counts: number[]][] = [
    // A frame of before the writer's rows, or of another writer; and another frame's number.
    [[at(500), 77, 4_000_000], [1, 0, 0]],
    [[at(500), 77, 0], [0, 0, 1]],
  ];
  for (const [first, counts] of strange) {
    const read = hadFrames("dequeue_monotonic_ns,sequence,stamp", [first, ...rows]);
    const found = pairFrames(written(5), read, "dequeue_monotonic_ns");
    assertEquals([...found.written], [1, 2, 3]);
    assertEquals([found.unknown, found.early, found.contradictory], counts);
  }
});

Deno.test("source: numbers that skip are drops, those that stand still or begin anew are none", () => {
  const count = (...numbers: number[]) => {
    const source = new SourceStatistics();
    numbers.forEach((number, i) => source.record(i * 1000, number, false));
    return [source.dropped, source.gaps, source.backwards];
  };
  assertEquals(count(0, 1, 2), [0, 0, 0]);
  assertEquals(count(0, 1, 4, 5, 7), [3, 2, 0]);
  assertEquals(count(...Array(10).fill(0)), [0, 0, 9]);
  assertEquals(count(5, 6, 0, 1, 3), [1, 1, 1]);
  assertEquals(count(2 ** 32 - 2, 2 ** 32 - 1, 0, 2), [1, 1, 0]);
});

/** Each field's sequence number, and which of its frame's it is. */
type Fields = readonly (readonly [sequence: number, field: "t" | "b"])[];

const FIELDS: readonly (readonly [
  fields: Fields,
  counted: [lost: number, gaps: number, backwards: number],
])[] = [
  // V4L2: both fields of a frame have its number.
  [[[0, "t"], [0, "b"], [1, "t"], [1, "b"], [2, "t"]], [0, 0, 0]],
  [[[0, "b"], [1, "t"], [1, "b"], [2, "t"]], [0, 0, 0]],
  [[[0, "t"], [0, "b"], [1, "b"], [2, "t"]], [1, 1, 0]],
  [[[0, "t"], [0, "b"], [3, "t"], [4, "b"]], [6, 2, 0]],
  [[[0, "t"], [1, "t"], [2, "t"]], [2, 2, 0]],
  [[[0, "t"], [0, "b"], [0, "b"], [0, "t"], [1, "t"]], [1, 1, 2]],
  [[[8, "b"], [8, "t"], [0, "b"], [0, "t"]], [0, 0, 1]],
  [[[2 ** 32 - 1, "t"], [2 ** 32 - 1, "b"], [0, "t"], [0, "b"]], [0, 0, 0]],
];

Deno.test("source: fields that alternate share a frame's number, and a missing one is a drop", () => {
  for (const [fields, counted] of FIELDS) {
    const source = new SourceStatistics(true);
    fields.forEach(([number, field], i) => source.record(i * 20e6, number, false, field));
    assertEquals([source.dropped, source.gaps, source.backwards], counted, `${fields}`);
    assertEquals(source.rate, 25);
    const [numbers, which] = [fields.map(([number]) => number), fields.map(([, field]) => field)];
    const [lost, gaps, backwards] = counted;
    const rows = numbers.map((_, row) => row);
    assertEquals(sequenceGaps(numbers, rows, which), { lost, gaps, backwards }, `${fields}`);
  }
});

Deno.test("source: drivers that number fields, or do not say which one it is, lose none by that", () => {
  const drops = (fields: readonly (readonly [number, string])[]) => {
    const { lost } = sequenceGaps(
      fields.map(([number]) => number),
      fields.map((_, row) => row),
      fields.map(([, field]) => field),
    );
    return lost;
  };
  const halves = (numbers: readonly number[]) =>
    numbers.map((number) => [number, number % 2 ? "bottom" : "top"] as const);
  const numbers = Array.from({ length: 20 }, (_, i) => i);
  assertEquals(drops(halves(numbers)), 0);
  assertEquals(drops(halves([...numbers, 21, 22, 25])), 3);
  assertEquals(drops(numbers.map((number) => [number, "none"])), 0);
  assertEquals(drops([...numbers, 23].map((number) => [number, "none"])), 3);
});

Deno.test("source: what was before it was cleared is no drop", () => {
  const source = new SourceStatistics();
  source.record(0, 7, false);
  source.clear();
  source.record(5, 99, false);
  assertEquals([source.dropped, source.frames, source.interval.count], [0, 1, 0]);
});

Deno.test("sequence numbers: what is missing, by one rule", () => {
  const missing = (...numbers: number[]) =>
    numbers.slice(1).map((to, i) => missingFrames(sequenceStep(numbers[i], to)));
  // A frame that is had again is no drop.
  assertEquals(missing(0, 0, 0, 0), [0, 0, 0]);
  assertEquals(missing(7, 8, 11, 12), [0, 2, 0]);
  // The numbers have 32 bits.
  assertEquals(missing(2 ** 32 - 1, 0, 1), [0, 0]);
  assertEquals(missing(2 ** 32 - 2, 3), [4]);
  // The stream began anew.
  assertEquals(missing(900, 0, 1, 3), [0, 0, 1]);
  assertEquals(missing(2 ** 31, 0), [0]);
  assertEquals([sequenceStep(5, 3), sequenceStep(2 ** 32 - 1, 0)], [-2, 1]);
  // Rows that are gone from a file are no lost frames.
  assertEquals([missingFrames(3, 3), missingFrames(4, 3), missingFrames(0, 3)], [0, 1, 0]);
});
