/**
 * Calls for faults to be injected into, each with what has to come before and after it.
 *
 * @module
 */
import { allocateFromHeap } from "../../../lib/dmabuf/dma_heap.ts";
import { EINVAL } from "../../../lib/sys/errno.ts";
import { File, O_RDONLY, O_RDWR } from "../../../lib/sys/file.ts";
import { ioctl } from "../../../lib/sys/ioctl.ts";
import { addressOf, libc } from "../../../lib/sys/libc.ts";
import type { VideoDevice } from "../../../lib/v4l2/device.ts";
import { MEDIA_IOC_REQUEST_ALLOC, MEDIA_REQUEST_IOC_QUEUE } from "../../../lib/uapi/media.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { openFilter, setFilterSize } from "../../../lib/vpipe/filter.ts";
import { VPIPE_CID_THRESHOLD } from "../../../lib/uapi/vpipe.ts";
import { HEAP, META } from "../../harness/context.ts";
import {
  buffersOf,
  call,
  type Inject,
  int,
  moduleTrials,
  opening,
  type Trial,
} from "../engine/trial.ts";
import { filter } from "../../harness/nodes.ts";

const OUTPUT = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT;
const CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE;
export const MMAP = v4l2.V4L2_MEMORY_MMAP;
export const USERPTR = v4l2.V4L2_MEMORY_USERPTR;
export const DMABUF = v4l2.V4L2_MEMORY_DMABUF;
const WIDTH = 64;
const HEIGHT = 48;
const SIZE = WIDTH * HEIGHT;

/** Argument of VIDIOC_QBUF: the first buffer, of a small frame. */
export const buffer = (
  type: number,
  values: Partial<ReturnType<typeof v4l2.v4l2_userptr_buffer.alloc>>,
) =>
  v4l2.v4l2_userptr_buffer.alloc({
    type,
    memory: MMAP,
    field: v4l2.V4L2_FIELD_NONE,
    length: SIZE,
    bytesused: type === OUTPUT ? SIZE : 0,
    ...values,
  }).bytes;

/** Both queues streaming, a CAPTURE buffer queued: an OUTPUT buffer makes a frame. */
function startStream(device: VideoDevice): void {
  for (const type of [OUTPUT, CAPTURE]) {
    ioctl(device, v4l2.VIDIOC_REQBUFS, buffersOf(type, MMAP));
    ioctl(device, v4l2.VIDIOC_STREAMON, int(type));
  }
  ioctl(device, v4l2.VIDIOC_QBUF, buffer(CAPTURE, {}));
}

function allocateRequest(media: File): File {
  const argument = int(-1);
  ioctl(media, MEDIA_IOC_REQUEST_ALLOC, argument);
  return new File("media request", new Int32Array(argument.buffer)[0]);
}

// What the kernel gets an address of has to outlive the call.
const pixels = new Uint8Array(SIZE);
const control = v4l2.v4l2_ext_control.alloc({ id: VPIPE_CID_THRESHOLD, value: 9 }).bytes;

const requestControls = (request: File) =>
  v4l2.v4l2_ext_controls.alloc({
    which: v4l2.V4L2_CTRL_WHICH_REQUEST_VAL,
    count: 1,
    request_fd: request.fd,
    controls: addressOf(control),
  }).bytes;

/** Calls on the nodes, in the order in which a program comes to them. */
function nodeTrials(node: string): Trial[] {
  const on = (
    name: string,
    run: (device: VideoDevice, inject: Inject) => void,
    more?: Partial<Trial>,
  ): Trial => ({
    name,
    ...more,
    run(inject) {
      using device = openFilter(node);
      setFilterSize(device, WIDTH, HEIGHT);
      run(device, inject);
    },
  });
  const queueRequest = (device: VideoDevice, inject: Inject, controls: boolean) => {
    using media = File.open(filter.mediaNode(), O_RDWR);
    using request = allocateRequest(media);
    startStream(device);
    if (controls) ioctl(device, v4l2.VIDIOC_S_EXT_CTRLS, requestControls(request));
    const values = { flags: v4l2.V4L2_BUF_FLAG_REQUEST_FD, request_fd: request.fd };
    ioctl(device, v4l2.VIDIOC_QBUF, buffer(OUTPUT, values));
    inject(call(request, MEDIA_REQUEST_IOC_QUEUE, int(0)));
  };

  return [
    opening(node, O_RDWR),
    on("REQBUFS", (device, inject) => {
      inject(call(device, v4l2.VIDIOC_REQBUFS, buffersOf(OUTPUT, MMAP)));
    }),
    on("CREATE_BUFS", (device, inject) => {
      const buffers = { count: 2, memory: MMAP, type: CAPTURE };
      const format = { width: WIDTH, height: HEIGHT, pixelformat: v4l2.V4L2_PIX_FMT_GREY };
      const argument = v4l2.v4l2_create_buffers.alloc({ ...buffers, ...format, sizeimage: SIZE });
      inject(call(device, v4l2.VIDIOC_CREATE_BUFS, argument.bytes));
    }),
    // videobuf2 gives EINVAL for whatever goes wrong in the export.
    on("EXPBUF", (device, inject) => {
      ioctl(device, v4l2.VIDIOC_REQBUFS, buffersOf(OUTPUT, MMAP));
      const argument = v4l2.v4l2_exportbuffer.alloc({ type: OUTPUT, flags: O_RDWR });
      if (inject(call(device, v4l2.VIDIOC_EXPBUF, argument.bytes)) >= 0) libc.close(argument.fd);
    }, { errnos: [EINVAL] }),
    on("QBUF USERPTR", (device, inject) => {
      ioctl(device, v4l2.VIDIOC_REQBUFS, buffersOf(OUTPUT, USERPTR));
      const argument = buffer(OUTPUT, { memory: USERPTR, userptr: addressOf(pixels) });
      inject(call(device, v4l2.VIDIOC_QBUF, argument));
    }),
    on("QBUF DMABUF", (device, inject) => {
      using holder = openFilter(node);
      using dmabuf = allocateFromHeap(HEAP, SIZE);
      setFilterSize(holder, WIDTH, HEIGHT);
      const argument = buffer(OUTPUT, { memory: DMABUF, fd: dmabuf.fd });
      for (const file of [holder, device]) {
        ioctl(file, v4l2.VIDIOC_REQBUFS, buffersOf(OUTPUT, DMABUF));
      }
      // Without memory to map a dma-buf, the kernel warns: have it mapped already.
      ioctl(holder, v4l2.VIDIOC_QBUF, argument);
      inject(call(device, v4l2.VIDIOC_QBUF, argument));
    }),
    on("QBUF, frame", (device, inject) => {
      startStream(device);
      inject(call(device, v4l2.VIDIOC_QBUF, buffer(OUTPUT, {})));
    }, { most: 0 }),
    on("STREAMON, frame", (device, inject) => {
      startStream(device);
      ioctl(device, v4l2.VIDIOC_STREAMOFF, int(OUTPUT));
      ioctl(device, v4l2.VIDIOC_QBUF, buffer(OUTPUT, {}));
      inject(call(device, v4l2.VIDIOC_STREAMON, int(OUTPUT)));
    }, { most: 0 }),
    {
      name: "REQUEST_ALLOC",
      run(inject) {
        using media = File.open(filter.mediaNode(), O_RDWR);
        const argument = int(-1);
        if (inject(call(media, MEDIA_IOC_REQUEST_ALLOC, argument)) < 0) return;
        libc.close(new Int32Array(argument.buffer)[0]);
      },
    },
    // Without controls, V4L2's core makes some up, to report what was in force.
    on("REQUEST_QUEUE, frame", (device, inject) => queueRequest(device, inject, false)),
    on("REQUEST_QUEUE with controls, frame", (device, inject) => {
      queueRequest(device, inject, true);
    }, { most: 0 }),
    opening(META, O_RDONLY),
  ];
}

/** All trials of the filter, loading it last: that takes longest and has the most places. */
export function filterTrials(module: string): Trial[] {
  return [...nodeTrials(filter.videoNode()), ...moduleTrials(filter, filter.name, module)];
}
