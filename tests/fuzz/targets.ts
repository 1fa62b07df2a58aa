/**
 * What of this project reads bytes that others wrote, with inputs made of the fixtures.
 *
 * @module
 */
import { Assembly } from "../../daemon/rebuild/access_unit_buffer.ts";
import { type CaptureFormat, captureFormat } from "../../daemon/pictures/capture_format.ts";
import { Controls } from "../../daemon/stream/controls.ts";
import { Incoming, ProtocolError } from "../../daemon/stream/messages.ts";
import { rebuilder } from "../../daemon/rebuild/choose.ts";
import { readStream, StreamError } from "../../lib/codec/stream.ts";
import * as access from "../../lib/codec/random_access.ts";
import { FormatError } from "../../lib/image/image.ts";
import { decodePgm } from "../../lib/image/pgm.ts";
import { rowBytes } from "../../lib/image/pixel_format.ts";
import { Table, TableError } from "../../lib/report/analysis/table.ts";
import type { File, IoBuffer } from "../../lib/sys/file.ts";
import * as uapi from "../../lib/uapi/vpipe_dec.ts";
import { V4L2_PIX_FMT_NV12, V4L2_PIX_FMT_YUV420M } from "../../lib/uapi/videodev2.ts";
import { HevcClient } from "../harness/hevc_client.ts";
import { H264Client } from "../harness/h264_client.ts";
import { Av1Client } from "../harness/av1_client.ts";
import type { Target } from "./fuzzer.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const FIXTURES = new URL("../../fixtures/", import.meta.url);
const SEED_BYTES = 3000;

const fixture = (name: string): Bytes => Deno.readFileSync(new URL(name, FIXTURES));

/** Runs it; these errors are what it is to say of bad input. */
// deno-lint-ignore no-explicit-any
function allowing(errors: readonly (new (...args: any[]) => Error)[], run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!errors.some((type) => error instanceof type)) throw error;
  }
}

function expect(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}

/** The beginning of each committed stream of these codecs. */
function beginnings(folder: string, pattern: RegExp): Bytes[] {
  const names = [...Deno.readDirSync(new URL(folder, FIXTURES))].map(({ name }) => name).sort();
  return names.filter((name) => pattern.test(name))
    .map((name) => fixture(`${folder}/${name}`).slice(0, SEED_BYTES));
}

function readUnits(input: Bytes, lost?: () => void): void {
  const shown: number[] = [];
  allowing([StreamError], () => {
    for (const { data, displayIndex, sequence } of readStream(input, undefined, lost)) {
      expect(data.length <= input.length * 2, "a unit longer than its file");
      expect(sequence.width > 0 && sequence.height > 0, "a picture of no size");
      if (displayIndex >= 0) shown.push(displayIndex);
    }
  });
  expect(new Set(shown).size === shown.length, "two pictures in one place");
}

const streams = (name: string, reads: string, pattern: RegExp, folder = "streams"): Target => ({
  name,
  reads,
  seeds: beginnings(folder, pattern),
  run(input) {
    readUnits(input);
    readUnits(input, () => {});
  },
});

const randomAccess: Target = {
  name: "random-access",
  reads: "lib/codec/random_access.ts",
  seeds: [...beginnings("streams/stateful", /./), ...beginnings("streams", /h264$/)],
  run(input) {
    for (const ask of Object.values(access)) ask(input);
  },
};

/** A file that gives one message. */
function fileOf(message: Bytes): File {
  const tryRead = (buffer: IoBuffer) => {
    buffer.bytes.fill(0);
    buffer.bytes.set(message.subarray(0, buffer.bytes.length));
    return Math.min(message.length, buffer.bytes.length);
  };
  return { path: "fuzz", tryRead } as unknown as File;
}

/** A DECODE with its controls; the bitstream comes behind it. */
function decodeMessage(controls: ReadonlyMap<number, Uint8Array>): Bytes {
  const parts: Uint8Array[] = [];
  for (const [id, payload] of controls) {
    const head = uapi.vpipe_dec_control.alloc({ id, size: payload.length });
    parts.push(head.bytes, payload, new Uint8Array(-payload.length & 7));
  }
  const size = uapi.vpipe_dec_decode.size + parts.reduce((sum, { length }) => sum + length, 0);
  const head = uapi.vpipe_dec_decode.alloc({
    ...{ version: uapi.VPIPE_DEC_VERSION, type: uapi.VPIPE_DEC_MSG_DECODE, size },
    num_controls: controls.size,
  });
  return Uint8Array.from([head.bytes, ...parts].flatMap((part) => [...part]));
}

// Of the control ids that clients use: all of them lie here.
const CONTROL_IDS = Array.from({ length: 1024 }, (_, at) => 0xa40900 + at);

type Find = { find(id: number): Uint8Array | undefined };
const found = ({ find }: Find) =>
  new Map(CONTROL_IDS.flatMap((id): [number, Uint8Array][] => {
    const payload = find(id);
    return payload ? [[id, payload]] : [];
  }));

function messages(): Bytes[] {
  const h264 = new H264Client(false);
  const [unit] = [...readStream(fixture("streams/h264-320x240.h264"))];
  const { controls } = h264.parts(unit.data);
  const hevc = new HevcClient(true);
  const hevcFrames = [...readStream(fixture("streams/stateful/hevc-322x182.hevc"))].slice(0, 2)
    .map(({ data }, i) => ({ data, ...hevc.parts(data, i + 1) }));
  const av1 = new Av1Client();
  const frames = [...readStream(fixture("streams/av1-320x240.ivf"))].slice(0, 3)
    .flatMap(({ data }) => av1.read(data)).flatMap(({ coded }) => coded ? [coded] : []);
  const start = {
    ...{ version: uapi.VPIPE_DEC_VERSION, type: uapi.VPIPE_DEC_MSG_START },
    ...{ size: uapi.vpipe_dec_start.size, codec: 1, pixelformat: V4L2_PIX_FMT_NV12 },
    ...{ width: 64, height: 48, num_planes: 1, bytesperline0: 64, sizeimage0: 64 * 72 },
  };
  const split = {
    ...{ ...start, pixelformat: V4L2_PIX_FMT_YUV420M, num_planes: 3 },
    ...{ bytesperline1: 32, sizeimage1: 32 * 24, bytesperline2: 32, sizeimage2: 32 * 24 },
  };
  return [
    uapi.vpipe_dec_start.alloc(start).bytes,
    uapi.vpipe_dec_start.alloc(split).bytes,
    decodeMessage(found(h264.frameControls(controls))),
    // A slice behind it: the last bytes are its bitstream.
    ...hevcFrames.map(({ slices, controls }, i) =>
      Uint8Array.of(
        ...decodeMessage(found(hevc.frameControls(controls, i + 1))),
        ...slices[0].slice(0, 64),
      )
    ),
    ...frames.map(({ controls }) => decodeMessage(found(controls))),
  ];
}

const protocol: Target = {
  name: "protocol",
  reads: "daemon/stream/messages.ts",
  seeds: messages(),
  run(input) {
    const incoming = new Incoming(fileOf(input));
    const bitstream = input.slice(-64);
    allowing([ProtocolError], () => {
      if (incoming.read() <= 0) return;
      const controls = new Controls(incoming);
      controls.check();
      for (const codec of ["h264", "hevc", "av1", "vp8", "vp9", "mpeg2"] as const) {
        const rebuilt = rebuilder(codec);
        const to = new Assembly();
        allowing([StreamError], () => {
          rebuilt.isWhole(bitstream, controls);
          rebuilt.add(to, bitstream, controls);
        });
      }
    });
    // Its words are there whatever type it says.
    let format: CaptureFormat | undefined;
    allowing([Error], () => format = captureFormat(incoming.as(uapi.vpipe_dec_start)));
    if (format === undefined) return;
    const { sizes, planes, width, height } = format;
    for (const plane of planes) {
      const { memory, offset, bytesperline, down } = plane;
      const end = offset + bytesperline * Math.ceil(height / down);
      expect(bytesperline >= rowBytes(plane, width), "lines that overlap");
      expect(end <= sizes[memory], "a plane beyond the buffer");
    }
  },
};

const CSV_PIECE = 7;

/** What a table has, or why it is none. */
function tableText(content: Bytes[]): string {
  let text = "";
  allowing([TableError], () => {
    const table = new Table(content);
    expect(table.length > 0, "a table without rows");
    text = `${table.length} ${table.cutOff} ${table.damaged} ${table.second}`;
    for (const column of table.columns) {
      const words = table.words(column);
      expect(words?.length === table.length, "a column of another length");
      expect(table.numbers(column)?.length === table.length, "numbers of another length");
      text += ` ${column} ${words}`;
    }
  });
  return text;
}

const csv: Target = {
  name: "csv",
  reads: "lib/report/analysis/table.ts",
  seeds: ["sequence,capture_ns\n1,17\n2,34\n", "a,b,c\r\n1,,x\r\n-2,3.5,y\r\n4,"]
    .map((text) => Uint8Array.from(new TextEncoder().encode(text))),
  run(input) {
    const pieces = Array.from(
      { length: Math.ceil(input.length / CSV_PIECE) },
      (_, at) => input.subarray(at * CSV_PIECE, (at + 1) * CSV_PIECE),
    );
    const [whole, parted] = [[input], pieces].map(tableText);
    expect(whole === parted, "another table where it comes in pieces");
  },
};

const pgm: Target = {
  name: "pgm",
  reads: "lib/image/pgm.ts",
  seeds: ["tiny-4x4.pgm", "pixel-1x1.pgm", "odd-641x3.pgm"].map(fixture),
  run(input) {
    allowing([FormatError], () => {
      const { width, height, pixels } = decodePgm(input);
      expect(pixels.length === width * height, "pixels are missing");
    });
  },
};

/** All of them. */
export const TARGETS: readonly Target[] = [
  streams("h264", "lib/codec/h264/", /h264$/),
  streams("hevc", "lib/codec/hevc/", /hevc$/, "streams/stateful"),
  streams("ivf", "lib/codec/vp9/", /ivf$/),
  streams("obu", "lib/codec/av1/", /obu$/),
  streams("vp8", "lib/codec/vp8/", /ivf$/, "streams/stateful"),
  streams("mpeg2", "lib/codec/mpeg2/", /m2v$/, "streams/stateful"),
  randomAccess,
  protocol,
  csv,
  pgm,
];
