/**
 * The camera stand-in: the kernel's vivid driver.
 *
 * @module
 */
import { deviceAt } from "../../../lib/sys/device_number.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { type Context, FPS, readCsv } from "../../harness/context.ts";
import { run } from "../../harness/processes.ts";
import { expect, expectEqual, Skip, type Suite } from "../../harness/suite.ts";
import { Tracing } from "../../harness/trace.ts";

const VGA = { width: 640, height: 480 };
const FRAMES = 32;
const WARM_UP = 5;
/** An event of the kernel's, its node's minor, and the number of the frame. */
const CALL = /: (v4l2_d?qbuf): minor ?= ?(\d+), .*, sequence ?= ?(\d+)$/gm;

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
    await context.run("capture-mmap", context.vivid, csv, FRAMES, "--fps", FPS, "--quiet");
    const rows = readCsv(csv);
    expectEqual("rows", rows.length, FRAMES);
    rows.forEach((row, i) => {
      expectEqual(`frame of row ${i}`, Number(row.frame), i);
      expectEqual(`bytesused of row ${i}`, Number(row.bytesused), 640 * 480);
      const enqueue = BigInt(row.enqueue_monotonic_ns);
      const dequeue = BigInt(row.dequeue_monotonic_ns);
      expect(dequeue >= enqueue, `negative latency in row ${i}: ${enqueue} to ${dequeue}`);
    });
    return `${FRAMES} rows in ${csv}: whole frames, no negative latency`;
  });
  // vivid counts by the clock: on a machine that had no time for it, frames are missing that no
  // program could have had.
  await suite.whole?.check("capture-mmap: each frame that the kernel gives is a row", async () => {
    const csv = `${context.scratch}/given.csv`;
    const { minor } = deviceAt(context.vivid)!;
    using tracing = new Tracing("v4l2", "v4l2_qbuf", "v4l2_dqbuf");
    const options = ["--fps", FPS, "--warm-up", WARM_UP, "--quiet"] as const;
    await context.run("capture-mmap", context.vivid, csv, FRAMES, ...options);
    const calls = [...Deno.readTextFileSync(tracing.text()).matchAll(CALL)]
      .filter(([_, __, of]) => Number(of) === minor);
    const names = calls.map(([_, name]) => name).join(" ");
    expect(names.includes("v4l2_dqbuf v4l2_qbuf"), "no buffer is dequeued and queued again");
    // A buffer that the program keeps is one that the camera has no frame for.
    expect(!names.includes("v4l2_dqbuf v4l2_dqbuf"), "two buffers are the program's at a time");
    const given = calls.filter(([_, name]) => name === "v4l2_dqbuf").map(([, , , number]) =>
      number
    );
    const rows = readCsv(csv).map(({ sequence }) => sequence);
    expectEqual("rows", rows.length, FRAMES);
    expectEqual("sequences of the rows", rows.join(" "), given.slice(WARM_UP).join(" "));
    return `${given.length} buffers dequeued, each queued again before the next one: ${WARM_UP} to ` +
      `warm up, and ${FRAMES} rows with their numbers`;
  });
}
