/**
 * Fixtures through heap, DMABUF and kernel, against the userspace reference.
 *
 * @module
 */
import { FrameWaiter } from "../../../lib/frames/frame_waiter.ts";
import { readPgm } from "../../../lib/files/pgm_files.ts";
import type { GreyImage } from "../../../lib/image/image.ts";
import { patterns, randomBytes } from "../../../lib/image/patterns.ts";
import { encodePgm } from "../../../lib/image/pgm.ts";
import type { Rectangle } from "../../../lib/image/rectangle.ts";
import { threshold, WHOLE_FRAME } from "../../../lib/image/threshold.ts";
import { ALGORITHMS, setFilterControls } from "../../../lib/vpipe/filter.ts";
import { FixturePath } from "../../../lib/vpipe/fixture_path.ts";
import { type Context, heap } from "../../harness/context.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { until } from "../../harness/waiting.ts";

const LARGEST = "noise-4096x4096";
/** For that one, of which the smallest machines compute for long. */
const WAIT_S = 120;

/** Regions that reach outside, touch an edge, or are empty. */
const REGIONS: [image: [number, number], roi: [number, number, number, number]][] = [
  [[640, 480], [600, 400, 4096, 4096]],
  [[640, 480], [0, 479, 640, 1]],
  [[640, 480], [639, 0, 1, 480]],
  [[640, 480], [640, 0, 5, 5]],
  [[640, 480], [0, 480, 5, 5]],
  [[641, 3], [0, 0, 0, 3]],
  [[1, 4096], [0, 5, 1, 4000]],
  [[4096, 1], [9, 0, 4000, 1]],
];
const RANDOM_REGIONS = 40;

/** Names of all fixtures, without `.pgm`. */
export function fixtureNames(context: Context): string[] {
  return [...Deno.readDirSync(context.fixtures)]
    .flatMap(({ name }) => name.endsWith(".pgm") ? [name.slice(0, -4)] : [])
    .sort();
}

function expectSame(what: string, kernel: GreyImage, reference: GreyImage): void {
  const at = kernel.pixels.findIndex((pixel, i) => pixel !== reference.pixels[i]);
  expect(
    at < 0,
    `${what}: pixel ${at % reference.width},${Math.floor(at / reference.width)} is ` +
      `${kernel.pixels[at]}, the reference says ${reference.pixels[at]}`,
  );
}

/** Through the tools, as a user does it, with all images left in the artifacts. */
async function compare(context: Context, input: string, name: string): Promise<string> {
  const at = (kind: string) => `${context.artifacts}/${name}.${kind}.pgm`;
  if (input !== at("input")) Deno.copyFileSync(input, at("input"));
  await context.run("cv-ref", input, at("reference"), 127, "--quiet");
  await context.run("fixture-feed", context.filter, heap(), input, at("kernel"), "--quiet");
  const diff = await context.run("pgm-diff", at("reference"), at("kernel"), at("diff"), "--json");
  expectEqual("pixels that differ", JSON.parse(diff).pixels, 0);
  const kernel = readPgm(at("kernel"));
  expectSame(name, kernel, readPgm(at("reference")));
  return `${kernel.width}x${kernel.height}, all ${kernel.pixels.length} pixels of the kernel as ` +
    "in the reference";
}

const controlsOf = (algorithm: keyof typeof ALGORITHMS, level: number, roi: Rectangle) => (
  { sequence: 0, algorithm: ALGORITHMS[algorithm], threshold: level, roi }
);

/** Sends one image through the kernel from this process. */
async function filter(
  context: Context,
  image: GreyImage,
  ...controls: Parameters<typeof controlsOf>
): Promise<GreyImage> {
  using path = new FixturePath({
    device: context.filter,
    heap: heap(),
    image,
    controls: controlsOf(...controls),
    buffers: 1,
  });
  return await filtered(path);
}

/** What comes of the image of a path with one buffer, which can send it again. */
async function filtered(path: FixturePath): Promise<GreyImage> {
  const waiter = new FrameWaiter(path.capture, WAIT_S, () => {});
  path.output.enqueue(0, path.size);
  let index = path.capture.dequeue();
  for (; index < 0; index = waiter.next()) await waiter.rest();
  path.checkDequeued();
  const { width, height, pixels } = path.frame(index);
  const copy = { width, height, pixels: pixels.slice() };
  path.capture.enqueue(index);
  await until("the OUTPUT buffer", () => path.output.dequeue() === 0);
  return copy;
}

export async function fixtureChecks(suite: Suite, context: Context): Promise<void> {
  const largest = `${context.artifacts}/${LARGEST}.input.pgm`;
  Deno.writeFileSync(largest, encodePgm(patterns.noise(4096, 4096)));

  for (const name of fixtureNames(context)) {
    const input = `${context.fixtures}/${name}.pgm`;
    await suite.whole?.check(`fixture: ${name}`, () => compare(context, input, name));
  }
  await suite.whole?.check(`fixture: ${LARGEST}`, () => compare(context, largest, LARGEST));
  await suite.check("filter: the largest frame", async () => {
    const image = patterns.noise(4096, 4096);
    const kernel = await filter(context, image, "threshold", 127, WHOLE_FRAME);
    expectSame(LARGEST, kernel, threshold(image, 127).image);
    return "4096x4096 by dma-buf, all pixels as in the reference";
  });

  await suite.whole?.check("filter: copy", async () => {
    const image = patterns.noise(641, 479);
    const roi = { left: 3, top: 3, width: 100, height: 100 };
    expectSame("copy", await filter(context, image, "none", 127, roi), image);
    return "without an algorithm, 641x479 noise comes out unchanged";
  });
  await suite.whole?.check("filter: all thresholds", async () => {
    // Every level in every place of a word, and of a row that does not begin with one.
    const [width, height] = [8 * 256 + 7, 2];
    const image = {
      width,
      height,
      pixels: Uint8Array.from({ length: width * height }, (_, i) => i >> 3),
    };
    using path = new FixturePath({
      device: context.filter,
      heap: heap(),
      image,
      controls: controlsOf("threshold", 0, WHOLE_FRAME),
      buffers: 1,
    });
    for (let level = 0; level < 256; level++) {
      setFilterControls(path.device, controlsOf("threshold", level, WHOLE_FRAME));
      expectSame(`threshold ${level}`, await filtered(path), threshold(image, level).image);
    }
    return "256 levels of 256 grey levels in every place of a word, as the reference";
  });
  await suite.whole?.check("filter: regions", async () => {
    const random = randomBytes(RANDOM_REGIONS * 6, 7);
    const cases = [...REGIONS];
    for (let i = 0; i < random.length; i += 6) {
      const [width, height, ...roi] = random.subarray(i, i + 6);
      cases.push([[width + 1, height + 1], roi as [number, number, number, number]]);
    }
    for (const [[columns, rows], [left, top, width, height]] of cases) {
      const image = patterns.noise(columns, rows);
      const roi = { left, top, width, height };
      const kernel = await filter(context, image, "threshold", 127, roi);
      const what = `${columns}x${rows}, ROI ${left},${top},${width},${height}`;
      expectSame(what, kernel, threshold(image, 127, roi).image);
    }
    return `${cases.length} sizes and regions, ${RANDOM_REGIONS} of them random, as the reference`;
  });
}
