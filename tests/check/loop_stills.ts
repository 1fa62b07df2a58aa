/**
 * What readers of the loopback node get while there is no frame.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { Poller, POLLIN } from "../../lib/sys/poll.ts";
import {
  VPIPE_LOOP_CID_KEEP_LAST,
  VPIPE_LOOP_CID_TIMEOUT,
  VPIPE_LOOP_CID_TIMEOUT_IMAGE,
} from "../../lib/vpipe/loop_uapi.ts";
import { expectBytes, numbered, openOutput, Reader, VGA_BYTES, Writer } from "./loop_client.ts";
import { expect, expectEqual, type Suite } from "./suite.ts";

const TIMEOUT_MS = 40;
const BLACK = new Uint8Array(VGA_BYTES);
const WAYS = ["mmap", "read"] as const;

/** Sets a control of the node while `body` runs, then 0 again. */
function setting<T>(node: string, id: number, value: number, body: () => T): T {
  using device = openOutput(node);
  device.setControl(id, value);
  try {
    return body();
  } finally {
    device.setControl(id, 0);
  }
}

export async function loopStillChecks(suite: Suite, node: string): Promise<void> {
  await suite.check("loop: the last frame for a new reader", () => {
    setting(node, VPIPE_LOOP_CID_KEEP_LAST, 1, () => {
      using writer = new Writer(node, "mmap");
      for (let i = 0; i < 3; i++) writer.write(numbered(i));
      for (const io of WAYS) {
        using reader = new Reader(node, io);
        reader.expectFrame(`the last frame by ${io}`, 0, numbered(2));
      }
      writer.close();
      for (const io of WAYS) {
        using reader = new Reader(node, io);
        const taken = reader.take();
        expectBytes(`the last frame by ${io}, of a writer that is gone`, taken.bytes, numbered(2));
      }
    });
    using reader = new Reader(node, "mmap");
    expect(reader.tryTake() === undefined, "a frame, although none is kept any more");
    return "at once, also after its writer is gone; none when it is not asked for";
  });

  for (const io of WAYS) {
    await suite.check(`loop: the time-out image by ${io}`, () => {
      const [image, frame] = [numbered(11), numbered(12)];
      setting(node, VPIPE_LOOP_CID_TIMEOUT, TIMEOUT_MS, () => {
        using reader = new Reader(node, io);
        let last = -1;
        // Until `picture` comes there may be more of those before it.
        const reach = (what: string, picture: Uint8Array, before = picture) => {
          for (let there = false; !there;) {
            const taken = reader.take();
            there = Buffer.compare(taken.bytes, picture) === 0;
            if (!there) expectBytes(`${what}, or what was before`, taken.bytes, before);
            const { sequence = last + 1 } = taken;
            expect(sequence > last, `sequence ${sequence} after ${last}`);
            last = sequence;
            reader.give(taken);
          }
        };
        const stay = (what: string, picture: Uint8Array) => {
          for (let i = 0; i < 3; i++) reach(what, picture);
        };
        stay("the default image", BLACK);
        using writer = new Writer(node, "mmap");
        writer.device.setControl(VPIPE_LOOP_CID_TIMEOUT_IMAGE, 1);
        writer.write(image);
        reach("the frame that becomes the image", image, BLACK);
        writer.write(frame);
        reach("the frame after it", frame, image);
        stay("the image of the writer", image);
        writer.close();
        stay("the image without a writer", image);
      });
      using reader = new Reader(node, io);
      expectEqual("events without a time-out", new Poller(reader.device, POLLIN).wait(100), 0);
      reader.close();
      // A change of the format: the image is black again.
      new Writer(node, "mmap", { size: [64, 48] }).close();
      new Writer(node, "mmap").close();
      return "black, then the writer's own, with and without a writer; none without a time-out";
    });
  }
}
