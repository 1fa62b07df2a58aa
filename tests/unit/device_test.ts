import { assertEquals, assertThrows } from "@std/assert";
import { EINVAL, EIO, ENOTTY, SysError } from "../../lib/sys/errno.ts";
import * as v4l2 from "../../lib/uapi/videodev2.ts";
import { explained } from "../../lib/v4l2/decoder/explain.ts";
import { DeviceError, VideoDevice } from "../../lib/v4l2/device.ts";
import { explainDecoder } from "../../lib/vpipe/decoder.ts";
import { fakeIoctl, list, on } from "./fake_ioctl.ts";

const SINGLE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE;
const MULTI = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
const GREY = v4l2.V4L2_PIX_FMT_GREY;

const capable = (device_caps: number) =>
  on(v4l2.VIDIOC_QUERYCAP, v4l2.v4l2_capability, (caps) => {
    Object.assign(caps, { card: "a camera", driver: "fake", device_caps });
    return 0;
  });

const NOT_VIDEO =
  "/dev/null: is not a V4L2 device: VIDIOC_QUERYCAP: Inappropriate ioctl for device (ENOTTY)";

Deno.test("device: any V4L2 node opens without a role, nothing else does", () => {
  {
    using _fake = fakeIoctl(capable(v4l2.V4L2_CAP_VIDEO_CAPTURE));
    using device = VideoDevice.open("/dev/null");
    assertEquals([device.card, device.driver], ["a camera", "fake"]);
    const asDecoder = () =>
      VideoDevice.open("/dev/null", v4l2.V4L2_CAP_VIDEO_M2M_MPLANE, "decoder");
    assertThrows(asDecoder, DeviceError, 'is not a decoder (it is "a camera")');
  }
  assertThrows(() => VideoDevice.open("/dev/null"), DeviceError, NOT_VIDEO);
});

Deno.test("device: the queues that its capabilities say", () => {
  const types = (capabilities: number) => {
    using _fake = fakeIoctl(capable(capabilities));
    using device = VideoDevice.open("/dev/null");
    return [device.captureType, device.outputType];
  };
  assertEquals(types(v4l2.V4L2_CAP_VIDEO_CAPTURE), [1, undefined]);
  assertEquals(types(v4l2.V4L2_CAP_VIDEO_OUTPUT_MPLANE), [undefined, 10]);
  assertEquals(types(v4l2.V4L2_CAP_VIDEO_M2M), [1, 2]);
  assertEquals(types(v4l2.V4L2_CAP_VIDEO_M2M_MPLANE), [9, 10]);
  assertEquals(types(v4l2.V4L2_CAP_READWRITE), [undefined, undefined]);
});

Deno.test("device: formats with their descriptions, sizes and intervals", () => {
  const flags = v4l2.V4L2_FMT_FLAG_COMPRESSED;
  using _fake = fakeIoctl(
    capable(v4l2.V4L2_CAP_VIDEO_CAPTURE),
    list(v4l2.VIDIOC_ENUM_FMT, v4l2.v4l2_fmtdesc, ({ type }) =>
      type !== SINGLE ? [] : [
        { pixelformat: GREY, description: "8-bit Greyscale", flags: 0 },
        { pixelformat: v4l2.V4L2_PIX_FMT_MJPEG, description: "Motion-JPEG", flags },
      ]),
    list(
      v4l2.VIDIOC_ENUM_FRAMESIZES,
      v4l2.v4l2_frmsizeenum,
      ({ pixel_format }) =>
        pixel_format === GREY
          ? [
            { type: v4l2.V4L2_FRMSIZE_TYPE_DISCRETE, width: 640, height: 480 },
            { type: v4l2.V4L2_FRMSIZE_TYPE_DISCRETE, width: 1280, height: 720 },
          ]
          : [{
            type: v4l2.V4L2_FRMSIZE_TYPE_STEPWISE,
            ...{ min_width: 2, max_width: 4096, step_width: 2 },
            ...{ min_height: 1, max_height: 2160, step_height: 1 },
          }],
    ),
    list(
      v4l2.VIDIOC_ENUM_FRAMEINTERVALS,
      v4l2.v4l2_frmivalenum,
      ({ width }) =>
        width === 640
          ? [{ type: v4l2.V4L2_FRMIVAL_TYPE_DISCRETE, numerator: 1001, denominator: 30000 }]
          : [{
            type: v4l2.V4L2_FRMIVAL_TYPE_CONTINUOUS,
            ...{ min_numerator: 1, min_denominator: 60, max_numerator: 1, max_denominator: 1 },
            ...{ step_numerator: 1, step_denominator: 1000 },
          }],
    ),
  );
  using device = VideoDevice.open("/dev/null");
  assertEquals([...device.formatDescriptions(SINGLE)], [
    { pixelformat: GREY, description: "8-bit Greyscale", flags: 0 },
    { pixelformat: v4l2.V4L2_PIX_FMT_MJPEG, description: "Motion-JPEG", flags },
  ]);
  assertEquals([...device.formats(SINGLE)].map(v4l2.fourccText), ["GREY", "MJPG"]);
  assertEquals([...device.formats(MULTI)], []);
  assertEquals([...device.frameSizes(GREY)].map(({ width, height }) => [width, height]), [
    [{ min: 640, max: 640, step: 1 }, { min: 480, max: 480, step: 1 }],
    [{ min: 1280, max: 1280, step: 1 }, { min: 720, max: 720, step: 1 }],
  ]);
  assertEquals([...device.frameSizes(v4l2.V4L2_PIX_FMT_MJPEG)], [
    { width: { min: 2, max: 4096, step: 2 }, height: { min: 1, max: 2160, step: 1 } },
  ]);
  const ntsc = { numerator: 1001, denominator: 30000 };
  assertEquals([...device.frameIntervals(GREY, 640, 480)], [{ min: ntsc, max: ntsc, step: ntsc }]);
  assertEquals([...device.frameIntervals(GREY, 1280, 720)], [{
    min: { numerator: 1, denominator: 60 },
    max: { numerator: 1, denominator: 1 },
    step: { numerator: 1, denominator: 1000 },
  }]);
});

Deno.test("device: what a driver does not enumerate is none, what fails is an error", () => {
  using _fake = fakeIoctl(
    capable(v4l2.V4L2_CAP_VIDEO_CAPTURE),
    on(v4l2.VIDIOC_ENUM_FRAMEINTERVALS, v4l2.v4l2_frmivalenum, () => -EIO),
  );
  using device = VideoDevice.open("/dev/null");
  assertEquals([...device.frameSizes(GREY)], []);
  assertEquals([...device.controls()], []);
  assertThrows(() => [...device.frameIntervals(GREY, 1, 1)], SysError, "ENUM_FRAMEINTERVALS");
  assertThrows(() => [...device.formats(SINGLE)], SysError, "VIDIOC_ENUM_FMT");
});

Deno.test("device: controls in the order of their ids, menus with holes", () => {
  const have = [
    {
      id: 0x980900,
      type: v4l2.V4L2_CTRL_TYPE_INTEGER,
      name: "Brightness",
      minimum: -64n,
      elems: 1,
    },
    { id: 0x980918, type: v4l2.V4L2_CTRL_TYPE_MENU, name: "Hum", maximum: 2n, elems: 1 },
    { id: 0x9a0913, type: v4l2.V4L2_CTRL_TYPE_INTEGER_MENU, name: "Bias", maximum: 1n, elems: 1 },
    // A compound control.
    { id: 0xa40a2c, type: 0x0106, name: "Matrix", flags: 0x100, elems: 64 },
  ];
  const both = (v4l2.V4L2_CTRL_FLAG_NEXT_CTRL | v4l2.V4L2_CTRL_FLAG_NEXT_COMPOUND) >>> 0;
  using _fake = fakeIoctl(
    capable(0),
    on(v4l2.VIDIOC_QUERY_EXT_CTRL, v4l2.v4l2_query_ext_ctrl, (control) => {
      assertEquals((control.id & both) >>> 0, both);
      const next = have.find(({ id }) => id > (control.id & ~both));
      if (next === undefined) return -EINVAL;
      control.bytes.fill(0);
      Object.assign(control, next);
      return 0;
    }),
    on(v4l2.VIDIOC_QUERYMENU, v4l2.v4l2_querymenu, (item) => {
      if (item.id === 0x9a0913) item.value = [-1000n, 1000n][item.index];
      else if (item.index === 1) return -EINVAL;
      else item.name = ["off", "", "60 Hz"][item.index];
      return 0;
    }),
  );
  using device = VideoDevice.open("/dev/null");
  const found = [...device.controls()];
  assertEquals(found.map(({ name }) => name), ["Brightness", "Hum", "Bias", "Matrix"]);
  assertEquals([found[0].minimum, found[0].elements, found[3].elements], [-64, 1, 64]);
  assertEquals(found.map((control) => [...device.menu(control)]), [
    [],
    [{ index: 0, label: "off" }, { index: 2, label: "60 Hz" }],
    [{ index: 0, label: "-1000" }, { index: 1, label: "1000" }],
    [],
  ]);
});

Deno.test("device: one format for one plane and for several, exactly or at least", () => {
  const plane = v4l2.v4l2_plane_pix_format;
  const second = v4l2.v4l2_format_mplane.fields.sizeimage.offset + plane.size;
  const rounded = (size: number) => Math.ceil(size / 16) * 16;
  const single = (format: ReturnType<typeof v4l2.v4l2_format.alloc>) => {
    format.width = rounded(format.width || 64);
    format.height ||= 48;
    format.pixelformat = GREY;
    format.bytesperline = format.width;
    format.sizeimage = format.width * format.height;
    return 0;
  };
  const multi = ({ bytes }: { bytes: Uint8Array<ArrayBuffer> }) => {
    const format = v4l2.v4l2_format_mplane.at(bytes);
    format.width = rounded(format.width || 64);
    format.height ||= 48;
    format.num_planes = 2;
    format.sizeimage = format.width * format.height;
    Object.assign(plane.at(bytes, second - plane.size), { bytesperline: format.width });
    const sizeimage = format.width * format.height / 2;
    Object.assign(plane.at(bytes, second), { sizeimage, bytesperline: format.width });
    return 0;
  };
  const answers = [v4l2.VIDIOC_G_FMT, v4l2.VIDIOC_S_FMT, v4l2.VIDIOC_TRY_FMT].map((call) =>
    on(call, v4l2.v4l2_format, (format) => format.type === SINGLE ? single(format) : multi(format))
  );
  using _fake = fakeIoctl(capable(0), ...answers);
  using device = VideoDevice.open("/dev/null");
  assertEquals(device.getFormat(SINGLE), {
    ...{ width: 64, height: 48, pixelformat: GREY, field: 0, bytesperline: 64, sizeimage: 3072 },
    planes: [{ bytesperline: 64, sizeimage: 3072 }],
  });
  const pixelformat = v4l2.V4L2_PIX_FMT_NV12M;
  const wanted = { width: 60, height: 48, pixelformat };
  const format = {
    ...{ width: 64, height: 48, pixelformat, field: 1, bytesperline: 64, sizeimage: 4608 },
    planes: [{ bytesperline: 64, sizeimage: 3072 }, { bytesperline: 64, sizeimage: 1536 }],
  };
  assertEquals(device.tryFormat(MULTI, wanted), format);
  assertEquals(device.setFormat(MULTI, wanted, "at least"), format);
  const exact = "VIDIOC_S_FMT: asked for 60x48 NM12, the device offers 64x48 NM12";
  assertThrows(() => device.setFormat(MULTI, wanted), DeviceError, exact);
  const large = { ...wanted, sizeimage: 5000 };
  const sizes = "asked for 60x48 NM12 of 5000 bytes, the device offers 64x48 NM12 of 4608 bytes";
  assertThrows(() => device.setFormat(MULTI, large, "at least"), DeviceError, sizes);
  const other = () => device.setFormat(SINGLE, { width: 64, height: 48, pixelformat });
  assertThrows(other, DeviceError, "asked for 64x48 NM12, the device offers 64x48 GREY");
});

Deno.test("decoder: an error's reason is its driver's, and only where there is one", () => {
  const error = new SysError("/dev/video0", "VIDIOC_DQBUF", EIO);
  const text = (thrown: unknown) => (thrown as Error).message;
  assertEquals(
    text(explained(error, "vp9", explainDecoder)),
    `${error.message}: the decoder-daemon is gone, or gave no answer`,
  );
  assertEquals(explained(error, "vp9", undefined), error);
  assertEquals(explained(error, "vp9", () => undefined), error);
  const other = new SysError("/dev/video0", "VIDIOC_STREAMON", ENOTTY);
  assertEquals(explained(other, "vp9", explainDecoder), other);
});
