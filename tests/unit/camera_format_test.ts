import { assertEquals, assertThrows } from "@std/assert";
import type { StopRequest } from "../../lib/cli/stop.ts";
import { openCamera, setUpCamera } from "../../lib/frames/camera.ts";
import { EINVAL } from "../../lib/sys/errno.ts";
import * as v4l2 from "../../lib/uapi/videodev2.ts";
import { tool as mmap } from "../../tools/capture-mmap.ts";
import { tool as userptr } from "../../tools/capture-userptr.ts";
import { Camera, CAPTURE, HEIGHT, rowsOf, WIDTH } from "./fake_camera.ts";
import { FakeNode, FakeQueue } from "./fake_node.ts";

/** A camera that has these formats. */
class Offering extends Camera {
  constructor(...formats: string[]) {
    super();
    this.handle(v4l2.VIDIOC_ENUM_FMT, (argument) => {
      const description = v4l2.v4l2_fmtdesc.at(argument);
      const text = formats[description.index];
      if (text === undefined) return -EINVAL;
      description.pixelformat = v4l2.fourccNumber(text);
      return 0;
    });
  }
}

Deno.test("camera: a format by our name or any fourcc, in any case", () => {
  using camera = new Offering("GREY", "YUYV", "pBAA", "PBAA", "Y10", "Y16 -BE");
  using device = openCamera(camera.path, "streaming");
  const set = (format: string) => {
    const found = setUpCamera(device, { fps: 0, format });
    return `${v4l2.fourccText(found.pixelformat)} ${found.name}`;
  };
  assertEquals(set("yuyv"), "YUYV yuyv");
  assertEquals(set("YUYV"), "YUYV yuyv");
  assertEquals(set("Y10 "), "Y10 y10");
  assertEquals(set("y10"), "Y10 y10");
  assertEquals(set("pBAA"), "pBAA pBAA");
  assertEquals(set("PBAA"), "PBAA PBAA");
  assertEquals(set("y16 -be"), "Y16 -BE Y16 -BE");
  // What a driver does not list it is asked for all the same.
  assertEquals(set("XR24"), "XR24 xbgr32");
});

Deno.test("camera: what is not asked for stays as it is", () => {
  using camera = new Camera();
  using device = openCamera(camera.path, "streaming");
  const { width, height, name } = setUpCamera(device, { fps: 0 });
  assertEquals([width, height, name], [WIDTH, HEIGHT, "grey"]);
  assertEquals(camera.calls.filter((call) => /_S_(FMT|PARM)$/.test(call)), []);
});

Deno.test("camera: another pixel format is asked for with the field order that is set", () => {
  using camera = new Offering("GREY", "YUYV");
  const { format } = camera.queue(CAPTURE);
  using device = openCamera(camera.path, "streaming");
  const set = (field: number) => {
    Object.assign(format, { field, pixelformat: v4l2.V4L2_PIX_FMT_GREY });
    return setUpCamera(device, { fps: 0, format: "yuyv" }).alternating;
  };
  assertEquals([set(v4l2.V4L2_FIELD_ALTERNATE), set(v4l2.V4L2_FIELD_NONE)], [true, false]);
});

Deno.test("camera: numbers in pixels are read of formats whose pixels are known", () => {
  using camera = new Camera();
  using device = openCamera(camera.path, "streaming");
  assertThrows(
    () => setUpCamera(device, { fps: 0, format: "pBAA", stamp: true }),
    Error,
    "--stamp reads pixels, of the uncompressed formats in --help; the frames are pBAA",
  );
});

const MPLANE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;

/** A camera with the multi-planar interface alone, whose frames have luma and chroma apart. */
class TwoPlanes extends FakeNode {
  #frames = 0;
  constructor() {
    super(v4l2.V4L2_CAP_VIDEO_CAPTURE_MPLANE | v4l2.V4L2_CAP_STREAMING, [
      new FakeQueue(MPLANE, {
        ...{ width: 64, height: 32, pixelformat: v4l2.V4L2_PIX_FMT_NV12M },
        planes: [{ bytesperline: 64, sizeimage: 2048 }, { bytesperline: 64, sizeimage: 1024 }],
      }),
    ]);
  }

  protected override work(): void {
    const [{ streaming, queued, done }] = this.queues;
    const next = streaming ? queued.shift() : undefined;
    if (next === undefined) return;
    done.push({ index: next.index, bytesused: [2048, 1000], sequence: this.#frames++ });
  }
}

for (
  const [name, run] of [
    [mmap.name, mmap.run],
    [userptr.name, (values, session) => userptr.run({ ...values, mode: "reset" }, session)],
  ] as const satisfies readonly (readonly [string, typeof mmap.run])[]
) {
  Deno.test(`${name}: a multi-planar camera's frames, as it is set`, async () => {
    using camera = new TwoPlanes();
    const csv = Deno.makeTempFileSync();
    try {
      const report = await run(
        {
          ...{ device: camera.path, csv, frames: 5, size: undefined, format: undefined, fps: 0 },
          ...{ "warm-up": 1, timeout: 0.2, stages: false, stamp: false, buffers: 3 },
          ...{ cpu: undefined, realtime: undefined },
        } as unknown as Parameters<typeof run>[0],
        {
          ...{ quiet: true, warn() {} },
          stop: { requested: false } as StopRequest,
        },
      );
      assertEquals(report.failure, undefined);
      const { width, height, format, frames } = report.json;
      assertEquals([width, height, format, frames], [64, 32, "NM12", 5]);
      assertEquals(rowsOf(csv).map(({ bytesused }) => bytesused), Array(5).fill("3048"));
      assertEquals([camera.open, camera.queue(MPLANE).buffers], [0, 0]);
    } finally {
      Deno.removeSync(csv);
    }
  });
}
