import { assert, assertEquals } from "@std/assert";
import { inNewFolder } from "./shell.ts";

const root = new URL("../../", import.meta.url).pathname;
const imports = Deno.readTextFileSync(`${root}build/toolchain/network`).trim() === "closed"
  ? ["--import-map", `${root}toolchain/offline/import_map.json`]
  : [];

/** A shell line in which `run NAME` runs a tool. */
function shell(line: string) {
  const tool = [Deno.execPath(), "run", "--quiet", "--no-check", "--allow-all", ...imports];
  return inNewFolder(
    `run() { name=$1; shift; ${
      tool.map((word) => `'${word}'`).join(" ")
    } '${root}tools/'"$name.ts" "$@"; }\n${line}`,
  );
}

const IMAGE = `printf 'P5\\n2 1\\n255\\nab' >in.pgm`;

Deno.test("a tool without a loop ends at a signal, while it reads from a pipe", async () => {
  for (const [signal, status] of [["INT", 130], ["TERM", 143]] as const) {
    // A shell's & would have it ignore SIGINT. The pipe is open for writing once the tool opens it.
    const line = `mkfifo in; set -m; run cv-ref in out.pgm & set +m
      exec 5>in; kill -${signal} -- -$!; wait $!`;
    const ended = await shell(
      `timeout 120 bash -c "$(declare -f run); ${line.replaceAll("$", "\\$")}"`,
    );
    assertEquals(ended.status, status, ended.stderr);
  }
});

Deno.test("a signal that was ignored at the start stays so", async () => {
  const { stdout } = await shell(`mkfifo in; exec 5<>in
    trap '' HUP INT
    cat >stop.ts <<END
    import { StopRequest } from "${root}lib/cli/stop.ts";
    const stop = new StopRequest();
    stop.listen();
    console.log("ready");
    for (let i = 0; i < 600 && !stop.requested; i++) await new Promise((r) => setTimeout(r, 100));
    console.log(stop.requested, stop.status);
END
    exec 6< <(exec '${Deno.execPath()}' run --quiet --no-check --allow-all stop.ts)
    pid=$!
    read -r -u 6 word
    kill -HUP $pid; kill -INT $pid; sleep 0.5
    [ "$word" = ready ] && kill -TERM $pid
    cat <&6`);
  assertEquals(stdout.trim(), "true 143");
});

Deno.test("data on stdout, by any of its names: nothing else is there, and nothing is lost", async () => {
  const names = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/proc/thread-self/fd/1"];
  for (const name of [...names, "f", "./f", "hard", "link"]) {
    const { status, stdout, stderr } = await shell(
      `${IMAGE}; echo before >f; ln f hard; ln -s /dev/stdout link
       run cv-ref in.pgm ${name} >>f; cat f`,
    );
    assertEquals([status, stdout], [0, "before\nP5\n2 1\n255\n\0\0"], stderr);
    assert(stderr.includes("2 black"), stderr);
  }
});

Deno.test("data in stdout's own file or pipe, of rows and of what no argument names: nothing else is there", async () => {
  const { status, stdout, stderr } = await shell(`${IMAGE}; ${REPORT}
    ln -s /dev/stdout link; run cv-ref in.pgm link | wc -c
    ln -s /proc/self/fd/2 said; run cv-ref in.pgm said 2>e; head -c 2 e
    echo; run bench-report . >report.html; tail -n 1 report.html
    mkdir -p rows; cat >rows.ts <<END
      import { OutputFile } from "${root}lib/files/output_file.ts";
      using rows = new OutputFile("rows.csv");
      console.log("before");
      rows.append("1\\n");
      rows.append("2\\n");
END
    '${Deno.execPath()}' run --quiet --no-check --allow-all rows.ts >rows.csv; cat rows.csv`);
  assertEquals(
    [status, stdout],
    [0, "13\nsaid: 0 pixels white, 2 black\nP5\n    </html>before\n1\n2\n"],
    stderr,
  );
});

Deno.test("what is said on a full disk is told to be lost, and to nobody it is not", async () => {
  const { status, stderr } = await shell("run cv-ref --version >/dev/full");
  assertEquals([status, stderr], [
    1,
    "cv-ref: stdout: write: No space left on device (ENOSPC)\n",
  ]);
  const gone = await shell("set -o pipefail; { sleep 1; run cv-ref --version; } | true");
  assertEquals([gone.status, gone.stderr], [0, ""]);
});

Deno.test("a device is no file to write", async () => {
  const { status, stderr } = await shell(`${IMAGE}; run cv-ref in.pgm /dev/urandom`);
  assertEquals([status, stderr], [
    1,
    "cv-ref: /dev/urandom: is a device and no file to write (is an argument missing?)\n",
  ]);
  assertEquals((await shell(`${IMAGE}; run cv-ref in.pgm /dev/null`)).status, 0);
  // Where a test may make files, and is not to.
  const missing = [
    "/dev/video99",
    "/dev/v4l99/a",
    "/dev/../dev/video99",
    "link",
    "/dev/shm/../video99",
  ];
  for (const name of missing) {
    const { stdout, stderr } = await shell(
      `${IMAGE}; ln -s /dev/video99 link; run cv-ref in.pgm ${name}; echo $?
       run pgm-diff in.pgm in.pgm ${name}; echo $?; ls /dev/video99 /dev/v4l99 2>&1; rm -rf /dev/video99 /dev/v4l99`,
    );
    const gone = (name: string) => `ls: cannot access '${name}': No such file or directory\n`;
    assertEquals(stdout, `1\n1\n${gone("/dev/video99")}${gone("/dev/v4l99")}`, stderr);
    const says = `${name}: there is no such device, and no file is made in /dev\n`;
    assertEquals(stderr, `cv-ref: ${says}pgm-diff: ${says}`);
  }
  const memory = `/dev/shm/vpipe-test-${Deno.pid}`;
  const kept = await shell(
    `${IMAGE}; run cv-ref in.pgm ${memory}/a >&2; ls ${memory}; rm -r ${memory}`,
  );
  assertEquals(kept.stdout, "a\n", kept.stderr);
});

const REPORT =
  `echo frame,buffer_index,enqueue_monotonic_ns,dequeue_monotonic_ns,v4l2_timestamp_sec,sequence >mmap.csv
  for i in 1 2 3; do echo $i,0,\${i}0000000000,\${i}0000000050,1,$i >>mmap.csv; done`;

Deno.test("bench-report: an answer writes no page that nobody asked for", async () => {
  for (const option of ["--markdown", "--json"]) {
    const { status, stdout } = await shell(`${REPORT}; run bench-report . ${option} >out; ls`);
    assertEquals([status, stdout], [0, "mmap.csv\nout\n"]);
  }
  const { stdout } = await shell(`${REPORT}; run bench-report . --markdown page.html >out; ls`);
  assertEquals(stdout, "mmap.csv\nout\npage.html\n");
});

Deno.test("bench-compare: --fail-on worse is status 1 of a worse side, and of no other", async () => {
  const runs = `run_of() { mkdir -p $1; cd $1; ${
    REPORT.replaceAll("0000000050", "00000000$ns")
  }; cd ../..; }
    for n in 1 2 3 4 5; do ns=50 run_of base/$n; ns=90 run_of new/$n; done`;
  const { status, stdout, stderr } = await shell(`${runs}
    run bench-compare base new --fail-on worse --noise 3% >/dev/null; echo $?
    run bench-compare new base --fail-on worse --noise 3% >/dev/null; echo $?
    run bench-compare base new --noise 3 2>&1; echo $?
    run bench-compare base new --page base/1/mmap.csv 2>&1; echo $?
    run bench-compare base new --page page.html >/dev/null; grep -c '<h2>mmap</h2>' page.html
    run bench-compare base new --json --noise 3% | grep -o '"figure":"queueing to dequeueing, p50".*"verdict":"worse"' | wc -l`);
  assertEquals([status, stdout], [
    0,
    '1\n0\nbench-compare: --noise must be a share such as 3%, not "3" (see bench-compare --help)\n2\n' +
    "bench-compare: base/1/mmap.csv: is a file of a run and no page\n1\n1\n1\n",
  ], stderr);
});

Deno.test("a file that is read is not written, by whatever name", async () => {
  for (
    const [line, says] of [
      ["run cv-ref in.pgm in.pgm", "cv-ref: OUT.pgm is the same file as IN.pgm: in.pgm"],
      ["ln -s in.pgm link; run cv-ref in.pgm link", "OUT.pgm is the same file as IN.pgm: link"],
      ["ln in.pgm link; run pgm-diff in.pgm link link", "OUT is the same file as A: link"],
      ["run loop-write /dev/null in.pgm in.pgm", "loop-write: CSV is the same file as INPUT"],
      ["run decode-file in.pgm out --digest in.pgm", "--digest is the same file as IN"],
    ]
  ) {
    const { status, stdout, stderr } = await shell(`${IMAGE}; ${line}; s=$?; cat in.pgm; exit $s`);
    assertEquals([status, stdout], [2, "P5\n2 1\n255\nab"], stderr);
    assert(stderr.includes(says), stderr);
  }
});

Deno.test("trace-frames: what it takes, and a trace that cannot be read twice", async () => {
  const { status, stdout, stderr } = await shell(`${REPORT}; mkfifo pipe
    run trace-frames . --chrome out/trace.json; echo $?
    run trace-frames . --trace pipe; echo $?
    run trace-frames . --trace /dev/zero; echo $?
    mkdir empty; run trace-frames empty --chrome new/trace.json; echo $?
    run trace-frames .; echo $?; ls . out`);
  assertEquals([status, stdout, stderr], [
    0,
    "out/trace.json: 3 frames of 20.000 s, for ui.perfetto.dev\n0\n1\n1\n1\n2\n" +
    ".:\nempty\nmmap.csv\nout\npipe\n\nout:\ntrace.json\n",
    "trace-frames: pipe: is a pipe or a device, and has to be read more than once: name a file\n" +
    "trace-frames: /dev/zero: is a pipe or a device, and has to be read more than once: name a file\n" +
    "trace-frames: empty: no CSV of a run in it\n" +
    "trace-frames: --chrome or --trace is missing (see trace-frames --help)\n",
  ]);
});

Deno.test("what an option cannot do is said before anything is begun", async () => {
  const { status, stdout, stderr } = await shell(`mkfifo pipe
    echo | run loop-write /dev/null - --loop; echo $?
    run loop-write /dev/null pipe --loop; echo $?
    run camera-report --seconds 5; echo $?; ls`);
  assertEquals([status, stdout, stderr], [
    0,
    "2\n2\n2\npipe\n",
    "loop-write: --loop: - is a pipe, and cannot begin again (see loop-write --help)\n" +
    "loop-write: --loop: pipe is a pipe, and cannot begin again (see loop-write --help)\n" +
    "camera-report: DEV is missing: --seconds is of it (see camera-report --help)\n",
  ]);
});

Deno.test("what a name holds is shown in its line, and not obeyed", async () => {
  const { status, stdout, stderr } = await shell(
    `odd=$'a\\nb\\e[31mü'; mkdir "$odd"; cd "$odd"; ${REPORT}; : >"$odd.csv"; cd ..
     run bench-report "$odd"; run dump-pgm "none$odd" out.pgm 1 1; echo $?
     run trace-frames "$odd" --chrome "$odd/o.json" --json | grep -c "a.nb"`,
  );
  assertEquals([status, stdout.split("\n")], [
    0,
    [
      "a?b?[31mü/report.html: 1 path on 1 machine",
      "  mmap: recorded without stages, and so not taken apart",
      "1",
      "1",
      "",
    ],
  ]);
  const notice = "a?b?[31mü/a?b?[31mü.csv: the file is empty; skipped";
  assertEquals(stderr.split("\n"), [
    `bench-report: ${notice}`,
    "dump-pgm: nonea?b?[31mü: open: No such file or directory (ENOENT)",
    `trace-frames: ${notice}`,
    "",
  ]);
});

Deno.test("bench-report: a pipe or a device among the files is passed over, and nobody waits", async () => {
  const { status, stderr } = await shell(
    `${REPORT}; mkfifo a.csv; ln -s /dev/zero b.csv; run bench-report . --json >said`,
  );
  assertEquals([status, stderr], [
    0,
    "bench-report: ./a.csv: is a pipe or a device and no file; skipped\n" +
    "bench-report: ./b.csv: is a pipe or a device and no file; skipped\n",
  ]);
});

Deno.test("bench-report: a file of a run is no place for the page", async () => {
  const { status, stdout, stderr } = await shell(
    `${REPORT}; run bench-report . ./mmap.csv; s=$?; head -c 6 mmap.csv; exit $s`,
  );
  assertEquals([status, stdout], [1, "frame,"], stderr);
  assert(stderr.includes("mmap.csv: is a file of a run and no page"), stderr);
  const links = ["ln -s mmap.csv F/page.html", "ln F/mmap.csv F/page.html"];
  const above = "mkdir G; mv F G; ln -s ../G/F/mmap.csv G/page.html; ln -s G/F F";
  for (
    const [line, page] of [
      ...links.map((line) => [`${line}; run bench-report F F/page.html`, "F/page.html"]),
      [`${links[0]}; run bench-compare F F --page F/page.html`, "F/page.html"],
      [`${above}; run bench-report G G/page.html`, "G/page.html"],
      [`${above}; run bench-compare G F --page G/page.html`, "G/page.html"],
    ]
  ) {
    const linked = await shell(`${REPORT}; mkdir F; mv mmap.csv F; ${line}; s=$?
      head -c 6 F/mmap.csv; exit $s`);
    assertEquals([linked.status, linked.stdout], [1, "frame,"], `${line}: ${linked.stderr}`);
    assert(linked.stderr.includes(`${page}: is a file of a run and no page`), linked.stderr);
  }
});

Deno.test("an input without an end is read as far as it is wanted", async () => {
  const { status, stderr } = await shell("run dump-pgm /dev/zero out.pgm 10 10");
  assertEquals(status, 0, stderr);
  assert((await shell("run cv-ref /dev/zero out.pgm")).stderr.includes("not a PGM file"));
});

Deno.test("check: what is missing, by its errno's name", async () => {
  const { status, stdout, stderr } = await shell(
    `: >module; mkdir f s t; : >t/fixture-feed
     all() { run check --fixtures f --scripts s --tools t "$@"; echo $?; }
     all --module none; all --module module --artifacts module
     all --module module --junit none/a.xml; ls`,
  );
  const missing = "No such file or directory (ENOENT)";
  assertEquals([status, stdout], [0, "1\n1\n1\nf\nmodule\ns\nt\n"], stderr);
  assertEquals(stderr.split("\n").slice(0, -1).map((line) => line.replace(/: \S+ '.*/, "")), [
    `check: none: open: ${missing}`,
    "check: File exists (EEXIST)",
    `check: ${missing}`,
  ]);
});

Deno.test("two outputs are not one, whether it is there or yet to be made", async () => {
  for (
    const [outputs, says] of [
      ["new/a --digest ./new/a", "OUT is the same file as --digest: new/a"],
      ["- --digest /dev/stdout", "OUT is the same file as --digest: -"],
      ["there --digest link", "OUT is the same file as --digest: there"],
      // To be thrown away both may be.
      ["/dev/null --digest /dev/null", "/dev/null: is not a V4L2 device"],
    ]
  ) {
    const { stdout, stderr } = await shell(
      `: >there; ln there link; run decode-file in.ivf ${outputs} --device /dev/null; ls`,
    );
    assertEquals(stdout, "link\nthere\n");
    assert(stderr.includes(says), stderr);
  }
});

/** A tool that is over as soon as it is told to end, and says much. */
const TALKATIVE = `cat >tool.ts <<END
    import { breathe } from "${root}lib/cli/stop.ts";
    import { declareTool, main } from "${root}lib/cli/tool.ts";
    import { OutputFile } from "${root}lib/files/output_file.ts";
    const line = "x".repeat(99);
    await main(declareTool({
      name: "t",
      summary: "",
      positionals: {},
      options: {},
      async run(_, { stop }) {
        stop.listen();
        if (Deno.args.length > 0) {
          using file = new OutputFile("-");
          for (let i = 0; i < 2000; i++) file.append(line + "\\n");
        }
        Deno.writeTextFileSync("begun", "");
        while (!stop.requested && Deno.env.get("END") === undefined) await breathe();
        return { text: Deno.args.length > 0 ? [] : Array(2000).fill(line), json: {} };
      },
    }));
END
  t() { '${Deno.execPath()}' run --quiet --no-check --allow-all ${imports.join(" ")} tool.ts "$@"; }
  until_begun() { for ((i = 0; i < 200; i++)); do [ ! -e begun ] || break; sleep 0.05; done; }`;

Deno.test("a reader that stands still keeps no tool from ending at a signal", async () => {
  for (const data of ["", "--json"]) {
    const ended = await shell(`${TALKATIVE}
      mkfifo out; exec 5<>out; set -m; t ${data} >out & set +m
      until_begun; [ -e begun ] && echo begun; kill -INT -- -$!
      for ((i = 0; i < 200; i++)); do kill -0 $! 2>/dev/null || break; sleep 0.05; done
      kill -KILL -- -$! 2>/dev/null; wait $!`);
    assertEquals([ended.stdout, ended.status], ["begun\n", 130], ended.stderr);
  }
});

Deno.test("a reader that is slow gets all of it, and one that goes away is told of", async () => {
  const { stdout, stderr } = await shell(`${TALKATIVE}; END=1 t | { sleep 1; wc -lc; }
    END=1 t --json | { sleep 1; wc -lc; }
    END=1 t --json | sleep 1; echo \${PIPESTATUS[0]}`);
  assertEquals(stdout.trim().split(/\s+/), ["2000", "200000", "2000", "200000", "1"], stderr);
  assert(stderr.endsWith("t: stdout: write: Broken pipe (EPIPE)\n"), stderr);
});
