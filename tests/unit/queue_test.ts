import { assertEquals, assertThrows } from "@std/assert";
import { EAGAIN, EIO, SysError } from "../../lib/sys/errno.ts";
import { O_CLOEXEC, O_RDWR } from "../../lib/sys/file.ts";
import * as v4l2 from "../../lib/uapi/videodev2.ts";
import { VideoDevice } from "../../lib/v4l2/device.ts";
import { MplaneMmapQueue } from "../../lib/v4l2/queue/mplane_queue.ts";
import { MmapQueue } from "../../lib/v4l2/queue/queue.ts";
import { fakeIoctl, on } from "./fake_ioctl.ts";

const CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE;
const OUTPUT_MPLANE = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
const PAGE = 4096;

const { symbols } = Deno.dlopen("libc.so.6", {
  memcpy: { parameters: ["u64", "buffer", "usize"], result: "void" },
});

/** A driver with at most three buffers, which come back in the order in which they were given. */
class Driver implements Disposable {
  readonly requested: number[] = [];
  readonly exports: (readonly [index: number, plane: number, flags: number])[] = [];
  readonly #queued: number[] = [];
  readonly #fake: Disposable;

  constructor(broken = -1) {
    this.#fake = fakeIoctl(
      on(v4l2.VIDIOC_QUERYCAP, v4l2.v4l2_capability, () => 0),
      on(v4l2.VIDIOC_REQBUFS, v4l2.v4l2_requestbuffers, (request) => {
        request.count = Math.min(request.count, 3);
        this.requested.push(request.count);
        return 0;
      }),
      on(v4l2.VIDIOC_QUERYBUF, v4l2.v4l2_buffer, (buffer) => {
        if (buffer.index === broken) return -EIO;
        if (buffer.type === OUTPUT_MPLANE) {
          const planes = new Uint8Array(2 * v4l2.v4l2_plane.size);
          // /dev/zero has nothing behind the end of a mapping from its start.
          [2 * PAGE, PAGE].forEach((length, i) => {
            const plane = v4l2.v4l2_plane.at(planes, i * v4l2.v4l2_plane.size);
            Object.assign(plane, { length, mem_offset: 0 });
          });
          symbols.memcpy(buffer.planes, planes, BigInt(planes.length));
        } else buffer.length = PAGE;
        return 0;
      }),
      on(v4l2.VIDIOC_QBUF, v4l2.v4l2_buffer, ({ index }) => {
        this.#queued.push(index);
        return 0;
      }),
      on(v4l2.VIDIOC_DQBUF, v4l2.v4l2_buffer, (buffer) => {
        const index = this.#queued.shift();
        if (index === undefined) return -EAGAIN;
        Object.assign(buffer, { index, bytesused: 100 + index });
        return 0;
      }),
      on(v4l2.VIDIOC_EXPBUF, v4l2.v4l2_exportbuffer, (request) => {
        this.exports.push([request.index, request.plane, request.flags]);
        request.fd = -1;
        return 0;
      }),
    );
  }

  [Symbol.dispose](): void {
    this.#fake[Symbol.dispose]();
  }
}

Deno.test("queue: as many buffers as the driver gives, mapped, and back in their order", () => {
  using driver = new Driver();
  using device = VideoDevice.open("/dev/zero");
  {
    using queue = new MmapQueue(device, CAPTURE, 5);
    assertEquals(queue.mappings.map(({ length }) => length), [PAGE, PAGE, PAGE]);
    assertEquals(queue.dequeue(), -EAGAIN);
    for (const { index } of queue.buffers) queue.enqueue(index);
    assertEquals([queue.dequeue(), queue.dequeue(), queue.payload], [0, 1, 101]);
    assertEquals(queue.export().map(({ size }) => size), [PAGE, PAGE, PAGE]);
    const flags = O_CLOEXEC | O_RDWR;
    assertEquals(driver.exports, [[0, 0, flags], [1, 0, flags], [2, 0, flags]]);
  }
  assertEquals(driver.requested, [3, 0]);
});

Deno.test("queue: each plane has memory of its own", () => {
  using driver = new Driver();
  using device = VideoDevice.open("/dev/zero");
  using queue = new MplaneMmapQueue(device, OUTPUT_MPLANE, 1, 2);
  const sizes = queue.mappings.map((planes) => planes.map(({ length }) => length));
  assertEquals(sizes, [[2 * PAGE, PAGE]]);
  // What the program writes is in it.
  queue.mappings[0][1].bytes[PAGE - 1] = 7;
  assertEquals(queue.export().map((planes) => planes.map(({ size }) => size)), sizes);
  const flags = O_CLOEXEC | O_RDWR;
  assertEquals(driver.exports, [[0, 0, flags], [0, 1, flags]]);
});

Deno.test("queue: one that cannot be mapped leaves the driver no buffers", () => {
  using driver = new Driver(1);
  using device = VideoDevice.open("/dev/zero");
  assertThrows(() => new MmapQueue(device, CAPTURE, 2), SysError, "VIDIOC_QUERYBUF");
  assertThrows(() => new MplaneMmapQueue(device, OUTPUT_MPLANE, 2, 2), SysError, "QUERYBUF");
  assertEquals(driver.requested, [2, 0, 2, 0]);
});
