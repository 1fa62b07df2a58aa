/** One program of many names, and what it says of names that it does not have. */
import { assertEquals } from "@std/assert";
import { nearest } from "../../lib/cli/suggest.ts";
import { TOOLS } from "../../tools/all.ts";

Deno.test("vpipe has every tool of the Makefile", () => {
  const makefile = Deno.readTextFileSync(new URL("../../Makefile", import.meta.url));
  const [, names] = /^TOOLS := ((?:.*\\\n)*.*)$/m.exec(makefile) ?? [];
  assertEquals(Object.keys(TOOLS).sort(), names.split(/[\s\\]+/).sort());
});

Deno.test("a mistyped word's nearest, where there is one", () => {
  const words = ["warm-up", "timeout", "threshold", "json", "quiet", "frames", "format"];
  const nearests: [string, string | undefined][] = [
    ["warmup", "warm-up"],
    ["timeuot", "timeout"],
    ["jsno", "json"],
    ["thresh", "threshold"],
    ["fr", "frames"],
    ["f", undefined],
    ["anything", undefined],
    ["", undefined],
  ];
  for (const [word, expected] of nearests) assertEquals(nearest(word, words), expected, word);
});
