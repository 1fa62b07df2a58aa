/**
 * A camera that gives the two fields of each frame one after the other.
 *
 * @module
 */
import { type Context, readCsv } from "../../harness/context.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { alternating, losing } from "./vivid.ts";

const FIELDS = 60;

/** Whole frames a second that came, of two rows each. */
function rateOf(csv: string): number {
  const times = readCsv(csv).map((row) => Number(row.dequeue_monotonic_ns));
  return (times.length - 1) / 2 * 1e9 / (times.at(-1)! - times[0]);
}

/** From each field of a PAL camera, of which a frame's top one comes first, to the next one. */
function stepsOf(csv: string): number[] {
  const rows = readCsv(csv).map(({ sequence, field }) => ({ sequence: Number(sequence), field }));
  // The order is known from the first frame that came whole; until then the least is missing.
  let isKnown = false;
  return rows.slice(1).map(({ sequence, field }, i) => {
    const before = rows[i];
    isKnown ||= before.sequence === sequence && before.field !== field;
    const place = (of: string) => of === "bottom" ? 1 : 0;
    const step = 2 * (sequence - before.sequence) + place(field) - place(before.field);
    return !isKnown && place(field) > place(before.field) ? step - 2 : step;
  });
}

export async function fieldChecks(suite: Suite, context: Context): Promise<void> {
  let files = 0;
  for (const [what, percent] of [["all of them", 0], ["some that it loses", 40]] as const) {
    await suite.check(`camera: fields that alternate, ${what}`, async () => {
      const csv = `${context.scratch}/fields-${files++}.csv`;
      const said = await alternating(
        context,
        () =>
          losing(
            context,
            percent,
            () =>
              context.run(
                ...["capture-mmap", context.vivid, csv, FIELDS, "--warm-up", 0, "--json"] as const,
              ),
          ),
      );
      const { dropped, backwards, field, height, frames_per_second: rate } = JSON.parse(said);
      const steps = stepsOf(csv);
      const missing = steps.reduce((sum, step) => sum + Math.max(0, step - 1), 0);
      expectEqual("field", `${field}, ${height} lines`, "alternate, 72 lines");
      expectEqual("dropped", dropped, missing);
      expectEqual("backwards", backwards, steps.filter((step) => step <= 0).length);
      expect(percent === 0 || missing > 0, `vivid dropped none of ${FIELDS} fields`);
      expectEqual("frames a second", rate.toFixed(2), rateOf(csv).toFixed(2));
      return `${FIELDS} fields, ${missing} missing, ${rate.toFixed(2)} frames a second`;
    });
  }

  await suite.check("camera-report: fields that alternate", async () => {
    const folder = `${context.scratch}/fields`;
    const said = await alternating(
      context,
      () =>
        // Whatever a busy machine loses: of numbers that stood still nothing could be told.
        context.run(
          ...["camera-report", context.vivid, folder, "--seconds", 1] as const,
          ...["--expect", "dropped>=0", "--json"],
        ),
    );
    const [{ frames, fields_alternate: alternate, frames_per_second }] = JSON.parse(said).paths;
    expectEqual("fields_alternate", alternate, true);
    const csv = `${folder}/mmap.csv`;
    expectEqual("fields", frames, readCsv(csv).length);
    expectEqual("frames a second", frames_per_second.toFixed(2), rateOf(csv).toFixed(2));
    const page = Deno.readTextFileSync(`${folder}/report.html`);
    expect(page.includes("fields alternate"), "the page does not say so");
    return `${frames} fields, ${frames_per_second.toFixed(2)} frames a second`;
  });
}
