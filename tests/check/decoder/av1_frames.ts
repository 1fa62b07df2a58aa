/**
 * AV1 whose headers are in controls, a frame a request: switch frames, hidden ones that are shown later, spatial
 * layers, and film grain where the control says so.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { FrameControls } from "../../../daemon/rebuild/rebuilder.ts";
import { readStream } from "../../../lib/codec/stream.ts";
import { concatenate } from "../../../lib/files/files.ts";
import { Poller, POLLIN } from "../../../lib/sys/poll.ts";
import * as av1 from "../../../lib/uapi/v4l2_controls_av1.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { setCompoundControls } from "../../../lib/v4l2/compound_controls.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import { MediaDevice } from "../../../lib/v4l2/media.ts";
import { MplaneMmapQueue } from "../../../lib/v4l2/queue/mplane_queue.ts";
import { findStatelessDecoder } from "../../../lib/vpipe/decoder.ts";
import { Av1Client } from "../../harness/av1_client.ts";
import { inTwoLayers } from "../../harness/av1_rewritten.ts";
import { type Context, hasAv1 } from "../../harness/context.ts";
import { run } from "../../harness/processes.ts";
import { expect, expectEqual, Skip, type Suite } from "../../harness/suite.ts";
import { pictures, WAIT_MS } from "./client.ts";

const OUTPUT = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
const CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
const CONTROLS = [
  av1.V4L2_CID_STATELESS_AV1_SEQUENCE,
  av1.V4L2_CID_STATELESS_AV1_FRAME,
  av1.V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY,
  av1.V4L2_CID_STATELESS_AV1_FILM_GRAIN,
];

type Bytes = Uint8Array<ArrayBuffer>;
type Change = (id: number, payload: Bytes) => Bytes;

const asItIs: Change = (_, payload) => payload;

/** Grain is as it was, and is not to be applied. */
const withoutGrain: Change = (id, payload) => {
  if (id !== av1.V4L2_CID_STATELESS_AV1_FILM_GRAIN) return payload;
  const grain = av1.v4l2_ctrl_av1_film_grain.at(payload.slice());
  grain.flags &= ~av1.V4L2_AV1_FILM_GRAIN_FLAG_APPLY_GRAIN;
  return grain.bytes;
};

/**
 * The pictures that temporal units show, each of their frames by a request.
 *
 * @param change a control's payload before it is set
 */
function decode(units: readonly Bytes[], width: number, height: number, change: Change): Bytes[] {
  const path = findStatelessDecoder();
  expect(path !== undefined, "there is no decoder");
  using device = VideoDevice.open(path, v4l2.V4L2_CAP_VIDEO_M2M_MPLANE, "decoder");
  using media = MediaDevice.of(device);
  const pixelformat = v4l2.V4L2_PIX_FMT_AV1_FRAME;
  device.setFormat(OUTPUT, { width, height, pixelformat }, "at least");
  const nv12 = { width, height, pixelformat: v4l2.V4L2_PIX_FMT_NV12 };
  const { planes: [{ bytesperline }] } = device.setFormat(CAPTURE, nv12, "at least");
  using output = new MplaneMmapQueue(device, OUTPUT, 1, 1);
  using capture = new MplaneMmapQueue(device, CAPTURE, 1, 1);
  using request = media.allocateRequest();
  output.streamOn();
  capture.streamOn();
  const poller = new Poller(device, POLLIN);
  const client = new Av1Client();
  const known = new Map<number, Bytes>();
  const one = (data: Bytes, controls: FrameControls): Bytes => {
    const payloads = CONTROLS.map((id) => ({ id, payload: change(id, controls.find(id)!) }));
    setCompoundControls(device, payloads, request);
    capture.enqueue(0);
    output.buffers[0].timestamp_usec = controls.timestampLow / 1000;
    output.mappings[0][0].bytes.set(data);
    request.add(output, 0, data.length);
    request.queue();
    expect(poller.wait(WAIT_MS) !== 0, `no picture within ${WAIT_MS} ms`);
    expectEqual("buffer", capture.dequeue(), 0);
    expectEqual("error flag", capture.dequeued.flags & v4l2.V4L2_BUF_FLAG_ERROR, 0);
    output.reclaim();
    request.reinit();
    const { bytes } = capture.mappings[0][0];
    const line = (at: number) => bytes.slice(at * bytesperline, at * bytesperline + width);
    return concatenate(Array.from({ length: height * 3 / 2 }, (_, at) => line(at)));
  };
  return units.map((unit) => {
    const sent = client.read(unit);
    for (const { coded, timestamp } of sent) {
      if (coded) known.set(timestamp, one(coded.data, coded.controls));
    }
    // Of several layers the last one is shown.
    return known.get(sent.findLast(({ shown }) => shown)!.timestamp)!;
  });
}

/** Each picture of a stream that has its headers in band. */
const wholeStream = (
  file: string,
): Bytes[] => [
  ...pictures(file, "nv12").map(({ stream, index }) =>
    Uint8Array.from(Buffer.concat(stream.pictures[index].parts))
  ),
];

/** The pictures of a stream as FFmpeg's command has them without film grain. */
async function cleanPictures(file: string, count: number, { scratch }: Context): Promise<Bytes[]> {
  const raw = `${scratch}/clean.raw`;
  const from = ["-export_side_data", "film_grain", "-i", file, "-fps_mode", "passthrough"];
  try {
    const to = ["-pix_fmt", "nv12", "-f", "rawvideo", raw];
    const { status, stderr } = await run("ffmpeg", ["-v", "error", "-y", ...from, ...to]);
    expectEqual(`status of ffmpeg (${stderr.trim()})`, status, 0);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new Skip("there is no ffmpeg");
    throw error;
  }
  const bytes = Deno.readFileSync(raw);
  const size = bytes.length / count;
  return Array.from({ length: count }, (_, at) => bytes.slice(at * size, (at + 1) * size));
}

function expectSame(got: readonly Bytes[], expected: readonly Bytes[]): void {
  expectEqual("pictures", got.length, expected.length);
  for (const [number, picture] of got.entries()) {
    const same = Buffer.compare(picture, expected[number]) === 0;
    expect(same, `picture ${number} has other samples`);
  }
}

/** A check of the suite that kernels without AV1 skip. */
function expectAv1(): void {
  if (!hasAv1()) throw new Skip("this kernel's V4L2 has no AV1");
}

export async function decoderAv1Checks(suite: Suite, context: Context): Promise<void> {
  const fileOf = (name: string) => `${context.fixtures}/streams/${name}.ivf`;
  const unitsOf = (name: string) =>
    [...readStream(Deno.readFileSync(fileOf(name)), "av1")].map(({ data }) => data);
  for (const name of ["av1-switch", "av1-intra-only", "av1-grain"]) {
    await suite.check(`decoder: ${name}.ivf by requests`, () => {
      expectAv1();
      const got = decode(unitsOf(name), 160, 120, asItIs);
      expectSame(got, wholeStream(fileOf(name)));
      return `${got.length} pictures as of the whole stream`;
    });
  }
  await suite.check("decoder: AV1 of two spatial layers", () => {
    expectAv1();
    const units = unitsOf("av1-switch");
    const got = decode(inTwoLayers(units), 160, 120, asItIs);
    expectSame(got, wholeStream(fileOf("av1-switch")).filter((_, frame) => frame % 2 === 1));
    return `${got.length} pictures of the upper layer, ${units.length} of both`;
  });
  await suite.check("decoder: film grain that is not to be applied", async () => {
    expectAv1();
    const units = unitsOf("av1-grain");
    const clean = await cleanPictures(fileOf("av1-grain"), units.length, context);
    expectSame(decode(units, 160, 120, withoutGrain), clean);
    return `${units.length} pictures as ffmpeg has them without grain`;
  });
}
