/**
 * How the running program was called: by itself, or as one of the names of `vpipe`, which sets this
 * before it loads the tool.
 *
 * @module
 */
import type { Flag, Parameter } from "./parameters.ts";

/** What a tool's command line may have. */
export interface Declaration {
  readonly name: string;
  readonly summary: string;
  // deno-lint-ignore no-explicit-any
  readonly positionals: Readonly<Record<string, Parameter<any>>>;
  // deno-lint-ignore no-explicit-any
  readonly options: Readonly<Record<string, Parameter<any> | Flag>>;
}

/** Of this process. */
export const invocation: {
  /** The tool's arguments. */
  args: readonly string[];
  /** Takes a tool's declaration; the tool is not run then. */
  declare?: (tool: Declaration) => void;
} = { args: Deno.args };
