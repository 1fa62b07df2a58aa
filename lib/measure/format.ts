/**
 * Figures with their units.
 *
 * @module
 */

/** Nanoseconds in three digits and the unit that suits them: `812 ns`, `14.2 us`, `33.3 ms`. */
export function formatNs(ns: number): string {
  const units = [["s", 1e9], ["ms", 1e6], ["us", 1e3]] as const;
  for (const [unit, size] of units) {
    const value = ns / size;
    // 999.5 and more would print as four digits.
    if (Math.abs(value) >= 0.9995) {
      return `${
        value.toFixed(Math.abs(value) < 9.995 ? 2 : Math.abs(value) < 99.95 ? 1 : 0)
      } ${unit}`;
    }
  }
  return `${Math.round(ns)} ns`;
}
