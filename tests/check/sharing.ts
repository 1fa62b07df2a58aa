/**
 * Several programs on one node.
 *
 * @module
 */
import { decodePgm } from "../../lib/image/pgm.ts";
import { threshold } from "../../lib/image/threshold.ts";
import { type Context, HEAP, readCsv } from "./context.ts";
import { expect, expectEqual, type Suite } from "./suite.ts";

const FRAMES = 200;

export async function sharingChecks(suite: Suite, context: Context): Promise<void> {
  await suite.check("sharing: two programs use the filter at once", async () => {
    const jobs = [["noise-vga", 64], ["checkerboard", 127]].map(([fixture, level]) => {
      const input = `${context.fixtures}/${fixture}.pgm`;
      const csv = `${context.scratch}/${fixture}.csv`;
      const output = `${context.scratch}/${fixture}.shared.pgm`;
      return {
        ...{ input, csv, output, level: Number(level) },
        bench: context.start(
          ...["bench-fixture", context.filter, HEAP, input, csv, FRAMES] as const,
          ...["threshold", level, output],
        ),
      };
    });
    const sequences: number[] = [];
    for (const { input, csv, output, level, bench } of jobs) {
      await using program = bench;
      const { status, stderr } = await program.end();
      expect(status === 0, `status ${status}: ${stderr}`);
      const expected = threshold(decodePgm(Deno.readFileSync(input)), level).image.pixels;
      const got = decodePgm(Deno.readFileSync(output)).pixels;
      expect(expected.every((pixel, i) => pixel === got[i]), `${output} is wrong`);
      const rows = readCsv(csv);
      expectEqual(`rows of ${csv}`, rows.length, FRAMES);
      const own = rows.map((row) => Number(row.vpipe_sequence));
      expect(own.every((n, i) => i === 0 || n > own[i - 1]), `${csv}: sequence goes back`);
      sequences.push(...own);
    }
    expectEqual("different sequence numbers", new Set(sequences).size, 2 * FRAMES);
    return `${FRAMES} frames each, own size and threshold, results as the reference's, ` +
      "no sequence number twice";
  });
}
