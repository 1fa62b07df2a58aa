import { assert, assertEquals } from "@std/assert";
import { formatNs } from "../../lib/measure/format.ts";
import { FrameLog } from "../../lib/measure/frame_log.ts";
import { Histogram } from "../../lib/measure/histogram.ts";
import { quantile } from "../../lib/measure/percentiles.ts";

Deno.test("quantile: between ranks, at the ends, of one and of none", () => {
  assertEquals(quantile([1, 2, 3, 4], 0.5), 2.5);
  assertEquals(quantile([1, 2, 3, 4], 0), 1);
  assertEquals(quantile([1, 2, 3, 4], 1), 4);
  assertEquals(quantile([7], 0.99), 7);
  assertEquals(quantile([], 0.5), undefined);
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

Deno.test("frame log: header at once, rows in batches, nothing twice", () => {
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
  assertEquals(written, ["frame,time\n"]);
  add(0);
  assertEquals(written.length, 1);
  add(1);
  assert(log.isFull, "two rows are a batch of two");
  log.flush();
  add(2);
  log.flush();
  log.flush();
  assertEquals(written.slice(1), ["0,0.0\n1,0.5\n", "2,1.0\n"]);
});
