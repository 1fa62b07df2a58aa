/**
 * Frames through the filter, each compared with the reference byte by byte.
 *
 * @module
 */
import { FrameWaiter } from "../../../lib/frames/frame_waiter.ts";
import type { GreyImage } from "../../../lib/image/image.ts";
import { threshold } from "../../../lib/image/threshold.ts";
import { ALGORITHMS } from "../../../lib/vpipe/filter.ts";
import { FixturePath } from "../../../lib/vpipe/fixture_path.ts";
import { HEAP } from "../../harness/context.ts";
import { expect } from "../../harness/suite.ts";
import { NEVER_S } from "../engine/stage.ts";

/** Index of the first byte that differs, -1 for none. */
export function firstDifference(actual: Uint8Array, expected: Uint8Array): number {
  for (let i = 0; i < expected.length; i++) if (actual[i] !== expected[i]) return i;
  return actual.length === expected.length ? -1 : expected.length;
}

/** A stream of one image that always has all of its buffers in flight. */
export class CheckedStream implements Disposable {
  readonly #path: FixturePath;
  readonly #waiter: FrameWaiter;
  readonly #expected: Uint8Array;

  /** @throws {SysError | DeviceError} where the node is not there or goes away */
  constructor(device: string, image: GreyImage, level: number, buffers: number) {
    this.#expected = threshold(image, level).image.pixels;
    const path = new FixturePath({
      device,
      heap: HEAP,
      image,
      controls: {
        sequence: 0,
        algorithm: ALGORITHMS.threshold,
        threshold: level,
        roi: { left: 0, top: 0, width: 0, height: 0 },
      },
      buffers,
    });
    this.#path = path;
    this.#waiter = new FrameWaiter(path.capture, NEVER_S, () => {});
    try {
      for (const { index } of path.output.buffers) path.output.enqueue(index, path.size);
    } catch (error) {
      path.close();
      throw error;
    }
  }

  /** Takes the next frame, compares it, and sends the next but `buffers`. */
  async frame(): Promise<void> {
    const { output, capture, size } = this.#path;
    let index = this.#waiter.next();
    for (; index < 0; index = this.#waiter.next()) await this.#waiter.rest();
    this.#path.checkDequeued();
    const at = firstDifference(this.#path.frame(index).pixels, this.#expected);
    expect(at < 0, `byte ${at} of frame ${capture.dequeued.sequence} is not the reference's`);
    capture.enqueue(index);
    output.enqueue(output.reclaim(), size);
  }

  close(): void {
    this.#path.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
