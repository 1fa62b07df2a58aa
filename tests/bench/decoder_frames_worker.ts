/**
 * The thread of decoder_frames.ts with the service of a stream, as a worker of the daemon has it.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { Answers } from "../../daemon/stream/answers.ts";
import type { Buffers } from "../../daemon/pictures/buffers.ts";
import type { Dmabuf } from "../../lib/dmabuf/dma_buf.ts";
import { Log } from "../../daemon/stream/log.ts";
import { Incoming } from "../../daemon/stream/messages.ts";
import { PollSet } from "../../lib/sys/poll_set.ts";
import { StatelessService } from "../../daemon/stream/stateless_service.ts";
import { StreamMemory } from "../../daemon/stream/stream_memory.ts";
import { loadKernels } from "../../lib/ffmpeg/abi/pixel_functions.ts";
import { loadFfmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { File } from "../../lib/sys/file.ts";

/** What this thread is told: addresses and sizes are of buffers. */
export interface Order {
  readonly fd: number;
  readonly output: Area;
  readonly captures: readonly Area[];
  readonly kernels: string | undefined;
}

/** Of a buffer, in bytes. */
export interface Area {
  readonly address: number;
  readonly size: number;
}

/** A plane as the service sees it. */
function plane({ address, size }: Area): Dmabuf {
  const pointer = Deno.UnsafePointer.create(BigInt(address))!;
  const bytes = new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(pointer, size));
  return { pointer, bytes, address, size, begin() {}, end() {} } as unknown as Dmabuf;
}

/** Serves until the other end is closed. */
function serve({ fd, output, captures, kernels }: Order): void {
  const file = new File("stream 1", fd);
  const log = new Log("warning");
  const incoming = new Incoming(file);
  const planes = [[plane(output)], captures.map(plane)];
  const mapped = { plane: (queue: number, index: number) => planes[queue][index] };
  const buffers = mapped as unknown as Buffers;
  const loaded = loadFfmpeg();
  const ffmpeg = kernels ? { ...loaded, kernels: loadKernels(kernels) } : loaded;
  const answers = new Answers(log, 1, file);
  const memory = new StreamMemory(log, 1, file);
  const served = { ffmpeg, log, id: 1, file, incoming, answers, buffers, memory };
  using service = new StatelessService(served);
  const poll = new PollSet([file]);
  for (;;) {
    poll.wait(-1);
    const type = incoming.read();
    if (type < 0) return;
    if (type > 0) service.handle(type);
  }
}

self.onmessage = ({ data }: MessageEvent<Order>) => serve(data);
self.postMessage("ready");
