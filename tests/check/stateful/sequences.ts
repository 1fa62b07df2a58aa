/**
 * The sequences of the kernel's document: capture setup, drain, seek, dynamic resolution change, and
 * how they meet.
 *
 * @module
 */
import { constants } from "node:os";
import { ioctl } from "../../../lib/sys/ioctl.ts";
import { selection } from "../../../lib/v4l2/selection.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import type { Context } from "../../harness/context.ts";
import { CAPTURE, Client, type Reference } from "./client.ts";
import { referenceOf } from "./streams.ts";
import { errnoOf } from "../../harness/expectations.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";

const { V4L2_EVENT_EOS: EOS, V4L2_EVENT_SOURCE_CHANGE: SOURCE_CHANGE } = v4l2;
const { EBUSY, EINVAL } = constants.errno;

/** Were each counted, the frame behind them would take the place of the first in the kernel's memory. */
const DRAINED_FRAMES = 4;
const DRAINS = 256 - DRAINED_FRAMES;

/** A client whose CAPTURE is set up after the header, with frames up to `to` sent. */
function begun(reference: Reference, outputs: number, to = outputs): Client {
  const client = new Client(reference.codec, { outputs });
  client.sendAll(reference, 0, to);
  client.expectEvent(SOURCE_CHANGE);
  client.setUp();
  return client;
}

const sizeOf = ({ width, height }: { width: number; height: number }) => `${width}x${height}`;

export async function statefulSequenceChecks(suite: Suite, context: Context): Promise<void> {
  const reference = (name: string) => referenceOf(context, name);
  let compared: Reference[] = [];
  await suite.check("stateful: pictures to compare with", () => {
    const names = ["vp9-320x240.ivf", "h264-320x240.h264", "h264-resize.h264"];
    compared = names.map(reference);
    return names.join(", ");
  });
  if (compared.length === 0) return;
  const [vp9, h264, resize] = compared;

  await suite.check("stateful: what the header says", () => {
    const cropped = reference("h264-322x182.h264");
    using client = begun(cropped, 4);
    const coded = client.device.getFormat(CAPTURE);
    expectEqual("coded size", sizeOf(coded), "336x192");
    expectEqual("bytesperline", coded.planes[0].bytesperline, 384);
    const rectangles = (targets: readonly number[], size: string) => {
      for (const target of targets) {
        const { left, top, ...rest } = selection(client.device, CAPTURE, target);
        expectEqual(`target ${target}`, `${sizeOf(rest)} at ${left},${top}`, `${size} at 0,0`);
      }
    };
    rectangles([
      v4l2.V4L2_SEL_TGT_CROP,
      v4l2.V4L2_SEL_TGT_CROP_DEFAULT,
      v4l2.V4L2_SEL_TGT_COMPOSE,
      v4l2.V4L2_SEL_TGT_COMPOSE_DEFAULT,
    ], "322x182");
    rectangles([
      v4l2.V4L2_SEL_TGT_CROP_BOUNDS,
      v4l2.V4L2_SEL_TGT_COMPOSE_BOUNDS,
      v4l2.V4L2_SEL_TGT_COMPOSE_PADDED,
    ], "336x192");
    const least = client.device.getControl(v4l2.V4L2_CID_MIN_BUFFERS_FOR_CAPTURE);
    expectEqual("V4L2_CID_MIN_BUFFERS_FOR_CAPTURE", least, 1);
    return "336x192 coded, lines of 384 bytes, 322x182 visible, by all seven targets";
  });

  await suite.check("stateful: CAPTURE is ready before the header, and right", () => {
    using client = new Client(vp9.codec, { outputs: 30, size: [320, 240] });
    client.setUp();
    client.sendAll(vp9, 0, 30);
    client.stop();
    expectEqual("pictures", client.expectPictures(vp9).length, 30);
    client.expectEvent(EOS);
    return "30 pictures without another word";
  });

  await suite.check("stateful: CAPTURE is ready before the header, and wrong", () => {
    using client = new Client(vp9.codec, { outputs: 30, size: [64, 64] });
    client.setUp();
    client.sendAll(vp9, 0, 30);
    expectEqual("pictures before the change", client.expectPictures(vp9).length, 0);
    client.expectEvent(SOURCE_CHANGE);
    client.expectEpipe();
    client.setUp();
    client.stop();
    expectEqual("pictures", client.expectPictures(vp9).length, 30);
    return "SOURCE_CHANGE, an empty last buffer, EPIPE; 30 pictures after CAPTURE was set up";
  });

  await suite.check("stateful: no events without a subscription", () => {
    using client = new Client(vp9.codec, { outputs: 30, size: [320, 240], subscribed: false });
    client.setUp();
    client.sendAll(vp9, 0, 30);
    client.stop();
    expectEqual("pictures", client.expectPictures(vp9).length, 30);
    expect(client.events.next() < 0, "there is an event");
    return "30 pictures and the last buffer";
  });

  await suite.check("stateful: an event of another id", () => {
    using client = new Client(vp9.codec);
    for (const type of [EOS, SOURCE_CHANGE]) {
      for (const id of [1, 0xffffffff]) {
        const { bytes } = v4l2.v4l2_event_subscription.alloc({ type, id });
        const errno = errnoOf(() => ioctl(client.device, v4l2.VIDIOC_SUBSCRIBE_EVENT, bytes));
        expectEqual(`event ${type} of ${id}`, errno, EINVAL);
      }
    }
    return "EINVAL: there is one of each";
  });

  await suite.check("stateful: a drain of nothing", () => {
    using client = new Client(vp9.codec, { size: [320, 240] });
    client.setUp();
    client.stop();
    expectEqual("pictures", client.expectPictures(vp9).length, 0);
    client.expectEvent(EOS);
    client.expectEpipe();
    client.start();
    client.send(vp9.frames[0], 0);
    expectEqual("first picture", client.next().number, 0);
    return "EOS, an empty last buffer, EPIPE; the first frame after START";
  });

  for (const [name, one] of [["H.264", h264], ["VP9", vp9]] as const) {
    await suite.check(`stateful: drained in the middle of ${name}, and on`, () => {
      using client = begun(one, 13);
      client.stop();
      expectEqual("errno of a second STOP", errnoOf(() => client.stop()), EBUSY);
      expectEqual("errno of START in a drain", errnoOf(() => client.start()), EBUSY);
      const before = client.expectPictures(one);
      client.expectEvent(EOS);
      client.expectEpipe();
      client.start();
      client.sendAll(one, 13, 26);
      client.stop();
      const after = client.expectPictures(one);
      const all = new Set([...before, ...after]);
      expectEqual("pictures", all.size, before.length + after.length);
      expectEqual("pictures of 26 frames", all.size, 26);
      return `${before.length} pictures, EBUSY twice, EPIPE; after START ${after.length} more that ` +
        "refer to frames before it";
    });
  }

  await suite.check("stateful: drained, and on by CAPTURE's STREAMOFF and STREAMON", () => {
    using client = begun(h264, 10);
    client.stop();
    const before = client.expectPictures(h264).length;
    client.setUp(2);
    client.sendAll(h264, 10, 20);
    client.stop();
    const after = client.expectPictures(h264).length;
    expectEqual("pictures", before + after, 20);
    return `${before} pictures, ${after} in two new buffers`;
  });

  await suite.check("stateful: a drain while pictures change", () => {
    using client = begun(resize, 12);
    client.stop();
    const before = client.expectPictures(resize).length;
    client.expectEvent(SOURCE_CHANGE);
    expectEqual("size", sizeOf(client.device.getFormat(CAPTURE)), "224x160");
    client.setUp();
    const after = client.expectPictures(resize).length;
    client.expectEvent(EOS);
    expectEqual("pictures", `${before} and ${after}`, "6 and 6");
    return "6 pictures of 160x120, the last buffer, CAPTURE anew, 6 of 224x160, EOS";
  });

  await suite.check("stateful: another size in the buffers that there are", () => {
    // Back to front: what is smaller fits.
    const small = reference("vp9-one-frame.ivf");
    using client = begun(vp9, 6, 5);
    client.send(small.frames[0], 100);
    expectEqual("pictures", client.expectPictures(vp9).length, 5);
    client.expectEvent(SOURCE_CHANGE);
    expectEqual("size", sizeOf(client.device.getFormat(CAPTURE)), "160x120");
    client.keepBuffers();
    client.start();
    const { number, pixels } = client.next();
    expectEqual("number", number, 100);
    expect(small.pictures.get(0)!.equals(pixels), "the small picture is wrong");
    return "5 pictures of 320x240, the last buffer, START, one of 160x120";
  });

  await suite.check("stateful: drains that are given up", () => {
    using client = new Client(vp9.codec, { outputs: 8 });
    client.sendAll(vp9, 0, DRAINED_FRAMES);
    client.expectEvent(SOURCE_CHANGE);
    client.allocate(2);
    // Without a buffer for the first picture none of them comes to its end.
    for (let i = 0; i < DRAINS; i++) {
      client.capture!.streamOn();
      client.stop();
      client.capture!.streamOff();
    }
    client.begin();
    client.send(vp9.frames[DRAINED_FRAMES], DRAINED_FRAMES);
    client.stop();
    expectEqual("pictures", client.expectPictures(vp9).join(), "0,1,2,3,4");
    return `${DRAINS} times STOP and STREAMOFF of CAPTURE, then all pictures of 5 frames`;
  });

  await suite.check("stateful: a seek to a key frame", () => {
    using client = begun(vp9, 8);
    client.next();
    client.seek();
    client.sendAll(vp9, 0, 8);
    client.stop();
    const numbers = client.expectPictures(vp9);
    const tail = numbers.slice(numbers.lastIndexOf(0));
    expectEqual("pictures after the seek", tail.join(), "0,1,2,3,4,5,6,7");
    return "what was before it is dropped or shown, then the same 8 pictures";
  });

  await suite.check("stateful: a seek to a frame that is no key frame", () => {
    using client = begun(h264, 8);
    client.next();
    client.seek();
    client.setUp();
    client.sendAll(h264, 20, 28);
    client.wait("all frames", () => client.isUsedUp);
    client.stop();
    expectEqual("pictures without a key frame", client.expectPictures(h264).length, 0);
    client.start();
    client.sendAll(h264, 0, 8);
    client.stop();
    expectEqual("pictures", client.expectPictures(h264).length, 8);
    return "8 frames give no picture; 8 of the next key frame's do";
  });

  await suite.check("stateful: a seek out of a drain", () => {
    using client = begun(h264, 10);
    client.stop();
    client.seek();
    client.sendAll(h264, 0, 10);
    client.stop();
    const numbers = client.expectPictures(h264);
    const own = numbers.slice(numbers.lastIndexOf(0));
    expectEqual("pictures of the frames behind it", own.length, 10);
    return `${numbers.length - 10} pictures of what was before it, 10 of what follows`;
  });
}
