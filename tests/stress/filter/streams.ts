/**
 * Streams of several sizes and thresholds at once, beside somebody who changes controls all the
 * time: on another open file, so for nobody else.
 *
 * @module
 */
import { changeControls } from "./controls_worker.ts";
import { streamFrames } from "./stream_worker.ts";
import { expect, expectEqual } from "../../harness/suite.ts";
import type { Conditions } from "../engine/stage.ts";
import { Worker } from "../engine/workers.ts";

const STREAMS = [
  { width: 641, height: 3, level: 50, buffers: 3 },
  { width: 640, height: 480, level: 127, buffers: 2 },
  { width: 1, height: 1, level: 200, buffers: 1 },
];

/** However slow the guest is. */
const LEAST = 11;

export async function streams({ seconds, random }: Conditions): Promise<string> {
  await using workers = new AsyncDisposableStack();
  const running = STREAMS.map((stream) =>
    workers.use(new Worker(streamFrames, { seconds, least: LEAST, ...stream }))
  );
  const changer = workers.use(new Worker(changeControls, { seed: random.next(), seconds }));
  const { changes } = await changer.result();
  const done = await Promise.all(running.map(async (worker, i) => {
    const { frames, ends } = await worker.result();
    const { width, height, level } = STREAMS[i];
    expectEqual(`${width}x${height}: streams that ended`, ends, 0);
    expect(frames >= LEAST, `${width}x${height}: only ${frames} frames`);
    return `${frames} of ${width}x${height} at ${level}`;
  }));
  return `${done.join(", ")}: all bytes as the reference's, during ${changes} changes of controls`;
}
