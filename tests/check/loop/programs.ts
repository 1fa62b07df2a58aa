/**
 * The calls that programs make, in their order: OBS's virtual camera and pyvirtualcam, which write, and
 * Chromium, which looks for cameras and reads.
 *
 * @module
 */
import { EINVAL } from "../../../lib/sys/errno.ts";
import { File, IoBuffer, O_RDONLY, O_RDWR, O_WRONLY } from "../../../lib/sys/file.ts";
import { ioctl } from "../../../lib/sys/ioctl.ts";
import { Poller, POLLIN } from "../../../lib/sys/poll.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import { formats, frameIntervals, frameSizes } from "../../../lib/v4l2/enumerate.ts";
import { MmapQueue } from "../../../lib/v4l2/queue/queue.ts";
import type { Context } from "../../harness/context.ts";
import { errnoOf } from "../../harness/expectations.ts";
import { loopNode } from "../../harness/nodes.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { CAPTURE, OUTPUT, setFormat } from "./calls.ts";
import { expectBytes, numbered, Reader } from "./client.ts";
import { loadLoop } from "./module.ts";

// From asm-generic/fcntl.h, for pyvirtualcam alone.
const O_SYNC = 0o4010000;

// From linux/v4l2-controls.h; cameras have it.
const V4L2_CID_POWER_LINE_FREQUENCY = 0x00980918;

const WIDTH = 640;
const HEIGHT = 240;
const BYTES = WIDTH * HEIGHT * 2;
const YUYV = v4l2.V4L2_PIX_FMT_YUYV;
const { V4L2_CAP_VIDEO_CAPTURE: IS_CAMERA, V4L2_CAP_VIDEO_OUTPUT: IS_OUTPUT } = v4l2;

const frame = (number: number) => numbered(number).slice(0, BYTES);

function capabilities(file: File) {
  const caps = v4l2.v4l2_capability.alloc();
  ioctl(file, v4l2.VIDIOC_QUERYCAP, caps.bytes);
  return caps;
}

/** OBS's virtual camera: files wait, it knows the size of a frame, and the rest is as VIDIOC_G_FMT had it. */
class Obs implements Disposable {
  readonly #file: File;

  constructor(node: string) {
    this.#file = File.open(node, O_RDWR);
    try {
      this.#setUp();
    } catch (error) {
      this.#file.close();
      throw error;
    }
  }

  #setUp(): void {
    const file = this.#file;
    expectEqual("an output device", capabilities(file).device_caps & IS_OUTPUT, IS_OUTPUT);
    const format = v4l2.v4l2_format.alloc({ type: OUTPUT });
    ioctl(file, v4l2.VIDIOC_G_FMT, format.bytes);
    const capability = v4l2.V4L2_CAP_TIMEPERFRAME;
    const rate = { type: OUTPUT, capability, numerator: 1001, denominator: 30000 };
    ioctl(file, v4l2.VIDIOC_S_PARM, v4l2.v4l2_streamparm.alloc(rate).bytes);
    Object.assign(format, { width: WIDTH, height: HEIGHT, pixelformat: YUYV, sizeimage: BYTES });
    ioctl(file, v4l2.VIDIOC_S_FMT, format.bytes);
    const { width, height, bytesperline, sizeimage } = format;
    const got = `${width}x${height} ${bytesperline}/${sizeimage}`;
    expectEqual("what OBS gets", got, `${WIDTH}x${HEIGHT} ${WIDTH * 2}/${BYTES}`);
  }

  write(number: number): void {
    expectEqual("write", this.#file.tryWrite(new IoBuffer(frame(number))), BYTES);
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

/** What Chromium finds of a node; undefined for no camera. */
function chromiumFinds(node: string): string | undefined {
  using file = File.open(node, O_RDONLY);
  const caps = capabilities(file).capabilities;
  if (!(caps & IS_CAMERA) || caps & IS_OUTPUT) return undefined;
  const found = [...formats(file, CAPTURE)].flatMap(({ pixelformat }) =>
    [...frameSizes(file, pixelformat)].flatMap(({ width, height }) =>
      [...frameIntervals(file, pixelformat, width.max, height.max)].map(({ min, max }) =>
        [
          v4l2.fourccText(pixelformat),
          ...[width.min, width.max, height.min, height.max],
          ...[min.denominator, min.numerator, max.denominator, max.numerator],
        ].join(" ")
      )
    )
  );
  return found.join("; ");
}

/** Chromium's stream, until it stops. */
function chromiumReads(node: string, write: (number: number) => void): void {
  using device = VideoDevice.open(node);
  expectEqual(
    "S_FMT",
    setFormat(device, CAPTURE, { width: WIDTH, height: HEIGHT, pixelformat: YUYV }),
    `${WIDTH}x${HEIGHT} YUYV ${WIDTH * 2}/${BYTES}`,
  );
  const rate = v4l2.v4l2_streamparm.alloc({ type: CAPTURE });
  ioctl(device, v4l2.VIDIOC_G_PARM, rate.bytes);
  expect((rate.capability & v4l2.V4L2_CAP_TIMEPERFRAME) !== 0, "the rate cannot be set");
  Object.assign(rate, { numerator: 10_000, denominator: 60 * 10_000 });
  ioctl(device, v4l2.VIDIOC_S_PARM, rate.bytes);
  expectEqual("the writer's rate", `${rate.denominator}/${rate.numerator}`, "30000/1001");
  const hum = errnoOf(() => device.setControl(V4L2_CID_POWER_LINE_FREQUENCY, 2));
  expectEqual("a control of cameras", hum, EINVAL);
  using queue = new MmapQueue(device, CAPTURE, 4);
  for (const { index } of queue.buffers) queue.enqueue(index);
  queue.streamOn();
  const readable = new Poller(device, POLLIN);
  for (let number = 0; number < 8; number++) {
    write(number);
    expect((readable.wait(1000) & POLLIN) !== 0, `no frame ${number} within a second`);
    const index = queue.dequeue();
    const { bytesused, flags } = queue.dequeued;
    expectEqual("error flag", flags & v4l2.V4L2_BUF_FLAG_ERROR, 0);
    expectBytes(
      `frame ${number}`,
      queue.mappings[index].bytes.subarray(0, bytesused),
      frame(number),
    );
    queue.enqueue(index);
  }
}

export async function loopProgramChecks(suite: Suite, context: Context): Promise<void> {
  await suite.check("loop: OBS's calls and Chromium's", async () => {
    await loadLoop(context, "exclusive_caps=1", "card_label=Camera");
    const node = loopNode("Camera");
    {
      // What is left of the one before: longer lines than OBS's frames have.
      using before = VideoDevice.open(node);
      setFormat(before, OUTPUT, { width: 1920, height: 1080, pixelformat: YUYV });
    }
    for (let start = 0; start < 2; start++) {
      expectEqual("found without OBS", chromiumFinds(node), undefined);
      using obs = new Obs(node);
      expectEqual("found before its first frame", chromiumFinds(node), undefined);
      obs.write(0);
      const found = chromiumFinds(node);
      expectEqual("found", found, "YUYV 640 640 240 240 30000 1001 30000 1001");
      chromiumReads(node, (number) => obs.write(number));
    }
    return "no camera, then one of OBS's format, size and rate, whose frames come; twice";
  });

  await suite.check("loop: pyvirtualcam's calls", async () => {
    await loadLoop(context, "compat=1");
    const node = loopNode();
    using file = File.open(node, O_WRONLY | O_SYNC);
    const { driver, capabilities: caps } = capabilities(file);
    expectEqual("driver", driver, "v4l2 loopback");
    expectEqual("an output device", caps & IS_OUTPUT, IS_OUTPUT);
    const rows = {
      [v4l2.V4L2_PIX_FMT_YUV420]: 1.5,
      [v4l2.V4L2_PIX_FMT_GREY]: 1,
      [v4l2.V4L2_PIX_FMT_NV12]: 1.5,
      [v4l2.V4L2_PIX_FMT_YUYV]: 2,
      [v4l2.V4L2_PIX_FMT_UYVY]: 2,
    };
    for (const [pixelformat, bytes] of Object.entries(rows)) {
      using camera = File.open(node, O_WRONLY | O_SYNC);
      const wanted = { width: WIDTH, height: HEIGHT, pixelformat: Number(pixelformat) };
      const format = v4l2.v4l2_format.alloc({ type: OUTPUT, ...wanted });
      ioctl(camera, v4l2.VIDIOC_S_FMT, format.bytes);
      using reader = new Reader(node, "read");
      const picture = numbered(Number(pixelformat) % 99).slice(0, WIDTH * HEIGHT * bytes);
      expectEqual("write", camera.tryWrite(new IoBuffer(picture)), picture.length);
      expectBytes(v4l2.fourccText(wanted.pixelformat), reader.take().bytes, picture);
    }
    return `from a file that is open for writing alone, ${Object.keys(rows).length} formats`;
  });
}
