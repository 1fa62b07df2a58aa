/**
 * All cameras, with their formats, sizes and frame rates:
 * `deno run --allow-ffi --allow-read examples/list_cameras.ts`
 *
 * @module
 */
import { fourccText } from "../lib/uapi/mod.ts";
import { type FrameInterval, type Range, VideoDevice, videoNodes } from "../lib/v4l2/mod.ts";

const between = (of: Range) => of.min === of.max ? `${of.min}` : `${of.min}-${of.max}`;
const rate = ({ numerator, denominator }: FrameInterval) =>
  Number((denominator / numerator).toFixed(3));

let cameras = 0;
for (const { path } of videoNodes()) {
  using device = VideoDevice.open(path);
  if (device.captureType === undefined || device.outputType !== undefined) continue;
  cameras++;
  console.log(`${path}: ${device.card} (${device.driver})`);
  for (const { pixelformat, description } of device.formatDescriptions(device.captureType)) {
    console.log(`  ${fourccText(pixelformat)}  ${description}`);
    for (const { width, height } of device.frameSizes(pixelformat)) {
      const intervals = [...device.frameIntervals(pixelformat, width.max, height.max)];
      const rates = intervals.flatMap(({ min, max }) =>
        min === max ? rate(min) : [rate(max), rate(min)]
      );
      console.log(`    ${between(width)} x ${between(height)}: ${rates.join(" ")} frames a second`);
    }
  }
}
if (cameras === 0) console.error("no camera: /dev/video* has none, or none that may be opened");
