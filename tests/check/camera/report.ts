/**
 * camera-report: a folder about a camera, and a verdict.
 *
 * @module
 */
import { counted } from "../../../lib/measure/format.ts";
import { type Context, FPS, heap, readCsv } from "../../harness/context.ts";
import { expectError, someRows } from "../../harness/expectations.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { liveChecks } from "./live.ts";
import { losing } from "./vivid.ts";

const TOOL = "camera-report";
const ASKED = ["--size", "640x480", "--format", "grey", "--fps", FPS, "--warm-up", 0] as const;
/** Seconds without a frame that are too many, while a camera that works may stand still for some. */
const TIMEOUT = 10;

/** vivid's end of frame is a guess, which most frames may be had before. */
const fromBuffer = (run: { frames: number; frames_before_their_timestamp: number }) =>
  run.frames_before_their_timestamp > run.frames / 2
    ? "queueing to dequeueing"
    : "end of frame to dequeueing";

export async function reportChecks(suite: Suite, context: Context): Promise<void> {
  let folders = 0;
  const newFolder = () => `${context.scratch}/report/${folders++}`;

  await suite.check(`${TOOL}: lists the cameras`, async () => {
    const lines = (await context.run(TOOL)).split("\n");
    const at = lines.indexOf(`${context.vivid}: vivid (vivid)`);
    expect(at >= 0, `no ${context.vivid} in ${lines.filter((line) => !line.startsWith(" "))}`);
    const own = lines.slice(at + 1);
    const grey = own.slice(own.indexOf("  GREY  8-bit Greyscale") + 1);
    const vga = grey.find((line) => line.startsWith("    640 x 480: ")) ?? "no 640 x 480";
    expect(vga.includes(` ${FPS} `) && vga.endsWith(" frames a second"), vga);
    return vga.trim();
  });

  for (
    const [io, latencyOf, ...options] of [
      ["mmap", fromBuffer],
      ["read", () => "one read()"],
      ["userptr", fromBuffer],
      ["dmabuf", fromBuffer, "--heap"],
    ] as const
  ) {
    await suite.check(`${TOOL}: by ${io}`, async () => {
      const folder = newFolder();
      const more = [...options.flatMap((option) => [option, heap()]), "--expect", "frames>=1"];
      const args = ["--io", io, "--seconds", 1, ...ASKED, ...more, "--json"];
      const said = JSON.parse(await context.run(TOOL, context.vivid, folder, ...args));
      const files = [...Deno.readDirSync(folder)].map(({ name }) => name).sort().join(" ");
      expectEqual(
        "files",
        files,
        [`${io}.csv`, `${io}.json`, "machine.csv", "report.html"].sort().join(" "),
      );
      const rows = readCsv(`${folder}/${io}.csv`);
      const [run] = said.paths;
      expectEqual("frames", run.frames, rows.length);
      expectEqual("notices", JSON.stringify(said.notices), "[]");
      const latency = latencyOf(run);
      expectEqual("latency of", run.latency_of, latency);
      const page = Deno.readTextFileSync(`${folder}/report.html`);
      expect(page.includes(latency) && page.includes("640x480 grey"), "not on the page");
      expectEqual("camera", said.properties.camera, "vivid");
      return `${rows.length} frames, latency is of ${latency}`;
    });
  }

  await suite.check(`${TOOL}: what is not as expected`, async () => {
    const expectations = ["dropped>=0", "interval_p50<1ms", "fps=1000+-1%"];
    const expected = expectations.flatMap((expression) => ["--expect", expression]);
    await using program = context.start(
      ...[TOOL, context.vivid, newFolder(), "--seconds", 1, ...ASKED, ...expected] as const,
    );
    const { status, stdout, stderr } = await program.end();
    expectEqual("status", status, 1);
    const [interval, fps, ...more] = stderr.trimEnd().split("\n");
    expect(interval.startsWith(`${TOOL}: interval_p50<1ms does not hold: it is `), interval);
    expect(fps?.startsWith(`${TOOL}: fps=1000+-1% does not hold: it is `), stderr);
    expectEqual("further lines", more.length, 0);
    const lines = stdout.trimEnd().split("\n").length;
    expect(lines <= 5, `${lines} lines on the terminal`);
    return `status 1, ${interval}`;
  });

  await suite.check(`${TOOL}: a camera that stops`, async () => {
    const folder = newFolder();
    const csv = `${folder}/mmap.csv`;
    await using program = context.start(
      ...[TOOL, context.vivid, folder, "--seconds", 600, "--timeout", TIMEOUT, ...ASKED] as const,
    );
    await someRows(program, csv);
    const outcome = await losing(context, 100, () => program.end());
    const rows = counted(readCsv(csv).length, "frame");
    const why = `${context.vivid}: no frame within ${TIMEOUT} s, after ${rows}`;
    const said = expectError(outcome, TOOL, 1, why);
    expect(outcome.stdout.startsWith(`${folder}: ${rows}, `), outcome.stdout);
    const page = Deno.readTextFileSync(`${folder}/report.html`);
    expect(page.includes(`the run failed: ${why}`), "the page does not say so");
    return `${said}, rows and page kept`;
  });

  const folder = `${context.scratch}/report/0`;
  for (
    const [what, status, message, ...args] of [
      ["no camera", 1, "/dev/null: is not a V4L2 device", "/dev/null"],
      ["the filter", 1, "is not a capture device", context.filter],
      ["a folder in use", 1, `${folder}: is not empty`, context.vivid, folder],
      ["a folder that cannot be", 1, "/proc/none: mkdir: ", context.vivid, "/proc/none/here"],
      ["a size", 1, "asked for 641x480 GREY", context.vivid, "x", "--size", "641x480"],
      ["a wrong name", 2, 'knows no "drops"; names: frames', context.vivid, "--expect", "drops<1"],
      ["no unit", 2, 'behind 40, not ""', context.vivid, "--expect", "interval_p99<40"],
      ["no device", 2, "DEV is missing", "--expect", "dropped<1"],
      ["no terminal", 1, "stdout is no terminal to draw on", context.vivid, "--live"],
    ] as const
  ) {
    await suite.check(`${TOOL}: refuses ${what}`, async () => {
      await using program = context.start(TOOL, ...args);
      return expectError(await program.end(), TOOL, status, message);
    });
  }
  await liveChecks(suite, context);
}
