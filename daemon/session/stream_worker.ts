/**
 * A thread that serves one stream after the other.
 *
 * @module
 */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { loadKernels } from "../../lib/ffmpeg/abi/pixel_functions.ts";
import { loadFfmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { File } from "../../lib/sys/file.ts";
import { Digest } from "../pictures/digest.ts";
import type { KernelChoice } from "../pixel_functions/compare.ts";
import { type Level, Log } from "../stream/log.ts";
import { wake } from "../../lib/sys/pipe.ts";
import { Stream } from "../stream/stream.ts";

/** What was asked for on the command line, the same in all orders. */
export interface Wishes {
  readonly level: Level;
  readonly kernels?: KernelChoice;
  /** Whether the end of a stream tells what its pictures were. */
  readonly digest: boolean;
}

/** What a worker is to do. All descriptors stay the sender's. */
export interface Order extends Wishes {
  readonly stream: number;
  readonly fd: number;
  /** Hung up when the daemon is to end. */
  readonly stopFd: number;
  /** Written to when the stream is over. */
  readonly wakeFd: number;
}

/** What a worker says when a stream is over. */
export interface Outcome {
  readonly stream: number;
  /** Why it ended early; the worker is not to be used again. */
  readonly failure?: string;
}

// Loaded ahead of the first order, which then need not wait.
let ffmpeg = loadFfmpeg();

function serve({ stream: id, fd, stopFd, level, kernels, digest }: Order): Outcome {
  const log = new Log(level);
  try {
    if (kernels !== undefined && ffmpeg.kernels === undefined) {
      ffmpeg = { ...ffmpeg, kernels: loadKernels(kernels.path, kernels.names) };
    }
    const file = new File(`stream ${id}`, fd);
    const pictures = digest ? new Digest() : undefined;
    using stream = new Stream(ffmpeg, log, id, file, { fd: stopFd }, pictures);
    stream.serve();
    log.info("stream-over", stream.summary);
    return { stream: id };
  } catch (error) {
    return { stream: id, failure: (error as Error).message };
  }
}

self.onmessage = ({ data: order }: MessageEvent<Order>) => {
  self.postMessage(serve(order));
  wake(new File("pipe", order.wakeFd));
};
