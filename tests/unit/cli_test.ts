import { assert, assertEquals, assertThrows } from "@std/assert";
import { readFile } from "../../lib/files/files.ts";
import { FrameDigest } from "../../lib/files/frame_digest.ts";
import { FrameFile } from "../../lib/files/frame_file.ts";
import { OutputFile } from "../../lib/files/output_file.ts";
import { writeFile } from "../../lib/files/whole_file.ts";
import {
  choice,
  flag,
  integer,
  integers,
  optional,
  path,
  rate,
  repeated,
  UsageError,
} from "../../lib/cli/parameters.ts";
import { holdersOf } from "../../lib/cli/holders.ts";
import { RawFile } from "../../lib/frames/raw_file.ts";
import { EAGAIN, EIO, SysError } from "../../lib/sys/errno.ts";
import { File, IoBuffer, iovec, O_WRONLY } from "../../lib/sys/file.ts";
import { libc } from "../../lib/sys/libc.ts";
import { counted } from "../../lib/measure/format.ts";
import { parse } from "../../lib/cli/tool.ts";
import { intervalOf } from "../../lib/v4l2/frame_interval.ts";
import { returned } from "./fake_ioctl.ts";

const tool = {
  positionals: {
    input: path("IN", "file"),
    frames: integer("FRAMES", "count", { min: 1, max: 100, fallback: 60 }),
  },
  options: {
    mode: choice("MODE", "how", ["fast", "slow"]),
    size: integers("WIDTHxHEIGHT", "size", {
      count: 2,
      separator: "x",
      min: 1,
      max: 4096,
      fallback: [640, 480],
    }),
    loud: flag("say more"),
  },
};

Deno.test("command line: positional parameters, options and flags in any order", () => {
  const values = parse(tool, ["--loud", "a.pgm", "--size", "4x3", "7", "--mode=slow", "--json"]);
  assertEquals(
    [values.input, values.frames, values.mode, values.size, values.loud, values.json],
    ["a.pgm", 7, "slow", [4, 3], true, true],
  );
});

Deno.test("command line: what is left out has its default", () => {
  const values = parse(tool, ["a.pgm"]);
  assertEquals(
    [values.frames, values.mode, values.size, values.loud, values.quiet],
    [60, undefined, [640, 480], false, false],
  );
});

Deno.test("command line: the next option is nobody's value, and a dash alone is one", () => {
  assertThrows(() => parse(tool, ["a.pgm", "--mode", "--json"]), UsageError, "--mode must be");
  const file = { positionals: {}, options: { out: optional(path("FILE", "file")) } };
  assertEquals(parse(file, ["--out", "-", "--json"]), parse(file, ["--json", "--out=-"]));
  assertEquals(parse(file, ["--out", "-"]).out, "-");
});

Deno.test("command line: 0x hexadecimal, and -- before a file with a dash", () => {
  const values = parse(tool, ["--", "-a.pgm", "0x10"]);
  assertEquals([values.input, values.frames], ["-a.pgm", 16]);
});

Deno.test("command line: an option that may be repeated has all of its values, each checked", () => {
  const many = {
    positionals: {},
    options: { at: repeated(integer("N", "where", { max: 9 })) },
  };
  assertEquals(parse(many, ["--at", "3", "--at=1"]).at, [3, 1]);
  assertEquals(parse(many, []).at, []);
  assertThrows(() => parse(many, ["--at", "3", "--at", "10"]), UsageError, "--at must be a whole");
});

const refused: [argv: string[], message: string][] = [
  [[], "IN is missing"],
  [[""], "IN must not be empty"],
  [["a", "0"], 'FRAMES must be a whole number from 1 to 100, not "0"'],
  [["a", "101"], "FRAMES"],
  [["a", "1.5"], "FRAMES"],
  [["a", "ten"], "FRAMES"],
  [["a", ""], "FRAMES"],
  [["a", "-3"], "negative number -3"],
  [["a", "1", "b"], "one argument too many: b"],
  [["a", "--sized", "1x1"], "unknown option --sized"],
  [["a", "-v"], "unknown option -v"],
  [["a", "--size", "640"], 'must look like WIDTHxHEIGHT, not "640"'],
  [["a", "--size", "0x480"], "--size must be a whole number from 1 to 4096"],
  [["a", "--size", "1x1", "--size", "2x2"], "--size is given more than once"],
  [["a", "--mode", "medium"], '--mode must be fast or slow, not "medium"'],
  [["a", "--mode"], "--mode must be fast or slow"],
];
for (const [argv, message] of refused) {
  Deno.test(`command line: refuses ${JSON.stringify(argv)}`, () => {
    assertThrows(() => parse(tool, argv), UsageError, message);
  });
}

Deno.test("command line: an optional parameter before others gets a word that is left", () => {
  const optional = {
    positionals: {
      camera: path("CAMERA", "file"),
      filter: { ...path("FILTER", "file"), fallback: "" },
      csv: path("CSV", "file"),
      frames: integer("FRAMES", "count"),
    },
    options: {},
  };
  const of = (...argv: string[]) => {
    const { camera, filter, csv, frames } = parse(optional, argv);
    return [camera, filter, csv, frames];
  };
  assertEquals(of("a", "c", "5"), ["a", "", "c", 5]);
  assertEquals(of("a", "b", "c", "5"), ["a", "b", "c", 5]);
  assertThrows(() => of("a", "c"), UsageError, "FRAMES is missing");
  assertThrows(() => of("a", "b", "c", "5", "6"), UsageError, "one argument too many: 6");
});

Deno.test("command line: --help and --version answer whatever else is missing", () => {
  assert(parse(tool, ["--help"]).help);
  assert(parse(tool, ["--version"]).version);
  assert(parse(tool, ["-h"]).help);
  assert(parse(tool, ["-V"]).version);
});

Deno.test("files: folders on the path are made", () => {
  const folder = Deno.makeTempDirSync();
  const file = `${folder}/a/b/c.csv`;
  writeFile(file, Uint8Array.of(1, 2));
  assertEquals(readFile(file), Uint8Array.of(1, 2));
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("files: folders made on the way to a file that cannot be written are gone again", () => {
  const folder = Deno.makeTempDirSync();
  const tooLong = "x".repeat(256);
  for (const path of ["a/b/", `a/${tooLong}/c`, `a/b/${tooLong}`]) {
    assertThrows(() => writeFile(`${folder}/${path}`, Uint8Array.of(1)), SysError);
    assertEquals([...Deno.readDirSync(folder)], []);
  }
  Deno.mkdirSync(`${folder}/a`);
  assertThrows(() => writeFile(`${folder}/a/b/`, Uint8Array.of(1)), SysError, "EISDIR");
  assertEquals([...Deno.readDirSync(folder)].length, 1);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("files: a new one that nothing came to lie in is gone again, with its folders", () => {
  const folder = Deno.makeTempDirSync();
  const names = () => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  {
    using _first = new OutputFile(`${folder}/a/b/c.csv`);
    using _second = new OutputFile(`${folder}/a/d.csv`);
    assertEquals(names(), ["a"]);
  }
  assertEquals(names(), []);
  {
    using _empty = new OutputFile(`${folder}/a/b/c.csv`);
    using kept = new OutputFile(`${folder}/a/d.csv`);
    kept.append("row\n");
  }
  assertEquals([...Deno.readDirSync(`${folder}/a`)].map(({ name }) => name), ["d.csv"]);
  writeFile(`${folder}/a/whole_and_empty`, new Uint8Array(0));
  assertEquals(readFile(`${folder}/a/whole_and_empty`).length, 0);
  // It was there before, and stays; so does what is in it, until it begins to be written.
  new OutputFile(`${folder}/a/d.csv`).close();
  assertEquals(readFile(`${folder}/a/d.csv`).length, 4);
  {
    using rows = new OutputFile(`${folder}/a/d.csv`);
    using frames = new FrameFile(`${folder}/a/d.csv`);
    using digest = new FrameDigest(`${folder}/a/d.csv`);
    frames.close();
    digest.close();
    assertEquals(readFile(`${folder}/a/d.csv`).length, 4);
    rows.append("1\n");
    rows.append("2\n");
  }
  assertEquals(Deno.readTextFileSync(`${folder}/a/d.csv`), "1\n2\n");
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("files: of a whole one that a full disk cuts off nothing stays, of rows the complete ones", () => {
  const folder = Deno.makeTempDirSync();
  const { writev } = libc;
  // A disk with room for a line and a half.
  let room = 6;
  libc.writev = (fd, vector, count) => {
    if (room === 0) {
      writev(full.fd, vector, count);
      return -1;
    }
    const half = iovec.at(vector as Uint8Array<ArrayBuffer>, 0);
    half.iov_len = Math.min(half.iov_len, room);
    room -= half.iov_len;
    return writev(fd, vector, count);
  };
  using full = File.open("/dev/full", O_WRONLY);
  try {
    assertThrows(() => writeFile(`${folder}/a/page.html`, "one\ntwo\n"), SysError, "ENOSPC");
    assertEquals([...Deno.readDirSync(folder)], []);
    room = 6;
    using rows = new OutputFile(`${folder}/rows.csv`);
    assertThrows(() => rows.append("one\ntwo\n"), SysError, "ENOSPC");
    assertEquals(Deno.readTextFileSync(`${folder}/rows.csv`), "one\n");
  } finally {
    libc.writev = writev;
  }
  assertEquals(Deno.readTextFileSync(`${folder}/rows.csv`), "one\n");
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("files: an error names file, call and errno", () => {
  assertThrows(
    () => readFile("/nowhere/a.pgm"),
    SysError,
    "/nowhere/a.pgm: open: No such file or directory (ENOENT)",
  );
  assertThrows(() => writeFile("/proc/nowhere/a.pgm"), SysError, "/proc/nowhere: mkdir: ");
});

Deno.test("files: what close(2) says is told where it is asked for, and not on the way out of a failure", () => {
  const folder = Deno.makeTempDirSync();
  const path = `${folder}/out`;
  writeFile(path, "before");
  const { close } = libc;
  libc.close = (fd) => {
    close(fd);
    return returned(-EIO);
  };
  try {
    for (const make of [OutputFile, FrameFile, FrameDigest]) {
      using _unfinished = new make(path);
      using file = new make(path);
      assertThrows(() => file.close(), SysError, `${path}: close: Input/output error (EIO)`);
      file.close();
    }
  } finally {
    libc.close = close;
  }
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("files: a full device is reported", () => {
  using full = new OutputFile("/dev/full");
  assertThrows(
    () => full.append("row\n"),
    SysError,
    "/dev/full: write: No space left on device (ENOSPC)",
  );
});

Deno.test("raw frames: whole ones, again after a rewind, and what is left said", () => {
  const path = Deno.makeTempFileSync();
  writeFile(path, Uint8Array.of(1, 2, 3, 4, 5, 6, 7));
  const target = new IoBuffer(new Uint8Array(4));
  using file = new RawFile(path, 3);
  assertEquals([file.fill(target), ...target.bytes], [3, 1, 2, 3, 0]);
  assertEquals([file.fill(target), ...target.bytes], [3, 4, 5, 6, 0]);
  assertThrows(() => file.fill(target), Error, `${path}: ends after 1 of the 3 bytes of frame 2`);
  Deno.truncateSync(path, 3);
  file.rewind();
  Deno.removeSync(path);
  using other = new RawFile("/dev/null", 3);
  assertEquals(other.fill(target), 0);
});

Deno.test("raw frames: from a pipe, in pieces and with silence in between", async () => {
  const pipe = new Deno.Command("sh", {
    args: ["-c", "printf ab; echo >&2; read _; printf cdef"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // The first piece is there, and the second one comes when this one was read.
  const told = pipe.stderr.getReader();
  await told.read();
  const path = `/proc/${pipe.pid}/fd/1`;
  using file = new RawFile(path, 3);
  const target = new IoBuffer(new Uint8Array(3));
  let silent = 0;
  const more = pipe.stdin.getWriter();
  const begin = performance.now();
  for (; file.fill(target) === -EAGAIN; silent++) {
    if (silent === 0) await more.write(new TextEncoder().encode("\n"));
  }
  assert(silent > 0, "it did not come back while the pipe was silent");
  const { waited } = file;
  const most = 1e6 * (performance.now() - begin);
  assert(0 < waited && waited <= most, `it says that it waited ${waited} of ${most} ns`);
  assertEquals(new TextDecoder().decode(target.bytes), "abc");
  assertEquals([file.fill(target), new TextDecoder().decode(target.bytes)], [3, "def"]);
  assertThrows(() => file.rewind(), SysError, `${path}: lseek: Illegal seek (ESPIPE)`);
  await more.close();
  await told.cancel();
  await pipe.stdout.cancel();
  await pipe.status;
});

Deno.test("rates: numbers and fractions, and the interval is the simplest fraction", () => {
  const { parse } = rate("");
  const interval = (text: string) => {
    const { numerator, denominator } = intervalOf(parse(text));
    return `${numerator}/${denominator}`;
  };
  assertEquals(["30", "30000/1001", "24000/1001", "12.5", "0.1", "1/3", "59.94"].map(interval), [
    ...["1/30", "1001/30000", "1001/24000", "2/25", "10/1", "3/1", "50/2997"],
  ]);
  assertEquals(parse("0"), 0);
  for (const text of ["30/0", "a/b", "1/2/3", "30000/", "2000000/1", "-1"]) {
    assertThrows(() => parse(text), UsageError, "must be a number from 0 to 1000000");
  }
});

Deno.test("holders: who else has a device open, by number and name, and nobody of a file", async () => {
  const before = holdersOf("/dev/full").length;
  const child = new Deno.Command("sh", {
    args: ["-c", "exec 3</dev/full; echo; read -r line"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  const holders = holdersOf("/dev/full");
  assertEquals(holders.length, before + 1);
  assert(holders.includes(`${child.pid} sh`), holders.join());
  using _own = File.open("/dev/full", O_WRONLY);
  assertEquals(holdersOf("/dev/full"), holders);
  assertEquals(holdersOf("/etc/passwd"), []);
  await child.stdin.close();
  await reader.cancel();
  await child.status;
  assertEquals(holdersOf("/dev/full").length, before);
});

Deno.test("files: a device may have no end, and is not read to it", () => {
  for (const device of ["/dev/null", "/dev/zero"]) {
    assertThrows(() => readFile(device), Error, `${device}: is a device and no file`);
  }
});

Deno.test("format: one frame is no frames", () => {
  assertEquals([0, 1, 2].map((n) => counted(n, "frame")), ["0 frames", "1 frame", "2 frames"]);
  assertEquals(counted(2, "entry", "entries"), "2 entries");
});
