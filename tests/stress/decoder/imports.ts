/**
 * Dma-bufs that change behind an index of a queue: each picture goes to the one that was queued, and
 * the daemon is told of each that it has mapped and that is gone.
 *
 * @module
 */
import { allocateFromHeap } from "../../../lib/dmabuf/dma_heap.ts";
import { EINVAL, SysError } from "../../../lib/sys/errno.ts";
import { Mapping } from "../../../lib/sys/mmap.ts";
import { MplaneDmabufQueue } from "../../../lib/v4l2/queue/mplane_queue.ts";
import { VPIPE_DEC_QUEUE_CAPTURE } from "../../../lib/uapi/vpipe_dec.ts";
import { HEAP } from "../../harness/context.ts";
import { expect, expectEqual } from "../../harness/suite.ts";
import { expectIdle } from "./decoder.ts";
import { Answering } from "./answering.ts";
import { CAPTURE, DecoderClient, SIDES } from "./client.ts";
import type { Conditions } from "../engine/stage.ts";
import { decoder } from "../../harness/nodes.ts";

const PICTURE = 64 * 48 * 3 / 2;
const DMABUFS = 3;

/** Errno of queueing a buffer. */
function tryEnqueue(queue: MplaneDmabufQueue, index: number, fd: number): number {
  queue.planes[index][0].fd = fd;
  try {
    queue.enqueue(index);
    return 0;
  } catch (error) {
    if (error instanceof SysError) return error.code;
    throw error;
  }
}

export async function decoderImports({ seconds, random }: Conditions): Promise<string> {
  const end = performance.now() + seconds * 1000;
  let pictures = 0;
  let refused = 0;
  let told = 0;
  while (performance.now() < end || told === 0) {
    using daemon = new Answering();
    using client = new DecoderClient(decoder.videoNode());
    using heap = new DisposableStack();
    const dmabufs = Array.from(
      { length: DMABUFS },
      () => heap.use(allocateFromHeap(HEAP, PICTURE)),
    );
    const memory = dmabufs.map(({ fd }) =>
      heap.use(Mapping.shared({ path: HEAP, fd }, PICTURE)).bytes
    );
    expectEqual("REQBUFS(0)", client.tryFree(CAPTURE), 0);
    const queue = new MplaneDmabufQueue(client.device, CAPTURE, [dmabufs.slice(0, 1)]);
    for (const side of SIDES) expectEqual("STREAMON", client.tryStart(side), 0);
    for (let frame = 0; frame < 20; frame++) {
      if (random.chance(0.3)) {
        const wrong = random.pick([-1, 0, client.device.fd]);
        expectEqual("errno of no dma-buf", tryEnqueue(queue, 0, wrong), EINVAL);
        refused++;
      }
      const chosen = random.below(DMABUFS);
      for (const bytes of memory) bytes.fill(0);
      expectEqual("errno of a dma-buf", tryEnqueue(queue, 0, dmabufs[chosen].fd), 0);
      client.send(0, [frame + 1]);
      daemon.serve();
      expect(await client.wait(), "no picture");
      expectEqual("index", queue.dequeue(), 0);
      client.output.reclaim();
      const written = memory.map((bytes) => bytes.every((byte) => byte === frame + 1));
      expect(
        written.every((is, at) => is === (at === chosen)),
        `frame ${frame} is in ${written.map(Number)} of the dma-bufs, it was queued with ${chosen}`,
      );
      pictures++;
    }
    told += Number(daemon.latest.gone[VPIPE_DEC_QUEUE_CAPTURE] !== 0);
  }
  await expectIdle(0);
  return `${pictures} pictures in the dma-buf that was queued for each, of ${DMABUFS} in turns in ` +
    `one buffer, ${refused} refused ones between them`;
}
