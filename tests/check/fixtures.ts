/**
 * Fixtures through heap, DMABUF and kernel, against the userspace reference.
 *
 * @module
 */
import { patterns } from "../../lib/image/patterns.ts";
import { decodePgm, encodePgm } from "../../lib/image/pgm.ts";
import { type Context, HEAP } from "./context.ts";
import { expect, expectEqual, type Suite } from "./suite.ts";

const LARGEST = "noise-4096x4096";

/** Regions that start and end off word and block boundaries, reach outside, or are empty. */
const REGIONS = [
  "1,1,3,3",
  "7,0,9,480",
  "3,100,633,77",
  "0,479,640,1",
  "600,400,4096,4096",
  "640,0,5,5",
];

/** Names of all fixtures, without `.pgm`. */
export function fixtureNames(context: Context): string[] {
  return [...Deno.readDirSync(context.fixtures)]
    .flatMap(({ name }) => name.endsWith(".pgm") ? [name.slice(0, -4)] : [])
    .sort();
}

async function compare(
  context: Context,
  input: string,
  artifact: string,
  ...options: (string | number)[]
): Promise<string> {
  const at = (kind: string) => `${context.artifacts}/${artifact}.${kind}.pgm`;
  if (input !== at("input")) Deno.copyFileSync(input, at("input"));
  const reference = options.includes("none") ? at("input") : at("reference");
  const [algorithm, level, ...roi] = options;
  if (algorithm !== "none") {
    await context.run("cv-ref", input, reference, level, ...roi, "--quiet");
  }
  await context.run(
    ...["fixture-feed", context.filter, HEAP, input, at("kernel")] as const,
    ...["--algorithm", algorithm, "--threshold", level, ...roi, "--quiet"],
  );
  const report = JSON.parse(
    await context.run("pgm-diff", reference, at("kernel"), at("diff"), "--json"),
  );
  expectEqual("pixels that differ", report.pixels, 0);
  const [a, b] = [reference, at("kernel")].map((path) => decodePgm(Deno.readFileSync(path)));
  expect(a.pixels.every((pixel, i) => pixel === b.pixels[i]), "pgm-diff overlooked a difference");
  return `${a.width}x${a.height}, all ${a.pixels.length} pixels of the kernel as in the reference`;
}

export async function fixtureChecks(suite: Suite, context: Context): Promise<void> {
  const largest = `${context.artifacts}/${LARGEST}.input.pgm`;
  Deno.writeFileSync(largest, encodePgm(patterns.noise(4096, 4096)));

  for (const name of fixtureNames(context)) {
    const input = `${context.fixtures}/${name}.pgm`;
    await suite.check(`fixture: ${name}`, () => compare(context, input, name, "threshold", 127));
  }
  await suite.check(
    `fixture: ${LARGEST}`,
    () => compare(context, largest, LARGEST, "threshold", 127),
  );

  const vga = `${context.fixtures}/noise-vga.pgm`;
  await suite.check("fixture: copy", () => compare(context, vga, "copy", "none", 127));
  for (const level of [0, 1, 128, 254, 255]) {
    await suite.check(
      `fixture: threshold ${level}`,
      () => compare(context, `${context.fixtures}/ramp.pgm`, `ramp-${level}`, "threshold", level),
    );
  }
  for (const roi of REGIONS) {
    await suite.check(
      `fixture: ROI ${roi}`,
      () =>
        compare(context, vga, `roi-${roi.replaceAll(",", "-")}`, "threshold", 127, "--roi", roi),
    );
  }
}
