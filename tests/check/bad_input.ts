/**
 * Wrong arguments, wrong files, wrong devices: one clear line, a non-zero status, nothing lost.
 *
 * @module
 */
import { type Context, FPS, HEAP, heap, META, readCsv } from "../harness/context.ts";
import { expectError, someRows } from "../harness/expectations.ts";
import { until } from "../harness/waiting.ts";
import { type Outcome, type Running, succeed } from "../harness/processes.ts";
import { expect, expectEqual, type Suite } from "../harness/suite.ts";
import { type Refusal, refusalChecks } from "../harness/refusals.ts";

const NOBODY = 65534;

const ascii = (text: string) => new TextEncoder().encode(text);

/** Images that are refused, and what the error line says of them. */
const IMAGES: [name: string, content: string, message: string][] = [
  ["truncated", "P5\n4 4\n255\n1234", "truncated: 4 of 16 bytes of pixels"],
  ["ascii", "P2\n1 1\n255\n7\n", "ASCII PGM (P2); only binary PGM (P5) is supported"],
  ["16-bit", "P5\n1 1\n65535\n12", "16-bit PGM (maximum 65535); only 255 is supported"],
  ["empty", "P5\n0 4\n255\n", "empty image: 0x4"],
  ["too-large", "P5\n4097 1\n255\n", "4097x1 is larger than 4096x4096"],
];

/** Runs a copy of a tool as a user without any rights. */
async function runAsNobody(
  context: Context,
  tool: string,
  ...args: readonly (string | number)[]
): Promise<Outcome> {
  const program = `${context.scratch}/${tool}`;
  Deno.copyFileSync(context.tool(tool), program);
  Deno.chmodSync(context.scratch, 0o755);
  Deno.chmodSync(program, 0o755);
  const { code, stderr } = await new Deno.Command(program, {
    args: args.map(String),
    // That user may not be allowed to be where this program is.
    cwd: "/",
    uid: NOBODY,
    gid: NOBODY,
  }).output();
  Deno.removeSync(program);
  return { status: code, stdout: "", stderr: new TextDecoder().decode(stderr) };
}

export async function badInputChecks(suite: Suite, context: Context): Promise<void> {
  const { scratch, fixtures, filter, vivid } = context;
  const tiny = `${fixtures}/tiny-4x4.pgm`;
  const out = `${scratch}/out.pgm`;
  const csv = `${scratch}/out.csv`;

  // Starting the tools is what takes the time: a few at once, judged in order.
  const refusals: Refusal[] = [];
  const refuse = (
    name: string,
    status: number,
    message: string,
    tool: string,
    ...args: (string | number)[]
  ) => void refusals.push({ name, status, message, tool, args });

  for (const [name, content, message] of IMAGES) {
    const image = `${scratch}/${name}.pgm`;
    Deno.writeFileSync(image, ascii(content));
    const line = `${image}: ${message}`;
    refuse(`${name} PGM`, 1, line, "fixture-feed", filter, HEAP, image, out);
    refuse(`${name} PGM, reference`, 1, line, "cv-ref", image, out);
  }
  refuse("raw file too short", 1, "truncated: 27 bytes", "dump-pgm", tiny, out);

  const missing = "No such file or directory (ENOENT)";
  refuse("no device", 1, missing, "capture-mmap", "/dev/video255", csv, 5);
  refuse("no metadata device", 1, missing, "meta-drain", "/dev/nothing", csv, 5);
  refuse("no heap", 1, missing, "fixture-feed", filter, "/dev/dma_heap/none", tiny, out);
  refuse("no image", 1, missing, "cv-ref", `${scratch}/none.pgm`, out);
  refuse(
    "a file as device",
    1,
    "is not a V4L2 device: VIDIOC_QUERYCAP: Inappropriate ioctl for device (ENOTTY)",
    "capture-mmap",
    tiny,
    csv,
    5,
  );
  refuse("a filter as camera", 1, "is not a capture device", "capture-mmap", filter, csv, 5);
  refuse(
    "a camera as filter",
    1,
    "is not a mem2mem device",
    "fixture-feed",
    vivid,
    HEAP,
    tiny,
    out,
  );
  refuse(
    "a device as heap",
    1,
    "is not a dma-heap: DMA_HEAP_IOCTL_ALLOC: Inappropriate ioctl for device (ENOTTY)",
    "fixture-feed",
    filter,
    "/dev/null",
    tiny,
    out,
  );
  refuse(
    "a device as metadata",
    1,
    "is not a vpipe metadata device: VPIPE_META_IOC_QUERY: Inappropriate ioctl for device (ENOTTY)",
    "meta-drain",
    "/dev/null",
    csv,
    5,
  );

  for (const frames of ["0", "abc", "1.5", "", "99999999999"]) {
    refuse(
      `frames "${frames}"`,
      2,
      "FRAMES must be a whole",
      "capture-mmap",
      vivid,
      csv,
      frames,
    );
  }
  const captures = [
    ["capture-mmap", vivid, csv, 5],
    ["capture-read", vivid, csv, 5],
    ["capture-userptr", vivid, csv, 5, "noreset"],
    ["capture-dmabuf", vivid, filter, csv, 5],
    ["capture-m2m", vivid, filter, csv, 5],
  ] as const;
  for (const [tool, ...args] of captures) {
    const offers = "asked for 641x480 GREY, the device offers 640x480 GREY";
    refuse(
      `${tool}, a size the device changes`,
      1,
      offers,
      tool,
      ...args,
      "--size",
      "641x480",
      ...(tool === "capture-m2m" ? [] : ["--format", "grey"]),
    );
    refuse(`${tool}, a CPU there is not`, 1, "CPU 8191: ", tool, ...args, "--cpu", 8191);
  }
  const rate = "VIDIOC_S_PARM: asked for 31.7 frames a second, the device offers";
  refuse("a rate the device changes", 1, rate, "capture-mmap", vivid, csv, 5, "--fps", 31.7);
  refuse("buffers", 2, "--buffers must be", "capture-mmap", vivid, csv, 5, "--buffers", 1);
  refuse("mode", 2, "MODE must be reset or noreset", "capture-userptr", vivid, csv, 5, "fresh");
  refuse("transport", 2, "TRANSPORT must be", "capture-m2m", vivid, filter, csv, 5, "usb");
  refuse("two cameras", 1, "is not a mem2mem device", "capture-m2m", vivid, vivid, csv, 5);
  refuse(
    ...["more in flight than buffers", 2, "--depth 5 needs", "bench-fixture", filter] as const,
    ...[HEAP, tiny, csv, 5, "none", "--depth", 5],
  );
  refuse("negative frames", 2, "negative number -5", "meta-drain", META, csv, -5);
  refuse("unknown option", 2, "unknown option --fast", "cv-ref", tiny, out, "--fast");
  refuse("missing argument", 2, "HEAP is missing", "fixture-feed", filter);
  refuse("threshold", 2, "THRESHOLD must be", "cv-ref", tiny, out, 256);
  refuse("a device that is missing", 1, "there is no such device", "cv-ref", tiny, "/dev/video99");

  if (suite.whole) await refusalChecks(suite.whole, context, "bad input", refusals);

  await suite.whole?.check("bad input: comments in a PGM's header are no error", async () => {
    const image = `${scratch}/comments.pgm`;
    Deno.writeFileSync(image, ascii("P5 # one\n2 # two\n#\n1\n255\nAz"));
    await context.run("fixture-feed", filter, heap(), image, out, "--threshold", 100);
    expectEqual("result", Deno.readTextFileSync(out), "P5\n2 1\n255\n\x00\ufffd");
    return "accepted, and filtered as 2x1";
  });
  await suite.whole?.check("bad input: sizes that differ", async () => {
    await using program = context.start("pgm-diff", tiny, `${fixtures}/ramp.pgm`, out);
    return expectError(await program.end(), "pgm-diff", 1, "sizes differ: 4x4, 256x16");
  });
  await suite.whole?.check("bad input: no permission", async () => {
    const outcome = await runAsNobody(context, "meta-drain", META, "/tmp/vpipe-check.csv", 1);
    return expectError(outcome, "meta-drain", 1, `${META}: open: Permission denied (EACCES)`);
  });
  await suite.whole?.check("bad input: a priority that needs root", async () => {
    const args = [vivid, "/tmp/vpipe-check.csv", 1, "--realtime", 10];
    const outcome = await runAsNobody(context, "capture-mmap", ...args);
    const needs = "real-time priority 10: needs root or CAP_SYS_NICE (EPERM)";
    return expectError(outcome, "capture-mmap", 1, needs);
  });

  await suite.whole?.check("output: a folder that does not exist is made", async () => {
    const deep = `${scratch}/a/b/c/out.pgm`;
    await context.run("cv-ref", tiny, deep);
    return `${deep.slice(scratch.length)} has ${Deno.statSync(deep).size} bytes`;
  });
  // What a compiled tool can see of names is less than a test sees.
  await suite.whole?.check(
    "output: stdout's own file, and a link to one that is yet to be made",
    async () => {
      const own = `${scratch}/own.pgm`;
      const image = Deno.readFileSync(await plain(`${scratch}/plain.pgm`)).length;
      await succeed("sh", ["-c", '"$0" "$1" "$2" >"$2"', context.tool("cv-ref"), tiny, own]);
      expectEqual("bytes of stdout's file", Deno.statSync(own).size, image);
      Deno.symlinkSync("target.pgm", `${scratch}/link.pgm`);
      await plain(`${scratch}/link.pgm`);
      expectEqual("bytes behind the link", Deno.statSync(`${scratch}/target.pgm`).size, image);
      expect(Deno.lstatSync(`${scratch}/link.pgm`).isSymlink, "the link is gone");
      return `${image} bytes each, and the link is there`;

      async function plain(path: string): Promise<string> {
        await context.run("cv-ref", tiny, path);
        return path;
      }
    },
  );
  await suite.whole?.check("output: read-only file system", async () => {
    const folder = `${scratch}/readonly`;
    Deno.mkdirSync(folder);
    await succeed("mount", ["-t", "tmpfs", "-o", "ro", "none", folder]);
    try {
      await using program = context.start("meta-drain", META, `${folder}/a.csv`, 1);
      return expectError(await program.end(), "meta-drain", 1, "Read-only file system (EROFS)");
    } finally {
      await succeed("umount", [folder]);
    }
  });
  await suite.whole?.check("output: full disk keeps complete rows", async () => {
    const folder = `${scratch}/full`;
    Deno.mkdirSync(folder);
    await succeed("mount", ["-t", "tmpfs", "-o", "size=64k", "none", folder]);
    try {
      const rows = `${folder}/a.csv`;
      await using program = context.start("bench-fixture", filter, heap(), tiny, rows, 100_000);
      const said = expectError(
        await program.end(),
        "bench-fixture",
        1,
        "write: No space left on device (ENOSPC)",
      );
      const kept = readCsv(rows);
      expect(kept.length > 500, `only ${kept.length} rows are left`);
      kept.forEach((row, i) => expectEqual(`frame of row ${i}`, Number(row.frame), i));
      return `${said}, ${kept.length} complete rows kept`;
    } finally {
      await succeed("umount", [folder]);
    }
  });

  await suite.check("end: Ctrl-C during a capture", async () => {
    const rows = `${scratch}/interrupted.csv`;
    await using capture = context.start(
      "capture-mmap",
      vivid,
      rows,
      1_000_000,
      "--fps",
      FPS,
      "--warm-up",
      0,
    );
    await someRows(capture, rows);
    capture.kill("SIGINT");
    const { status, stderr } = await capture.end();
    expectEqual("stderr", stderr, "");
    expectEqual("status", status, 130);
    const kept = readCsv(rows).length;
    await context.run("capture-mmap", vivid, csv, 2, "--fps", FPS, "--warm-up", 0);
    return `status 130, ${kept} complete rows, the device is free again`;
  });
  await suite.whole?.check("end: Ctrl-C at any moment", async () => {
    const rows = `${scratch}/moments.csv`;
    const isMade = () => {
      try {
        return Deno.statSync(rows).isFile;
      } catch {
        return false;
      }
    };
    const moments: [name: string, come: (bench: Running) => void | Promise<void>][] = [
      ["when it starts", () => {}],
      ["when it hears of it", (bench) => until("a handler", () => bench.hearsInterrupts)],
      ["when its CSV is made", () => until("the CSV", isMade)],
      ["at its first row", (bench) => someRows(bench, rows)],
      ["after more rows", (bench) => someRows(bench, rows, 200)],
    ];
    for (const [name, come] of moments) {
      if (isMade()) Deno.removeSync(rows);
      await using bench = context.start("bench-fixture", filter, heap(), tiny, rows, 1_000_000);
      await come(bench);
      bench.kill("SIGINT");
      const { status, stderr } = await bench.end();
      expectEqual(`status, ${name}`, status, 130);
      expectEqual(`stderr, ${name}`, stderr, "");
    }
    await context.run("bench-fixture", filter, heap(), tiny, csv, 2);
    return `${moments.map(([name]) => name).join(", ")}: status 130, nothing on stderr`;
  });
  await suite.whole?.check("end: SIGTERM while meta-drain waits", async () => {
    const rows = `${scratch}/terminated.csv`;
    await using drain = await context.drain(rows, 10);
    await context.run("fixture-feed", filter, heap(), tiny, out);
    await someRows(drain, rows);
    drain.kill("SIGTERM");
    const { status } = await drain.end();
    expectEqual("status", status, 143);
    expectEqual("rows", readCsv(rows).length, 1);
    return "status 143, the row so far is kept";
  });
  await suite.check("end: the device goes away while meta-drain waits", async () => {
    const driver = "/sys/bus/platform/drivers/vpipe";
    const device = [...Deno.readDirSync(driver)].find(({ name }) => /^vpipe(\.|$)/.test(name))
      ?.name;
    expect(device !== undefined, `no device in ${driver}`);
    const rows = `${scratch}/gone.csv`;
    await using drain = await context.drain(rows, 10);
    await context.run("fixture-feed", filter, heap(), tiny, out);
    await someRows(drain, rows);
    // What it had no time to read before is there behind the device's end.
    drain.kill("SIGSTOP");
    for (let i = 0; i < 2; i++) await context.run("fixture-feed", filter, heap(), tiny, out);
    Deno.writeTextFileSync(`${driver}/unbind`, device);
    drain.kill("SIGCONT");
    try {
      const said = expectError(
        await drain.end(),
        "meta-drain",
        1,
        `${META}: the device is gone (ENODEV) after 3 of 10 entries`,
      );
      expectEqual("rows", readCsv(rows).length, 3);
      return `${said}, all rows are kept`;
    } finally {
      Deno.writeTextFileSync(`${driver}/bind`, device);
    }
  });
}
