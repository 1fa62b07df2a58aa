import { assert, assertEquals } from "@std/assert";
import { inNewFolder } from "./shell.ts";

const SCRIPT = new URL("../../scripts/bench_pairs.sh", import.meta.url).pathname;

/** A shell line where `pairs` is the script. */
const shell = (line: string) => inNewFolder(`pairs() { '${SCRIPT}' "$@"; }\n${line}`);

/** A command that writes a run, and notes when. */
const SIDE = (side: string, then = "") =>
  `sh -c 'echo ${side} >>order; echo $0 >{}/mmap.csv; ${then}' {}`;

Deno.test("bench_pairs: by turns, the order swapped every pair, each run in its own folder", async () => {
  const { status, stdout, stderr } = await shell(
    `pairs 3 d -- ${SIDE("a")} -- ${SIDE("b")} >said; paste -sd ' ' order; ls d d/new d/new/3`,
  );
  assertEquals(status, 0, stderr);
  assertEquals(
    stdout,
    "a b b a a b\nd:\nbase\nmachine.csv\nnew\n\nd/new:\n1\n2\n3\n\n" +
      "d/new/3:\nmachine.csv\nmmap.csv\noutput.txt\n",
  );
});

Deno.test("bench_pairs: complete runs are kept where a command fails, and where it is stopped", async () => {
  const fails = SIDE("b", "[ $(grep -c b order) -lt 2 ] || { echo gone; exit 3; }");
  const failed = await shell(
    `pairs 3 d -- ${SIDE("a")} -- ${fails} >said; echo $?; ls d d/base d/new`,
  );
  assertEquals(failed.stdout, "1\nd:\nbase\nmachine.csv\nnew\n\nd/base:\n1\n\nd/new:\n1\n");
  assertEquals(failed.stderr, "bench_pairs.sh: new/2: status 3: gone\n");

  const waits = SIDE("b", "[ $(grep -c b order) -lt 2 ] || { echo >ready; exec sleep 60; }");
  const stopped = await shell(`'${SCRIPT}' 3 d -- ${SIDE("a")} -- ${waits} >said &
    until [ -e ready ]; do sleep 0.1; done
    kill -TERM $!; wait $!; echo $?; ls d d/base d/new`);
  assertEquals(stopped.stdout, "143\nd:\nbase\nmachine.csv\nnew\n\nd/base:\n1\n\nd/new:\n1\n");
});

Deno.test("bench_pairs: a command line that cannot be meant, and runs that are there already", async () => {
  for (
    const [line, says] of [
      ["pairs 3 d -- true {} -- true", "no {} in 'true' says where its run goes"],
      ["pairs x d -- true {} -- true {}", "N must be a number from 1, not 'x'"],
      ["pairs 3 d -- true {} true {}", "there must be two commands, each behind --"],
    ]
  ) {
    const { status, stderr } = await shell(line);
    assertEquals(status, 2);
    assert(stderr.startsWith(`bench_pairs.sh: ${says}\n`), stderr);
  }
  for (const name of ["base", "new", "running"]) {
    const { stdout, stderr } = await shell(
      `mkdir -p d/${name}; echo mine >d/${name}/a; pairs 3 d -- true {} -- true {}; echo $?; cat d/*/a`,
    );
    assertEquals([stdout, stderr], [
      "1\nmine\n",
      `bench_pairs.sh: d/${name}: is there already: name another DIR\n`,
    ]);
  }
});

Deno.test("bench_pairs: a folder's name is taken as it is", async () => {
  const { status, stdout, stderr } = await shell(
    `pairs 1 'a & b\\c' -- touch {}/x -- touch {}/x >said; ls 'a & b\\c/base/1' && ls`,
  );
  assertEquals(status, 0, stderr);
  assertEquals(stdout, "machine.csv\noutput.txt\nx\na & b\\c\nsaid\n");
});
