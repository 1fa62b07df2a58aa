/**
 * Memory that nobody points to any more.
 *
 * @module
 */
import { expect, Skip } from "../../harness/suite.ts";
import { exists, type Module } from "../../harness/modules.ts";
import type { Conditions } from "./stage.ts";
import { delay } from "../../harness/waiting.ts";

const KMEMLEAK = "/sys/kernel/debug/kmemleak";

/** kmemleak reports an object once it is older than this. */
const MIN_AGE_MS = 6000;

export const canFindLeaks = () => exists(KMEMLEAK);

/** kmemleak's report on each object that it finds unreferenced. */
export async function findLeaks(): Promise<string[]> {
  // The second scan sees what a register or a moving list hid from the first.
  for (const pause of [MIN_AGE_MS, 0]) {
    Deno.writeTextFileSync(KMEMLEAK, "scan");
    await delay(pause);
  }
  const report = Deno.readTextFileSync(KMEMLEAK);
  return report === "" ? [] : report.split(/^(?=unreferenced object)/m);
}

/** Fails on a leak, with what kmemleak says of the first few. */
export function expectNone(leaks: readonly string[]): void {
  expect(leaks.length === 0, `${leaks.length} objects:\n${leaks.slice(0, 5).join("")}`);
}

/** Has kmemleak forget what it found, so that whoever looks next sees new ones only. */
export function forgetLeaks(): void {
  Deno.writeTextFileSync(KMEMLEAK, "clear");
}

/** Unloads a module for good measure: what it forgot is nobody's then. */
export const leaksOf = (driver: Module) => async ({ module }: Conditions): Promise<string> => {
  if (!canFindLeaks()) throw new Skip("this kernel has no kmemleak");
  await driver.unload();
  try {
    expectNone(await findLeaks());
    return "after unloading, two scans of kmemleak find no unreferenced object";
  } finally {
    await driver.load(module);
  }
};
