/**
 * Memory that is never there: whoever touches it waits until this process ends.
 *
 * @module
 */
import { errno } from "../../lib/sys/errno.ts";
import { libc } from "../../lib/sys/libc.ts";
import { raw } from "./libc.ts";

// Source: asm/unistd_64.h, asm-generic/unistd.h and linux/userfaultfd.h.
const SYS_USERFAULTFD = Deno.build.arch === "x86_64" ? 323n : 282n;
const UFFDIO_API = 0xc018aa3f;
const UFFDIO_REGISTER = 0xc020aa00;
const UFFD_API = 0xaan;
const UFFDIO_REGISTER_MODE_MISSING = 1n;

const library = Deno.dlopen("libc.so.6", {
  syscall: { parameters: ["i64", "i64"], result: "i32" },
  mmap: { parameters: ["usize", "usize", "i32", "i32", "i32", "i64"], result: "usize" },
});

const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;

const PAGE_SIZE = libc.getpagesize();

/** @returns the address of so many bytes that are never there; undefined where the kernel cannot */
export function missingMemory(bytes: number): bigint | undefined {
  const fd = library.symbols.syscall(SYS_USERFAULTFD, 0n);
  if (fd < 0) return undefined;
  const length = BigInt(Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE);
  const address = library.symbols.mmap(
    ...[0n, length, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0n] as const,
  );
  const api = BigUint64Array.of(UFFD_API, 0n, 0n);
  const range = BigUint64Array.of(address, length, UFFDIO_REGISTER_MODE_MISSING, 0n);
  for (const [request, argument] of [[UFFDIO_API, api], [UFFDIO_REGISTER, range]] as const) {
    const at = BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(argument)));
    if (raw.ioctl(fd, request, at) < 0) throw new Error(`userfaultfd: errno ${errno()}`);
  }
  return address;
}
