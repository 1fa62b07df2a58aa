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
import { MediaDevice, type MediaRequest } from "../../../lib/v4l2/media.ts";
import { MplaneMmapQueue } from "../../../lib/v4l2/queue/mplane_queue.ts";
import { findStatelessDecoder } from "../../../lib/vpipe/decoder.ts";
import { Av1Client } from "../../harness/av1_client.ts";
import { inTwoLayers } from "../../harness/av1_rewritten.ts";
import { type Context, hasAv1 } from "../../harness/context.ts";
import { run } from "../../harness/processes.ts";
import { expect, expectEqual, Skip, type Suite } from "../../harness/suite.ts";
import { pictures, WAIT_MS } from "./client.ts";
import { encode } from "./encode.ts";

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

/** A frame that was sent. */
interface Answer {
  readonly damaged: boolean;
  readonly picture: Bytes;
}

/** What there is for each temporal unit: of its frames, by requests, the one that is shown. */
function decode(units: readonly Bytes[], width: number, height: number, change: Change): Bytes[] {
  const client = new Av1Client();
  const known = new Map<number, Answer>();
  using decoder = new Frames(width, height, change);
  return units.map((unit, number) => {
    const sent = client.read(unit);
    for (const { coded, timestamp } of sent) {
      if (coded) known.set(timestamp, decoder.decode(coded.data, coded.controls));
    }
    // Of several layers the last one is shown.
    const { damaged, picture } = known.get(sent.findLast(({ shown }) => shown)!.timestamp)!;
    expect(!damaged, `picture ${number} has the error flag`);
    return picture;
  });
}

/** Decodes frames one by one, all into pictures of one size. */
class Frames implements Disposable {
  readonly #device: VideoDevice;
  readonly #output: MplaneMmapQueue;
  readonly #capture: MplaneMmapQueue;
  readonly #request: MediaRequest;
  readonly #poller: Poller;
  readonly #bytesperline: number;
  readonly #made = new DisposableStack();

  /** @param change a control's payload before it is set */
  constructor(
    readonly width: number,
    readonly height: number,
    readonly change: Change,
  ) {
    const path = findStatelessDecoder();
    expect(path !== undefined, "there is no decoder");
    const made = this.#made;
    const device = made.use(VideoDevice.open(path, v4l2.V4L2_CAP_VIDEO_M2M_MPLANE, "decoder"));
    const media = made.use(MediaDevice.of(device));
    const pixelformat = v4l2.V4L2_PIX_FMT_AV1_FRAME;
    device.setFormat(OUTPUT, { width, height, pixelformat }, "at least");
    const nv12 = { width, height, pixelformat: v4l2.V4L2_PIX_FMT_NV12 };
    this.#bytesperline = device.setFormat(CAPTURE, nv12, "at least").planes[0].bytesperline;
    this.#device = device;
    this.#output = made.use(new MplaneMmapQueue(device, OUTPUT, 1, 1));
    this.#capture = made.use(new MplaneMmapQueue(device, CAPTURE, 1, 1));
    this.#request = made.use(media.allocateRequest());
    this.#output.streamOn();
    this.#capture.streamOn();
    this.#poller = new Poller(device, POLLIN);
  }

  decode(data: Bytes, controls: FrameControls): Answer {
    const [output, capture, request] = [this.#output, this.#capture, this.#request];
    const payloads = CONTROLS.map((id) => ({ id, payload: this.change(id, controls.find(id)!) }));
    setCompoundControls(this.#device, payloads, request);
    capture.enqueue(0);
    output.buffers[0].timestamp_usec = controls.timestampLow / 1000;
    output.mappings[0][0].bytes.set(data);
    request.add(output, 0, data.length);
    request.queue();
    expect(this.#poller.wait(WAIT_MS) !== 0, `no picture within ${WAIT_MS} ms`);
    expectEqual("buffer", capture.dequeue(), 0);
    const damaged = (capture.dequeued.flags & v4l2.V4L2_BUF_FLAG_ERROR) !== 0;
    output.reclaim();
    request.reinit();
    return { damaged, picture: this.#picture(capture.mappings[0][0].bytes) };
  }

  #picture(bytes: Uint8Array): Bytes {
    const { width, height } = this;
    const lines = Array.from({ length: height + Math.ceil(height / 2) }, (_, line) => {
      const at = line * this.#bytesperline;
      // Chroma is in turns, a pair for each two columns.
      return bytes.subarray(at, at + (line < height ? width : 2 * Math.ceil(width / 2)));
    });
    return concatenate(lines);
  }

  [Symbol.dispose](): void {
    this.#made.dispose();
  }
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

/** What is of another size has no picture, and is a reference all the same. */
async function sizesCheck({ scratch }: Context): Promise<string> {
  const file = `${scratch}/sizes.ivf`;
  const params = ["-svtav1-params", "lp=1:pred-struct=1:resize-mode=2"];
  await encode(file, 8, "-vf", "scale=160x120", "-c:v", "libsvtav1", "-preset", "10", ...params);
  const units = [...readStream(Deno.readFileSync(file), "av1")];
  const whole = wholeStream(file);
  const { sequence: { width, height } } = units.at(-1)!;
  const client = new Av1Client();
  using decoder = new Frames(width, height, asItIs);
  let right = 0;
  for (const [number, { data, sequence }] of units.entries()) {
    const [{ coded }] = client.read(data);
    const { damaged, picture } = decoder.decode(coded!.data, coded!.controls);
    const fits = sequence.width === width && sequence.height === height;
    expectEqual(`error flag of picture ${number}`, damaged, !fits);
    if (!fits) continue;
    expect(Buffer.compare(picture, whole[number]) === 0, `picture ${number} has other samples`);
    right++;
  }
  expect(right < units.length, "all frames are of one size");
  return `${right} of ${units.length} frames are of ${width}x${height}, and right`;
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
  await suite.check("decoder: AV1 of layers that are not of CAPTURE's size", async () => {
    expectAv1();
    return await sizesCheck(context);
  });
  await suite.check("decoder: film grain that is not to be applied", async () => {
    expectAv1();
    const units = unitsOf("av1-grain");
    const clean = await cleanPictures(fileOf("av1-grain"), units.length, context);
    expectSame(decode(units, 160, 120, withoutGrain), clean);
    return `${units.length} pictures as ffmpeg has them without grain`;
  });
}
