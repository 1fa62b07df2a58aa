/**
 * Memory that is never there: whoever touches it waits until it comes, or this process ends.
 *
 * @module
 */
import { errno } from "../../../lib/sys/errno.ts";
import { addressOf, libc } from "../../../lib/sys/libc.ts";
import * as uffd from "../../../lib/uapi/userfaultfd.ts";
import { raw } from "./libc.ts";

// Source: asm/unistd_64.h, asm-generic/unistd.h.
const SYS_USERFAULTFD = Deno.build.arch === "x86_64" ? 323n : 282n;

const library = Deno.dlopen("libc.so.6", {
  syscall: { parameters: ["i64", "i64"], result: "i32" },
  mmap: { parameters: ["usize", "usize", "i32", "i32", "i32", "i64"], result: "usize" },
});

const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;

const PAGE_SIZE = libc.getpagesize();

/** Memory that is not there. */
interface Missing {
  readonly address: bigint;
  /** It is, from now on: zeros. */
  come(): void;
}

/** @returns so many bytes that are never there; undefined where the kernel cannot */
export function missingMemory(bytes: number): Missing | undefined {
  const fd = library.symbols.syscall(SYS_USERFAULTFD, 0n);
  if (fd < 0) return undefined;
  const length = BigInt(Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE);
  const address = library.symbols.mmap(
    ...[0n, length, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0n] as const,
  );
  const mode = BigInt(uffd.UFFDIO_REGISTER_MODE_MISSING);
  for (
    const [{ request }, { bytes }] of [
      [uffd.UFFDIO_API, uffd.uffdio_api.alloc({ api: BigInt(uffd.UFFD_API) })],
      [uffd.UFFDIO_REGISTER, uffd.uffdio_register.alloc({ start: address, len: length, mode })],
    ] as const
  ) {
    if (raw.ioctl(fd, request, addressOf(bytes)) < 0) {
      throw new Error(`userfaultfd: errno ${errno[0]}`);
    }
  }
  return { address, come: () => void raw.close(fd) };
}
