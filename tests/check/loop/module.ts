/**
 * Loading vpipe-loop.ko with parameters, finding its nodes, and what it counts.
 *
 * @module
 */
import { videoNodes } from "../../../lib/v4l2/find.ts";
import type { Context } from "../../harness/context.ts";
import { type Outcome, run, succeed } from "../../harness/processes.ts";
import { expect } from "../../harness/suite.ts";

const PARAMETERS = "/sys/module/vpipe_loop/parameters";
const POLL_MS = 20;
const WAIT_MS = 60_000;

/** Whether the module is loaded. */
export function isLoopLoaded(): boolean {
  try {
    Deno.lstatSync(PARAMETERS);
    return true;
  } catch {
    return false;
  }
}

/** Unloads the module, if it is loaded, and tries to load it with these parameters. */
export async function tryLoadLoop(context: Context, ...parameters: string[]): Promise<Outcome> {
  if (isLoopLoaded()) await succeed("rmmod", ["vpipe_loop"]);
  return await run("insmod", [context.loopModule, ...parameters]);
}

/** Loads the module anew with these parameters. */
export async function loadLoop(context: Context, ...parameters: string[]): Promise<void> {
  const { status, stderr } = await tryLoadLoop(context, ...parameters);
  expect(status === 0, `insmod ${context.loopModule} ${parameters.join(" ")}: ${stderr.trim()}`);
}

/** A node by its name. */
export function loopNode(name = "vpipe loopback 0"): string {
  const node = videoNodes().find((node) => node.name === name);
  expect(node !== undefined, `no video node named ${name}`);
  return node.path;
}

export function setLoopParameter(name: string, value: number): void {
  Deno.writeTextFileSync(`${PARAMETERS}/${name}`, String(value));
}

const COUNTERS = ["frames", "copies", "bytes_copied", "shared", "lost", "readers", "writer"];

/** What a node has counted, by the names in debugfs. */
export type LoopStats = Readonly<Record<string, number>>;

export function loopStats(node: string): LoopStats {
  const path = `/sys/kernel/debug/vpipe-loop/${node.replace("/dev/", "")}/stats`;
  const lines = Deno.readTextFileSync(path).trimEnd().split("\n");
  const stats = Object.fromEntries(lines.map((line) => {
    const [name, value] = line.split(" ");
    return [name, Number(value)];
  }));
  for (const name of COUNTERS) expect(stats[name] >= 0, `${path}: no ${name}`);
  return stats;
}

/** What was counted since `before`. */
export function loopStatsSince(node: string, before: LoopStats): LoopStats {
  const now = loopStats(node);
  return Object.fromEntries(COUNTERS.map((name) => [name, now[name] - before[name]]));
}

/** Waits until something is true, and fails the running check if it does not come true. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const end = performance.now() + WAIT_MS;
  while (!condition()) {
    expect(performance.now() < end, `not within ${WAIT_MS / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
