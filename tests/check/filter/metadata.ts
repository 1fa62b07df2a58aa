/**
 * The metadata sideband: what it says of frames whose content is known.
 *
 * @module
 */
import { crc32 } from "../../../lib/image/crc32.ts";
import { decodePgm } from "../../../lib/image/pgm.ts";
import { threshold } from "../../../lib/image/threshold.ts";
import { STAGE_ENDS } from "../../../lib/measure/filter_stages.ts";
import { MetaReader } from "../../../lib/vpipe/meta.ts";
import { VPIPE_META_F_OVERRUN } from "../../../lib/uapi/vpipe.ts";
import { type Context, heap, META, readCsv } from "../../harness/context.ts";
import { filter } from "../../harness/nodes.ts";
import { fixtureNames } from "./fixtures.ts";
import { filterTraceChecks } from "./trace.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";

/** Longer than a frame of 4x4 takes anywhere. */
const PAUSE_NS = 5_000_000;

export async function metadataChecks(suite: Suite, context: Context): Promise<void> {
  const tiny = `${context.fixtures}/tiny-4x4.pgm`;
  const feed = (input: string, output: string, ...options: (string | number)[]) =>
    context.run("fixture-feed", context.filter, heap(), input, output, ...options, "--quiet");

  await suite.whole?.check("metadata: one row for each fixture", async () => {
    const names = fixtureNames(context);
    const csv = `${context.artifacts}/fixtures.meta.csv`;
    await using drain = await context.drain(csv, names.length);
    for (const [i, name] of names.entries()) {
      const output = `${context.scratch}/${name}.pgm`;
      await feed(`${context.fixtures}/${name}.pgm`, output, "--sequence", 1000 + i);
    }
    expectEqual("status of meta-drain", (await drain.end()).status, 0);
    const rows = readCsv(csv);
    expectEqual("rows", rows.length, names.length);
    rows.forEach((row, i) => {
      const of = (what: string) => `${what} of ${names[i]}`;
      const input = decodePgm(Deno.readFileSync(`${context.fixtures}/${names[i]}.pgm`));
      const output = decodePgm(Deno.readFileSync(`${context.scratch}/${names[i]}.pgm`));
      const { white, black } = threshold(input, 127);
      expectEqual(of("seq"), Number(row.seq), Number(rows[0].seq) + i);
      expectEqual(of("src_v4l2_sequence"), Number(row.src_v4l2_sequence), 1000 + i);
      expectEqual(of("bytesused"), Number(row.bytesused), input.pixels.length);
      expectEqual(of("crc32"), Number(row.crc32), crc32(output.pixels));
      expectEqual(of("algo_id"), Number(row.algo_id), 1);
      expectEqual(of("algo_status"), Number(row.algo_status), 0);
      expectEqual(of("algo_value0"), Number(row.algo_value0), white);
      expectEqual(of("algo_value1"), Number(row.algo_value1), black);
      const roi = [row.roi_left, row.roi_top, row.roi_width, row.roi_height].join(" ");
      expectEqual(of("ROI"), roi, `0 0 ${input.width} ${input.height}`);
      expectEqual(of("flags"), Number(row.flags), 0);
    });
    return `${rows.length} rows in ${csv}: contiguous seq, source sequence, ROI, counts, and CRC ` +
      "recomputed from each output";
  });

  await suite.whole?.check("metadata: clamped ROI", async () => {
    const csv = `${context.scratch}/roi.csv`;
    await using drain = await context.drain(csv, 1);
    const vga = `${context.fixtures}/noise-vga.pgm`;
    await feed(vga, `${context.scratch}/roi.pgm`, "--roi", "600,400,4096,4096");
    expectEqual("status of meta-drain", (await drain.end()).status, 0);
    const [row] = readCsv(csv);
    const roi = [row.roi_left, row.roi_top, row.roi_width, row.roi_height].join(" ");
    expectEqual("ROI", roi, "600 400 40 80");
    expectEqual("pixels", Number(row.algo_value0) + Number(row.algo_value1), 40 * 80);
    return "600,400,4096,4096 of a VGA frame is reported as 600 400 40 80, 3200 pixels counted";
  });

  await suite.whole?.check("metadata: stage timestamps", async () => {
    const csv = `${context.artifacts}/stages.meta.csv`;
    const frames = 50;
    await using drain = await context.drain(csv, frames, "--stages");
    const vga = `${context.fixtures}/noise-vga.pgm`;
    await context.run(
      ...["bench-fixture", context.filter, heap(), vga, `${context.scratch}/bench.csv`] as const,
      ...[frames, "threshold", "--warm-up", 0, "--quiet"],
    );
    expectEqual("status of meta-drain", (await drain.end()).status, 0);
    const rows = readCsv(csv);
    const calls = readCsv(`${context.scratch}/bench.csv`);
    expectEqual("rows", rows.length, frames);
    rows.forEach((row, i) => {
      const times = STAGE_ENDS.map((stage) => BigInt(row[stage]));
      for (let k = 1; k < times.length; k++) {
        expect(
          times[k] >= times[k - 1],
          `row ${i}: ${STAGE_ENDS[k]} is before ${STAGE_ENDS[k - 1]}`,
        );
      }
      expectEqual(`done_ns of row ${i}`, row.done_ns, row.timestamp_ns);
      expectEqual(`sequence of row ${i}`, Number(calls[i].vpipe_sequence), i);
      const inside = BigInt(calls[i].enqueue_monotonic_ns) <= times[0] &&
        times[times.length - 1] <= BigInt(calls[i].dequeue_monotonic_ns);
      expect(inside, `row ${i}: stages are not between the program's QBUF and DQBUF`);
    });
    return `${frames} frames: stages in order, and between the program's QBUF and DQBUF`;
  });

  await suite.whole?.check("metadata: a pause in each stage", async () => {
    using reader = new MetaReader(META, 2);
    for (let stage = 1; stage < STAGE_ENDS.length; stage++) {
      const pauses = STAGE_ENDS.slice(1).map((_, i) => i === stage - 1 ? PAUSE_NS : 0);
      using _pause = filter.withParameter("delay_ns", pauses.join());
      // Without an algorithm nothing is filtered, and with one of the whole frame nothing copied.
      const algorithm = STAGE_ENDS[stage] === "filtered_ns" ? "threshold" : "none";
      await feed(tiny, `${context.scratch}/out.pgm`, "--algorithm", algorithm);
      expectEqual("entries", reader.read(1, 0), 1);
      const [entry] = reader.entries;
      const ns = Number(entry[STAGE_ENDS[stage]] - entry[STAGE_ENDS[stage - 1]]);
      expect(ns >= PAUSE_NS, `${STAGE_ENDS[stage]} is ${ns} ns behind ${STAGE_ENDS[stage - 1]}`);
    }
    return `${
      PAUSE_NS / 1e6
    } ms by the module's parameter delay_ns are in each of the five it is set for`;
  });

  await suite.whole?.check("metadata: overrun", async () => {
    const frames = 300;
    using late = new MetaReader(META, 2);
    await context.run(
      ...["bench-fixture", context.filter, heap(), tiny, `${context.scratch}/bench.csv`] as const,
      ...[frames, "none", "--warm-up", 0, "--quiet"],
    );
    const count = late.read(frames, 1000);
    expectEqual("entries that a late reader gets", count, late.ringEntries);
    const [first, second] = late.entries;
    expectEqual("overrun flag", first.flags & VPIPE_META_F_OVERRUN, VPIPE_META_F_OVERRUN);
    expectEqual("overrun flag of the next entry", second.flags & VPIPE_META_F_OVERRUN, 0);
    expectEqual("next seq", second.seq, first.seq + 1n);
    expectEqual("further entries", late.read(1, 0), 0);
    const { published, dropped } = late.stats();
    expectEqual("seq of the last entry", late.entries[count - 1].seq, BigInt(published));
    expect(dropped >= frames - count, `${dropped} dropped, expected at least ${frames - count}`);
    return `after ${frames} frames a late reader gets the last ${count}, the first one flagged, ` +
      `${dropped} counted as dropped`;
  });

  await suite.whole?.check("metadata: readers are independent", async () => {
    const csvs = [1, 2].map((n) => `${context.scratch}/reader${n}.csv`);
    await using one = await context.drain(csvs[0], 3);
    await using two = await context.drain(csvs[1], 3);
    for (let i = 0; i < 3; i++) await feed(tiny, `${context.scratch}/out.pgm`);
    for (const [i, drain] of [one, two].entries()) {
      expectEqual(`status of drain ${i}`, (await drain.end()).status, 0);
      expectEqual(`rows of drain ${i}`, readCsv(csvs[i]).length, 3);
    }
    const [a, b] = csvs.map((csv) => Deno.readTextFileSync(csv));
    expect(a === b, "two readers saw different rows");
    return "two drains record the same three frames";
  });

  await filterTraceChecks(suite, context);
}
