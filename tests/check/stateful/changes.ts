/**
 * Pictures that become different in mid-stream: what fits in the buffers that there are, what does
 * not, and what else a client may do meanwhile.
 *
 * @module
 */
import { constants } from "node:os";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import type { Context } from "../../harness/context.ts";
import { CAPTURE, Client, type Reference } from "./client.ts";
import { referenceOf } from "./streams.ts";
import { delay } from "../../harness/waiting.ts";
import { errnoOf } from "../../harness/expectations.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";

const { V4L2_EVENT_EOS: EOS, V4L2_EVENT_SOURCE_CHANGE: SOURCE_CHANGE } = v4l2;
const { EBUSY, EINVAL } = constants.errno;

/** Half of the frames of these streams are of one size, half of the other. */
const HALF = 6;
/** That a client takes between the event and STREAMON. */
const SETTING_UP_MS = 300;

const SMALL = "160x120";
const LARGE = "224x160";

/** How large pictures are to be seen. */
function visible(client: Client): string {
  const { width, height } = client.visible;
  return `${width}x${height}`;
}

/** Until the pictures are different: all that came before. */
function expectChange(client: Client, reference: Reference, count: number, size: string): void {
  expectEqual("pictures before the change", client.expectPictures(reference).length, count);
  client.expectEvent(SOURCE_CHANGE);
  client.expectEpipe();
  expectEqual("visible size after the change", visible(client), size);
}

/** After a drain. */
function expectRest(client: Client, reference: Reference, count: number): void {
  expectEqual("pictures after the change", client.expectPictures(reference).length, count);
  client.expectEvent(EOS);
}

/** From the small pictures to the large ones and back, in buffers for the large ones. */
function inLargeBuffers(reference: Reference): void {
  using client = new Client(reference.codec, { outputs: 3 * HALF, size: [224, 160] });
  client.allocate(4);
  client.sendAll(reference, 0, 2 * HALF);
  client.expectEvent(SOURCE_CHANGE);
  client.keepBuffers();
  client.begin();
  expectChange(client, reference, HALF, LARGE);
  client.keepBuffers();
  client.start();
  client.sendAll(reference, 0, HALF);
  expectChange(client, reference, HALF, SMALL);
  client.keepBuffers();
  client.start();
  client.stop();
  expectRest(client, reference, HALF);
}

/** A client that has the small pictures, and waits for what comes of the change. */
function changing(reference: Reference): Client {
  const client = new Client(reference.codec, { outputs: 2 * HALF });
  client.sendAll(reference, 0, 2 * HALF);
  client.expectEvent(SOURCE_CHANGE);
  client.setUp();
  expectChange(client, reference, HALF, LARGE);
  return client;
}

export async function statefulChangeChecks(suite: Suite, context: Context): Promise<void> {
  const reference = (name: string) => referenceOf(context, name);

  const names = [
    "vp9-resize.ivf",
    "av1-resize.ivf",
    "h264-resize.h264",
    "stateful/hevc-resize.hevc",
  ];
  for (const name of names) {
    await suite.check(`stateful: ${name} in buffers that are large enough, by START`, () => {
      inLargeBuffers(reference(name));
      return `${HALF} pictures of ${SMALL}, ${LARGE} and ${SMALL} again; SOURCE_CHANGE, an empty ` +
        "last buffer and EPIPE between them, no STREAMOFF";
    });
  }

  const resize = () => reference("h264-resize.h264");

  await suite.check("stateful: larger pictures than the buffers", () => {
    const stream = resize();
    using client = changing(stream);
    expectEqual("errno of START", errnoOf(() => client.start()), EINVAL);
    client.setUp();
    client.stop();
    expectRest(client, stream, HALF);
    return `START gives EINVAL, ${HALF} pictures when CAPTURE is set up`;
  });

  await suite.check("stateful: STOP while pictures change", () => {
    const stream = resize();
    using client = changing(stream);
    client.stop();
    expectEqual("errno of a second STOP", errnoOf(() => client.stop()), EBUSY);
    client.setUp();
    expectRest(client, stream, HALF);
    return `a second one gives EBUSY; ${HALF} pictures, EOS and the last buffer of the drain`;
  });

  await suite.check("stateful: a seek while pictures change", () => {
    const stream = resize();
    using client = changing(stream);
    client.seek();
    client.sendAll(stream, 0, HALF);
    client.stop();
    client.expectEvent(SOURCE_CHANGE);
    client.setUp();
    expectEqual("visible size after the seek", visible(client), SMALL);
    expectRest(client, stream, HALF);
    return `back to ${SMALL}: SOURCE_CHANGE, ${HALF} pictures`;
  });

  await suite.check("stateful: other pictures than CAPTURE is made for, from the start", () => {
    const deep = reference("vp9-10bit.ivf");
    using client = new Client(deep.codec, { outputs: 10, size: [160, 120] });
    client.setUp();
    client.sendAll(deep, 0, 10);
    client.stop();
    expectChange(client, deep, 0, SMALL);
    const { pixelformat } = client.device.getFormat(CAPTURE);
    expectEqual("CAPTURE", v4l2.fourccText(pixelformat), "P010");
    client.setUp();
    expectRest(client, deep, 10);
    return "10 bits in NV12 of the right size: SOURCE_CHANGE, an empty last buffer, EPIPE; then P010";
  });

  await suite.check("stateful: pictures become known while CAPTURE is being set up", async () => {
    const stream = reference("stateful/vp8-320x240.ivf");
    using client = new Client(stream.codec, { size: [160, 120] });
    // Without what it refers to it has no picture: the client hears of its own format.
    client.send(stream.frames[1], 1);
    client.expectEvent(SOURCE_CHANGE);
    const before = visible(client);
    client.send(stream.frames[0], 0);
    // Time for the daemon to tell what that is like. Without it the rest is the same.
    await delay(SETTING_UP_MS);
    expectEqual("visible size before CAPTURE streams", visible(client), before);
    client.setUp();
    client.stop();
    expectChange(client, stream, 0, "320x240");
    client.setUp();
    expectRest(client, stream, 1);
    return `${before} until CAPTURE streams, then SOURCE_CHANGE, an empty last buffer, 320x240`;
  });

  await suite.check("stateful: damage between good frames", () => {
    const vp9 = reference("vp9-320x240.ivf");
    using client = new Client(vp9.codec, { outputs: 32, size: [320, 240] });
    client.setUp();
    client.sendAll(vp9, 0, 10);
    // No frame marker.
    client.send(new Uint8Array(100), 100);
    client.sendAll(vp9, 10, 30);
    client.stop();
    expectEqual("pictures", client.expectPictures(vp9).length, 30);
    expect(client.isUsedUp, "OUTPUT buffers are missing after a drain");
    expectEqual("OUTPUT buffers with the error flag", client.errors, 1);
    return "the OUTPUT buffer has the error flag, the 30 pictures are right";
  });
}
