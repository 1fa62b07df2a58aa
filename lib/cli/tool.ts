/**
 * What every tool does alike: arguments, `--help`, `--version`, `--json`, `--quiet`, `--debug`,
 * errors in one line, and the exit status.
 *
 * @module
 */
import { normalize } from "node:path";
import { parseArgs } from "@std/cli/parse-args";
import { descriptorOf, outputDescriptor, STDOUT } from "../files/files.ts";
import { Output } from "../files/output.ts";
import { described, type Flag, type Parameter, UsageError } from "./parameters.ts";
import { deviceAt, isSameFile } from "../sys/device_number.ts";
import { EBUSY, SysError } from "../sys/errno.ts";
import { holdersOf } from "./holders.ts";
import { plainLine } from "./plain_line.ts";
import { deliver, say } from "./say.ts";
import { StopRequest } from "./stop.ts";
import { VERSION } from "../version.ts";
import { suggestion } from "./suggest.ts";

// deno-lint-ignore no-explicit-any
export type Positionals = Record<string, Parameter<any>>;
// deno-lint-ignore no-explicit-any
export type Options = Record<string, Parameter<any> | Flag>;

/** The values of a command line: a parameter's own type, a flag's boolean. */
export type Values<P> = {
  -readonly [K in keyof P]: P[K] extends Flag ? boolean
    : P[K] extends Parameter<infer T> ? T
    : never;
};

/** What a tool gets beside its own values. */
export interface ToolSession {
  readonly quiet: boolean;
  readonly stop: StopRequest;
  /** One line on stderr, after the tool's name: something the user must know and no failure. */
  warn(message: string): void;
}

/** What a tool found out, for a person and for a program. */
export interface Report {
  /** Lines on stdout, unless `--quiet` or `--json`. */
  readonly text: readonly string[];
  /** One line on stdout with `--json`; quantities carry their unit in the key: `latency_ns`. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Exit status; 0 if left out. */
  readonly status?: number;
  /** What ended the run early: said after the report of what there is; the status is then 1. */
  readonly failure?: Error;
}

/** Why something has no effect, by its name; false where it has one. */
export type Idle = Readonly<Record<string, string | false>>;

/** A tool's command line and what it does. */
export interface Tool<P extends Positionals, O extends Options> {
  readonly name: string;
  /** One sentence for `--help`. */
  readonly summary: string;
  /** In their order on the command line. */
  readonly positionals: P;
  readonly options: O;
  /**
   * What has no effect beside the other values, by the name of its option or parameter, and why: where it is
   * given, it is refused with these words.
   */
  idle?(values: Values<P> & Values<O> & Values<typeof COMMON>): Idle;
  run(
    values: Values<P> & Values<O> & Values<typeof COMMON>,
    session: ToolSession,
  ): Report | Promise<Report>;
}

/** What every tool has. */
export const COMMON = {
  json: { flag: true, help: "print the result as one line of JSON on stdout" },
  quiet: { flag: true, help: "print nothing but errors" },
  debug: { flag: true, help: "show where an error came from" },
  version: { flag: true, help: "print the version", letter: "V" },
  help: { flag: true, help: "print this help", letter: "h" },
} satisfies Record<string, Flag>;

// deno-lint-ignore no-explicit-any
const isFlag = (option: Parameter<any> | Flag): option is Flag => "flag" in option;

function usage(tool: Tool<Positionals, Options>): string {
  const positionals = Object.values(tool.positionals)
    .map(({ metavar, fallback }) => fallback === undefined ? metavar : `[${metavar}]`);
  const all: Options = { ...tool.options, ...COMMON };
  const options = Object.entries(all);
  const rows = [
    ...Object.values(tool.positionals).map((p) => [p.metavar, described(p)]),
    ...options.map(([name, o]) =>
      isFlag(o)
        ? [`--${name}`, o.letter === undefined ? o.help : `${o.help} (-${o.letter})`]
        : [`--${name} ${o.metavar}`, described(o)]
    ),
  ];
  const width = Math.max(...rows.map(([left]) => left.length));
  const table = rows.map(([left, help]) => `  ${left.padEnd(width)}  ${help}`);
  if (positionals.length > 0) table.splice(positionals.length, 0, "");
  return [
    `usage: ${[tool.name, ...positionals, "[options]"].join(" ")}`,
    "",
    tool.summary,
    "",
    ...table,
  ].join("\n");
}

function convert<T>(name: string, parameter: Parameter<T>, text: string): T {
  try {
    return parameter.parse(text);
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`${name} ${error.message}`);
    throw error;
  }
}

/** `--name -` as `--name=-`: the dash is a value, stdin's or stdout's name. */
function withDashes(argv: readonly string[], valued: readonly string[]): string[] {
  const end = argv.includes("--") ? argv.indexOf("--") : argv.length;
  const isDash = (index: number) =>
    index < end && argv[index] === "-" && valued.some((name) => argv[index - 1] === `--${name}`);
  return argv.flatMap((arg, index) => isDash(index) ? [] : [isDash(index + 1) ? `${arg}=-` : arg]);
}

/** Checks a command line against a tool's declaration. */
export function parse<P extends Positionals, O extends Options>(
  tool: Pick<Tool<P, O>, "positionals" | "options" | "idle">,
  argv: readonly string[],
): Values<P> & Values<O> & Values<typeof COMMON> {
  const options: Options = { ...tool.options, ...COMMON };
  const names = Object.keys(options);
  const valued = names.filter((name) => !isFlag(options[name]));
  const letters = Object.entries(options).flatMap(([name, option]) =>
    isFlag(option) && option.letter !== undefined ? [[option.letter, name]] : []
  );
  const given = parseArgs(withDashes(argv, valued), {
    boolean: names.filter((name) => isFlag(options[name])),
    string: ["_", ...valued],
    collect: valued,
    alias: Object.fromEntries(letters),
    unknown(argument, key) {
      if (key === undefined) return;
      if (/^-[\d.]/.test(argument)) throw new UsageError(`negative number ${argument}`);
      const meant = suggestion(key, names, "--");
      throw new UsageError(`unknown option ${argument}${meant}`);
    },
  }) as { _: (string | number)[] } & Record<string, unknown>;
  const values: Record<string, unknown> = {};
  const used = new Set<string>();
  for (const name of names) {
    const option = options[name];
    if (isFlag(option)) {
      values[name] = given[name];
      if (given[name]) used.add(name);
      continue;
    }
    const texts = given[name] as string[];
    if (texts.length > 0) used.add(name);
    if (option.repeated) {
      values[name] = texts.flatMap((text) => convert(`--${name}`, option, text));
      continue;
    }
    if (texts.length > 1) throw new UsageError(`--${name} is given more than once`);
    values[name] = texts.length === 0 ? option.fallback : convert(`--${name}`, option, texts[0]);
  }
  // Help and version are answers to an incomplete command line.
  if (values.help || values.version) return values as ReturnType<typeof parse<P, O>>;

  const words = given._.map(String);
  const positionals = Object.entries(tool.positionals);
  // What has to be there comes first: an optional parameter before it gets a word that is left.
  let spare = words.length -
    positionals.filter(([, { fallback }]) => fallback === undefined).length;
  for (const [name, parameter] of positionals) {
    if (parameter.fallback !== undefined && --spare < 0) {
      values[name] = parameter.fallback;
      continue;
    }
    const text = words.shift();
    if (text === undefined) throw new UsageError(`${parameter.metavar} is missing`);
    values[name] = convert(parameter.metavar, parameter, text);
    used.add(name);
  }
  if (words.length > 0) throw new UsageError(`one argument too many: ${words[0]}`);
  const idle = tool.idle?.(values as Parameters<NonNullable<typeof tool.idle>>[0]) ?? {};
  for (const [name, why] of Object.entries(idle)) {
    if (why !== false && used.has(name)) throw new UsageError(why);
  }
  return values as ReturnType<typeof parse<P, O>>;
}

/** A file that the command line names, and what it is called there. */
interface NamedFile {
  readonly metavar: string;
  readonly path: string;
  readonly use: "input" | "output";
}

function filesOf<P extends Positionals, O extends Options>(
  { positionals, options }: Tool<P, O>,
  values: Record<string, unknown>,
): NamedFile[] {
  return [
    ...Object.entries(positionals).map((entry) => ["", ...entry] as const),
    ...Object.entries(options).map((entry) => ["--", ...entry] as const),
  ].flatMap(([dashes, name, parameter]) => {
    const path = values[name];
    if (isFlag(parameter) || parameter.file === undefined || typeof path !== "string") return [];
    return [{ metavar: dashes ? dashes + name : parameter.metavar, path, use: parameter.file }];
  });
}

/** Whether two outputs would be one: what is there, stdout, or a file that is yet to be made. */
function isOneOutput(a: string, b: string): boolean {
  const descriptor = outputDescriptor(a);
  if (descriptor !== undefined) return descriptor === outputDescriptor(b);
  return isSameFile(a, b) || normalize(a) === normalize(b) && deviceAt(a) === undefined;
}

/** Opening a file to be written empties it, and two that write to one mix. */
function refuseOverwriting(files: readonly NamedFile[]): void {
  for (const [index, { metavar, path, use }] of files.entries()) {
    if (use !== "output") continue;
    const other = files.find((file, at) =>
      at !== index &&
      (file.use === "output"
        ? isOneOutput(path, file.path)
        : descriptorOf(path, STDOUT) === undefined && isSameFile(path, file.path))
    );
    if (other === undefined) continue;
    throw new UsageError(`${metavar} is the same file as ${other.metavar}: ${path}`);
  }
}

/** Whether a tool's data go to stdout, so that nothing else may: a file need not be one of the command line's. */
function writesStdout(files: readonly NamedFile[]): boolean {
  return Output.hasStdout ||
    files.some(({ path, use }) => use === "output" && outputDescriptor(path) === STDOUT);
}

/** A tool as it is written down, with the types of its values found out. */
export function declareTool<P extends Positionals, O extends Options>(
  tool: Tool<P, O>,
): Tool<P, O> {
  return tool;
}

/** Of Deno's own errors, `No such file or directory (os error 2): ...`, the errno by its name; of a busy device who has it. */
function messageOf(error: Error): string {
  if (error instanceof SysError && error.code === EBUSY) {
    const holders = holdersOf(error.subject);
    return error.message + (holders.length > 0 ? `, open in ${holders.join(", ")}` : "");
  }
  const { code } = error as { code?: unknown };
  return typeof code === "string"
    ? error.message.replace(/\(os error \d+\)/, `(${code})`)
    : error.message;
}

/** Runs a tool, with the program's arguments where none are given, and ends the program. */
export async function main<P extends Positionals, O extends Options>(
  tool: Tool<P, O>,
  argv: readonly string[] = Deno.args,
): Promise<never> {
  using stop = new StopRequest();
  const status = await run(tool, argv, stop);
  const lost = await deliver(stop);
  if (lost !== undefined) {
    say("stderr", `${tool.name}: ${lost.message}`);
    await deliver(stop);
  }
  // A signal may have come while nobody read what there was to say.
  Deno.exit(status || (lost ? 1 : stop.status));
}

async function run<P extends Positionals, O extends Options>(
  tool: Tool<P, O>,
  argv: readonly string[],
  stop: StopRequest,
): Promise<number> {
  const tell = (message: string) => say("stderr", `${tool.name}: ${message}`);
  const complain = (message: string) => tell(plainLine(message));
  try {
    const values = parse(tool, argv);
    if (values.help) {
      say("stdout", usage(tool as unknown as Tool<Positionals, Options>));
      return 0;
    }
    if (values.version) {
      say("stdout", `${tool.name} ${VERSION}`);
      return 0;
    }
    const files = filesOf(tool, values);
    refuseOverwriting(files);
    const report = await tool.run(values, { quiet: values.quiet, stop, warn: complain });
    const stream = writesStdout(files) ? "stderr" : "stdout";
    const print = (line: string) => say(stream, line);
    if (values.json) print(JSON.stringify(report.json));
    else if (!values.quiet) { for (const line of report.text) print(plainLine(line)); }
    if (report.failure === undefined) return stop.status || (report.status ?? 0);
    const { stack } = report.failure;
    const message = messageOf(report.failure);
    if (values.debug && stack !== undefined) tell(stack);
    else complain(message);
    return 1;
  } catch (error) {
    const { stack } = error as Error;
    const message = messageOf(error as Error);
    if (error instanceof UsageError) {
      complain(`${message} (see ${tool.name} --help)`);
      return 2;
    }
    if (argv.includes("--debug") && stack !== undefined) tell(stack);
    else complain(message);
    return 1;
  }
}
