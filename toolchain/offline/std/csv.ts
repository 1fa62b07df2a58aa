/** Stand-in for jsr:@std/csv, reading on npm:csv-parse. */
import { parse as npmParse } from "npm:csv-parse@5.6.0/sync";

export function parse(input: string, options: { skipFirstRow: true }): Record<string, string>[];
export function parse(input: string, options: { lazyQuotes: true }): string[][];
export function parse(
  input: string,
  { skipFirstRow = false, lazyQuotes = false }: { skipFirstRow?: boolean; lazyQuotes?: boolean },
): Record<string, string>[] | string[][] {
  return npmParse(input, {
    columns: skipFirstRow,
    relax_quotes: lazyQuotes,
    relax_column_count: !skipFirstRow,
    skip_empty_lines: true,
  });
}

export function stringify(
  rows: readonly Record<string, unknown>[],
  { columns }: { columns: readonly string[] },
): string {
  const cell = (value: unknown) => {
    const text = String(value ?? "");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = rows.map((row) => columns.map((name) => cell(row[name])));
  return [columns.map(cell), ...lines].map((line) => line.join(",") + "\r\n").join("");
}
