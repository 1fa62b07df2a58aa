/**
 * One writer and 64 readers, each a process: all get whole frames in order, all end well, and the
 * node's counters say what they got.
 *
 * @module
 */
import { Running } from "../../harness/processes.ts";
import { expect, expectEqual } from "../../harness/suite.ts";
import { expectLoopIdle } from "./loop.ts";
import { LoopWriter, numberOf } from "./stream.ts";
import type { Conditions } from "../engine/stage.ts";
import { delay } from "../../harness/waiting.ts";
import { loopNode, loopStats } from "../../harness/nodes.ts";

const READERS = 64;
const FRAMES = 60;
const [WIDTH, HEIGHT] = [64, 48];
const BYTES = WIDTH * HEIGHT;

/** More than so many readers can take, so that they lose some. */
const INTERVAL_MS = 10;

const END_S = 120;

/** How a reader is started, and by how many. */
type Command = (node: string, file: string) => [program: string, args: string[]];
const commands = (tools: string): readonly [count: number, command: Command][] => {
  const stream = (method: string): Command => (node, file) => [
    "v4l2-ctl",
    ["-d", node, `--stream-${method}=4`, `--stream-count=${FRAMES}`, `--stream-to=${file}`],
  ];
  return [
    [26, stream("mmap")],
    [12, stream("user")],
    [24, (node, file) => [
      "dd",
      [`if=${node}`, `of=${file}`, `bs=${BYTES}`, `count=${FRAMES}`, "status=none"],
    ]],
    [2, (node, file) => [
      `${tools}/capture-mmap`,
      // 64 processes on two processors under sanitizers: its own patience is the stage's.
      [
        ...[node, file, `${FRAMES}`, "--size", `${WIDTH}x${HEIGHT}`],
        ...["--warm-up", "0", "--stamp", "--timeout", `${END_S}`],
      ],
    ]],
  ];
};

/** The numbers of the frames that a reader has written to its file. */
function numbersInFile(path: string): number[] {
  if (path.endsWith(".csv")) return numbersInCsv(Deno.readTextFileSync(path));
  const bytes = Deno.readFileSync(path);
  expectEqual(`bytes of ${path} beyond whole frames`, bytes.length % BYTES, 0);
  return Array.from(
    { length: bytes.length / BYTES },
    (_, i) => numberOf(bytes.subarray(i * BYTES, (i + 1) * BYTES), BYTES),
  );
}

function numbersInCsv(text: string): number[] {
  const [head, ...rows] = text.trimEnd().split("\n").map((line) => line.split(","));
  const stamp = head.indexOf("stamp");
  return rows.map((row) => Number(row[stamp]));
}

/** How many frames were published between the first and the last that a reader got, and not to it. */
function lostBetween(numbers: readonly number[], published: ReadonlyMap<number, number>): number {
  let last = -1;
  for (const number of numbers) {
    const place = published.get(number);
    expect(place !== undefined, `frame ${number} was never written`);
    expect(place > last, `frame ${number} is not newer than the one before`);
    last = place;
  }
  return last - published.get(numbers[0])! + 1 - numbers.length;
}

export async function loopCrowd({ tools }: Conditions): Promise<string> {
  const node = loopNode();
  const folder = Deno.makeTempDirSync();
  const published = new Map<number, number>();
  try {
    const before = loopStats(node);
    using writer = new LoopWriter(node, "mmap");
    writer.begin([WIDTH, HEIGHT]);
    const timer = setInterval(() => {
      if (writer.frame()) published.set(writer.number, published.size);
    }, INTERVAL_MS);
    const files: string[] = [];
    let most = 0;
    try {
      await using readers = new AsyncDisposableStack();
      const running = commands(tools).flatMap(([count, command]) =>
        Array.from({ length: count }, () => {
          const csv = command.toString().includes("capture") ? ".csv" : "";
          const file = `${folder}/${files.length}${csv}`;
          files.push(file);
          return readers.use(new Running(...command(node, file)));
        })
      );
      expectEqual("readers", running.length, READERS);
      const ends = Promise.all(running.map((reader) => reader.end(END_S)));
      let over = false;
      const finished = ends.finally(() => over = true);
      while (!over) {
        most = Math.max(most, loopStats(node).readers);
        await delay(50);
      }
      for (const { status, stderr } of await finished) {
        expect(status === 0, `a reader ended with status ${status}: ${stderr.trim()}`);
      }
    } finally {
      clearInterval(timer);
    }
    writer.close();
    await expectLoopIdle();
    const after = loopStats(node);
    const count = (name: string) => after[name] - before[name];
    const got = files.map(numbersInFile);
    const frames = got.reduce((sum, { length }) => sum + length, 0);
    const lost = got.reduce((sum, numbers) => sum + lostBetween(numbers, published), 0);
    expectEqual("frames of the writer", count("frames"), published.size);
    expectEqual("frames that were copied or shown", count("copies") + count("shared"), frames);
    expect(count("lost") >= lost, `${count("lost")} frames lost, ${lost} are missing`);
    return `${READERS} processes, ${most} of them at once, had ${frames} frames of ` +
      `${published.size}, whole and in order, as many as the node counts; ${lost} are missing in between, ` +
      `${count("lost")} were lost in all`;
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}
