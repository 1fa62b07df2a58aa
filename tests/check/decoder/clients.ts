/**
 * What one client of the decoder cannot do to others, nor to itself.
 *
 * @module
 */
import {
  V4L2_CID_STATELESS_H264_DECODE_MODE,
  V4L2_CID_STATELESS_H264_SPS,
  v4l2_ctrl_h264_sps,
} from "../../../lib/uapi/v4l2_controls_h264.ts";
import { readStream } from "../../../lib/codec/stream.ts";
import { allocateFromHeap } from "../../../lib/dmabuf/dma_heap.ts";
import { isUdmabuf } from "../../../lib/dmabuf/udmabuf.ts";
import { EACCES, EBUSY, EINVAL } from "../../../lib/sys/errno.ts";
import { O_RDONLY, O_RDWR, O_WRONLY } from "../../../lib/sys/file.ts";
import { tryIoctl } from "../../../lib/sys/ioctl.ts";
import { addressOf } from "../../../lib/sys/libc.ts";
import { Mapping } from "../../../lib/sys/mmap.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import {
  V4L2_CID_STATELESS_VP8_FRAME,
  v4l2_ctrl_vp8_frame,
} from "../../../lib/uapi/v4l2_controls_vp8.ts";
import { setCompoundControls } from "../../../lib/v4l2/compound_controls.ts";
import { MediaDevice } from "../../../lib/v4l2/media.ts";
import { MEDIA_REQUEST_IOC_QUEUE } from "../../../lib/uapi/media.ts";
import { MplaneDmabufQueue, MplaneMmapQueue } from "../../../lib/v4l2/queue/mplane_queue.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { findStatelessDecoder } from "../../../lib/vpipe/decoder.ts";
import { StatelessDecoder } from "../../../lib/v4l2/decoder/stateless_stream.ts";
import { VPIPE_DEC_CODEC_VP9 } from "../../../lib/uapi/vpipe_dec.ts";
import { type Context, heap } from "../../harness/context.ts";
import { errnoOf } from "../../harness/expectations.ts";
import { Module } from "../../harness/modules.ts";
import { dmabufFor } from "../../harness/one_way.ts";
import { fakeSession } from "./service.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";

const OUTPUT = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
const CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;

const MAX_BITSTREAM = 64 * 1024 * 1024;

// None of these calls has anything to wait for.
const AT_ONCE_MS = 20_000;

const threaded = Deno.dlopen("libc.so.6", {
  ioctl: { parameters: ["i32", "u32", "usize"], result: "i32", nonblocking: true },
}).symbols;

const word = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);

function openDecoder(): VideoDevice {
  const path = findStatelessDecoder();
  expect(path !== undefined, "there is no decoder");
  return VideoDevice.open(path, v4l2.V4L2_CAP_VIDEO_M2M_MPLANE, "decoder");
}

/** A client that says that it is more important than the others. */
function priorityCheck(context: Context): string {
  const file = `${context.fixtures}/streams/vp9-320x240.ivf`;
  const [{ sequence }] = readStream(Deno.readFileSync(file), "vp9");
  const path = findStatelessDecoder();
  expect(path !== undefined, "there is no decoder");
  using _session = fakeSession(VPIPE_DEC_CODEC_VP9, 2);
  using first = openDecoder();
  using second = openDecoder();
  const priority = (device: VideoDevice) => {
    const argument = word(0);
    expectEqual(
      "VIDIOC_G_PRIORITY",
      tryIoctl(device.fd, v4l2.VIDIOC_G_PRIORITY.request, argument),
      0,
    );
    return new Uint32Array(argument.buffer)[0];
  };
  const set = (device: VideoDevice, value: number) =>
    tryIoctl(device.fd, v4l2.VIDIOC_S_PRIORITY.request, word(value));
  expectEqual("the priority at first", priority(first), v4l2.V4L2_PRIORITY_INTERACTIVE);
  expectEqual("VIDIOC_S_PRIORITY", set(first, v4l2.V4L2_PRIORITY_RECORD), 0);
  expectEqual("the priority that another sees", priority(second), v4l2.V4L2_PRIORITY_RECORD);
  expectEqual("another's VIDIOC_S_PRIORITY", -set(second, v4l2.V4L2_PRIORITY_INTERACTIVE), EBUSY);
  expectEqual("one that there is not", -set(first, v4l2.V4L2_PRIORITY_RECORD + 1), EINVAL);
  {
    using decoder = new StatelessDecoder(path);
    using _stream = decoder.start(sequence, { buffers: 1, largest: 1, format: undefined });
  }
  first.close();
  expectEqual("the priority afterwards", priority(second), v4l2.V4L2_PRIORITY_INTERACTIVE);
  return "with V4L2_PRIORITY_RECORD it keeps nobody from streaming";
}

/** More than one frame with the parameters of one. */
function requestCheck(): string {
  using _session = fakeSession(VPIPE_DEC_CODEC_VP9, 2);
  using device = openDecoder();
  using other = openDecoder();
  const make = (device: VideoDevice) => {
    const pixelformat = v4l2.V4L2_PIX_FMT_VP9_FRAME;
    device.setFormat(OUTPUT, { pixelformat, width: 64, height: 48 }, "at least");
    const capture = new MplaneMmapQueue(device, CAPTURE, 2, 1);
    const output = new MplaneMmapQueue(device, OUTPUT, 2, 1);
    for (const { index } of capture.buffers) capture.enqueue(index);
    for (const queue of [output, capture]) queue.streamOn();
    return { output, capture };
  };
  using stack = new DisposableStack();
  const [one, two] = [device, other].map((device) => {
    const queues = make(device);
    stack.defer(() => queues.output.close());
    stack.defer(() => queues.capture.close());
    return queues;
  });
  using media = MediaDevice.of(device);
  const cases = [
    ["two buffers of one file", [[one.output, 0], [one.output, 1]]],
    ["buffers of two files", [[one.output, 0], [two.output, 0]]],
  ] as const;
  for (const [what, buffers] of cases) {
    {
      using request = media.allocateRequest();
      for (const [queue, index] of buffers) request.add(queue, index, 1);
      const nothing = new Uint8Array(0);
      const result = tryIoctl(request.fd, MEDIA_REQUEST_IOC_QUEUE.request, nothing);
      expectEqual(`errno of ${what}`, -result, EINVAL);
      request.reinit();
    }
    for (const [queue, index] of buffers) {
      using request = media.allocateRequest();
      request.add(queue, index, 1);
      request.reinit();
    }
  }
  {
    // The core would count what is left of it wrong when the other file goes first.
    using request = media.allocateRequest();
    const payload = v4l2_ctrl_vp8_frame.alloc({ width: 64, height: 48, num_dct_parts: 1 }).bytes;
    setCompoundControls(other, [{ id: V4L2_CID_STATELESS_VP8_FRAME, payload }], request);
    request.add(one.output, 0, 1);
    expectEqual("errno of another file's controls", errnoOf(() => request.queue()), EINVAL);
    request.reinit();
  }
  return "two buffers in one request, of one file or of two, and another file's controls: EINVAL, " +
    "and they are free again";
}

/** Has udmabuf make larger dma-bufs than unless it is told. */
function withoutLimit(path: string): Disposable {
  if (!isUdmabuf(path)) return { [Symbol.dispose]() {} };
  return new Module("udmabuf").withParameter("size_limit_mb", 128);
}

/** Bitstream that would fill the daemon's memory. */
function largeCheck(): string {
  const path = heap();
  using _limit = withoutLimit(path);
  using device = openDecoder();
  const pixelformat = v4l2.V4L2_PIX_FMT_VP9_FRAME;
  device.setFormat(OUTPUT, { pixelformat, width: 64, height: 48 }, "at least");
  using dmabuf = allocateFromHeap(path, MAX_BITSTREAM + 4096);
  using queue = new MplaneDmabufQueue(device, OUTPUT, [[dmabuf]]);
  const code = errnoOf(() => queue.enqueue(0, MAX_BITSTREAM + 1));
  expectEqual(`errno of ${MAX_BITSTREAM + 1} bytes`, code, EINVAL);
  queue.enqueue(0, MAX_BITSTREAM);
  return `${MAX_BITSTREAM} bytes are taken, one more is refused`;
}

/** Dma-bufs that the daemon could not map as it has to: the client hears it where it gives them. */
function oneWayCheck(): string {
  const [width, height] = [64, 48];
  const { V4L2_PIX_FMT_NV12: NV12, V4L2_PIX_FMT_NV12M: NV12M } = v4l2;
  const { V4L2_PIX_FMT_YUV420: YU12, V4L2_PIX_FMT_YUV420M: YM12 } = v4l2;
  const cases = [
    [OUTPUT, 0, [O_RDONLY], 0],
    [OUTPUT, 0, [O_WRONLY], EACCES],
    [CAPTURE, NV12, [O_RDWR], 0],
    [CAPTURE, NV12, [O_RDONLY], EACCES],
    [CAPTURE, NV12, [O_WRONLY], EACCES],
    [CAPTURE, NV12M, [O_RDWR, O_RDWR], 0],
    [CAPTURE, NV12M, [O_RDWR, O_RDONLY], EACCES],
    [CAPTURE, YU12, [O_RDWR], 0],
    [CAPTURE, YM12, [O_RDWR, O_RDWR, O_RDWR], 0],
    [CAPTURE, YM12, [O_RDWR, O_RDWR, O_RDONLY], EACCES],
  ] as const;
  for (const [type, picture, accesses, right] of cases) {
    using device = openDecoder();
    const pixelformat = v4l2.V4L2_PIX_FMT_VP9_FRAME;
    device.setFormat(OUTPUT, { pixelformat, width, height }, "at least");
    if (picture) device.setFormat(CAPTURE, { pixelformat: picture, width, height }, "at least");
    using stack = new DisposableStack();
    const planes = accesses.map((access) => stack.use(dmabufFor(access, 1 << 16)));
    using queue = new MplaneDmabufQueue(device, type, [planes]);
    expectEqual(
      `errno of QBUF, type ${type}, planes for ${accesses}`,
      errnoOf(() => queue.enqueue(0, 1)),
      right,
    );
  }
  return "bitstream that must not be read, pictures that must not be written to: EACCES at QBUF";
}

/** The result of a call with a list of controls. */
async function callWith(
  device: VideoDevice,
  request: number,
  controls: readonly { id: number; size: number; ptr: bigint }[],
): Promise<number> {
  const { size } = v4l2.v4l2_ext_control;
  const list = new Uint8Array(size * controls.length);
  controls.forEach((control, i) =>
    void Object.assign(v4l2.v4l2_ext_control.at(list, i * size), control)
  );
  const count = controls.length;
  const argument = v4l2.v4l2_ext_controls.alloc({ count, controls: addressOf(list) });
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), AT_ONCE_MS);
  const call = threaded.ioctl(device.fd, request, addressOf(argument.bytes));
  const result = await Promise.race([call, late]);
  clearTimeout(timer);
  expect(result !== undefined, `the call has not come back after ${AT_ONCE_MS} ms`);
  // Both are used until here.
  expectEqual("controls in the list", argument.count, list.length / size);
  return result;
}

/** Sizes that are not those of the payloads, and memory that nobody has touched. */
async function sizesCheck(): Promise<string> {
  using device = openDecoder();
  const id = V4L2_CID_STATELESS_H264_SPS;
  const { size } = v4l2_ctrl_h264_sps;
  const fresh = () => Mapping.anonymous(4096);
  const at = ({ address }: Mapping) => BigInt(address);
  for (const short of [0, 1, size - 1]) {
    using memory = fresh();
    const control = { id, size: short, ptr: at(memory) };
    const result = await callWith(device, v4l2.VIDIOC_S_EXT_CTRLS.request, [control]);
    expectEqual(`VIDIOC_S_EXT_CTRLS with ${short} bytes`, result, -1);
  }
  // The size of a value is nobody's business, and of a payload only as much as there is of it.
  const mode = { id: V4L2_CID_STATELESS_H264_DECODE_MODE, size: 0x7fff_ffff, ptr: 1n };
  for (const large of [size, 0x7fff_ffff]) {
    using memory = fresh();
    const controls = [mode, { id, size: large, ptr: at(memory) }];
    expectEqual(
      `${large} bytes`,
      await callWith(device, v4l2.VIDIOC_G_EXT_CTRLS.request, controls),
      0,
    );
  }
  const nowhere = { id, size, ptr: 8n };
  expectEqual("no memory", await callWith(device, v4l2.VIDIOC_G_EXT_CTRLS.request, [nowhere]), -1);
  return `payloads of 0, 1 and ${size - 1} bytes of ${size} are refused at once, larger ones taken`;
}

/** Without a daemon: one is played here. */
export async function decoderClientChecks(suite: Suite, context: Context): Promise<void> {
  await suite.check("decoder: a client's priority", () => priorityCheck(context));
  await suite.check("decoder: one buffer a request", requestCheck);
  await suite.check("decoder: the most bitstream of a frame", largeCheck);
  await suite.check("decoder: dma-bufs for reading or for writing alone", oneWayCheck);
  await suite.check("decoder: sizes of controls", sizesCheck);
}
