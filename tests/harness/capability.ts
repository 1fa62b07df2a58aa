/**
 * Calls as by a program that may do less than this one.
 *
 * @module
 */
import { errno, SysError } from "../../lib/sys/errno.ts";

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  capget: { parameters: ["buffer", "buffer"], result: "i32" },
  capset: { parameters: ["buffer", "buffer"], result: "i32" },
});

// linux/capability.h: of this thread; effective, permitted and inheritable, the low words first.
const HEADER = Uint32Array.of(0x20080522, 0);
const WORDS = 6;
const CAP_SYS_ADMIN = 21;

function call(name: "capget" | "capset", data: Uint32Array<ArrayBuffer>): void {
  if (libc[name](HEADER.slice(), data) < 0) throw new SysError("this thread", name, errno[0]);
}

/** Runs `body` without CAP_SYS_ADMIN. */
export function withoutAdmin<T>(body: () => T): T {
  const before = new Uint32Array(WORDS);
  call("capget", before);
  const less = before.slice();
  less[0] &= ~(1 << CAP_SYS_ADMIN);
  call("capset", less);
  try {
    return body();
  } finally {
    call("capset", before);
  }
}
