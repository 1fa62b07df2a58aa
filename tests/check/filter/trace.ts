/**
 * Trace events of the filter, beside what a program recorded of the same frames.
 *
 * @module
 */
import { type Context, heap, readCsv } from "../../harness/context.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { placeOf, Tracing } from "../../harness/trace.ts";

const FRAMES = 100;
/** As many as trace-frames names. */
const SLOWEST = 30;
const PER_FRAME = ["vpipe_queued", "vpipe_run", "vpipe_done"] as const;

const wholeUs = (ns: string) => Number(BigInt(ns) / 1000n);

export async function filterTraceChecks(suite: Suite, context: Context): Promise<void> {
  await suite.check("trace: each frame of the filter is queued, run and done", async () => {
    const csv = `${context.scratch}/traced.csv`;
    using tracing = new Tracing("vpipe", ...PER_FRAME);
    const fixture = `${context.fixtures}/noise-vga.pgm`;
    await context.run(
      ...["bench-fixture", context.filter, heap(), fixture, csv, FRAMES, "none"] as const,
      ...["--warm-up", 0, "--quiet"],
    );
    const events = tracing.events();
    const rows = readCsv(csv);
    expectEqual("rows", rows.length, FRAMES);
    expectEqual("events", events.length, FRAMES * PER_FRAME.length);
    const [{ fields: { minor, stream } }] = events;
    for (const row of rows) {
      const sequence = Number(row.vpipe_sequence);
      const bytesused = Number(row.bytesused);
      const frame = { minor, stream, sequence, bytesused };
      const output = { ...frame, index: Number(row.output_index) };
      const queued = placeOf(events, "vpipe_queued", output);
      const { timestamp } = events[queued].fields;
      const run = placeOf(events, "vpipe_run", { ...output, timestamp }, queued);
      const done = placeOf(events, "vpipe_done", { ...frame, timestamp }, run);
      const [before, after] = [row.enqueue_monotonic_ns, row.dequeue_monotonic_ns].map(wholeUs);
      expect(
        before <= events[queued].us && events[done].us <= after,
        `frame ${sequence}: ${events[queued].us} to ${
          events[done].us
        } us is not within the row's ` +
          `${before} to ${after} us`,
      );
    }
    return `${FRAMES} frames by their rows' sequence and index, in order, within the rows' times`;
  });
  await suite.whole?.check(
    "trace: --break-at: the first slow frame is the last one there",
    async () => {
      const csv = `${context.scratch}/slow.csv`;
      using tracing = new Tracing("vpipe", ...PER_FRAME);
      const fixture = `${context.fixtures}/noise-vga.pgm`;
      await context.run(
        ...["bench-fixture", context.filter, heap(), fixture, csv, FRAMES, "none"] as const,
        ...["--warm-up", 3, "--quiet", "--break-at", 1, "--trace", tracing.folder],
      );
      const [row, ...others] = readCsv(csv);
      expectEqual("rows behind it", others.length, 0);
      const { name, fields } = tracing.events().at(-1)!;
      expectEqual("the last event", name, "vpipe_done");
      expectEqual("its frame", fields.sequence, Number(row.vpipe_sequence));
      return `frame 0 of ${FRAMES}, behind 3 to warm up, ends rows and trace`;
    },
  );
  await suite.whole?.check(
    "trace: trace-frames says who had the CPU of the slowest frames",
    async () => {
      const bench = `${context.scratch}/frames`;
      using tracing = new Tracing("v4l2", "v4l2_dqbuf");
      tracing.enable("sched/sched_switch");
      const fixture = `${context.fixtures}/noise-vga.pgm`;
      await context.run(
        ...[
          "bench-fixture",
          context.filter,
          heap(),
          fixture,
          `${bench}/f.csv`,
          FRAMES,
          "none",
        ] as const,
        ...["--warm-up", 3, "--quiet", "--stages"],
      );
      const trace = tracing.text();
      const { slowest } = JSON.parse(
        await context.run("trace-frames", bench, "--trace", trace, "--json"),
      );
      // By number: where a tool is run by Deno itself the task has its name.
      const [, pid] = /-(\d+) +\[\d+\].*: v4l2_dqbuf: /.exec(Deno.readTextFileSync(trace)) ?? [];
      expectEqual("slowest", slowest.length, SLOWEST);
      for (const { name, cpu, latency_ns, ran } of slowest) {
        expect(cpu !== undefined, `${name}: its CPU is not known`);
        const sum = ran.reduce((sum: number, { ns }: { ns: number }) => sum + ns, 0);
        // The text has whole microseconds, and the frame's ends are within tasks' times.
        expect(
          Math.abs(latency_ns - sum) < 1,
          `${name}: ${latency_ns} ns, of which tasks ran ${sum}`,
        );
        expect(
          ran.some(({ task }: { task: string }) => task.endsWith(`-${pid}`)),
          `${name}: only ${JSON.stringify(ran)} had the CPU, not bench-fixture, ${pid}`,
        );
      }
      return `${SLOWEST} frames, all of their time on a CPU, some of it by bench-fixture`;
    },
  );
}
