/**
 * Writes manual pages and completion of what the tools declare: scripts/manual.ts FOLDER
 *
 * @module
 */
import { described } from "../lib/cli/parameters.ts";
import { COMMON, type Options } from "../lib/cli/tool.ts";
import { type AnyTool, TOOLS } from "../tools/all.ts";
import { EXAMPLES } from "./manual_examples.ts";

const [folder] = Deno.args;
if (folder === undefined) {
  console.error("usage: scripts/manual.ts FOLDER");
  Deno.exit(2);
}

const declared = await Promise.all(Object.values(TOOLS).map((load) => load()));
const NAMES = Object.keys(TOOLS);

interface Option {
  readonly name: string;
  /** Undefined for a flag. */
  readonly metavar?: string;
  readonly help: string;
  readonly letter?: string;
}

function optionsOf({ options }: AnyTool): readonly Option[] {
  const all: Options = { ...options, ...COMMON };
  return Object.entries(all).map(([name, option]) => ({
    name,
    metavar: "flag" in option ? undefined : option.metavar,
    help: described(option),
    letter: "flag" in option ? option.letter : undefined,
  }));
}

/** Text as mdoc(7) takes it: no macro, no escape. */
const plain = (text: string) =>
  text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^(['.])/gm, "\\&$1");

/** An argument of a macro. */
const argument = (text: string) => `"${plain(text).replaceAll('"', '""')}"`;

/** A line in several, at its blanks. */
const wrapped = (line: string) =>
  line.replace(/(?=.{79})(.{1,78}) /g, "$1\n").replace(/\n(?=['.])/g, "\n\\&");

/** A sentence a line, as manual pages have it. */
const sentences = (text: string) =>
  plain(text).replace(/([.:;]) (?=[A-Z])/g, "$1\n").split("\n").map(wrapped).join("\n");

const DATE = new Intl.DateTimeFormat("en-US", { dateStyle: "long", timeZone: "UTC" })
  .format(new Date(Number(Deno.env.get("SOURCE_DATE_EPOCH") ?? 1764374400) * 1000));

const head = (name: string, summary: string) => [
  `.\\" SPDX-License-Identifier: MIT`,
  `.Dd ${DATE}`,
  `.Dt ${name.toUpperCase()} 1`,
  ".Os",
  ".Sh NAME",
  `.Nm ${name}`,
  `.Nd ${plain(summary)}`,
];

/** `Writes rows.` as the words after a name. */
const short = (summary: string) => {
  const first = summary.split(/[.:,;] /)[0].replace(/\.$/, "");
  return first[0].toLowerCase() + first.slice(1);
};

function page(tool: AnyTool): string {
  const positionals = Object.values(tool.positionals);
  const options = optionsOf(tool);
  const examples = EXAMPLES[tool.name] ?? [];
  const lines = [
    ...head(tool.name, short(tool.summary)),
    ".Sh SYNOPSIS",
    `.Nm ${tool.name}`,
    ".Op Ar option ...",
    ...positionals.map(({ metavar, fallback }) =>
      fallback === undefined ? `.Ar ${argument(metavar)}` : `.Op Ar ${argument(metavar)}`
    ),
    ".Sh DESCRIPTION",
    sentences(tool.summary),
  ];
  if (positionals.length > 0) {
    lines.push(".Pp", "The arguments are as follows:", ".Bl -tag -width Ds");
    for (const parameter of positionals) {
      lines.push(`.It Ar ${argument(parameter.metavar)}`, sentences(described(parameter)));
    }
    lines.push(".El");
  }
  lines.push(".Pp", "The options are as follows:", ".Bl -tag -width Ds");
  for (const { name, metavar, help, letter } of options) {
    const shortForm = letter === undefined ? "" : `${letter} , Fl `;
    lines.push(
      `.It Fl ${shortForm}\\-${plain(name)}${
        metavar === undefined ? "" : ` Ar ${argument(metavar)}`
      }`,
      sentences(help),
    );
  }
  lines.push(
    ".El",
    ".Sh EXIT STATUS",
    "0 on success, 1 after a failure, 2 after wrong usage.",
    "After SIGHUP, SIGINT or SIGTERM it is 128 and the signal's number,",
    "and what was written so far is complete.",
  );
  if (examples.length > 0) {
    lines.push(".Sh EXAMPLES");
    for (const [i, [words, command]] of examples.entries()) {
      if (i > 0) lines.push(".Pp");
      lines.push(sentences(words), `.Dl ${plain(command)}`);
    }
  }
  lines.push(".Sh SEE ALSO", seeAlso(tool.name));
  return lines.join("\n") + "\n";
}

const seeAlso = (name: string) =>
  ["vpipe", ...NAMES].filter((other) => other !== name).sort()
    .map((other, i, all) => `.Xr ${other} 1${i < all.length - 1 ? " ," : ""}`).join("\n");

function overview(): string {
  return [
    ...head("vpipe", "what a video frame costs on its way through the kernel"),
    ".Sh SYNOPSIS",
    ".Nm vpipe",
    ".Ar tool",
    ".Op Ar argument ...",
    ".Sh DESCRIPTION",
    "The tools, in one program.",
    "A link to it by a tool's name is that tool.",
    ".Bl -tag -width Ds",
    ...declared.flatMap(({ name, summary }) => [`.It Xr ${name} 1`, sentences(summary)]),
    ".El",
    ".Sh FILES",
    ".Bl -tag -width Ds",
    ".It Pa /dev/vpipe\\-meta",
    "What the filter noted of each frame.",
    ".It Pa /dev/vpipe\\-dec",
    "Between the decoder's nodes and its daemon.",
    ".It Pa /dev/dma_heap/system , /dev/udmabuf",
    "Where dma\\-bufs come from.",
    ".El",
    ".Sh EXIT STATUS",
    "That of the tool; 2 where there is none of that name.",
    ".Sh EXAMPLES",
    ".Dl vpipe capture\\-mmap /dev/video0 frames.csv 600",
    ".Sh SEE ALSO",
    seeAlso("vpipe"),
  ].join("\n") + "\n";
}

/** As a word between single quotes of any shell. */
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

const functionOf = (name: string) => `_vpipe_${name.replaceAll("-", "_")}`;

function bash(tool: AnyTool): string {
  const options = optionsOf(tool);
  const valued = options.filter(({ metavar }) => metavar !== undefined);
  return [
    `# bash completion for ${tool.name}                            -*- shell-script -*-`,
    `${functionOf(tool.name)}() {`,
    `\tlocal word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]}`,
    "\tCOMPREPLY=()",
    ...valued.length === 0 ? [] : [
      "\tcase $before in",
      `\t${valued.map(({ name }) => `--${name}`).join(" | ")})`,
      `\t\tmapfile -t COMPREPLY < <(compgen -f -- "$word")`,
      "\t\treturn",
      "\t\t;;",
      "\tesac",
    ],
    "\tcase $word in",
    "\t-*)",
    `\t\tmapfile -t COMPREPLY < <(compgen -W "${
      options.map(({ name }) => `--${name}`).join(" ")
    }" -- "$word")`,
    "\t\t;;",
    `\t*) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;`,
    "\tesac",
    "}",
    `complete -o filenames -F ${functionOf(tool.name)} ${tool.name}`,
    "",
  ].join("\n");
}

function zsh(tool: AnyTool): string {
  const label = (text: string) => text.replace(/[[\]:\\]/g, "\\$&");
  const positionals = Object.values(tool.positionals);
  return [
    `#compdef ${tool.name}`,
    "_arguments \\",
    ...optionsOf(tool).map(({ name, metavar, help }) =>
      `  ${quoted(`--${name}[${label(help)}]${metavar ? `:${label(metavar)}:_files` : ""}`)} \\`
    ),
    ...positionals.map(({ metavar, fallback }, i) =>
      `  ${quoted(`${i + 1}:${fallback === undefined ? "" : ":"}${label(metavar)}:_files`)} \\`
    ),
    "  && return 0",
    "",
  ].join("\n");
}

function fish(tool: AnyTool): string {
  const text = (words: string) => `'${words.replace(/[\\']/g, "\\$&")}'`;
  return optionsOf(tool).map(({ name, metavar, help }) =>
    `complete -c ${tool.name} -l ${name}${metavar ? " -r" : ""} -d ${text(help)}`
  ).join("\n") + "\n";
}

const overviewCompletion = {
  bash: [
    "# bash completion for vpipe                            -*- shell-script -*-",
    "_vpipe() {",
    "\tlocal word=${COMP_WORDS[COMP_CWORD]}",
    '\tif [ "$COMP_CWORD" -eq 1 ]; then',
    `\t\tmapfile -t COMPREPLY < <(compgen -W "${NAMES.join(" ")} --help --version" -- "$word")`,
    "\telse",
    `\t\tmapfile -t COMPREPLY < <(compgen -f -- "$word")`,
    "\tfi",
    "}",
    "complete -o filenames -F _vpipe vpipe",
    "",
  ].join("\n"),
  zsh: `#compdef vpipe\n_arguments '1:tool:(${NAMES.join(" ")})' '*:argument:_files'\n`,
  fish:
    declared.map(({ name, summary }) =>
      `complete -c vpipe -n __fish_use_subcommand -f -a ${name} -d '${
        short(summary).replace(/[\\']/g, "\\$&")
      }'`
    ).join("\n") + "\n",
};

const write = (path: string, text: string) => {
  Deno.mkdirSync(`${folder}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
  Deno.writeTextFileSync(`${folder}/${path}`, text);
};

write("tools", NAMES.join("\n") + "\n");
write("man1/vpipe.1", overview());
write("bash/vpipe", overviewCompletion.bash);
write("zsh/_vpipe", overviewCompletion.zsh);
write("fish/vpipe.fish", overviewCompletion.fish);
for (const tool of declared) {
  write(`man1/${tool.name}.1`, page(tool));
  write(`bash/${tool.name}`, bash(tool));
  write(`zsh/_${tool.name}`, zsh(tool));
  write(`fish/${tool.name}.fish`, fish(tool));
}
