/**
 * Results of calls, compared with what they have to be.
 *
 * @module
 */
import { expectEqual } from "../../harness/suite.ts";

/** Counts what was compared. */
export class Counter {
  count = 0;

  same(what: string, actual: number, expected: number): void {
    expectEqual(what, actual, expected);
    this.count++;
  }

  /** @param result a negated errno */
  refused(what: string, result: number, code: number): void {
    this.same(`${what}: errno`, -Math.min(result, 0), code);
  }
}
