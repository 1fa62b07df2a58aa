/**
 * What several groups of checks expect of a tool.
 *
 * @module
 */
import { SysError } from "../../lib/sys/errno.ts";
import { exists } from "./modules.ts";
import { Patience } from "./patience.ts";
import type { Outcome, Running } from "./processes.ts";
import { expect, expectEqual } from "./suite.ts";
import { until } from "./waiting.ts";

/** Of a tool that stands still. */
const WAIT_S = 60;

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

/**
 * Waits until the CSV of a tool has `count` rows, as a sign that the tool is at work; another one's file
 * may not be there.
 */
export async function someRows(tool: Running, csv: string, count = 1): Promise<void> {
  const hasRows = () => exists(csv) && Deno.readTextFileSync(csv).split("\n").length > 1 + count;
  const patience = Patience.with(tool.pid, WAIT_S);
  await until(`${count} rows in ${csv}`, () => hasRows() || tool.isOver, patience);
  if (hasRows()) return;
  const { status, stderr } = await tool.end();
  expect(false, `${csv} has not ${count} rows: its tool ended with ${status}: ${stderr.trim()}`);
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
