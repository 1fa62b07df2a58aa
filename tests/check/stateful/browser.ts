/**
 * The stateful node as a browser uses it: the order of Chromium's calls (media/gpu/v4l2), a seek at
 * every frame, packets without a picture, buffers that come and go, and pictures that a compositor
 * still shows when the decoder is closed.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { constants } from "node:os";
import { Dmabuf, READING } from "../../../lib/dmabuf/dma_buf.ts";
import { CODED } from "../../../lib/codec/codecs.ts";
import { ioctl } from "../../../lib/sys/ioctl.ts";
import { addressOf } from "../../../lib/sys/libc.ts";
import { Mapping } from "../../../lib/sys/mmap.ts";
import { Events } from "../../../lib/v4l2/events.ts";
import { exportPlane } from "../../../lib/v4l2/queue/buffer_memory.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import type { Context } from "../../harness/context.ts";
import { errnoOf } from "../../harness/expectations.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { CAPTURE, Client, OUTPUT, type Reference } from "./client.ts";
import { referenceOf } from "./streams.ts";

const { EBUSY, EINVAL, ENOTTY } = constants.errno;

// As Chromium has them.
const OUTPUTS = { vpx: 2, h264: 16 };
const SIZEIMAGE = 2 << 20;
const LEAST_REFERENCES = 8;
const SPARE_BUFFERS = 2;

const SHORT = ["vp9-322x182.ivf", "h264-322x182.h264"];

/** A stream of each codec. */
const CODECS = [
  ...SHORT,
  "av1-322x182.ivf",
  "stateful/hevc-322x182.hevc",
  "stateful/vp8-322x182.ivf",
  "stateful/mpeg1-160x120.m1v",
  "stateful/mpeg2-322x182.m2v",
  "stateful/mpeg4-160x120.m4v",
  "stateful/h263-176x144.h263",
];

/** Of `struct v4l2_create_buffers`, with a multi-planar format. */
const NUM_PLANES_AT = 204;

/** An open node in Chromium's order: no size, events only behind STREAMON, CAPTURE last. */
function opened({ codec }: Reference): { client: Client; buffers: () => void } {
  const client = new Client(codec, {
    outputs: codec === "h264" ? OUTPUTS.h264 : OUTPUTS.vpx,
    subscribed: false,
    prepare: (device) => {
      const format = { width: 0, height: 0, pixelformat: CODED[codec], sizeimage: SIZEIMAGE };
      device.setFormat(OUTPUT, format, "at least");
    },
  });
  const least = client.device.getControl(v4l2.V4L2_CID_MIN_BUFFERS_FOR_CAPTURE);
  expectEqual("MIN_BUFFERS_FOR_CAPTURE before the first frame", least, 1);
  const events = new Events(client.device, v4l2.V4L2_EVENT_SOURCE_CHANGE);
  const buffers = () => {
    client.wait("the source change", () => events.next() === v4l2.V4L2_EVENT_SOURCE_CHANGE);
    client.allocate(Math.max(least, LEAST_REFERENCES) + SPARE_BUFFERS);
    client.capture!.streamOn();
    for (const { index } of client.capture!.buffers) client.capture!.enqueue(index);
  };
  return { client, buffers };
}

/** Sends frames, and takes pictures as they come; the numbers of those, which have to be right. */
function play(client: Client, reference: Reference, from = 0, to?: number, stub?: Uint8Array) {
  const { frames, pictures } = reference;
  const numbers: number[] = [];
  const send = (frame: Uint8Array, number: number) => {
    client.wait("an OUTPUT buffer", () => {
      for (let arrival; (arrival = client.arrival()) !== undefined;) {
        const right = pictures.get(arrival.number!)?.equals(arrival.pixels);
        expect(right === true, `the picture of frame ${arrival.number} is wrong`);
        numbers.push(arrival.number!);
      }
      return client.hasRoom;
    });
    client.send(frame, number);
  };
  for (const [at, frame] of frames.slice(from, to).entries()) {
    if (stub !== undefined) send(stub, frames.length);
    send(frame, from + at);
  }
  return numbers;
}

/** Sends the stream twice with a flush behind each: all pictures both times. */
function flushed(reference: Reference): void {
  const { client, buffers } = opened(reference);
  using _client = client;
  client.send(reference.frames[0], 0);
  buffers();
  for (const from of [1, 0]) {
    const numbers = play(client, reference, from);
    client.stop();
    numbers.push(...client.expectPictures(reference));
    expectEqual(`pictures, from ${from} on`, numbers.join(), [...reference.pictures.keys()].join());
    client.wait("an empty OUTPUT", () => client.isUsedUp);
    client.start();
  }
}

/** At every frame: what was sent is dropped, and the stream sent again, up to one frame more. */
function sought(reference: Reference): void {
  const { client, buffers } = opened(reference);
  using _client = client;
  client.send(reference.frames[0], 0);
  buffers();
  const count = reference.frames.length;
  const numbers: number[] = [];
  for (let end = 1; end <= count; end++) {
    client.seek();
    numbers.push(...play(client, reference, 0, end));
  }
  client.stop();
  numbers.push(...client.expectPictures(reference));
  const tail = numbers.slice(numbers.lastIndexOf(0));
  expectEqual("pictures behind the last seek", tail.length, reference.pictures.size);
}

/** At every frame: the file is closed, and another one opened, as Chromium's Reset() does. */
function reset(reference: Reference): void {
  for (const [number, frame] of reference.frames.entries()) {
    const { client, buffers } = opened(reference);
    using _client = client;
    client.send(reference.frames[0], 0);
    if (number % 2) buffers();
    if (number > 0) client.send(frame, number);
  }
  flushed(reference);
}

/** Three bytes between frames, in which there is nothing to decode, cost no picture and have the error flag. */
function stubbed(reference: Reference): void {
  const { frames, pictures } = reference;
  const { client, buffers } = opened(reference);
  using _client = client;
  client.send(frames[0], 0);
  buffers();
  const numbers = play(client, reference, 1, frames.length, Uint8Array.of(0, 0, 1));
  client.stop();
  numbers.push(...client.expectPictures(reference));
  expectEqual("pictures", numbers.join(), [...pictures.keys()].join());
  client.wait("an empty OUTPUT", () => client.isUsedUp);
  expectEqual("OUTPUT buffers with the error flag", client.errors, frames.length - 1);
}

/** A CAPTURE buffer that came later, by CREATE_BUFS. */
class Late implements Disposable {
  readonly #client: Client;
  readonly #buffer;
  readonly #planes = new Uint8Array(v4l2.v4l2_plane.size);
  readonly #memory: Dmabuf;

  constructor(client: Client, readonly index: number) {
    this.#client = client;
    this.#buffer = v4l2.v4l2_buffer.alloc({
      index,
      type: CAPTURE,
      memory: v4l2.V4L2_MEMORY_MMAP,
      length: 1,
    });
    this.#buffer.planes = addressOf(this.#planes);
    ioctl(client.device, v4l2.VIDIOC_QUERYBUF, this.#buffer.bytes);
    const { length } = v4l2.v4l2_plane.at(this.#planes);
    const { file, size } = exportPlane(client.device, { type: CAPTURE, index, plane: 0 }, length);
    this.#memory = new Dmabuf(file, size, Mapping.readOnly);
  }

  enqueue(): void {
    ioctl(this.#client.device, v4l2.VIDIOC_QBUF, this.#buffer.bytes);
  }

  holds(picture: Buffer): boolean {
    return holds(this.#memory, picture);
  }

  [Symbol.dispose](): void {
    this.#memory[Symbol.dispose]();
  }
}

/** Whether memory begins with a picture whose lines have no padding. */
function holds(memory: Dmabuf, picture: Buffer): boolean {
  memory.begin(READING);
  const same = picture.equals(memory.bytes.subarray(0, picture.length));
  memory.end(READING);
  return same;
}

/** Two more buffers while pictures come; the index of the first. */
function createBuffers({ device }: Client): number {
  const { width, height, pixelformat, planes: [{ sizeimage }] } = device.getFormat(CAPTURE);
  const creation = v4l2.v4l2_create_buffers.alloc({
    count: SPARE_BUFFERS,
    memory: v4l2.V4L2_MEMORY_MMAP,
    type: CAPTURE,
    width,
    height,
    pixelformat,
    field: v4l2.V4L2_FIELD_NONE,
    sizeimage,
  });
  creation.bytes[NUM_PLANES_AT] = 1;
  ioctl(device, v4l2.VIDIOC_CREATE_BUFS, creation.bytes);
  expectEqual("buffers that were created", creation.count, SPARE_BUFFERS);
  return creation.index;
}

/** @returns the errno of REMOVE_BUFS */
function removeBuffers(client: Client, type: number, index: number, count: number): number {
  const removal = v4l2.v4l2_remove_buffers.alloc({ index, count, type });
  return errnoOf(() => ioctl(client.device, v4l2.VIDIOC_REMOVE_BUFS, removal.bytes));
}

const removeBuffer = (client: Client, index: number) => removeBuffers(client, CAPTURE, index, 1);

/** OUTPUT streams, and all its buffers are gone: what it streams is still what it was started for. */
function emptied(): string {
  const outputs = 2;
  using client = new Client("h264", { outputs });
  const code = removeBuffers(client, OUTPUT, 0, outputs);
  if (code === ENOTTY) return "REMOVE_BUFS is not in this kernel";
  expectEqual("errno of REMOVE_BUFS", code, 0);
  const other = { width: 64, height: 64, pixelformat: CODED.vp9 };
  const set = () => client.device.setFormat(OUTPUT, other, "at least");
  expectEqual("errno of S_FMT while it streams", errnoOf(set), EBUSY);
  client.output.streamOff();
  expectEqual("errno of S_FMT when it does not", errnoOf(set), 0);
  return "S_FMT is EBUSY until STREAMOFF";
}

/** Buffers come in mid-stream, and one of them goes; every picture is right. */
function comesAndGoes(reference: Reference): string {
  using client = new Client(reference.codec, { outputs: reference.frames.length });
  client.sendAll(reference);
  client.expectEvent(v4l2.V4L2_EVENT_SOURCE_CHANGE);
  client.setUp(SPARE_BUFFERS);
  client.next();
  const queue = client.capture!;
  const first = createBuffers(client);
  expectEqual("index of the first one", first, SPARE_BUFFERS);
  using resources = new DisposableStack();
  const late = Array.from(
    { length: SPARE_BUFFERS },
    (_, i) => resources.use(new Late(client, first + i)),
  );
  for (const buffer of late) buffer.enqueue();
  client.stop();

  let pictures = 1;
  let removed: Late | undefined;
  let says = "REMOVE_BUFS is not in this kernel";
  let shown: Buffer = Buffer.alloc(0);
  for (;;) {
    let index = -1;
    client.wait("a CAPTURE buffer", () => (index = queue.dequeue()) >= 0);
    const { flags, timestamp_usec } = queue.dequeued;
    if (flags & v4l2.V4L2_BUF_FLAG_LAST) break;
    pictures++;
    const picture = reference.pictures.get(timestamp_usec - 1)!;
    const buffer = late.find((buffer) => buffer.index === index);
    const right = buffer === undefined
      ? picture.equals(queue.mappings[index][0].bytes.subarray(0, picture.length))
      : buffer.holds(picture);
    expect(right, `buffer ${index}: the picture of frame ${timestamp_usec - 1} is wrong`);
    if (buffer === undefined) queue.enqueue(index);
    else if (removed !== undefined) buffer.enqueue();
    else {
      removed = buffer;
      shown = picture;
      const code = removeBuffer(client, index);
      if (code === ENOTTY) buffer.enqueue();
      else {
        expectEqual("errno of REMOVE_BUFS", code, 0);
        expectEqual(
          "errno of QBUF of what is gone",
          errnoOf(() => buffer.enqueue()),
          EINVAL,
        );
        const other = late.find((buffer) => buffer !== removed)!.index;
        expectEqual("errno of REMOVE_BUFS of a queued one", removeBuffer(client, other), EBUSY);
        says = "one of them removed while it is shown";
      }
    }
  }
  expect(removed !== undefined, "no picture came into a buffer that was created later");
  if (says.startsWith("one")) expect(removed.holds(shown), "what was removed is another picture");
  expectEqual("pictures", pictures, reference.pictures.size);
  return `${SPARE_BUFFERS} buffers more behind the first picture, ${says}: ${pictures} pictures`;
}

/** Pictures that are exported stay as they are when their decoder is closed, and another one runs. */
function kept(reference: Reference): string {
  using resources = new DisposableStack();
  const pictures: { memory: Dmabuf; picture: Buffer }[] = [];
  {
    using client = new Client(reference.codec, { outputs: reference.frames.length });
    client.sendAll(reference);
    client.expectEvent(v4l2.V4L2_EVENT_SOURCE_CHANGE);
    client.setUp();
    const queue = client.capture!;
    const memory = queue.export().map(([{ file, size }]) =>
      resources.use(new Dmabuf(file, size, Mapping.readOnly))
    );
    while (pictures.length < memory.length) {
      let index = -1;
      client.wait("a CAPTURE buffer", () => (index = queue.dequeue()) >= 0);
      const picture = reference.pictures.get(queue.dequeued.timestamp_usec - 1)!;
      pictures.push({ memory: memory[index], picture });
    }
  }
  const expectKept = (when: string) => {
    for (const [at, { memory, picture }] of pictures.entries()) {
      expect(holds(memory, picture), `picture ${at} is another one ${when}`);
    }
  };
  expectKept("when the file is closed");
  flushed(reference);
  expectKept("when another file decoded");
  return `${pictures.length} pictures, which nobody else writes over`;
}

export async function statefulBrowserChecks(suite: Suite, context: Context): Promise<void> {
  const vp9 = () => referenceOf(context, "vp9-320x240.ivf");
  const each = (run: (reference: Reference) => void, names = SHORT) => {
    for (const name of names) run(referenceOf(context, name));
    return `every picture of ${names.join(", ")}`;
  };

  await suite.check("stateful: browser: set up, and flushed twice", () => each(flushed, CODECS));
  await suite.check("stateful: browser: a seek at every frame", () => each(sought));
  await suite.check("stateful: browser: a new file at every frame", () => each(reset));
  await suite.check("stateful: browser: packets of three bytes", () => each(stubbed));
  await suite.check("stateful: browser: buffers that come and go", () => comesAndGoes(vp9()));
  await suite.check("stateful: a queue that streams without buffers keeps its format", emptied);
  await suite.check("stateful: browser: pictures that outlive their file", () => kept(vp9()));
}
