import { assert, assertEquals, assertThrows } from "@std/assert";
import { EAGAIN, EIO, SysError } from "../../lib/sys/errno.ts";
import { O_CLOEXEC, O_RDWR } from "../../lib/sys/file.ts";
import * as v4l2 from "../../lib/uapi/videodev2.ts";
import { DeviceError, VideoDevice } from "../../lib/v4l2/device.ts";
import { MplaneDmabufQueue, MplaneMmapQueue } from "../../lib/v4l2/queue/mplane_queue.ts";
import { DmabufQueue, MmapQueue, type Queue, UserptrQueue } from "../../lib/v4l2/queue/queue.ts";
import { type FakeFormat, FakeNode, FakeQueue } from "./fake_node.ts";

const OUTPUT = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT;
const CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE;
const M2M = v4l2.V4L2_CAP_VIDEO_M2M;
const SIZE = 8 * 4;
const READ_WRITE = O_CLOEXEC | O_RDWR;

const grey = (): FakeFormat => ({
  ...{ width: 8, height: 4, pixelformat: v4l2.V4L2_PIX_FMT_GREY },
  planes: [{ bytesperline: 8, sizeimage: SIZE }],
});
const twoPlanes = (): FakeFormat => ({
  ...{ width: 8, height: 4, pixelformat: v4l2.V4L2_PIX_FMT_NV12M },
  planes: [{ bytesperline: 8, sizeimage: SIZE }, { bytesperline: 8, sizeimage: SIZE / 2 }],
});

/** Two queues; what is written comes out with every byte one more. */
class Adder extends FakeNode {
  /** OUTPUT buffers come back only after the CAPTURE buffer, by so many looks. */
  slow = 0;
  #frames = 0;

  constructor(isMplane = false) {
    const format = isMplane ? twoPlanes : grey;
    const types = isMplane
      ? [v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE, v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE]
      : [OUTPUT, CAPTURE];
    super(
      isMplane ? v4l2.V4L2_CAP_VIDEO_M2M_MPLANE : M2M,
      types.map((type) => new FakeQueue(type, format())),
    );
  }

  protected override work(): void {
    const [output, capture] = this.queues;
    if (!output.streaming || !capture.streaming) return;
    while (output.queued.length > 0 && capture.queued.length > 0) {
      const from = output.queued.shift()!;
      const { index } = capture.queued.shift()!;
      const sizes = output.format.planes.map(({ sizeimage }) => sizeimage);
      sizes.forEach((_, plane) => {
        const bytes = this.bytes(output, from.index, plane);
        this.bytes(capture, index, plane).set(bytes.map((byte) => byte + 1));
      });
      capture.done.push({ index, bytesused: sizes, sequence: this.#frames++ });
      if (this.slow-- > 0) output.queued.unshift(from);
      else output.done.push({ index: from.index, bytesused: from.bytesused });
    }
  }

  /** What poll(2) would do. */
  look(): void {
    this.work();
  }
}

/** Gives buffers back in the order in which they came; one of them it cannot say anything of. */
class Returner extends FakeNode {
  constructor(format: () => FakeFormat, type: number, capabilities: number, broken = -1) {
    super(capabilities, [new FakeQueue(type, format())]);
    const query = this.handle(
      v4l2.VIDIOC_QUERYBUF,
      (argument) => v4l2.v4l2_buffer.at(argument).index === broken ? -EIO : query(argument),
    );
  }

  protected override work(): void {
    const [{ queued, done }] = this.queues;
    done.push(...queued.splice(0).map(({ index }) => ({ index, bytesused: [100 + index] })));
  }

  /** What poll(2) would do. */
  look(): void {
    this.work();
  }
}

const open = (node: FakeNode) =>
  VideoDevice.open(
    node.path,
    node.queues[0].isMplane ? v4l2.V4L2_CAP_VIDEO_M2M_MPLANE : M2M,
    "device",
  );

/** A frame through both queues. */
function pass(node: Adder, output: Queue, capture: Queue, bytesused: number): number {
  output.enqueue(output.buffers[0].index, bytesused);
  capture.enqueue(capture.buffers[0].index);
  node.look();
  return capture.dequeue();
}

Deno.test("queues: a frame through MMAP buffers, and everything let go", () => {
  using node = new Adder();
  {
    using device = open(node);
    using output = new MmapQueue(device, OUTPUT, 3);
    using capture = new MmapQueue(device, CAPTURE, 2);
    assertEquals([output.buffers.length, capture.buffers.length], [3, 2]);
    assertThrows(() => output.dequeue(), SysError, "VIDIOC_DQBUF");
    output.streamOn();
    capture.streamOn();
    assertEquals(capture.dequeue(), -EAGAIN);
    output.mappings[0].bytes.set([1, 2, 250]);
    assertEquals(pass(node, output, capture, SIZE), 0);
    assertEquals([...capture.mappings[0].bytes.subarray(0, 4)], [2, 3, 251, 1]);
    assertEquals([capture.payload, capture.dequeued.sequence], [SIZE, 0]);
    assertEquals(output.reclaim(), 0);
    // A buffer that is the driver's is not the program's to give.
    capture.enqueue(1);
    assertThrows(() => capture.enqueue(1), SysError, "VIDIOC_QBUF");
  }
  for (const { streaming, buffers } of node.queues) assertEquals([streaming, buffers], [false, 0]);
  assertEquals(node.open, 0);
});

Deno.test("queues: an OUTPUT buffer that comes late is waited for, one that does not is an error", () => {
  using node = new Adder();
  using device = open(node);
  using output = new MmapQueue(device, OUTPUT, 2);
  using capture = new MmapQueue(device, CAPTURE, 2);
  output.streamOn();
  capture.streamOn();
  node.slow = 1;
  assertEquals(pass(node, output, capture, SIZE), 0);
  capture.enqueue(1);
  assertEquals(output.reclaim(), 0);
  assertThrows(() => output.reclaim(), DeviceError, "keeps the OUTPUT buffer");
});

Deno.test("queues: memory of others, and fresh memory for each frame", () => {
  using node = new Adder();
  using device = open(node);
  const dmabufs = [{ fd: 7, size: 100 }, { fd: 9, size: 200 }];
  {
    using imported = new DmabufQueue(device, OUTPUT, dmabufs);
    assertEquals(imported.buffers.map(({ fd, length }) => [fd, length]), [[7, 100], [9, 200]]);
    imported.assign(0, { fd: 11, size: 300 });
    assertEquals([imported.buffers[0].fd, imported.buffers[0].length], [11, 300]);
  }
  using own = new UserptrQueue(device, OUTPUT, 2, SIZE);
  const [before] = own.mappings;
  own.remap(0);
  assert(own.mappings[0].address !== before.address, "the old memory again");
  assertEquals(own.buffers.map(({ userptr }) => userptr), own.mappings.map((m) => m.address));
});

Deno.test("queues: as many buffers as the driver gives, mapped, and back in their order", () => {
  using node = new Returner(grey, CAPTURE, v4l2.V4L2_CAP_VIDEO_CAPTURE);
  node.mostBuffers = 3;
  using device = VideoDevice.open(node.path);
  {
    using queue = new MmapQueue(device, CAPTURE, 5);
    assertEquals(queue.mappings.map(({ length }) => length), [SIZE, SIZE, SIZE]);
    queue.streamOn();
    assertEquals(queue.dequeue(), -EAGAIN);
    for (const { index } of queue.buffers) queue.enqueue(index);
    node.look();
    assertEquals([queue.dequeue(), queue.dequeue(), queue.payload], [0, 1, 101]);
  }
  assertEquals(node.given, [3, 0]);
});

Deno.test("queues: exported buffers are files of their own, for reading and writing", () => {
  using node = new Adder();
  using device = open(node);
  using queue = new MmapQueue(device, CAPTURE, 2);
  const exported = queue.export();
  assertEquals(exported.map(({ size }) => size), [SIZE, SIZE]);
  assertEquals(node.exports, [[0, 0, READ_WRITE], [1, 0, READ_WRITE]]);
  assertEquals(node.open, 3);
  for (const { file } of exported) file.close();
  assertEquals(node.open, 1);
});

Deno.test("queues: both planes of a frame, each in memory of its own", () => {
  using node = new Adder(true);
  using device = open(node);
  const [{ type: into }, { type: outOf }] = node.queues;
  using output = new MplaneMmapQueue(device, into, 2, 2);
  using capture = new MplaneMmapQueue(device, outOf, 2, 2);
  output.streamOn();
  capture.streamOn();
  output.mappings[0].forEach(({ bytes }, plane) => bytes.fill(10 * (plane + 1)));
  assertEquals(pass(node, output, capture, SIZE), 0);
  assertEquals(capture.mappings[0].map(({ bytes }) => [bytes.length, bytes[0]]), [
    ...[[SIZE, 11], [SIZE / 2, 21]],
  ]);
  assertEquals(capture.payload, SIZE * 3 / 2);
  const exported = capture.export().flat();
  assertEquals(exported.map(({ size }) => size), [SIZE, SIZE / 2, SIZE, SIZE / 2]);
  assertEquals(
    node.exports,
    [[0, 0, READ_WRITE], [0, 1, READ_WRITE], [1, 0, READ_WRITE], [1, 1, READ_WRITE]],
  );
  for (const { file } of exported) file.close();
  capture.close();
  using imported = new MplaneDmabufQueue(device, outOf, [[{ fd: 5, size: 6 }, { fd: 7, size: 8 }]]);
  assertEquals(imported.planes[0].map(({ fd, length }) => [fd, length]), [[5, 6], [7, 8]]);
});

Deno.test("queues: a buffer that cannot be mapped leaves none behind", () => {
  using node = new Adder();
  using device = open(node);
  // No file is that long.
  node.queue(CAPTURE).format.planes[0].sizeimage = 0;
  assertThrows(() => new MmapQueue(device, CAPTURE, 2), SysError, "mmap");
  assertEquals(node.queue(CAPTURE).buffers, 0);
});

Deno.test("queues: a buffer that the driver says nothing of leaves none behind", () => {
  for (
    const [format, type, capabilities, make] of [
      [grey, CAPTURE, v4l2.V4L2_CAP_VIDEO_CAPTURE, MmapQueue],
      [
        twoPlanes,
        v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE,
        v4l2.V4L2_CAP_VIDEO_OUTPUT_MPLANE,
        MplaneMmapQueue,
      ],
    ] as const
  ) {
    using node = new Returner(format, type, capabilities, 1);
    using device = VideoDevice.open(node.path);
    assertThrows(() => new make(device, type, 2, 2), SysError, "VIDIOC_QUERYBUF");
    assertEquals(node.given, [2, 0]);
  }
});
