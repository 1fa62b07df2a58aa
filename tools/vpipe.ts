/**
 * vpipe: every tool in one program, which acts by the name that it is called by. `vpipe TOOL ...`
 * works as well.
 *
 * @module
 */
import process from "node:process";
import { suggestion } from "../lib/cli/suggest.ts";
import { main } from "../lib/cli/tool.ts";
import { VERSION } from "../lib/version.ts";
import { TOOLS } from "./all.ts";

const AS = "--called-as=";

/** The last part of the name that this was called by, a link's, and the arguments behind it. */
function call(): [name: string, args: readonly string[]] {
  // Where a launcher runs this, it says so.
  const [first = "", ...rest] = Deno.args;
  return first.startsWith(AS)
    ? [first.slice(AS.length).replace(/.*\//, ""), rest]
    : [process.argv0.replace(/.*\//, ""), Deno.args];
}

async function usage(): Promise<string> {
  const declared = await Promise.all(Object.values(TOOLS).map((load) => load()));
  const width = Math.max(...declared.map(({ name }) => name.length));
  return [
    "usage: vpipe TOOL [argument]...",
    "",
    "What a video frame costs on its way through the kernel: the tools, in one program. A link to it " +
    "by a tool's name is that tool.",
    "",
    ...declared.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    "",
    "vpipe TOOL --help says more.",
  ].join("\n");
}

function refuse(message: string): never {
  console.error(`vpipe: ${message} (see vpipe --help)`);
  Deno.exit(2);
}

const [called, args] = call();
if (Object.hasOwn(TOOLS, called)) await main(await TOOLS[called](), args);

const [word, ...rest] = args;
if (word === undefined) refuse("no tool given");
if (word === "--help" || word === "-h") {
  console.log(await usage());
  Deno.exit(0);
}
if (word === "--version" || word === "-V") {
  console.log(`vpipe ${VERSION}`);
  Deno.exit(0);
}
if (word.startsWith("-")) refuse(`unknown option ${word}`);
if (!Object.hasOwn(TOOLS, word)) {
  refuse(`there is no tool "${word}"${suggestion(word, Object.keys(TOOLS))}`);
}
await main(await TOOLS[word](), rest);
