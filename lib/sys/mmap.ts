/**
 * Memory mappings as byte arrays.
 *
 * @module
 */
import { libc } from "./libc.ts";
import { errno, SysError } from "./errno.ts";

/** asm-generic/mman-common.h and mman.h. */
export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const MAP_SHARED = 1;
export const MAP_PRIVATE = 2;
export const MAP_ANONYMOUS = 0x20;

/** Of memfd_create(2). */
export const MFD_CLOEXEC = 1;
export const MFD_ALLOW_SEALING = 2;

const READ_WRITE = PROT_READ | PROT_WRITE;

/** Mapped memory. `bytes` must not be touched after `close()`. */
export class Mapping implements Disposable {
  /** The memory itself, of `length` bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where the memory lies, as the kernel takes it. */
  readonly address: number;
  #pointer: Deno.PointerObject | null;

  /**
   * Of memory that mmap(2) gave; the static functions call it.
   *
   * @param length in bytes
   */
  protected constructor(pointer: Deno.PointerObject, readonly length: number) {
    this.#pointer = pointer;
    this.address = Number(Deno.UnsafePointer.value(pointer));
    this.bytes = new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(pointer, length));
  }

  /**
   * Maps `length` bytes of a device or dma-buf from `offset`, shared, for reading and writing.
   *
   * @throws {SysError} as mmap(2)
   */
  static shared(
    file: { readonly path: string; readonly fd: number },
    length: number,
    offset = 0,
  ): Mapping {
    return new Mapping(map(file.path, length, READ_WRITE, MAP_SHARED, file.fd, offset), length);
  }

  /**
   * Maps `length` bytes of a device or dma-buf from `offset`, shared. A write there is a SIGSEGV.
   *
   * @throws {SysError} as mmap(2)
   */
  static readOnly(
    file: { readonly path: string; readonly fd: number },
    length: number,
    offset = 0,
  ): Mapping {
    return new Mapping(map(file.path, length, PROT_READ, MAP_SHARED, file.fd, offset), length);
  }

  /**
   * Maps `length` bytes of fresh memory, whose pages do not exist until they are touched.
   *
   * @throws {SysError} ENOMEM
   */
  static anonymous(length: number): Mapping {
    return new Mapping(
      map("memory", length, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      length,
    );
  }

  /** The same as `address`, for a foreign function. */
  get pointer(): Deno.PointerObject {
    return this.#pointer!;
  }

  /** Unmaps the memory; a second call does nothing. */
  close(): void {
    if (this.#pointer !== null) libc.munmap(this.#pointer, BigInt(this.length));
    this.#pointer = null;
  }

  /** As `close`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

function map(
  subject: string,
  length: number,
  protection: number,
  flags: number,
  fd: number,
  offset: number,
) {
  const pointer = libc.mmap(null, BigInt(length), protection, flags, fd, BigInt(offset));
  // MAP_FAILED is (void *)-1.
  if (pointer === null || Deno.UnsafePointer.value(pointer) === 0xffff_ffff_ffff_ffffn) {
    throw new SysError(subject, "mmap", errno[0]);
  }
  return pointer;
}
