/**
 * 32-bit programs and the loopback node: the calls that structures of another size, or a number of
 * its own, give an entry of their own.
 *
 * @module
 */
import { EACCES, ENOTTY } from "../../../lib/sys/errno.ts";
import { O_NONBLOCK, O_RDONLY, O_RDWR } from "../../../lib/sys/file.ts";
import { _IOWR } from "../../../lib/uapi/ioctl_number.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { VPIPE_LOOP_IOC_SHARE, vpipe_loop_share } from "../../../lib/uapi/vpipe_loop.ts";
import type { Context } from "../../harness/context.ts";
import { Writer } from "./client.ts";
import { run } from "../../harness/processes.ts";
import { expectEqual, Skip, type Suite } from "../../harness/suite.ts";

/** struct v4l2_ext_controls has a pointer: it is smaller there. */
const EXT_CONTROLS32 = 24;
const VIDIOC_S_EXT_CTRLS32 = _IOWR("V", 72, EXT_CONTROLS32);

const BASE = 0x0804_8000;
const HEADERS = 52 + 32;
const word = (value: number) => [...new Uint8Array(Uint32Array.of(value).buffer)];
const half = (value: number) => word(value).slice(0, 2);

/** open(2), ioctl(2), and exit(2) with the errno of the first that fails, or 0. */
function code(flags: number, request: number, path: number, argument: number): number[] {
  return [
    ...[0xb8, ...word(5), 0xbb, ...word(path), 0xb9, ...word(flags), 0x31, 0xd2, 0xcd, 0x80],
    // Not opened: on to the end.
    ...[0x85, 0xc0, 0x78, 0x13, 0x89, 0xc3],
    ...[0xb8, ...word(54), 0xb9, ...word(request), 0xba, ...word(argument), 0xcd, 0x80],
    ...[0xf7, 0xd8, 0x89, 0xc3, 0xb8, ...word(1), 0xcd, 0x80],
  ];
}

/** An i386 program, as an ELF file, that makes one call with an argument of zeros. */
function program(node: string, flags: number, request: number, size: number): Uint8Array {
  const length = code(0, 0, 0, 0).length;
  const path = [...new TextEncoder().encode(`${node}\0`)];
  const at = BASE + HEADERS + length;
  const bytes = HEADERS + length + path.length + size;
  return new Uint8Array([
    ...[0x7f, 0x45, 0x4c, 0x46, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    // ET_EXEC, EM_386; where it begins; one program header behind this one.
    ...[...half(2), ...half(3), ...word(1), ...word(BASE + HEADERS), ...word(52), ...word(0)],
    ...[...word(0), ...half(52), ...half(32), ...half(1), ...half(0), ...half(0), ...half(0)],
    // PT_LOAD, all of the file, for everything.
    ...[...word(1), ...word(0), ...word(BASE), ...word(BASE), ...word(bytes), ...word(bytes)],
    ...[...word(7), ...word(4096)],
    ...code(flags, request, at, at + path.length),
    ...path,
    ...new Uint8Array(size),
  ]);
}

/** The errno of one call of a 32-bit program. */
async function errno32(
  context: Context,
  node: string,
  flags: number,
  request: number,
  size: number,
): Promise<number> {
  const file = `${context.scratch}/program32`;
  Deno.writeFileSync(file, program(node, flags | O_NONBLOCK, request, size), { mode: 0o755 });
  try {
    return (await run(file, [])).status;
  } catch (error) {
    // ENOEXEC: what the shell would take for a script.
    if (!/os error 8\b/.test((error as Error).message)) throw error;
    throw new Skip(`this kernel runs no 32-bit programs: ${(error as Error).message}`);
  } finally {
    Deno.removeSync(file);
  }
}

export async function loopCompatChecks(
  suite: Suite,
  context: Context,
  node: string,
): Promise<void> {
  await suite.check("loop: a 32-bit program", async () => {
    using writer = new Writer(node, "mmap");
    writer.fillAll();
    const { request: querycap } = v4l2.VIDIOC_QUERYCAP;
    const { request: share } = VPIPE_LOOP_IOC_SHARE;
    const call = (flags: number, request: number, size: number) =>
      errno32(context, node, flags, request, size);
    const { size } = v4l2.v4l2_capability;
    expectEqual("VIDIOC_QUERYCAP", await call(O_RDONLY, querycap, size), 0);
    expectEqual("SHARE", await call(O_RDONLY, share, vpipe_loop_share.size), 0);
    const none = _IOWR("V", 200, 4);
    expectEqual("a call that there is not", await call(O_RDWR, none, 4), ENOTTY);
    const controls = VIDIOC_S_EXT_CTRLS32;
    expectEqual("S_EXT_CTRLS", await call(O_RDWR, controls, EXT_CONTROLS32), 0);
    const refused = await call(O_RDONLY, controls, EXT_CONTROLS32);
    expectEqual("S_EXT_CTRLS, open for reading", refused, EACCES);
    return "QUERYCAP and SHARE; EACCES for controls from a file that is open for reading";
  });
}
