/**
 * Failing exactly one allocation of one system call: the kernel counts what this thread asks for
 * and fails the nth (Documentation/fault-injection/fault-injection.rst).
 *
 * Only what a module asks for counts. This program's runtime needs memory at any moment, also
 * between two calls, and ends where it gets none.
 *
 * @module
 */
import { SysError } from "../../../lib/sys/errno.ts";
import { File, O_RDWR } from "../../../lib/sys/file.ts";
import { expect } from "../../harness/suite.ts";
import { exists } from "../../harness/modules.ts";
import { orErrno, raw } from "./libc.ts";

const COUNTER = "/proc/thread-self/fail-nth";
const SETTINGS = "/sys/kernel/debug";

/** Of allocations. */
const KINDS = ["failslab", "fail_page_alloc"];

/** More than any call asks for. */
const MANY = 1_000_000;

/** Whether this kernel can: also look who asks. */
export const canInjectFaults = () =>
  exists(COUNTER) && exists(`${SETTINGS}/${KINDS[0]}/require-start`);

/** Where the kernel's own code ends and that of modules begins. */
function endOfKernel(): string {
  const symbols = Deno.readTextFileSync("/proc/kallsyms");
  const [, address] = /^([0-9a-f]+) \w _etext$/m.exec(symbols) ?? [];
  expect(address !== undefined, "/proc/kallsyms has no _etext");
  return `0x${address}`;
}

/**
 * Makes allocations that may wait fail too, where the kernel spares them unless told otherwise, and
 * every page, not large ones alone. Without a stack trace a fault: there are hundreds.
 */
function prepare(): void {
  const set = (name: string, value: string) => Deno.writeTextFileSync(`${SETTINGS}/${name}`, value);
  for (const kind of KINDS) {
    set(`${kind}/require-start`, endOfKernel());
    set(`${kind}/ignore-gfp-wait`, "N");
    set(`${kind}/verbose`, "0");
  }
  set("fail_page_alloc/ignore-gfp-highmem", "N");
  set("fail_page_alloc/min-order", "0");
  // Copies from and to the process are no allocations, and count if they may.
  if (exists(`${SETTINGS}/fail_usercopy`)) set("fail_usercopy/require-start", "0xffffffffffffffff");
}

/** Of this thread's next calls. */
export class FaultInjector implements Disposable {
  readonly #counter: File;
  readonly #text = new Uint8Array(16);

  constructor() {
    prepare();
    this.#counter = File.open(COUNTER, O_RDWR);
  }

  /** Runs `call` without a fault and counts in how many places it could have had one. */
  count(call: () => number): { result: number; places: number } {
    this.#arm(MANY);
    const result = call();
    const left = this.#left();
    this.#arm(0);
    return { result, places: MANY - left };
  }

  /** Runs `call` with a fault in the nth place. */
  fail(nth: number, call: () => number): number {
    this.#arm(nth);
    const result = call();
    this.#arm(0);
    return result;
  }

  #arm(nth: number): void {
    const { written } = new TextEncoder().encodeInto(`${nth}`, this.#text);
    this.#check("write", raw.pwrite(this.#counter.fd, this.#text, BigInt(written), 0n));
  }

  #left(): number {
    const size = BigInt(this.#text.length);
    const length = this.#check("read", raw.pread(this.#counter.fd, this.#text, size, 0n));
    return parseInt(new TextDecoder().decode(this.#text.subarray(0, length)));
  }

  #check(call: string, result: number): number {
    if (result < 0) throw new SysError(COUNTER, call, -orErrno(result));
    return result;
  }

  close(): void {
    this.#counter.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
