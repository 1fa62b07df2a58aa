/**
 * How many descriptors this process may have.
 *
 * @module
 */
const RLIMIT_NOFILE = 7;

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
});

/**
 * Raises the limit to the one up to which it may be raised: the lower one is for programs that use
 * select(2).
 *
 * @returns the limit from now on
 */
export function raiseDescriptorLimit(): number {
  const limits = new BigUint64Array(2);
  const bytes = new Uint8Array(limits.buffer);
  if (libc.getrlimit(RLIMIT_NOFILE, bytes) !== 0) return 0;
  const [soft, hard] = limits;
  limits[0] = hard;
  return Number(libc.setrlimit(RLIMIT_NOFILE, bytes) === 0 ? hard : soft);
}
