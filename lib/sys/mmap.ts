/**
 * Shared memory mappings as byte arrays.
 *
 * @module
 */
import { libc } from "./libc.ts";
import { errno, SysError } from "./errno.ts";

/** asm-generic/mman-common.h and mman.h. */
export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const MAP_SHARED = 1;

/** A mapping of a device's or dma-buf's memory. `bytes` must not be touched after `close()`. */
export class Mapping implements Disposable {
  readonly bytes: Uint8Array<ArrayBuffer>;
  #pointer: Deno.PointerObject | null;

  /**
   * Maps `length` bytes of `file` from `offset`, shared.
   *
   * @throws {SysError} as mmap(2)
   */
  constructor(
    file: { readonly path: string; readonly fd: number },
    readonly length: number,
    { offset = 0, protection = PROT_READ | PROT_WRITE } = {},
  ) {
    const pointer = libc.mmap(
      null,
      BigInt(length),
      protection,
      MAP_SHARED,
      file.fd,
      BigInt(offset),
    );
    // MAP_FAILED is (void *)-1.
    if (pointer === null || Deno.UnsafePointer.value(pointer) === 0xffff_ffff_ffff_ffffn) {
      throw new SysError(file.path, "mmap", errno());
    }
    this.#pointer = pointer;
    this.bytes = new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(pointer, length));
  }

  close(): void {
    if (this.#pointer !== null) libc.munmap(this.#pointer, BigInt(this.length));
    this.#pointer = null;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
