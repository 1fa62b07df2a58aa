/**
 * What ends in the middle of a stream: the daemon, the tool, the device. What was decoded until
 * then stays, and the next one begins anew.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Context } from "../../harness/context.ts";
import { Daemon, FRAME_MS, SIGSEGV } from "./daemon.ts";
import { Decoding, digestsOf, expectDecoded } from "./file.ts";
import { expectError } from "../../harness/expectations.ts";
import { decoder } from "../../harness/nodes.ts";
import { Patience } from "../../harness/patience.ts";
import { succeed } from "../../harness/processes.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { until } from "../../harness/waiting.ts";

const STREAM = "vp9-320x240.ivf";
const FRAME_BYTES = 320 * 240 * 3 / 2;
const IVF_HEADER = 32;
// At the rate of a program that has just started, which decodes several times as fast later: by
// far longer than any check looks at it.
const LONG_SECONDS = 40;
// A machine may have stood still while it was measured.
const LEAST_REPEATS = 60;
const DISK_KIB = 512;

/** The checks' files, and what they compare with. */
class Ends {
  readonly input: string;
  readonly #long: string;
  /** The frames of the stream, which come round in the long one. */
  #frames: Uint8Array<ArrayBuffer> = new Uint8Array();
  #repeats = 0;

  constructor(readonly context: Context) {
    this.input = `${context.fixtures}/streams/${STREAM}`;
    this.#long = `${context.scratch}/long.ivf`;
  }

  /** Decodes the stream, and makes one of it that goes on. */
  async #prepare(): Promise<void> {
    const [digest] = digestsOf(this.context, STREAM);
    await using decoding = new Decoding(this.context, this.input);
    const { frames_per_second } = await decoding.expectFrames(digest);
    this.#frames = decoding.bytes;
    const seconds = digest.frames / (frames_per_second as number);
    this.#repeats = Math.max(LEAST_REPEATS, Math.ceil(LONG_SECONDS / seconds));
    const bytes = Deno.readFileSync(this.input);
    const parts = Array.from({ length: this.#repeats }, (_, i) => bytes.subarray(i && IVF_HEADER));
    Deno.writeFileSync(this.#long, Buffer.concat(parts));
  }

  /** Starts decode-file with the long stream, and returns when there are frames. */
  async begin(): Promise<Decoding> {
    if (this.#frames.length === 0) await this.#prepare();
    const decoding = new Decoding(this.context, this.#long);
    try {
      const patience = Patience.with(decoding.program.pid, 60);
      await until("the first frames", () => decoding.size > 4 * FRAME_BYTES, patience);
    } catch (error) {
      await decoding[Symbol.asyncDispose]();
      throw error;
    }
    return decoding;
  }

  /** Compares what was written with the stream's beginning; returns the number of frames. */
  expectBeginning({ bytes }: Decoding): number {
    const frames = this.#frames;
    const count = bytes.length / FRAME_BYTES;
    expect(Number.isInteger(count) && count > 0, `${bytes.length} bytes are no whole frames`);
    expect(bytes.length < frames.length * this.#repeats, "it came to its end");
    for (let at = 0; at < bytes.length; at += frames.length) {
      const part = bytes.subarray(at, at + frames.length);
      const same = Buffer.compare(part, frames.subarray(0, part.length)) === 0;
      expect(same, `a frame behind frame ${at / FRAME_BYTES} is not the one it should be`);
    }
    return count;
  }

  async expectDecodes(): Promise<void> {
    const [digest] = digestsOf(this.context, STREAM);
    await expectDecoded(this.context, this.input, digest);
  }
}

/** Ends daemons while they decode. */
async function daemonEnds(suite: Suite, ends: Ends): Promise<void> {
  for (const signal of ["SIGTERM", "SIGSEGV", "SIGKILL"] as const) {
    // Whoever is killed cannot put anything in order: that is the kernel's then.
    const chosen = signal === "SIGKILL" ? suite : suite.whole;
    await chosen?.check(`decoder: ${signal} to the daemon while it decodes`, async () => {
      await using daemon = await Daemon.start(ends.context);
      await using decoding = await ends.begin();
      if (signal === "SIGSEGV") await daemon.crash();
      else daemon.kill(signal);
      const outcome = await decoding.end();
      const count = ends.expectBeginning(decoding);
      const said = expectError(
        ...[outcome, "decode-file", 1, "could not be decoded, the first one is "] as const,
      );
      if (signal === "SIGKILL") return `${said}, ${count} right frames kept`;
      // A unit's Restart=on-failure goes by it.
      const status = signal === "SIGTERM" ? 0 : 128 + SIGSEGV;
      expectEqual("the daemon's status", await daemon.end(), status);
      return `the daemon's status is ${status}; ${said}, ${count} right frames kept`;
    });
  }
}

/** Ends, stops and hinders clients of one daemon. */
async function clientEnds(suite: Suite, ends: Ends): Promise<void> {
  await suite.whole?.check("decoder: Ctrl-C to decode-file", async () => {
    await using decoding = await ends.begin();
    decoding.program.kill("SIGINT");
    const { status, stderr } = await decoding.end();
    expectEqual("status", status, 130);
    expectEqual("stderr", stderr, "");
    return `status 130, ${ends.expectBeginning(decoding)} right frames kept`;
  });

  await suite.whole?.check("decoder: a client that stands still holds up nobody", async () => {
    await using standing = await ends.begin();
    await standing.program.stop();
    await ends.expectDecodes();
    standing.program.kill("SIGCONT");
    standing.program.kill("SIGINT");
    expectEqual("status", (await standing.end()).status, 130);
    const count = ends.expectBeginning(standing);
    return `a whole stream was decoded while another client stood still, whose ${count} frames are right`;
  });

  await suite.whole?.check("decoder: full disk keeps whole frames", async () => {
    const { context, input } = ends;
    const folder = `${context.scratch}/small-disk`;
    Deno.mkdirSync(folder);
    await succeed("mount", ["-t", "tmpfs", "-o", `size=${DISK_KIB}k`, "none", folder]);
    try {
      const output = `${folder}/out.raw`;
      await using program = context.start("decode-file", input, output, "--quiet");
      const full = `${output}: write: No space left on device (ENOSPC)`;
      const said = expectError(await program.end(), "decode-file", 1, full);
      const kept = Deno.statSync(output).size / FRAME_BYTES;
      expectEqual("whole frames", kept, Math.floor(DISK_KIB * 1024 / FRAME_BYTES));
      return `${said}, ${kept} whole frames kept`;
    } finally {
      await succeed("umount", [folder]);
    }
  });
}

/** Takes the device from under a daemon and its client, and the module from the kernel. */
async function deviceEnds(suite: Suite, ends: Ends, daemon: Daemon): Promise<void> {
  await suite.check("decoder: a module in use stays", async () => {
    const { status } = await decoder.tryUnload();
    expect(status !== 0, "rmmod succeeded under a daemon");
    return "rmmod is refused while a daemon is there";
  });

  await suite.check("decoder: the device goes away while it decodes", async () => {
    await using decoding = await ends.begin();
    decoder.unbind();
    try {
      // By the call that it was in, or by poll(2).
      const gone = "(ENODEV)";
      const said = expectError(await decoding.end(), "decode-file", 1, gone);
      const count = ends.expectBeginning(decoding);
      expectEqual("the daemon's status", await daemon.end(), 1);
      const last = daemon.log.at(-1);
      expectEqual(
        "the daemon's last line",
        last,
        "decoder-daemon: /dev/vpipe-dec: the device is gone (ENODEV)",
      );
      return `${said}, ${count} right frames kept; status 1, "${last}"`;
    } finally {
      decoder.bind();
    }
  });

  await suite.whole?.check("decoder: unload and load again", async () => {
    for (let i = 0; i < 3; i++) {
      await decoder.unload();
      await decoder.load(ends.context.decoderModule, `timeout_ms=${FRAME_MS}`);
    }
    await using _next = await Daemon.start(ends.context);
    await ends.expectDecodes();
    return "three times, then a daemon serves it and a stream is decoded";
  });
}

export async function decoderEndChecks(suite: Suite, context: Context): Promise<void> {
  const ends = new Ends(context);
  await daemonEnds(suite, ends);
  let next: Daemon | undefined;
  await suite.check("decoder: a daemon after one that was killed", async () => {
    next = await Daemon.start(context);
    // The checks behind this one show it, too.
    if (suite.whole) await ends.expectDecodes();
    return "it serves the same device, and decodes";
  });
  if (next === undefined) return;
  await using daemon = next;
  await clientEnds(suite, ends);
  await deviceEnds(suite, ends, daemon);
}
