import { assert, assertEquals, assertThrows } from "@std/assert";
import { StopRequest } from "../../lib/cli/stop.ts";
import { parse } from "../../lib/cli/tool.ts";
import { writeFile } from "../../lib/files/whole_file.ts";
import { compare, type Comparison, tooFew } from "../../lib/report/comparison.ts";
import { comparisonRows } from "../../lib/report/comparison_rows.ts";
import type { Quantiles } from "../../lib/report/charts.ts";
import { comparisonPage } from "../../lib/report/comparison_page.ts";
import { FIGURES } from "../../lib/report/figures.ts";
import { readBench } from "../../lib/report/folder.ts";
import { tool } from "../../tools/bench-compare.ts";

const MMAP = "frame,buffer_index,enqueue_monotonic_ns,dequeue_monotonic_ns,v4l2_timestamp_sec," +
  "v4l2_timestamp_usec,sequence,bytesused\n";
const READ =
  "frame,synthetic_sequence,read_start_monotonic_ns,read_end_monotonic_ns,bytesused,crc32\n" +
  "0,0,10000000000,10000000050,16,0\n1,1,10000001000,10000001050,16,0\n";
const FRAMES = 120;

/** A run whose frames take so long each, one after the other. */
const mmap = (ns: (frame: number) => number) =>
  MMAP + Array.from({ length: FRAMES }, (_, frame) => {
    const from = 1e10 + frame * 1e6;
    return `${frame},0,${from},${from + ns(frame)},1,2,${frame},16\n`;
  }).join("");

/** Runs of both sides, named by their numbers: each frame of run n takes so long. */
function sides(pairs: number, base: number, other: number): Record<string, string> {
  const files: Record<string, string> = {};
  for (let run = 1; run <= pairs; run++) {
    files[`base/${run}/mmap.csv`] = mmap(() => base + run);
    files[`new/${run}/mmap.csv`] = mmap(() => other + run);
  }
  return files;
}

/** Of files in a new folder. */
function compared(files: Record<string, string>, noise?: number): Comparison {
  const folder = Deno.makeTempDirSync();
  try {
    for (const [name, text] of Object.entries(files)) {
      Deno.mkdirSync(`${folder}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
      writeFile(`${folder}/${name}`, new TextEncoder().encode(text));
    }
    const side = (name: string) => ({
      folder: name,
      runs: readBench(`${folder}/${name}`, FIGURES).filter(({ runs }) => runs.length > 0),
    });
    return compare(side("base"), side("new"), noise);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

const verdicts = ({ paths }: Comparison) =>
  Object.fromEntries(paths[0].figures.map(({ name, verdict }) => [name, verdict]));
const P50 = "queueing to dequeueing, p50";

Deno.test("comparison: worse, better and the same, figure by figure", () => {
  const worse = compared(sides(5, 1000, 1500));
  assertEquals(verdicts(worse)[P50], "worse");
  assertEquals(verdicts(worse)["time a frame"], "same");
  const { ratio, interval, base, new: other } = worse.paths[0].figures[0];
  assertEquals([base, other], [1003, 1503]);
  assert(ratio! > 1.498 && ratio! < 1.5 && interval!.low < ratio! && ratio! < interval!.high);
  assertEquals(verdicts(compared(sides(5, 1500, 1000)))[P50], "better");
  assertEquals(verdicts(compared(sides(5, 1000, 1000)))[P50], "same");
  // What does not matter to the user is neither.
  assertEquals(verdicts(compared(sides(5, 1000, 1500), 0.6))[P50], "same");
  assertEquals(worse.notices, []);
});

Deno.test("comparison: a ratio far below 1, and noise, are not rounded to none", () => {
  const figure = { name: "p50", base: 3e9, new: 1e6, pairs: 5, ratio: 1 / 3000, noise: 0.0003 };
  const interval = { low: 0.00031, high: 0.00035 };
  const path = { name: "mmap", pairs: 5, runs: [], figures: [{ ...figure, interval }] };
  assertEquals(comparisonRows(path)[0].slice(3, 6), [
    ...["0.000333", "0.000310 to 0.000350", "<0.1 %"],
  ]);
});

Deno.test("comparison: a figure that some pairs lack says of how many it is", () => {
  const files = sides(6, 1000, 1000);
  // The rate of one run cannot be told: all of its frames were had at once.
  files["new/3/mmap.csv"] = MMAP +
    Array.from(
      { length: FRAMES },
      (_, frame) => `${frame},0,${1e10},${1e10 + 1003},1,2,${frame},16\n`,
    ).join("");
  const [path] = compared(files).paths;
  const names = comparisonRows(path).map(([name]) => name);
  assert(names.includes("time a frame (5 of 6 pairs)"), names.join());
  assert(names.includes(P50), names.join());
});

Deno.test("comparison: of too few pairs it cannot be told, and of one run a side there is no verdict", () => {
  const few = compared(sides(4, 1000, 1500));
  assertEquals(verdicts(few)[P50], "cannot tell");
  assertEquals(tooFew(few.paths[0]), "mmap: cannot tell from 4 pairs: an interval needs 5");
  for (
    const files of [
      sides(1, 1000, 1500),
      { "base/mmap.csv": mmap(() => 1000), "new/mmap.csv": mmap(() => 1500) },
    ]
  ) {
    const one = compared(files);
    assertEquals(verdicts(one)[P50], undefined);
    assertEquals(
      tooFew(one.paths[0]),
      "mmap: one run a side, so no verdict: an interval needs 5 pairs",
    );
  }
  assertEquals(tooFew(compared(sides(5, 1, 2)).paths[0]), undefined);
});

Deno.test("comparison: a damaged run leaves the others, and its partner is named", () => {
  const found = compared({ ...sides(6, 1000, 1500), "new/3/mmap.csv": "" });
  assertEquals([found.paths[0].pairs, verdicts(found)[P50]], [5, "worse"]);
  assertEquals(found.notices, ["base/3: has no other run to make a pair with; left out"]);
  const half = compared({
    ...sides(6, 1000, 1500),
    "base/3/read.csv": READ,
    "new/3/read.csv": READ,
    "new/3/mmap.csv": "",
  });
  assertEquals(half.notices, ["base/3/mmap.csv: NEW has none in that pair; left out"]);
});

Deno.test("comparison: a run of a few frames among whole ones is named", () => {
  const few = mmap(() => 1000).split("\n").slice(0, 4).join("\n") + "\n";
  const { notices } = compared({ ...sides(5, 1000, 1000), "new/2/mmap.csv": few });
  assertEquals(notices, [
    "new/2/mmap.csv: frames: 3, another run has 120: was it cut short?",
  ]);
});

Deno.test("bench-compare: what is wrong with a file is on the page and in the JSON as well", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    const cut = mmap(() => 1000).slice(0, -3);
    for (const [name, text] of Object.entries({ ...sides(5, 1, 2), "new/2/mmap.csv": cut })) {
      writeFile(`${folder}/${name}`, text);
    }
    const warnings: string[] = [];
    using stop = new StopRequest();
    const argv = [`${folder}/base`, `${folder}/new`, "--page", `${folder}/p.html`];
    const report = await tool.run(parse(tool, argv), {
      ...{ quiet: true, stop },
      warn: (says) => void warnings.push(says),
    });
    const says = `${folder}/new/2/mmap.csv: the last row is cut off and left out`;
    assertEquals(warnings.filter((line) => line === says).length, 1);
    assert((report.json.notices as string[]).includes(says));
    assert(Deno.readTextFileSync(`${folder}/p.html`).includes(says));
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("comparison: conditions that differ are named once", () => {
  const files = sides(5, 1000, 1000);
  for (let run = 1; run <= 5; run++) {
    const json = (buffers: number) =>
      JSON.stringify({ frames: FRAMES, buffers, frames_per_second_asked: 30 });
    files[`base/${run}/mmap.json`] = json(4);
    files[`new/${run}/mmap.json`] = json(8);
  }
  assertEquals(compared(files).notices, ["mmap: different conditions: buffers 4 against 8"]);
  const filtered = (base: string, other: string) => {
    const both = sides(5, 1000, 1000);
    for (let run = 1; run <= 5; run++) {
      both[`base/${run}/mmap.json`] = `{"algorithm": "${base}", "threshold": 100}`;
      both[`new/${run}/mmap.json`] = `{"algorithm": "${other}", "threshold": 127}`;
    }
    return compared(both).notices;
  };
  const line = "mmap: different conditions:";
  assertEquals(filtered("none", "none"), []);
  assertEquals(filtered("none", "threshold"), [`${line} algorithm none against threshold`]);
  assertEquals(filtered("threshold", "threshold"), [`${line} threshold 100 against 127`]);
});

Deno.test("bench-compare: --fail-on worse fails where it is so, and where nobody can tell", async () => {
  const ends = async (pairs: number, other: number, more: Record<string, string> = {}) => {
    const folder = Deno.makeTempDirSync();
    try {
      for (const [name, text] of Object.entries({ ...sides(pairs, 1000, other), ...more })) {
        writeFile(`${folder}/${name}`, text);
      }
      using stop = new StopRequest();
      const argv = ["--fail-on", "worse", `${folder}/base`, `${folder}/new`];
      const { status, failure } = await tool.run(parse(tool, argv), {
        ...{ quiet: true, stop },
        warn() {},
      });
      return [status, failure?.message];
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  };
  assertEquals(await ends(5, 1000), [0, undefined]);
  assertEquals(await ends(5, 1500), [1, undefined]);
  assertEquals((await ends(4, 1000))[1], "mmap: cannot tell from 4 pairs: an interval needs 5");
  const gone = { "base/1/read.csv": READ };
  assertEquals((await ends(5, 1000, gone))[1], "read: NEW has no run of it");
});

Deno.test("bench-compare: a bench of I/O methods is said to be one", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const name = "64x48-mmap-mmap";
    const write = "frame,sequence,submit_monotonic_ns,submitted_monotonic_ns\n" +
      "0,0,10000000000,10000000010\n";
    const read = MMAP.trimEnd() + ",stamp\n0,0,10000000000,10000000050,1,2,0,16,0\n";
    writeFile(`${folder}/${name}.write.csv`, write);
    writeFile(`${folder}/${name}.read.csv`, read);
    using stop = new StopRequest();
    assertThrows(
      () => tool.run(parse(tool, [folder, folder]), { quiet: true, stop, warn() {} }),
      Error,
      `${folder}: is of I/O methods, whose figures bench-report has`,
    );
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("comparison: latency is named by what it is from, and not compared with another", () => {
  /** A camera whose buffers' time is 1 ms before they are had, and whose flags say so or do not. */
  const stamped = (flags: number) =>
    MMAP.trimEnd() + ",flags\n" + Array.from({ length: FRAMES }, (_, frame) => {
      const had = 1e10 + frame * 2e6;
      return `${frame},0,${had - 9e6},${had},${Math.floor((had - 1e6) / 1e9)},` +
        `${(had - 1e6) % 1e9 / 1e3},${frame},16,${flags}\n`;
    }).join("");
  const files: Record<string, string> = {};
  for (let run = 1; run <= 6; run++) {
    files[`base/${run}/mmap.csv`] = stamped(0x12000);
    files[`new/${run}/mmap.csv`] = stamped(run === 6 ? 0 : 0x12000);
  }
  const { paths: [{ figures }], notices } = compared(files);
  const [{ name, base, pairs }] = figures;
  assertEquals([name, base, pairs], ["start of exposure to dequeueing, p50", 1e6, 5]);
  assertEquals(figures.find(({ name }) => name === P50), undefined);
  assertEquals(notices, [
    "base/1/mmap.csv, new/6/mmap.csv: latency is start of exposure to dequeueing in one, " +
    "queueing to dequeueing in the other",
    "mmap: NEW alone has: queueing to dequeueing, p50; queueing to dequeueing, p95; " +
    "queueing to dequeueing, p99; queueing to dequeueing, mean",
  ]);
});

Deno.test("bench-compare: a figure or a path that one side lacks is told, whatever is asked", async () => {
  const staged = MMAP.trimEnd() +
    ",wait_monotonic_ns,requeue_monotonic_ns,requeued_monotonic_ns,measured_monotonic_ns\n" +
    Array.from({ length: FRAMES }, (_, frame) => {
      const [enqueue, wait, had, requeued, measured] = [0, 0, 5000, 6000, 7000]
        .map((ns) => 1e10 + frame * 10_000 + ns);
      return `${frame},0,${enqueue},${had},1,2,${frame},16,${wait},${had},${requeued},${measured}\n`;
    }).join("");
  const files: Record<string, string> = { "base/1/read.csv": READ };
  for (let run = 1; run <= 5; run++) {
    files[`base/${run}/mmap.csv`] = staged;
    files[`new/${run}/mmap.csv`] = mmap(() => 5000);
  }
  const folder = Deno.makeTempDirSync();
  try {
    for (const [name, text] of Object.entries(files)) writeFile(`${folder}/${name}`, text);
    const warnings: string[] = [];
    const compareSides = async (...argv: string[]) => {
      using stop = new StopRequest();
      const warn = (says: string) => void warnings.push(says);
      return await tool.run(parse(tool, argv), { quiet: true, stop, warn });
    };
    const [base, other] = [`${folder}/base`, `${folder}/new`];
    const { json, status, failure } = await compareSides(base, other, "--page", `${folder}/p.html`);
    const lines = [
      "mmap: no pair has on both sides: typical frame; requeue; measuring; remainder",
      "read: NEW has no run of it",
    ];
    assertEquals([json.missing, status, failure], [lines, 0, undefined]);
    const page = Deno.readTextFileSync(`${folder}/p.html`);
    for (const line of lines) {
      assert(warnings.includes(line), warnings.join("\n"));
      assert((json.notices as string[]).includes(line));
      assert(page.includes(line));
    }
    // What NEW has beside is told, and nothing that became worse.
    warnings.length = 0;
    const more = await compareSides(other, base, "--fail-on", "worse");
    assertEquals([more.json.missing, more.failure], [[], undefined]);
    assert(
      warnings.includes("mmap: NEW alone has: typical frame; requeue; measuring; remainder"),
      warnings.join("\n"),
    );
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("comparison: a run whose thirds differ is said to have drifted", () => {
  const slope = mmap((frame) => 1000 + 10 * frame);
  const { notices } = compared({ ...sides(5, 1000, 1000), "new/2/mmap.csv": slope });
  assertEquals(notices, [
    "new/2/mmap.csv: drifted: the medians of its thirds are as 1.00 to 1.33 to 1.67",
  ]);
});

Deno.test("comparison: what cannot be compared is refused in a line", () => {
  const refused = (files: Record<string, string>, line: string) =>
    assertThrows(() => compared({ ...sides(5, 1, 2), ...files }), Error, line);
  const machine = (cpus: number) => `property,value\ncpus,${cpus}\n`;
  refused(
    { "base/1/machine.csv": machine(2), "new/4/machine.csv": machine(8) },
    "base/1, new/4: of different machines: cpus 2 against 8",
  );
  refused(
    { "base/1/mmap.json": '{"width":640}', "new/2/mmap.json": '{"width":320}' },
    "base/1/mmap.csv, new/2/mmap.csv: of different formats: width 640 against 320",
  );
  refused(
    { "base/1/mmap.json": '{"field":"none"}', "new/2/mmap.json": '{"field":"alternate"}' },
    "base/1/mmap.csv, new/2/mmap.csv: of different formats: field none against alternate",
  );
  refused({ "new/2/mmap.csv": READ }, "base/1/mmap.csv, new/2/mmap.csv: different paths: ");
  assertThrows(
    () => compared({ "base/mmap.csv": mmap(() => 1), "new/read.csv": READ }),
    Error,
    "base, new: different paths: mmap against read",
  );
  assertThrows(
    () =>
      compared({
        "base/a/mmap.csv": mmap(() => 1),
        "base/b/mmap.csv": mmap(() => 1),
        "new/c/mmap.csv": mmap(() => 1),
      }),
    Error,
    "base, new: no run has its name in both: no pairs",
  );
});

Deno.test("comparison: its page has the verdicts, a line a run, and a bar a side", () => {
  const sound = comparisonPage(compared(sides(5, 1000, 1500)), "a/<base>", "a/new");
  assert(sound.includes('<b class="worse">worse</b>'));
  assert(sound.includes(">5 pairs<") && sound.includes("Recorded without stages"));
  assert(sound.includes("a/&lt;base&gt;") && !sound.includes("<base>"));
  const charts = (text: string) => JSON.parse(/id="data">(.*?)<\/script>/.exec(text)![1]);
  const [{ figures }, { colors, lines }] = charts(sound);
  assertEquals([figures[0].name, figures[0].color], [P50, "warn"]);
  assert(figures[0].low < figures[0].ratio && figures[0].ratio < figures[0].high);
  assertEquals(colors, [...Array(5).fill("quiet"), ...Array(5).fill("accent")]);
  // Of 120 frames that all take 1000 ns and one more a run.
  assertEquals(
    lines.map(({ points }: Quantiles) => points.at(-1)),
    [1000, 1500].flatMap((ns) => [1, 2, 3, 4, 5].map((run) => [2.3802, ns + run])),
  );
  const one = comparisonPage(compared({ ...sides(1, 1000, 1500) }), "base", "new");
  assert(one.includes('<td data-of="verdict">no verdict</td>') && !one.includes('class="worse"'));

  // A turn of 1 ms, with 100 us of requeueing and more on the other side.
  const staged = (more: number) =>
    "frame,buffer_index,wait_monotonic_ns,enqueue_monotonic_ns,dequeue_monotonic_ns," +
    "requeue_monotonic_ns,requeued_monotonic_ns,measured_monotonic_ns,v4l2_timestamp_sec," +
    "v4l2_timestamp_usec,sequence,bytesused\n" +
    Array.from({ length: FRAMES }, (_, frame) => {
      const at = [0, 100_000, 500_000, 510_000, 610_000 + more, 710_000 + more]
        .map((ns) => 1e10 + frame * 1e6 + ns);
      return `${frame},0,${at.join(",")},1,2,${frame},16\n`;
    }).join("");
  const files: Record<string, string> = {};
  for (let run = 1; run <= 6; run++) {
    files[`base/${run}/mmap.csv`] = staged(run);
    files[`new/${run}/mmap.csv`] = staged(50_000 + run);
  }
  const [, , typical, slowest] = charts(comparisonPage(compared(files), "base", "new"));
  assertEquals([typical.bars, slowest.bars], [["base", "new"], ["base", "new"]]);
  const requeue = typical.parts.find(({ name }: { name: string }) => name === "requeue");
  // The mean of runs with 1 to 6 ns more.
  assertEquals(requeue.ns, [100_004, 150_004]);
});
