/**
 * The loopback module as a whole: its node, its counters, and whether it works.
 *
 * @module
 */
import { ENOENT, SysError } from "../../../lib/sys/errno.ts";
import { libc } from "../../../lib/sys/libc.ts";
import { videoNodes } from "../../../lib/v4l2/find.ts";
import { expectEqual } from "../../harness/suite.ts";
import { Module } from "../engine/driver.ts";
import { expectFrames, LoopReader, LoopWriter } from "./stream.ts";
import { delay, NEVER_MS } from "../engine/stage.ts";

export const loop = new Module("vpipe-loop");

const CARD = "vpipe loopback 0";

/** @throws {SysError} ENOENT where there is none */
export function loopNode(): string {
  const node = videoNodes().find(({ name }) => name === CARD);
  if (node === undefined) throw new SysError("/dev", `find ${CARD}`, ENOENT);
  return node.path;
}

/** What debugfs counts, by name. */
export function loopStats(node: string): Record<string, number> {
  const path = node.replace("/dev/", "/sys/kernel/debug/vpipe-loop/");
  const lines = Deno.readTextFileSync(`${path}/stats`).trimEnd().split("\n");
  return Object.fromEntries(
    lines.map((line) => [line.split(" ")[0], Number(line.split(" ")[1])]),
  );
}

/** Whether readers that map their buffers for reading alone see the writer's memory, from now on. */
export function showMmap(shown: boolean): void {
  Deno.writeTextFileSync("/sys/module/vpipe_loop/parameters/show_mmap", shown ? "1" : "0");
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
