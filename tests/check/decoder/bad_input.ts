/**
 * Wrong arguments and broken streams: one clear line, what was right before it is kept.
 *
 * @module
 */
import { nalUnits } from "../../../lib/codec/annexb.ts";
import { ivfFrames, readIvfHeader } from "../../../lib/codec/ivf.ts";
import { joined, sha256 } from "../../harness/bytes.ts";
import type { Context } from "../../harness/context.ts";
import { Decoding, digestsOf, expectDecoded } from "./file.ts";
import { expectError } from "../../harness/expectations.ts";
import { statefulNode } from "../../harness/nodes.ts";
import { run } from "../../harness/processes.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { type Refusal, refusalChecks } from "../../harness/refusals.ts";

const STREAM = "vp9-320x240.ivf";
const H264_STREAM = "h264-320x240.h264";
const FRAME_BYTES = 320 * 240 * 3 / 2;
const FRAME_HEADER = 12;

type Bytes = Uint8Array<ArrayBuffer>;

export async function decoderBadInputChecks(suite: Suite, context: Context): Promise<void> {
  const { scratch, fixtures } = context;
  const folder = `${fixtures}/streams`;
  const [digest, h264] = digestsOf(context, STREAM, H264_STREAM);
  const good = `${folder}/${STREAM}`;
  const bytes = Deno.readFileSync(good);
  const frames = [...ivfFrames(bytes, readIvfHeader(bytes))];
  const begin = (number: number) => frames[number].offset - FRAME_HEADER;
  const out = `${scratch}/refused.raw`;

  const file = (name: string, content: Uint8Array) => {
    const path = `${scratch}/${name}`;
    Deno.writeFileSync(path, content);
    return path;
  };
  const renamed = bytes.slice();
  renamed.set(new TextEncoder().encode("VP60"), 8);

  const refusals: Refusal[] = [];
  const refuse = (
    name: string,
    status: number,
    message: string,
    ...args: readonly (string | number)[]
  ) => void refusals.push({ name, tool: "decode-file", status, message, args });
  const refuseFile = (name: string, content: Uint8Array, message: string) => {
    const path = file(`${name.replaceAll(" ", "-")}.ivf`, content);
    refuse(name, 1, `${path}: ${message}`, path, out);
  };

  refuseFile(
    "another fourcc",
    renamed,
    'IVF header: "VP60" is none of VP90, AV01, H264, HEVC, VP80, MPG2',
  );
  refuseFile("an empty file", new Uint8Array(), "neither IVF nor H.264 or HEVC Annex B nor AV1");
  refuseFile("a header without frames", bytes.slice(0, 32), "no picture in it");
  refuseFile(
    "frames of no bytes alone",
    joined(bytes.subarray(0, 32), new Uint8Array(5 * FRAME_HEADER)),
    "no picture in it",
  );
  const image = `${fixtures}/ramp.pgm`;
  refuse("no video", 1, `${image}: neither IVF nor H.264 or HEVC Annex B nor AV1`, image, out);
  const contradicts = `${good}: IVF header: "VP90" is not h264`;
  refuse("another codec", 1, contradicts, good, out, "--codec", "h264");
  const bare = `${folder}/${H264_STREAM}`;
  const missing = "No such file or directory (ENOENT)";
  refuse("no file", 1, `${scratch}/none.ivf: open: ${missing}`, `${scratch}/none.ivf`, out);
  const stateful = ["--device", statefulNode()];
  const endless = "/dev/zero: is a device and no file";
  refuse("a device as input", 1, endless, "/dev/zero", out);
  refuse("a device as input, stateful", 1, endless, "/dev/zero", out, ...stateful);
  refuse("a folder as input", 1, `${folder}: read: Is a directory (EISDIR)`, folder, out);
  refuse("a folder as input, stateful", 1, `${folder}: `, folder, out, ...stateful);
  refuse("no device", 1, `/dev/video255: open: ${missing}`, good, out, "--device", "/dev/video255");
  const deep = "gives nv12 or nv12m or yu12 or ym12 for 8 bits a sample, not p010";
  refuse("P010 of 8 bits", 1, deep, good, out, "--format", "p010");
  const { vivid } = context;
  const camera = `${vivid}: is not a decoder`;
  refuse("a camera as decoder", 1, camera, good, out, "--device", vivid);
  refuse("a file in the way", 1, "Not a directory (ENOTDIR)", good, `${good}/out.raw`);

  refuse("no output", 2, "OUT is missing", good);
  refuse("no buffers", 2, "--buffers must be", good, out, "--buffers", 0);
  refuse("an unknown codec", 2, "--codec must be", good, out, "--codec", "theora");
  refuse("an unknown format", 2, "--format must be", good, out, "--format", "yuv420p");

  await refusalChecks(suite, context, "decoder, bad input", refusals);

  await suite.check("decoder, bad input: the daemon's own arguments", async () => {
    const outcome = await run(context.tool("decoder-daemon"), ["--log-level", "loud"]);
    return expectError(outcome, "decoder-daemon", 2, "--log-level must be");
  });

  // The frames before what is broken are decoded, and kept.
  await using whole = new Decoding(context, good);
  const right = (await whole.report(), whole.bytes);
  const keeps = async (name: string, content: Bytes, kept: number, message: string) => {
    await suite.check(`decoder, bad input: ${name}`, async () => {
      const path = file("broken.ivf", content);
      await using decoding = new Decoding(context, path);
      const said = expectError(await decoding.end(), "decode-file", 1, `${path}: ${message}`);
      const { bytes } = decoding;
      expectEqual("bytes kept", bytes.length, kept * FRAME_BYTES);
      const expected = sha256(right.subarray(0, bytes.length));
      expectEqual("SHA-256 of what is kept", sha256(bytes), expected);
      return `${said}; ${kept} right frames kept`;
    });
  };
  const cut = begin(20) + 40;
  const { length } = frames[20].data;
  const truncated = `frame 20 at byte ${begin(20)}: truncated: ${
    40 - FRAME_HEADER
  } of ${length} bytes`;
  await keeps("a truncated frame", bytes.slice(0, cut), 20, truncated);
  const claiming = bytes.slice();
  new DataView(claiming.buffer).setUint32(begin(10), 0xffff_ffff, true);
  const left = bytes.length - frames[10].offset;
  const claimed = `frame 10 at byte ${begin(10)}: truncated: ${left} of 4294967295 bytes`;
  await keeps("a frame that claims 4 GiB", claiming, 10, claimed);
  const goesOn = async (name: string, path: string, all: number, first: number) => {
    await suite.check(`decoder, bad input: ${name}`, async () => {
      await using decoding = new Decoding(context, path);
      const outcome = await decoding.end();
      const said = expectError(outcome, "decode-file", 1, `the first one is number ${first} in`);
      const { frames, errors } = JSON.parse(outcome.stdout);
      // Others may be damaged by that, and have pictures nevertheless.
      expect(
        errors > 0 && frames < all && frames + errors >= all,
        `${frames} frames, ${errors} errors`,
      );
      expectEqual("bytes", decoding.size, frames * FRAME_BYTES);
      return `${said}; the other ${frames} of ${all} frames are there`;
    });
  };
  const wiped = bytes.slice();
  wiped.fill(0, frames[12].offset, frames[12].offset + frames[12].data.length);
  await goesOn("a frame of zeroes", file("wiped.ivf", wiped), digest.frames, 12);
  const torn = Deno.readFileSync(bare);
  const slices = [...nalUnits(torn)].filter(({ type }) => type === 1 || type === 5);
  const { byteOffset } = slices[9].payload;
  // A picture parameter set of a number that there is not.
  torn.set([0xc0, 0x3f, 0xff], byteOffset);
  await goesOn("a broken slice header", file("torn.h264", torn), h264.frames, 9);

  await suite.check("decoder, bad input: frames of no bytes between others", async () => {
    const none = new Uint8Array(FRAME_HEADER);
    const [header, first, second] = [[0, begin(0)], [begin(0), begin(7)], [begin(7)]]
      .map(([from, to]) => bytes.subarray(from, to));
    const path = file("gaps.ivf", joined(header, none, first, none, none, second, none));
    await expectDecoded(context, path, digest);
    return `4 of them: passed over, the ${digest.frames} others as always`;
  });

  await suite.check("decoder, bad input: a damaged slice", async () => {
    const damaged = Deno.readFileSync(bare);
    const middle = damaged.length >> 1;
    for (let at = middle; at < middle + 64; at++) damaged[at] ^= 0x5a;
    const path = file("damaged.h264", damaged);
    const digests = `${scratch}/damaged.txt`;
    await using decoding = new Decoding(context, path, ["--digest", digests]);
    const outcome = await decoding.end();
    const said = expectError(outcome, "decode-file", 1, "could not be decoded, the first");
    const { frames, errors } = JSON.parse(outcome.stdout);
    expectEqual("frames", frames, h264.frames);
    expectEqual("bytes", decoding.size, frames * FRAME_BYTES);
    const told = Deno.readTextFileSync(digests).match(/ damaged$/gm)?.length;
    expect(errors > 0 && told === errors, `${errors} errors, ${told} lines say so`);
    return `${said}; all ${frames} frames are there, ${told} lines of --digest say that theirs is damaged`;
  });
}
