import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../lib/cli/parameters.ts";
import { parse } from "../../lib/cli/tool.ts";
import { TOOLS } from "../../tools/all.ts";

/** Command lines with something that would do nothing, and what is said of it. */
const REFUSED: readonly (readonly [line: string, says: string])[] = [
  ["camera-report --size 640x480", "DEV is missing: --size is of it"],
  ["camera-report --io read", "DEV is missing: --io is of it"],
  ["camera-report --live", "DEV is missing: --live is of it"],
  ["camera-report D --heap /dev/udmabuf", "--heap is for --io dmabuf"],
  ["camera-report D --io read --buffers 4", "--buffers: --io read has none"],
  [
    "camera-report D --live --expect frames>1",
    "DIR is missing: --expect with --live is of its rows",
  ],
  ["loop-write D in.raw --heap /dev/udmabuf", "--heap is for --io dmabuf"],
  ["loop-write D in.raw --stages", "CSV is missing: --stages is of its columns"],
  ["loop-write D pattern:bars --loop", "--loop: a pattern has no end"],
  ["capture-dmabuf D F a.csv 9 --heap h", "--heap is for frames that go through no FILTER"],
  ["capture-dmabuf D F a.csv 9 --stamp", "--stamp is for frames that go through no FILTER"],
  ["capture-dmabuf D F a.csv 9 --format yuyv", "--format is for frames that go through no FILTER"],
  ["capture-m2m D F a.csv 9 mmap none 9", "a threshold is for the algorithm threshold"],
  ["bench-fixture F h a.pgm a.csv 9 none 9", "a threshold is for the algorithm threshold"],
  [
    "fixture-feed F h a.pgm b.pgm --algorithm none --threshold 9",
    "a threshold is for the algorithm threshold",
  ],
  ["bench-report . out.html --csv", "OUT.html: --csv writes no page"],
  ["bench-report . --csv --markdown", "--markdown and --csv are two answers"],
  ["bench-report . --json --markdown", "--markdown and --json are two answers"],
  ["bench-report . --json --csv", "--csv and --json are two answers"],
  ["bench-compare a b --json --markdown", "--markdown and --json are two answers"],
];

const TAKEN = [
  "camera-report",
  "camera-report D --io dmabuf --heap /dev/udmabuf --buffers 4",
  "camera-report D DIR --live --expect frames>1",
  "loop-write D in.raw a.csv --io dmabuf --heap /dev/udmabuf --buffers 4 --stages --loop",
  "loop-write D pattern --io write",
  "capture-dmabuf D a.csv 9 --heap h --stamp --format yuyv",
  "capture-dmabuf D F a.csv 9 --format grey",
  "capture-m2m D F a.csv 9 mmap threshold 9",
  "capture-m2m D F a.csv 9 mmap none",
  "bench-fixture F h a.pgm a.csv 9 none 127 out.pgm",
  "bench-fixture F h a.pgm a.csv 9 threshold 9",
  "fixture-feed F h a.pgm b.pgm --threshold 9",
  "bench-report . out.html --markdown",
  "bench-report . --json",
];

const names = new Set(
  [...REFUSED.map(([line]) => line), ...TAKEN].map((line) => line.split(" ")[0]),
);
const tools = new Map(
  await Promise.all([...names].map(async (name) => [name, await TOOLS[name]()] as const)),
);

function parsed(line: string) {
  const [name, ...argv] = line.split(" ");
  return parse(tools.get(name)!, argv);
}

Deno.test("command line: what would do nothing is refused", () => {
  for (const [line, says] of REFUSED) assertThrows(() => parsed(line), UsageError, says);
});

Deno.test("command line: what does something is taken", () => {
  for (const line of TAKEN) assertEquals(typeof parsed(line), "object", line);
});
