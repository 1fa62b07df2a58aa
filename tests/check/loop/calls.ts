/**
 * Calls of the loopback node's checks that no tool makes.
 *
 * @module
 */
import { File, IoBuffer, O_CREAT, O_RDWR } from "../../../lib/sys/file.ts";
import { ioctl, tryIoctl } from "../../../lib/sys/ioctl.ts";

import { Mapping } from "../../../lib/sys/mmap.ts";
import { Poller, POLLOUT } from "../../../lib/sys/poll.ts";
import type { VideoDevice } from "../../../lib/v4l2/device.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { openOutput } from "./client.ts";
import { expect } from "../../harness/suite.ts";

export const OUTPUT = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT;
export const CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE;

/** The errno of VIDIOC_ENUM_FRAMESIZES, 0 if there is a size. */
export const sizesErrno = (device: { fd: number }, pixel_format: number): number =>
  -Math.min(
    0,
    tryIoctl(
      device.fd,
      v4l2.VIDIOC_ENUM_FRAMESIZES.request,
      v4l2.v4l2_frmsizeenum.alloc({ pixel_format }).bytes,
    ),
  );

/** The errno of VIDIOC_ENUM_FRAMEINTERVALS, 0 if there is one. */
export function intervalsErrno(
  device: { fd: number },
  pixel_format: number,
  width: number,
  height: number,
): number {
  const asked = v4l2.v4l2_frmivalenum.alloc({ pixel_format, width, height });
  return -Math.min(0, tryIoctl(device.fd, v4l2.VIDIOC_ENUM_FRAMEINTERVALS.request, asked.bytes));
}

/** What is asked of VIDIOC_S_FMT. */
export interface Wanted {
  readonly width: number;
  readonly height: number;
  readonly pixelformat: number;
  readonly bytesperline?: number;
  readonly sizeimage?: number;
}

const inWords = (format: Required<Wanted>) =>
  `${format.width}x${format.height} ${v4l2.fourccText(format.pixelformat)} ` +
  `${format.bytesperline}/${format.sizeimage}`;

/** VIDIOC_S_FMT, whatever the device makes of it; in words, with bytesperline and sizeimage. */
export function setFormat(device: VideoDevice, type: number, wanted: Wanted): string {
  const format = v4l2.v4l2_format.alloc({ type, ...wanted });
  ioctl(device, v4l2.VIDIOC_S_FMT, format.bytes);
  return inWords(format);
}

/** The same of VIDIOC_TRY_FMT. */
export function tryFormat(device: VideoDevice, type: number, wanted: Wanted): string {
  const format = v4l2.v4l2_format.alloc({ type, ...wanted });
  const result = tryIoctl(device.fd, v4l2.VIDIOC_TRY_FMT.request, format.bytes);
  return result < 0 ? `errno ${-result}` : inWords(format);
}

/** The same of VIDIOC_G_FMT. */
export function getFormat(device: VideoDevice, type: number): string {
  const format = v4l2.v4l2_format.alloc({ type });
  ioctl(device, v4l2.VIDIOC_G_FMT, format.bytes);
  return inWords(format);
}

/** v4l2.VIDIOC_CREATE_BUFS of buffers of the format that there is. */
export function createBuffers(
  device: VideoDevice,
  type: number,
  count: number,
  memory: number = v4l2.V4L2_MEMORY_MMAP,
): void {
  const { width, height, pixelformat, sizeimage } = device.getFormat(type);
  const request = v4l2.v4l2_create_buffers.alloc({
    ...{ count, memory, type, width, height, pixelformat, sizeimage },
  });
  ioctl(device, v4l2.VIDIOC_CREATE_BUFS, request.bytes);
}

export const prepare = (device: VideoDevice, buffer: { bytes: Uint8Array<ArrayBuffer> }): number =>
  tryIoctl(device.fd, v4l2.VIDIOC_PREPARE_BUF.request, buffer.bytes);

/** dma-bufs that there are in the kernel. */
export function dmabufs(): number {
  const text = Deno.readTextFileSync("/sys/kernel/debug/dma_buf/bufinfo");
  const total = /^Total (\d+) objects/m.exec(text);
  expect(total !== null, `bufinfo says no total: ${text.slice(-200)}`);
  return Number(total[1]);
}

/**
 * Whether there is anything to be read at `bytes`: a system call is given them, for which a page
 * that cannot be had is an error instead of a signal.
 */
export function isReadable(scratch: string, bytes: Uint8Array<ArrayBuffer>): boolean {
  using file = File.open(`${scratch}/readable`, O_CREAT | O_RDWR);
  return file.tryWrite(new IoBuffer(bytes.subarray(0, 4096))) > 0;
}

/** A program that writes with its buffers in any order, by VIDIOC_QBUF and VIDIOC_DQBUF alone. */
export class RawWriter implements Disposable {
  readonly device: VideoDevice;
  readonly #mappings: Mapping[] = [];
  readonly #buffers: ReturnType<typeof v4l2.v4l2_buffer.alloc>[] = [];
  readonly #dequeued = v4l2.v4l2_buffer.alloc({ type: OUTPUT, memory: v4l2.V4L2_MEMORY_MMAP });
  readonly #writable: Poller;

  /** @param create how many buffers by v4l2.VIDIOC_CREATE_BUFS, 0: four by VIDIOC_REQBUFS */
  constructor(node: string, wanted: Wanted, create = 0) {
    this.device = openOutput(node);
    const { device } = this;
    const memory = v4l2.V4L2_MEMORY_MMAP;
    this.#writable = new Poller(device, POLLOUT);
    setFormat(device, OUTPUT, wanted);
    let count = create;
    if (create > 0) {
      createBuffers(device, OUTPUT, create);
    } else {
      const request = v4l2.v4l2_requestbuffers.alloc({ count: 4, type: OUTPUT, memory });
      ioctl(device, v4l2.VIDIOC_REQBUFS, request.bytes);
      count = request.count;
    }
    for (let index = 0; index < count; index++) {
      const buffer = v4l2.v4l2_buffer.alloc({ index, type: OUTPUT, memory });
      ioctl(device, v4l2.VIDIOC_QUERYBUF, buffer.bytes);
      this.#mappings.push(Mapping.shared(device, buffer.length, buffer.offset));
      this.#buffers.push(buffer);
    }
  }

  start(): void {
    ioctl(this.device, v4l2.VIDIOC_STREAMON, new Uint8Array(Uint32Array.of(OUTPUT).buffer));
  }

  /** The memory of a buffer. */
  memory(index: number): Uint8Array<ArrayBuffer> {
    return this.#mappings[index].bytes;
  }

  /** The buffer as it is handed over. */
  buffer(index: number): ReturnType<typeof v4l2.v4l2_buffer.alloc> {
    return this.#buffers[index];
  }

  queue(index: number, frame: Uint8Array): void {
    this.memory(index).set(frame);
    this.#buffers[index].bytesused = frame.length;
    ioctl(this.device, v4l2.VIDIOC_QBUF, this.#buffers[index].bytes);
  }

  /** The index of a buffer that came back, or -1 where none does within some seconds. */
  dequeue(): number {
    const end = performance.now() + 5000;
    while (performance.now() < end) {
      const result = tryIoctl(this.device.fd, v4l2.VIDIOC_DQBUF.request, this.#dequeued.bytes);
      if (result >= 0) return this.#dequeued.index;
      this.#writable.wait(100);
    }
    return -1;
  }

  [Symbol.dispose](): void {
    for (const mapping of this.#mappings) mapping.close();
    this.device.close();
  }
}
