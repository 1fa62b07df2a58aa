/**
 * The decoder's pictures on a screen: the driver shows CAPTURE buffers as they are, and what it scanned
 * out is compared with the picture. The driver is vkms, which Debian's kernels leave out.
 *
 * @module
 */
import { PICTURE_LAYOUTS, type PictureFormat } from "../../../lib/image/pixel_format.ts";
import type { Rectangle } from "../../../lib/image/rectangle.ts";
import { type SamplePlane, samplePlanes } from "../../../lib/image/sample_planes.ts";
import { READING } from "../../../lib/dmabuf/dma_buf.ts";
import type { Context } from "../../harness/context.ts";
import { graphicsNode, Screen } from "../../harness/graphics.ts";
import { borrowModules } from "../../harness/modules.ts";
import { expect, type Suite } from "../../harness/suite.ts";
import { pictures } from "./client.ts";

const STREAMS: readonly (readonly [PictureFormat, stream: string])[] = [
  ["nv12", "vp9-320x240.ivf"],
  ["yu12", "av1-322x182.ivf"],
  ["p010", "vp9-10bit.ivf"],
];

/** Of each: a modeset, and a frame of a screen that the CPU composes. */
const SHOWN = 2;

/** Of a channel, of 255: the driver computes with integers. */
const ROUNDING = 2;

/** What reads the samples of this letter, as ones of 8 bits and what they have below. */
function sampler(bytes: Uint8Array, planes: readonly SamplePlane[], letter: string) {
  const plane = planes.find(({ samples }) => samples.includes(letter))!;
  const { samples, across, down, offset, bytesperline } = plane;
  const at = samples.indexOf(letter);
  const below = samples[at - 1] === "0";
  return (x: number, y: number): number => {
    const row = offset + Math.floor(y / down) * bytesperline;
    const sample = row + Math.floor(x / across) * samples.length + at;
    return bytes[sample] + (below ? bytes[sample - 1] / 256 : 0);
  };
}

/** How far a channel is from what it should be: of 0 to 1, as it comes out of the matrix. */
const off = (found: number, wanted: number) =>
  Math.abs(found - 255 * Math.min(1, Math.max(0, wanted)));

/** The most that a channel of what was shown is off, of ITU-R BT.601 and limited range. */
function worstOf(
  shown: Uint8Array,
  bytes: Uint8Array,
  planes: readonly SamplePlane[],
  { width, height }: Rectangle,
): number {
  const [luma, cb, cr] = [..."YUV"].map((letter) => sampler(bytes, planes, letter));
  let worst = 0;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 4) {
      const light = (luma(x, y) - 16) / 219;
      const blue = (cb(x, y) - 128) / 224;
      const red = (cr(x, y) - 128) / 224;
      worst = Math.max(
        worst,
        off(shown[at], light + 1.772 * blue),
        off(shown[at + 1], light - 0.344136 * blue - 0.714136 * red),
        off(shown[at + 2], light + 1.402 * red),
      );
    }
  }
  return worst;
}

/** Shows the first pictures of a stream. */
function show(screen: Screen, file: string, format: PictureFormat): number {
  const layout = PICTURE_LAYOUTS[format];
  let count = 0;
  let worst = 0;
  for (const { stream: { capture }, index, size } of pictures(file, format)) {
    const { height, planes: [{ bytesperline }] } = capture.device.getFormat(capture.type);
    const planes = samplePlanes(layout, height, [bytesperline]);
    using exported = new DisposableStack();
    const buffers = capture.export();
    for (const { file } of buffers.flat()) exported.use(file);
    const [{ fd }] = buffers[index];
    using shown = screen.show({ fd, ...size, format: layout.fourcc, planes });
    shown.begin(READING);
    worst = Math.max(worst, worstOf(shown.bytes, capture.mappings[index][0].bytes, planes, size));
    shown.end(READING);
    if (++count === SHOWN) break;
  }
  expect(count === SHOWN, `${file}: ${count} pictures`);
  return worst;
}

export async function screenChecks(suite: Suite, context: Context): Promise<void> {
  await suite.check("decoder: a screen shows CAPTURE buffers", async () => {
    await using _vkms = await borrowModules("vkms");
    using screen = new Screen(graphicsNode("vkms"));
    const seen = STREAMS.map(([format, name]) => {
      const worst = show(screen, `${context.fixtures}/streams/${name}`, format);
      expect(worst < ROUNDING, `${name}: a channel is ${worst.toFixed(1)} off`);
      return `${format} ${worst.toFixed(1)}`;
    });
    return `${SHOWN} pictures each, and the most that a channel is off, of 255: ${seen.join(", ")}`;
  });
}
