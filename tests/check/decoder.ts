/**
 * The decoder: vpipe-dec.ko, decoder-daemon and decode-file, as one path.
 *
 * @module
 */
import type { Context } from "./context.ts";
import { decoderBadInputChecks } from "./decoder_bad_input.ts";
import { decoderChainChecks } from "./decoder_chain.ts";
import { decoderClientChecks } from "./decoder_clients.ts";
import { Daemon, SESSION } from "./decoder_daemon.ts";
import { decoderControlChecks } from "./decoder_controls.ts";
import { decoderEndChecks } from "./decoder_ends.ts";
import { decoderFfmpegChecks } from "./decoder_ffmpeg.ts";
import { decoderLimitChecks } from "./decoder_limits.ts";
import { decoderServiceChecks } from "./decoder_service.ts";
import { decoderSliceChecks } from "./decoder_slices.ts";
import { decoderStreamChecks } from "./decoder_streams.ts";
import { kernelChecks } from "./kernels.ts";
import { run, succeed } from "./processes.ts";
import { statefulChecks } from "./stateful.ts";
import { statefulEndChecks } from "./stateful_ends.ts";
import { expect, Skip, type Suite } from "./suite.ts";

const exists = (path: string) => {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
};

/** Checks that there is what the decoder needs; loads the module where it is not. */
async function prepare(context: Context): Promise<string> {
  const { status, stdout, stderr } = await run(context.tool("decoder-daemon"), ["--selftest"]);
  // Without the libraries nothing can be decoded, which is no fault of what is checked.
  if (status !== 0 && stderr.includes("FFmpeg: ")) throw new Skip(stderr.trim());
  expect(status === 0, `decoder-daemon --selftest: status ${status}: ${stderr || stdout}`);
  if (!exists(SESSION)) {
    const module = context.decoderModule;
    if (!exists(module)) throw new Skip(`neither ${SESSION} nor ${module}: build the module`);
    await succeed("insmod", [module]);
  }
  expect(exists(SESSION), `${SESSION} did not appear`);
  return `${SESSION}, and ${stdout.trimEnd().replaceAll("\n", ", ")}`;
}

export async function decoderChecks(suite: Suite, context: Context): Promise<void> {
  let ready = false;
  await suite.check("decoder: what it needs, as the daemon's --selftest says", async () => {
    const says = await prepare(context);
    ready = true;
    return says;
  });
  if (!ready) return;

  // These want no daemon, or one of their own.
  await decoderServiceChecks(suite, context);
  await decoderControlChecks(suite);
  await decoderClientChecks(suite, context);
  await decoderLimitChecks(suite, context);
  if (suite.whole) await kernelChecks(suite.whole, context);
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
  await statefulChecks(suite, context);
  if (!suite.whole) return;
  await decoderStreamChecks(suite.whole, context);
  await decoderFfmpegChecks(suite.whole, context);
  await decoderSliceChecks(suite.whole, context);
  await decoderBadInputChecks(suite.whole, context);
}
