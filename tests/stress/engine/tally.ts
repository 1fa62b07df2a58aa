/**
 * Calls counted by their name and result, by one process and by several.
 *
 * @module
 */
import { constants } from "node:os";
import { expect } from "../../harness/suite.ts";
import { EBADR } from "../../../lib/sys/errno.ts";

/** How often a call was made, and how often it did what it was told. */
interface Count {
  calls: number;
  succeeded: number;
}

/** What came of calls. */
export interface Tally extends Count {
  /** Frames, or metadata entries, that came out. */
  results: number;
  /** By errno, a call that failed with it. */
  readonly errnos: Record<number, string>;
  readonly byName: Record<string, Count>;
}

export const none = (): Tally => ({ calls: 0, succeeded: 0, results: 0, errnos: {}, byName: {} });

/** @param result a negated errno, or success */
export function add(tally: Tally, call: string, result: number): void {
  // Ioctls that are only a number are one.
  const [name] = call.split(" ");
  for (const count of [tally, tally.byName[name] ??= { calls: 0, succeeded: 0 }]) {
    count.calls++;
    if (result >= 0) count.succeeded++;
  }
  if (result < 0) tally.errnos[-result] = call;
}

/** What processes counted that called side by side. */
export function total(tallies: readonly Tally[]): Tally {
  const sum = none();
  for (const { calls, succeeded, results, errnos, byName } of tallies) {
    sum.calls += calls;
    sum.succeeded += succeeded;
    sum.results += results;
    Object.assign(sum.errnos, errnos);
    for (const [name, count] of Object.entries(byName)) {
      const all = sum.byName[name] ??= { calls: 0, succeeded: 0 };
      all.calls += count.calls;
      all.succeeded += count.succeeded;
    }
  }
  return sum;
}

type Name = keyof typeof constants.errno;

/** What the V4L2 core, media requests and vpipe.h give; a number inside the kernel is not one. */
const DOCUMENTED: readonly Name[] = [
  ...["EINVAL", "EBUSY", "EAGAIN", "EFAULT", "ENOTTY", "ENODEV", "EIO", "ENOMEM", "EBADF"],
  ...["ENOENT", "EACCES", "ERANGE", "EPERM", "EPIPE", "ENXIO", "ENOBUFS", "EOVERFLOW", "E2BIG"],
] as Name[];

/**
 * Fails on an errno that no call may give.
 *
 * @param more beside what any node gives
 * @returns in words what the calls came to
 */
export function expectDocumented({ errnos, byName }: Tally, more: readonly Name[] = []): string {
  const names = new Map([
    ...[...DOCUMENTED, ...more].map((name) => [constants.errno[name], name] as const),
    [EBADR, "EBADR"],
  ]);
  for (const [code, call] of Object.entries(errnos)) {
    expect(names.has(Number(code)), `${call} failed with errno ${code}`);
  }
  const seen = Object.keys(errnos).map((code) => names.get(Number(code)));
  const never = Object.keys(byName).filter((name) => byName[name].succeeded === 0);
  const unsuccessful = never.length === 0 ? "" : `; never successful: ${never.join(" ")}`;
  return `${Object.keys(byName).length} calls, else ${seen.join(" ")}${unsuccessful}`;
}
