/**
 * Calls in a kernel module go down: no C file calls another that calls it, directly or in a circle.
 * What goes up goes through tables of callbacks: a function's name without "(" behind it is no call.
 */
import { assertEquals } from "@std/assert";

const KMOD = new URL("../../kmod/", import.meta.url).pathname;

/** Files of one module by name, and what is in them. */
type Sources = Map<string, string>;

/** Comments, strings, characters and preprocessor lines are no code. */
function codeOf(source: string): string {
  const noCode = /\/\*[^]*?\*\/|\/\/.*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|^#(?:\\\n|.)*/gm;
  return source.replace(noCode, " ");
}

/** Functions that a file defines for others: those at the beginning of a line, and not static. */
function definedIn(source: string): string[] {
  const definition =
    /^(?!static\b|typedef\b)[a-z][\w \t*]*?\b(\w+)\((?:[^;{}()]|\([^()]*\))*\)[^;{}()]*\{/gm;
  return [...codeOf(source).matchAll(definition)].map(([, name]) => name);
}

function calledIn(source: string): Set<string> {
  return new Set([...codeOf(source).matchAll(/\b(\w+)\s*\(/g)].map(([, name]) => name));
}

/** Who calls whom, and by which function. */
function callsBetween(files: Sources): Map<string, Map<string, string>> {
  const owners = new Map<string, string>();
  for (const [file, source] of files) {
    for (const name of definedIn(source)) owners.set(name, file);
  }
  const calls = new Map<string, Map<string, string>>();
  for (const [file, source] of files) {
    const callees = new Map<string, string>();
    for (const name of calledIn(source)) {
      const owner = owners.get(name);
      if (owner !== undefined && owner !== file) callees.set(owner, name);
    }
    calls.set(file, callees);
  }
  return calls;
}

/** A circle of calls, in words; none: undefined. */
function circleIn(files: Sources): string | undefined {
  const calls = callsBetween(files);
  const done = new Set<string>();
  const path: string[] = [];

  function visit(file: string): string[] | undefined {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    path.push(file);
    for (const callee of calls.get(file)!.keys()) {
      const circle = visit(callee);
      if (circle) return circle;
    }
    path.pop();
    done.add(file);
    return undefined;
  }

  for (const file of calls.keys()) {
    const circle = visit(file);
    if (!circle) continue;
    return circle.slice(1)
      .map((file, i) => `${circle[i]} calls ${calls.get(circle[i])!.get(file)}() of ${file}`)
      .join(", ");
  }
  return undefined;
}

function sourcesOf(folder: string): Sources {
  const names = [...Deno.readDirSync(KMOD + folder)].map(({ name }) => name)
    .filter((name) => name.endsWith(".c")).sort();
  return new Map(names.map((name) => [name, Deno.readTextFileSync(`${KMOD}${folder}/${name}`)]));
}

for (const folder of ["filter", "loop", "decoder"]) {
  Deno.test(`kmod/${folder}: calls go down`, () => {
    assertEquals(circleIn(sourcesOf(folder)), undefined);
  });

  Deno.test(`kmod/${folder}: every file that others call, and a planted call up, are seen`, () => {
    const files = sourcesOf(folder);
    const calls = [...callsBetween(files)].flatMap(([caller, callees]) =>
      [...callees.keys()].map((callee) => ({ caller, callee }))
    );
    assertEquals(calls.length > 0, true);
    for (const { caller, callee } of calls) {
      const planted = new Map(files);
      planted.set(caller, `${files.get(caller)}\nvoid planted(void)\n{\n}\n`);
      planted.set(callee, `${files.get(callee)}\nstatic void up(void)\n{\n\tplanted();\n}\n`);
      assertEquals(circleIn(planted)?.includes("planted() of "), true, `${callee} to ${caller}`);
    }
  });
}

Deno.test("calls between C files: what counts as one", () => {
  const files: Sources = new Map([
    ["a.c", 'int f(int x,\n      int (*call)(int y))\n{\n\treturn call(x); /* g() */ "g()";\n}\n'],
    [
      "b.c",
      "struct s *g(void)\n{\n\treturn NULL;\n}\n\nstatic int f2(void)\n{\n\treturn f(1);\n}\n",
    ],
    [
      "c.c",
      "const struct ops ops = {\n\t.f = f,\n\t.g = g,\n};\n\n// g()\n#define G g()\nint f(int);\n",
    ],
  ]);
  const calls = [...callsBetween(files)].map(([file, callees]) => [file, [...callees.keys()]]);
  assertEquals(calls, [["a.c", []], ["b.c", ["a.c"]], ["c.c", ["a.c"]]]);
});
