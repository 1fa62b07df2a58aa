/**
 * The camera stand-in: the kernel's vivid driver.
 *
 * @module
 */
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { type Context, FPS, readCsv } from "../../harness/context.ts";
import { run } from "../../harness/processes.ts";
import { expect, expectEqual, Skip, type Suite } from "../../harness/suite.ts";

const VGA = { width: 640, height: 480 };
const FRAMES = 32;
const ATTEMPTS = 5;
const LOW_FPS = 5;

export async function vividChecks(suite: Suite, context: Context): Promise<void> {
  await suite.check("vivid: enumeration", async () => {
    const { status, stderr } = await run("modprobe", ["vivid"]);
    if (status !== 0) throw new Skip(`modprobe vivid: ${stderr.trim()}`);
    return `capture node ${context.vivid}`;
  });
  await suite.check("vivid: format", () => {
    using device = VideoDevice.open(context.vivid, v4l2.V4L2_CAP_VIDEO_CAPTURE, "capture device");
    const formats = [...device.formats(v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE)];
    expect(
      formats.includes(v4l2.V4L2_PIX_FMT_GREY),
      `no GREY among ${formats.map(v4l2.fourccText).join(" ")}`,
    );
    const wanted = { ...VGA, pixelformat: v4l2.V4L2_PIX_FMT_GREY };
    const format = device.setFormat(v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE, wanted);
    expectEqual("sizeimage", format.sizeimage, 640 * 480);
    return `GREY among ${formats.length} formats, 640x480 accepted with ${format.sizeimage} bytes`;
  });
  await suite.check("vivid: what it offers", () => {
    using device = VideoDevice.open(context.vivid);
    const type = device.captureType!;
    const format = device.setFormat(type, { ...VGA, pixelformat: v4l2.V4L2_PIX_FMT_GREY });
    expectEqual("VIDIOC_TRY_FMT", device.tryFormat(type, format).sizeimage, format.sizeimage);
    const grey = [...device.formatDescriptions(type)].find(({ pixelformat }) =>
      pixelformat === v4l2.V4L2_PIX_FMT_GREY
    );
    expectEqual("its description", grey?.description, "8-bit Greyscale");
    const sizes = [...device.frameSizes(v4l2.V4L2_PIX_FMT_GREY)];
    const [width, height] = [VGA.width, VGA.height];
    const isVga = ({ width: w, height: h }: typeof sizes[number]) =>
      w.min <= width && width <= w.max && h.min <= height && height <= h.max;
    expect(sizes.some(isVga), `no 640x480 in ${JSON.stringify(sizes)}`);
    const intervals = [...device.frameIntervals(v4l2.V4L2_PIX_FMT_GREY, width, height)];
    expect(intervals.length > 0, "no frame intervals");
    const controls = [...device.controls()];
    const pattern = controls.find(({ name }) => name === "Test Pattern");
    expect(pattern !== undefined, `no test pattern in ${controls.map(({ name }) => name)}`);
    const patterns = [...device.menu(pattern)];
    expectEqual("patterns", patterns.length, pattern.maximum - pattern.minimum + 1);
    expectEqual("the first", patterns[0].label, "75% Colorbar");
    return `${sizes.length} sizes, ${intervals.length} intervals, ${controls.length} controls, ` +
      `${patterns.length} patterns`;
  });
  await suite.check("capture-mmap: a short capture", async () => {
    const csv = `${context.artifacts}/capture-mmap.csv`;
    // vivid counts by the clock: on a machine that had no time for it, frames are missing that no
    // program could have had. A tool that loses frames loses some each time, and at a low rate.
    for (let attempt = 1;; attempt++) {
      const fps = attempt < 3 ? FPS : LOW_FPS;
      await context.run("capture-mmap", context.vivid, csv, FRAMES, "--fps", fps, "--quiet");
      const rows = readCsv(csv);
      expectEqual("rows", rows.length, FRAMES);
      rows.forEach((row, i) => {
        expectEqual(`frame of row ${i}`, Number(row.frame), i);
        expectEqual(`bytesused of row ${i}`, Number(row.bytesused), 640 * 480);
        const enqueue = BigInt(row.enqueue_monotonic_ns);
        const dequeue = BigInt(row.dequeue_monotonic_ns);
        expect(dequeue >= enqueue, `negative latency in row ${i}: ${enqueue} to ${dequeue}`);
      });
      const numbers = rows.map((row) => Number(row.sequence));
      const gap = numbers.findIndex((number, i) => number !== numbers[0] + i);
      if (gap < 0) {
        return `${FRAMES} rows in ${csv}: contiguous sequence (attempt ${attempt}), whole frames, ` +
          "no negative latency";
      }
      // An emulated vivid may never have the time, and the tool is the same everywhere.
      if (!suite.whole) return `${FRAMES} rows in ${csv}: whole frames, no negative latency`;
      expect(
        attempt < ATTEMPTS,
        `a gap in each of ${ATTEMPTS} captures, the last one before sequence ${numbers[gap]}`,
      );
    }
  });
}
