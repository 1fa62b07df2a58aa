/**
 * Clients that name references in controls, as V4L2 has it: where FFmpeg has them, their pictures are
 * those of the whole stream, and where it has others, they have the error flag.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { START_CODE } from "../../../lib/codec/annexb.ts";
import { NAL_SLICE_IDR, NAL_TYPE_MASK } from "../../../lib/codec/h264/nal_types.ts";
import { concatenate } from "../../../lib/files/files.ts";
import { type AccessUnit, readStream } from "../../../lib/codec/stream.ts";
import { STATELESS } from "../../../lib/codec/codecs.ts";
import { Poller, POLLIN } from "../../../lib/sys/poll.ts";
import { setCompoundControls } from "../../../lib/v4l2/compound_controls.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import { MplaneMmapQueue } from "../../../lib/v4l2/queue/mplane_queue.ts";
import {
  V4L2_CID_STATELESS_H264_DECODE_PARAMS,
  v4l2_ctrl_h264_decode_params,
  v4l2_ctrl_h264_sps,
  v4l2_h264_dpb_entry,
  V4L2_H264_DPB_ENTRY_FLAG_ACTIVE,
  V4L2_H264_DPB_ENTRY_FLAG_VALID,
} from "../../../lib/uapi/v4l2_controls_h264.ts";
import { V4L2_CID_STATELESS_VP8_FRAME } from "../../../lib/uapi/v4l2_controls_vp8.ts";
import { V4L2_CID_STATELESS_VP9_FRAME } from "../../../lib/uapi/v4l2_controls_vp9.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { findStatelessDecoder } from "../../../lib/vpipe/decoder.ts";
import type { Context } from "../../harness/context.ts";
import { H264Client } from "../../harness/h264_client.ts";
import { Mpeg2Client } from "../../harness/mpeg2_client.ts";
import { Vp8Client } from "../../harness/vp8_client.ts";
import { singleFrames, Vp9Client } from "../../harness/vp9_client.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { pictures, WAIT_MS } from "./client.ts";

const OUTPUT = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
const CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
const REFERENCE = V4L2_H264_DPB_ENTRY_FLAG_VALID | V4L2_H264_DPB_ENTRY_FLAG_ACTIVE;

/** What is sent of a unit, and the times of its references, to be changed. */
interface Sent {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly controls: Parameters<typeof setCompoundControls>[1];
  /** Names a reference that nobody has. */
  misname(): void;
}

type Client = (unit: Uint8Array<ArrayBuffer>, time: bigint) => Sent;

/** Of codecs that have one control, which names the references. */
function naming<Control extends { readonly bytes: Uint8Array<ArrayBuffer> }>(
  of: { control(unit: Uint8Array<ArrayBuffer>, time: bigint): Control },
  id: number,
  misname: (control: Control) => void,
): Client {
  return (data, time) => {
    const control = of.control(data, time);
    return { data, controls: [{ id, payload: control.bytes }], misname: () => misname(control) };
  };
}

const vp8 = () =>
  naming(new Vp8Client(), V4L2_CID_STATELESS_VP8_FRAME, (control) => control.golden_frame_ts++);

const vp9 = () =>
  naming(new Vp9Client(), V4L2_CID_STATELESS_VP9_FRAME, (control) => control.alt_frame_ts++);

function mpeg2(): Client {
  const client = new Mpeg2Client();
  return (unit, time) => {
    const { slices, picture, controls } = client.parts(unit, time);
    return { data: slices, controls, misname: () => void picture.forward_ref_ts++ };
  };
}

/** Of H.264 without reordering and marking: references are the latest pictures, as many as there may be. */
function h264(): Client {
  const client = new H264Client(true);
  let times: bigint[] = [];
  return (unit, time) => {
    const { slices, controls } = client.parts(unit);
    const [{ payload: sps }] = controls;
    if ((slices[0][START_CODE] & NAL_TYPE_MASK) === NAL_SLICE_IDR) times = [];
    const params = v4l2_ctrl_h264_decode_params.alloc();
    const entries = times.map((time, at) => {
      const entry = v4l2_h264_dpb_entry.at(params.bytes, at * v4l2_h264_dpb_entry.size);
      return Object.assign(entry, { reference_ts: Number(time), flags: REFERENCE });
    });
    times = [time, ...times].slice(0, v4l2_ctrl_h264_sps.at(sps).max_num_ref_frames);
    return {
      data: concatenate(slices),
      controls: [...controls, {
        id: V4L2_CID_STATELESS_H264_DECODE_PARAMS,
        payload: params.bytes,
      }],
      misname: () => void entries[0].reference_ts++,
    };
  };
}

/**
 * Decodes a stream, a frame at a time.
 *
 * @param wrong number of the frame that refers to what is not there
 * @returns each frame's CAPTURE buffer; undefined where it has the error flag
 */
function decode(units: readonly AccessUnit[], client: Client, wrong = -1): (Buffer | undefined)[] {
  using device = VideoDevice.open(
    findStatelessDecoder()!,
    v4l2.V4L2_CAP_VIDEO_M2M_MPLANE,
    "decoder",
  );
  const [{ sequence: { codec, width, height, controls } }] = units;
  device.setFormat(OUTPUT, { width, height, pixelformat: STATELESS[codec] }, "at least");
  setCompoundControls(device, controls);
  device.setFormat(CAPTURE, { width, height, pixelformat: v4l2.V4L2_PIX_FMT_NV12 }, "at least");
  using output = new MplaneMmapQueue(device, OUTPUT, 1, 1);
  using capture = new MplaneMmapQueue(device, CAPTURE, 1, 1);
  output.streamOn();
  capture.streamOn();
  const poller = new Poller(device, POLLIN);
  return units.map((unit, number) => {
    const sent = client(unit.data, BigInt(number + 1) * 1000n);
    if (number === wrong) sent.misname();
    setCompoundControls(device, sent.controls);
    capture.enqueue(0);
    const [buffer] = output.buffers;
    buffer.timestamp_sec = 0;
    buffer.timestamp_usec = number + 1;
    output.mappings[0][0].bytes.set(sent.data);
    output.enqueue(0, sent.data.length);
    expect(poller.wait(WAIT_MS) !== 0, `no frame within ${WAIT_MS} ms`);
    expectEqual("buffer", capture.dequeue(), 0);
    output.reclaim();
    const damaged = (capture.dequeued.flags & v4l2.V4L2_BUF_FLAG_ERROR) !== 0;
    const { bytesused } = capture.dequeuedPlanes[0];
    expect(damaged || bytesused > 0, `frame ${number} has no picture`);
    return damaged ? undefined : Buffer.from(capture.mappings[0][0].bytes.slice());
  });
}

export async function decoderReferenceChecks(suite: Suite, { fixtures }: Context): Promise<void> {
  const streams = [
    ["stateful/vp8-322x182.ivf", vp8],
    ["stateful/vp8-hidden.ivf", vp8],
    ["vp9-320x240.ivf", vp9],
    ["vp9-322x182.ivf", vp9],
    ["stateful/mpeg2-322x182.m2v", mpeg2],
    ["stateful/mpeg2-interlaced.m2v", mpeg2],
    ["h264-baseline.h264", h264],
  ] as const;
  for (const [path, client] of streams) {
    const name = path.replace(/.*\//, "");
    const file = `${fixtures}/streams/${path}`;
    const whole = [...readStream(Deno.readFileSync(file))];
    const units = client === vp9 ? singleFrames(whole) : whole;
    await suite.check(`decoder: ${name} by a client that names references`, () => {
      const got = decode(units, client());
      const shown = got.filter((_, number) => units[number].displayIndex >= 0);
      const whole = pictures(file, "nv12");
      for (const [number, picture] of shown.entries()) {
        const { stream, index } = whole.next().value!;
        const same = picture?.equals(stream.capture.mappings[index][0].bytes) ?? false;
        expect(same, `picture ${number} is another one than of the whole stream`);
      }
      expect(whole.next().done === true, "fewer pictures than of the whole stream");
      return `${got.length} frames, ${shown.length} shown: as the whole stream's`;
    });
    await suite.check(`decoder: ${name} with a reference that is not there`, () => {
      const right = decode(units, client());
      const wrong = 4;
      const got = decode(units, client(), wrong);
      expect(got[wrong] === undefined, `frame ${wrong} has no error flag`);
      let none = 0;
      for (const [number, picture] of got.entries()) {
        if (picture === undefined) none++;
        else expect(picture.equals(right[number]!), `frame ${number} is another one`);
      }
      expect(none < got.length, "each frame has the error flag");
      return `${none} of ${got.length} frames have the error flag, the others are right`;
    });
  }
}
