import { assert, assertEquals, assertThrows } from "@std/assert";
import { kindOf } from "../../lib/report/analysis/recorded_paths.ts";
import {
  BACKWARDS,
  FALLING,
  leaveOutDisorder,
  orderOf,
} from "../../lib/report/analysis/soundness.ts";
import {
  ANOTHER_RUN,
  IMPOSSIBLE,
  Table,
  TableError,
  UNLIKE_FIRST,
  WITHOUT_DIGITS,
} from "../../lib/report/analysis/table.ts";

const csv = (header: string, rows: readonly (readonly (string | number)[])[]) =>
  [header, ...rows.map((row) => row.join(","))].join("\n") + "\n";
const BOOT = 9_100_000_000_123_456_789n;
const at = (ns: number) => String(BOOT + BigInt(ns));

Deno.test("table: a last row that is cut off, and damaged rows, are left out", () => {
  const whole = csv("frame,ns,word", [[0, 5, "a"], [1, 6, "b"], [2, 7, "c"]]);
  const cut = new Table(whole.slice(0, -1));
  assertEquals([cut.length, cut.cutOff, cut.damaged], [2, true, 0]);
  const damaged = new Table(whole.replace("1,6,b", "1,6").replace("2,7", "2,x"));
  assertEquals([damaged.length, damaged.cutOff, damaged.damaged], [1, false, 2]);
  assertEquals(damaged.words("word"), ["a"]);
});

Deno.test("table: what is none", () => {
  const refused: [text: string, message: string][] = [
    ["", "empty"],
    ["frame,n", "ends within its first line"],
    ["frame,ns\n", "no complete row"],
    ["frame,ns\n1,2", "no complete row"],
    ["frame,ns\n\n1\n", "no complete row"],
    ["\x7fELF\0\0,\n1,2\n", "not a CSV"],
    ["hello world\n1\n", "not a CSV"],
  ];
  for (const [text, message] of refused) assertThrows(() => new Table(text), TableError, message);
});

Deno.test("table: 0 is no time", () => {
  const times = new Table(csv("frame,t_monotonic_ns", [[0, 0], [1, at(1)]])).times(
    "t_monotonic_ns",
    0,
  )!;
  assert(Number.isNaN(times[0]) && times[1] > 0);
});

Deno.test("table: in pieces of any size, with either end of line, the same", () => {
  const rows = Array.from({ length: 50 }, (_, i) => [i, at(i * 7), i % 3 ? "none" : "threshold"]);
  const text = csv("frame,t_monotonic_ns,algo", rows).replaceAll("\n", "\r\n");
  const bytes = new TextEncoder().encode(text);
  const whole = new Table(text);
  for (const size of [1, 7, 64, bytes.length]) {
    const piece = new Uint8Array(size);
    const pieces = function* () {
      for (let from = 0; from < bytes.length; from += size) {
        const part = bytes.subarray(from, from + size);
        piece.set(part);
        yield piece.subarray(0, part.length);
      }
    };
    const table = new Table(pieces());
    assertEquals(table.times("t_monotonic_ns"), whole.times("t_monotonic_ns"));
    assertEquals(table.words("algo"), rows.map((row) => row[2]));
    assertEquals([...table.numbers("frame")!], rows.map((row) => row[0]));
  }
});

Deno.test("table: whole numbers, fractions, negative ones and none", () => {
  const cells = ["5", "-1", "4294967295", "", "0.5", "007"];
  const table = new Table(csv("frame,n", cells.map((cell, i) => [i, cell])));
  assertEquals([...table.numbers("n")!], [5, -1, 4294967295, NaN, 0.5, 7]);
});

Deno.test("table: more rows than a chunk, some beyond 32 bits", () => {
  const count = 150_000;
  const value = (i: number) => i === 70_000 ? 2 ** 40 : i;
  const rows = Array.from({ length: count }, (_, i) => `${i},${value(i)}\n`).join("");
  const numbers = new Table("frame,n\n" + rows).numbers("n")!;
  assertEquals([numbers.length, numbers[69_999], numbers[70_000]], [count, 69_999, 2 ** 40]);
  assertEquals(numbers[count - 1], count - 1);
});

Deno.test("table: only what is wanted is kept", () => {
  const table = new Table(csv("frame,n", [[0, "x"]]), (name) => name === "frame");
  assertEquals([table.numbers("n"), table.has("n"), table.length], [undefined, true, 1]);
});

const FIXTURE = "frame,output_index,enqueue_monotonic_ns,dequeue_monotonic_ns,vpipe_sequence," +
  "bytesused,algo,requeued_monotonic_ns,measured_monotonic_ns";
const row = (frame: number, start = frame * 1000) => [
  ...[frame, 0, at(start), at(start + 700), frame, 16, "none", at(start + 750), at(start + 760)],
];
const rows = (count: number, start = 0) =>
  Array.from({ length: count }, (_, i) => row(i, start + i * 1000));

/** The frames that are left, and why others are not. */
function sound(lines: readonly (readonly (string | number)[])[]) {
  const table = new Table(csv(FIXTURE, lines));
  leaveOutDisorder(table, orderOf(kindOf(table)!));
  const frames = [...table.numbers("frame")!];
  assertEquals(table.times("dequeue_monotonic_ns")!.length, frames.length);
  return { frames, damage: Object.fromEntries(table.damage) };
}

Deno.test("table: two columns of one name are one too many", () => {
  assertThrows(
    () => new Table(csv("frame,n,frame", [[0, 1, 7]])),
    TableError,
    "has the column frame twice",
  );
});

Deno.test("rows: a count below 0, or of more digits than a number keeps, is no tool's", () => {
  const counts = [0, -5, 3, "99999999999999999999", 9];
  const lines = counts.map((count, frame) => [...row(frame), count]);
  const table = new Table(csv(`${FIXTURE},minor_faults`, lines));
  leaveOutDisorder(table, orderOf(kindOf(table)!));
  assertEquals([...table.numbers("minor_faults")!], [0, 3, 9]);
  assertEquals(Object.fromEntries(table.damage), { [IMPOSSIBLE]: 2 });
});

Deno.test("rows: a run is in order", () => {
  assertEquals(sound(rows(5)), { frames: [0, 1, 2, 3, 4], damage: {} });
});

Deno.test("rows: times as a spreadsheet saves them are none", () => {
  const spoilt = rows(4).map((cells) => cells.with(2, "9.10E+18"));
  assertThrows(() => new Table(csv(FIXTURE, spoilt)), TableError, `4 ${WITHOUT_DIGITS}`);
  assertEquals(sound([...rows(3), spoilt[3]]).damage, { [WITHOUT_DIGITS]: 1 });
});

Deno.test("rows: of two runs in one file the first is left, whichever is the later or the longer", () => {
  const left = [0, 1, 2, 3];
  for (const count of [3, 9]) {
    assertEquals(sound([...rows(4), ...rows(count, -1e9)]), {
      frames: left,
      damage: { [FALLING]: count },
    });
    const behind = { frames: left, damage: { [ANOTHER_RUN]: count } };
    assertEquals(sound([...rows(4), ...rows(count, 1e9)]), behind);
    for (const start of [1e9, -1e9]) {
      assertEquals(sound([...rows(4), FIXTURE.split(","), ...rows(count, start)]), behind);
    }
  }
  // Of one that was cut off in a row, or whose first row is gone or alone.
  const lines = rows(4).map((cells) => cells.join(","));
  const cut = [
    ...lines,
    lines[3].slice(0, 30) + FIXTURE,
    ...rows(9, 1e9).map((cells) => cells.join(",")),
  ];
  const table = new Table([FIXTURE, ...cut].join("\n") + "\n");
  assertEquals([[...table.numbers("frame")!], [...table.damage]], [left, [[ANOTHER_RUN, 9]]]);
  assertEquals(sound([...rows(4).slice(1), ...rows(9, 1e9)]).frames, [1, 2, 3]);
  assertEquals(sound([...rows(1), ...rows(9, 1e9)]).frames, [0]);
  // A second header without a first run is none.
  assertEquals(sound([FIXTURE.split(","), ...rows(4)]).frames, left);
});

Deno.test("rows: one that is there twice is no run of its own", () => {
  for (const twice of [0, 2]) {
    const lines = rows(4).flatMap((cells, frame) => frame === twice ? [cells, cells] : [cells]);
    assertEquals(sound(lines), { frames: [0, 1, 2, 3], damage: { [FALLING]: 1 } });
  }
});

Deno.test("rows: a frame's number that was changed to the first one's costs its own row alone", () => {
  for (const changed of [2, 5]) {
    const lines = rows(6).map((cells, frame) => frame === changed ? cells.with(0, 0) : cells);
    const { frames } = sound(lines);
    assertEquals(frames, [0, 1, 2, 3, 4, 5].filter((frame) => frame !== changed));
  }
});

Deno.test("rows: a first one with a wrong time costs the others none of their ns", () => {
  const wrong: [time: string | number, why: string][] = [
    ["99999999999999999999", IMPOSSIBLE],
    ["9300000000123456789", IMPOSSIBLE],
    [5, IMPOSSIBLE],
    ["5x", WITHOUT_DIGITS],
  ];
  for (const [time, why] of wrong) {
    for (const column of [2, 3, 7]) {
      const lines = rows(4).map((cells, frame) => frame === 0 ? cells.with(column, time) : cells);
      const table = new Table(csv(FIXTURE, lines));
      assertEquals(Object.fromEntries(table.damage), { [why]: 1 }, `${time} in ${column}`);
      const times = table.times("enqueue_monotonic_ns", 9_100_000_000)!;
      assertEquals([...times], [1, 2, 3].map((frame) => 123_456_789 + frame * 1000));
    }
  }
});

const CAMERA = "frame,dequeue_monotonic_ns,sequence,cycles,field,flags";

Deno.test("rows: cells that no tool writes, the first row's too, cost their own row alone", () => {
  const wrong: [column: number, cell: string, why: string][] = [
    [0, "", UNLIKE_FIRST],
    [0, "x", UNLIKE_FIRST],
    [0, "-1", IMPOSSIBLE],
    [0, "1.5", IMPOSSIBLE],
    [2, "", UNLIKE_FIRST],
    [2, "x", UNLIKE_FIRST],
    [2, "-1", IMPOSSIBLE],
    [2, "4294967296", IMPOSSIBLE],
    [2, "99999999999999999999", IMPOSSIBLE],
    [3, "x", UNLIKE_FIRST],
    [3, "-1", IMPOSSIBLE],
    [4, "", UNLIKE_FIRST],
    [5, "", UNLIKE_FIRST],
    [5, "4294967296", IMPOSSIBLE],
  ];
  const lines = [0, 1, 2, 3].map((
    frame,
  ) => [frame, at(frame), 4294967292 + frame, "", "top", 8256]);
  for (const [column, cell, why] of wrong) {
    for (const bad of [0, 2, 3]) {
      const table = new Table(csv(CAMERA, lines.with(bad, lines[bad].with(column, cell))));
      const what = `'${cell}' in column ${column} of row ${bad}`;
      assertEquals(Object.fromEntries(table.damage), { [why]: 1 }, what);
      const left = [0, 1, 2, 3].filter((frame) => frame !== bad);
      assertEquals([...table.numbers("frame")!], left, what);
      assertEquals([...table.numbers("sequence")!], left.map((frame) => 4294967292 + frame), what);
      assertEquals(table.words("field"), ["top", "top", "top"]);
      assertEquals([...table.numbers("cycles")!], [NaN, NaN, NaN]);
    }
  }
});

Deno.test("rows: sorted by another column, only what is in order is left", () => {
  const { frames, damage } = sound([2, 0, 3, 1, 4].map((frame) => row(frame)));
  assertEquals([frames, damage], [[2, 3, 4], { [FALLING]: 2 }]);
});

Deno.test("rows: one that ends before it begins, or is far ahead, costs itself alone", () => {
  const lines = rows(6);
  lines[2] = lines[2].with(3, at(2000 - 1));
  assertEquals(sound(lines), { frames: [0, 1, 3, 4, 5], damage: { [BACKWARDS]: 1 } });
  for (const far of [0, 3]) {
    const ahead = rows(6).with(far, row(far, 1e15));
    const { frames, damage } = sound(ahead);
    assertEquals(frames, [0, 1, 2, 3, 4, 5].filter((frame) => frame !== far));
    assertEquals(damage, { [FALLING]: 1 });
  }
});
