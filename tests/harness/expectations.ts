/**
 * What several groups of checks expect of a tool.
 *
 * @module
 */
import { SysError } from "../../lib/sys/errno.ts";
import type { Outcome } from "./processes.ts";
import { expect, expectEqual } from "./suite.ts";
import { delay } from "./waiting.ts";

/** Checks that a tool ended with `status` and one line on stderr that has `message`. */
export function expectError(
  outcome: Outcome,
  tool: string,
  status: number,
  message: string,
): string {
  const lines = outcome.stderr.trimEnd().split("\n");
  expectEqual("status", outcome.status, status);
  expectEqual("lines on stderr", lines.length, 1);
  expect(
    lines[0].startsWith(`${tool}: `) && lines[0].includes(message),
    `stderr is "${lines[0]}", expected "${tool}: ...${message}"`,
  );
  return `status ${status}, "${lines[0]}"`;
}

/** Waits until a CSV has `count` rows, as a sign that its tool is at work. */
export async function someRows(csv: string, count = 1): Promise<void> {
  for (let i = 0; i < 300; i++) {
    await delay(100);
    try {
      if (Deno.readTextFileSync(csv).split("\n").length > 1 + count) return;
    } catch {
      // Not made yet.
    }
  }
  expect(false, `${csv} has not ${count} rows within 30 s`);
}

/** The errno that `body` fails with; 0 if it does not. */
export function errnoOf(body: () => unknown): number {
  try {
    body();
    return 0;
  } catch (error) {
    if (error instanceof SysError) return error.code;
    throw error;
  }
}
