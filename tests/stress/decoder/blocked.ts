/**
 * Processes that wait inside a call for a device which is unplugged, or for a daemon that dies.
 *
 * @module
 */
import { EIO, ENODEV, SysError } from "../../../lib/sys/errno.ts";
import { expect } from "../../harness/suite.ts";
import { expectIdle } from "./decoder.ts";
import { Answering } from "./answering.ts";
import { DecoderClient } from "./client.ts";
import { raw } from "../engine/libc.ts";
import { isInCall } from "../engine/in_call.ts";
import type { Conditions } from "../engine/stage.ts";
import { F_SETFL } from "../../../lib/sys/file.ts";
import { VIDIOC_DQBUF } from "../../../lib/uapi/videodev2.ts";
import { Worker } from "../engine/workers.ts";
import { until } from "../../harness/waiting.ts";
import { decoder } from "../../harness/nodes.ts";

/** Calls that wait. */
const CALLS = ["read of the session", "read of a stream", "VIDIOC_DQBUF"] as const;

/** What the worker is to do. */
export interface BlockOrder {
  readonly call: typeof CALLS[number];
}

/** Waits in the call with O_NONBLOCK off; what it returned, or its negated errno. */
export async function blockInDecoder({ call }: BlockOrder): Promise<{ result: number }> {
  using daemon = new Answering();
  using client = new DecoderClient(decoder.videoNode());
  client.start();
  daemon.serve();
  client.send(0, [1]);
  daemon.serve();
  await client.picture();
  const { file } = daemon.latest;
  const subject = { [CALLS[0]]: daemon.bridge.file, [CALLS[1]]: file.file }[call as string] ??
    client.device;
  raw.fcntl(subject.fd, F_SETFL, 0);
  try {
    if (call === CALLS[0]) return { result: daemon.bridge.read() };
    if (call === CALLS[1]) return { result: file.read() };
    return { result: client.capture.dequeue() };
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return { result: -error.code };
  }
}

export async function decoderBlocked(_: Conditions): Promise<string> {
  const said: string[] = [];
  for (const call of CALLS) {
    await using worker = new Worker(blockInDecoder, { call });
    await until(
      `${call} waits`,
      () =>
        call === "VIDIOC_DQBUF"
          ? isInCall(worker.pid, "ioctl", undefined, VIDIOC_DQBUF.request)
          : isInCall(worker.pid, "readv"),
    );
    decoder.unbind();
    try {
      const { result } = await worker.result();
      const allowed = call === "VIDIOC_DQBUF" ? [-EIO, -ENODEV] : [0];
      expect(allowed.includes(result), `${call} gave ${result} when the device went`);
      said.push(`${call} ${result}`);
    } finally {
      decoder.bind();
    }
  }
  await expectIdle(0);
  return `who waited got an answer when the device was unplugged: ${said.join(", ")}`;
}
