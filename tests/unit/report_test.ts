import { assert, assertEquals, assertThrows } from "@std/assert";
import { processorSeconds } from "./processor_time.ts";
import { writeFile } from "../../lib/files/whole_file.ts";
import { cameraRunLines } from "../../lib/report/camera_lines.ts";
import { SLOWEST } from "../../lib/report/analysis/slowest.ts";
import { quantiles, STRETCHES, timeline } from "../../lib/report/charts.ts";
import { EXPECTED } from "../../lib/report/expectations.ts";
import { FIGURES, type RunFigures } from "../../lib/report/figures.ts";
import { readBench } from "../../lib/report/folder.ts";
import { html, jsonScript, script } from "../../lib/report/html.ts";
import { bytes, count } from "../../lib/report/io_metrics.ts";
import { ioCsv, ioMarkdown } from "../../lib/report/io_tables.ts";
import { machineJson } from "../../lib/report/json.ts";
import { COLUMNS, latencyHeat, ROWS } from "../../lib/report/latency_heat.ts";
import { BARS, latencyHistogram } from "../../lib/report/latency_histogram.ts";
import { ledger } from "../../lib/report/ledger.ts";
import { page } from "../../lib/report/page.ts";
import {
  conditions,
  losses,
  percent,
  perFrame,
  switches,
  timestamps,
  whereTimeWent,
} from "../../lib/report/words.ts";
import { SysError } from "../../lib/sys/errno.ts";

const MMAP = "frame,buffer_index,enqueue_monotonic_ns,dequeue_monotonic_ns,v4l2_timestamp_sec," +
  "v4l2_timestamp_usec,sequence,bytesused\n";
const mmapRow = (frame: number, sequence = frame) =>
  `${frame},0,${frame * 100 + 1e10},${frame * 100 + 1e10 + 50},1,2,${sequence},16\n`;

const META = "seq,src_v4l2_sequence,flags,queued_ns,run_ns,done_ns\n";

/** Files in a new folder, which `use` is given; and afterwards no more. */
function withFiles(files: Record<string, string>, use: (folder: string) => void) {
  const folder = Deno.makeTempDirSync();
  try {
    for (const [name, text] of Object.entries(files)) {
      writeFile(`${folder}/${name}`, new TextEncoder().encode(text));
    }
    use(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("folder: what cannot be used is named, and the rest is read", () => {
  withFiles({
    "mmap.csv": MMAP + mmapRow(0) + mmapRow(1, 4) + mmapRow(2, 5).slice(0, -3),
    "mmap.json": '{"errors": 0, "failure": "no frame within 10 s"}\n',
    "empty.csv": "",
    "foreign.csv": "name,price\nx,1\n",
    "lost.meta.csv": META + "1,0,0,1,2,3\n",
  }, (folder) => {
    const [{ runs, notices }] = readBench(folder, FIGURES);
    assertEquals(runs.map(({ name, frames }) => [name, frames]), [["mmap", 2]]);
    assertEquals(runs[0].gaps, [{ of: "camera", gaps: 1, lost: 3, backwards: 0 }]);
    assertEquals(notices.map(({ file, says }) => `${file}: ${says}`), [
      "empty.csv: the file is empty; skipped",
      "foreign.csv: its columns are no tool's; skipped",
      "mmap.csv: the last row is cut off and left out",
      "mmap.json: the run failed: no frame within 10 s",
      "lost.meta.csv: there is no lost.csv that it belongs to; skipped",
    ]);
  });
});

Deno.test("folder: what a tool said at the end of another run is named, and not shown", () => {
  const rows = MMAP + mmapRow(0) + mmapRow(1, 4);
  withFiles({
    ...{ "old.csv": rows, "old.json": '{"frames":600}\n' },
    ...{ "own.csv": rows, "own.json": '{"frames":2,"latency_ns":{"max":50}}\n' },
    ...{ "slow.csv": rows, "slow.json": '{"frames":2,"latency_ns":{"max":51}}\n' },
    ...{ "cut.csv": rows + "2,0,1", "cut.json": '{"frames":3}\n' },
  }, (folder) => {
    const [{ notices, runs }] = readBench(folder, FIGURES);
    assertEquals(notices.map(({ file, says }) => `${file}: ${says}`), [
      "cut.csv: the last row is cut off and left out",
      "old.json: is of 600 frames, and old.csv has 2: of another run; skipped",
      "slow.json: has 51 ns as the longest queueing to dequeueing, and slow.csv 50 ns: of another run; skipped",
    ]);
    const shown = runs.filter(({ summary }) => summary).map(({ name }) => name);
    assertEquals(shown, ["cut", "own"]);
  });
});

Deno.test("folder: what was there before a run is of an earlier one, and not shown", () => {
  const files = {
    "mmap.csv": MMAP + mmapRow(0) + mmapRow(1),
    "mmap.lock.csv": "qbuf,ioctl_ns,acquisitions,waited_ns,held_ns\n0,900,0,0,0\n",
    "mmap.perf.csv": "55,,context-switches,1,100.00,,\n",
  };
  for (const [seconds, isShown] of [[30, true], [90, false]] as const) {
    withFiles(files, (folder) => {
      const now = Date.now() / 1000;
      Deno.utimeSync(`${folder}/mmap.csv`, now, now);
      for (const file of ["mmap.lock.csv", "mmap.perf.csv"]) {
        Deno.utimeSync(`${folder}/${file}`, now - seconds, now - seconds);
      }
      const [{ runs: [{ lock, perf }], notices }] = readBench(folder, FIGURES);
      // Locks are of a run of their own.
      assertEquals([lock !== undefined, perf !== undefined], [true, isShown]);
      const says = "was there 90 s before the run: of an earlier one; skipped";
      assertEquals(
        notices.map(({ file, says }) => `${file}: ${says}`),
        isShown ? [] : [`mmap.perf.csv: ${says}`],
      );
    });
  }
});

Deno.test("words: no figure is rounded to none, and none has an exponent", () => {
  assertEquals([0, 1, 75, 0.5, 12.345, 999.6, 4096.25].map(perFrame), [
    ...["0", "1", "75", "0.500", "12.3", "1000", "4096"],
  ]);
  assertEquals([2.5e-7, 0.012].map(perFrame), ["0.000000250", "0.0120"]);
  assertEquals([0, 0.0003, 0.0006, 0.5].map(percent), ["0.0 %", "<0.1 %", "0.1 %", "50.0 %"]);
  assertEquals([0, 0.004, 0.005, 2.034, 112.4].map(count), [
    "0.00",
    "<0.01",
    "0.01",
    "2.03",
    "112",
  ]);
  assertEquals([0, 16, 4096, 460_800, 994_999, 3_110_400].map(bytes), [
    ...["0.00 MB", "16 B", "4.10 kB", "0.46 MB", "0.99 MB", "3.11 MB"],
  ]);
});

Deno.test("folder: overruns and lost entries of the metadata", () => {
  const fixture = "frame,output_index,enqueue_monotonic_ns,dequeue_monotonic_ns,vpipe_sequence," +
    "bytesused,algo\n0,0,10000000000,10000000900,0,16,none\n";
  withFiles({
    "f.csv": fixture,
    "f.meta.csv": META + "5,0,0,10000000100,10000000200,10000000300\n" +
      "9,0,1,10000000400,10000000500,10000000600\n",
  }, (folder) => {
    const [{ runs: [run] }] = readBench(folder, FIGURES);
    assertEquals(run.meta, { entries: 2, overruns: 1, lost: 3, isFirstOverrun: false });
  });
  withFiles({
    "f.csv": fixture,
    "f.meta.csv": META + "5,0,0,10000000100,10000000200,10000000300\n" +
      "6,0,0,1.00E+10,10000000500,10000000600\n" +
      "7,0,0,10000000700,10000000800,10000000900\n",
  }, (folder) => {
    const [{ runs: [run], notices }] = readBench(folder, FIGURES);
    assertEquals(run.meta, { entries: 2, overruns: 0, lost: 0, isFirstOverrun: false });
    assertEquals(notices.length, 1, "a damaged row is no lost entry");
  });
});

Deno.test("words: what was lost before the metadata's first entry, or among numbers that stand still, is not none", () => {
  const fixture = "frame,output_index,enqueue_monotonic_ns,dequeue_monotonic_ns,vpipe_sequence," +
    "bytesused,algo\n0,0,10000000000,10000000900,4,16,none\n1,0,10000001000,10000001900,4,16,none\n";
  withFiles({
    "f.csv": fixture,
    "f.meta.csv": META + "5,0,1,10000000100,10000000200,10000000300\n" +
      "9,0,1,10000001100,10000001200,10000001300\n",
  }, (folder) => {
    const machines = readBench(folder, FIGURES);
    const [{ runs: [run] }] = machines;
    assertEquals(
      losses(run),
      "filter: lost: cannot be told (1 backwards); " +
        "metadata: 3 lost and an unknown number before the first, 2 overruns; errors: not recorded",
    );
    const said = JSON.parse(JSON.stringify(machineJson(machines[0])));
    assertEquals(said.paths[0].metadata, { entries: 2, overruns: 2 });
    assertEquals(said.paths[0].sequence_gaps, [{ of: "filter", gaps: 0, lost: 0, backwards: 1 }]);
    const cells = [...page(machines).matchAll(/data-of="(?:filter|metadata) lost">(.*?)</g)];
    assertEquals(cells.map(([, cell]) => cell), ["cannot be told", "cannot be told"]);
  });
});

Deno.test("folder: one machine a folder in it, and none where there is nothing", () => {
  withFiles({
    "uml/mmap.csv": MMAP + mmapRow(0),
    "uml/machine.csv": 'property,value\ncpu_model,"A, ""B"""\nkernel,6.12\n',
    "notes.txt": "x",
  }, (folder) => {
    const machines = readBench(folder, FIGURES);
    assertEquals(machines.map(({ name }) => name), ["uml"]);
    assertEquals(machines[0].properties.get("cpu_model"), 'A, "B"');
    assertThrows(() => readBench(`${folder}/none`, FIGURES), SysError, "none: opendir");
  });
});

Deno.test("ledger: six phases, and no cell empty", () => {
  withFiles(
    { "uml/mmap.csv": MMAP + mmapRow(0) + mmapRow(1), "uml/odd.csv": MMAP + mmapRow(0) },
    (folder) => {
      const lines = readBench(folder, FIGURES).flatMap(ledger);
      const rows = lines.filter((line) => line.startsWith("|"));
      for (const row of rows) {
        const cells = row.split("|").slice(1, -1);
        assert(cells.every((cell) => cell.trim() !== ""), row);
      }
      const phases = lines.filter((line) => line.startsWith("### "));
      assertEquals(
        phases.map((line) => line.slice(4, 12)),
        [1, 2, 3, 4, 5, 6].map((i) => `Phase ${i}:`.slice(0, 8)),
      );
      assert(rows.some((row) => row.startsWith("| read | not recorded |")));
      assert(rows.some((row) => row.startsWith("| odd: camera mmap,")));
      assert(!lines.some((line) => /TBD|NaN|undefined/.test(line)));
    },
  );
});

Deno.test("ledger: why a row is missing, and none for what was not asked for", () => {
  withFiles({
    "mmap.csv": MMAP + mmapRow(0) + mmapRow(1),
    "rows.csv": "row,state\nmmap,ok\nread,failed: no camera\nkmemleak,not on this kernel\n" +
      ["dmabuf", "userptr-reset", "userptr-noreset"].map((row) => `${row},not asked for\n`).join(
        "",
      ),
  }, (folder) => {
    const machines = readBench(folder, FIGURES);
    assertEquals(machines.flatMap(({ notices }) => notices), []);
    const lines = machines.flatMap(ledger);
    assert(lines.some((line) => line.startsWith("| read | failed: no camera |")));
    assert(lines.includes("| any | not on this kernel |"));
    assert(!lines.some((line) => line.startsWith("| dmabuf")));
    assertEquals(lines.filter((line) => line === "Not run here.").length, 3);
  });
});

Deno.test("json: every quantity with its unit", () => {
  withFiles({ "mmap.csv": MMAP + mmapRow(0) + mmapRow(1) }, (folder) => {
    const [machine] = readBench(folder, FIGURES).map(machineJson);
    const [path] = JSON.parse(JSON.stringify(machine)).paths;
    assertEquals([path.run, path.frames, path.latency_ns.p50], ["mmap", 2, 50]);
  });
});

Deno.test("page: nothing in a file becomes HTML or ends a script, nothing is loaded", () => {
  withFiles({
    "a<script>b.csv": MMAP + mmapRow(0) + mmapRow(1),
    "machine.csv": 'property,value\nkernel,</script><img src=x onerror="alert(1)">\n',
  }, (folder) => {
    const text = page(readBench(folder, FIGURES));
    assert(!text.includes("a<script>b") && text.includes("a&lt;script&gt;b"));
    assert(!text.includes("<img"));
    assertEquals(text.match(/<script/g)!.length, text.match(/<\/script/g)!.length);
    assert(!/(src|href)="?http|sourceMappingURL|@import|url\(/.test(text));
    assert(text.includes("Chart.js Contributors"));
  });
});

Deno.test("html: escaping, also within JSON", () => {
  assertEquals(
    html`
      <b>${"<&>\"'"}${[
        1,
        false,
        undefined,
        html`
          <i></i>
        `,
      ]}</b>
    `.text,
    "<b>&lt;&amp;&gt;&quot;&#39;1<i></i></b>",
  );
  assertEquals(
    jsonScript("d", ["</script>"]).text,
    '<script type="application/json" id="d">["\\u003c/script>"]</script>',
  );
  assert(!script('x = "</script>"').text.slice(8, -9).includes("</script"));
});

Deno.test("timeline: 100 000 frames in as many stretches as a screen shows, the worst kept", () => {
  const times = Float64Array.from({ length: 100_000 }, (_, i) => i * 1e6);
  const latencies = times.map((_, i) => 1000 + i % 7);
  latencies[77_777] = 5e6;
  const chart = timeline(times, latencies);
  assert(chart.seconds.length <= STRETCHES);
  assertEquals(Math.max(...chart.max_ns), 5e6);
  assertEquals([chart.worst.length, ...chart.worst[0]], [SLOWEST, 77.777, 5e6]);
  assertEquals(timeline(times.slice(0, 3), latencies.slice(0, 3)).median_ns, [1000, 1001, 1002]);
});

Deno.test("distribution: by the nearest rank, on an axis of nines, up to the slowest frame", () => {
  const of = (count: number) =>
    quantiles("a", Float64Array.from({ length: count }, (_, i) => i + 1))!;
  const long = of(100_000);
  assertEquals(long.marks, [
    ["p50", 0.301, 50_000],
    ["p95", 1.301, 95_000],
    ["p99", 2, 99_000],
    ["p99.9", 3, 99_900],
    ["p99.99", 4, 99_990],
    ["max", 5.301, 100_000],
  ]);
  assertEquals(long.points[0], [0, 1]);
  assertEquals(long.points[100], [2, 99_000]);
  assertEquals(long.points.at(-1), [5.301, 100_000]);
  assert(long.points.length < 300);
  // Of 600 frames there is no thousandth one: no figure is made of nothing.
  assertEquals(of(600).marks.map(([name]) => name), ["p50", "p95", "p99", "max"]);
  assertEquals([of(1).marks, of(1).points.at(-1)], [[["max", 0.301, 1]], [0.301, 1]]);
  assertEquals(quantiles("a", Float64Array.of(NaN)), undefined);
});

Deno.test("heat map: every frame is in the cell of its time and its latency, on a scale of logarithms", () => {
  const times = Float64Array.from({ length: 4000 }, (_, i) => i * 1e6);
  const latencies = times.map((_, i) => i < 2000 ? 1000 : 10_000);
  latencies[3999] = 1e6;
  latencies[5] = NaN;
  const { secondsEach, edges_ns, cells } = latencyHeat(times, latencies);
  assertEquals([secondsEach, edges_ns[0], edges_ns.at(-1)], [0.03999, 1000, 1e6]);
  assertEquals(edges_ns[ROWS / 3], 10_000);
  assertEquals(cells.reduce((sum, [, , frames]) => sum + frames, 0), 3999);
  assertEquals(cells.filter(([, row]) => row === 0).length, COLUMNS / 2);
  assertEquals(cells[0], [0, 0, 39]);
  assertEquals(cells.at(-1), [COLUMNS - 1, ROWS - 1, 1]);
  // One frame, and one that was had before its time, for which there is no logarithm.
  assertEquals(latencyHeat(Float64Array.of(5), Float64Array.of(7)).cells, [[0, 0, 1]]);
  const ahead = latencyHeat(Float64Array.of(0, 1e9), Float64Array.of(-300, 0));
  assertEquals(ahead.edges_ns.slice(0, 2), [-300, -290]);
  assertEquals(ahead.cells, [[0, 0, 1], [0, ROWS - 1, 1]]);
});

Deno.test("histogram: every frame is in the bar of its latency, one alone too, and those without are in none", () => {
  const latencies = Float64Array.from({ length: 4000 }, (_, i) => i < 3000 ? 1000 : 10_000);
  latencies[3999] = 1e6;
  latencies[5] = NaN;
  const { edges_ns, frames } = latencyHistogram(latencies);
  assertEquals([edges_ns[0], edges_ns[BARS / 3], edges_ns.at(-1)], [1000, 10_000, 1e6]);
  assertEquals([frames[0], frames[BARS / 3], frames.at(-1)], [2999, 999, 1]);
  assertEquals(frames.reduce((sum, n) => sum + n), 3999);
  assertEquals(latencyHistogram(Float64Array.of(7)).frames[0], 1);
  const ahead = latencyHistogram(Float64Array.of(-300, 0));
  assertEquals([ahead.edges_ns[1], ahead.frames[0], ahead.frames.at(-1)], [-295, 1, 1]);
});

Deno.test("slowest frames: each with its parts, what they leave, and what its thread was charged", () => {
  const columns = "frame,buffer_index,wait_monotonic_ns,enqueue_monotonic_ns," +
    "dequeue_monotonic_ns,requeue_monotonic_ns,requeued_monotonic_ns,measured_monotonic_ns," +
    "v4l2_timestamp_sec,v4l2_timestamp_usec,sequence,bytesused,minor_faults,voluntary_switches," +
    "involuntary_switches,run_delay_ns\n";
  // A turn of 33 ms; frame 20 is requeued 400 us late, and its latency is 1 ms more than the others' 30 ms.
  const rows = Array.from({ length: 40 }, (_, frame) => {
    const slow = frame === 20 ? 400_000 : 0;
    const at = [0, 2_000_000 - 2.5 * slow, 32_000_000, 32_000_000, 32_040_000 + slow]
      .map((ns) => ns + frame * 33_000_000 + 1e10);
    const charged = slow ? "7,1,3,1000" : "0,1,0,1000";
    return `${frame},0,${at.join(",")},${at[4] + 300_000},1,2,${frame},16,${charged}\n`;
  });
  withFiles({ "cam.csv": columns + rows.join("") }, (folder) => {
    const machines = readBench(folder, FIGURES);
    const [{ runs: [{ slowest }] }] = machines;
    assertEquals(slowest.length, SLOWEST);
    const [{ frame, seconds, latency, parts, remainder, charged }] = slowest;
    assertEquals([frame, seconds, latency, remainder], [20, 0.66, 31e6, 260_000]);
    assertEquals([...parts], [
      ["source wait", 31_999_000],
      ["requeue", 440_000],
      ["measuring", 300_000],
      ["run delay", 1000],
    ]);
    assertEquals([...charged], [
      ["minor_faults", 7],
      ["voluntary_switches", 1],
      ["involuntary_switches", 3],
    ]);
    const [{ paths: [json] }] = JSON.parse(JSON.stringify(machines.map(machineJson)));
    assertEquals(json.slowest_frames[0].parts_ns.requeue, 440_000);
    assertEquals(json.slowest_frames[0].involuntary_switches, 3);
    const text = page(machines);
    assert(text.includes("the slowest 30 of 40 frames"));
    const row = text.slice(text.indexOf('<th scope="row">20</th>')).split("</tr>")[0];
    assert(row.includes('<td data-of="requeue">440.00</td>'), row);
    assert(row.includes('<td data-of="involuntary switches">3</td>'), row);
  });
  // The last row's turn has no end, and without stages there is no part.
  withFiles({ "mmap.csv": MMAP + mmapRow(0) + mmapRow(1) }, (folder) => {
    const machines = readBench(folder, FIGURES);
    const [{ runs: [{ slowest }] }] = machines;
    assertEquals(slowest.map(({ parts, remainder }) => [parts.size, remainder]), [
      [0, undefined],
      [0, undefined],
    ]);
    assert(page(machines).includes("all 2 frames"));
  });
});

Deno.test("report: 100 000 rows take seconds", () => {
  const rows = Array.from({ length: 100_000 }, (_, i) => mmapRow(i)).join("");
  withFiles({ "mmap.csv": MMAP + rows }, (folder) => {
    const start = processorSeconds();
    const text = page(readBench(folder, FIGURES));
    assert(processorSeconds() - start < 60);
    assert(text.length < 1e6);
  });
});

/** One combination: a frame each 1000 ns that takes `latency` to its reader. */
const pairFiles = (name: string, latency: number, frames = 100) => {
  const rows = (row: (frame: number, ns: number) => string) =>
    [0, 1, 2, 3].map((frame) => `${row(frame, 1e10 + frame * 1000)}\n`).join("");
  return {
    [`${name}.write.csv`]: "frame,sequence,submit_monotonic_ns,submitted_monotonic_ns\n" +
      rows((frame, ns) => `${frame},${frame},${ns},${ns + 10}`),
    [`${name}.read.csv`]: "frame,buffer_index,enqueue_monotonic_ns,dequeue_monotonic_ns," +
      "v4l2_timestamp_sec,v4l2_timestamp_usec,sequence,bytesused,stamp\n" +
      rows((frame, ns) => `${frame},0,${ns - 50},${ns + latency},1,2,${frame},16,${frame}`),
    [`${name}.cost.csv`]: "frames,copies,bytes_copied,shared,lost,write_cpu_ns,write_switches," +
      "write_minor_faults,read_cpu_ns,read_switches,read_minor_faults\n" +
      "100,200,3200,0,0,1000,200,0,3000,150,7\n".replace("100,", `${frames},`),
  };
};
const CALLS = "side,syscall,calls,frames\nwrite,ioctl,40,20\nread,ioctl,40,20\nread,poll,20,20\n";

Deno.test("I/O methods: what is less than one in a thousand frames is not none", () => {
  withFiles(pairFiles("640x480-mmap-dmabuf", 50, 600_000), (folder) => {
    const [head, row] = ioCsv(readBench(folder, FIGURES)[0]).map((line) => line.split(","));
    const of = (...names: string[]) => names.map((name) => row[head.indexOf(name)]);
    assertEquals(of("copies", "bytes_copied", "write_switches", "read_minor_faults"), [
      ...["0.000333", "0.00533", "0.000333", "0.0000117"],
    ]);
    assertEquals(of("shared", "write_minor_faults", "read_cpu_ns"), ["0.000", "0.000", "0.00500"]);
  });
});

Deno.test("I/O methods: figures of a combination, as CSV, Markdown and JSON", () => {
  withFiles({
    ...pairFiles("640x480-mmap-dmabuf", 50),
    ...pairFiles("640x480-write-mmap", 400),
    "640x480-write-mmap.calls.csv": CALLS,
    "rows.csv": "row,state\nsyscalls,not on this kernel\n640x480-mmap-read,failed: no frame\n",
  }, (folder) => {
    const [machine] = readBench(folder, FIGURES);
    assertEquals(machine.notices, []);
    const [head, ...rows] = ioCsv(machine).map((line) => line.split(","));
    const row = (at: number) => Object.fromEntries(head.map((name, i) => [name, rows[at][i]]));
    assertEquals(rows.map(([size, writer, reader]) => [size, writer, reader]), [
      ["640x480", "write", "mmap"],
      ["640x480", "mmap", "dmabuf"],
    ]);
    assertEquals(row(0).latency_p50_ns, "400");
    assertEquals([row(0).copies, row(0).bytes_copied], ["2.000", "32"]);
    assertEquals([row(0).write_syscalls, row(0).read_syscalls], ["2.000", "3.000"]);
    assertEquals([row(0).write_cpu_ns, row(0).read_cpu_ns], ["10", "30"]);
    assertEquals([row(0).frames, row(0).submit_p50_ns], ["4", "10"]);
    assertEquals(row(1).write_syscalls, "not on this kernel");
    assertEquals([row(1).write_switches, row(1).read_switches], ["2.000", "1.500"]);
    assertEquals([row(1).write_minor_faults, row(1).read_minor_faults], ["0.000", "0.0700"]);
    const lines = ioMarkdown(machine);
    const cells = lines.find((line) => line.startsWith("| write → mmap |"))!.split(" | ");
    assertEquals(cells.slice(1, 6), ["400 ns", "400 ns", "400 ns", "10 ns", "2.00"]);
    assert(lines.includes("| 640x480 | write → mmap | ioctl 2.00 | ioctl 2.00, poll 1.00 |"));
    assert(!lines.some((line) => /NaN|undefined|\| +\|/.test(line)));
    const [json] = JSON.parse(JSON.stringify(machineJson(machine))).io_methods;
    assertEquals(json.latency_ns.p50, 50);
  });
});

Deno.test("I/O methods: what was counted over no frames is not recorded", () => {
  const name = "640x480-mmap-mmap";
  const files = pairFiles(name, 50);
  const cost = files[`${name}.cost.csv`].replace("100,200", "0,200");
  const calls = CALLS.replaceAll(",20\n", ",0\n");
  withFiles({ ...files, [`${name}.cost.csv`]: cost, [`${name}.calls.csv`]: calls }, (folder) => {
    const [machine] = readBench(folder, FIGURES);
    const [, row] = ioCsv(machine);
    assert(!/NaN|Infinity/.test(row) && row.includes("not recorded"), row);
  });
});

Deno.test("I/O methods: a cell for each combination, darker for more, and why one is empty", () => {
  withFiles({
    ...pairFiles("640x480-mmap-dmabuf", 50),
    ...pairFiles("640x480-write-mmap", 400),
    "rows.csv": "row,state\nsyscalls,not on this kernel\n640x480-mmap-read,failed: no frame\n",
  }, (folder) => {
    const text = page(readBench(folder, FIGURES));
    const from = text.indexOf("latency, p50<small>");
    const map = text.slice(from, text.indexOf("</figure>", from));
    assertEquals(map.match(/<td class/g)!.length, 16);
    assert(map.includes('<td class="heat-0">50 ns</td>'));
    assert(map.includes('<td class="heat-6">400 ns</td>'));
    assert(map.includes('<td class="none" title="failed: no frame">–</td>'));
    assertEquals(map.match(/title="not recorded"/g)!.length, 13);
    assert(text.includes("system calls<small>not on this kernel</small>"));
    assert(!text.includes("<canvas data-chart"), "no path of the ledger's among them");
  });
});

Deno.test("I/O methods: a combination that lacks one side, or frames in common, is named", () => {
  const { "640x480-mmap-read.read.csv": read } = pairFiles("640x480-mmap-read", 5);
  const strange = pairFiles("640x480-mmap-mmap", -5);
  withFiles({ "640x480-mmap-read.read.csv": read, "odd.read.csv": read, ...strange }, (folder) => {
    const [{ pairs, notices }] = readBench(folder, FIGURES);
    assertEquals(pairs, []);
    assertEquals(notices.map(({ file, says }) => `${file}: ${says}`), [
      "640x480-mmap-mmap.read.csv: no row that belongs to one of the writer; skipped",
      "640x480-mmap-read.write.csv: missing: the others of it are skipped",
      "odd.*.csv: not named SIZE-WRITER-READER; skipped",
    ]);
  });
});

/** Words of the one run in a folder of such files. */
function wordsOf(files: Record<string, string>) {
  let words = { losses: "", timestamps: "", conditions: "", switches: "" };
  withFiles(files, (folder) => {
    const [{ runs: [run] }] = readBench(folder, FIGURES);
    words = {
      losses: losses(run),
      timestamps: timestamps(run),
      conditions: conditions(run),
      switches: switches(run),
    };
  });
  return words;
}

const FLAGGED = MMAP.trimEnd() + ",flags\n";
const flagged = (frame: number, flags: number) => mmapRow(frame).trimEnd() + `,${flags}\n`;

Deno.test("figures: of the address space's lock, the first VIDIOC_QBUF of each buffer does not count", () => {
  const files = {
    "userptr-noreset.csv": MMAP + mmapRow(0) + mmapRow(1),
    "userptr-noreset.json": '{"buffers": 2}',
    "userptr-noreset.lock.csv": "qbuf,ioctl_ns,acquisitions,waited_ns,held_ns\n" +
      "0,9000,1,10,8000\n1,9000,1,10,8000\n2,900,0,0,0\n3,900,0,0,0\n",
  };
  withFiles(files, (folder) => {
    const [{ lock }] = readBench(folder, FIGURES)[0].runs;
    assertEquals([lock?.calls, lock?.held.max, lock?.acquisitions.mean], [2, 0, 0]);
  });
});

Deno.test("words: faulty frames by the rows' flags, the clock by what the driver says of it", () => {
  const csv = FLAGGED + flagged(0, 0x2000) + flagged(1, 0x2040) + flagged(2, 0x2040);
  const json = { driver: "uvcvideo", errors: 7 };
  const words = wordsOf({ "mmap.csv": csv, "mmap.json": JSON.stringify(json) });
  assert(words.losses.endsWith("errors: 2"), words.losses);
  const clock = "program's CLOCK_MONOTONIC; the buffer's: ";
  assertEquals(words.timestamps, `${clock}CLOCK_MONOTONIC, end of frame`);
  const of = (flags: number, driver = "uvcvideo") =>
    wordsOf({ "mmap.csv": FLAGGED + flagged(0, flags), "mmap.json": JSON.stringify({ driver }) })
      .timestamps.slice(clock.length);
  assertEquals(of(0x12000), "CLOCK_MONOTONIC, start of exposure");
  assertEquals(of(0x4000), "the writer's, copied");
  assertEquals(of(0), "of a clock that the driver does not name");
  assertEquals(of(0x2000, "vivid"), "CLOCK_MONOTONIC, end of frame, synthetic (vivid)");
  assertEquals(wordsOf({ "mmap.csv": MMAP + mmapRow(0) }).timestamps, `${clock}not recorded`);
});

/** Frames of a camera that are had 5 and 7 ms after the time of their buffers, of that clock. */
const stamped = (flags: readonly number[]) =>
  FLAGGED + flags.map((flags, i) => {
    const ms = 3e4 + i * 40;
    const time = ms - 5 - 2 * i;
    const [sec, usec] = [Math.floor(time / 1e3), time % 1e3 * 1e3];
    return `${i},0,${ms * 1e6 - 9e7},${ms * 1e6},${sec},${usec},${i},16,${flags}\n`;
  }).join("");

function figuresOf(csv: string) {
  const found: ReturnType<typeof FIGURES.run>[] = [];
  withFiles({ "mmap.csv": csv }, (folder) => {
    found.push(readBench(folder, FIGURES)[0].runs[0]);
  });
  return found[0]!;
}

Deno.test("figures: a camera's latency is from its buffers' time where the clock is the program's", () => {
  const of = (...flags: number[]) => {
    const { latency, latencyName, ownLatency } = figuresOf(stamped(flags));
    return [latencyName, latency.count, latency.min, latency.max, ownLatency?.min];
  };
  assertEquals(of(0x12000, 0x12000), ["start of exposure to dequeueing", 2, 5e6, 7e6, 9e7]);
  assertEquals(of(0x2000, 0x2000), ["end of frame to dequeueing", 2, 5e6, 7e6, 9e7]);
  // Of a buffer whose time is of another clock than that of most nothing is known, be it the first.
  const others = ["end of frame to dequeueing", 2, 7e6, 9e6, 9e7];
  assertEquals(of(0x4000, 0x2000, 0x2000), others);
  assertEquals(of(0x12000, 0x2000, 0x2000), others);
  assertEquals(of(0x2000, 0x4000), ["end of frame to dequeueing", 1, 5e6, 5e6, 9e7]);
  const queued = ["queueing to dequeueing", 2, 9e7, 9e7, undefined];
  for (const other of [0, 0x4000, 0x6000]) assertEquals(of(other, other), queued);
  assertEquals(figuresOf(MMAP + mmapRow(0)).latencyName, "queueing to dequeueing");
  assertEquals(figuresOf(stamped([0, 0])).interval?.p50, 4e7);
});

Deno.test("page: figures say of how many frames they are, where some lack what they are of", () => {
  withFiles({ "mmap.csv": stamped([0x2000, 0x2000, 0x4000]) }, (folder) => {
    const text = page(readBench(folder, FIGURES));
    const row = /<th scope="row">end of frame to dequeueing<\/th>.*?<\/tr>/s.exec(text)![0];
    assert(row.includes('<td data-of="of so many">2</td>'), row);
    assertEquals(text.match(/2 of 3 frames/g)?.length, 2);
    const [, data] = /id="data">(.*?)<\/script>/.exec(text)!;
    const chart = JSON.parse(data).find(({ type }: { type: string }) => type === "histogram");
    assertEquals(chart.frames.filter((n: number) => n > 0), [1, 1]);
  });
});

Deno.test("page: cycles, instructions and cache misses are of the frames that have them, and nothing where none has", () => {
  const columns = MMAP.trimEnd() +
    ",minor_faults,voluntary_switches,involuntary_switches,run_delay_ns,cycles,instructions,cache_misses\n";
  const rows = (counts: readonly string[]) =>
    columns + counts.map((of, i) => `${mmapRow(i).trimEnd()},0,1,0,5,${of}\n`).join("");
  const pageOf = (counts: readonly string[]) => {
    let text = "";
    withFiles({ "mmap.csv": rows(counts) }, (folder) => {
      text = page(readBench(folder, FIGURES));
    });
    return text;
  };
  const counted = pageOf(["1000000,2000000,300", ",,", "1000001,2000000,301"]);
  const cells = (name: string) =>
    new RegExp(`<th scope="row">${name}</th>(.*?)</tr>`, "s").exec(counted)![1]
      .match(/(?<=>)[^<\s]+(?=<)/g);
  assertEquals(cells("cycles a frame"), [
    "1000000",
    "1000001",
    "1000001",
    "1000001",
    "1000001",
    "2",
  ]);
  assertEquals(cells("cache misses a frame"), ["300", "301", "301", "301", "301", "2"]);
  assert(counted.includes('data-of="cycles"'));
  const without = pageOf([",,", ",,"]);
  assert(!without.includes("cycles") && without.includes("run delay a frame"));
});

Deno.test("figures: times that are never set are not subtracted, times ahead are counted", () => {
  const row = (stamp: string) => `${FLAGGED}0,0,10000000000,10000000050,${stamp},0,16,8192\n`;
  assertEquals(figuresOf(row("0,0")).latencyName, "queueing to dequeueing");
  const { latencyName, latency, ahead } = figuresOf(row("10,1"));
  assertEquals([latencyName, latency.p50, ahead], ["queueing to dequeueing", 50, 1]);
  // A few are what a driver's idea of the clock makes of a real camera.
  const mixed = figuresOf(
    row("10,1") +
      ["1", "2"].map((frame) =>
        `${frame},0,10000000000,1000100${frame}000,10,${frame},${frame},16,8192\n`
      )
        .join(""),
  );
  assertEquals([mixed.latencyName, mixed.latency.min, mixed.ahead], [
    "end of frame to dequeueing",
    -950,
    1,
  ]);
});

Deno.test("figures: the buffers' time is the latency's where most have one, and says of how many", () => {
  // Of every so many buffers one has no time of the frame.
  const run = (without: number) =>
    FLAGGED + Array.from({ length: 60 }, (_, frame) => {
      const had = 1e10 + frame * 4e7;
      const us = had / 1e3 - 5000;
      const stamp = frame % without === 0 ? "0,0" : `${Math.floor(us / 1e6)},${us % 1e6}`;
      return `${frame},0,${had - 9e7},${had},${stamp},${frame},16,8192\n`;
    }).join("");
  const of = (csv: string) => {
    const { latencyName, latency, frames } = figuresOf(csv);
    return [latencyName, latency.count, frames];
  };
  assertEquals(of(run(60)), ["end of frame to dequeueing", 59, 60]);
  assertEquals(of(run(1)), ["queueing to dequeueing", 60, 60]);
  const few = run(3);
  assertEquals(of(few), ["end of frame to dequeueing", 40, 60]);
  assert(cameraRunLines(figuresOf(few)).some((line) => line.endsWith(", of 40 of 60 frames")));
  // A third of them alone.
  const most = few.replaceAll(/^(\d*[12457],.*),8192$/gm, "$1,0");
  assertEquals(of(most)[0], "queueing to dequeueing");
});

Deno.test("figures: a buffer's time that stands still, or goes back, is not the frame's", () => {
  const rows = (stamp: (frame: number) => string) =>
    figuresOf(
      FLAGGED + Array.from({ length: 60 }, (_, frame) => {
        const had = 1e10 + frame * 4e7;
        return `${frame},0,${had - 9e7},${had},${stamp(frame)},${frame},16,8192\n`;
      }).join(""),
    );
  const of = (
    { latencyName, latency, stale, ahead }: ReturnType<typeof rows>,
  ) => [latencyName, latency.count, latency.max, stale, ahead];
  const sound = (frame: number) => {
    const us = 1e7 + frame * 4e4 - 5000;
    return `${Math.floor(us / 1e6)},${us % 1e6}`;
  };
  assertEquals(of(rows(sound)), ["end of frame to dequeueing", 60, 5e6, 0, 0]);
  // Its latency would be up to 2.4 s.
  assertEquals(of(rows(() => "9,999000")), ["queueing to dequeueing", 60, 9e7, 59, 0]);
  const odd = (which: string) => (frame: number) => frame === 30 ? which : sound(frame);
  assertEquals(of(rows(odd("1,5"))), ["end of frame to dequeueing", 59, 5e6, 1, 0]);
  assertEquals(of(rows(odd("99,5"))), ["end of frame to dequeueing", 60, 5e6, 0, 1]);
});

Deno.test("figures: a rate is from the first to the last frame whose time is known", () => {
  const at = [1e10, 1e10 + 4e7, 1e10 + 8e7, 0];
  const csv = MMAP + at.map((had, i) => `${i},0,${1e10},${had},1,2,${i},16\n`).join("");
  assertEquals(figuresOf(csv).rate, 25);
});

Deno.test("figures: fields that alternate are told by their column, or by what the camera was set to", () => {
  const head = MMAP.replace("\n", ",field\n");
  const rows = (...fields: (readonly [sequence: number, field: string])[]) =>
    head +
    fields.map(([sequence, field], frame) =>
      `${frame},0,${frame * 2e7 + 1e10},${frame * 2e7 + 1e10 + 50},1,2,${sequence},16,${field}\n`
    ).join("");
  const of = (csv: string, field?: string) => {
    let found: unknown;
    withFiles(
      { "mmap.csv": csv, ...field && { "mmap.json": JSON.stringify({ field }) } },
      (folder) => {
        const [{ runs: [run] }] = readBench(folder, FIGURES);
        const { rate, gaps: [{ lost, backwards }] } = run;
        found = [rate, lost, backwards, cameraRunLines(run)[0], dropped(run)];
      },
    );
    return found;
  };
  const dropped = (run: RunFigures) => EXPECTED.dropped.of(run);
  const both = rows([0, "top"], [0, "bottom"], [1, "top"], [2, "top"], [2, "bottom"]);
  const says = "5 fields, fields alternate, 25.00 frames/s";
  assertEquals(of(both), [25, 1, 0, says, 1]);
  assertEquals(of(both, "alternate"), [25, 1, 0, says, 1]);
  const half = rows([0, "top"], [1, "top"], [2, "top"]);
  assertEquals(of(half), [50, 0, 0, "3 frames, 50.00 frames/s", 0]);
  assertEquals(of(half, "top"), [50, 0, 0, "3 frames, 50.00 frames/s", 0]);
  assertEquals(of(half, "alternate"), [25, 2, 0, "3 fields, fields alternate, 25.00 frames/s", 2]);
});

Deno.test("page: of numbers that stand still it is not said that none was lost", () => {
  const lostOf = (sequences: number[]) => {
    let cell: string | undefined;
    const csv = MMAP + sequences.map((sequence, frame) => mmapRow(frame, sequence)).join("");
    withFiles({ "mmap.csv": csv }, (folder) => {
      cell = /data-of="camera lost">(.*?)</.exec(page(readBench(folder, FIGURES)))?.[1];
    });
    return cell;
  };
  assertEquals(lostOf([0, 1, 4]), "2");
  assertEquals(lostOf([0, 0, 0]), "cannot be told");
});

Deno.test("Markdown: what a folder or a machine is called is text, and no markup", () => {
  withFiles({
    "<b>x/mmap.csv": MMAP + mmapRow(0),
    "<b>x/machine.csv": "property,value\ncpu_model,<i>y\n",
  }, (folder) => {
    const [machine] = readBench(folder, FIGURES);
    for (const lines of [ledger(machine), ioMarkdown(machine)]) {
      assert(!lines.join().includes("<b>") && !lines.join().includes("<i>"), lines.join("\n"));
      assert(lines[0].endsWith("# &lt;b>x") && lines[2].includes("&lt;i>y"));
    }
  });
});

Deno.test("heat map: the frame of a run of one has a height, and frames that all took as long", () => {
  for (const latencies of [[14_234_567], [8e6, 8e6], [33_333_333, 33_333_334], [-5e6, -5e6]]) {
    const times = Float64Array.from(latencies, (_, i) => i * 1e9);
    const { edges_ns, cells } = latencyHeat(times, Float64Array.from(latencies));
    assertEquals(new Set(edges_ns).size, ROWS + 1, `${edges_ns}`);
    const [[, row]] = cells;
    assert(edges_ns[row] <= latencies[0] + 100 && latencies[0] < edges_ns[row + 1]);
  }
});

Deno.test("words: what read(2) and write(2) cannot tell is not said", () => {
  const read =
    "frame,synthetic_sequence,read_start_monotonic_ns,read_end_monotonic_ns,bytesused\n" +
    "0,0,10000000000,10000000050,16\n";
  const write = "frame,io,buffer_index,sequence,bytesused,due_monotonic_ns,fill_monotonic_ns," +
    "submit_monotonic_ns,submitted_monotonic_ns\n0,write,0,0,16,1,1,10000000000,10000000050\n";
  for (const csv of [read, write]) {
    const { losses } = wordsOf({ "a.csv": csv, "a.json": '{"errors": 0, "dropped": 0}' });
    assertEquals(losses, "no sequence to tell by; errors: cannot be told");
  }
});

Deno.test("words: the real rate and the pixel format, switches of the recorded frames alone", () => {
  const csv = MMAP + [0, 1, 2, 3, 4].map((i) => {
    return `${i},0,${1e10 + i * 4e7},${1e10 + i * 4e7 + 50},1,2,${i},16\n`;
  }).join("");
  const json = { width: 640, height: 480, format: "yuyv", frames_per_second_asked: 30, frames: 5 };
  const words = wordsOf({
    "mmap.csv": csv,
    "mmap.json": JSON.stringify({ ...json, process: { context_switches: 7 } }),
    "mmap.perf.csv": "55,,context-switches,1,100.00,,\n",
  });
  assertEquals(words.conditions, "640x480 yuyv, 25.00 frames/s (30 asked for)");
  assertEquals(words.switches, "1.40 (process), thread: not recorded");
  const kept = { "mmap.csv": csv, "mmap.perf.csv": "55,,context-switches,1,100.00,,\n" };
  assertEquals(wordsOf(kept).switches, "process: not recorded, thread: not recorded");
  const asItIs = JSON.stringify({ ...json, frames_per_second_asked: 0 });
  const { conditions } = wordsOf({ "mmap.csv": csv, "mmap.json": asItIs });
  assertEquals(conditions, "640x480 yuyv, 25.00 frames/s");
});

Deno.test("folder: damaged rows are named by what is wrong with them, and so is strange metadata", () => {
  const row = (i: number) =>
    `${i},0,${1e10 + i * 1000},${1e10 + i * 1000 + 900},${i},16,none,${1e10 + i * 1000 + 910},` +
    `${1e10 + i * 1000 + 920}\n`;
  const head = "frame,output_index,enqueue_monotonic_ns,dequeue_monotonic_ns,vpipe_sequence," +
    "bytesused,algo,requeued_monotonic_ns,measured_monotonic_ns\n";
  const rows = [0, 1, 2, 3, 4].map(row);
  const foreign = [0, 1, 2, 3, 4].map((i) =>
    `${i},0,0,${[1, 2, 3].map((n) => 5e10 + i * 9 + n)}\n`
  );
  withFiles({
    "f.csv": head + rows.join("") + row(5).replace("10000005000", "1E+10") + row(2),
    "f.meta.csv": META + foreign.join(""),
  }, (folder) => {
    const [{ runs: [run], notices }] = readBench(folder, FIGURES);
    assertEquals(run.frames, 5);
    assertEquals(notices.map(({ file, says }) => `${file}: ${says}`), [
      "f.csv: left out 2 damaged rows: 1 with a time that lacks digits, as a spreadsheet saves " +
      "it, 1 with a number or time that falls",
      "f.meta.csv: of 5 frames only 0 have metadata that lies within them (0 have none, 5 that of " +
      "another frame): is it of this run?",
    ]);
  });
});

Deno.test("words: where the time of a typical frame went, the largest first", () => {
  const columns = "frame,buffer_index,wait_monotonic_ns,enqueue_monotonic_ns," +
    "dequeue_monotonic_ns,requeue_monotonic_ns,requeued_monotonic_ns,measured_monotonic_ns," +
    "v4l2_timestamp_sec,v4l2_timestamp_usec,sequence,bytesused\n";
  // A turn of 33 ms: 32 ms of waiting, 100 us until it is requeued, 40 us that takes, 300 us of
  // measuring, and 560 us until the next.
  const rows = [0, 1, 2, 3].map((frame) => {
    const at = [0, 0, 32_000_000, 32_100_000, 32_140_000, 32_440_000].map((ns) =>
      ns + frame * 33_000_000 + 1e10
    );
    return `${frame},0,${at.join(",")},1,2,${frame},16\n`;
  });
  withFiles({ "cam.csv": columns + rows.join(""), "odd.csv": MMAP + mmapRow(0) }, (folder) => {
    const [{ runs }] = readBench(folder, FIGURES);
    assertEquals(runs.map(whereTimeWent), [
      "cam: a typical frame takes 1.00 ms and waits 32.0 ms for its source: " +
      "remainder 660 us, measuring 300 us, requeue 40.0 us",
      "odd: recorded without stages, and so not taken apart",
    ]);
  });
});
