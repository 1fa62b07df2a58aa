/**
 * The C library's heap.
 *
 * @module
 */

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  mallopt: { parameters: ["i32", "i32"], result: "i32" },
});

/** Of mallopt(3), by malloc.h. */
const M_MMAP_THRESHOLD = -3;

/** As the C library begins with it: it raises this to the largest piece that was freed, up to 32 MiB. */
const LARGE_BYTES = 128 * 1024;

/**
 * Has whatever is large go back to the kernel when it is freed, in all threads from now on. Else each
 * thread's heap may keep as much as it once had, for itself.
 */
export function returnLargeMemory(): void {
  libc.mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
}
