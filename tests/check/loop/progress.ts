/**
 * The writer of a loopback node always has a buffer to fill and one to queue, however it uses its
 * queue and whatever readers do.
 *
 * @module
 */
import { Poller, POLLIN } from "../../../lib/sys/poll.ts";
import type { VideoDevice } from "../../../lib/v4l2/device.ts";
import { V4L2_PIX_FMT_GREY } from "../../../lib/uapi/videodev2.ts";
import { VPIPE_LOOP_CID_KEEP_LAST } from "../../../lib/uapi/vpipe_loop.ts";
import { RawWriter } from "./calls.ts";
import { expectBytes, numbered, openCapture, openOutput, Reader } from "./client.ts";
import { loop } from "../../harness/nodes.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";

const FRAMES = 20;
const GREY = { width: 640, height: 480, pixelformat: V4L2_PIX_FMT_GREY };

/** How a writer uses its queue; each hands `FRAMES` over and takes as many back. */
const WRITERS = {
  "one of four": (writer: RawWriter) => {
    for (let i = 0; i < FRAMES; i++) {
      writer.queue(0, numbered(i));
      expectEqual(`the buffer after frame ${i}`, writer.dequeue(), 0);
    }
  },
  "two by turns": (writer: RawWriter) => {
    for (let i = 0; i < FRAMES; i++) {
      writer.queue(i % 2, numbered(i));
      expectEqual(`the buffer after frame ${i}`, writer.dequeue(), i % 2);
    }
  },
  "three, and one kept": (writer: RawWriter) => {
    for (let i = 0; i < 3; i++) writer.queue(i, numbered(i));
    for (let i = 3; i < FRAMES + 3; i++) {
      const index = writer.dequeue();
      expect(index >= 0 && index < 3, `no buffer for frame ${i}`);
      writer.queue(index, numbered(i));
    }
  },
} as const;

/** What readers do meanwhile. */
const READERS = {
  "keeps a frame that it mapped": (node: string) => keep(new Reader(node, "mmap"), 1),
  "keeps three that it mapped": (node: string) => keep(new Reader(node, "mmap"), 3),
  "keeps a shared one": (node: string) => keep(new Reader(node, "dmabuf"), 1),
  "never takes any": (node: string) => keep(new Reader(node, "mmap"), 0),
  "polls once": (node: string) => {
    const device: VideoDevice = openCapture(node);
    new Poller(device, POLLIN).wait(0);
    return { take: () => {}, check: () => {}, close: () => device.close() };
  },
} as const;

function keep(reader: Reader, count: number) {
  const kept: { bytes: Uint8Array; number: number }[] = [];
  return {
    take: (number: number) => {
      if (kept.length < count) kept.push({ bytes: reader.take().bytes, number });
    },
    check: () =>
      kept.forEach(({ bytes, number }) =>
        expectBytes(`the kept frame ${number}`, bytes, numbered(number))
      ),
    close: () => reader.close(),
  };
}

/** Readers' mappings show the writer's memory meanwhile: that is harder to take from them. */
function showing(): Disposable {
  loop.setParameter("show_mmap", 1);
  return { [Symbol.dispose]: () => loop.setParameter("show_mmap", 0) };
}

export async function loopProgressChecks(suite: Suite, node: string): Promise<void> {
  for (const [how, write] of Object.entries(WRITERS)) {
    await suite.check(`loop: a writer with ${how}`, () => {
      using _ = showing();
      for (const [what, start] of Object.entries(READERS)) {
        using writer = new RawWriter(node, GREY);
        writer.start();
        const reader = start(node);
        try {
          for (let i = 0; i < 3; i++) {
            writer.queue(i, numbered(i));
            reader.take(i);
          }
          for (let i = 0; i < 3; i++) expect(writer.dequeue() >= 0, `${what}: no buffer at first`);
          write(writer);
          reader.check();
        } finally {
          reader.close();
        }
      }
      return `${FRAMES} of ${FRAMES} frames each with a reader that ${
        Object.keys(READERS).join(", ")
      }`;
    });
  }

  await suite.check("loop: a writer with one buffer, and the last frame kept", () => {
    using control = openOutput(node);
    control.setControl(VPIPE_LOOP_CID_KEEP_LAST, 1);
    try {
      using writer = new RawWriter(node, GREY);
      writer.start();
      WRITERS["one of four"](writer);
      using reader = new Reader(node, "mmap");
      expectBytes("the last frame", reader.take().bytes, numbered(FRAMES - 1));
    } finally {
      control.setControl(VPIPE_LOOP_CID_KEEP_LAST, 0);
    }
    return `${FRAMES} frames, and nobody reads; then the last one`;
  });

  for (const io of ["mmap", "read"] as const) {
    await suite.check(`loop: a writer that has but one buffer, by ${io}`, () => {
      using writer = new RawWriter(node, GREY, 1);
      writer.start();
      using reader = new Reader(node, io);
      for (let i = 0; i < FRAMES; i++) {
        writer.queue(0, numbered(i));
        // The writer does not wait for the reader, who has the frame nevertheless.
        expectEqual("the buffer", writer.dequeue(), 0);
        reader.expectFrame(`frame ${i}`, i, numbered(i));
      }
      return `${FRAMES} of ${FRAMES} frames arrive, though the writer has its buffer before`;
    });
  }
}
