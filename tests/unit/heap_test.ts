import { assert } from "@std/assert";
import { returnLargeMemory } from "../../lib/sys/heap.ts";

const MIB = 1 << 20;

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  malloc: { parameters: ["usize"], result: "pointer" },
  free: { parameters: ["pointer"], result: "void" },
});

const residentMib = () =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync("/proc/self/status"))![1]) / 1024;

/** Has memory, writes all of it, and frees it. */
function use(bytes: number): void {
  const memory = libc.malloc(BigInt(bytes))!;
  new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(memory, bytes)).fill(1);
  libc.free(memory);
}

Deno.test("heap: what is large goes back when it is freed", () => {
  returnLargeMemory();
  // Behind the first one the others would not.
  use(28 * MIB);
  const before = residentMib();
  for (let size = 27; size > 20; size--) use(size * MIB);
  assert(residentMib() - before < 8, `${residentMib() - before} MiB stay`);
});
