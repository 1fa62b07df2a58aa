/**
 * Compares every constant, struct and ioctl number of the library with the C headers: a C program
 * prints what the compiler makes of each, this test compares line by line.
 *
 * A module's exports are taken as they are: a number in capitals is a macro of that name, a struct
 * declaration a C type, an ioctl its request number. So nothing new can go uncompared.
 */
import { assertEquals } from "@std/assert";
import * as av1Controls from "../../lib/codec/av1_controls.ts";
import * as codecControls from "../../lib/codec/controls.ts";
import * as dmaBuf from "../../lib/dmabuf/dma_buf.ts";
import * as dmaHeap from "../../lib/dmabuf/dma_heap.ts";
import * as udmabuf from "../../lib/dmabuf/udmabuf.ts";
import * as clock from "../../lib/sys/clock.ts";
import * as deviceNumber from "../../lib/sys/device_number.ts";
import * as errno from "../../lib/sys/errno.ts";
import * as file from "../../lib/sys/file.ts";
import type { Ioctl } from "../../lib/sys/ioctl_number.ts";
import * as mmap from "../../lib/sys/mmap.ts";
import * as poll from "../../lib/sys/poll.ts";
import * as thread from "../../lib/sys/thread.ts";
import type { Fields, StructType } from "../../lib/sys/struct.ts";
import * as media from "../../lib/v4l2/media.ts";
import * as videodev2 from "../../lib/v4l2/videodev2.ts";
import * as decoder from "../../lib/vpipe/decoder_uapi.ts";
import * as loop from "../../lib/vpipe/loop_uapi.ts";
import * as uapi from "../../lib/vpipe/uapi.ts";
import * as stress from "../stress/uapi.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const CONTROLS = `${ROOT}build/guest/linux/include/uapi/linux/v4l2-controls.h`;

const modules: [header: string, exports: Record<string, unknown>][] = [
  // First, instead of the system's: that of Debian 12 has no AV1.
  [`"${CONTROLS}"`, { ...codecControls, ...av1Controls }],
  ["<errno.h>", errno],
  ["<fcntl.h>", file],
  ["<sys/stat.h>", deviceNumber],
  ["<sys/uio.h>", {}],
  ["<sys/mman.h>", mmap],
  ["<poll.h>", poll],
  ["<time.h>", clock],
  ["<sched.h>", thread],
  ["<sys/resource.h>", {}],
  ["<linux/videodev2.h>", videodev2],
  ["<linux/dma-heap.h>", dmaHeap],
  ["<linux/dma-buf.h>", dmaBuf],
  ["<linux/udmabuf.h>", udmabuf],
  ['"kmod/uapi/vpipe.h"', uapi],
  ['"kmod/uapi/vpipe-dec.h"', decoder],
  ['"kmod/uapi/vpipe-loop.h"', loop],
  ["<linux/media.h>", media],
  ["<errno.h>", stress],
];

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
    Deno.writeTextFileSync(`${folder}/abi.c`, program);
    const compiler = new Deno.Command("cc", {
      args: ["-Wall", "-Werror", `-I${ROOT}`, "-o", `${folder}/abi`, `${folder}/abi.c`],
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
