/**
 * What a reader and a writer of the loopback node might try on each other: roads to the other's memory,
 * and ways of having the writer wait.
 *
 * @module
 */
import { allocateFromHeap } from "../../../lib/dmabuf/dma_heap.ts";
import { type Dmabuf, WRITING } from "../../../lib/dmabuf/dma_buf.ts";
import { EACCES, EFAULT } from "../../../lib/sys/errno.ts";
import { File, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } from "../../../lib/sys/file.ts";
import { ioctl, tryIoctl } from "../../../lib/sys/ioctl.ts";
import { addressOf, libc } from "../../../lib/sys/libc.ts";
import { MAP_SHARED, Mapping, PROT_READ, PROT_WRITE } from "../../../lib/sys/mmap.ts";
import { Poller, POLLOUT } from "../../../lib/sys/poll.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import { DmabufQueue, MmapQueue, UserptrQueue } from "../../../lib/v4l2/queue/queue.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { sharedBuffers } from "../../../lib/vpipe/loop.ts";
import {
  VPIPE_LOOP_CID_LEND_IMPORTS,
  VPIPE_LOOP_IOC_SHARE,
  vpipe_loop_share,
} from "../../../lib/uapi/vpipe_loop.ts";
import { type Context, heap } from "../../harness/context.ts";
import { errnoOf } from "../../harness/expectations.ts";
import { CAPTURE, createBuffers, getFormat, OUTPUT, RawWriter, setFormat } from "./calls.ts";
import { expectBytes, numbered, openCapture, openOutput, Reader, VGA_BYTES } from "./client.ts";
import { dmabufFor } from "../../harness/one_way.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { loop, loopStats } from "../../harness/nodes.ts";
import { delay } from "../../harness/waiting.ts";

const GREY = { width: 640, height: 480, pixelformat: v4l2.V4L2_PIX_FMT_GREY };
const SMALL = { ...GREY, width: 64, height: 48 };
const SMALL_BYTES = 64 * 48;
const PAGE = libc.getpagesize();
const FRAMES = 20;
/** More than a writer is to undo. */
const MAPPINGS = 100;
/** Buffers that are mapped for writing just when a frame comes there. */
const RACES = 200;
const F_SETFL = 4;
const DMABUF = v4l2.V4L2_MEMORY_DMABUF;

/** Long enough for whatever a call has to do, on a busy guest. */
const CALL_MS = 60_000;

const { symbols: calls } = Deno.dlopen("libc.so.6", {
  pipe: { parameters: ["buffer"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  vmsplice: { parameters: ["i32", "buffer", "usize", "u32"], result: "isize" },
  munmap: { parameters: ["usize", "usize"], result: "i32" },
});
const { symbols: threaded } = Deno.dlopen("libc.so.6", {
  ioctl: { parameters: ["i32", "u32", "usize"], result: "i32", nonblocking: true },
  poll: { parameters: ["usize", "usize", "i32"], result: "i32", nonblocking: true },
  mmap: {
    parameters: ["usize", "usize", "i32", "i32", "i32", "i64"],
    result: "usize",
    nonblocking: true,
  },
});

/** Whether a pipe takes the memory itself, instead of what is in it. */
function isSpliced(address: number): boolean {
  const ends = new Int32Array(2);
  expectEqual("pipe", calls.pipe(new Uint8Array(ends.buffer)), 0);
  const [reading, writing] = [...ends].map((fd) => new File("pipe", fd));
  const vector = new BigUint64Array([BigInt(address), BigInt(PAGE)]);
  const spliced = Number(calls.vmsplice(writing.fd, new Uint8Array(vector.buffer), 1n, 0));
  reading.close();
  writing.close();
  return spliced > 0;
}

/** The errno of a USERPTR buffer of the filter there. */
function pinErrno(context: Context, address: number): number {
  using filter = VideoDevice.open(context.filter, 0, "filter");
  setFormat(filter, OUTPUT, GREY);
  using queue = new UserptrQueue(filter, OUTPUT, 1, VGA_BYTES);
  queue.buffers[0].userptr = address;
  return errnoOf(() => queue.enqueue(0, VGA_BYTES));
}

const addressOfBytes = (bytes: Uint8Array) => Number(addressOf(bytes as Uint8Array<ArrayBuffer>));

/** A program that lends dma-bufs of the heap, and queues them in any order. */
class LendingWriter implements Disposable {
  readonly device: VideoDevice;
  readonly #resources = new DisposableStack();
  readonly #memory: readonly Dmabuf[];
  readonly #writable: Poller;

  /** @param create how many buffers by VIDIOC_CREATE_BUFS, 0: four by VIDIOC_REQBUFS */
  constructor(node: string, create = 0) {
    // First: where there is no heap, nothing is open yet.
    const from = heap();
    this.device = this.#resources.use(openOutput(node));
    const { device } = this;
    this.#writable = new Poller(device, POLLOUT);
    setFormat(device, OUTPUT, GREY);
    device.setControl(VPIPE_LOOP_CID_LEND_IMPORTS, 1);
    const request = v4l2.v4l2_requestbuffers.alloc({ count: 4, type: OUTPUT, memory: DMABUF });
    if (create > 0) createBuffers(device, OUTPUT, create, DMABUF);
    else ioctl(device, v4l2.VIDIOC_REQBUFS, request.bytes);
    const length = create || request.count;
    this.#memory = Array.from(
      { length },
      () => this.#resources.use(allocateFromHeap(from, VGA_BYTES)),
    );
    ioctl(device, v4l2.VIDIOC_STREAMON, new Uint8Array(Uint32Array.of(OUTPUT).buffer));
    for (let i = 0; i < length; i++) this.queue(i, numbered(i));
    for (let i = 0; i < length; i++) expect(this.dequeue() >= 0, "no buffer, without readers");
  }

  queue(index: number, frame: Uint8Array): void {
    const memory = this.#memory[index];
    memory.begin(WRITING);
    memory.bytes.set(frame);
    memory.end(WRITING);
    const buffer = v4l2.v4l2_buffer.alloc({
      ...{ index, type: OUTPUT, memory: DMABUF },
      ...{ fd: memory.fd, length: memory.bytes.length, bytesused: frame.length },
    });
    ioctl(this.device, v4l2.VIDIOC_QBUF, buffer.bytes);
  }

  /** The index of a buffer that came back, or -1 where none does. */
  dequeue(): number {
    const buffer = v4l2.v4l2_buffer.alloc({ type: OUTPUT, memory: DMABUF });
    for (let i = 0; i < 50; i++) {
      const result = tryIoctl(this.device.fd, v4l2.VIDIOC_DQBUF.request, buffer.bytes);
      if (result >= 0) return buffer.index;
      this.#writable.wait(100);
    }
    return -1;
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }
}

async function loopRoadChecks(suite: Suite, context: Context, node: string): Promise<void> {
  for (const [what, io] of [["shared", "dmabuf"], ["mapped", "mmap"]] as const) {
    await suite.check(`loop: the memory of a ${what} frame itself cannot be had`, () => {
      using writer = new RawWriter(node, GREY);
      writer.start();
      for (let i = 0; i < 4; i++) writer.queue(i, numbered(i));
      for (let i = 0; i < 4; i++) writer.dequeue();
      loop.setParameter("show_mmap", 1);
      using reader = new Reader(node, io);
      loop.setParameter("show_mmap", 0);
      writer.queue(0, numbered(9));
      const { bytes } = reader.take();
      expectBytes("the frame", bytes.subarray(0, VGA_BYTES), numbered(9));
      const address = addressOfBytes(bytes);
      expect(!isSpliced(address), "a pipe has the writer's memory, for as long as it likes");
      const errno = pinErrno(context, address);
      expectEqual("USERPTR of the filter", errno, EFAULT);
      return "no pipe and no other driver can keep its pages: they would see the writer draw";
    });
  }

  await suite.check("loop: what is in a buffer behind the frame", () => {
    using writer = new RawWriter(node, SMALL);
    using whole = Mapping.shared(writer.device, PAGE, writer.buffer(0).offset);
    writer.start();
    for (let i = 0; i < 4; i++) writer.queue(i, numbered(i).subarray(0, SMALL_BYTES));
    for (let i = 0; i < 4; i++) writer.dequeue();
    using reader = new Reader(node, "dmabuf");
    for (const size of [SMALL_BYTES, 100]) {
      whole.bytes.fill(0xa5);
      writer.queue(0, new Uint8Array(size).fill(7));
      const taken = reader.take();
      const page = new Uint8Array(taken.bytes.buffer, taken.bytes.byteOffset, PAGE);
      expectEqual("bytes of the frame", page.lastIndexOf(7) + 1, size);
      expectEqual(`bytes of the writer's behind ${size}`, page.indexOf(0xa5), -1);
      reader.give(taken);
      writer.dequeue();
    }
    return `nothing is seen there: behind a whole frame, and behind the 100 bytes of a short one`;
  });

  await suite.check("loop: a reader's priority", () => {
    using reader = openCapture(node);
    const priority = new Uint8Array(Uint32Array.of(v4l2.V4L2_PRIORITY_RECORD).buffer);
    expectEqual(
      "VIDIOC_S_PRIORITY",
      tryIoctl(reader.fd, v4l2.VIDIOC_S_PRIORITY.request, priority),
      0,
    );
    using writer = new RawWriter(node, GREY);
    writer.start();
    return "with V4L2_PRIORITY_RECORD it keeps no writer from a format, buffers and streaming";
  });

  await suite.check("loop: a format from a file that is open for reading", () => {
    using writer = openOutput(node);
    const wanted = setFormat(writer, OUTPUT, GREY);
    for (const flags of [O_RDONLY, O_RDWR]) {
      using reader = File.open(node, flags | O_NONBLOCK);
      const format = v4l2.v4l2_format.alloc({ type: CAPTURE, ...SMALL });
      tryIoctl(reader.fd, v4l2.VIDIOC_S_FMT.request, format.bytes);
      expectEqual("the writer's format", getFormat(writer, OUTPUT), wanted);
    }
    return `a writer that has set ${wanted} gets buffers for that, whatever readers ask for`;
  });

  await suite.check("loop: a file that is open for writing", () => {
    using _writer = new LendingWriter(node);
    using file = File.open(node, O_WRONLY | O_NONBLOCK);
    const share = vpipe_loop_share.alloc();
    const { request } = VPIPE_LOOP_IOC_SHARE;
    const result = tryIoctl(file.fd, request, share.bytes);
    if (result >= 0) new File(node, share.fd).close();
    expectEqual("SHARE", -result, EACCES);
    return "EACCES from SHARE, which gives something to read";
  });

  await suite.check("loop: a writer's dma-bufs for reading or for writing alone", () => {
    for (const [access, right] of [[O_RDONLY, 0], [O_WRONLY, EACCES], [O_RDWR, 0]]) {
      using device = openOutput(node);
      setFormat(device, OUTPUT, GREY);
      using dmabuf = dmabufFor(access, VGA_BYTES);
      using queue = new DmabufQueue(device, OUTPUT, [dmabuf]);
      const code = errnoOf(() => queue.enqueue(0, VGA_BYTES));
      expectEqual(`errno of QBUF, access ${access}`, code, right);
    }
    return "EACCES for reading what is for writing alone";
  });

  await suite.check("loop: a reader's buffers, exported to the writer", () => {
    using device = openOutput(node);
    setFormat(device, OUTPUT, GREY);
    using source = openCapture(node);
    using queue = new MmapQueue(source, CAPTURE, 4);
    using stack = new DisposableStack();
    const exported = queue.buffers.map(({ index }) => {
      const request = v4l2.v4l2_exportbuffer.alloc({ type: CAPTURE, index, flags: O_RDWR });
      ioctl(source, v4l2.VIDIOC_EXPBUF, request.bytes);
      return stack.use(new File(node, request.fd));
    });
    const memory = exported.map((file) => stack.use(Mapping.shared(file, VGA_BYTES)));
    for (const { index } of queue.buffers) queue.enqueue(index);
    queue.streamOn();
    const request = v4l2.v4l2_requestbuffers.alloc({ count: 4, type: OUTPUT, memory: DMABUF });
    ioctl(device, v4l2.VIDIOC_REQBUFS, request.bytes);
    for (let i = 0; i < 4; i++) {
      const index = 3 - i;
      memory[index].bytes.set(numbered(i));
      const buffer = v4l2.v4l2_buffer.alloc({
        ...{ index, type: OUTPUT, memory: DMABUF, fd: exported[index].fd },
        ...{ length: memory[index].length, bytesused: VGA_BYTES },
      });
      ioctl(device, v4l2.VIDIOC_QBUF, buffer.bytes);
    }
    ioctl(device, v4l2.VIDIOC_STREAMON, new Uint8Array(Uint32Array.of(OUTPUT).buffer));
    for (let i = 0; i < 4; i++) {
      const index = queue.dequeue();
      expect(index >= 0, `no frame ${i}`);
      expectBytes(`frame ${i}`, memory[index].bytes, numbered(i));
      queue.enqueue(index);
    }
    return "4 frames, written in an order of their own: none is copied into another";
  });
}

/** A frame in the buffer whose turn it is, while another thread maps that for writing. */
async function raceMapping(queue: MmapQueue, writer: RawWriter, i: number): Promise<void> {
  const { index, length, offset } = queue.buffers[i];
  const frame = numbered(i).subarray(0, SMALL_BYTES);
  writer.queue(0, frame);
  const protection = PROT_READ | PROT_WRITE;
  const { fd } = queue.device;
  const args = [0n, BigInt(length), protection, MAP_SHARED, fd, BigInt(offset)] as const;
  const mapping = threaded.mmap(...args);
  const start = performance.now() + Math.random() / 5;
  while (performance.now() < start);
  expectEqual("the buffer", queue.dequeue(), index);
  const address = await mapping;
  expect(address < 1n << 63n, "the buffer cannot be mapped for writing");
  const pointer = Deno.UnsafePointer.create(address)!;
  const bytes = new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(pointer, SMALL_BYTES));
  expectBytes("the frame where it can be written to", bytes, frame);
  const mapped = queue.mappings[i].bytes.subarray(0, SMALL_BYTES);
  expectBytes("the frame where it can be read", mapped, frame);
  calls.munmap(address, BigInt(length));
  writer.dequeue();
}

async function loopMappingChecks(suite: Suite, node: string): Promise<void> {
  await suite.check("loop: a frame that its reader maps many times", () => {
    using writer = new RawWriter(node, GREY);
    writer.start();
    for (let i = 0; i < 4; i++) writer.queue(i, numbered(i));
    for (let i = 0; i < 4; i++) writer.dequeue();
    using device = openCapture(node);
    using stack = new DisposableStack();
    const windows = sharedBuffers(device).map((window) => stack.use(window));
    using queue = stack.use(new DmabufQueue(device, CAPTURE, windows));
    for (const { index } of queue.buffers) queue.enqueue(index);
    queue.streamOn();
    const before = loopStats(node);
    writer.queue(0, numbered(9));
    const index = queue.dequeue();
    expectEqual("frames without a copy", loopStats(node).shared - before.shared, 1);
    const file = { path: node, fd: windows[index].fd };
    const mappings = Array.from(
      { length: MAPPINGS },
      () => stack.use(Mapping.readOnly(file, VGA_BYTES)),
    );
    for (const { bytes } of mappings) expectBytes("the frame", bytes, numbered(9));
    expectEqual("copies, before the writer asks", loopStats(node).copies - before.copies, 1);
    expectEqual("the buffer", writer.dequeue(), 0);
    writer.memory(0).fill(0xff);
    for (const { bytes } of mappings) expectBytes("the kept frame", bytes, numbered(9));
    queue.enqueue(index);
    for (let i = 0; i < 4; i++) {
      writer.queue(0, numbered(i));
      const index = queue.dequeue();
      expectBytes(`frame ${i}`, windows[index].bytes.subarray(0, VGA_BYTES), numbered(i));
      queue.enqueue(index);
      expectEqual("the buffer", writer.dequeue(), 0);
    }
    return `${MAPPINGS} mappings: the reader has a copy, and the writer nothing to undo`;
  });

  await suite.check("loop: a buffer that is mapped for writing when a frame comes", async () => {
    using writer = new RawWriter(node, SMALL);
    writer.start();
    loop.setParameter("show_mmap", 1);
    using _ = { [Symbol.dispose]: () => loop.setParameter("show_mmap", 0) };
    for (let done = 0; done < RACES;) {
      using device = openCapture(node);
      using queue = new MmapQueue(device, CAPTURE, 8);
      for (const { index } of queue.buffers) queue.enqueue(index);
      queue.streamOn();
      for (let i = 0; i < queue.buffers.length; i++, done++) await raceMapping(queue, writer, i);
    }
    return `${RACES} frames are in the buffer's own memory from then on`;
  });
}

/** A writer's call that waits in a thread of its own, and is to end once a buffer is queued. */
async function whileWaiting(
  node: string,
  what: string,
  wait: (writer: RawWriter) => Promise<number>,
): Promise<void> {
  using writer = new RawWriter(node, GREY);
  const { device } = writer;
  calls.fcntl(device.fd, F_SETFL, O_RDWR);
  writer.start();
  using _reader = new Reader(node, "mmap");
  const waiting = wait(writer);
  // Most often it waits by then; if not, it has less to wait for.
  await delay(100);
  writer.queue(0, numbered(1));
  let timer = 0;
  const late = new Promise<number>((resolve) => {
    timer = setTimeout(() => resolve(NaN), CALL_MS);
  });
  const result = await Promise.race([waiting, late]);
  clearTimeout(timer);
  // Whatever waits still is told, or this program could not end.
  ioctl(device, v4l2.VIDIOC_STREAMOFF, new Uint8Array(Uint32Array.of(OUTPUT).buffer));
  await waiting;
  expect(result >= 0, `${what} has no buffer, ${CALL_MS} ms after another thread queued one`);
}

async function loopWaitingChecks(suite: Suite, node: string): Promise<void> {
  await suite.check("loop: a writer that waits in one thread and queues in another", async () => {
    const dequeued = v4l2.v4l2_buffer.alloc({ type: OUTPUT, memory: v4l2.V4L2_MEMORY_MMAP });
    const { request } = v4l2.VIDIOC_DQBUF;
    await whileWaiting(
      node,
      "VIDIOC_DQBUF",
      ({ device }) => threaded.ioctl(device.fd, request, addressOf(dequeued.bytes)),
    );
    const asked = new Uint8Array(8);
    await whileWaiting(node, "poll", ({ device }) => {
      const view = new DataView(asked.buffer);
      view.setInt32(0, device.fd, true);
      view.setInt16(4, POLLOUT, true);
      return threaded.poll(addressOf(asked), 1n, -1);
    });
    return "VIDIOC_DQBUF and poll give the buffer, with a reader that takes none";
  });

  for (const [how, used] of [["one of four", 1], ["two by turns", 2]] as const) {
    await suite.check(`loop: a writer with ${how}, which it lends`, () => {
      using writer = new LendingWriter(node);
      using reader = new Reader(node, "dmabuf");
      for (let i = 0; i < FRAMES; i++) {
        writer.queue(i % used, numbered(i));
        if (i < used) expectBytes(`frame ${i}`, reader.take().bytes, numbered(i));
        expect(writer.dequeue() >= 0, `no buffer behind frame ${i}`);
      }
      return `${FRAMES} frames, with a reader that keeps what it got`;
    });
  }

  await suite.check("loop: a writer that has but one buffer, which it lends", () => {
    using writer = new LendingWriter(node, 1);
    using reader = new Reader(node, "dmabuf");
    for (let i = 0; i < FRAMES; i++) {
      writer.queue(0, numbered(i));
      reader.expectFrame(`frame ${i}`, i, numbered(i));
      expectEqual("the buffer", writer.dequeue(), 0);
    }
    return `${FRAMES} of ${FRAMES} frames arrive`;
  });
}

export async function loopHostileChecks(
  suite: Suite,
  context: Context,
  node: string,
): Promise<void> {
  await loopRoadChecks(suite, context, node);
  await loopMappingChecks(suite, node);
  await loopWaitingChecks(suite, node);
}
