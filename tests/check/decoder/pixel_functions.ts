/**
 * Kernels of a shared library in place of the daemon's own work on pictures.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import type { Context } from "../../harness/context.ts";
import { Daemon } from "./daemon.ts";
import { Decoding, digestsOf, FORMATS } from "./file.ts";
import { expect, expectEqual, Skip, type Suite } from "../../harness/suite.ts";

// 8 bits, 10 bits, and an odd number of columns of chroma; without hidden frames.
const STREAMS = ["vp9-320x240.ivf", "vp9-10bit.ivf", "vp9-322x182.ivf"];

/** Decodes the streams with a daemon that is started so. */
async function decode(context: Context, ...args: string[]): Promise<Daemon> {
  await using daemon = await Daemon.start(context, "--digest", ...args);
  for (const [at, expected] of digestsOf(context, ...STREAMS).entries()) {
    const { name, pixels } = expected;
    const input = `${context.fixtures}/streams/${name}`;
    await using decoding = new Decoding(context, input, ["--format", FORMATS[pixels]]);
    await decoding.expectFrames(expected);
    const crc = crc32(decoding.bytes).toString(16).padStart(8, "0");
    const { digest } = await daemon.streamOver(at + 1);
    expectEqual(`${name}: CRC-32 by the daemon`, digest, crc);
  }
  return daemon;
}

export async function kernelChecks(suite: Suite, context: Context): Promise<void> {
  const { kernels } = context;

  await suite.check("decoder: kernels of the example", async () => {
    const args = ["--selftest", "--json", "--kernels", kernels];
    const says = JSON.parse(await context.run("decoder-daemon", ...args)).kernels;
    const missing = String(says.kernels).includes("No such file");
    if (missing) throw new Skip(`${kernels} is not there: make kernels-example`);
    const names = ["vpipe_pack_nv12", "vpipe_pack_p010", "vpipe_crc32"];
    for (const name of names) expectEqual(name, says[name], kernels);
    const { log } = await decode(context, "--kernels", kernels);
    expect(!log.some((line) => / warning /.test(line)), `the daemon warns: ${log.join("; ")}`);
    expect(log.some((line) => line.includes(`kernels=${names}`)), "they are not said to be used");
    return `${names.join(", ")}: ${STREAMS.join(", ")} and their CRC-32 as by what is built in`;
  });

  await suite.check("decoder: kernels that are not there", async () => {
    const { log } = await decode(context, "--kernels", "/nowhere/kernels.so");
    const warnings = log.filter((line) => / warning /.test(line));
    expectEqual("warnings", warnings.length, 1);
    const [warning] = warnings;
    expect(/kernels-not-used reason="\/nowhere\/kernels.so: /.test(warning), warning);
    expect(log.some((line) => line.includes("kernels=built-in")), "what is built in is not named");
    return `${warning.replace(/^\S+ /, "")}; ${STREAMS.length} streams by what is built in`;
  });
}
