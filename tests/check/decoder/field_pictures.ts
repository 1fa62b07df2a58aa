/**
 * H.264 and MPEG-2 whose fields come one by one, each in a request of its own: of both one picture, in the buffer
 * that is held for the second one.
 *
 * @module
 */
import type { Control } from "../../../lib/codec/stream.ts";
import { concatenate } from "../../../lib/files/files.ts";
import { Poller, POLLIN } from "../../../lib/sys/poll.ts";
import * as h264 from "../../../lib/uapi/v4l2_controls_h264.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { setCompoundControls } from "../../../lib/v4l2/compound_controls.ts";
import { decoderCommand } from "../../../lib/v4l2/decoder/command.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import { MediaDevice } from "../../../lib/v4l2/media.ts";
import { MplaneMmapQueue } from "../../../lib/v4l2/queue/mplane_queue.ts";
import { findStatelessDecoder } from "../../../lib/vpipe/decoder.ts";
import type { Context } from "../../harness/context.ts";
import { FIELDS_HEIGHT, FIELDS_WIDTH } from "../../harness/field_samples.ts";
import { fieldControls, fieldTime } from "../../harness/h264_field_client.ts";
import {
  codeFields,
  FIELD_STREAMS,
  fieldFile,
  type FieldStream,
} from "../../harness/h264_field_streams.ts";
import type { FieldEncoder, FieldPicture } from "../../harness/h264_fields.ts";
import {
  codeMpeg2Fields,
  hasLumaOf,
  MPEG2_FIELD_STREAMS,
  MPEG2_HEIGHT,
  MPEG2_WIDTH,
  type Mpeg2FieldStream,
} from "../../harness/mpeg2_fields.ts";
import { run } from "../../harness/processes.ts";
import { expect, expectEqual, Skip, type Suite } from "../../harness/suite.ts";
import { WAIT_MS } from "./client.ts";

const OUTPUT = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
const CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;

type Bytes = Uint8Array<ArrayBuffer>;

/** A slice, as it is sent. */
interface Sent {
  readonly bytes: Bytes;
  readonly controls: readonly Control[];
  readonly frame: number;
  /** The client thinks that more of its frame follows. */
  readonly held: boolean;
}

/** How all of it is sent. */
interface Setup {
  readonly pixelformat: number;
  readonly width: number;
  readonly height: number;
  /** What is set before CAPTURE's format. */
  readonly sequence: readonly Control[];
}

const h264Setup = ({ sps }: FieldEncoder): Setup => ({
  pixelformat: v4l2.V4L2_PIX_FMT_H264_SLICE,
  width: FIELDS_WIDTH,
  height: FIELDS_HEIGHT,
  sequence: [{ id: h264.V4L2_CID_STATELESS_H264_SPS, payload: sps.bytes }],
});

/** What came back for a frame. */
interface Answer {
  readonly frame: number;
  readonly damaged: boolean;
  readonly picture: Bytes;
}

/** Of a field that begins a frame nobody knows whether the other one comes, before it is there. */
function slicesOf(encoder: FieldEncoder, coded: readonly FieldPicture[]): Sent[] {
  return coded.flatMap((picture, at) => {
    const { frame, parity, slices } = picture;
    const begins = coded[at - 1]?.frame !== frame;
    const controls = fieldControls(encoder, picture);
    return slices.map((bytes, slice) => ({
      bytes,
      controls,
      frame,
      held: slice + 1 < slices.length || begins && parity !== undefined,
    }));
  });
}

/** Sends all, each slice by a request, and takes all pictures. */
function decode(setup: Setup, sent: readonly Sent[]): Answer[] {
  const path = findStatelessDecoder();
  expect(path !== undefined, "there is no decoder");
  using device = VideoDevice.open(path, v4l2.V4L2_CAP_VIDEO_M2M_MPLANE, "decoder");
  using media = MediaDevice.of(device);
  const { pixelformat, width, height, sequence } = setup;
  device.setFormat(OUTPUT, { width, height, pixelformat }, "at least");
  setCompoundControls(device, sequence);
  device.setFormat(CAPTURE, { width, height, pixelformat: v4l2.V4L2_PIX_FMT_NV12 }, "at least");
  const frames = new Set(sent.map(({ frame }) => frame)).size;
  using output = new MplaneMmapQueue(device, OUTPUT, sent.length, 1);
  using capture = new MplaneMmapQueue(device, CAPTURE, frames, 1);
  using requests = new DisposableStack();
  output.streamOn();
  capture.streamOn();
  for (let index = 0; index < frames; index++) capture.enqueue(index);
  for (const [index, { bytes, controls, frame, held }] of sent.entries()) {
    const request = requests.use(media.allocateRequest());
    setCompoundControls(device, controls, request);
    output.mappings[index][0].bytes.set(bytes);
    output.buffers[index].timestamp_usec = fieldTime(frame) / 1000;
    const flags = held ? v4l2.V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF : 0;
    request.add(output, index, bytes.length, flags);
    request.queue();
  }
  if (sent.at(-1)!.held) decoderCommand(device, v4l2.V4L2_DEC_CMD_FLUSH);
  const poller = new Poller(device, POLLIN);
  const answers = Array.from({ length: frames }, () => {
    let index = capture.dequeue();
    for (; index < 0; index = capture.dequeue()) {
      expect(poller.wait(WAIT_MS) !== 0, `no picture within ${WAIT_MS} ms`);
    }
    const { timestamp_usec, flags } = capture.dequeued;
    const { bytesused } = capture.dequeuedPlanes[0];
    return {
      frame: timestamp_usec * 1000,
      damaged: (flags & v4l2.V4L2_BUF_FLAG_ERROR) !== 0,
      picture: capture.mappings[index][0].bytes.slice(0, bytesused),
    };
  });
  for (const _ of sent) output.reclaim();
  expect(capture.dequeue() < 0, "more pictures than frames");
  return answers;
}

const same = (a: Bytes, b: Bytes) =>
  a.length === b.length && a.every((sample, at) => sample === b[at]);

function expectPictures(name: FieldStream): string {
  const { encoder, coded, pictures } = codeFields(name);
  const answers = decode(h264Setup(encoder), slicesOf(encoder, coded));
  for (const [frame, answer] of answers.entries()) {
    expectEqual("time of the picture", answer.frame, fieldTime(frame));
    expect(!answer.damaged, `frame ${frame} has the error flag`);
    expect(same(answer.picture, pictures[frame]), `frame ${frame} has other samples`);
  }
  return `${coded.length} pictures in ${answers.length} buffers, each sample as it was coded`;
}

/** What FFmpeg's command decodes the whole stream to: it shows no frame that lacks a field. */
async function expectAsFfmpeg(name: FieldStream, { scratch }: Context): Promise<string> {
  const stream = codeFields(name);
  const { encoder, coded } = stream;
  const [file, raw] = [`${scratch}/fields.h264`, `${scratch}/fields.raw`];
  Deno.writeFileSync(file, fieldFile(stream));
  const as = ["-fps_mode", "passthrough", "-pix_fmt", "nv12", "-f", "rawvideo", raw];
  try {
    const { status, stderr } = await run("ffmpeg", ["-v", "error", "-y", "-i", file, ...as]);
    expectEqual(`status of ffmpeg (${stderr.trim()})`, status, 0);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new Skip("there is no ffmpeg");
    throw error;
  }
  const whole = Deno.readFileSync(raw);
  const complete = coded.filter(({ frame, parity }, at) =>
    parity === undefined || coded[at - 1]?.frame === frame
  );
  const shown = new Set(complete.map(({ frame }) => frame));
  const got = decode(h264Setup(encoder), slicesOf(encoder, coded));
  const frames = got.filter((_, frame) => shown.has(frame)).map(({ picture }) => picture);
  expect(same(concatenate(frames), whole), "other samples than of the whole stream");
  return `${frames.length} frames: all ${whole.length} bytes as ffmpeg's`;
}

/** The client takes a frame for whole whose second field was lost. */
function expectFlags(): string {
  const { encoder, coded, pictures } = codeFields("a second field that is not there");
  const lost = 1;
  const fields = h264.V4L2_H264_FRAME_REF;
  const named = coded.map((picture) => ({
    ...picture,
    references: picture.references.map((one) => one.frame === lost ? { ...one, fields } : one),
  }));
  const answers = decode(h264Setup(encoder), slicesOf(encoder, named));
  for (const [frame, { damaged, picture }] of answers.entries()) {
    expect(same(picture, pictures[frame]), `frame ${frame} has other samples`);
    expectEqual(`error flag of frame ${frame}`, damaged, frame === lost + 1);
  }
  return "the frame whose fields may refer to it has the error flag, and its samples";
}

function expectMpeg2(name: Mpeg2FieldStream): string {
  const frames = codeMpeg2Fields(name);
  const [[{ controls: sequence }]] = frames;
  const setup = {
    pixelformat: v4l2.V4L2_PIX_FMT_MPEG2_SLICE,
    width: MPEG2_WIDTH,
    height: MPEG2_HEIGHT,
    sequence,
  };
  const sent = frames.flatMap((fields, frame) =>
    fields.map(({ slices: bytes, controls }, field) => ({
      bytes,
      controls,
      frame,
      held: field === 0,
    }))
  );
  const answers = decode(setup, sent);
  for (const [frame, { damaged, picture }] of answers.entries()) {
    const fields = frames[frame];
    expectEqual(`error flag of frame ${frame}`, damaged, fields.length === 1);
    if (damaged) expectEqual(`bytes of frame ${frame}`, picture.length, 0);
    else expect(hasLumaOf(fields, picture, 192), `frame ${frame} has other lines`);
  }
  return `${sent.length} fields in ${answers.length} buffers`;
}

export async function decoderFieldChecks(suite: Suite, context: Context): Promise<void> {
  for (const name of Object.keys(FIELD_STREAMS) as FieldStream[]) {
    await suite.check(`decoder: fields by requests, ${name}`, () => expectPictures(name));
    await suite.check(
      `decoder: fields as ffmpeg decodes the stream, ${name}`,
      () => expectAsFfmpeg(name, context),
    );
  }
  await suite.check("decoder: a reference to a field that was lost", expectFlags);
  for (const name of Object.keys(MPEG2_FIELD_STREAMS) as Mpeg2FieldStream[]) {
    await suite.check(`decoder: fields of MPEG-2 by requests, ${name}`, () => expectMpeg2(name));
  }
}
