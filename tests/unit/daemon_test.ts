import { assert, assertEquals, assertThrows } from "@std/assert";
import { captureFormat } from "../../daemon/pictures/capture_format.ts";
import { Controls } from "../../daemon/stream/controls.ts";
import { FileFrames } from "../../daemon/stream/file_frames.ts";
import { line, Log } from "../../daemon/stream/log.ts";
import { Session } from "../../daemon/session/session.ts";
import { Incoming, ProtocolError } from "../../daemon/stream/messages.ts";
import { Pipe, wake } from "../../lib/sys/pipe.ts";
import { PollSet } from "../../lib/sys/poll_set.ts";
import { Stream } from "../../daemon/stream/stream.ts";
import { StreamError } from "../../lib/codec/stream_error.ts";
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { File, IoBuffer } from "../../lib/sys/file.ts";
import { POLLHUP, POLLIN } from "../../lib/sys/poll.ts";
import {
  V4L2_PIX_FMT_GREY,
  V4L2_PIX_FMT_NV12,
  V4L2_PIX_FMT_NV12M,
  V4L2_PIX_FMT_P010,
  V4L2_PIX_FMT_YUV420,
  V4L2_PIX_FMT_YUV420M,
} from "../../lib/uapi/videodev2.ts";
import {
  vpipe_dec_control,
  vpipe_dec_decode,
  vpipe_dec_done,
  VPIPE_DEC_FAILED,
  vpipe_dec_free,
  vpipe_dec_header,
  VPIPE_DEC_MSG_DECODE,
  VPIPE_DEC_MSG_DONE,
  VPIPE_DEC_MSG_FREE,
  VPIPE_DEC_MSG_START,
  VPIPE_DEC_VERSION,
} from "../../lib/uapi/vpipe_dec.ts";

const nv12 = {
  pixelformat: V4L2_PIX_FMT_NV12,
  width: 321,
  height: 181,
  num_planes: 1,
  bytesperline0: 328,
  sizeimage0: 328 * (181 + 91),
  bytesperline1: 0,
  sizeimage1: 0,
  bytesperline2: 0,
  sizeimage2: 0,
};

/** Memory, offset and bytesperline of each plane. */
const places = (capture: typeof nv12) =>
  captureFormat(capture).planes.map(({ memory, offset, bytesperline }) => [
    memory,
    offset,
    bytesperline,
  ]);

Deno.test("captureFormat: where luma and chroma lie", () => {
  const { planes: _, ...format } = captureFormat(nv12);
  assertEquals(format, { layout: "nv12", width: 321, height: 181, sizes: [328 * 272] });
  assertEquals(places(nv12), [[0, 0, 328], [0, 328 * 181, 328]]);
  const split = {
    ...nv12,
    pixelformat: V4L2_PIX_FMT_NV12M,
    num_planes: 2,
    sizeimage0: 328 * 181,
    bytesperline1: 336,
    sizeimage1: 336 * 91,
  };
  assertEquals(captureFormat(split).sizes, [328 * 181, 336 * 91]);
  assertEquals(places(split), [[0, 0, 328], [1, 0, 336]]);
});

const yu12 = { ...nv12, pixelformat: V4L2_PIX_FMT_YUV420 };

const ym12 = {
  ...nv12,
  pixelformat: V4L2_PIX_FMT_YUV420M,
  num_planes: 3,
  sizeimage0: 328 * 181,
  bytesperline1: 164,
  sizeimage1: 164 * 91,
  bytesperline2: 168,
  sizeimage2: 168 * 91,
};

Deno.test("captureFormat: where chroma lies that is two planes", () => {
  assertEquals(captureFormat(yu12).layout, "yuv420p");
  assertEquals(places(yu12), [
    [0, 0, 328],
    [0, 328 * 181, 164],
    [0, 328 * 181 + 164 * 91, 164],
  ]);
  assertEquals(captureFormat(ym12).layout, "yuv420p");
  assertEquals(captureFormat(ym12).sizes, [328 * 181, 164 * 91, 168 * 91]);
  assertEquals(places(ym12), [[0, 0, 328], [1, 0, 164], [2, 0, 168]]);
});

Deno.test("captureFormat: what would not fit is refused", () => {
  const refused: [Partial<typeof nv12>, string][] = [
    [{ pixelformat: V4L2_PIX_FMT_GREY }, "GREY"],
    [{ num_planes: 2 }, "2 planes"],
    [{ width: 0 }, "0x181"],
    [{ height: 1 << 20 }, "321x1048576"],
    // Chroma of an odd width takes one sample more than luma.
    [{ bytesperline0: 321 }, "bytesperline of 321"],
    [{ bytesperline0: 0xffff_ffff }, "bytesperline of 4294967295"],
    [{ sizeimage0: 328 * 272 - 1 }, "plane 0"],
    [{ pixelformat: V4L2_PIX_FMT_P010 }, "bytesperline of 328"],
  ];
  for (const [change, words] of refused) {
    assertThrows(() => captureFormat({ ...nv12, ...change }), Error, words);
  }
  const planar: [typeof nv12, string][] = [
    [{ ...yu12, num_planes: 3 }, "3 planes"],
    // 321 pixels have 161 samples of each chroma.
    [{ ...yu12, bytesperline0: 321 }, "bytesperline of 160"],
    [{ ...yu12, sizeimage0: 328 * 272 - 1 }, "plane 0"],
    [{ ...ym12, num_planes: 2 }, "2 planes"],
    [{ ...ym12, bytesperline2: 160 }, "bytesperline of 160"],
    [{ ...ym12, sizeimage2: 168 * 91 - 1 }, "plane 2"],
  ];
  for (const [capture, words] of planar) {
    assertThrows(() => captureFormat(capture), Error, words);
  }
});

Deno.test("FileFrames: the codec by what is in the file, whatever its parts", () => {
  const file = Deno.readFileSync(
    new URL("../../fixtures/streams/av1-320x240.obu", import.meta.url),
  );
  const told = new FileFrames(undefined);
  for (let at = 0; at < file.length; at += 1000) assert(told.add(file.subarray(at, at + 1000)));
  assertEquals(told.close(), "av1");
  assert(!told.broken);
  const cut = new FileFrames("av1");
  cut.add(file.subarray(0, file.length - 1));
  assertEquals(cut.close(), "av1");
  assert(cut.broken);
  // A bare frame is what it is said to be.
  const bare = new FileFrames("h263");
  bare.add(new Uint8Array(9));
  assertEquals(bare.close(), "h263");
  for (const codec of [undefined, "h264"] as const) {
    const other = new FileFrames(codec);
    if (codec !== undefined) {
      other.add(
        Deno.readFileSync(new URL("../../fixtures/streams/vp9-one-frame.ivf", import.meta.url)),
      );
    }
    assertThrows(() => other.close(), StreamError);
  }
  assert(!told.add(new Uint8Array(64 << 20)));
});

Deno.test("log: one line an event", () => {
  assertEquals(
    line("info", "stream-over", { stream: 3, reason: 'no "such" thing', pixels: "NV12" }),
    'info stream-over stream=3 reason="no \\"such\\" thing" pixels=NV12',
  );
});

Deno.test("PollSet: input, and the other end's close", () => {
  using stop = new Pipe();
  using signal = new Pipe();
  const poll = new PollSet([stop.reader, signal.reader]);
  poll.wait(0);
  assertEquals([poll.events(0), poll.events(1)], [0, 0]);
  wake(signal.writer);
  poll.wait(-1);
  assertEquals([poll.events(0), poll.events(1)], [0, POLLIN]);
  signal.drain();
  stop.writer.close();
  poll.wait(-1);
  assertEquals([poll.events(0), poll.events(1)], [POLLHUP, 0]);
});

// The kernel's end of a stream is a socket that keeps messages apart, as the kernel does.
const AF_UNIX = 1;
const SOCK_SEQPACKET_NONBLOCK = 5 | 0o4000;
const SHUT_WR = 1;
const STREAM = 7;

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
});

/** Both ends of a stream, the kernel's first. */
function ends(): [File, File] {
  const fds = new Int32Array(2);
  const bytes = new Uint8Array(fds.buffer);
  assertEquals(libc.socketpair(AF_UNIX, SOCK_SEQPACKET_NONBLOCK, 0, bytes), 0);
  return [new File("kernel", fds[0]), new File(`stream ${STREAM}`, fds[1])];
}

/**
 * Serves a stream whose kernel sends these messages and is over then.
 *
 * @returns what was answered
 */
function serve(...messages: Uint8Array<ArrayBuffer>[]) {
  return serveWith(new Log("error"), ...messages);
}

function serveWith(log: Log, ...messages: Uint8Array<ArrayBuffer>[]) {
  const [kernel, daemon] = ends();
  using _kernel = kernel, _daemon = daemon;
  using stop = new Pipe();
  for (const message of messages) {
    assertEquals(kernel.tryWrite(new IoBuffer(message)), message.length);
  }
  assertEquals(libc.shutdown(kernel.fd, SHUT_WR), 0);
  // Nothing but a START that is right needs FFmpeg.
  using stream = new Stream({} as Ffmpeg, log, STREAM, daemon, stop.reader);
  stream.serve();
  const incoming = new Incoming(kernel);
  const done = incoming.as(vpipe_dec_done);
  const answers = [];
  while (incoming.read() === VPIPE_DEC_MSG_DONE) {
    answers.push({ cookie: done.cookie, status: done.status, bytesused: done.bytesused0 });
  }
  return { answers, summary: stream.summary };
}

const version = VPIPE_DEC_VERSION;

function decode(cookie: bigint): Uint8Array<ArrayBuffer> {
  const type = VPIPE_DEC_MSG_DECODE;
  const { size } = vpipe_dec_decode;
  return vpipe_dec_decode.alloc({ version, type, size, stream: STREAM, cookie, bytesused: 9 })
    .bytes;
}

Deno.test("Stream: frames before a START fail, each is answered in its turn", () => {
  const cookies = [1n, 0xfedc_ba98_7654_3210n, 3n];
  const { answers, summary } = serve(...cookies.map(decode));
  assertEquals(
    answers,
    cookies.map((cookie) => ({ cookie, status: VPIPE_DEC_FAILED, bytesused: 0 })),
  );
  assertEquals([summary.stream, summary.failed, summary.mappings], [STREAM, 3, 0]);
});

Deno.test("Stream: a line a frame where frames are traced, and none where not", () => {
  const lines: string[] = [];
  const { error } = console;
  console.error = (line: string) =>
    lines.push(line.replace(/^\S+ /, "").replace(/_us=\d+/g, "_us"));
  try {
    serveWith(new Log("debug"), decode(1n));
    assertEquals(lines, []);
    serveWith(new Log("trace"), decode(2n), decode(0xfedc_ba98_7654_3210n));
  } finally {
    console.error = error;
  }
  assertEquals(
    lines,
    ["2", "18364758544493064720"].map((cookie) =>
      `trace frame stream=7 cookie=${cookie} codec=none bytes=9 result=failed codec_us total_us`
    ),
  );
});

Deno.test("Stream: messages of a later kernel and buffers never asked for are no matter", () => {
  const { size } = vpipe_dec_free;
  const free = vpipe_dec_free.alloc({ version, type: VPIPE_DEC_MSG_FREE, size, stream: STREAM });
  free.indices = 0xffff_ffff;
  const unknown = vpipe_dec_header.alloc({ version, type: 31, size: 24, stream: STREAM });
  assertEquals(serve(unknown.bytes, free.bytes, decode(4n)).answers.length, 1);
});

Deno.test("Stream: what vpipe-dec.h does not allow ends it", () => {
  const broken: [Uint8Array<ArrayBuffer>, string][] = [
    [new Uint8Array(8), "8 bytes"],
    [decode(1n).subarray(0, 40), "40 bytes says 56"],
    [Object.assign(vpipe_dec_header.at(decode(1n)), { size: 48 }).bytes, "says 48"],
    [
      vpipe_dec_header.alloc({ version, type: VPIPE_DEC_MSG_START, size: 24, stream: STREAM })
        .bytes,
      "struct vpipe_dec_start of 24 bytes",
    ],
    [vpipe_dec_header.alloc({ version: 1, size: 24, stream: STREAM }).bytes, "version 1"],
    [vpipe_dec_header.alloc({ version, type: 1, size: 24, stream: 8 }).bytes, "stream 8"],
  ];
  for (const [message, words] of broken) {
    assertThrows(() => serve(message), ProtocolError, words);
  }
});

Deno.test("Controls: each payload by its number, without a view more than once", () => {
  const [kernel, daemon] = ends();
  using _kernel = kernel, _daemon = daemon;
  const incoming = new Incoming(daemon);
  const controls = new Controls(incoming);
  // Of 3, 8 and 0 bytes.
  const head = vpipe_dec_decode.size;
  const message = new Uint8Array(head + 16 + 16 + 8);
  const size = message.length;
  const type = VPIPE_DEC_MSG_DECODE;
  Object.assign(vpipe_dec_decode.at(message), { version, type, size, num_controls: 3 });
  const send = () => {
    kernel.tryWrite(new IoBuffer(message));
    assertEquals(incoming.read(), type);
  };
  for (const [at, values] of [[0, { id: 7, size: 3 }], [16, { id: 5, size: 8 }], [32, { id: 9 }]]) {
    Object.assign(vpipe_dec_control.at(message, head + Number(at)), values);
  }
  message.set([1, 2, 3], head + 8);
  message.set([4, 5, 6, 7, 8, 9, 10, 11], head + 24);
  send();
  controls.check();
  const first = controls.find(7);
  assertEquals([...first!], [1, 2, 3]);
  assertEquals([...controls.find(5)!], [4, 5, 6, 7, 8, 9, 10, 11]);
  assertEquals([controls.find(9)?.length, controls.find(4)], [0, undefined]);
  message[head + 8] = 99;
  send();
  assert(controls.find(7) === first);
  assertEquals([...first!], [99, 2, 3]);
  for (const num_controls of [4, 0xffff_ffff]) {
    Object.assign(vpipe_dec_decode.at(message), { num_controls });
    send();
    assertThrows(() => controls.check(), ProtocolError, "lacks controls");
  }
  Object.assign(vpipe_dec_decode.at(message), { num_controls: 3 });
  Object.assign(vpipe_dec_control.at(message, head + 16), { size: 0xffff_fff8 });
  send();
  assertThrows(() => controls.check(), ProtocolError, "lacks controls");
});

Deno.test("session: another kind of device is refused, and nothing is written to it", () => {
  const path = Deno.makeTempFileSync();
  const says = "VPIPE_DEC_IOC_STREAM: Inappropriate ioctl for device (ENOTTY): " +
    "is not a decoder's session, such as /dev/vpipe-dec";
  const open = () =>
    new Session(new Log("error"), path, 1, 0, { kernels: undefined, digest: false });
  assertThrows(open, Error, `${path}: ${says}`);
  assertEquals(Deno.statSync(path).size, 0);
  Deno.removeSync(path);
});
