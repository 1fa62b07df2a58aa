import { assertEquals } from "@std/assert";
import { inNewFolder } from "./shell.ts";

const PROGRAM = new URL("progress_program.ts", import.meta.url).pathname;
const MAP = new URL("../../toolchain/offline/import_map.json", import.meta.url).pathname;

/** `terminal` is the shell line's process; once the program has begun, `then` happens to it. */
const run = (then: string) =>
  inNewFolder(`trap 'kill -KILL $terminal 2>/dev/null' EXIT
    cat >run.sh <<'END'
      trap '' HUP
      exec '${Deno.execPath()}' run -q --no-check --import-map '${MAP}' --allow-all '${PROGRAM}' begun gone done
END
    script -qfec 'bash run.sh' typescript >screen <>keyboard & terminal=$!
    until [ -e begun ]; do sleep 0.05; done
    ${then}
    touch gone
    for ((turn = 0; turn < 200; turn++)); do [ ! -e done ] || break; sleep 0.05; done
    cat begun; [ -e done ] && echo " done"`);

Deno.test("progress: a terminal that is gone ends no run", async () => {
  const { stdout } = await run("kill -KILL $terminal; wait $terminal 2>/dev/null");
  assertEquals(stdout, "true done\n");
});
