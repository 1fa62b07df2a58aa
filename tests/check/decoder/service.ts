/**
 * The daemon's life: none, one, a second one, one that lacks a codec, one that dies.
 *
 * @module
 */
import { readStream } from "../../../lib/codec/stream.ts";
import { File, IoBuffer, O_NONBLOCK, O_RDWR } from "../../../lib/sys/file.ts";
import {
  VPIPE_DEC_CODEC_AV1,
  VPIPE_DEC_CODEC_H264,
  vpipe_dec_hello,
  VPIPE_DEC_MSG_HELLO,
  VPIPE_DEC_VERSION,
} from "../../../lib/uapi/vpipe_dec.ts";
import type { Context } from "../../harness/context.ts";
import { Daemon, ping, statistics } from "./daemon.ts";
import { Decoding } from "./file.ts";
import { expectError } from "../../harness/expectations.ts";
import { run } from "../../harness/processes.ts";
import { expect, expectEqual, Skip, type Suite } from "../../harness/suite.ts";
import { until } from "../../harness/waiting.ts";
import { decoder, SESSION, statefulNode } from "../../harness/nodes.ts";

/** A session that says what codecs it has, and memory for pictures, and decodes nothing. */
export function fakeSession(codecs: number, streams = 1, memory = 0): File {
  const session = File.open(SESSION, O_RDWR | O_NONBLOCK);
  const { size } = vpipe_dec_hello;
  const hello = vpipe_dec_hello.alloc({ size, codecs, streams, memory });
  hello.version = VPIPE_DEC_VERSION;
  hello.type = VPIPE_DEC_MSG_HELLO;
  const result = session.tryWrite(new IoBuffer(hello.bytes));
  if (result === size) return session;
  session.close();
  expect(false, `HELLO: write says ${result}`);
}

export async function decoderServiceChecks(suite: Suite, context: Context): Promise<void> {
  const stream = `${context.fixtures}/streams/vp9-320x240.ivf`;

  await suite.whole?.check("decoder: no daemon", async () => {
    await using decoding = new Decoding(context, stream);
    const reason = "VIDIOC_STREAMON: Transport endpoint is not connected (ENOTCONN): " +
      "no decoder-daemon is running";
    const said = expectError(await decoding.end(), "decode-file", 1, reason);
    let answer = "an answer";
    try {
      ping();
    } catch (error) {
      answer = (error as Error).message;
    }
    expect(answer.includes("os error 107"), `ping gives ${answer}, expected ENOTCONN`);
    return `${said}; ping gives ENOTCONN`;
  });

  await suite.whole?.check("decoder: a daemon that lacks a codec", async () => {
    using _session = fakeSession(VPIPE_DEC_CODEC_AV1 | VPIPE_DEC_CODEC_H264);
    await using decoding = new Decoding(context, stream);
    const reason = "VIDIOC_STREAMON: Operation not supported (EOPNOTSUPP): " +
      "the decoder-daemon's FFmpeg does not decode vp9";
    return expectError(await decoding.end(), "decode-file", 1, reason);
  });

  await suite.whole?.check("decoder: a daemon that gives no answer", async () => {
    using _time = decoder.withParameter("timeout_ms", 500);
    using _session = fakeSession(VPIPE_DEC_CODEC_AV1 | VPIPE_DEC_CODEC_H264 | 1);
    await using decoding = new Decoding(context, stream);
    const said = expectError(
      await decoding.end(),
      "decode-file",
      1,
      `${stream}: 30 of 30 frames are damaged or could not be decoded, the first one is number 0`,
    );
    expectEqual("bytes of output", decoding.size, 0);
    return `${said}, half a second after the stream began`;
  });

  await suite.whole?.check("decoder: a second daemon", async () => {
    using _session = fakeSession(VPIPE_DEC_CODEC_H264);
    const outcome = await run(context.tool("decoder-daemon"), []);
    const busy = `${SESSION}: open: Device or resource busy (EBUSY)`;
    return expectError(outcome, "decoder-daemon", 1, busy);
  });

  await suite.whole?.check("decoder: no such device for the daemon", async () => {
    const outcome = await run(context.tool("decoder-daemon"), ["--device", "/dev/nothing"]);
    const missing = "/dev/nothing: open: No such file or directory (ENOENT)";
    return expectError(outcome, "decoder-daemon", 1, missing);
  });

  await suite.whole?.check("decoder: another kind of device for the daemon", async () => {
    const outcome = await run(context.tool("decoder-daemon"), ["--device", context.vivid]);
    const refusal = "(ENOTTY): is not a decoder's session, such as /dev/vpipe-dec";
    return expectError(outcome, "decoder-daemon", 1, refusal);
  });

  await suite.whole?.check("decoder: a daemon without FFmpeg", async () => {
    const listed = await run("ldconfig", ["-p"]);
    const library = listed.stdout.match(/=> (\S*libavcodec\.so\.\d+)$/m)?.[1];
    if (library === undefined) throw new Skip("where libavcodec is, ldconfig does not say");
    // In a mount namespace of its own an empty file is in the library's place.
    const hide = 'mount --bind /dev/null "$(readlink -f "$1")" && exec "$2"';
    const daemon = context.tool("decoder-daemon");
    const args = ["--mount", "sh", "-c", hide, "sh", library, daemon];
    const outcome = await run("unshare", args);
    return expectError(outcome, "decoder-daemon", 1, "FFmpeg: ");
  });

  let started: Daemon | undefined;
  await suite.check("decoder: ping", async () => {
    started = await Daemon.start(context);
    return `the daemon answers after ${((await started.answer()) / 1e6).toFixed(2)} ms`;
  });
  if (started === undefined) return;
  await using daemon = started;

  await suite.check("decoder: what the module counts", async () => {
    const before = statistics();
    await using decoding = new Decoding(context, stream);
    const { decoded } = await decoding.report();
    await daemon.streamOver(1);
    const after = statistics();
    expectEqual("frames in stats", after.frames - before.frames, decoded as number);
    expectEqual("errors in stats", after.errors - before.errors, 0);
    return `${decoded} frames decoded, as many more in stats, no error`;
  });

  await suite.check("decoder: each buffer is mapped once, and let go", async () => {
    const nothingMapped = () => daemon.held.mappings === 0;
    await until("the end of the first stream's mappings", nothingMapped);
    const before = daemon.held;
    await using decoding = new Decoding(context, stream, ["--buffers", 2, "--format", "nv12m"]);
    const { decoded } = await decoding.report();
    const { ok, mappings } = await daemon.streamOver(2);
    expectEqual("frames in the daemon's log", ok, decoded as number);
    // Two OUTPUT buffers, two CAPTURE buffers of two planes.
    expectEqual("mappings", mappings, 6);
    await until("the end of the second stream's mappings", nothingMapped);
    await until("as few open files as before", () => daemon.held.files <= before.files);
    return `${ok} frames through 2 + 2 buffers: 6 planes, 6 mappings; none is left, ` +
      `nor an open file more than the ${before.files} before`;
  });

  await suite.check("decoder: SIGTERM to an idle daemon", async () => {
    daemon.kill("SIGTERM");
    expectEqual("status", await daemon.end(), 0);
    return "status 0";
  });
}

/** A daemon of its own that tells of each frame. */
export async function decoderLogChecks(suite: Suite, context: Context): Promise<void> {
  const input = `${context.fixtures}/streams/vp9-322x182.ivf`;
  const sizes = [...readStream(Deno.readFileSync(input))].map(({ data }) => data.length);
  await suite.check("decoder: --log-level trace", async () => {
    await using daemon = await Daemon.start(context, "--log-level", "trace");
    for (const [at, device] of [decoder.videoNode(), statefulNode()].entries()) {
      await using decoding = new Decoding(context, input, ["--device", device]);
      await decoding.report();
      const { stream } = await daemon.streamOver(at + 1);
      const lines = daemon.log.filter((line) => line.includes(` trace frame stream=${stream} `));
      const facts = lines.map((line) =>
        line.match(/ cookie=(\d+) codec=vp9 bytes=(\d+) result=ok codec_us=(\d+) total_us=(\d+)$/)
      );
      const column = (number: number) => facts.map((found) => Number(found?.[number]));
      expectEqual(`${device}: cookies`, column(1).join(), sizes.map((_, i) => i + 1).join());
      expectEqual(`${device}: bytes`, column(2).join(), sizes.join());
      const codec = column(3);
      const longer = column(4).every((total, i) => total >= codec[i] && codec[i] > 0);
      expect(longer, `${device}: a frame took less than FFmpeg for it: ${lines.join("; ")}`);
    }
    return `${sizes.length} frames on each node: cookie, codec, bytes, result and times of each`;
  });
}
