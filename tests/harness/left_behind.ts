/**
 * What a group of checks had to give back. kmemleak sees none of it: a dma-buf is in the kernel's
 * own list, whoever forgot it.
 *
 * @module
 */
import { expect } from "./suite.ts";
import { delay } from "./waiting.ts";

const DMABUFS = "dma-bufs";
const BUFINFO = "/sys/kernel/debug/dma_buf/bufinfo";
const MODULES = "/sys/module";
const FILES = "/proc/self/fd";

/** The kernel closes files behind the program's back, and modules free things in work of their own. */
const WAIT_MS = 60_000;
const POLL_MS = 50;

/** What is held, by its name, and how many of it. */
export type Held = ReadonlyMap<string, number>;

/** A file that says no number, as it just went away or was never there. */
function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

function list(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch {
    return [];
  }
}

/** Whoever uses a module, but for modules that were loaded on top of it. */
function usersOf(module: string): number {
  const count = Number(read(`${MODULES}/${module}/refcnt`));
  return count - list(`${MODULES}/${module}/holders`).length;
}

/** What an open file of this process is; those of Deno's own event loop are all one kind. */
function target(fd: string): string | undefined {
  try {
    return Deno.readLinkSync(`${FILES}/${fd}`).replace(/:\[\d+\]$/, "");
  } catch {
    // The one that the list was read by.
    return undefined;
  }
}

/** The kernel's dma-bufs, users of modules, and this process's open files. */
export function held(): Held {
  const all = new Map<string, number>();
  const objects = read(BUFINFO).match(/^Total (\d+) objects/m);
  if (objects !== null) all.set(DMABUFS, Number(objects[1]));
  for (const module of list(MODULES)) {
    const users = usersOf(module);
    if (users > 0) all.set(`users of module ${module}`, users);
  }
  for (const fd of list(FILES)) {
    const what = target(fd);
    if (what === undefined) continue;
    const key = `open files ${what}`;
    all.set(key, (all.get(key) ?? 0) + 1);
  }
  return all;
}

/** What there is more of than there was. */
export function leftBehind(before: Held, now: Held): string[] {
  return [...now].flatMap(([what, count]) => {
    const had = before.get(what) ?? 0;
    return count > had ? [`${what}: ${count}, ${had} before`] : [];
  });
}

/**
 * Waits until no more is held than `before`; fails the running check if that does not come true.
 */
export async function expectNothingLeft(
  before: Held,
  { waitMs = WAIT_MS } = {},
): Promise<string> {
  const end = performance.now() + waitMs;
  let left: string[];
  while ((left = leftBehind(before, held())).length > 0) {
    expect(performance.now() < end, `left after ${waitMs / 1000} s: ${left.join("; ")}`);
    await delay(POLL_MS);
  }
  const counted = read(BUFINFO) === ""
    ? "this kernel does not list dma-bufs; no"
    : "no dma-buf, no";
  return `${counted} user of a module, and no open file more than before`;
}
