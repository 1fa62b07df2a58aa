/**
 * Colours on the stateful node: those of the bitstream, by each codec that tells them, and those that
 * a client gives.
 *
 * @module
 */
import { readCodedFrames } from "../../../lib/ffmpeg/coded_frames.ts";
import { ioctl } from "../../../lib/sys/ioctl.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import type { Context } from "../../harness/context.ts";
import { encode } from "../decoder/encode.ts";
import { CAPTURE, Client, decodeAll, OUTPUT } from "./client.ts";
import { expectEqual, type Suite } from "../../harness/suite.ts";
import { statefulNode } from "../../harness/nodes.ts";

const { V4L2_EVENT_SOURCE_CHANGE: SOURCE_CHANGE } = v4l2;
const FRAMES = 6;

/** Colours by V4L2's numbers: colorspace, ycbcr_enc, quantization, xfer_func. */
type Colours = readonly [number, number, number, number];

const SD: Colours = [1, 1, 1, 1];
const HDR: Colours = [10, 6, 2, 7];
const NONE: Colours = [0, 0, 0, 0];

const x264 = (name: string, range: string) =>
  `fullrange=${range}:` + ["colorprim", "transfer", "colormatrix"]
    .map((key) => `${key}=${name}`).join(":");

const given = (primaries: string, transfer: string, matrix: string, range: string) => [
  "-vf",
  `setparams=color_primaries=${primaries}:color_trc=${transfer}:colorspace=${matrix}:range=${range}`,
];

/** A stream that tells its colours, how it is made, and what CAPTURE is to have. */
const STREAMS: readonly [ext: string, options: readonly string[], colours: Colours][] = [
  // V4L2 has one curve for SMPTE 170M and BT.709.
  ["h264", ["-c:v", "libx264", "-x264-params", x264("smpte170m", "on")], SD],
  ["hevc", [
    ...["-c:v", "libx265", "-x265-params"],
    "log-level=none:range=limited:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc",
  ], HDR],
  ["m2v", ["-c:v", "mpeg2video", ...given("bt470bg", "bt709", "bt470bg", "tv")], [6, 1, 2, 1]],
  // It has the matrix alone, and the range.
  ["ivf", ["-c:v", "libvpx-vp9", ...given("bt709", "bt709", "bt470bg", "pc")], [3, 1, 1, 0]],
  ["obu", [
    ...["-c:v", "libaom-av1", "-cpu-used", "8", ...given("bt2020", "smpte2084", "bt2020nc", "tv")],
  ], HDR],
];

function coloursOf(device: VideoDevice, type: number): string {
  const format = v4l2.v4l2_format_mplane.alloc({ type });
  ioctl(device, v4l2.VIDIOC_G_FMT, format.bytes);
  const { colorspace, ycbcr_enc, quantization, xfer_func } = format;
  return [colorspace, ycbcr_enc, quantization, xfer_func].join(" ");
}

/** Sets OUTPUT to H.264 of these colours; those that it then has. */
function give(device: VideoDevice, colours: Colours): string {
  const [colorspace, ycbcr_enc, quantization, xfer_func] = colours;
  const format = v4l2.v4l2_format_mplane.alloc({
    ...{ type: OUTPUT, width: 64, height: 48, num_planes: 1 },
    pixelformat: v4l2.V4L2_PIX_FMT_H264,
    ...{ colorspace, ycbcr_enc, quantization, xfer_func },
  });
  ioctl(device, v4l2.VIDIOC_S_FMT, format.bytes);
  return coloursOf(device, OUTPUT);
}

/** With a daemon that runs. */
export async function statefulColourChecks(suite: Suite, context: Context): Promise<void> {
  for (const [ext, options, colours] of STREAMS) {
    await suite.check(`stateful: colours that a stream tells, ${options[1]}`, async () => {
      const file = `${context.scratch}/colours.${ext}`;
      await encode(file, FRAMES, "-pix_fmt", "yuv420p", ...options);
      const { codec, frames } = readCodedFrames(file);
      using client = new Client(codec, { outputs: FRAMES });
      client.sendAll({ frames });
      client.expectEvent(SOURCE_CHANGE);
      expectEqual("CAPTURE", coloursOf(client.device, CAPTURE), colours.join(" "));
      return `colorspace, ycbcr_enc, quantization, xfer_func ${colours.join(" ")}`;
    });
  }

  await suite.check("stateful: colours that change alone", async () => {
    const parts = await Promise.all(([["smpte170m", "on"], ["bt709", "off"]] as const)
      .map(async ([name, range]) => {
        const file = `${context.scratch}/${name}.h264`;
        const options = ["-c:v", "libx264", "-bf", "0", "-x264-params", x264(name, range)];
        await encode(file, FRAMES, "-pix_fmt", "yuv420p", ...options);
        return file;
      }));
    const file = `${context.scratch}/both.h264`;
    for (const part of parts) {
      Deno.writeFileSync(file, Deno.readFileSync(part), { append: part !== parts[0] });
    }
    const stream = decodeAll(file);
    using client = new Client(stream.codec, { outputs: 2 * FRAMES });
    client.sendAll(stream);
    client.stop();
    client.expectEvent(SOURCE_CHANGE);
    expectEqual("CAPTURE", coloursOf(client.device, CAPTURE), SD.join(" "));
    client.setUp();
    expectEqual("pictures", client.expectPictures(stream).length, 2 * FRAMES);
    client.expectEvent(v4l2.V4L2_EVENT_EOS);
    return `all ${2 * FRAMES} pictures without a halt: CAPTURE's buffers are right for them`;
  });

  await suite.check("stateful: colours that a client gives", async () => {
    const file = `${context.scratch}/plain.h264`;
    await encode(file, FRAMES, "-pix_fmt", "yuv420p", "-c:v", "libx264");
    const { frames } = readCodedFrames(file);
    using device = VideoDevice.open(statefulNode(), v4l2.V4L2_CAP_VIDEO_M2M_MPLANE, "decoder");
    expectEqual("OUTPUT that was given none", give(device, NONE), NONE.join(" "));
    expectEqual("OUTPUT that was given all", give(device, HDR), HDR.join(" "));
    expectEqual("CAPTURE before a header", coloursOf(device, CAPTURE), HDR.join(" "));
    // GStreamer would take what is told back for all that there is.
    expectEqual("OUTPUT that was given one", give(device, [10, 0, 0, 0]), NONE.join(" "));
    const said = [];
    for (const colours of [HDR, [10, 0, 0, 0], NONE] as const) {
      using client = new Client("h264", {
        outputs: FRAMES,
        prepare: (device) => void give(device, colours),
      });
      client.sendAll({ frames });
      client.expectEvent(SOURCE_CHANGE);
      said.push(coloursOf(client.device, CAPTURE));
    }
    // What nobody says is BT.709.
    expectEqual(
      "CAPTURE of a stream that tells none",
      said.join(", "),
      "10 6 2 7, 10 0 0 0, 3 0 0 0",
    );
    return "all or none on OUTPUT; CAPTURE of a stream that tells none has each that was given";
  });
}
