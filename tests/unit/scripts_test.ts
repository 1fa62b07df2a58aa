import { assert, assertEquals } from "@std/assert";
import { inNewFolder } from "./shell.ts";

const SCRIPTS = new URL("../../scripts", import.meta.url).pathname;

/** A shell line where $S is the folder of the scripts, and what tools there are all fail. */
const shell = (line: string) =>
  inNewFolder(`S='${SCRIPTS}'; export VPIPE_BIN=$PWD/tools; mkdir tools
    for tool in capture-mmap capture-read capture-userptr; do
      printf '#!/bin/sh\\necho "$0: nothing there" >&2; exit 1\\n' >tools/$tool; chmod +x tools/$tool
    done
    ${line}`);

/** Those that run on whatever machine, and have a help. */
const NAMES = [...Deno.readDirSync(SCRIPTS)].map(({ name }) => name).filter((name) =>
  name.endsWith(".sh") &&
  Deno.readTextFileSync(`${SCRIPTS}/${name}`).includes('/bench_common.sh"') &&
  !name.endsWith("_common.sh")
).sort();

Deno.test("scripts: -h is --help, and no option is taken for a folder", async () => {
  assert(NAMES.length > 15, NAMES.join());
  for (const name of NAMES) {
    const { status, stdout, stderr } = await shell(
      `"$S/${name}" --help >a && "$S/${name}" -h >b && cmp a b && rm a b && grep -q . <<<x
       "$S/${name}" --bogus; echo $?; ls`,
    );
    assertEquals([status, stdout], [0, "2\ntools\n"], `${name}: ${stderr}`);
    assert(stderr.startsWith(`${name}: unknown option --bogus\nusage: scripts/${name}`), stderr);
    assertEquals(stderr.split("\n").length, 3, stderr);
  }
});

Deno.test("scripts: a run that leaves nothing leaves no folder that was made for it", async () => {
  for (
    const line of [
      '"$S/bench_capture.sh" 5 /dev/nothing a/b/c mmap',
      '"$S/bench_userptr.sh" 5 /dev/nothing reset a/b/c',
      'rm tools/*; "$S/bench_capture.sh" 5 /dev/nothing a/b/c mmap',
    ]
  ) {
    const { status, stdout } = await shell(`${line}; echo $?; ls`);
    assertEquals([status, stdout], [0, "1\ntools\n"], line);
  }
  // What was there before stays.
  const { stdout } = await shell(`mkdir -p a/b; "$S/bench_capture.sh" 5 /dev/no a/b/c mmap; ls a`);
  assertEquals(stdout, "b\n");
});

Deno.test("scripts: a folder that cannot be made is one line", async () => {
  const missing = await shell(
    '"$S/bench_capture.sh" 5 /dev/nothing /dev/video99 mmap; ls -d /dev/video99',
  );
  assertEquals(
    missing.stderr.split("\n")[0],
    "bench_capture.sh: /dev/video99: there is no such device, and nothing is made in /dev",
  );
  assertEquals(missing.stdout, "");
  const { stderr } = await shell(`touch a; "$S/bench_capture.sh" 5 /dev/nothing a/b mmap`);
  assertEquals(
    stderr,
    "bench_capture.sh: a/b: cannot create directory 'a': Not a directory\n",
  );
});

Deno.test("traces: no device is removed to be written, and an empty trace is gone again", async () => {
  const trace = (out: string) =>
    shell(`mkfifo pipe; cat >t.sh <<'END'
      scripts='${SCRIPTS}'; . "$scripts/trace_common.sh"
      trap close_instance EXIT; open_output "$1"; echo made
END
      bash t.sh ${out}; echo $?; ls`).then(({ stdout, stderr }) => [stdout, stderr]);
  assertEquals(await trace("pipe"), [
    "1\npipe\nt.sh\ntools\n",
    "t.sh: pipe: is a folder or a device, and no file to write\n",
  ]);
  assertEquals(await trace("/dev/video99"), [
    "1\npipe\nt.sh\ntools\n",
    "t.sh: /dev/video99: there is no such device, and nothing is made in /dev\n",
  ]);
  assertEquals(await trace("a/b/trace"), ["made\n0\npipe\nt.sh\ntools\n", ""]);
});

Deno.test("install: modules, with and without a v4l2-mem2mem of their own", async () => {
  const { status, stdout, stderr } = await shell(`mkdir -p built/src to
    touch built/vpipe.ko built/src/half.ko
    "$S/install.sh" modules "$PWD/to" 1.2 built && find to -name '*.ko'
    mkdir built/mem2mem; touch built/mem2mem/v4l2-mem2mem.ko
    "$S/install.sh" modules "$PWD/to" 1.2 built && find to -name '*.ko' | sort`);
  const updates = "to/lib/modules/1.2/updates";
  assertEquals(
    [status, stdout],
    [0, `${updates}/vpipe.ko\n${updates}/v4l2-mem2mem.ko\n${updates}/vpipe.ko\n`],
    stderr,
  );
});

Deno.test("scripts: wrong usage of those that stand alone", async () => {
  for (const name of ["mem2mem.sh", "modules.sh", "profile_svg.sh", "install.sh"]) {
    const { status, stdout, stderr } = await shell(`"$S/${name}"`);
    assertEquals([status, stdout], [2, ""], stderr);
    assert(/^usage: scripts\/\S+\.sh .*\n$/.test(stderr), stderr);
  }
  const { status, stderr } = await shell('"$S/profile_svg.sh" nothing');
  assertEquals([status, stderr], [1, "profile_svg.sh: nothing: there is no such file\n"]);
});

Deno.test("soak: what grew is told, what did not is not, and a run too short for either says so", async () => {
  const rows = (kb: (second: number) => number, seconds: number) =>
    Array.from(
      { length: Math.floor(seconds / 60) },
      (_, i) => `${60 * (i + 1)},daemon,resident_kb,${kb(60 * (i + 1))}\n`,
    ).join("");
  const verdict = async (text: string, seconds: number) => {
    const { stdout } = await shell(`csv=soak.csv; printf 'seconds,of,what,value\n${text}' >$csv
      eval "$(sed -n '/^verdict() {/,/^}/p' "$S/soak.sh")"; verdict ${seconds}`);
    return stdout.trim();
  };
  assertEquals(await verdict(rows(() => 100_000, 1200), 1200), "");
  assertEquals(
    await verdict(rows((second) => 100_000 + 100 * second, 1200), 1200),
    "daemon: resident_kb grew from at most 160000 to at least 196000",
  );
  // Of a series that ended, and beside it what did not grow and what did.
  const ended = rows(() => 100_000, 1200) + rows(() => 9, 600).replaceAll("resident_kb", "threads");
  assertEquals(await verdict(ended, 1200), "daemon: threads: no rows in both quarters");
  const grew = rows((second) => 9000 * second, 1200);
  const both = (await verdict(ended.replaceAll("daemon,res", "filter,res") + grew, 1200)).split(
    "\n",
  );
  assertEquals(both, [
    "daemon: resident_kb grew from at most 5400000 to at least 8640000",
    "daemon: threads: no rows in both quarters",
  ]);
  for (const seconds of [30, 60]) {
    assertEquals(
      await verdict(rows(() => 100_000, seconds), seconds),
      "too short to tell: no rows in the second and the last quarter",
    );
  }
});

Deno.test("soak: what no row is of is named, so that nobody takes it for what did not grow", async () => {
  const lookedAt = async (text: string) => {
    const { stdout } = await shell(`csv=soak.csv; printf 'seconds,of,what,value\n${text}' >$csv
      eval "$(sed -n '/^not_looked_at() {/,/^}/p' "$S/soak.sh")"; not_looked_at`);
    return stdout.trimEnd().split("\n");
  };
  const all = [
    ...["writer", "reader", "daemon", "filter"].flatMap((of) =>
      ["resident_kb", "threads", "mappings", "descriptors"].map((what) => `${of},${what}`)
    ),
    ...["machine,slab_kb", "machine,dma_bufs"],
    ...["vpipe", "vpipe_dec", "vpipe_loop"].map((of) => `${of},references`),
  ];
  const csv = (names: readonly string[]) => names.map((name) => `60,${name},7\n`).join("");
  assertEquals(await lookedAt(csv(all)), [""]);
  assertEquals(await lookedAt(csv(all.filter((name) => name !== "machine,dma_bufs"))), [
    "machine: dma_bufs: not looked at",
  ]);
  assertEquals((await lookedAt("")).length, all.length);
});

Deno.test("compare_loopback: of one frame there is no rate", async () => {
  const { stdout, stderr } = await shell(`: >x.ko; "$S/compare_loopback.sh" x.ko d 1; echo $?`);
  assertEquals(stdout, "2\n", stderr);
  assert(stderr.startsWith("compare_loopback.sh: FRAMES must be 20 or more: "), stderr);
});
