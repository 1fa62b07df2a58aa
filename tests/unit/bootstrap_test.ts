import { assert, assertEquals } from "@std/assert";
import { ratioInterval, verdict } from "../../lib/report/analysis/bootstrap.ts";

/** Normally distributed numbers, the same in each run. */
function gaussian(seed: number): () => number {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 0x1_0000_0000;
  };
  return () => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next());
}

/** In how many of the simulated comparisons `holds`, of sides whose true ratio is `truth`. */
function share(pairs: number, truth: number, holds: (ratios: number[]) => boolean): number {
  const runs = 2000;
  const noise = gaussian(pairs);
  let held = 0;
  for (let run = 0; run < runs; run++) {
    const ratios = Array.from({ length: pairs }, () => truth * Math.exp(0.1 * noise()));
    if (holds(ratios)) held++;
  }
  return held / runs;
}

for (const pairs of [5, 7, 10, 20]) {
  Deno.test(`compare: ${pairs} pairs, the interval covers the truth in 93 to 97 %`, () => {
    const covered = share(pairs, 1.2, (ratios) => {
      const { low, high } = ratioInterval(ratios)!;
      return low <= 1.2 && 1.2 <= high;
    });
    assert(covered >= 0.93 && covered <= 0.97, `${covered * 100} %`);
  });

  Deno.test(`compare: ${pairs} pairs, A against A is an alarm in less than 5 %`, () => {
    const alarms = share(
      pairs,
      1,
      (ratios) => ["worse", "better"].includes(verdict(ratioInterval(ratios), 0.01)),
    );
    assert(alarms < 0.05, `${alarms * 100} %`);
  });
}

Deno.test("compare: verdicts", () => {
  const of = (low: number, high: number) => verdict({ ratio: (low + high) / 2, low, high }, 0.03);
  assertEquals(of(1.05, 1.2), "worse");
  assertEquals(of(0.8, 0.95), "better");
  assertEquals(of(0.99, 1.02), "same");
  assertEquals(of(0.9, 1.2), "cannot tell");
  assertEquals(verdict(ratioInterval([1, 1, 1, 1]), 0.03), "cannot tell");
  assertEquals(verdict(ratioInterval([1, 1, 1, 1, 1]), 0.03), "same");
});
