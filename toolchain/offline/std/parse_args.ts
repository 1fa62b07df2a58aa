/** Stand-in for jsr:@std/cli/parse-args, on node:util. */
import { parseArgs as nodeParseArgs } from "node:util";

export interface ParseOptions {
  boolean?: readonly string[];
  string?: readonly string[];
  collect?: readonly string[];
  /** Names by their letters. */
  alias?: Readonly<Record<string, string>>;
  unknown?: (argument: string, key?: string, value?: unknown) => unknown;
}

// deno-lint-ignore no-explicit-any
type Parsed = Record<string, any> & { _: (string | number)[] };

export function parseArgs(args: string[], options: ParseOptions = {}): Parsed {
  const { boolean = [], string = [], collect = [], alias = {}, unknown } = options;
  const named = string.filter((name) => name !== "_");
  const end = args.includes("--") ? args.indexOf("--") : args.length;
  const { tokens } = nodeParseArgs({
    // What begins with a dash is the next option and nobody's value, which node takes it for.
    args: args.map((arg, index) => {
      const isBare = index < end && named.some((name) => arg === `--${name}`);
      return isBare && /^-/.test(args[index + 1] ?? "") ? `${arg}=` : arg;
    }),
    strict: false,
    tokens: true,
    options: {
      ...Object.fromEntries(boolean.map((name) => [name, { type: "boolean" }])),
      ...Object.fromEntries(named.map((name) => [name, { type: "string" }])),
    },
  });
  const parsed: Parsed = { _: [] };
  for (const name of boolean) parsed[name] = false;
  for (const name of collect) parsed[name] = [];
  for (const token of tokens) {
    if (token.kind === "positional") {
      parsed._.push(token.value);
    } else if (token.kind === "option") {
      const { rawName, value } = token;
      const name = Object.hasOwn(alias, token.name) ? alias[token.name] : token.name;
      if (boolean.includes(name)) parsed[name] = value !== "false";
      else if (!named.includes(name)) unknown?.(rawName, name, value ?? true);
      else if (collect.includes(name)) parsed[name].push(value ?? "");
      else parsed[name] = value ?? "";
    }
  }
  return parsed;
}
