/**
 * Several programs on one node.
 *
 * @module
 */
import { crc32 } from "../../lib/image/crc32.ts";
import { decodePgm } from "../../lib/image/pgm.ts";
import { threshold } from "../../lib/image/threshold.ts";
import { type Context, heap, readCsv } from "./context.ts";
import { expect, expectEqual, type Suite } from "./suite.ts";

const FRAMES = 200;

export async function sharingChecks(suite: Suite, context: Context): Promise<void> {
  await suite.check("sharing: two programs use the filter at once", async () => {
    const meta = `${context.scratch}/shared.meta.csv`;
    await using drain = await context.drain(meta, 2 * FRAMES);
    const jobs = (["noise-vga", "checkerboard"] as const).map((fixture, i) => {
      const level = 64 + i * 63;
      const input = `${context.fixtures}/${fixture}.pgm`;
      const csv = `${context.scratch}/${fixture}.csv`;
      const program = context.start(
        ...["bench-fixture", context.filter, heap(), input, csv, FRAMES] as const,
        ...["threshold", level, "--warm-up", 0],
      );
      const expected = threshold(decodePgm(Deno.readFileSync(input)), level).image.pixels;
      return { program, csv, expected };
    });
    for (const { program, csv } of jobs) {
      await using running = program;
      const { status, stderr } = await running.end();
      expect(status === 0, `status ${status}: ${stderr}`);
      const rows = readCsv(csv);
      expectEqual(`rows of ${csv}`, rows.length, FRAMES);
      rows.forEach((row, i) => expectEqual(`sequence of row ${i}`, Number(row.vpipe_sequence), i));
    }
    expectEqual("status of meta-drain", (await drain.end()).status, 0);
    const entries = readCsv(meta);
    for (const { csv, expected } of jobs) {
      const own = entries.filter((entry) => Number(entry.bytesused) === expected.length);
      expectEqual(`metadata entries of ${csv}`, own.length, FRAMES);
      const crc = String(crc32(expected));
      expect(own.every((entry) => entry.crc32 === crc), `${csv}: a frame's CRC is not ${crc}`);
    }
    return `${FRAMES} frames each, own size and threshold, own sequence without a gap, ` +
      "the CRC of each frame as the reference's";
  });
}
