/**
 * A camera without a kernel, and the rows that a tool writes of its frames.
 *
 * @module
 */
import { readFile } from "../../lib/files/files.ts";
import { epochSeconds, monotonicNs } from "../../lib/sys/clock.ts";
import { ENOTTY } from "../../lib/sys/errno.ts";
import * as v4l2 from "../../lib/uapi/videodev2.ts";
import { type Done, FakeNode, FakeQueue } from "./fake_node.ts";

export const CAPTURE = v4l2.V4L2_BUF_TYPE_VIDEO_CAPTURE;
export const [WIDTH, HEIGHT] = [8, 4];
export const SIZE = WIDTH * HEIGHT;

/** A camera with a frame whenever somebody looks and it has a buffer for it. */
export class Camera extends FakeNode {
  frames = 0;
  constructor(
    /** Frames that it has before it stands still. */
    readonly most = Infinity,
    /** Sequences that it leaves out. */
    readonly lost: readonly number[] = [],
  ) {
    super(v4l2.V4L2_CAP_VIDEO_CAPTURE | v4l2.V4L2_CAP_STREAMING, [
      new FakeQueue(CAPTURE, {
        ...{ width: WIDTH, height: HEIGHT, pixelformat: v4l2.V4L2_PIX_FMT_GREY },
        planes: [{ bytesperline: WIDTH, sizeimage: SIZE }],
      }),
    ]);
    this.handle(v4l2.VIDIOC_G_PARM, (argument) => {
      if (this.rate === undefined) return -ENOTTY;
      Object.assign(v4l2.v4l2_streamparm.at(argument), { numerator: 1, denominator: this.rate });
      return 0;
    });
  }

  /** The rate that it says it is set to; no VIDIOC_G_PARM without. */
  rate?: number;
  /** What else a frame's buffer says. */
  saying: (sequence: number) => Partial<Done> = () => ({});

  protected override work(): void {
    const [queue] = this.queues;
    if (!queue.streaming || queue.queued.length === 0 || this.frames === this.most) return;
    while (this.lost.includes(this.frames)) this.frames++;
    const { index } = queue.queued.shift()!;
    const sequence = this.frames++;
    this.bytes(queue, index).fill(sequence);
    queue.done.push({
      ...{ index, bytesused: [SIZE], sequence, timestamp: [sequence, 500] },
      ...this.saying(sequence),
    });
  }
}

/** Frames whose exposure began `ago` ns before somebody looked, by the program's own clock. */
export function stamped(camera: Camera, ago: number): void {
  camera.saying = () => {
    const ns = epochSeconds * 1e9 + monotonicNs() - ago;
    return {
      flags: v4l2.V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | v4l2.V4L2_BUF_FLAG_TSTAMP_SRC_SOE,
      timestamp: [Math.floor(ns / 1e9), Math.floor(ns % 1e9 / 1e3)],
    };
  };
}

/** The rows of a CSV, by the names of their columns. */
export function rowsOf(csv: string): Record<string, string>[] {
  const [header, ...lines] = new TextDecoder().decode(readFile(csv)).trimEnd().split("\n");
  const names = header.split(",");
  return lines.map((line) =>
    Object.fromEntries(line.split(",").map((value, i) => [names[i], value]))
  );
}
