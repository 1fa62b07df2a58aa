/**
 * A process in which each call that a module serves runs out of memory, in one place after the
 * other.
 *
 * @module
 */
import { expect } from "../../harness/suite.ts";
import { FaultInjector } from "./fault_injection.ts";
import { decoderTrials } from "../decoder/fault_trials.ts";
import { filterTrials } from "../filter/fault_trials.ts";
import { loopTrials } from "../loop/fault_trials.ts";
import { ENOMEM } from "../../../lib/sys/errno.ts";
import { Random } from "../../harness/random.ts";
import type { Trial } from "./trial.ts";

const SUBJECTS = { filter: filterTrials, decoder: decoderTrials, loop: loopTrials };

/** What the worker is to do. */
export interface FaultsOrder {
  readonly seed: number;
  readonly seconds: number;
  readonly subject: keyof typeof SUBJECTS;
  /** The module's file. */
  readonly module: string;
}

/** What became of one call. */
export interface FaultReport {
  readonly name: string;
  /** Places where the call can fail, how many of them were made to, and how often it did. */
  readonly places: number;
  readonly tried: number;
  readonly failed: number;
}

function exercise(
  trial: Trial,
  injector: FaultInjector,
  random: Random,
  end: number,
): FaultReport {
  const allowed = [ENOMEM, ...trial.errnos ?? []];
  let places = 0;
  trial.run((call) => {
    const { result, places: counted } = injector.count(call);
    expect(result >= 0, `${trial.name}: errno ${-result} without a fault`);
    places = counted;
    return result;
  });
  if (trial.most !== undefined) {
    expect(places <= trial.most, `${trial.name}: asks for memory ${places} times`);
    // What there is is V4L2's own.
    places = 0;
  }
  let tried = 0;
  let failed = 0;
  for (const nth of random.shuffle(Array.from({ length: places }, (_, i) => i + 1))) {
    if (performance.now() > end) break;
    trial.run((call) => {
      const result = injector.fail(nth, call);
      const sound = result >= 0 || allowed.includes(-result);
      expect(sound, `${trial.name}: errno ${-result} after a fault in place ${nth} of ${places}`);
      if (result < 0) failed++;
      return result;
    });
    tried++;
  }
  return { name: trial.name, places, tried, failed };
}

/** Exercises all calls, each for its part of the time that those before it have left. */
export function injectFaults({ seed, seconds, subject, module }: FaultsOrder): FaultReport[] {
  const random = new Random(seed);
  const end = performance.now() + seconds * 1000;
  using injector = new FaultInjector();
  const trials = SUBJECTS[subject](module);
  return trials.map((trial, i) => {
    const now = performance.now();
    return exercise(trial, injector, random, now + (end - now) / (trials.length - i));
  });
}
