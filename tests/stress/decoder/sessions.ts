/**
 * What the bridge says to a daemon that errs, call by call, with a client beside it.
 *
 * @module
 */
import { constants } from "node:os";
import { EAGAIN, EBUSY, EINVAL, ENOENT, ENOTTY } from "../../../lib/sys/errno.ts";
import { ENOTCONN, EOPNOTSUPP, SysError } from "../../../lib/sys/errno.ts";
import { tryIoctl } from "../../../lib/sys/ioctl.ts";
import { libc } from "../../../lib/sys/libc.ts";
import { POLLHUP, POLLIN } from "../../../lib/sys/poll.ts";
import { V4L2_PIX_FMT_H264_SLICE, VIDIOC_QUERYCAP } from "../../../lib/uapi/videodev2.ts";
import * as uapi from "../../../lib/uapi/vpipe_dec.ts";
import { expect, expectEqual } from "../../harness/suite.ts";
import { expectIdle, TIMEOUT_MS } from "./decoder.ts";
import { ALL_CODECS, Bridge, type StreamFile } from "./bridge.ts";
import { CAPTURE, DecoderClient, OUTPUT } from "./client.ts";
import { BYTESUSED, expectReserved } from "./reserved.ts";
import { orErrno, raw } from "../engine/libc.ts";
import { Counter } from "../engine/counter.ts";
import { statefulOrphan, statefulSessions } from "./stateful_sessions.ts";
import { delay, until } from "../../harness/waiting.ts";
import { decoder, SESSION } from "../../harness/nodes.ts";

const { E2BIG, EFAULT, EMSGSIZE, EPIPE, ESTALE } = constants.errno;

const MANY = 0xffff_ffff;
const SHORT_TIMEOUT_MS = 300;

const WRONG_VERSIONS = [0, uapi.VPIPE_DEC_VERSION - 1, uapi.VPIPE_DEC_VERSION + 1, 0xffff];

function openErrno(): number {
  try {
    using _bridge = new Bridge();
    return 0;
  } catch (error) {
    if (error instanceof SysError) return error.code;
    throw error;
  }
}

/** Without a daemon nobody streams. */
function alone(counter: Counter, node: string): void {
  using client = new DecoderClient(node);
  counter.refused("STREAMON of OUTPUT without a daemon", client.tryStart(OUTPUT), ENOTCONN);
  counter.refused("STREAMON of CAPTURE without a daemon", client.tryStart(CAPTURE), ENOTCONN);
}

/** A HELLO of a daemon that has more to say than this kernel knows, or says what is reserved. */
function longer(counter: Counter, bridge: Bridge): void {
  const { size } = uapi.vpipe_dec_hello;
  const message = (length: number, at: number) => {
    const bytes = new Uint8Array(length);
    bytes.set(
      uapi.vpipe_dec_hello.alloc({
        version: uapi.VPIPE_DEC_VERSION,
        type: uapi.VPIPE_DEC_MSG_HELLO,
        size: length,
        codecs: 7,
        streams: 1,
      }).bytes,
    );
    bytes[at] = 1;
    return bytes;
  };
  for (const at of [12, 36, 39]) {
    counter.refused(`HELLO with byte ${at} set`, bridge.write(message(size, at)), EINVAL);
  }
  for (const at of [size, size + 7]) {
    counter.refused(`longer HELLO with byte ${at} set`, bridge.write(message(size + 8, at)), E2BIG);
  }
}

/** Nor before the daemon has said HELLO. */
function greeting(counter: Counter, bridge: Bridge, node: string): void {
  using client = new DecoderClient(node);
  counter.same("errno of a second open", openErrno(), EBUSY);
  counter.refused("STREAMON before HELLO", client.tryStart(OUTPUT), ENOTCONN);

  counter.refused("read of nothing", bridge.read(), EAGAIN);
  counter.refused("IOC_STREAM before HELLO", bridge.open(1), ENOENT);
  counter.refused("HELLO without codecs", bridge.hello(0), EINVAL);
  counter.refused("HELLO with unknown codecs only", bridge.hello(~ALL_CODECS >>> 0), EINVAL);
  for (const version of WRONG_VERSIONS) {
    counter.refused(`HELLO of version ${version}`, bridge.hello(7, { version }), EINVAL);
  }
  for (const size of [0, 24, 31, 33, 16384, MANY]) {
    counter.refused(`HELLO that says ${size} bytes`, bridge.hello(7, { size }), EINVAL);
  }
  counter.refused("a PONG as a HELLO", bridge.hello(7, { type: 65 }), E2BIG);
  for (const type of [0, 1, 2, 16, 17, 18, 19, 20, 21, 80, 81, 82, 83, 0xffff]) {
    counter.refused(`type ${type} as a HELLO`, bridge.hello(7, { type }), EINVAL);
  }
  counter.refused("HELLO of a stream", bridge.hello(7, { stream: 1 }), EINVAL);
  counter.refused("HELLO with a cookie", bridge.hello(7, { cookie: 1n }), EINVAL);
  for (const size of [1, 23, 25, 31, 33, 40, 47, 256]) {
    counter.refused(`write of ${size} bytes`, bridge.write(new Uint8Array(size)), EINVAL);
  }
  for (const size of [257, 16384, 20000]) {
    counter.refused(`write of ${size} bytes`, bridge.write(new Uint8Array(size)), E2BIG);
  }
  counter.refused("HELLO for no stream", bridge.hello(7, { streams: 0 }), EINVAL);
  counter.refused("HELLO with an unknown feature", bridge.hello(7, { features: 1 }), EOPNOTSUPP);
  longer(counter, bridge);
  const nowhere = orErrno(raw.write(bridge.file.fd, 1n, 32n));
  counter.refused("write from nowhere", nowhere, EFAULT);
  counter.refused("STREAMON before a valid HELLO", client.tryStart(OUTPUT), ENOTCONN);

  counter.same(
    "HELLO",
    bridge.hello(uapi.VPIPE_DEC_CODEC_VP9 | 0x8000_0000),
    uapi.vpipe_dec_hello.size,
  );
  counter.refused("HELLO twice", bridge.hello(), EINVAL);
  const pong = uapi.vpipe_dec_header.alloc({
    version: uapi.VPIPE_DEC_VERSION,
    type: uapi.VPIPE_DEC_MSG_PONG,
    size: 24,
  });
  for (const cookie of [0n, 1n << 40n, (1n << 64n) - 1n]) {
    pong.cookie = cookie;
    counter.refused(`PONG ${cookie} unasked`, bridge.write(pong.bytes), EINVAL);
  }
  using other = new DecoderClient(node, { pixelformat: V4L2_PIX_FMT_H264_SLICE });
  counter.refused("STREAMON without the codec", other.tryStart(OUTPUT), EOPNOTSUPP);
}

/** The file of a client's stream. */
function opening(counter: Counter, bridge: Bridge, client: DecoderClient): StreamFile {
  counter.same("poll before a stream", bridge.poll() & POLLIN, 0);
  client.start();
  counter.same("poll with a stream", bridge.poll() & POLLIN, POLLIN);
  counter.refused("read into 31 bytes", bridge.read(31), EMSGSIZE);
  counter.refused("read to nowhere", orErrno(raw.read(bridge.file.fd, 1n, 32n)), EFAULT);
  const id = bridge.announced();
  expect(id > 0, "no stream was announced");
  counter.refused("read of nothing more", bridge.read(), EAGAIN);
  for (const wrong of [0, id - 1, id + 1, MANY]) {
    counter.refused(`IOC_STREAM of ${wrong}`, bridge.open(wrong), ENOENT);
  }
  const nowhere = orErrno(raw.ioctl(bridge.file.fd, uapi.VPIPE_DEC_IOC_STREAM.request, 1n));
  counter.refused("IOC_STREAM from nowhere", nowhere, EFAULT);
  const stream = bridge.stream(id);
  counter.refused("IOC_STREAM twice", bridge.open(id), EBUSY);
  for (const [name, { fd }] of Object.entries({ session: bridge.file, stream: stream.file })) {
    for (const { request } of [uapi.VPIPE_DEC_IOC_BUFFER, VIDIOC_QUERYCAP]) {
      if (name === "stream" && request === uapi.VPIPE_DEC_IOC_BUFFER.request) continue;
      const result = tryIoctl(fd, request, new Uint8Array(256));
      counter.refused(`another ioctl on the ${name}`, result, ENOTTY);
    }
  }
  return stream;
}

function badAnswers(counter: Counter, stream: StreamFile, client: DecoderClient): void {
  stream.read();
  counter.same("type of the first message", stream.header.type, uapi.VPIPE_DEC_MSG_START);
  client.send(0, [1]);
  client.send(1, [2]);
  counter.refused("DONE before the frame was read", stream.done(1n), EINVAL);
  counter.refused("read into 47 bytes", stream.read(47), EMSGSIZE);
  stream.read();
  const first = stream.header.cookie;
  stream.read();
  const second = stream.header.cookie;
  counter.refused("DONE out of order", stream.done(second), EINVAL);
  for (const cookie of [0n, second + 1n, 1n << 32n, (1n << 64n) - 1n]) {
    counter.refused(`DONE of ${cookie}`, stream.done(cookie), EINVAL);
  }
  for (const bytesused0 of [64 * 48 * 3 / 2 + 1, 0x7fff_ffff, MANY]) {
    counter.refused(`DONE with ${bytesused0} bytes`, stream.done(first, { bytesused0 }), EINVAL);
  }
  // NV12 is one plane.
  expectReserved(counter, stream, "DONE", first, { unused: BYTESUSED.slice(1) });
  for (const status of [5, 255, MANY]) {
    counter.refused(`DONE of status ${status}`, stream.done(first, { status }), EINVAL);
  }
  const wrong = {
    version: WRONG_VERSIONS,
    type: [0, 16, 17, 18, 64, 65, 81, 82, 83, 0xffff],
    size: [0, 24, 39, 41, MANY],
    stream: [0, stream.id - 1, stream.id + 1, MANY],
  };
  for (const [field, values] of Object.entries(wrong)) {
    for (const value of values) {
      counter.refused(`DONE of ${field} ${value}`, stream.done(first, { [field]: value }), EINVAL);
    }
  }
  const size = { width: 64, height: 48 };
  counter.refused("FORMAT on a stateless stream", stream.format(first, size), EINVAL);
  counter.refused("PICTURE on a stateless stream", stream.picture(first, { source: 1n }), EINVAL);
  counter.refused("DRAINED on a stateless stream", stream.drained(first), EINVAL);
  for (const size of [1, 24, 39, 41]) {
    counter.refused(`write of ${size} bytes`, stream.write(new Uint8Array(size)), EINVAL);
  }
  for (const size of [257, 16384]) {
    counter.refused(`write of ${size} bytes`, stream.write(new Uint8Array(size)), E2BIG);
  }
  for (const [queue, index] of [[0, 2], [0, 4], [1, 2], [1, 31]]) {
    const { result } = stream.buffer(queue, index);
    counter.refused(`IOC_BUFFER ${queue}.${index} of the client's`, result, ESTALE);
  }
  for (const [queue, index, plane] of [[2, 0, 0], [MANY, 0, 0]]) {
    const { result } = stream.buffer(queue, index, plane);
    counter.refused(`IOC_BUFFER ${queue}.${index}.${plane}`, result, EINVAL);
  }
  for (const [queue, index, plane] of [[0, 32, 0], [1, MANY, 0], [0, 0, 1], [1, 0, MANY]]) {
    const { result } = stream.buffer(queue, index, plane);
    counter.refused(`IOC_BUFFER ${queue}.${index}.${plane}`, result, EINVAL);
  }
  const { fd } = stream.file;
  const nowhere = orErrno(raw.ioctl(fd, uapi.VPIPE_DEC_IOC_BUFFER.request, 1n));
  counter.refused("IOC_BUFFER from nowhere", nowhere, EFAULT);

  counter.same("DONE", stream.done(first, { bytesused0: 7 }), 48);
  counter.refused("DONE of it again", stream.done(first), ESTALE);
  counter.same("DONE of the second, as corrupt", stream.done(second, { status: 1 }), 48);
  const { output, capture, errors } = client.drain();
  counter.same("OUTPUT buffers back", output, 2);
  counter.same("CAPTURE buffers back", capture, 2);
  counter.same("error flags", errors, 1);
}

/** What is taken back is stale; a file that is over says so in every call. */
function endings(counter: Counter, bridge: Bridge, stream: StreamFile, client: DecoderClient) {
  client.send(0, [1]);
  stream.read();
  const { cookie } = stream.header;
  client.stop(OUTPUT);
  counter.refused("DONE of what was taken back", stream.done(cookie), ESTALE);
  client.close();
  // STREAMOFF, REQBUFS(0) and close in one.
  counter.same("poll of a stream that is over", stream.poll() & (POLLIN | POLLHUP), 17);
  counter.same("read of a stream that is over", stream.read(), 0);
  counter.refused("DONE on a stream that is over", stream.done(cookie), EPIPE);
  counter.refused("IOC_BUFFER of a stream that is over", stream.buffer(0, 0).result, EPIPE);
  counter.refused("IOC_STREAM of a stream that is over", bridge.open(stream.id), EBUSY);
  const { id } = stream;
  stream.close();
  counter.refused("IOC_STREAM of a stream that is gone", bridge.open(id), ENOENT);
}

/** Descriptors of a stream that a daemon closes, and a stream that outlives its session. */
async function abandonment(counter: Counter, bridge: Bridge, node: string): Promise<void> {
  using client = new DecoderClient(node);
  client.start();
  using stream = bridge.stream(bridge.announced());
  client.send(0, [1]);
  stream.close();
  expect(await client.wait(), "the daemon closed the stream's file: its frame does not come back");
  counter.same("error flags when the stream's file is closed", client.drain().errors, 1);
  client.send(0, [1]);
  counter.same("error flags of what comes later", client.drain().errors, 1);

  // The next stream of the same client file.
  client.stop(OUTPUT);
  counter.same("STREAMON after that", client.tryStart(OUTPUT), 0);
  using next = bridge.stream(bridge.announced());
  client.send(1, [1]);
  next.read();
  next.read();
  const { cookie } = next.header;
  bridge.close();
  counter.same("error flags when the session is closed", client.drain().errors, 1);
  counter.refused("DONE after the session", next.done(cookie), EPIPE);
  counter.same("read after the session", next.read(), 0);
  client.stop(OUTPUT);
  counter.refused("STREAMON after the session", client.tryStart(OUTPUT), ENOTCONN);
}

/** A daemon that reads and never answers, or does not even read. */
async function silence(counter: Counter, node: string): Promise<number> {
  decoder.setParameter("timeout_ms", SHORT_TIMEOUT_MS);
  let longest = 0;
  try {
    using bridge = new Bridge();
    bridge.hello();
    for (const reads of [0, 1, 3]) {
      using client = new DecoderClient(node);
      client.start();
      using stream = bridge.stream(bridge.announced());
      const begin = performance.now();
      for (const index of [0, 1, 2]) client.send(index, [index]);
      for (let i = 0; i < reads; i++) stream.read();
      expect(await client.wait(), "frames that are not answered do not come back");
      longest = Math.max(longest, performance.now() - begin);
      let [back, errors] = [0, 0];
      await until("all frames that are not answered are back", () => {
        const drained = client.drain();
        back += drained.capture;
        errors += drained.errors;
        return back >= 3;
      });
      counter.same("error flags after the time-out", errors, 3);
      counter.same("read after the time-out", stream.read(), 0);
      counter.refused("DONE after the time-out", stream.done(1n), EPIPE);
      client.send(0, [1]);
      counter.same("error flags of what comes later", client.drain().errors, 1);
    }
    await extremes(counter, bridge, node);
  } finally {
    decoder.setParameter("timeout_ms", TIMEOUT_MS);
  }
  return longest;
}

/** No time at all, and the longest there is. */
async function extremes(counter: Counter, bridge: Bridge, node: string): Promise<void> {
  for (const [timeout, errors] of [[0, 1], [MANY, 0]]) {
    decoder.setParameter("timeout_ms", timeout);
    using client = new DecoderClient(node);
    client.start();
    using stream = bridge.stream(bridge.announced());
    client.send(0, [1]);
    if (timeout > 0) {
      for (const _message of ["START", "DECODE"]) stream.read();
      await delay(SHORT_TIMEOUT_MS);
      counter.same(`DONE within ${timeout} ms`, stream.done(stream.header.cookie), 48);
    }
    expect(await client.wait(), `a frame with a time-out of ${timeout} ms does not come back`);
    counter.same(`error flags with a time-out of ${timeout} ms`, client.drain().errors, errors);
  }
}

/** A descriptor is the caller's even where the number of it could not be told. */
function expectNoDescriptorLeft(before: number): void {
  const fds = [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => Number(name));
  const stray = fds.filter((fd) => fd > 2 && isOurs(fd));
  for (const fd of stray) libc.close(fd);
  expectEqual(`descriptors of ${SESSION} left, ${before} before`, stray.length, before);
}

function isOurs(fd: number): boolean {
  try {
    return /vpipe-dec|dmabuf/.test(Deno.readLinkSync(`/proc/self/fd/${fd}`));
  } catch {
    return false;
  }
}

export async function decoderSessions(): Promise<string> {
  const counter = new Counter();
  const node = decoder.videoNode();
  {
    alone(counter, node);
    using bridge = new Bridge();
    greeting(counter, bridge, node);
    using client = new DecoderClient(node);
    using stream = opening(counter, bridge, client);
    badAnswers(counter, stream, client);
    endings(counter, bridge, stream, client);
    statefulSessions(counter, bridge);
    await abandonment(counter, bridge, node);
  }
  statefulOrphan(counter);
  const longest = await silence(counter, node);
  await expectIdle(0);
  expectNoDescriptorLeft(0);
  return `${counter.count} results of calls on session, stream and node as vpipe-dec.h says; ` +
    `with a time-out of ${SHORT_TIMEOUT_MS} ms silence ended after ${
      longest.toFixed(0)
    } ms at most`;
}
