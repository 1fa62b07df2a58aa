/**
 * Compares every constant, struct and ioctl number of the library with the C headers: a C program
 * prints what the compiler makes of each, this test compares line by line.
 *
 * Every file of lib/uapi is compared with the header that it is named after, and its exports are
 * taken as they are: a number in capitals is a macro of that name, a struct declaration a C type, an
 * ioctl its request number. So nothing new can go uncompared.
 */
import { assertEquals } from "@std/assert";
import * as clock from "../../lib/sys/clock.ts";
import * as deviceNumber from "../../lib/sys/device_number.ts";
import * as errno from "../../lib/sys/errno.ts";
import * as file from "../../lib/sys/file.ts";
import * as mmap from "../../lib/sys/mmap.ts";
import * as poll from "../../lib/sys/poll.ts";
import * as thread from "../../lib/sys/thread.ts";
import type { Ioctl } from "../../lib/uapi/ioctl_number.ts";
import type { Fields, StructType } from "../../lib/uapi/struct.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const UAPI = `${ROOT}lib/uapi`;

/** The newest kernel's, as they are in its sources: a distribution's are older. */
const KERNEL_HEADERS = `${ROOT}build/guest/linux/include/uapi`;

/** Of lib/uapi: no header's, but what its other files are written in. */
const BASIS = ["ioctl_number.ts", "mod.ts", "struct.ts"];

/** Headers that have an underscore themselves. */
const UNDERSCORED = ["drm_mode", "perf_event"];

/** Headers of another folder. */
const FOLDERS: Readonly<Record<string, string>> = { drm: "drm", drm_mode: "drm" };

/** `v4l2_controls_vp9.ts` has a part of v4l2-controls.h, `dma_buf.ts` all that is said of dma-buf.h. */
function headerOf(file: string): string {
  const stem = file.replace(/^(v4l2_controls)_.*|\.ts$/, "$1");
  const name = UNDERSCORED.includes(stem) ? stem : stem.replaceAll("_", "-");
  return name.startsWith("vpipe")
    ? `"kmod/uapi/${name}.h"`
    : `<${FOLDERS[name] ?? "linux"}/${name}.h>`;
}

type Module = readonly [header: string, exports: Record<string, unknown>];

const libcModules: Module[] = [
  ["<errno.h>", errno],
  ["<fcntl.h>", file],
  ["<sys/stat.h>", deviceNumber],
  ["<sys/uio.h>", {}],
  ["<sys/mman.h>", mmap],
  ["<poll.h>", poll],
  ["<time.h>", clock],
  ["<sched.h>", thread],
  ["<sys/resource.h>", {}],
];

const kernelModules: Module[] = [];
for (const { name } of [...Deno.readDirSync(UAPI)].sort((a, b) => a.name < b.name ? -1 : 1)) {
  if (BASIS.includes(name)) continue;
  kernelModules.push([headerOf(name), await import(`${UAPI}/${name}`)]);
}

/** Those that are compared, and what they include of each other. */
const kernelHeaders = [
  "linux/v4l2-common.h",
  "linux/bits.h",
  ...new Set(kernelModules.flatMap(([header]) => header.match(/(?<=<).*(?=>)/) ?? [])),
];

const modules = [...libcModules, ...kernelModules];

/** A C expression of an integer, and what the library says it is. */
type Row = [expression: string, value: number];

const isStruct = (value: object): value is StructType<Fields> => "fields" in value;
const isIoctl = (value: object): value is Ioctl => "request" in value;

function rows(name: string, value: unknown): Row[] {
  if (typeof value === "number" && /^[A-Z][A-Z0-9_]*$/.test(name)) return [[name, value]];
  if (typeof value !== "object" || value === null) return [];
  if (isIoctl(value)) return [[value.name, value.request]];
  if (!isStruct(value)) return [];
  const { c, size, fields } = value;
  return [
    [`sizeof(${c})`, size],
    ...Object.entries(fields).flatMap(([property, field]): Row[] => {
      const member = field.c ?? property;
      return [
        [`offsetof(${c}, ${member})`, field.offset],
        [`sizeof(((${c} *)0)->${member})`, field.size],
      ];
    }),
  ];
}

const compared: Row[] = modules.flatMap(([, exports]) =>
  Object.entries(exports).flatMap(([name, value]) => rows(name, value))
);

Deno.test(`the C headers agree with the library in ${compared.length} values`, () => {
  const program = [
    "#define _GNU_SOURCE",
    "#include <stddef.h>",
    "#include <stdio.h>",
    ...modules.map(([header]) => `#include ${header}`),
    "int main(void) {",
    ...compared.map(([expression]) =>
      `printf("%s %lld\\n", ${JSON.stringify(expression)}, (long long)(${expression}));`
    ),
    "return 0; }",
    "",
  ].join("\n");
  const folder = Deno.makeTempDirSync();
  try {
    for (const name of ["linux", "drm"]) Deno.mkdirSync(`${folder}/${name}`);
    for (const name of kernelHeaders) {
      Deno.symlinkSync(`${KERNEL_HEADERS}/${name}`, `${folder}/${name}`);
    }
    // Of what the sources have in it, nothing is for userspace.
    Deno.writeTextFileSync(`${folder}/linux/compiler.h`, "");
    Deno.writeTextFileSync(`${folder}/abi.c`, program);
    const includes = [`-I${folder}`, `-I${ROOT}`];
    const compiler = new Deno.Command("cc", {
      args: [
        "-Wall",
        "-Werror",
        "-D__user=",
        ...includes,
        "-o",
        `${folder}/abi`,
        `${folder}/abi.c`,
      ],
      stderr: "inherit",
    });
    assertEquals(compiler.outputSync().code, 0, "the comparison program does not compile");
    const { stdout } = new Deno.Command(`${folder}/abi`).outputSync();
    const printed = new TextDecoder().decode(stdout).trimEnd().split("\n");
    assertEquals(printed, compared.map(([expression, value]) => `${expression} ${value}`));
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("every field of every struct is read by its name", () => {
  for (const value of modules.flatMap(([, exports]) => Object.values(exports))) {
    if (typeof value !== "object" || value === null || !isStruct(value)) continue;
    const view = value.alloc() as Record<string, unknown>;
    const zeroes = new DataView(new ArrayBuffer(value.size));
    for (const [name, { get, offset }] of Object.entries(value.fields)) {
      assertEquals(view[name], get(zeroes, offset), `${value.c}: ${name}`);
    }
  }
});
