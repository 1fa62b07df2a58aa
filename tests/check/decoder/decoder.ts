/**
 * The decoder: vpipe-dec.ko, decoder-daemon and decode-file, as one path; and apart from it what a
 * picture becomes in each codec, which is FFmpeg's and the daemon's work, and not the kernel's.
 *
 * @module
 */
import type { Context } from "../../harness/context.ts";
import { decoderAv1Checks } from "./av1_frames.ts";
import { decoderBadInputChecks } from "./bad_input.ts";
import { decoderChainChecks } from "./chain.ts";
import { decoderClientChecks } from "./clients.ts";
import { Daemon, FRAME_MS } from "./daemon.ts";
import { decoderControlChecks } from "./controls.ts";
import { decoderEndChecks } from "./ends.ts";
import { decoderFfmpegChecks } from "./ffmpeg.ts";
import { decoderFieldChecks } from "./field_pictures.ts";
import { decoderInjectChecks } from "./inject.ts";
import { decoderLimitChecks } from "./limits.ts";
import { decoderMemoryChecks } from "./memory.ts";
import { decoderReferenceChecks } from "./references.ts";
import { decoderLogChecks, decoderServiceChecks } from "./service.ts";
import { decoderSliceChecks } from "./slices.ts";
import { decoderStreamChecks } from "./streams.ts";
import { decoderTraceChecks } from "./trace.ts";
import { kernelChecks } from "./pixel_functions.ts";
import { exists } from "../../harness/modules.ts";
import { contiguousChecks } from "./contiguous.ts";
import { fenceChecks } from "./fences.ts";
import { primeChecks } from "./prime.ts";
import { screenChecks } from "./screen.ts";
import { run } from "../../harness/processes.ts";
import { statefulChecks } from "../stateful/stateful.ts";
import { statefulCodecChecks } from "../stateful/codecs.ts";
import { statefulColourChecks } from "../stateful/colours.ts";
import { statefulEndChecks } from "../stateful/ends.ts";
import { expect, Skip, type Suite } from "../../harness/suite.ts";
import { decoder, SESSION } from "../../harness/nodes.ts";

/** Checks that there is what the decoder needs; loads the module where it is not. */
async function prepare(context: Context): Promise<string> {
  const { status, stdout, stderr } = await run(context.tool("decoder-daemon"), ["--selftest"]);
  // Without the libraries nothing can be decoded, which is no fault of what is checked.
  if (status !== 0 && stderr.includes("FFmpeg: ")) throw new Skip(stderr.trim());
  expect(status === 0, `decoder-daemon --selftest: status ${status}: ${stderr || stdout}`);
  if (!exists(SESSION)) {
    const module = context.decoderModule;
    if (!exists(module)) throw new Skip(`neither ${SESSION} nor ${module}: build the module`);
    await decoder.load(module);
  }
  expect(exists(SESSION), `${SESSION} did not appear`);
  return `${SESSION}, and ${stdout.trimEnd().replaceAll("\n", ", ")}`;
}

/** Whether there is what the decoder needs, as the first check of a group. */
async function prepared(group: string, suite: Suite, context: Context): Promise<boolean> {
  let ready = false;
  await suite.check(`${group}: what it needs, as the daemon's --selftest says`, async () => {
    const says = await prepare(context);
    ready = true;
    return says;
  });
  return ready;
}

export async function decoderChecks(suite: Suite, context: Context): Promise<void> {
  if (!await prepared("decoder", suite, context)) return;
  using _time = decoder.withParameter("timeout_ms", FRAME_MS);

  // These want no daemon, or one of their own.
  await decoderServiceChecks(suite, context);
  if (suite.whole) await decoderLogChecks(suite.whole, context);
  await decoderControlChecks(suite);
  await decoderClientChecks(suite, context);
  await decoderLimitChecks(suite, context);
  if (suite.whole) await decoderMemoryChecks(suite.whole, context);
  await decoderEndChecks(suite, context);
  await statefulEndChecks(suite, context);

  let daemon: Daemon | undefined;
  await suite.check("decoder: a daemon for what follows", async () => {
    daemon = await Daemon.start(context);
    return daemon.log.at(-1)!;
  });
  if (daemon === undefined) return;
  await using _running = daemon;
  await decoderChainChecks(suite, context);
  await fenceChecks(suite, context);
  await primeChecks(suite, context);
  await screenChecks(suite, context);
  await contiguousChecks(suite, context);
  await decoderTraceChecks(suite, context);
  await decoderInjectChecks(suite, context);
  await statefulChecks(suite, context);
  if (suite.whole) await decoderBadInputChecks(suite.whole, context);
}

export async function codecChecks(suite: Suite, context: Context): Promise<void> {
  if (!await prepared("codecs", suite, context)) return;
  using _time = decoder.withParameter("timeout_ms", FRAME_MS);
  await kernelChecks(suite, context);
  await using _running = await Daemon.start(context);
  await statefulCodecChecks(suite, context);
  await statefulColourChecks(suite, context);
  await decoderStreamChecks(suite, context);
  await decoderFfmpegChecks(suite, context);
  await decoderSliceChecks(suite, context);
  await decoderFieldChecks(suite, context);
  await decoderAv1Checks(suite, context);
  await decoderReferenceChecks(suite, context);
}
