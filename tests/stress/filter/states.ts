/**
 * A stream that ends after each of its steps in each way there is, with each kind of memory. All
 * buffers come back, and where the file is still open, the next stream on it is whole.
 *
 * @module
 */
import { allocateFromHeap } from "../../../lib/dmabuf/dma_heap.ts";
import { patterns } from "../../../lib/image/patterns.ts";
import { threshold } from "../../../lib/image/threshold.ts";
import { EBUSY, EINVAL } from "../../../lib/sys/errno.ts";
import { ioctl, tryIoctl } from "../../../lib/sys/ioctl.ts";
import { Mapping } from "../../../lib/sys/mmap.ts";
import { Poller, POLLIN, POLLOUT } from "../../../lib/sys/poll.ts";
import type { VideoDevice } from "../../../lib/v4l2/device.ts";
import { DmabufQueue, MmapQueue, type Queue, UserptrQueue } from "../../../lib/v4l2/queue/queue.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import {
  ALGORITHMS,
  openFilter,
  setFilterControls,
  setFilterSize,
} from "../../../lib/vpipe/filter.ts";
import { HEAP } from "../../harness/context.ts";
import { CheckFailure, expect, expectEqual } from "../../harness/suite.ts";
import { filter } from "../../harness/nodes.ts";
import { NEVER_MS } from "../engine/stage.ts";
import { firstDifference } from "./stream.ts";

const OUTPUT = v4l2.V4L2_BUF_TYPE_VIDEO_OUTPUT;
const CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE;
type Side = typeof OUTPUT | typeof CAPTURE;
const SIDES = [OUTPUT, CAPTURE] as const;

const BUFFERS = 2;
const LEVEL = 127;
const image = patterns.noise(61, 7);
const expected = threshold(image, LEVEL).image.pixels;

type Verb = "request" | "queue" | "start" | "dequeue";
type Step = readonly [Verb, Side];

/** Buffers before streams, and streams before buffers. */
const ORDERS: readonly Step[][] = [
  [
    ["request", OUTPUT],
    ["request", CAPTURE],
    ["queue", CAPTURE],
    ["queue", OUTPUT],
    ["start", CAPTURE],
    ["start", OUTPUT],
    ["queue", OUTPUT],
    ["queue", CAPTURE],
    ["dequeue", CAPTURE],
    ["dequeue", OUTPUT],
  ],
  [
    ["request", CAPTURE],
    ["start", CAPTURE],
    ["request", OUTPUT],
    ["start", OUTPUT],
    ["queue", OUTPUT],
    ["queue", OUTPUT],
    ["queue", CAPTURE],
    ["dequeue", OUTPUT],
    ["dequeue", CAPTURE],
  ],
];

const MEMORIES = ["MMAP", "DMABUF", "USERPTR"] as const;
type Memory = typeof MEMORIES[number];

/** One queue, and its buffers' memory. */
interface Buffers {
  readonly queue: Queue;
  readonly contents: readonly Uint8Array[];
}

/** A file of the node on the way to a stream. */
class Subject implements Disposable {
  readonly #device: VideoDevice;
  readonly #sides = new Map<Side, Buffers>();
  readonly #streaming = new Set<Side>();
  readonly #queued = { [OUTPUT]: 0, [CAPTURE]: 0 };
  readonly #memory: Record<Side, Memory>;
  readonly #resources = new DisposableStack();

  constructor(node: string, output: Memory, capture: Memory) {
    this.#memory = { [OUTPUT]: output, [CAPTURE]: capture };
    this.#device = this.#resources.use(openFilter(node));
    setFilterSize(this.#device, image.width, image.height);
    const roi = { left: 0, top: 0, width: 0, height: 0 };
    const algorithm = ALGORITHMS.threshold;
    setFilterControls(this.#device, { sequence: 0, algorithm, threshold: LEVEL, roi });
  }

  hasBuffers(side: Side): boolean {
    return this.#sides.has(side);
  }

  step([verb, side]: Step): void {
    if (verb === "request") this.#sides.set(side, this.#request(side));
    else if (verb === "queue") this.#queue(side);
    else if (verb === "start") this.#start(side);
    else this.#dequeue(side);
  }

  #request(side: Side): Buffers {
    const size = image.pixels.length;
    const device = this.#device;
    switch (this.#memory[side]) {
      case "MMAP": {
        const queue = new MmapQueue(device, side, BUFFERS);
        for (const mapping of queue.mappings) this.#resources.use(mapping);
        return { queue, contents: queue.mappings.map(({ bytes }) => bytes) };
      }
      case "USERPTR": {
        const queue = new UserptrQueue(device, side, BUFFERS, size);
        for (const mapping of queue.mappings) this.#resources.use(mapping);
        return { queue, contents: queue.mappings.map(({ bytes }) => bytes) };
      }
      case "DMABUF": {
        const dmabufs = Array.from(
          { length: BUFFERS },
          () => this.#resources.use(allocateFromHeap(HEAP, size)),
        );
        const mappings = dmabufs.map(({ fd }) =>
          this.#resources.use(Mapping.shared({ path: HEAP, fd }, size))
        );
        const queue = new DmabufQueue(device, side, dmabufs);
        return { queue, contents: mappings.map(({ bytes }) => bytes) };
      }
    }
  }

  #of(side: Side): Buffers {
    return this.#sides.get(side)!;
  }

  #queue(side: Side): void {
    const { queue, contents } = this.#of(side);
    const index = this.#queued[side]++ % BUFFERS;
    if (side === OUTPUT) contents[index].set(image.pixels);
    queue.enqueue(index, side === OUTPUT ? image.pixels.length : 0);
  }

  #start(side: Side): void {
    this.#of(side).queue.streamOn();
    this.#streaming.add(side);
  }

  #dequeue(side: Side): void {
    const { queue, contents } = this.#of(side);
    const poller = new Poller(this.#device, side === OUTPUT ? POLLOUT : POLLIN);
    expect(poller.wait(NEVER_MS) !== 0, `no frame within ${NEVER_MS} ms`);
    const index = queue.dequeue();
    expect(index >= 0, "poll(2) promised a buffer, there is none");
    expectEqual("error flag", queue.dequeued.flags & v4l2.V4L2_BUF_FLAG_ERROR, 0);
    if (side === OUTPUT) return;
    const at = firstDifference(contents[index].subarray(0, expected.length), expected);
    expect(at < 0, `byte ${at} is not the reference's`);
  }

  /** STREAMOFF: buffers are the program's again, and there is nothing to wait for. */
  stop(side: Side): void {
    const argument = new Uint8Array(Uint32Array.of(side).buffer);
    ioctl(this.#device, v4l2.VIDIOC_STREAMOFF, argument);
    this.#streaming.delete(side);
    this.#queued[side] = 0;
    const buffer = v4l2.v4l2_buffer.alloc({ type: side });
    for (const { index, memory } of this.#sides.get(side)?.queue.buffers ?? []) {
      Object.assign(buffer, { index, memory });
      ioctl(this.#device, v4l2.VIDIOC_QUERYBUF, buffer.bytes);
      const busy = buffer.flags & (v4l2.V4L2_BUF_FLAG_QUEUED | v4l2.V4L2_BUF_FLAG_DONE);
      expectEqual(`QUEUED and DONE of buffer ${index}`, busy, 0);
    }
    const dequeued = tryIoctl(this.#device.fd, v4l2.VIDIOC_DQBUF.request, buffer.bytes);
    expectEqual("VIDIOC_DQBUF", dequeued, -EINVAL);
  }

  /** REQBUFS(0): refused while the stream is on, else all buffers are gone. */
  free(side: Side): void {
    const memory = this.#sides.get(side)?.queue.memory ?? v4l2.V4L2_MEMORY_MMAP;
    if (!this.#streaming.has(side)) this.#sides.delete(side);
    const request = v4l2.v4l2_requestbuffers.alloc({ type: side, memory });
    const result = tryIoctl(this.#device.fd, v4l2.VIDIOC_REQBUFS.request, request.bytes);
    expectEqual("VIDIOC_REQBUFS", result, this.#streaming.has(side) ? -EBUSY : 0);
  }

  /** Closes the file; memory of its buffers that is mapped stays. */
  abandon(): void {
    this.#device.close();
    for (const [side, { contents }] of this.#sides) {
      // Frames can only be read.
      for (const bytes of contents) side === OUTPUT ? bytes.fill(1) : bytes.slice();
    }
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }
}

/** Stops, and streams from the start with the buffers that there are, or with new ones. */
function restart(subject: Subject, keep: boolean): void {
  for (const side of SIDES) {
    subject.stop(side);
    if (!keep) subject.free(side);
  }
  for (const [verb, side] of ORDERS[0]) {
    if (verb !== "request" || !keep || !subject.hasBuffers(side)) subject.step([verb, side]);
  }
}

function stopOne(subject: Subject, side: Side): void {
  subject.stop(side);
  restart(subject, true);
}

const ENDINGS: Readonly<Record<string, (subject: Subject) => void>> = {
  close: (subject) => subject.abandon(),
  STREAMOFF: (subject) => restart(subject, true),
  "STREAMOFF of OUTPUT": (subject) => stopOne(subject, OUTPUT),
  "STREAMOFF of CAPTURE": (subject) => stopOne(subject, CAPTURE),
  "STREAMOFF, REQBUFS(0)": (subject) => restart(subject, false),
  "REQBUFS(0)": (subject) => SIDES.forEach((side) => subject.free(side)),
};

/** Everything that can be combined, one after the other. */
function* scenarios() {
  for (const output of MEMORIES) {
    for (const capture of ["MMAP", "DMABUF"] as const) {
      for (const order of ORDERS) {
        for (let length = 0; length <= order.length; length++) {
          const steps = order.slice(0, length);
          for (const [name, end] of Object.entries(ENDINGS)) {
            yield { output, capture, steps, name, end };
          }
        }
      }
    }
  }
}

export function states(): string {
  const node = filter.videoNode();
  let ends = 0;
  for (const { output, capture, steps, name, end } of scenarios()) {
    try {
      using subject = new Subject(node, output, capture);
      for (const step of steps) subject.step(step);
      end(subject);
      ends++;
    } catch (error) {
      const words = steps.map(([verb, side]) =>
        `${verb} ${side === OUTPUT ? "OUTPUT" : "CAPTURE"}`
      );
      const what = [`OUTPUT ${output}`, `CAPTURE ${capture}`, ...words, name].join(", ");
      throw new CheckFailure(`${what}: ${(error as Error).message}`);
    }
  }
  const memories = `OUTPUT ${MEMORIES.join(" ")} and CAPTURE MMAP DMABUF`;
  return `${ends} ends of a stream after each of its steps, ${memories}: all buffers back, the ` +
    "next stream on the same file as the reference's";
}
