/** Stand-in for jsr:@std/csv, on npm:csv-parse. */
import { parse as npmParse } from "npm:csv-parse@5.6.0/sync";

export function parse(
  input: string,
  _options: { skipFirstRow: true },
): Record<string, string>[] {
  return npmParse(input, { columns: true });
}
