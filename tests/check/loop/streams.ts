/**
 * Several reading streams of one process.
 *
 * @module
 */
import { EBUSY } from "../../../lib/sys/errno.ts";
import type { Context } from "../../harness/context.ts";
import { errnoOf } from "../../harness/expectations.ts";
import { loop, loopNode, loopStats } from "../../harness/nodes.ts";
import { expectEqual, type Suite } from "../../harness/suite.ts";
import { numbered, Reader, Writer } from "./client.ts";
import { loadLoop } from "./module.ts";

const STREAMS = ["mmap", "mmap", "userptr", "read"] as const;

export async function loopStreamChecks(suite: Suite, context: Context): Promise<void> {
  await suite.check("loop: several streams of a process, with compat=1", async () => {
    await loadLoop(context, "compat=1");
    const node = loopNode();
    using writer = new Writer(node, "mmap");
    using stack = new DisposableStack();
    const readers = STREAMS.map((io) => stack.use(new Reader(node, io)));
    expectEqual("readers", loopStats(node).readers, STREAMS.length);
    for (let number = 0; number < 8; number++) {
      writer.write(numbered(number));
      readers.forEach((reader, i) =>
        reader.expectFrame(`frame ${number} of stream ${i}`, number, numbered(number))
      );
    }
    // One that has a frame goes, and one comes.
    writer.write(numbered(8));
    readers[0].take();
    readers[0].close();
    using late = new Reader(node, "mmap");
    writer.write(numbered(9));
    late.expectFrame("a late one's", 0, numbered(9));
    for (const reader of readers.slice(1)) {
      for (const number of [8, 9]) {
        reader.expectFrame(`frame ${number}, the first one gone`, number, numbered(number));
      }
    }
    loop.setParameter("max_readers", STREAMS.length);
    expectEqual("beyond max_readers", errnoOf(() => new Reader(node, "mmap")), EBUSY);
    return `${STREAMS.length} of them, each with all frames; EBUSY beyond max_readers`;
  });
}
