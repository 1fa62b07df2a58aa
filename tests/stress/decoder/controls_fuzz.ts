/**
 * Stateless frames without headers, whose controls say anything: the real daemon has to put headers back
 * from them. Every frame is answered, and the next whole stream is decoded exactly.
 *
 * @module
 */
import { V4L2_CID_STATELESS_AV1_SEQUENCE } from "../../../lib/uapi/v4l2_controls_av1.ts";
import { V4L2_CID_STATELESS_H264_SPS } from "../../../lib/uapi/v4l2_controls_h264.ts";
import {
  V4L2_CID_STATELESS_HEVC_DECODE_MODE,
  V4L2_CID_STATELESS_HEVC_SPS,
  V4L2_CID_STATELESS_HEVC_START_CODE,
} from "../../../lib/uapi/v4l2_controls_hevc.ts";
import { V4L2_CID_STATELESS_MPEG2_SEQUENCE } from "../../../lib/uapi/v4l2_controls_mpeg2.ts";
import { V4L2_CID_STATELESS_VP8_FRAME } from "../../../lib/uapi/v4l2_controls_vp8.ts";
import { SysError } from "../../../lib/sys/errno.ts";
import { tryIoctl } from "../../../lib/sys/ioctl.ts";
import { addressOf } from "../../../lib/sys/libc.ts";
import { type CompoundControl, setCompoundControls } from "../../../lib/v4l2/compound_controls.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { expect } from "../../harness/suite.ts";
import { EDGES } from "../engine/caller.ts";
import { expectIdle } from "./decoder.ts";
import { CAPTURE, DecoderClient } from "./client.ts";
import { Daemon } from "./daemon.ts";
import { expectExact, type Fixture, readFixtures, sequencesOf } from "./decode.ts";
import { Random } from "../../harness/random.ts";
import type { Conditions } from "../engine/stage.ts";
import { decoder } from "../../harness/nodes.ts";

/** In a full run. */
const STREAMS = 2000;
const MIN_STREAMS = 10;
const BUFFERS = 4;
const FRAMES = 8;

/** As much as a control may have. */
const PAYLOAD = 1 << 16;

/** The fixtures that lack something without their headers, by their name: 8 bits, as CAPTURE is at first. */
const KINDS = [
  {
    name: /^h264-(?!10bit)/,
    pixelformat: v4l2.V4L2_PIX_FMT_H264_SLICE,
    // DECODE_MODE and START_CODE come before it.
    modes: [V4L2_CID_STATELESS_H264_SPS - 2, V4L2_CID_STATELESS_H264_SPS - 1],
    first: V4L2_CID_STATELESS_H264_SPS,
    count: 6,
  },
  {
    name: /^stateful\/hevc-(?!10bit)/,
    pixelformat: v4l2.V4L2_PIX_FMT_HEVC_SLICE,
    modes: [V4L2_CID_STATELESS_HEVC_DECODE_MODE, V4L2_CID_STATELESS_HEVC_START_CODE],
    first: V4L2_CID_STATELESS_HEVC_SPS,
    count: 5,
  },
  {
    name: /^av1-(?!10bit)/,
    pixelformat: v4l2.V4L2_PIX_FMT_AV1_FRAME,
    modes: [],
    first: V4L2_CID_STATELESS_AV1_SEQUENCE,
    count: 4,
  },
  {
    name: /^stateful\/vp8-/,
    pixelformat: v4l2.V4L2_PIX_FMT_VP8_FRAME,
    modes: [],
    first: V4L2_CID_STATELESS_VP8_FRAME,
    count: 1,
  },
  {
    name: /^stateful\/mpeg2-/,
    pixelformat: v4l2.V4L2_PIX_FMT_MPEG2_SLICE,
    modes: [],
    first: V4L2_CID_STATELESS_MPEG2_SEQUENCE,
    count: 3,
  },
] as const;
type Kind = typeof KINDS[number];

/** The current value of a control; undefined for one that there is not. */
function valueOf({ fd }: { readonly fd: number }, id: number): CompoundControl | undefined {
  const payload = new Uint8Array(PAYLOAD);
  const control = v4l2.v4l2_ext_control.alloc({ id, size: PAYLOAD, ptr: addressOf(payload) });
  const argument = v4l2.v4l2_ext_controls.alloc({ count: 1, controls: addressOf(control.bytes) });
  if (tryIoctl(fd, v4l2.VIDIOC_G_EXT_CTRLS.request, argument.bytes) < 0) return undefined;
  return { id, payload: payload.slice(0, control.size) };
}

/** The same with some of it changed, mostly to what is small. */
function changed({ id, payload }: CompoundControl, random: Random): CompoundControl {
  const copy = payload.slice();
  const words = new Uint32Array(copy.buffer, 0, copy.length >> 2);
  for (let i = random.below(6); i > 0 && copy.length > 0; i--) {
    if (random.chance(0.1) && words.length > 0) {
      words[random.below(words.length)] = random.pick(EDGES);
    } else {
      // What comes first is what all depends on.
      const end = random.chance(0.5) ? Math.min(copy.length, 32) : copy.length;
      copy[random.below(end)] = random.pick([0, 1, 2, 3, 4, 8, 15, 16, 63, 255]);
    }
  }
  return { id, payload: copy };
}

/** One stream of frames whose headers are cut off. */
class Headless implements Disposable {
  readonly #client: DecoderClient;
  readonly #controls: CompoundControl[];

  constructor(kind: Kind, { bytes }: Fixture, readonly random: Random) {
    const [units] = sequencesOf(bytes);
    const [{ sequence: { width, height, controls } }] = units;
    const { pixelformat } = kind;
    const settings = { pixelformat, width, height, buffers: BUFFERS, requests: true };
    const client = new DecoderClient(decoder.videoNode(), settings);
    this.#client = client;
    setCompoundControls(client.device, controls);
    for (const id of kind.modes) {
      const control = v4l2.v4l2_control.alloc({ id, value: random.below(2) });
      tryIoctl(client.device.fd, v4l2.VIDIOC_S_CTRL.request, control.bytes);
    }
    this.#controls = Array.from({ length: kind.count }, (_, i) => kind.first + i)
      .map((id) => valueOf(client.device, id))
      .filter((control) => control !== undefined);
    client.start();
  }

  /** What a frame has, as far as the kernel takes it. */
  #valid(): CompoundControl[] {
    const { device } = this.#client;
    return this.#controls.map((control) => changed(control, this.random)).filter((control) => {
      try {
        setCompoundControls(device, [control]);
        return true;
      } catch (error) {
        if (error instanceof SysError) return false;
        throw error;
      }
    });
  }

  /** Sends frames one by one; how many had a picture, and how many controls they came with. */
  async decode(frames: readonly Uint8Array[]): Promise<{ pictures: number; controls: number }> {
    const { random } = this;
    let pictures = 0;
    let sent = 0;
    for (const [i, frame] of frames.entries()) {
      const controls = this.#valid();
      sent += controls.length;
      // A slice begins with three bytes and a one, or without.
      const body = frame.subarray(random.pick([0, 3, 4, random.below(frame.length)]));
      const bytes = random.chance(0.2) ? new Uint8Array([0, 0, 1, 0x65, ...body]) : body;
      this.#client.send(i % BUFFERS, bytes.subarray(0, 1 << 16), controls);
      expect(await this.#client.wait(), "a frame is not answered");
      const index = this.#client.tryDequeue(CAPTURE);
      if (!(this.#client.capture.dequeued.flags & v4l2.V4L2_BUF_FLAG_ERROR)) pictures++;
      this.#client.output.reclaim();
      this.#client.capture.enqueue(index);
    }
    return { pictures, controls: sent };
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** Frames as they follow on their headers: the largest part of an access unit. */
function bodiesOf({ name, bytes }: Fixture): Uint8Array[] {
  const units = sequencesOf(bytes)[0].slice(0, FRAMES).map(({ data }) => data);
  if (!/^(h264|hevc)/.test(name)) return units.map((unit) => unit.subarray(unit.length >> 2));
  return units.map((unit) => unit.subarray(lastStart(unit)));
}

/** Where the last NAL unit's start code is. */
function lastStart(unit: Uint8Array): number {
  for (let at = unit.length - 4; at > 0; at--) {
    if (unit[at] === 0 && unit[at + 1] === 0 && unit[at + 2] === 1) return at;
  }
  return 0;
}

export async function decoderControlsFuzz(
  { random, tools, fixtures, amount }: Conditions,
): Promise<string> {
  const all = readFixtures(fixtures);
  const streams = Math.max(Math.round(STREAMS * amount), MIN_STREAMS);
  const sum = { frames: 0, pictures: 0, controls: 0 };
  {
    await using daemon = await Daemon.start(tools);
    for (let i = 0; i < streams; i++) {
      const kind = random.pick(KINDS);
      const fixture = random.pick(all.filter(({ name }) => kind.name.test(name)));
      const seed = random.next();
      try {
        using headless = new Headless(kind, fixture, new Random(seed));
        const bodies = bodiesOf(fixture);
        const { pictures, controls } = await headless.decode(bodies);
        sum.frames += bodies.length;
        sum.pictures += pictures;
        sum.controls += controls;
      } catch (error) {
        await daemon.expectAlive();
        expect(false, `${fixture.name}, controls of seed ${seed}: ${(error as Error).message}`);
      }
    }
    await daemon.expectAlive();
    await expectExact(decoder.videoNode(), random.pick(all));
  }
  await expectIdle(0);
  expect(sum.controls > 0, "the kernel took none of the controls");
  return `${streams} streams without headers, ${sum.frames} frames with ${sum.controls} controls: ` +
    `${sum.pictures} pictures, the others with the error flag; the daemon then decodes a whole ` +
    "stream exactly";
}
