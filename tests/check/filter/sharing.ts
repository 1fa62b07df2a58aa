/**
 * Several programs on one node.
 *
 * @module
 */
import { crc32 } from "../../../lib/image/crc32.ts";
import { decodePgm } from "../../../lib/image/pgm.ts";
import { threshold } from "../../../lib/image/threshold.ts";
import { EACCES, EINVAL } from "../../../lib/sys/errno.ts";
import { O_RDONLY, O_RDWR, O_WRONLY } from "../../../lib/sys/file.ts";
import { tryIoctl } from "../../../lib/sys/ioctl.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import { MediaDevice } from "../../../lib/v4l2/media.ts";
import { MEDIA_REQUEST_IOC_QUEUE } from "../../../lib/uapi/media.ts";
import { DmabufQueue, MmapQueue } from "../../../lib/v4l2/queue/queue.ts";
import { setFilterSize } from "../../../lib/vpipe/filter.ts";
import {
  V4L2_BUF_TYPE_VIDEO_CAPTURE,
  V4L2_BUF_TYPE_VIDEO_OUTPUT,
  V4L2_CAP_VIDEO_M2M,
  V4L2_PRIORITY_RECORD,
  VIDIOC_S_PRIORITY,
} from "../../../lib/uapi/videodev2.ts";
import { type Context, heap, readCsv } from "../../harness/context.ts";
import { errnoOf } from "../../harness/expectations.ts";
import { dmabufFor } from "../../harness/one_way.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";

/** Of both together no more than the ring of metadata has, whenever its reader has the time. */
const FRAMES = 120;

export async function sharingChecks(suite: Suite, context: Context): Promise<void> {
  await suite.whole?.check("sharing: two programs use the filter at once", async () => {
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

  await suite.check("sharing: a client's priority", () => {
    using first = VideoDevice.open(context.filter, V4L2_CAP_VIDEO_M2M, "filter");
    const priority = new Uint8Array(Uint32Array.of(V4L2_PRIORITY_RECORD).buffer);
    expectEqual("VIDIOC_S_PRIORITY", tryIoctl(first.fd, VIDIOC_S_PRIORITY.request, priority), 0);
    using second = VideoDevice.open(context.filter, V4L2_CAP_VIDEO_M2M, "filter");
    setFilterSize(second, 64, 48);
    using queue = new MmapQueue(second, V4L2_BUF_TYPE_VIDEO_OUTPUT, 1);
    queue.streamOn();
    return "with V4L2_PRIORITY_RECORD it keeps nobody from a format, buffers and streaming";
  });

  await suite.check("sharing: dma-bufs for reading or for writing alone", () => {
    const cases = [
      [V4L2_BUF_TYPE_VIDEO_OUTPUT, O_RDONLY, 0],
      [V4L2_BUF_TYPE_VIDEO_OUTPUT, O_WRONLY, EACCES],
      [V4L2_BUF_TYPE_VIDEO_CAPTURE, O_RDONLY, EACCES],
      [V4L2_BUF_TYPE_VIDEO_CAPTURE, O_WRONLY, 0],
      [V4L2_BUF_TYPE_VIDEO_CAPTURE, O_RDWR, 0],
    ] as const;
    for (const [type, access, right] of cases) {
      using device = VideoDevice.open(context.filter, V4L2_CAP_VIDEO_M2M, "filter");
      setFilterSize(device, 64, 48);
      using dmabuf = dmabufFor(access, 64 * 48);
      using queue = new DmabufQueue(device, type, [dmabuf]);
      const code = errnoOf(() => queue.enqueue(0));
      expectEqual(`errno of QBUF, type ${type}, access ${access}`, code, right);
    }
    return "EACCES for reading from the one, and writing to the other";
  });

  await suite.check("sharing: one frame a request", () => {
    using device = VideoDevice.open(context.filter, V4L2_CAP_VIDEO_M2M, "filter");
    using queue = new MmapQueue(device, V4L2_BUF_TYPE_VIDEO_OUTPUT, 2);
    using media = MediaDevice.of(device);
    using request = media.allocateRequest();
    for (const index of [0, 1]) request.add(queue, index, queue.mappings[index].length);
    const result = tryIoctl(request.fd, MEDIA_REQUEST_IOC_QUEUE.request, new Uint8Array(0));
    expectEqual("errno of two buffers", -result, EINVAL);
    request.reinit();
    request.add(queue, 0, queue.mappings[0].length);
    request.queue();
    return "two buffers in one request: EINVAL, one of them is taken";
  });
}
