import { assert, assertEquals } from "@std/assert";
import { Random } from "../harness/random.ts";
import { Coverage } from "../fuzz/coverage.ts";
import { Fuzzer } from "../fuzz/fuzzer.ts";
import { mutate } from "../fuzz/mutator.ts";

/** Fails for one beginning in 2^24: chance alone does not find it. */
const PLANTED = `export function parse(bytes) {
  if (bytes[0] === 0xff) {
    if (bytes[1] === 0x80) {
      if (bytes[2] === 0x7f) throw new Error("planted");
      return 3;
    }
    return 2;
  }
  return 1;
}`;
const RUNS = 6000;

Deno.test("fuzz: a planted fault is found, the same way for the same seed", async () => {
  const coverage = new Coverage((url) => url.startsWith("data:"));
  await coverage.begin();
  try {
    const search = async (seed: number) => {
      // Another script each time: its blocks are new ones.
      const url = `data:text/javascript,${encodeURIComponent(`${PLANTED} // ${Math.random()}`)}`;
      const { parse } = await import(url);
      const target = { name: "planted", reads: url, seeds: [new Uint8Array(4)], run: parse };
      const fuzzer = new Fuzzer(target, coverage, seed);
      for (let left = RUNS; left > 0; left--) {
        const find = await fuzzer.step();
        if (find) return { runs: fuzzer.runs, input: [...find.input.subarray(0, 3)] };
      }
      return { runs: fuzzer.runs, input: [] };
    };
    const first = await search(1);
    assertEquals(first.input, [0xff, 0x80, 0x7f]);
    assert(first.runs < RUNS);
    assertEquals(await search(1), first);
  } finally {
    coverage.end();
  }
});

Deno.test("fuzz: changes are bounded, and leave their input alone", () => {
  const random = new Random(3);
  const input = new Uint8Array(100).fill(7);
  for (let left = 5000; left > 0; left--) {
    const changed = mutate(random, input, Uint8Array.of(1, 2, 3));
    assert(changed.length <= 1 << 16);
    assert(input.every((byte) => byte === 7));
  }
  assert(mutate(random, new Uint8Array(), new Uint8Array()).length >= 0);
});
