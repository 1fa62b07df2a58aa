/**
 * What the stateful node says of formats: before a header, of fields, and of pictures that
 * no client can be given.
 *
 * @module
 */
import { constants } from "node:os";
import { readCodedFrames } from "../../../lib/ffmpeg/coded_frames.ts";
import { ioctl, tryIoctl } from "../../../lib/sys/ioctl.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import type { Context } from "../../harness/context.ts";
import { encode } from "../decoder/encode.ts";
import { CAPTURE, Client, OUTPUT } from "./client.ts";
import { errnoOf } from "../../harness/expectations.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { statefulNode } from "../../harness/nodes.ts";

const { EIO } = constants.errno;
const FRAMES = 6;

const node = () => VideoDevice.open(statefulNode(), v4l2.V4L2_CAP_VIDEO_M2M_MPLANE, "decoder");

function setOutput(device: VideoDevice, pixelformat: number, field: number, height = 48) {
  const wanted = { type: OUTPUT, width: 64, height, pixelformat, field, num_planes: 1 };
  const format = v4l2.v4l2_format_mplane.alloc(wanted);
  ioctl(device, v4l2.VIDIOC_S_FMT, format.bytes);
  return format;
}

/** CAPTURE's formats by name. */
function captureFormats(device: VideoDevice): string {
  const names: string[] = [];
  for (let index = 0;; index++) {
    const entry = v4l2.v4l2_fmtdesc.alloc({ index, type: CAPTURE });
    if (tryIoctl(device.fd, v4l2.VIDIOC_ENUM_FMT.request, entry.bytes) < 0) return names.join(" ");
    names.push(v4l2.fourccText(entry.pixelformat));
  }
}

/** With a daemon that runs. */
export async function statefulFormatChecks(suite: Suite, context: Context): Promise<void> {
  await suite.check("stateful: formats before a header", () => {
    using device = node();
    const said = ["H264", "VP80"].map((name) => {
      setOutput(device, v4l2.fourcc(name), v4l2.V4L2_FIELD_NONE);
      return `${name}: ${captureFormats(device)}`;
    }).join(", ");
    expectEqual("CAPTURE", said, "H264: NV12 NM12 YU12 YM12 P010, VP80: NV12 NM12 YU12 YM12");
    return `${said}: whatever the codec may have`;
  });

  await suite.check("stateful: formats before a header, of an odd height", () => {
    using device = node();
    setOutput(device, v4l2.V4L2_PIX_FMT_VP9, v4l2.V4L2_FIELD_NONE, 67);
    const said = captureFormats(device);
    expectEqual("CAPTURE", said, "NV12 NM12 YM12 P010");
    const wanted = { type: CAPTURE, pixelformat: v4l2.V4L2_PIX_FMT_YUV420, num_planes: 1 };
    const format = v4l2.v4l2_format_mplane.alloc(wanted);
    ioctl(device, v4l2.VIDIOC_S_FMT, format.bytes);
    expectEqual("instead of YU12", v4l2.fourccText(format.pixelformat), "NV12");
    return `${said}: no YU12, in which FFmpeg's v4l2m2m looks for Cr half a row early`;
  });

  await suite.check("stateful: fields are the bitstream's", () => {
    using device = node();
    const { field } = setOutput(device, v4l2.V4L2_PIX_FMT_MPEG2, v4l2.V4L2_FIELD_INTERLACED);
    expectEqual("field of OUTPUT", field, v4l2.V4L2_FIELD_INTERLACED);
    const capture = v4l2.v4l2_format_mplane.alloc({ type: CAPTURE });
    ioctl(device, v4l2.VIDIOC_G_FMT, capture.bytes);
    expectEqual("field of CAPTURE", capture.field, v4l2.V4L2_FIELD_NONE);
    return "INTERLACED stays on OUTPUT, CAPTURE has whole pictures";
  });

  await suite.check("stateful: pictures that no client can be given", async () => {
    const file = `${context.scratch}/422.h264`;
    await encode(file, FRAMES, "-c:v", "libx264", "-pix_fmt", "yuv422p");
    const { codec, frames } = readCodedFrames(file);
    using client = new Client(codec, { outputs: 2 * FRAMES });
    const says = (call: () => unknown) => errnoOf(call) === EIO;
    // The first frame says what the pictures are: that may be known before all are sent.
    const sent = errnoOf(() => client.sendAll({ frames }));
    expect(sent === 0 || sent === EIO, `frames: errno ${sent}`);
    client.wait("EIO from DQBUF", () => says(() => client.output.dequeue()));
    expect(says(() => client.stop()), "V4L2_DEC_CMD_STOP is not EIO");
    expect(says(() => client.start()), "V4L2_DEC_CMD_START is not EIO");
    const neverSent = 0;
    expect(says(() => client.output.enqueue(neverSent, frames[0].length)), "QBUF is not EIO");
    return "4:2:2: EIO from DQBUF, QBUF, STOP and START";
  });
}
