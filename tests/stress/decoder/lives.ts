/**
 * The module unloaded, and the device unplugged, in each state that somebody can have it in.
 *
 * @module
 */
import { EAGAIN, EIO, ENODEV, SysError } from "../../../lib/sys/errno.ts";
import { File, IoBuffer, O_NONBLOCK, O_RDWR } from "../../../lib/sys/file.ts";
import { ioctl } from "../../../lib/sys/ioctl.ts";
import { cString } from "../../../lib/sys/libc.ts";
import { Poller, POLLERR, POLLHUP, POLLIN } from "../../../lib/sys/poll.ts";
import { MEDIA_IOC_REQUEST_ALLOC } from "../../../lib/uapi/media.ts";
import { V4L2_DEC_CMD_STOP } from "../../../lib/uapi/videodev2.ts";
import type { MediaRequest } from "../../../lib/v4l2/media.ts";
import { CheckFailure, expect, expectEqual } from "../../harness/suite.ts";
import { expectWorking, INJECT } from "./decoder.ts";
import { Answering } from "./answering.ts";
import { Bridge } from "./bridge.ts";
import { DecoderClient, SIDES } from "./client.ts";
import { StatefulClient } from "./stateful_client.ts";
import { orErrno, raw } from "../engine/libc.ts";
import type { Conditions } from "../engine/stage.ts";
import { decoder, statefulNode } from "../../harness/nodes.ts";

const NAME = "vpipe_dec";

/** What somebody holds of the device. */
interface Held extends Disposable {
  /** Whether it keeps the module loaded. */
  readonly busy: boolean;
  /** Looks, after the device was unplugged, that whoever waits is told. */
  told?(): void | Promise<void>;
}

function expectHangUp(file: { fd: number; path: string }, read: () => number): void {
  const events = new Poller(file, POLLIN).wait(1000);
  expectEqual("POLLIN and POLLHUP of the daemon's file", events & (POLLIN | POLLHUP), 17);
  expectEqual("read of the daemon's file", read(), 0);
}

function expectClientTold(client: DecoderClient): void {
  const events = new Poller(client.device, POLLIN).wait(1000);
  expect((events & (POLLERR | POLLHUP)) !== 0, `poll of the client gives ${events}`);
  try {
    client.capture.dequeue();
    expect(false, "VIDIOC_DQBUF worked without a device");
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    expect([ENODEV, EIO].includes(error.code), error.message);
  }
}

/** A request's file is not the device's: the device has to be asked for. */
function expectGone(request: MediaRequest | undefined): void {
  try {
    request?.queue();
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return expectEqual("errno of MEDIA_REQUEST_IOC_QUEUE without a device", error.code, ENODEV);
  }
  expect(request === undefined, "a request was queued without a device");
}

/** A client in mid-stream with a daemon inside this program. */
class Streaming implements Held {
  readonly busy = true;
  readonly daemon = new Answering();
  readonly client: DecoderClient;
  readonly #unqueued: MediaRequest | undefined;

  constructor(requests: boolean, reads: number) {
    this.client = new DecoderClient(decoder.videoNode(), { requests });
    this.client.start();
    this.daemon.accept();
    for (const index of [0, 1, 2]) this.client.send(index, [index]);
    for (let i = 0; i < reads; i++) this.daemon.latest.next();
    if (requests) this.#unqueued = this.client.request(3, [3]);
  }

  told(): void {
    const { file } = this.daemon.latest;
    expectHangUp(this.daemon.bridge.file, () => this.daemon.bridge.read());
    expectHangUp(file.file, () => file.read());
    const code = -Math.min(file.done(1n), 0);
    expect(code > 0, "DONE was taken without a device");
    expect(this.daemon.bridge.hello() < 0, "HELLO was taken without a device");
    expect(file.buffer(0, 0).result < 0, "a buffer was exported without a device");
    expectClientTold(this.client);
    expectGone(this.#unqueued);
  }

  [Symbol.dispose](): void {
    this.client.close();
    this.daemon[Symbol.dispose]();
  }
}

/** Closes the daemon before the client. */
class DaemonFirst extends Streaming {
  override [Symbol.dispose](): void {
    this.daemon[Symbol.dispose]();
    this.client.close();
  }
}

/** A client of the stateful node in mid-change, with a drain behind it that the daemon has read. */
function displaying(): Held {
  const daemon = new Answering();
  const client = new StatefulClient(statefulNode(), 2);
  client.lend();
  for (const side of SIDES) client.begin(side);
  client.frame(1);
  daemon.serve();
  expectEqual("DEC_CMD_STOP", client.command(V4L2_DEC_CMD_STOP), 0);
  daemon.serve();
  const { file } = daemon.latest;
  return {
    busy: true,
    told() {
      expectHangUp(file.file, () => file.read());
      expect(file.drained(2n) < 0, "DRAINED was taken without a device");
      expectClientTold(client);
    },
    [Symbol.dispose]() {
      client.close();
      daemon[Symbol.dispose]();
    },
  };
}

function requestFile(): Held {
  using media = File.open(decoder.mediaNode(), O_RDWR);
  const argument = Int32Array.of(-1);
  ioctl(media, MEDIA_IOC_REQUEST_ALLOC, new Uint8Array(argument.buffer));
  const request = new File("media request", argument[0]);
  return { busy: true, [Symbol.dispose]: () => request.close() };
}

/** A stream file whose client is gone, with the session or without. */
function orphan(session: boolean): Held {
  const daemon = new Answering();
  const client = new DecoderClient(decoder.videoNode());
  client.start();
  daemon.accept();
  client.send(0, [1]);
  const { file } = daemon.latest;
  client.close();
  if (!session) daemon.bridge.close();
  return {
    busy: true,
    told: () => expectHangUp(file.file, () => file.read()),
    [Symbol.dispose]: () => daemon[Symbol.dispose](),
  };
}

/** Dma-bufs of both queues, exported to client and daemon, when all else is closed. */
function dmabufs(): Held {
  using daemon = new Answering();
  const client = new DecoderClient(decoder.videoNode());
  client.start();
  for (const index of [0, 1]) client.send(index, [1]);
  daemon.accept();
  const stream = daemon.latest;
  const files = SIDES.flatMap((side) => client.queue(side).export().flat().map(({ file }) => file));
  for (const queue of [0, 1]) {
    files.push(new File("dma-buf", stream.file.buffer(queue, 0).argument.fd));
  }
  const mapped = stream.file.map(1, 1);
  client.close();
  return {
    busy: false,
    told: () => void mapped.bytes.fill(1),
    [Symbol.dispose]() {
      mapped.bytes.fill(2);
      mapped.close();
      for (const file of files) file.close();
    },
  };
}

function bridge(hello: boolean): Held {
  const bridge = new Bridge();
  if (hello) bridge.hello();
  return {
    busy: true,
    told: () => expectHangUp(bridge.file, () => bridge.read()),
    [Symbol.dispose]: () => bridge.close(),
  };
}

function client(): Held {
  const client = new DecoderClient(decoder.videoNode());
  return {
    busy: true,
    told: () => expectClientTold(client),
    [Symbol.dispose]: () => client.close(),
  };
}

/** Open in the middle of the header of a file, which a daemon is to tell. */
function injecting(): Held {
  using stack = new DisposableStack();
  stack.use(new Answering());
  const file = stack.use(File.open(INJECT, O_RDWR));
  const piece = new IoBuffer(new Uint8Array(7));
  piece.length = 7;
  expectEqual("write to inject", file.tryWrite(piece), 7);
  const held = stack.move();
  return {
    busy: true,
    told: () => {
      // What fits is taken still; the answer is that there is none.
      file.tryWrite(piece);
      const answer = file.tryRead(piece);
      expect(answer < 0, `read of inject without a device gives ${answer}`);
    },
    [Symbol.dispose]: () => held.dispose(),
  };
}

const STATES: Readonly<Record<string, () => Held>> = {
  nothing: () => ({ busy: false, [Symbol.dispose]() {} }),
  "session open": () => bridge(false),
  "session after HELLO": () => bridge(true),
  "client open, its buffers mapped": client,
  "request open": requestFile,
  "stream, frames unread": () => new Streaming(false, 0),
  "stream, frames read": () => new Streaming(false, 2),
  "stream with requests": () => new Streaming(true, 1),
  "stream, daemon closes first": () => new DaemonFirst(true, 3),
  "stateful stream, drained in a change": displaying,
  "client gone, stream file open": () => orphan(true),
  "client and session gone, stream file open": () => orphan(false),
  "inject open": injecting,
  "dma-bufs held": dmabufs,
};

const remove = () => orErrno(raw.delete_module(cString(NAME), O_NONBLOCK));

async function unloadIn(name: string, hold: () => Held, module: string): Promise<void> {
  {
    using held = hold();
    expectEqual(`${name}: delete_module`, remove(), held.busy ? -EAGAIN : 0);
    if (held.busy) {
      expect(decoder.isLoaded(), `${name}: the module is gone`);
    } else {
      // What is held stays usable while the module comes and goes.
      await decoder.load(module);
      await held.told?.();
      expectEqual(`${name}: delete_module`, remove(), 0);
    }
  }
  if (decoder.isLoaded()) expectEqual(`${name}, over: delete_module`, remove(), 0);
  await decoder.load(module);
}

async function unplugIn(name: string, hold: () => Held, again: boolean): Promise<void> {
  try {
    using held = hold();
    decoder.unbind();
    await held.told?.();
    if (!again) return;
    // The next device, beside whoever has the old one open.
    decoder.bind();
    await expectWorkingBeside();
  } catch (error) {
    throw new CheckFailure(`unplugged in "${name}": ${(error as Error).message}`);
  } finally {
    if (!decoder.isBound()) decoder.bind();
  }
}

/** A frame through the new device, whoever else uses the module. */
async function expectWorkingBeside(): Promise<void> {
  using daemon = new Answering();
  using client = new DecoderClient(decoder.videoNode());
  client.start();
  client.send(0, [5]);
  daemon.serve();
  const picture = await client.picture();
  expect(picture.every((byte) => byte === 5), "the picture is not the daemon's");
}

export async function decoderLives({ seconds, module }: Conditions): Promise<string> {
  const end = performance.now() + seconds * 1000;
  let rounds = 0;
  let unloads = 0;
  let unplugged = 0;
  do {
    for (const [name, hold] of Object.entries(STATES)) {
      await unloadIn(name, hold, module);
      unloads++;
      for (const again of [false, true]) {
        await unplugIn(name, hold, again);
        unplugged++;
      }
      await expectWorking();
    }
    rounds++;
  } while (performance.now() < end);
  return `rmmod ${unloads} times in ${Object.keys(STATES).length} states: refused while somebody ` +
    `has a file of it open, else clean; unplugged ${unplugged} times in the same states: daemon and ` +
    "client were told, the next device worked beside the old one's files";
}
