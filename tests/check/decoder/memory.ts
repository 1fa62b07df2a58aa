/**
 * A stream whose pictures become so large that the daemon's memory is not enough.
 *
 * @module
 */
import { unitsOf } from "../../../lib/codec/annexb.ts";
import { isSlice, NAL_TYPE_MASK } from "../../../lib/codec/h264/nal_types.ts";
import { joined, sha256 } from "../../harness/bytes.ts";
import type { Context } from "../../harness/context.ts";
import { expectError } from "../../harness/expectations.ts";
import { statefulNode } from "../../harness/nodes.ts";
import { Patience } from "../../harness/patience.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { run } from "../../harness/processes.ts";
import { until } from "../../harness/waiting.ts";
import { Daemon } from "./daemon.ts";
import { Decoding, digestsOf } from "./file.ts";

/** 160x120, then 224x160: less than 1 MiB. */
const SMALL = "h264-resize.h264";
/** 320x240: with what came before more than that. */
const LARGE = "h264-320x240.h264";

/** Number of the frame that is made long. */
const PADDED = 3;

/** The same stream with `bytes` of filler data behind a frame, each of which is one slice. */
function padFrame(
  stream: Uint8Array<ArrayBuffer>,
  number: number,
  bytes: number,
): Uint8Array<ArrayBuffer> {
  const slices = [...unitsOf(stream, 0)].filter(({ bytes: [head] }) =>
    isSlice(head & NAL_TYPE_MASK)
  );
  const { bytes: slice } = slices[number];
  const end = slice.byteOffset - stream.byteOffset + slice.length;
  const filler = new Uint8Array(bytes).fill(0xff);
  filler.set([0, 0, 1, 0x0c]);
  filler[bytes - 1] = 0x80;
  return joined(stream.subarray(0, end), filler, stream.subarray(end));
}

/** With a daemon of its own. */
export async function decoderMemoryChecks(suite: Suite, context: Context): Promise<void> {
  const [small, large] = digestsOf(context, SMALL, LARGE);
  const path = (name: string) => `${context.fixtures}/streams/${name}`;

  await suite.check(
    "decoder: the daemon's descriptors, of which a client takes one a plane",
    async () => {
      const limitsOf = (pid: number | "self") =>
        Deno.readTextFileSync(`/proc/${pid}/limits`).match(/^Max open files +(\d+) +(\d+)/m)!;
      const limit = (soft: string) => run("prlimit", ["--pid", `${Deno.pid}`, `--nofile=${soft}:`]);
      const [, before] = limitsOf("self");
      await limit("512");
      try {
        await using daemon = await Daemon.start(context);
        const [, soft, hard] = limitsOf(daemon.pid);
        expectEqual("its limit", soft, hard);
        // Fewer than it has, then more: who came meanwhile waits, and not for ever.
        const few = [...Deno.readDirSync(`/proc/${daemon.pid}/fd`)].length - 2;
        const of = (count: number | string) => ["--pid", `${daemon.pid}`, `--nofile=${count}:`];
        await run("prlimit", of(few));
        await using late = new Decoding(context, path(SMALL));
        const isMissing = () => daemon.log.some((line) => / \(EMFILE\)/.test(line));
        const patience = Patience.with(late.program.pid, 60);
        await until("a stream without a descriptor", isMissing, patience);
        await run("prlimit", of(hard));
        await late.expectFrames(small);
        return `${hard}, where 512 are for programs that use select(2); without any a client waits`;
      } finally {
        await limit(before);
      }
    },
  );

  for (
    const [node, device] of [["stateless", []], ["stateful", ["--device", statefulNode()]]] as const
  ) {
    await suite.check(
      `decoder: ${node}: a coded frame that does not fit into the daemon's memory`,
      async () => {
        await using daemon = await Daemon.start(context, "--memory", "8");
        const padded = `${context.scratch}/padded.h264`;
        Deno.writeFileSync(padded, padFrame(Deno.readFileSync(path(LARGE)), PADDED, 5 << 20));
        await using long = new Decoding(context, padded, device);
        const said = expectError(
          await long.end(),
          "decode-file",
          1,
          `the first one is number ${PADDED} `,
        );
        Deno.removeSync(padded);
        // Its memory has come back.
        await using fits = new Decoding(context, path(LARGE), device);
        await fits.expectFrames(large);
        const told = daemon.log.filter((line) => / warning no-memory /.test(line));
        expectEqual("lines of the log", told.length, 1);
        // FFmpeg has another copy of the 8 MiB that these 5 take.
        expect(/ wanted_mib=1[67] left_mib=8 of=all$/.test(told[0]), told[0]);
        return `${said}; the daemon: ${told[0]}`;
      },
    );
  }

  await suite.check("decoder: a new size that does not fit into the daemon's memory", async () => {
    await using daemon = await Daemon.start(context, "--memory", "1");
    const joined = `${context.scratch}/grows.h264`;
    const parts = [SMALL, LARGE].map((name) => Deno.readFileSync(path(name)));
    Deno.writeFileSync(joined, new Uint8Array(await new Blob(parts).arrayBuffer()));
    const node = ["--device", statefulNode()];
    await using grows = new Decoding(context, joined, node);
    const said = expectError(await grows.end(), "decode-file", 1, "could not be decoded");
    Deno.removeSync(joined);
    const first = Number(said.match(/the first one is number (\d+)/)?.[1]);
    expect(first >= small.frames, `frame ${first} is lost, which fits`);
    // Its memory has come back, or this would not be decoded either.
    await using fits = new Decoding(context, path(SMALL), node);
    await fits.expectFrames(small);
    const kept = grows.bytes.subarray(0, fits.size);
    expectEqual("SHA-256 of what fits", sha256(kept), small.sha256);
    const told = daemon.log.filter((line) => / warning no-memory /.test(line));
    expectEqual("lines of the log", told.length, 1);
    expect(/ stream=\d+ wanted_mib=2 left_mib=1 of=all$/.test(told[0]), told[0]);
    return `${said}; ${large.frames} large ones were to come; the daemon: ${told[0]}`;
  });
}
