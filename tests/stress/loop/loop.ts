/**
 * The loopback module as a whole: what its stages set and wait for, and whether it works.
 *
 * @module
 */
import { libc } from "../../../lib/sys/libc.ts";
import { expectEqual } from "../../harness/suite.ts";
import { loop, loopNode, loopStats } from "../../harness/nodes.ts";
import { expectFrames, LoopReader, LoopWriter } from "./stream.ts";
import { NEVER_MS } from "../engine/stage.ts";
import { delay } from "../../harness/waiting.ts";

/** Whether readers that map their buffers for reading alone see the writer's memory, from now on. */
export function showMmap(shown: boolean): void {
  loop.setParameter("show_mmap", shown ? 1 : 0);
}

/**
 * User-mode Linux has no way to tell a process on another processor that a mapping is gone: it goes on
 * with the old one until its next call. There all this is done on one.
 */
export function onOneProcessor(): Disposable {
  const isUserMode = Deno.readTextFileSync("/proc/cpuinfo").includes("User Mode Linux");
  const mask = (bits: bigint) => {
    if (isUserMode) libc.sched_setaffinity(0, 8n, new Uint8Array(BigUint64Array.of(bits).buffer));
  };
  mask(1n);
  return { [Symbol.dispose]: () => mask((1n << 64n) - 1n) };
}

/** Waits until nobody has the node open. */
export async function expectLoopIdle(ms = NEVER_MS): Promise<void> {
  const end = performance.now() + ms;
  while (loop.users() !== 0 && performance.now() < end) await delay(20);
  expectEqual("users of the module", loop.users(), 0);
  const { readers, writer } = loopStats(loopNode());
  expectEqual("readers", readers, 0);
  expectEqual("writer", writer, 0);
}

/** Fails unless frames come through, and nobody is left over. */
export async function expectWorking(): Promise<void> {
  {
    using reader = new LoopReader(loopNode(), "view");
    using writer = new LoopWriter(loopNode(), "mmap");
    writer.begin([320, 200]);
    reader.begin();
    expectFrames(writer, reader, 10);
  }
  await expectLoopIdle();
}
