/**
 * vpipe: every tool in one program, which acts by the name that it is called by. `vpipe TOOL ...`
 * works as well.
 *
 * @module
 */
import process from "node:process";
import { type Declaration, invocation } from "../lib/cli/invocation.ts";
import { suggestion } from "../lib/cli/suggest.ts";
import { TOOLS } from "../lib/cli/tools.ts";
import { VERSION } from "../lib/cli/version.ts";

const AS = "--called-as=";

/** The last part of the name that this was called by: a link's. */
function calledAs(): string {
  // Where a launcher runs this, it says so.
  const [first = "", ...rest] = invocation.args;
  if (!first.startsWith(AS)) return process.argv0.replace(/.*\//, "");
  invocation.args = rest;
  return first.slice(AS.length).replace(/.*\//, "");
}

async function usage(): Promise<string> {
  const declared: Declaration[] = [];
  invocation.declare = (tool) => declared.push(tool);
  for (const load of Object.values(TOOLS)) await load();
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

const called = calledAs();
if (Object.hasOwn(TOOLS, called)) {
  await TOOLS[called]();
} else {
  const [word, ...rest] = invocation.args;
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
  invocation.args = rest;
  await TOOLS[word]();
}
