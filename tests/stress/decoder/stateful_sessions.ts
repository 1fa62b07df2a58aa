/**
 * What the bridge says to a daemon that errs on a stateful stream, call by call.
 *
 * @module
 */
import { constants } from "node:os";
import { EBUSY, EINVAL, ENOTCONN } from "../../../lib/sys/errno.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import * as uapi from "../../../lib/uapi/vpipe_dec.ts";
import { expect } from "../../harness/suite.ts";
import type { Counter } from "../engine/counter.ts";
import { statefulNode } from "../../harness/nodes.ts";
import { Bridge, type StreamFile } from "./bridge.ts";
import { CAPTURE, DecoderClient, OUTPUT } from "./client.ts";
import { BYTESUSED, expectReserved } from "./reserved.ts";
import { StatefulClient } from "./stateful_client.ts";

const { EIO, EPIPE, ESTALE } = constants.errno;
const { V4L2_DEC_CMD_START, V4L2_DEC_CMD_STOP } = v4l2;
const MANY = 0xffff_ffff;
const SIZE = { width: 64, height: 48 };
const PICTURE_BYTES = 64 * 48 * 3 / 2;

/** How far back a picture may refer. */
const SOURCES = 256;

/** Reads a message that has to be there; its cookie. */
function next(counter: Counter, stream: StreamFile, type: keyof typeof TYPES): bigint {
  expect(stream.read() > 0, `no ${type} to be read`);
  counter.same(`type of ${type}`, stream.header.type, TYPES[type]);
  return stream.header.cookie;
}

const TYPES = {
  START: uapi.VPIPE_DEC_MSG_START,
  CAPTURE: uapi.VPIPE_DEC_MSG_CAPTURE,
  EMPTY: uapi.VPIPE_DEC_MSG_EMPTY,
  DECODE: uapi.VPIPE_DEC_MSG_DECODE,
  DRAIN: uapi.VPIPE_DEC_MSG_DRAIN,
} as const;

/** A stream whose client has set CAPTURE up before anything is known. */
function begin(counter: Counter, bridge: Bridge, client: StatefulClient): StreamFile {
  client.begin(OUTPUT);
  client.frame(0);
  client.lend();
  client.begin(CAPTURE);
  counter.same("DEC_CMD_STOP", client.command(V4L2_DEC_CMD_STOP), 0);
  counter.refused("DEC_CMD_STOP again", client.command(V4L2_DEC_CMD_STOP), EBUSY);
  counter.refused("DEC_CMD_START while it drains", client.command(V4L2_DEC_CMD_START), EBUSY);
  const stream = bridge.stream(bridge.announced());
  next(counter, stream, "START");
  const { flags, pixelformat, num_planes } = uapi.vpipe_dec_start.at(stream.message);
  counter.same("flags of START", flags, uapi.VPIPE_DEC_STATEFUL);
  counter.same("format and planes in START", pixelformat + num_planes, 0);
  return stream;
}

function formats(counter: Counter, stream: StreamFile, frame: bigint): void {
  const wrong = {
    width: [0, 63, 4097, MANY],
    height: [0, 47, 4097, MANY],
    left: [1, 64, MANY],
    top: [1, 48, MANY],
    visible_width: [0, 65, MANY],
    visible_height: [0, 49, MANY],
    depth: [0, 7, 11, MANY],
    colorspace: [13, MANY],
    xfer_func: [8, MANY],
    ycbcr_enc: [9, MANY],
    quantization: [3, MANY],
  };
  const whole = { ...SIZE, visible_width: 64, visible_height: 48 };
  for (const [field, values] of Object.entries(wrong)) {
    for (const value of values) {
      const result = stream.format(frame, { ...whole, [field]: value });
      counter.refused(`FORMAT of ${field} ${value}`, result, EINVAL);
    }
  }
  for (const cookie of [0n, frame + 9n, 1n << 32n, (1n << 64n) - 1n]) {
    counter.refused(`FORMAT of ${cookie}`, stream.format(cookie, SIZE), EINVAL);
  }
  expectReserved(counter, stream, "FORMAT", frame, { values: { ...whole, depth: 8 } });
  counter.same("FORMAT", stream.format(frame, SIZE), 72);
}

function pictures(counter: Counter, stream: StreamFile, source: bigint, unread: bigint): void {
  next(counter, stream, "CAPTURE");
  const { pixelformat, width, height, sizeimage0 } = uapi.vpipe_dec_capture.at(stream.message);
  counter.same("format in CAPTURE", pixelformat, v4l2.V4L2_PIX_FMT_NV12);
  counter.same("size in CAPTURE", width * height, 64 * 48);
  const empty = next(counter, stream, "EMPTY");
  const { index } = uapi.vpipe_dec_empty.at(stream.message);
  const drain = source + 1n;
  const bytesused0 = PICTURE_BYTES;
  for (const cookie of [0n, empty + 9n, (1n << 64n) - 1n, empty + 1n]) {
    const result = stream.picture(cookie, { source, bytesused0 });
    counter.refused(`PICTURE in ${cookie}`, result, EINVAL);
  }
  counter.refused(
    "PICTURE in what is not valid any more",
    stream.picture(unread, { source }),
    ESTALE,
  );
  for (const cookie of [0n, drain, source + 9n, (1n << 64n) - 1n]) {
    counter.refused(`PICTURE of ${cookie}`, stream.picture(empty, { source: cookie }), EINVAL);
  }
  for (const status of [2, 4, MANY]) {
    const result = stream.picture(empty, { source, status });
    counter.refused(`PICTURE of status ${status}`, result, EINVAL);
  }
  for (const bytesused0 of [sizeimage0 + 1, 0x7fff_ffff, MANY]) {
    const result = stream.picture(empty, { source, bytesused0 });
    counter.refused(`PICTURE with ${bytesused0} bytes`, result, EINVAL);
  }
  for (const [size, bytes] of [[47, 48], [48, 47], [49, 48], [0, 48], [48, 56]]) {
    const head = { version: uapi.VPIPE_DEC_VERSION, size, stream: stream.id, cookie: empty };
    const type = uapi.VPIPE_DEC_MSG_PICTURE;
    const message = new Uint8Array(64);
    message.set(uapi.vpipe_dec_picture.alloc({ ...head, type, source, bytesused0 }).bytes);
    const result = stream.write(message.slice(0, bytes));
    counter.refused(`PICTURE of ${bytes} bytes that says ${size}`, result, EINVAL);
  }
  const values = { source, bytesused0 };
  expectReserved(counter, stream, "PICTURE", empty, { values, unused: BYTESUSED.slice(1) });
  using memory = stream.map(uapi.VPIPE_DEC_QUEUE_CAPTURE, index);
  // The frame's bytes are its number and zeroes.
  memory.bytes.fill(1);
  counter.same("PICTURE", stream.picture(empty, { source, bytesused0 }), 48);
  counter.refused("PICTURE again", stream.picture(empty, { source, bytesused0 }), ESTALE);
}

function drains(counter: Counter, stream: StreamFile, frame: bigint, client: StatefulClient): void {
  next(counter, stream, "EMPTY");
  next(counter, stream, "DECODE");
  const { capture_index, bytesused } = stream.frame;
  counter.same("capture_index and bytesused of DECODE", capture_index + bytesused, 3);
  const drain = next(counter, stream, "DRAIN");
  expectReserved(counter, stream, "DONE", frame, { unused: BYTESUSED });
  counter.same("DONE", stream.done(frame), 48);
  counter.refused("DONE of it again", stream.done(frame), ESTALE);
  for (const cookie of [0n, drain + 9n, (1n << 64n) - 1n]) {
    counter.refused(`DRAINED of ${cookie}`, stream.drained(cookie), EINVAL);
  }
  counter.refused("DRAINED of a frame", stream.drained(frame), ESTALE);
  counter.refused("DRAINED of 25 bytes", stream.drained(drain, { size: 25 }), EINVAL);
  expectReserved(counter, stream, "DRAINED", drain);
  counter.same("DRAINED", stream.drained(drain), 24);
  counter.refused("DRAINED again", stream.drained(drain), ESTALE);
  client.take();
  counter.same("pictures", client.pictures, 1);
  counter.same("halted after the drain", Number(client.halted), 1);
  counter.same("DEC_CMD_START", client.command(V4L2_DEC_CMD_START), 0);
}

/** A picture may be of one of the latest frames, however long ago it was used up. */
function ages(counter: Counter, bridge: Bridge): void {
  using client = new DecoderClient(statefulNode(), { pixelformat: v4l2.V4L2_PIX_FMT_VP9 });
  client.start();
  using stream = bridge.stream(bridge.announced());
  const empties: bigint[] = [];
  let first = 0n;
  const decode = () => {
    client.send(0, [0]);
    while (stream.read() > 0) {
      const { type, cookie } = stream.header;
      if (type === uapi.VPIPE_DEC_MSG_EMPTY) empties.push(cookie);
      if (type !== uapi.VPIPE_DEC_MSG_DECODE) continue;
      if (first === 0n) {
        first = cookie;
        empties.length = 0;
        stream.format(cookie, SIZE);
      }
      stream.done(cookie);
    }
    client.output.reclaim();
  };
  for (let frame = 0; frame < SOURCES; frame++) decode();
  const [young, old] = empties;
  counter.same("PICTURE of 255 frames back", stream.picture(young, { source: first }), 48);
  decode();
  counter.refused("PICTURE of 256 frames back", stream.picture(old, { source: first }), EINVAL);
}

/** What was taken back is stale, and so is what came before a start. */
function staleness(counter: Counter, stream: StreamFile, client: StatefulClient): void {
  client.lend();
  const before = client.frame(0);
  let empty = 0n;
  let frame = 0n;
  while (stream.read() > 0) {
    const { type, cookie } = stream.header;
    if (type === uapi.VPIPE_DEC_MSG_EMPTY) empty = cookie;
    if (type === uapi.VPIPE_DEC_MSG_DECODE) frame = cookie;
  }
  expect(before > 0 && empty > 0n && frame > 0n, "no messages after DEC_CMD_START");
  counter.same("DEC_CMD_STOP", client.command(V4L2_DEC_CMD_STOP), 0);
  const drain = next(counter, stream, "DRAIN");
  client.stop(CAPTURE);
  counter.refused("DRAINED of a drain that was given up", stream.drained(drain), ESTALE);
  counter.refused("PICTURE after STREAMOFF", stream.picture(empty, { source: frame }), ESTALE);
  client.stop(OUTPUT);
  counter.refused("DONE after STREAMOFF", stream.done(frame), ESTALE);
  counter.refused("FORMAT after STREAMOFF", stream.format(frame, SIZE), ESTALE);
  client.setUp();
  client.begin(OUTPUT);
  while (stream.read() > 0 && stream.header.type !== uapi.VPIPE_DEC_MSG_EMPTY);
  const { cookie } = stream.header;
  counter.refused("PICTURE of what was before", stream.picture(cookie, { source: frame }), ESTALE);
  counter.refused("FORMAT of what was before", stream.format(frame, SIZE), ESTALE);
  client.close();
  counter.same("read of a stream that is over", stream.read(), 0);
  for (
    const [name, result] of Object.entries({
      DONE: stream.done(frame),
      FORMAT: stream.format(frame, SIZE),
      PICTURE: stream.picture(cookie, { source: frame }),
      DRAINED: stream.drained(drain),
    })
  ) counter.refused(`${name} on a stream that is over`, result, EPIPE);
}

/** @param bridge after its HELLO; nothing is left of the streams */
export function statefulSessions(counter: Counter, bridge: Bridge): void {
  using client = new StatefulClient(statefulNode(), 2);
  using stream = begin(counter, bridge, client);
  // CAPTURE, EMPTY, EMPTY and DECODE are there too; what FORMAT makes invalid need not be read.
  next(counter, stream, "CAPTURE");
  const unread = next(counter, stream, "EMPTY");
  const frame = 1n;
  formats(counter, stream, frame);
  pictures(counter, stream, frame, unread);
  drains(counter, stream, frame, client);
  staleness(counter, stream, client);
  ages(counter, bridge);
}

/** A client whose daemon has gone, and that starts one queue anew: the other one still streams. */
export function statefulOrphan(counter: Counter): void {
  using client = new StatefulClient(statefulNode(), 2);
  {
    using bridge = new Bridge();
    bridge.hello();
    client.lend();
    client.begin(CAPTURE);
    client.begin(OUTPUT);
    client.frame(0);
  }
  client.stop(CAPTURE);
  counter.refused(
    "STREAMON of CAPTURE beside an OUTPUT that failed",
    client.tryStart(CAPTURE),
    EIO,
  );
  for (const command of [V4L2_DEC_CMD_STOP, V4L2_DEC_CMD_START]) {
    counter.refused("DEC_CMD without a daemon", client.command(command), EIO);
  }
  client.stop(OUTPUT);
  counter.refused("STREAMON of CAPTURE without a daemon", client.tryStart(CAPTURE), ENOTCONN);
}
