/**
 * From the decoder into the filter: the luma plane of a decoded picture, as a dma-buf, is the
 * filter's GREY frame. No program touches a pixel on the way.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { threshold } from "../../../lib/image/threshold.ts";
import { Poller, POLLIN } from "../../../lib/sys/poll.ts";
import type { VideoDevice } from "../../../lib/v4l2/device.ts";
import { DmabufQueue, MmapQueue } from "../../../lib/v4l2/queue/queue.ts";
import {
  V4L2_BUF_TYPE_VIDEO_CAPTURE,
  V4L2_BUF_TYPE_VIDEO_OUTPUT,
} from "../../../lib/uapi/videodev2.ts";
import type { DecoderStream } from "../../../lib/v4l2/decoder/stateless_stream.ts";
import { openFilter, setFilterControls, setFilterSize } from "../../../lib/vpipe/filter.ts";
import { VPIPE_ALGO_THRESHOLD } from "../../../lib/uapi/vpipe.ts";
import { type Context, hasAv1 } from "../../harness/context.ts";
import { nextBuffer, pictures } from "./client.ts";
import { Decoding, digestsOf } from "./file.ts";
import { expect, expectEqual, Skip, type Suite } from "../../harness/suite.ts";

// A whole number of CAPTURE's steps of bytesperline: the luma plane is a GREY frame.
const WIDTH = 320;
const HEIGHT = 240;
const LUMA = WIDTH * HEIGHT;
const PICTURE = LUMA * 3 / 2;

const LEVEL = 100;

/** The filter with the decoder's CAPTURE buffers on its OUTPUT queue. */
class Chain implements Disposable {
  readonly #resources = new DisposableStack();
  readonly #output: DmabufQueue;
  readonly #capture: MmapQueue;
  readonly #poller: Poller;

  constructor(filter: VideoDevice, stream: DecoderStream) {
    const resources = this.#resources;
    const size = setFilterSize(filter, WIDTH, HEIGHT);
    expectEqual("size of a GREY frame", size, LUMA);
    const whole = { left: 0, top: 0, width: 0, height: 0 };
    const algorithm = VPIPE_ALGO_THRESHOLD;
    setFilterControls(filter, { sequence: 0, algorithm, threshold: LEVEL, roi: whole });
    const exported = stream.capture.export();
    for (const { file } of exported.flat()) resources.defer(() => file.close());
    const luma = exported.map(([plane]) => plane);
    this.#output = resources.use(new DmabufQueue(filter, V4L2_BUF_TYPE_VIDEO_OUTPUT, luma));
    expectEqual("the filter's OUTPUT buffers", this.#output.buffers.length, luma.length);
    this.#capture = resources.use(new MmapQueue(filter, V4L2_BUF_TYPE_VIDEO_CAPTURE, 1));
    this.#poller = new Poller(filter, POLLIN);
    this.#output.streamOn();
    this.#capture.streamOn();
  }

  /** What the filter makes of the decoder's buffer `index`, until the next call. */
  filtered(index: number): Uint8Array {
    const { mappings, dequeued } = this.#capture;
    this.#capture.enqueue(0);
    this.#output.enqueue(index, LUMA);
    const got = nextBuffer(this.#capture, this.#poller);
    expectEqual("bytes of the filtered frame", dequeued.bytesused, LUMA);
    expectEqual("the filter's source", this.#output.reclaim(), index);
    return mappings[got].bytes.subarray(0, LUMA);
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }
}

/** The thresholded luma of each picture of a raw NV12 file, by the userspace reference. */
function references(raw: Uint8Array<ArrayBuffer>): Uint8Array[] {
  return Array.from({ length: raw.length / PICTURE }, (_, i) => {
    const pixels = raw.subarray(i * PICTURE, i * PICTURE + LUMA);
    return threshold({ width: WIDTH, height: HEIGHT, pixels }, LEVEL).image.pixels;
  });
}

/** Decodes a stream into the filter and compares each frame; returns how many. */
function compare(filterPath: string, input: string, expected: readonly Uint8Array[]): number {
  using filter = openFilter(filterPath);
  using resources = new DisposableStack();
  let chain: Chain | undefined;
  let count = 0;
  for (const { stream, index, place } of pictures(input, "nv12m")) {
    chain ??= resources.use(new Chain(filter, stream));
    const same = Buffer.compare(chain.filtered(index), expected[place]) === 0;
    expect(same, `frame ${place} is not what the reference makes of it`);
    count++;
  }
  return count;
}

export async function decoderChainChecks(suite: Suite, context: Context): Promise<void> {
  const folder = `${context.fixtures}/streams`;
  const names = ["vp9-320x240.ivf", "av1-320x240.ivf", "h264-320x240.h264"];
  for (const digest of digestsOf(context, ...names)) {
    const { name, frames } = digest;
    const chosen = name === names[0] ? suite : suite.whole;
    await chosen?.check(`decoder: ${name} into the filter, by dma-buf`, async () => {
      if (name.startsWith("av1") && !hasAv1()) throw new Skip("this kernel's V4L2 has no AV1");
      await using decoding = new Decoding(context, `${folder}/${name}`);
      await decoding.expectFrames(digest);
      const expected = references(decoding.bytes);
      const kinds = new Set(
        expected.flatMap((pixels) => [pixels.includes(0), pixels.includes(255)]),
      );
      expect(!kinds.has(false), "a frame is all black or all white: nothing to compare");
      expectEqual("frames", compare(context.filter, `${folder}/${name}`, expected), frames);
      return `${frames} luma planes exported by the decoder, imported and thresholded by the filter: ` +
        "each byte as the userspace reference makes of the verified frame";
    });
  }
}
