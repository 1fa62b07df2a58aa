/**
 * Command lines that a tool has to refuse, and how.
 *
 * @module
 */
import type { Context } from "./context.ts";
import { expectError } from "./expectations.ts";
import type { Suite } from "./suite.ts";

/** So many start side by side: they wait for the disk more than for a processor. */
const AT_ONCE = 4;

/** One of them. */
export interface Refusal {
  readonly name: string;
  readonly tool: string;
  readonly status: number;
  /** What the one line on stderr has in it. */
  readonly message: string;
  readonly args: readonly (string | number)[];
}

/** A check for each, under the group's name. */
export async function refusalChecks(
  suite: Suite,
  context: Context,
  group: string,
  refusals: readonly Refusal[],
): Promise<void> {
  for (let at = 0; at < refusals.length; at += AT_ONCE) {
    const batch = refusals.slice(at, at + AT_ONCE).map((refusal) => ({
      ...refusal,
      program: context.start(refusal.tool, ...refusal.args),
    }));
    for (const { name, status, message, tool, program } of batch) {
      await suite.check(`${group}: ${name}`, async () => {
        await using running = program;
        return expectError(await running.end(), tool, status, message);
      });
    }
  }
}
