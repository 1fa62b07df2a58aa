/**
 * The device taken from its driver and given back while processes use it in every way.
 *
 * @module
 */
import { blockInDequeue, blockInRead } from "./hotplug_worker.ts";
import { callVideoAtRandom } from "../engine/random_worker.ts";
import { streamFrames } from "./stream_worker.ts";
import { VIDIOC_DQBUF } from "../../../lib/uapi/videodev2.ts";
import { MetaReader } from "../../../lib/vpipe/meta.ts";
import { META } from "../../harness/context.ts";
import { expect } from "../../harness/suite.ts";
import { filter } from "../../harness/nodes.ts";
import { isInCall } from "../engine/in_call.ts";
import { type Conditions, NEVER_MS } from "../engine/stage.ts";
import { Worker } from "../engine/workers.ts";
import { delay, until } from "../../harness/waiting.ts";

/** Until a frame has come through the device as it is now bound. */
async function nextFrame(): Promise<void> {
  using meta = new MetaReader(META);
  const end = performance.now() + NEVER_MS;
  while (meta.read(1, 50) === 0) {
    expect(performance.now() < end, `no frame within ${NEVER_MS} ms of binding`);
    await delay(0);
  }
}

export async function hotplug({ seconds, random }: Conditions): Promise<string> {
  await using workers = new AsyncDisposableStack();
  const image = { width: 320, height: 240, level: 99, buffers: 3 };
  const stream = workers.use(new Worker(streamFrames, image));
  const dequeue = workers.use(new Worker(blockInDequeue, {}));
  const read = workers.use(new Worker(blockInRead, {}));
  const calls = workers.use(new Worker(callVideoAtRandom, { seed: random.next() }));
  await read.says("entry");
  await until(
    "somebody waits in VIDIOC_DQBUF",
    () => isInCall(dequeue.pid, "ioctl", undefined, VIDIOC_DQBUF.request),
  );

  const end = performance.now() + seconds * 1000;
  let times = 0;
  for (; performance.now() < end; times++) {
    if (random.chance(0.8)) await nextFrame();
    await delay(random.below(100));
    filter.unbind();
    await delay(random.below(20));
    filter.bind();
  }
  // Whoever still waits for the device is told that it is gone, and sees that it is to end.
  for (const worker of [stream, dequeue, read, calls]) worker.stop();
  filter.unbind();
  try {
    const [streamed, dequeued, reading] = await Promise.all([
      stream.result(),
      dequeue.result(),
      read.result(),
      calls.result(),
    ]);
    expect(dequeued.losses > 0, "nobody was waiting in VIDIOC_DQBUF");
    expect(reading.losses > 0, "nobody was waiting in read(2)");
    return `${times} times, during ${streamed.frames} frames that were as the reference's, ` +
      `${reading.entries} entries of them read; ` +
      "who waited in VIDIOC_DQBUF or read(2) was told, and went on with the next device";
  } finally {
    filter.bind();
  }
}
