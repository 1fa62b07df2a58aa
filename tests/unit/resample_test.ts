/**
 * What bench-compare claims of its intervals and verdicts, counted over simulated runs whose truth is
 * known. `COMPARISONS=20000` counts more of them.
 */
import { assert, assertEquals } from "@std/assert";
import {
  type Margins,
  ownMargins,
  ratioInterval,
  type Verdict,
  verdictOf,
} from "../../lib/report/analysis/resample.ts";
import { driftOf } from "../../lib/report/analysis/drift.ts";

const COMPARISONS = Number(Deno.env.get("COMPARISONS") ?? 1000);

/** From 0 to 1, both excluded; the same in each run. */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return (((mixed ^ (mixed >>> 16)) >>> 0) + 0.5) / 0x1_0000_0000;
  };
}

type Noise = (next: () => number) => number;

const gaussian: Noise = (next) => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next());

/** How the logarithm of a run's figure is spread. */
const RUNS: Readonly<Record<string, Noise>> = {
  "normal": (next) => 0.05 * gaussian(next),
  // A machine that is now and then busy with something else, and then much slower.
  "with slow runs": (next) => 0.03 * gaussian(next) + (next() < 0.1 ? 0.3 * next() : 0),
  // Student's, of three degrees of freedom.
  "heavy-tailed": (next) => {
    const of = Math.sqrt((gaussian(next) ** 2 + gaussian(next) ** 2 + gaussian(next) ** 2) / 3);
    return 0.03 * gaussian(next) / of;
  },
  // Exponential: never faster than it can be.
  "skewed": (next) => -0.05 * Math.log(next()),
};

/** One comparison: what the runs of both sides took, whose true ratio is `truth`. */
function sides(pairs: number, truth: number, noise: Noise, next: () => number) {
  const one = (of: number) => Array.from({ length: pairs }, () => of * Math.exp(noise(next)));
  return [one(1), one(truth)] as const;
}

const ratiosOf = ([base, other]: readonly [number[], number[]]) => base.map((v, i) => other[i] / v);

const isAlarm = (verdict: Verdict) => verdict === "better" || verdict === "worse";

/** The same runs, farther from each other. */
const times = (factor: number, noise: Noise): Noise => (next) => factor * noise(next);

const ASKED: Margins = { same: 0.03, noise: 0.03 };

function share(holds: () => boolean): number {
  let held = 0;
  for (let i = 0; i < COMPARISONS; i++) if (holds()) held++;
  return held / COMPARISONS;
}

for (const [name, noise] of Object.entries(RUNS)) {
  for (const pairs of [5, 10, 20]) {
    Deno.test(`compare: ${pairs} pairs of runs, ${name}: the interval covers the truth in 93 to 97 %`, () => {
      const next = uniform(pairs);
      const covered = share(() => {
        const { low, high } = ratioInterval(ratiosOf(sides(pairs, 1.2, noise, next)))!;
        return low <= 1.2 && 1.2 <= high;
      });
      assert(covered >= 0.93 && covered <= 0.97, `${(covered * 100).toFixed(1)} %`);
    });
  }

  const alarms = (pairs: number) => {
    const next = uniform(pairs);
    return share(() => {
      const runs = sides(pairs, 1, noise, next);
      return isAlarm(verdictOf(ratioInterval(ratiosOf(runs)), ownMargins(runs)));
    });
  };

  Deno.test(`compare: 5 pairs of runs, ${name}: a figure of A against A is an alarm in less than 1 %`, () => {
    const found = alarms(5);
    assert(found < 0.01, `${(found * 100).toFixed(2)} %`);
  });

  Deno.test(`compare: 7 pairs of runs, ${name}: any of 20 figures of A against A in less than 5 %`, () => {
    const found = 1 - (1 - alarms(7)) ** 20;
    assert(found < 0.05, `${(found * 100).toFixed(2)} %`);
  });

  for (const pairs of [5, 10, 20]) {
    Deno.test(`compare: ${pairs} pairs of noisy runs, ${name}: 10 % more is not called the same`, () => {
      const next = uniform(pairs);
      const same = share(() => {
        const runs = sides(pairs, 1.1, times(3, noise), next);
        return verdictOf(ratioInterval(ratiosOf(runs)), ownMargins(runs)) === "same";
      });
      assert(same < 0.01, `${(same * 100).toFixed(2)} %`);
    });

    Deno.test(`compare: ${pairs} pairs of noisy runs, ${name}: A against A is an alarm of --noise 3% in less than 5 %`, () => {
      const next = uniform(pairs);
      const found = share(() => {
        const runs = sides(pairs, 1, times(3, noise), next);
        return isAlarm(verdictOf(ratioInterval(ratiosOf(runs)), ASKED));
      });
      assert(found < 0.05, `${(found * 100).toFixed(2)} %`);
    });
  }

  Deno.test(`compare: 10 pairs of runs, ${name}: 20 % more is found in most comparisons`, () => {
    const next = uniform(10);
    const found = share(() => {
      const runs = sides(10, 1.2, noise, next);
      return verdictOf(ratioInterval(ratiosOf(runs)), ownMargins(runs)) === "worse";
    });
    assert(found > 0.8, `${(found * 100).toFixed(1)} %`);
  });

  Deno.test(`compare: steady runs, ${name}, are said to drift in less than 5 %, and slopes in most`, () => {
    const next = uniform(2);
    const run = (slope: number) =>
      Array.from({ length: 300 }, (_, i) => Math.exp(noise(next) + slope * i / 300));
    const tries = COMPARISONS / 10;
    const drifted = (slope: number) =>
      Array.from({ length: tries }, () => driftOf(run(slope), 0.01)).filter((of) => of).length /
      tries;
    const [steady, sloping] = [drifted(0), drifted(0.2)];
    assert(steady < 0.05 && sloping > 0.9, `${steady}, ${sloping}`);
  });
}

Deno.test("compare: the interval of five pairs is from the least to the most of them", () => {
  const { low, high } = ratioInterval([1, 2, 1.5, 0.5, 1.2])!;
  assertEquals([low.toFixed(6), high.toFixed(6)], ["0.500000", "2.000000"]);
  assertEquals(ratioInterval([1, 2, 1.5, 0.5]), undefined);
});

/** In how many of a hundred comparisons it cannot be told; docs/design.md has them. */
const CANNOT_TELL: readonly [
  what: string,
  truth: number,
  spread: number,
  of: Record<number, number>,
][] = [
  ["A against A, runs that spread by 1 %", 1, 0.01, { 3: 100, 5: 18, 10: 0, 20: 0 }],
  ["A against A, runs that spread by 5 %", 1, 0.05, { 3: 100, 5: 99, 10: 99, 20: 96 }],
  ["20 % more, runs that spread by 5 %", 1.2, 0.05, { 3: 100, 5: 27, 10: 5, 20: 0 }],
];

for (const [what, truth, spread, of] of CANNOT_TELL) {
  for (const [pairs, stated] of Object.entries(of)) {
    Deno.test(`compare: ${pairs} pairs, ${what}: it cannot be told in ${stated} %`, () => {
      const next = uniform(Number(pairs));
      const found = 100 * share(() => {
        const runs = sides(Number(pairs), truth, (next) => spread * gaussian(next), next);
        return verdictOf(ratioInterval(ratiosOf(runs)), ownMargins(runs)) === "cannot tell";
      });
      assert(Math.abs(found - stated) <= 5, `${found.toFixed(1)} %`);
    });
  }
}

Deno.test("compare: verdicts", () => {
  const of = (low: number, high: number) => verdictOf({ low, high }, ASKED);
  assertEquals(of(1.05, 1.2), "worse");
  assertEquals(of(0.8, 0.95), "better");
  assertEquals(of(0.99, 1.02), "same");
  assertEquals(of(0.9, 1.2), "cannot tell");
  const pairs = (...ratios: number[]) => verdictOf(ratioInterval(ratios), ASKED);
  assertEquals(pairs(1, 1, 1, 1), "cannot tell");
  assertEquals(pairs(1, 1, 1, 1, 1), "same");
  assertEquals(pairs(2, 2, 2, 2, 2), "worse");
});

Deno.test("compare: what is within the runs' own spread is no finding, and not the same", () => {
  const noisy = ownMargins([[100, 100, 100, 100, 100], [1, 4, 5, 6, 90]]);
  assertEquals(noisy, { same: 0.03, noise: 0.5 });
  assertEquals(verdictOf({ low: 0.9, high: 1.3 }, noisy), "cannot tell");
  assertEquals(verdictOf({ low: 1.1, high: 1.3 }, noisy), "cannot tell");
  assertEquals(verdictOf({ low: 0.98, high: 1.01 }, noisy), "same");
  assertEquals(ownMargins([[1, 1], [2, 2]]), { same: 0.03, noise: 0.03 });
});
