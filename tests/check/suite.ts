/**
 * The check suite's harness: runs checks one after the other, prints what each compared, counts.
 *
 * @module
 */

/** Why a check did not hold. */
export class CheckFailure extends Error {}

/** Why a check cannot be made on this machine. */
export class Skip extends Error {}

/** Fails the running check unless `condition` holds. */
export function expect(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new CheckFailure(otherwise);
}

/** Fails the running check unless both are the same. */
export function expectEqual<T extends string | number | bigint | boolean | undefined>(
  what: string,
  actual: T,
  expected: T,
): void {
  expect(actual === expected, `${what} is ${actual}, expected ${expected}`);
}

/** Collects the results. */
export class Suite {
  passed = 0;
  failed = 0;
  skipped = 0;

  /**
   * Runs one check.
   *
   * @param body returns in words what was compared with what
   */
  async check(name: string, body: () => string | Promise<string>): Promise<void> {
    const start = performance.now();
    const say = (result: string, text: string) => {
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      console.log(`${result.padEnd(7)} ${seconds.padStart(5)} s  ${name}: ${text}`);
    };
    try {
      const compared = await body();
      this.passed++;
      say("ok", compared);
    } catch (error) {
      const { message, stack } = error as Error;
      if (error instanceof Skip) {
        this.skipped++;
        say("skipped", message);
      } else {
        this.failed++;
        say("FAILED", error instanceof CheckFailure ? message : stack ?? message);
      }
    }
  }

  /** The last line of the suite's output. */
  get closing(): string {
    const counts = `${this.passed} passed, ${this.failed} failed`;
    return this.skipped === 0 ? counts : `${counts}, ${this.skipped} skipped`;
  }
}
