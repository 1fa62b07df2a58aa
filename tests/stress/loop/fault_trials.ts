/**
 * Calls on the loopback node for faults to be injected into.
 *
 * @module
 */
import { allocateFromHeap } from "../../../lib/dmabuf/dma_heap.ts";
import { EAGAIN, EINVAL, SysError } from "../../../lib/sys/errno.ts";
import { O_CLOEXEC, O_RDWR } from "../../../lib/sys/file.ts";
import { ioctl } from "../../../lib/sys/ioctl.ts";
import { addressOf, libc } from "../../../lib/sys/libc.ts";
import { Mapping } from "../../../lib/sys/mmap.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import {
  VPIPE_LOOP_CID_KEEP_LAST,
  VPIPE_LOOP_CID_TIMEOUT_IMAGE,
  VPIPE_LOOP_IOC_SHARE,
  vpipe_loop_share,
} from "../../../lib/uapi/vpipe_loop.ts";
import { HEAP } from "../../harness/context.ts";
import { buffer, DMABUF, MMAP, USERPTR } from "../filter/fault_trials.ts";
import { orErrno, raw } from "../engine/libc.ts";
import { loop, loopNode } from "../../harness/nodes.ts";
import { CAPTURE, expectFrames, LoopReader, LoopWriter, OUTPUT } from "./stream.ts";
import {
  buffersOf,
  call,
  type Inject,
  int,
  loadTrial,
  opening,
  type Trial,
} from "../engine/trial.ts";

const SIZE = [64, 48] as const;
const BYTES = SIZE[0] * SIZE[1];
const SIDES = [[OUTPUT, "OUTPUT"], [CAPTURE, "CAPTURE"]] as const;
const MEMORIES = [[MMAP, "MMAP"], [USERPTR, "USERPTR"], [DMABUF, "DMABUF"]] as const;

// What the kernel gets an address of has to outlive the call.
const pixels = new Uint8Array(BYTES);

/** A call that throws its errno, as one that gives it. */
function attempt(act: () => unknown): number {
  try {
    act();
    return 0;
  } catch (error) {
    if (error instanceof SysError) return -error.code;
    throw error;
  }
}

/** A writer that has its format, and no buffers yet. */
const writing = (
  name: string,
  run: (writer: LoopWriter, inject: Inject) => void,
  more?: Partial<Trial>,
): Trial => ({
  name,
  ...more,
  run(inject) {
    using writer = new LoopWriter(loopNode(), "mmap");
    writer.setFormat(SIZE);
    run(writer, inject);
  },
});

/** A writer at work, and a reader that has not begun. */
const streaming = (
  name: string,
  io: "read" | "view" | "heap",
  run: (writer: LoopWriter, reader: LoopReader, inject: Inject) => void,
  more?: Partial<Trial>,
): Trial => ({
  name,
  ...more,
  run(inject) {
    using writer = new LoopWriter(loopNode(), "mmap").begin(SIZE);
    using reader = new LoopReader(loopNode(), io);
    run(writer, reader, inject);
  },
});

/** Setting up either side with each kind of memory. */
function setUpTrials(): Trial[] {
  return SIDES.flatMap(([type, side]) => [
    ...MEMORIES.map(([memory, kind]) =>
      writing(`REQBUFS ${side} ${kind}`, ({ device }, inject) => {
        inject(call(device, v4l2.VIDIOC_REQBUFS, buffersOf(type, memory)));
      })
    ),
    ...MEMORIES.map(([memory, kind]) =>
      writing(`CREATE_BUFS ${side} ${kind}`, ({ device }, inject) => {
        const format = device.getFormat(type);
        const { pixelformat, sizeimage } = format;
        const argument = v4l2.v4l2_create_buffers.alloc({
          ...{ count: 2, memory, type, pixelformat, sizeimage },
          ...{ width: SIZE[0], height: SIZE[1] },
        });
        inject(call(device, v4l2.VIDIOC_CREATE_BUFS, argument.bytes));
      })
    ),
    // videobuf2 gives EINVAL for whatever goes wrong in the export.
    writing(`EXPBUF ${side}`, ({ device }, inject) => {
      ioctl(device, v4l2.VIDIOC_REQBUFS, buffersOf(type, MMAP));
      const argument = v4l2.v4l2_exportbuffer.alloc({ type, flags: O_RDWR });
      if (inject(call(device, v4l2.VIDIOC_EXPBUF, argument.bytes)) >= 0) libc.close(argument.fd);
    }, { errnos: [EINVAL] }),
    writing(`QBUF ${side} USERPTR`, ({ device }, inject) => {
      ioctl(device, v4l2.VIDIOC_REQBUFS, buffersOf(type, USERPTR));
      const values = { memory: USERPTR, userptr: addressOf(pixels) };
      inject(call(device, v4l2.VIDIOC_QBUF, buffer(type, values)));
    }),
    writing(`QBUF ${side} DMABUF`, ({ device }, inject) => {
      using dmabuf = allocateFromHeap(HEAP, BYTES);
      ioctl(device, v4l2.VIDIOC_REQBUFS, buffersOf(type, DMABUF));
      const values = { memory: DMABUF, fd: dmabuf.fd };
      inject(call(device, v4l2.VIDIOC_QBUF, buffer(type, values)));
    }),
    writing(`SUBSCRIBE_EVENT ${side}`, ({ device }, inject) => {
      const subscription = v4l2.v4l2_event_subscription.alloc(
        type === OUTPUT
          ? { type: v4l2.V4L2_EVENT_CTRL, id: VPIPE_LOOP_CID_KEEP_LAST }
          : { type: v4l2.V4L2_EVENT_SOURCE_CHANGE },
      );
      inject(call(device, v4l2.VIDIOC_SUBSCRIBE_EVENT, subscription.bytes));
    }),
  ]);
}

/** Frames, and what they are seen through. */
function frameTrials(): Trial[] {
  const mmap = (map: typeof Mapping.shared) => ({ device }: LoopReader, inject: Inject) => {
    ioctl(device, v4l2.VIDIOC_REQBUFS, buffersOf(CAPTURE, MMAP));
    const queried = v4l2.v4l2_buffer.alloc({ type: CAPTURE, memory: MMAP });
    ioctl(device, v4l2.VIDIOC_QUERYBUF, queried.bytes);
    using mapping = new DisposableStack();
    inject(() => attempt(() => mapping.use(map(device, queried.length, queried.offset)).bytes[0]));
  };
  return [
    streaming("QBUF, frame", "heap", (writer, reader, inject) => {
      reader.begin();
      inject(() => attempt(() => writer.frame()));
    }, { most: 0 }),
    streaming("DQBUF, shown", "view", (writer, reader, inject) => {
      reader.begin();
      writer.frame();
      inject(() => attempt(() => reader.take()));
    }, { most: 0 }),
    streaming("DQBUF, copied", "heap", (writer, reader, inject) => {
      reader.begin();
      // Without memory to map a dma-buf, the kernel warns: have it mapped already.
      expectFrames(writer, reader, 8);
      writer.frame();
      inject(() => attempt(() => reader.take()));
    }, { most: 0 }),
    streaming("read", "read", (writer, reader, inject) => {
      attempt(() => reader.take());
      writer.frame();
      inject(() => attempt(() => reader.take()));
    }),
    streaming("read, a part", "read", (writer, { device }, inject) => {
      const read = (bytes: number) => () =>
        orErrno(raw.read(device.fd, addressOf(pixels), BigInt(bytes)));
      read(1)();
      writer.frame();
      inject(read(100));
      writer.frame();
      if (read(BYTES)() < 0) throw new Error("read, a part: the next read fails");
    }),
    {
      name: "write",
      run(inject) {
        using writer = new LoopWriter(loopNode(), "write");
        writer.setFormat(SIZE);
        writer.request();
        inject(() => attempt(() => writer.frame()));
        if (!writer.frame()) throw new Error("write: the next write fails");
      },
    },
    streaming("mmap, for reading", "view", (_, reader, inject) => {
      mmap(Mapping.readOnly)(reader, inject);
    }),
    streaming("mmap, for writing", "view", (_, reader, inject) => {
      mmap(Mapping.shared)(reader, inject);
    }),
    streaming("SHARE", "view", (_, { device }, inject) => {
      const share = vpipe_loop_share.alloc({ flags: O_CLOEXEC });
      const result = inject(call(device, VPIPE_LOOP_IOC_SHARE, share.bytes));
      if (result >= 0) libc.close(share.fd);
    }, { errnos: [EAGAIN] }),
    streaming("S_CTRL, time-out image", "view", ({ device }, _, inject) => {
      const control = v4l2.v4l2_control.alloc({ id: VPIPE_LOOP_CID_TIMEOUT_IMAGE, value: 1 });
      inject(call(device, v4l2.VIDIOC_S_CTRL, control.bytes));
    }),
    streaming("QBUF, time-out image", "view", (writer, _, inject) => {
      writer.device.setControl(VPIPE_LOOP_CID_TIMEOUT_IMAGE, 1);
      inject(() => attempt(() => writer.frame()));
      writer.frame();
    }),
    streaming("STREAMOFF, last frame kept", "view", (writer, _, inject) => {
      writer.device.setControl(VPIPE_LOOP_CID_KEEP_LAST, 1);
      writer.frame();
      inject(call(writer.device, v4l2.VIDIOC_STREAMOFF, int(OUTPUT)));
      writer.device.setControl(VPIPE_LOOP_CID_KEEP_LAST, 0);
    }),
    writing("S_FMT", ({ device }, inject) => {
      const { pixelformat } = device.getFormat(OUTPUT);
      const format = { type: OUTPUT, width: 33, height: 44, pixelformat };
      inject(call(device, v4l2.VIDIOC_S_FMT, v4l2.v4l2_format.alloc(format).bytes));
    }),
  ];
}

/** All trials, loading last: that takes longest and has the most places. */
export function loopTrials(module: string): Trial[] {
  return [
    opening(loopNode(), O_RDWR),
    ...setUpTrials(),
    ...frameTrials(),
    loadTrial(loop, "vpipe_loop", module),
  ];
}
