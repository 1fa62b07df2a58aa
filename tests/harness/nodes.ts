/**
 * This project's modules, their nodes as they are numbered now, and what the kernel counts of them.
 *
 * @module
 */
import { ENOENT, SysError } from "../../lib/sys/errno.ts";
import { videoNodes } from "../../lib/v4l2/find.ts";
import { FILTER_NAME } from "../../lib/vpipe/filter.ts";
import { type LoopStats, loopStats as countersOf } from "../../lib/vpipe/loop_stats.ts";
import { Driver, Module } from "./modules.ts";
import { expect } from "./suite.ts";

export const filter = new Driver(FILTER_NAME);
export const decoder = new Driver("vpipe-dec");
export const loop = new Module("vpipe-loop");

/** The stateful one of the decoder's nodes; the other one has the driver's name. */
export const statefulNode = () => decoder.videoNode("vpipe-dec-stateful");

/** The daemon's side of the decoder. */
export const SESSION = "/dev/vpipe-dec";

/**
 * A loopback node by its name.
 *
 * @throws {SysError} ENOENT where there is none
 */
export function loopNode(name = "vpipe loopback 0"): string {
  const node = videoNodes().find((node) => node.name === name);
  if (node === undefined) throw new SysError("/dev", `find ${name}`, ENOENT);
  return node.path;
}

const COUNTERS = ["frames", "copies", "bytes_copied", "shared", "lost", "readers", "writer"];

/** What a loopback node has counted; all of it is there. */
export function loopStats(node: string): LoopStats {
  const stats = countersOf(node);
  for (const name of COUNTERS) expect(stats[name] >= 0, `${node}: no ${name}`);
  return stats;
}

/** What was counted since `before`. */
export function loopStatsSince(node: string, before: LoopStats): LoopStats {
  const now = loopStats(node);
  return Object.fromEntries(COUNTERS.map((name) => [name, now[name] - before[name]]));
}
