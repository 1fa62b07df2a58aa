/**
 * Files and the requests that have their controls, closed at a time by two programs: each takes the
 * controls out of the request, or the request out of the controls.
 *
 * @module
 */
import { File, IoBuffer } from "../../../lib/sys/file.ts";
import { ioctl } from "../../../lib/sys/ioctl.ts";
import { addressOf } from "../../../lib/sys/libc.ts";
import { Pipe, wake } from "../../../lib/sys/pipe.ts";
import { Poller, POLLIN } from "../../../lib/sys/poll.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { VideoDevice } from "../../../lib/v4l2/device.ts";
import { MediaDevice, type MediaRequest } from "../../../lib/v4l2/media.ts";
import { expect } from "../../harness/suite.ts";
import { descriptorOf } from "./libc.ts";
import { type Conditions, NEVER_MS } from "./stage.ts";
import { Worker } from "./workers.ts";

const PAIRS = 64;

/** Of a worker's descriptors: in the order of the requests. */
type Announced = readonly number[];

interface ClosesOrder {
  readonly node: string;
  /** What wakes it, whose writer the program has that gives the order. */
  readonly pipe: { readonly pid: number; readonly fd: number };
}

/** Sets a control to what it is, in a request. */
function bind(device: VideoDevice, id: number, value: number, request: MediaRequest): void {
  const control = v4l2.v4l2_ext_control.alloc({ id });
  control.value = value;
  const list = v4l2.v4l2_ext_controls.alloc({
    which: v4l2.V4L2_CTRL_WHICH_REQUEST_VAL,
    request_fd: request.fd,
    count: 1,
    controls: addressOf(control.bytes),
  });
  ioctl(device, v4l2.VIDIOC_S_EXT_CTRLS, list.bytes);
}

/** A control that has a number and can be set. */
function numberOf(device: VideoDevice) {
  const types: number[] = [v4l2.V4L2_CTRL_TYPE_INTEGER, v4l2.V4L2_CTRL_TYPE_MENU];
  const found = [...device.controls()].find(({ type, flags }) =>
    types.includes(type) && !(flags & v4l2.V4L2_CTRL_FLAG_READ_ONLY)
  );
  expect(found !== undefined, `${device.path} has no control to set`);
  return found;
}

/**
 * Round after round, until its pipe is hung up: opens files and requests that have a control of theirs, says
 * which the requests are, lets go of these when it is woken, and of the files when it is woken once more.
 */
export function closeFiles({ node, pipe }: ClosesOrder): { rounds: number } {
  using reader = new File("pipe", descriptorOf(pipe));
  const poller = new Poller(reader, POLLIN);
  const byte = new IoBuffer(new Uint8Array(1));
  /** Whether there is another one. */
  const woken = () => {
    expect(poller.wait(NEVER_MS) !== 0, "nobody wakes this worker");
    return reader.tryRead(byte) > 0;
  };
  using first = VideoDevice.open(node);
  using media = MediaDevice.of(first);
  const { id, defaultValue } = numberOf(first);
  for (let rounds = 0;; rounds++) {
    using files = new DisposableStack();
    const requests: MediaRequest[] = [];
    for (let i = 0; i < PAIRS; i++) {
      const device = files.use(VideoDevice.open(node));
      const request = media.allocateRequest();
      bind(device, id, defaultValue, request);
      requests.push(request);
    }
    console.log(JSON.stringify(requests.map(({ fd }) => fd)));
    if (!woken()) return { rounds };
    for (const request of requests) request.close();
    console.log("alone");
    if (!woken()) return { rounds };
  }
}

export const closesOf =
  (node: () => string) => async ({ seconds, random, step }: Conditions): Promise<string> => {
    using pipe = new Pipe();
    const order = { node: node(), pipe: { pid: Deno.pid, fd: pipe.reader.fd } };
    await using worker = new Worker(closeFiles, order);
    const end = performance.now() + seconds * 1000;
    let pairs = 0;
    for (;;) {
      const announced: Announced = JSON.parse(await worker.said());
      if (performance.now() > end && pairs > 0) break;
      const requests = announced.map((fd) =>
        new File("request", descriptorOf({ pid: worker.pid, fd }))
      );
      wake(pipe.writer);
      await worker.says("alone");
      wake(pipe.writer);
      // By then the worker has begun, or not, or has closed some.
      const begin = performance.now() + random.next() / 2 ** 32;
      while (performance.now() < begin);
      for (const request of requests) request.close();
      pairs += requests.length;
      step();
    }
    pipe.writer.close();
    await worker.result();
    return `${pairs} files and as many requests with their controls, closed at a time`;
  };
