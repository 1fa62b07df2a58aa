/**
 * What a frame costs the daemon beyond FFmpeg's own time, on any kernel: the service of a stateless
 * stream on a thread of its own, with this thread in the module's place. Messages go through a
 * socket, and buffers are this process's memory; one frame is in flight. The file is decoded again
 * and again, to each of the formats by turns. A line a format: codec, size, format, frames; then FFmpeg's
 * own time of a frame and p10, p50, p95 and p99 of what is beyond it, in us: p10 is what a busy machine
 * leaves alone.
 *
 *     deno run --allow-all tests/bench/decoder_frames.ts FILE SECONDS [KERNELS]
 *
 * @module
 */
import { codecBit } from "../../daemon/stream/codecs.ts";
import { Incoming, Outgoing } from "../../daemon/stream/messages.ts";
import { PollSet } from "../../lib/sys/poll_set.ts";
import { readStream } from "../../lib/codec/stream.ts";
import { Histogram } from "../../lib/measure/histogram.ts";
import { monotonicNs } from "../../lib/sys/clock.ts";
import { File } from "../../lib/sys/file.ts";
import { Mapping } from "../../lib/sys/mmap.ts";
import { fourccText, V4L2_PIX_FMT_NV12, V4L2_PIX_FMT_YUV420 } from "../../lib/uapi/videodev2.ts";
import * as uapi from "../../lib/uapi/vpipe_dec.ts";
import type { Area, Order } from "./decoder_frames_worker.ts";

const AF_UNIX = 1;
const SOCK_SEQPACKET_NONBLOCK = 5 | 0o4000;
const CAPTURES = 4;
const FORMATS = [V4L2_PIX_FMT_NV12, V4L2_PIX_FMT_YUV420];
// Both formats have lines as long as this.
const LINE = 128;

const area = ({ address, length }: Mapping): Area => ({ address, size: length });

/** Sends a file's frames again and again. */
async function run(path: string, seconds: number, kernels: string | undefined): Promise<void> {
  const { symbols: libc } = Deno.dlopen("libc.so.6", {
    socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  });
  const units = [...readStream(Deno.readFileSync(path))];
  const [{ sequence: { codec, width, height } }] = units;
  const bytesperline0 = Math.ceil(width / LINE) * LINE;
  const sizeimage0 = bytesperline0 * (height + Math.ceil(height / 2));
  const captures = Array.from({ length: CAPTURES }, () => Mapping.anonymous(sizeimage0));
  const output = Mapping.anonymous(
    units.reduce((size, { data }) => Math.max(size, data.length), 0),
  );

  const fds = new Int32Array(2);
  libc.socketpair(AF_UNIX, SOCK_SEQPACKET_NONBLOCK, 0, new Uint8Array(fds.buffer));
  const file = new File("kernel", fds[0]);
  const order: Order = { fd: fds[1], output: area(output), captures: captures.map(area), kernels };
  const worker = new Worker(import.meta.resolve("./decoder_frames_worker.ts"), { type: "module" });
  // Else this thread would wait before that one has begun.
  await new Promise((resolve) => worker.onmessage = resolve);
  worker.postMessage(order);

  const start = new Outgoing(file, uapi.VPIPE_DEC_MSG_START, uapi.vpipe_dec_start, 1);
  const picture = { num_planes: 1, bytesperline0, sizeimage0 };
  Object.assign(start.view, { codec: codecBit(codec), width, height, ...picture });
  const decode = new Outgoing(file, uapi.VPIPE_DEC_MSG_DECODE, uapi.vpipe_dec_decode, 1);
  const incoming = new Incoming(file);
  const done = incoming.as(uapi.vpipe_dec_done);
  const poll = new PollSet([file]);
  const sides = FORMATS.map((pixelformat) => ({
    ...{ pixelformat, beyond: new Histogram(), frames: 0, codecNs: 0 },
  }));
  const begin = monotonicNs();
  let cookie = 0;
  for (let turn = 0; monotonicNs() - begin < seconds * 1e9; turn++) {
    const side = sides[turn % sides.length];
    start.view.pixelformat = side.pixelformat;
    start.write();
    for (const [at, { data }] of units.entries()) {
      output.bytes.set(data);
      decode.view.bytesused = data.length;
      decode.view.capture_index = at % CAPTURES;
      decode.setCookie(++cookie, 0);
      const queued = monotonicNs();
      decode.write();
      poll.wait(-1);
      incoming.read();
      side.beyond.record(Math.max(monotonicNs() - queued - done.codec_ns, 0));
      side.codecNs += done.codec_ns;
      side.frames++;
      if (done.status !== uapi.VPIPE_DEC_OK) throw new Error(`frame ${cookie}: ${done.status}`);
    }
  }
  const us = (ns: number) => (ns / 1e3).toFixed(1);
  for (const { pixelformat, beyond, frames, codecNs } of sides) {
    const times = [codecNs / frames, ...[0.1, 0.5, 0.95, 0.99].map((q) => beyond.quantile(q)!)].map(
      us,
    );
    console.log([codec, `${width}x${height}`, fourccText(pixelformat), frames, ...times].join());
  }
}

const [path, seconds, kernels] = Deno.args;
await run(path, Number(seconds), kernels);
Deno.exit();
