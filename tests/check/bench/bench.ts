/**
 * The bench scripts: every row of the ledger, short, and what they do when something is in the way.
 *
 * @module
 */
import { type Context, heap, META, readCsv } from "../../harness/context.ts";
import { someRows } from "../../harness/expectations.ts";
import { exists } from "../../harness/modules.ts";
import { type Outcome, run, Running } from "../../harness/processes.ts";
import { expect, expectEqual, Skip, type Suite } from "../../harness/suite.ts";

const FRAMES = 30;
const WARM_UP = 10;
// So many rows that a run is in its midst.
const MID_RUN = 64;

/** Empty where the processor has no counters. */
const COUNTERS = ["cycles", "instructions", "cache_misses"];
const THREAD = [
  ..."minor_faults voluntary_switches involuntary_switches run_delay_ns".split(" "),
  ...COUNTERS,
];
const MMAP = [
  ..."frame buffer_index enqueue_monotonic_ns dequeue_monotonic_ns v4l2_timestamp_sec".split(" "),
  ..."v4l2_timestamp_usec sequence bytesused wait_monotonic_ns requeue_monotonic_ns".split(" "),
  ..."requeued_monotonic_ns measured_monotonic_ns flags".split(" "),
  ...THREAD,
];
const RELAY = [
  ..."frame vivid_sequence vpipe_sequence vpipe_bytesused wait_monotonic_ns".split(" "),
  ..."prepared_monotonic_ns enqueue_monotonic_ns requeued_monotonic_ns".split(" "),
  ..."measured_monotonic_ns flags".split(" "),
  ...THREAD,
];
const M2M = [...RELAY, "transport", "algo", "vivid_dq_monotonic_ns", "vpipe_dq_monotonic_ns"];
const FIXTURE = [
  ..."frame output_index enqueue_monotonic_ns dequeue_monotonic_ns vpipe_sequence".split(" "),
  ..."bytesused algo requeued_monotonic_ns measured_monotonic_ns".split(" "),
  ...THREAD,
];

/** The columns that docs/csv.md promises of each run. */
const RUNS: Readonly<Record<string, readonly string[]>> = {
  read: [
    ..."frame synthetic_sequence read_start_monotonic_ns read_end_monotonic_ns".split(" "),
    ..."bytesused crc32 readable_monotonic_ns checksummed_monotonic_ns".split(" "),
    "measured_monotonic_ns",
    ...THREAD,
  ],
  mmap: MMAP,
  "userptr-noreset": [...MMAP, "minor_faults_delta"],
  "userptr-reset": [...MMAP, "minor_faults_delta"],
  dmabuf: [...RELAY, "vivid_buf_index", "dmabuf_fd", "vivid_dequeue_ns", "vpipe_dequeue_ns"],
  "m2m-dmabuf": M2M,
  "m2m-mmap": M2M,
  "fixture-none": FIXTURE,
  "fixture-threshold": FIXTURE,
  "fixture-tiny-none": FIXTURE,
  "fixture-none-depth4": FIXTURE,
};
const LOCKS = ["userptr-noreset.lock", "userptr-reset.lock"];

const EVENTS = "/sys/kernel/tracing/events";

/** Whether this kernel has what scripts/trace_mmap_lock.sh traces. */
const canTraceLocks = () =>
  [`${EVENTS}/mmap_lock/enable`, `${EVENTS}/syscalls/sys_enter_ioctl/enable`].every(exists);

type Row = Record<string, string>;

function expectColumns(file: string, rows: readonly Row[], columns: readonly string[]): void {
  const lacks = (column: string) => (row: Row) =>
    COUNTERS.includes(column) ? row[column] === undefined : !row[column];
  const missing = columns.filter((column) => rows.some(lacks(column)));
  expect(missing.length === 0, `${file}: no ${missing.join(", ")} in some row`);
}

/** Fails unless each frame has the filter's account of it, which lies inside the program's. */
function expectJoined(folder: string, name: string, rows: readonly Row[]): void {
  const meta = readCsv(`${folder}/${name}.meta.csv`);
  expectColumns(`${name}.meta.csv`, meta, ["seq", "src_v4l2_sequence", "queued_ns", "done_ns"]);
  const isFixture = name.startsWith("fixture");
  const first = BigInt(meta[0].seq);
  // On a slow machine vivid gives a number twice.
  const entries = Map.groupBy(
    meta,
    (entry) => isFixture ? String(BigInt(entry.seq) - first) : entry.src_v4l2_sequence,
  );
  const dequeued = isFixture
    ? "dequeue_monotonic_ns"
    : name === "dmabuf"
    ? "vpipe_dequeue_ns"
    : "vpipe_dq_monotonic_ns";
  const joined = rows.filter((row) => {
    const own = entries.get(isFixture ? row.vpipe_sequence : row.vivid_sequence) ?? [];
    return own.some((entry) =>
      BigInt(row.enqueue_monotonic_ns) <= BigInt(entry.queued_ns) &&
      BigInt(entry.done_ns) <= BigInt(row[dequeued])
    );
  });
  expectEqual(`${name}: frames with metadata`, joined.length, rows.length);
}

/** Processes with `word` in their command line. */
function processesWith(word: string): string[] {
  return [...Deno.readDirSync("/proc")].filter(({ name }) => /^\d+$/.test(name)).map(({ name }) => {
    try {
      return Deno.readTextFileSync(`/proc/${name}/cmdline`).replaceAll("\0", " ");
    } catch {
      return "";
    }
  }).filter((line) => line.includes(word));
}

export async function benchChecks(suite: Suite, context: Context): Promise<void> {
  const folder = `${context.artifacts}/ledger`;
  const script = (name: string, ...args: (string | number)[]) => [
    `VPIPE_BIN=${context.tools}`,
    `VPIPE_MODULE=${context.module}`,
    `TOOL_OPTIONS=--warm-up ${WARM_UP}`,
    `${context.scripts}/${name}`,
    ...args.map(String),
  ];
  const runScript = (name: string, ...args: (string | number)[]): Promise<Outcome> =>
    run("env", script(name, ...args), 300);
  const startEndless = (fixture: string, prefix: string): Running => {
    const input = `${context.fixtures}/${fixture}.pgm`;
    const args = [context.filter, heap(), input, prefix, 100_000_000, "none"];
    return new Running("env", script("bench_fixture.sh", ...args));
  };

  await suite.check("bench: every row of the ledger", async () => {
    const rows = ["machine", ...Object.keys(RUNS), ...LOCKS];
    const { status, stdout, stderr } = await runScript("bench_all.sh", folder, FRAMES, ...rows);
    expect(status === 0, `status ${status}: ${stderr}${stdout}`);
    let cpu = 0;
    for (const [name, columns] of Object.entries(RUNS)) {
      const frames = readCsv(`${folder}/${name}.csv`);
      expectEqual(`rows of ${name}.csv`, frames.length, FRAMES);
      expectColumns(`${name}.csv`, frames, columns);
      const result = JSON.parse(Deno.readTextFileSync(`${folder}/${name}.json`));
      expectEqual(`frames in ${name}.json`, result.frames, FRAMES);
      expect(result.process.cpu_ns >= 0, `${name}.json has no costs of the process`);
      cpu += result.process.cpu_ns;
      if (columns.includes("vpipe_sequence")) expectJoined(folder, name, frames);
    }
    // A run of tiny frames may be over within one tick.
    expect(cpu > 0, "no run took time of the processor");
    for (const { row, state } of readCsv(`${folder}/rows.csv`)) {
      const wanted = row === "kmemleak"
        ? "not asked for"
        : LOCKS.includes(row) && !canTraceLocks()
        ? "not on this kernel"
        : "ok";
      expectEqual(`state of ${row} in rows.csv`, state, wanted);
    }
    const machine = readCsv(`${folder}/machine.csv`);
    const kernel = machine.find(({ property }) => property === "kernel")?.value;
    expectEqual("kernel in machine.csv", kernel, Deno.osRelease());
    return `${Object.keys(RUNS).length} runs of ${FRAMES} frames: all columns in all rows, ` +
      "and each filtered frame inside the kernel's own account of it";
  });

  await suite.check("bench: mmap_lock during VIDIOC_QBUF", () => {
    if (!canTraceLocks()) throw new Skip("this kernel cannot trace it");
    const [kept, replaced] = LOCKS.map((name) => {
      const rows = readCsv(`${folder}/${name}.csv`);
      expect(rows.length >= FRAMES, `${name}.csv has ${rows.length} rows`);
      return rows.filter(({ acquisitions }) => Number(acquisitions) > 0).length / rows.length;
    });
    expect(replaced > 0.9, `only ${replaced} of the VIDIOC_QBUFs of fresh memory took the lock`);
    expect(kept < 0.5, `${kept} of the VIDIOC_QBUFs of the same memory took the lock`);
    const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
    return `taken in ${percent(replaced)} of them with fresh memory, in ${percent(kept)} without`;
  });

  await suite.check("bench: the report", async () => {
    const page = `${folder}/report.html`;
    const ledger = await context.run("bench-report", folder, page, "--markdown");
    const missing = Object.keys(RUNS).filter((name) => !ledger.includes(`| ${name}`));
    expect(missing.length === 0, `the ledger has no ${missing.join(", ")}`);
    const figures = await context.run("bench-report", folder, page, "--json");
    const [{ paths }] = JSON.parse(figures).machines;
    for (const [name, columns] of Object.entries(RUNS)) {
      const path = paths.find(({ run }: { run: string }) => run === name);
      expect(path !== undefined, `the report has no ${name}`);
      expectEqual(`frames of ${name}`, path.frames, FRAMES);
      expect(path.latency_ns?.p50 > 0, `${name} has no median latency`);
      const { frames, parts_not_recorded: missing } = path.decomposition;
      expectEqual(`parts of ${name} that are not recorded`, missing.join(), "");
      expect(frames >= FRAMES / 2, `${name}: only ${frames} of ${FRAMES} frames are taken apart`);
      if (!columns.includes("vpipe_sequence")) continue;
      expectEqual(
        `frames of ${name} without metadata`,
        path.decomposition.frames_without_metadata,
        0,
      );
    }
    const html = Deno.readTextFileSync(page);
    const charts = html.match(/<canvas data-chart=/g)?.length ?? 0;
    // Two of each run at the least: where its time goes, and how it is distributed.
    expect(charts >= 2 * Object.keys(RUNS).length, `${page} has only ${charts} charts`);
    return `a page of ${charts} charts and a ledger of ${
      Object.keys(RUNS).length
    } runs, each with all its parts`;
  });

  await suite.check("bench: stopped in mid-run", async () => {
    const prefix = `${context.scratch}/stopped`;
    await using bench = startEndless("noise-vga", prefix);
    await someRows(bench, `${prefix}.csv`, MID_RUN);
    bench.kill("SIGTERM");
    const { status, stderr } = await bench.end();
    expect(status === 143, `status ${status}: ${stderr}`);
    const rows = readCsv(`${prefix}.csv`);
    expectColumns("rows", rows, FIXTURE);
    const { frames } = JSON.parse(Deno.readTextFileSync(`${prefix}.json`));
    expectEqual("rows, by the tool's own count", rows.length, frames);
    const last = readCsv(`${prefix}.meta.csv`).at(-1)!;
    const queued = BigInt(rows.at(-1)!.enqueue_monotonic_ns);
    expect(BigInt(last.queued_ns) >= queued, "the last frame's metadata was not recorded");
    const left = processesWith(prefix);
    expect(left.length === 0, `left running: ${left.join("; ")}`);
    return `${rows.length} complete rows, metadata up to the last, status 143, no process left`;
  });

  await suite.check("bench: the metadata's reader dies", async () => {
    const prefix = `${context.scratch}/widowed`;
    await using bench = startEndless("tiny-4x4", prefix);
    await someRows(bench, `${prefix}.csv`, MID_RUN);
    await run("pkill", ["-KILL", "-f", `meta-drain ${META} ${prefix}`]);
    const { status, stderr } = await bench.end();
    expectEqual("status", status, 1);
    expect(stderr.includes("meta-drain ended in mid-run"), `it says ${stderr}`);
    const left = processesWith(prefix);
    expect(left.length === 0, `left running: ${left.join("; ")}`);
    return "the bench says so, stops its tool and fails";
  });

  await suite.check("bench: no perf", async () => {
    const path = `${context.scratch}/path`;
    Deno.mkdirSync(path);
    for (const word of "bash cat dirname env grep mkdir readlink rm sed sh uname".split(" ")) {
      const [file] = (await run("which", [word])).stdout.split("\n");
      Deno.symlinkSync(file, `${path}/${word}`);
    }
    const prefix = `${context.scratch}/unmeasured`;
    const { status, stderr } = await run("env", [
      ...[`PATH=${path}`, `${context.scripts}/bench_perf.sh`, prefix],
      ...["sh", "-c", "exit 7"],
    ]);
    expectEqual("status", status, 7);
    expectEqual("stderr", stderr, "bench_perf.sh: perf is not installed: no counters\n");
    expect(!exists(`${prefix}.perf.csv`), "there is a perf.csv");
    return "the command runs all the same, one line says so, no file is left";
  });

  await suite.check("bench: why a row failed", async () => {
    const bad = `${context.scratch}/bad`;
    const { status, stdout } = await run("env", [
      ...[`VPIPE_BIN=${context.tools}`, `VPIPE_MODULE=${context.module}`],
      ...["TOOL_OPTIONS=--size 1x1", `${context.scripts}/bench_all.sh`, bad, "5", "mmap"],
    ], 300);
    expectEqual("status", status, 1);
    const why = "capture-mmap: /dev/video";
    expect(stdout.includes(`status 1: ${why}`), `it says ${stdout}`);
    const mmap = readCsv(`${bad}/rows.csv`).find(({ row }) => row === "mmap");
    expect(mmap?.state.startsWith(`failed: ${why}`) === true, `rows.csv has ${mmap?.state}`);
    return `the tool's own words, with and without perf: "${mmap?.state}"`;
  });

  await suite.check("bench: wrong usage", async () => {
    const calls = [
      ["bench_all.sh"],
      ["bench_all.sh", folder, "many"],
      ["bench_all.sh", folder, 1, "nonsense"],
      ["bench_capture.sh", FRAMES, context.vivid],
      ["bench_userptr.sh", FRAMES, context.vivid, "maybe", folder],
      ["bench_vpipe.sh", context.vivid, context.filter, `${folder}/x`, FRAMES, "carrier-pigeon"],
      ["bench_fixture.sh", context.filter],
      ["trace_worst_case.sh", `${folder}/x`, "hope", "true"],
      ["trace_mmap_lock.sh", `${folder}/x`],
    ] as const;
    for (const [name, ...args] of calls) {
      const { status, stderr } = await runScript(name, ...args);
      const lines = stderr.trimEnd().split("\n");
      expect(
        status === 2 && lines.length === 2 && lines[0].startsWith(`${name}: `) &&
          lines[1].startsWith(`usage: scripts/${name}`),
        `${name} ${args.join(" ")}: status ${status}: ${stderr}`,
      );
    }
    return `${calls.length} wrong calls: what is wrong, the usage, and status 2`;
  });
}
