/**
 * Who may import whom: the floors of docs/design.md, section 1, and every import there is.
 */
import { assert, assertEquals } from "@std/assert";
import { dirname, join, normalize } from "node:path/posix";

const ROOT = new URL("../../", import.meta.url).pathname;

/** The floors of lib, daemon and tools, the ground first. */
const FLOORS = /```floors\n([^`]*)```/.exec(Deno.readTextFileSync(`${ROOT}docs/design.md`))![1]
  .trim().split("\n").map((line) => line.split(/ +/)).reverse();

/** Rooms of the tests: which of tests' rooms each knows, besides itself. */
const TESTS: Readonly<Record<string, readonly string[]>> = {
  "tests/harness": [],
  "tests/check": ["tests/harness"],
  "tests/stress": ["tests/harness"],
};

const LEVELS = new Map(FLOORS.flatMap((rooms, level) => rooms.map((room) => [room, level])));

/** The longest of the rooms that a file lies in. */
function roomOf(file: string): string | undefined {
  for (let folder = dirname(file); folder !== "."; folder = dirname(folder)) {
    if (LEVELS.has(folder) || folder in TESTS) return folder;
  }
  return undefined;
}

type Imports = ReadonlyMap<string, readonly string[]>;

/** What each source file imports of this project, types included. */
function readImports(files: readonly string[]): Imports {
  const specifier = /\b(?:from|import)\s*\(?\s*"(\.[^"]*)"/g;
  return new Map(files.map((file) => {
    const text = Deno.readTextFileSync(ROOT + file);
    const targets = [...text.matchAll(specifier)].map(([, to]) => join(dirname(file), to));
    return [file, targets.map(normalize)];
  }));
}

function* sources(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(ROOT + folder)) {
    if (isDirectory) yield* sources(`${folder}/${name}`);
    else if (name.endsWith(".ts")) yield `${folder}/${name}`;
  }
}

/** The imports that go up, or sideways. */
function misplaced(imports: Imports): string[] {
  return [...imports].flatMap(([file, targets]) =>
    targets.filter((target) => {
      if (target.startsWith("build/")) return true;
      const [from, to] = [roomOf(file), roomOf(target)];
      if (from === undefined || to === undefined || from === to) return false;
      if (from in TESTS) return to in TESTS && !TESTS[from].includes(to);
      if (to in TESTS) return file !== "tools/check.ts";
      return LEVELS.get(to)! >= LEVELS.get(from)!;
    }).map((target) => `${file} imports ${target}`)
  );
}

/** Files that import each other, one circle of each. */
function circles(imports: Imports): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]) => {
    const at = path.indexOf(file);
    if (at >= 0) found.push([...path.slice(at), file].join(" -> "));
    if (at >= 0 || done.has(file)) return;
    for (const target of imports.get(file) ?? []) walk(target, [...path, file]);
    done.add(file);
  };
  for (const file of imports.keys()) walk(file, []);
  return found;
}

const imports = readImports(
  ["lib", "daemon", "tools", "examples", "fixtures", "tests"].flatMap((room) => [...sources(room)]),
);

Deno.test(`all ${imports.size} files import from the floors below`, () => {
  assertEquals(misplaced(imports), []);
});

Deno.test("no files import each other in a circle", () => {
  assertEquals(circles(imports), []);
});

Deno.test("an import that goes up, sideways, to build/, or round, is found", () => {
  const planted = (from: string, to: string) => misplaced(new Map([[from, [to]]])).length;
  assertEquals(planted("lib/sys/errno.ts", "lib/v4l2/device.ts"), 1);
  assertEquals(planted("lib/frames/camera.ts", "lib/report/page.ts"), 1);
  assertEquals(planted("lib/report/page.ts", "build/toolchain/chart.js"), 1);
  assertEquals(planted("lib/v4l2/device.ts", "lib/sys/errno.ts"), 0);
  assertEquals(planted("lib/v4l2/device.ts", "tools/cv-ref.ts"), 1);
  assertEquals(planted("tests/stress/stress.ts", "tests/check/unit.ts"), 1);
  assertEquals(circles(new Map([["a.ts", ["b.ts"]], ["b.ts", ["a.ts"]]])).length, 1);
});

/** What Deno asks a permission for, and a tool that is compiled with FFI alone does not get. */
const PERMITTED = new RegExp(
  "\\bDeno\\.(l?stat|realPath|readLink|readDir|open|create|read(Text)?File|write(Text)?File|mkdir|" +
    "makeTemp|remove(Sync)?\\(|rename|copyFile|chmod|chown|u?time|truncate|symlink|link|Command|env|connect|" +
    "listen|kill|cwd|chdir|hostname|execPath|loadavg|networkInterfaces|osRelease|systemMemoryInfo|[ug]id)",
);

Deno.test("what is compiled with FFI alone does without Deno's files, programs and environment", () => {
  const files = ["lib", "daemon", "tools"].flatMap((room) => [...sources(room)])
    .filter((file) => !["tools/check.ts", "tools/vpipe.ts"].includes(file));
  const asking = (text: string) => text.match(PERMITTED)?.[0];
  const found = files.flatMap((file) => asking(Deno.readTextFileSync(ROOT + file)) ?? []);
  assertEquals(found, []);
  for (const call of ["lstatSync(path)", "realPathSync(a)", "env.get(b)", "removeSync(c)"]) {
    assert(asking(`return Deno.${call};`) !== undefined, call);
  }
  assertEquals(asking("Deno.removeSignalListener(Deno.pid)"), undefined);
});

Deno.test("every folder of lib and daemon is a room with a floor", () => {
  for (const room of ["lib", "daemon"]) {
    for (const { name, isDirectory } of Deno.readDirSync(ROOT + room)) {
      assert(!isDirectory || LEVELS.has(`${room}/${name}`), `${room}/${name} has no floor`);
    }
  }
});
