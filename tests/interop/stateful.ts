/**
 * The daemon's service of stateful streams against what the ffmpeg command decodes: pictures in
 * display order, few buffers, changes of format, drains, seeks, damage. Run it in a guest, by
 * `ffmpeg.ts`.
 *
 * @module
 */
import type { CodecName } from "../../lib/codec/codecs.ts";
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { VPIPE_DEC_MISMATCH, VPIPE_DEC_OK } from "../../lib/uapi/vpipe_dec.ts";
import { expect, expectEqual, type Suite } from "../harness/suite.ts";
import { FakeKernel } from "./fake_kernel.ts";
import {
  codecOf,
  decodeAll,
  expectSame,
  ffmpeg,
  reference,
  Scratch,
  STREAMS,
  units,
} from "./streams.ts";
import { sha256 } from "../harness/bytes.ts";

/** A line of digests.txt. */
interface Stream {
  readonly file: string;
  readonly codec: CodecName;
  readonly frames: number;
  readonly format: string;
  readonly digest: string;
}

function streams(folder: string): Stream[] {
  return Deno.readTextFileSync(`${STREAMS}${folder}digests.txt`).trim().split("\n").map((line) => {
    const [file, frames, format, digest] = line.split(" ");
    const codec = codecOf(file);
    return { file: folder + file, codec, frames: Number(frames), format, digest };
  });
}

export async function checkStateful(suite: Suite, libraries: Ffmpeg): Promise<void> {
  for (const { file, codec, frames, digest } of [...streams(""), ...streams("stateful/")]) {
    for (const captures of [1, 32]) {
      await suite.check(`stateful: ${file} with ${captures} buffers`, () => {
        using kernel = new FakeKernel(libraries, codec, captures);
        decodeAll(kernel, units(STREAMS + file));
        expectEqual("pictures", kernel.pictures.length, frames);
        expectEqual("digest", kernel.digest, digest);
        return `${frames} pictures`;
      });
    }
  }

  const drained = ["h264-320x240.h264", "h264-interlaced.h264", "h264-gops.h264"].concat(
    ["vp9-320x240.ivf", "av1-320x240.ivf", "stateful/hevc-320x240.hevc"],
    ["stateful/mpeg2-322x182.m2v", "stateful/mpeg4-160x120.m4v", "stateful/mpeg1-160x120.m1v"],
  );
  for (const file of drained) {
    const codec = codecOf(file);
    await suite.check(`stateful: ${file} drained after each frame`, () => {
      const all = units(STREAMS + file);
      using whole = new FakeKernel(libraries, codec, 4);
      decodeAll(whole, all);
      expect(whole.pictures.length > 0, "no pictures");
      const bySource = new Map(whole.pictures.map((picture) => [picture.source, picture]));
      const sets = [all.map((_, at) => at), ...all.map((_, at) => [at])];
      for (const set of sets) {
        using kernel = new FakeKernel(libraries, codec, 4);
        for (const [at, frame] of all.entries()) {
          kernel.decode(frame);
          if (set.includes(at)) kernel.drain();
        }
        kernel.drain();
        const where = set.length === 1 ? `drained after ${set[0]}` : "drained after each";
        const sources = kernel.pictures.map(({ source }) => source).sort((a, b) => a - b);
        const expected = [...bySource.keys()].sort((a, b) => a - b);
        expectEqual(`${where}: pictures`, sources.join(" "), expected.join(" "));
        for (const picture of kernel.pictures) {
          expectSame(`${where}: picture ${picture.source}`, picture, bySource.get(picture.source));
        }
      }
      return `${sets.length} ways, each picture once and as it is without a drain`;
    });
  }

  for (const file of ["h264-320x240.h264", "vp9-320x240.ivf", "stateful/mpeg2-322x182.m2v"]) {
    const codec = codecOf(file);
    await suite.check(`stateful: ${file} begun anew in the middle`, () => {
      const all = units(STREAMS + file);
      using whole = new FakeKernel(libraries, codec, 4);
      decodeAll(whole, all);
      for (let cut = 1; cut < all.length; cut += 3) {
        using kernel = new FakeKernel(libraries, codec, 2);
        for (const frame of all.slice(0, cut)) kernel.decode(frame);
        kernel.pictures.length = 0;
        kernel.start();
        decodeAll(kernel, all);
        expectEqual(`after ${cut}: digest`, kernel.digest, whole.digest);
      }
      return `from ${Math.ceil((all.length - 1) / 3)} places`;
    });
  }

  for (const file of ["h264-320x240.h264", "stateful/hevc-320x240.hevc"]) {
    const codec = codecOf(file);
    await suite.check(`stateful: ${file} tells its format with the first frame`, () => {
      const [first] = units(STREAMS + file);
      for (const apart of [false, true]) {
        using kernel = new FakeKernel(libraries, codec, 1);
        const at = apart ? firstSlice(first) : 0;
        if (apart) kernel.decode(first.subarray(0, at));
        expectEqual("formats of headers", kernel.formats.length, 0);
        kernel.decode(first.subarray(at));
        expectEqual("formats", kernel.formats.length, 1);
        expectEqual("pictures", kernel.pictures.length, 0);
        expect(kernel.statuses.every((status) => status === VPIPE_DEC_OK), "headers failed");
      }
      return "with headers in the same buffer, or before it";
    });
  }

  using scratch = new Scratch();
  await suite.check("stateful: a visible part away from the corner", () => {
    const crop = "h264_metadata=crop_left=18:crop_top=10:crop_right=6:crop_bottom=4";
    const x264 = ["-c:v", "libx264", "-bf", "2"];
    const whole = scratch.make("h264-whole.h264", "320x240", "-frames:v", "6", ...x264);
    const path = `${scratch.folder}/h264-cropped.h264`;
    ffmpeg("-i", whole, "-c", "copy", "-bsf:v", crop, path);
    using kernel = new FakeKernel(libraries, "h264", 2);
    decodeAll(kernel, units(path));
    const { left, top, visible_width, visible_height } = kernel.formats[0];
    expectEqual("rectangle", [left, top, visible_width, visible_height].join(), "18,10,296,226");
    const cut = ffmpeg(
      ...["-i", whole, "-vf", "crop=296:226:18:10:exact=1", "-pix_fmt", "nv12"],
      ...["-f", "rawvideo", "-"],
    );
    expectEqual("digest", kernel.digest, sha256(cut));
    return "296x226 at 18,10 of 320x240";
  });

  await suite.check("stateful: what cannot be packed is told, the rest goes on", () => {
    const frames = ["-frames:v", "8"];
    const x264 = ["-c:v", "libx264", "-bf", "0"];
    const good = scratch.make("h264-good.h264", "64x48", ...frames, ...x264);
    const bad = [
      scratch.make("h264-422.h264", "64x48", ...frames, ...x264, "-pix_fmt", "yuv422p"),
      scratch.make("h264-444.h264", "64x48", ...frames, ...x264, "-pix_fmt", "yuv444p"),
      scratch.make("h264-wide.h264", "4112x48", ...frames, ...x264),
    ];
    const expected = sha256(reference(good, "nv12"));
    for (const path of bad) {
      using kernel = new FakeKernel(libraries, "h264", 2);
      for (const frame of units(path)) kernel.decode(frame);
      expectEqual("pictures", kernel.pictures.length, 0);
      expect(kernel.statuses.includes(VPIPE_DEC_MISMATCH), `${path}: no MISMATCH`);
      decodeAll(kernel, units(good));
      expectEqual(`after ${path}`, kernel.digest, expected);
    }
    return "4:2:2, 4:4:4 and 4112 pixels a line, then what can";
  });

  for (const name of ["h264-320x240.h264", "h264-gops.h264", "stateful/mpeg2-322x182.m2v"]) {
    const codec = codecOf(name);
    await suite.check(`stateful: ${name} from another than a key frame`, () => {
      const all = units(STREAMS + name);
      let count = 0;
      for (const from of [3, 5, 8]) {
        const path = `${scratch.folder}/${codec}-from.${name.split(".")[1]}`;
        const rest = [all[0].subarray(0, firstSlice(all[0])), ...all.slice(from)];
        Deno.writeFileSync(path, new Uint8Array(rest.flatMap((unit) => [...unit])));
        using kernel = new FakeKernel(libraries, codec, 4);
        decodeAll(kernel, units(path));
        expectEqual(`from ${from}`, kernel.digest, sha256(reference(path, "nv12")));
        count += kernel.pictures.length;
      }
      return `${count} pictures, as the ffmpeg command`;
    });
  }

  for (const name of ["h264-320x240.h264", "stateful/mpeg2-322x182.m2v", "vp9-320x240.ivf"]) {
    const codec = codecOf(name);
    await suite.check(`stateful: ${name} damaged`, () => {
      let told = 0;
      for (let trial = 1; trial <= 12; trial++) {
        const bytes = Deno.readFileSync(STREAMS + name);
        for (let at = 400 + trial * 101; at < bytes.length; at += 4001) {
          // No start code more or less, and no other size of a packet.
          if (bytes.subarray(at - 16, at + 5).every((byte) => byte > 3)) bytes[at] ^= 0x54;
        }
        const path = `${scratch.folder}/${codec}-damaged.${name.split(".")[1]}`;
        Deno.writeFileSync(path, bytes);
        using kernel = new FakeKernel(libraries, codec, 4);
        decodeAll(kernel, units(path));
        expectEqual(`trial ${trial}`, kernel.digest, sha256(reference(path, "nv12")));
        told += kernel.statuses.filter((status) => status !== VPIPE_DEC_OK).length;
      }
      return `12 times as the ffmpeg command, ${told} frames told as damaged`;
    });
  }
}

/** Where the first slice of H.264 or HEVC begins, or the first picture or group of MPEG-2. */
function firstSlice(unit: Uint8Array): number {
  for (let at = 3; at < unit.length; at++) {
    const start = unit[at - 3] === 0 && unit[at - 2] === 0 && unit[at - 1] === 1;
    const code = unit[at];
    // IDR pictures of H.264 and HEVC.
    const slice = (code & 0x9f) === 5 || code === 0x26 || code === 0x28;
    if (start && (slice || code === 0 || code === 0xb8)) return at - 3;
  }
  return 0;
}
