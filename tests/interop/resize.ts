/**
 * VP9 that changes its size without a key frame: what frames refer to stays. Run it in a guest, by
 * `ffmpeg.ts`.
 *
 * @module
 */
import { BitReader } from "../../lib/codec/bits/reader.ts";
import { BitWriter } from "../../lib/codec/bits/writer.ts";
import { v4l2_ctrl_vp9_frame } from "../../lib/uapi/v4l2_controls_vp9.ts";
import { ivfFrames, readIvfHeader } from "../../lib/codec/ivf.ts";
import { readStream } from "../../lib/codec/stream.ts";
import { Vp9Headers } from "../../lib/codec/vp9/header.ts";
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { VPIPE_DEC_OK } from "../../lib/uapi/vpipe_dec.ts";
import { expect, expectEqual, type Suite } from "../harness/suite.ts";
import { FakeKernel } from "./fake_kernel.ts";
import { FakeStateless } from "./fake_stateless.ts";
import { decodeAll, reference, Scratch, STREAMS } from "./streams.ts";
import { sha256 } from "../harness/bytes.ts";

const IVF_FRAME_HEADER = 12;
/** Bits before found_ref of a shown frame that is not error resilient: VP9, sections 6.2 and 7.2. */
const BEFORE_SIZE = 2 + 2 + 1 + 1 + 1 + 1 + 2 + 8 + 3 * 4;
const SIZES = [[320, 240], [160, 120], [200, 144], [320, 240]] as const;

/** How many bits the uncompressed header has: it ends with the size of the compressed one. */
function headerBits(frame: Uint8Array, bytes: number, compressed: number): number {
  const last = frame[bytes - 3] << 16 | frame[bytes - 2] << 8 | frame[bytes - 1];
  for (let spare = 0; spare < 8; spare++) {
    if ((last >> spare & 0xffff) === compressed) return 8 * bytes - spare;
  }
  throw new Error("a header without its end");
}

/**
 * A frame that says its size, instead of having that of its first reference. Of 320 pixels and less no
 * bit of the header depends on the width, and whatever is in the tiles is a picture.
 */
function resized(
  frame: Uint8Array,
  header: Uint8Array<ArrayBuffer>,
  width: number,
  height: number,
) {
  const { uncompressed_header_size: end, compressed_header_size } = v4l2_ctrl_vp9_frame.at(header);
  const from = new BitReader(frame);
  const to = new BitWriter();
  const copy = (count: number) => {
    for (; count > 0; count--) to.bits(from.bits(1), 1);
  };
  copy(BEFORE_SIZE);
  expect(from.bits(1) === 1, "the frame has a size of its own");
  to.bits(0, 3);
  to.bits(width - 1, 16);
  to.bits(height - 1, 16);
  const bits = headerBits(frame, end, compressed_header_size);
  copy(bits - from.position);
  to.align();
  return Uint8Array.from([...to.bytes, ...frame.subarray(end)]);
}

/** The frames of a stream with one key frame, a new size every few of them; and as a file. */
function makeStream(): { frames: Uint8Array<ArrayBuffer>[]; file: Uint8Array<ArrayBuffer> } {
  const file = Deno.readFileSync(`${STREAMS}vp9-320x240.ivf`);
  const ivf = readIvfHeader(file);
  const headers = new Vp9Headers();
  const whole = [...ivfFrames(file, ivf)].slice(0, 24);
  const frames = whole.map(({ data }, number) => {
    const { control, key, shown } = headers.read(data);
    if (number % 6 || key || !shown || !control) return data;
    const [width, height] = SIZES[number / 6];
    return resized(data, control, width, height);
  });
  const parts = [file.slice(0, ivf.length)];
  for (const [number, data] of frames.entries()) {
    const head = new DataView(new ArrayBuffer(IVF_FRAME_HEADER));
    head.setUint32(0, data.length, true);
    head.setUint32(4, number, true);
    parts.push(new Uint8Array(head.buffer), data);
  }
  return { frames, file: Uint8Array.from(parts.flatMap((part) => [...part])) };
}

export async function checkResize(suite: Suite, ffmpeg: Ffmpeg): Promise<void> {
  using scratch = new Scratch();
  await suite.check("resize: VP9 without a key frame, on both nodes", () => {
    const { frames, file } = makeStream();
    const path = `${scratch.folder}/vp9-resized.ivf`;
    Deno.writeFileSync(path, file);
    const expected = sha256(reference(path, "nv12"));
    const units = [...readStream(file)];
    const sizes = units.map(({ sequence }) => sequence.width);
    expectEqual("widths", [...new Set(sizes)].join(), "320,160,200");
    using stateful = new FakeKernel(ffmpeg, "vp9", 4);
    decodeAll(stateful, frames);
    expectEqual("stateful", stateful.digest, expected);
    using stateless = new FakeStateless(ffmpeg, "vp9");
    const pictures: Uint8Array[] = [];
    let sequence: unknown;
    for (const [number, unit] of units.entries()) {
      if (unit.sequence !== sequence) stateless.start(unit.sequence.width, unit.sequence.height);
      sequence = unit.sequence;
      const { status, bytes } = stateless.decode(unit.data);
      expectEqual(`status of frame ${number}`, status, VPIPE_DEC_OK);
      pictures.push(bytes);
    }
    const all = Uint8Array.from(pictures.flatMap((picture) => [...picture]));
    expectEqual("stateless", sha256(all), expected);
    return `${frames.length} frames in ${SIZES.length} parts, as ffmpeg has them`;
  });

  await suite.check("resize: a START for the same size begins anew", () => {
    const units = [...readStream(Deno.readFileSync(`${STREAMS}vp9-320x240.ivf`))];
    using stateless = new FakeStateless(ffmpeg, "vp9");
    stateless.start(320, 240);
    expectEqual("first", stateless.decode(units[0].data).status, VPIPE_DEC_OK);
    stateless.start(320, 240);
    const { status } = stateless.decode(units[1].data);
    expect(status !== VPIPE_DEC_OK, "what refers to a frame before START was decoded");
    return "a frame that refers to one before it fails";
  });
}
