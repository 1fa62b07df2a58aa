/**
 * Library calls that no tool needs: with addresses that point nowhere, on other processes'
 * descriptors, for modules; and mappings as addresses.
 *
 * @module
 */
import { errno, SysError } from "../../../lib/sys/errno.ts";
import { libc } from "../../../lib/sys/libc.ts";

const library = Deno.dlopen("libc.so.6", {
  ioctl: { parameters: ["i32", "u32", "usize"], result: "i32" },
  read: { parameters: ["i32", "usize", "usize"], result: "i32" },
  write: { parameters: ["i32", "usize", "usize"], result: "i32" },
  pread: { parameters: ["i32", "buffer", "usize", "i64"], result: "i32" },
  pwrite: { parameters: ["i32", "buffer", "usize", "i64"], result: "i32" },
  mprotect: { parameters: ["usize", "usize", "i32"], result: "i32" },
  mmap: { parameters: ["usize", "usize", "i32", "i32", "i32", "i64"], result: "usize" },
  mremap: { parameters: ["usize", "usize", "usize", "i32", "usize"], result: "usize" },
  munmap: { parameters: ["usize", "usize"], result: "i32" },
  clone: { parameters: ["pointer", "usize", "i32", "usize"], result: "i32" },
  dlsym: { parameters: ["pointer", "buffer"], result: "pointer" },
  waitpid: { parameters: ["i32", "pointer", "i32"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  dup: { parameters: ["i32"], result: "i32" },
  pidfd_open: { parameters: ["i32", "u32"], result: "i32" },
  pidfd_getfd: { parameters: ["i32", "i32", "u32"], result: "i32" },
  init_module: { parameters: ["buffer", "usize", "buffer"], result: "i32" },
  delete_module: { parameters: ["buffer", "u32"], result: "i32" },
});

/** The calls by name; each behaves as its manual page says. */
export const raw = library.symbols;

/** A call's result, or the negated errno. */
export function orErrno(result: number): number {
  return result < 0 ? -errno[0] : result;
}

/** A descriptor of its own for what another process has open; throws where that cannot be had. */
export function descriptorOf({ pid, fd }: { readonly pid: number; readonly fd: number }): number {
  const process = orErrno(raw.pidfd_open(pid, 0));
  const own = orErrno(raw.pidfd_getfd(process, fd, 0));
  if (process >= 0) libc.close(process);
  if (own < 0) throw new SysError(`process ${pid}`, "pidfd_getfd", -own);
  return own;
}
