/**
 * A client that sends the slices of a picture one by one, without parameter sets: what they are
 * decoded to has to be what the picture as a whole is.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import * as h264 from "../../../lib/uapi/v4l2_controls_h264.ts";
import * as hevc from "../../../lib/uapi/v4l2_controls_hevc.ts";
import { type AccessUnit, type Control, readStream } from "../../../lib/codec/stream.ts";
import { ioctl } from "../../../lib/sys/ioctl.ts";
import { addressOf } from "../../../lib/sys/libc.ts";
import { Poller, POLLIN, POLLOUT } from "../../../lib/sys/poll.ts";
import { setCompoundControls } from "../../../lib/v4l2/compound_controls.ts";
import { decoderCommand } from "../../../lib/v4l2/decoder/command.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import { MplaneMmapQueue } from "../../../lib/v4l2/queue/mplane_queue.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { findStatelessDecoder } from "../../../lib/vpipe/decoder.ts";
import type { Context } from "../../harness/context.ts";
import { nextBuffer, pictures, WAIT_MS } from "./client.ts";
import { H264Client } from "../../harness/h264_client.ts";
import { HevcClient } from "../../harness/hevc_client.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";

const OUTPUT = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
const CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;

const SLICES = 8;

/** Takes an access unit apart; of the timestamp in nanoseconds later ones hear in their controls. */
interface Client {
  parts(
    unit: Uint8Array<ArrayBuffer>,
    timestamp: number,
  ): { slices: Uint8Array[]; controls: Control[] };
}

/** By codec: how slices are sent one by one. */
const KINDS = {
  h264: {
    pixelformat: v4l2.V4L2_PIX_FMT_H264_SLICE,
    mode: h264.V4L2_CID_STATELESS_H264_DECODE_MODE,
    sliceBased: h264.V4L2_STATELESS_H264_DECODE_MODE_SLICE_BASED,
    startCode: h264.V4L2_CID_STATELESS_H264_START_CODE,
    client: (startCode: boolean): Client => new H264Client(startCode),
  },
  hevc: {
    pixelformat: v4l2.V4L2_PIX_FMT_HEVC_SLICE,
    mode: hevc.V4L2_CID_STATELESS_HEVC_DECODE_MODE,
    sliceBased: hevc.V4L2_STATELESS_HEVC_DECODE_MODE_SLICE_BASED,
    startCode: hevc.V4L2_CID_STATELESS_HEVC_START_CODE,
    client: (startCode: boolean): Client => new HevcClient(startCode),
  },
};
type Kind = typeof KINDS[keyof typeof KINDS];

function setNumber(device: VideoDevice, id: number, value: number): void {
  const control = v4l2.v4l2_ext_control.alloc({ id, value });
  const controls = addressOf(control.bytes);
  const argument = v4l2.v4l2_ext_controls.alloc({ which: 0, count: 1, controls });
  ioctl(device, v4l2.VIDIOC_S_EXT_CTRLS, argument.bytes);
}

/**
 * Decodes a stream slice by slice; returns how many there were.
 *
 * @param refused controls with which the first picture is sent once more before, but for its first slice
 * with which the decoder is to refuse it
 */
function decode(
  kind: Kind,
  units: readonly AccessUnit[],
  startCode: boolean,
  picture: (number: number, bytes: Uint8Array) => void,
  refused?: readonly Control[],
): number {
  using device = VideoDevice.open(
    findStatelessDecoder()!,
    v4l2.V4L2_CAP_VIDEO_M2M_MPLANE,
    "decoder",
  );
  const [{ sequence: { width, height } }] = units;
  const client = kind.client(startCode);
  device.setFormat(OUTPUT, { width, height, pixelformat: kind.pixelformat }, "at least");
  setNumber(device, kind.mode, kind.sliceBased);
  setNumber(device, kind.startCode, startCode ? 1 : 0);
  setCompoundControls(device, units[0].sequence.controls);
  device.setFormat(CAPTURE, { width, height, pixelformat: v4l2.V4L2_PIX_FMT_NV12 }, "at least");
  using output = new MplaneMmapQueue(device, OUTPUT, SLICES, 1);
  using capture = new MplaneMmapQueue(device, CAPTURE, 1, 1);
  output.streamOn();
  capture.streamOn();
  const poller = new Poller(device, POLLIN);
  if (refused) sendRefused(output, capture, client.parts(units[0].data, 1000), refused);
  let count = 0;
  for (const [number, { data }] of units.entries()) {
    const { slices, controls } = client.parts(data, 1000 * (number + 1));
    expect(slices.length <= SLICES, `${slices.length} slices of a picture`);
    setCompoundControls(device, controls);
    capture.enqueue(0);
    // Of some pictures it is said afterwards that no slice is to come.
    const flushed = number % 3 === 2;
    for (const [index, slice] of slices.entries()) {
      const buffer = output.buffers[index];
      const last = index + 1 === slices.length && !flushed;
      buffer.flags = last ? 0 : v4l2.V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF;
      buffer.timestamp_sec = 0;
      buffer.timestamp_usec = number + 1;
      output.mappings[index][0].bytes.set(slice);
      output.enqueue(index, slice.length);
    }
    if (flushed) decoderCommand(device, v4l2.V4L2_DEC_CMD_FLUSH);
    nextBuffer(capture, poller);
    expectEqual("timestamp", capture.dequeued.timestamp_usec, number + 1);
    picture(number, capture.mappings[0][0].bytes);
    for (const _ of slices) output.reclaim();
    count += slices.length;
  }
  return count;
}

/** A picture whose first slice is refused, and so all of it. */
function sendRefused(
  output: MplaneMmapQueue,
  capture: MplaneMmapQueue,
  { slices, controls }: ReturnType<Client["parts"]>,
  refused: readonly Control[],
): void {
  const { device } = output;
  const taken = new Poller(device, POLLOUT);
  capture.enqueue(0);
  for (const [index, slice] of slices.entries()) {
    setCompoundControls(device, index === 0 ? refused : controls);
    const last = index + 1 === slices.length;
    output.buffers[index].flags = last ? 0 : v4l2.V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF;
    output.mappings[index][0].bytes.set(slice);
    output.enqueue(index, slice.length);
    // The controls are those of the moment when it is taken.
    expect(taken.wait(WAIT_MS) !== 0, "a slice is not taken");
    output.reclaim();
  }
  new Poller(device, POLLIN).wait(WAIT_MS);
  expectEqual("refused picture", capture.dequeue(), 0);
  const flags = capture.dequeued.flags & v4l2.V4L2_BUF_FLAG_ERROR;
  expectEqual("its error flag", flags, v4l2.V4L2_BUF_FLAG_ERROR);
}

/** The first picture's own parameter sets, of kinds of slices that nobody here decodes. */
function slicesInGroups({ data }: AccessUnit): Control[] {
  const { controls } = new H264Client(true).parts(data);
  return controls.map(({ id, payload }) => {
    if (id !== h264.V4L2_CID_STATELESS_H264_PPS) return { id, payload };
    const pps = h264.v4l2_ctrl_h264_pps.at(payload.slice());
    pps.num_slice_groups_minus1 = 1;
    return { id, payload: pps.bytes };
  });
}

export async function decoderSliceChecks(suite: Suite, { fixtures }: Context): Promise<void> {
  const files = [
    ["h264", "h264-slices.h264"],
    ["h264", "h264-interlaced.h264"],
    ["hevc", "stateful/hevc-slices.hevc"],
  ] as const;
  for (const [codec, name] of files) {
    for (const startCode of [true, false]) {
      const form = startCode ? "with start codes" : "without start codes";
      await suite.check(`decoder: ${name} slice by slice, ${form}`, () => {
        const file = `${fixtures}/streams/${name}`;
        const units = [...readStream(Deno.readFileSync(file))];
        const whole = pictures(file, "nv12");
        const slices = decode(KINDS[codec], units, startCode, (number, bytes) => {
          const { stream, index } = whole.next().value!;
          const same = Buffer.compare(stream.capture.mappings[index][0].bytes, bytes) === 0;
          expect(same, `picture ${number} is another one than of the whole frame`);
        });
        expect(whole.next().done === true, "fewer pictures than of whole frames");
        return `${units.length} pictures of ${slices} slices`;
      });
    }
  }
  await suite.check(
    "decoder: a picture that is refused in part takes no parameter sets with it",
    () => {
      const file = `${fixtures}/streams/h264-slices.h264`;
      const units = [...readStream(Deno.readFileSync(file))].slice(0, 3);
      const whole = pictures(file, "nv12");
      decode(KINDS.h264, units, true, (number, bytes) => {
        const { stream, index } = whole.next().value!;
        const same = Buffer.compare(stream.capture.mappings[index][0].bytes, bytes) === 0;
        expect(same, `picture ${number} is another one than of the whole frame`);
      }, slicesInGroups(units[0]));
      // Not all of the file: its decoder is open.
      whole.return(undefined);
      return `${units.length} pictures behind it`;
    },
  );
}
