import { assertEquals } from "@std/assert";
import { parse } from "../../lib/cli/tool.ts";
import { EXAMPLES } from "../../scripts/manual_examples.ts";
import { TOOLS } from "../../tools/all.ts";

/** Loaded here, as their library stays open. */
const loaded = await Promise.all(
  Object.entries(EXAMPLES).map(async ([name, examples]) =>
    [name, await TOOLS[name](), examples] as const
  ),
);

/** As a shell would, of words without anything but single quotes. */
const wordsOf = (command: string) =>
  [...command.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word);

Deno.test("manual pages: every example is a command line that its tool takes", () => {
  for (const [name, tool, examples] of loaded) {
    for (const [, command] of examples) {
      const [called, ...argv] = wordsOf(command);
      assertEquals(called, name);
      parse(tool, argv);
    }
  }
});
