/**
 * Nodes added and removed by several processes, while they and another one use whatever nodes
 * there are.
 *
 * @module
 */
import { videoNodes } from "../../../lib/v4l2/find.ts";
import { LoopAdmin } from "../../../lib/vpipe/loop_admin.ts";
import { filter, loop } from "../../harness/nodes.ts";
import { expect, expectEqual } from "../../harness/suite.ts";
import { type Conditions, NEVER_S } from "../engine/stage.ts";
import { Worker } from "../engine/workers.ts";
import { expectLoopIdle, showMmap } from "./loop.ts";
import { churnNodes, knockAtNodes } from "./nodes_worker.ts";

/** Nodes that all processes add, where all are wanted. */
const ADDS = 10_000;
const PROCESSES = 3;

/** The first of those that are asked for by number, and how many each process has for itself. */
const FIRST = 64;
const OWN = 4;

const range = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);
const numberOf = (path: string) => Number(path.replace("/dev/video", ""));
const names = () => videoNodes().map(({ path, name }) => `${path} ${name}`).join("; ");

export async function loopNodes(
  { amount, random, module }: Conditions,
): Promise<string> {
  const adds = Math.ceil(ADDS * amount / PROCESSES);
  const patience = NEVER_S * (1 + 60 * amount);
  await loop.unload();
  const taken = numberOf(filter.videoNode());
  const others = new Set(videoNodes().map(({ path }) => numberOf(path)));
  const all = [...range(0, 3 * OWN), ...range(FIRST, PROCESSES * OWN)]
    .filter((nr) => !others.has(nr));
  await loop.load(module, "compat=1");
  try {
    const before = names();
    showMmap(true);
    await using knocker = new Worker(knockAtNodes, { seed: random.next(), all });
    await using workers = new AsyncDisposableStack();
    const churns = range(0, PROCESSES).map((i) => {
      const own = range(FIRST + i * OWN, OWN);
      return workers.use(
        new Worker(churnNodes, { seed: random.next(), adds, own, all, taken }),
      );
    });
    const done = await Promise.all(churns.map((churn) => churn.result(patience)));
    knocker.stop();
    const knocked = await knocker.result();
    await expectLoopIdle();
    expectEqual("nodes", names(), before);
    using admin = new LoopAdmin();
    const next = admin.add({});
    expectEqual("remove the next free one", admin.remove(next), 0);
    const sum = (of: keyof typeof done[0]) => done.reduce((all, counts) => all + counts[of], 0);
    expect(sum("frames") > 0, "no frame reached a reader");
    return `${PROCESSES} processes added ${sum("added")} nodes and removed them, which ` +
      `${sum("busy")} times were in use; ${sum("opened") + knocked.opened} files, ` +
      `${knocked.refused} times there was no node; ${sum("frames")} whole frames, ` +
      `${sum("kept")} mappings, dma-bufs and files of counters that might outlive their node`;
  } finally {
    await loop.unload();
    await loop.load(module);
  }
}
