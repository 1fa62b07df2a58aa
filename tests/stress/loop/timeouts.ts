/**
 * Time-out images in between the frames of writers who come and go, with the last frame kept or not,
 * and other formats: readers get whole pictures alone.
 *
 * @module
 */
import { readLoop } from "./reader_worker.ts";
import {
  VPIPE_LOOP_CID_KEEP_LAST,
  VPIPE_LOOP_CID_STAMPS,
  VPIPE_LOOP_CID_TIMEOUT,
  VPIPE_LOOP_CID_TIMEOUT_IMAGE,
} from "../../../lib/uapi/vpipe_loop.ts";
import { expect } from "../../harness/suite.ts";
import { expectLoopIdle } from "./loop.ts";
import type { LoopReaderOrder } from "./reader_worker.ts";
import { LoopWriter, SIZES, WRITER_IO } from "./stream.ts";
import type { Conditions } from "../engine/stage.ts";
import { Worker } from "../engine/workers.ts";
import { delay } from "../../harness/waiting.ts";
import { loop, loopNode } from "../../harness/nodes.ts";

/** The interval between images: the shortest there is. */
const INTERVAL = { numerator: 1, denominator: 1000 };

export async function loopTimeouts({ seconds, random, module }: Conditions): Promise<string> {
  const node = loopNode();
  await using workers = new AsyncDisposableStack();
  const order = { node, mayRepeat: true };
  const orders: LoopReaderOrder[] = [
    { ...order, io: "view", hold: 2 },
    { ...order, io: "read", frames: 20 },
    { ...order, io: "userptr", frames: 5 },
    { ...order, io: "view", frames: 3 },
  ];
  const readers = orders.map((order) => workers.use(new Worker(readLoop, order)));
  for (const reader of readers) await reader.says("reading");
  const end = performance.now() + seconds * 1000;
  let writers = 0;
  let frames = 0;
  for (; performance.now() < end; writers++) {
    using writer = new LoopWriter(node, random.pick(WRITER_IO));
    const set = (id: number, value: number) => writer.device.setControl(id, value);
    set(VPIPE_LOOP_CID_TIMEOUT, random.pick([0, 1, 1, 2, 20]));
    set(VPIPE_LOOP_CID_KEEP_LAST, random.below(2));
    set(VPIPE_LOOP_CID_STAMPS, random.below(3));
    writer.device.setFrameInterval(2, INTERVAL);
    if (random.chance(0.7)) writer.setFormat(random.pick(SIZES.slice(0, 4)));
    else writer.setFormat([64, 48]);
    writer.request();
    writer.start();
    for (let i = random.below(20); i > 0; i--) {
      if (random.chance(0.1)) set(VPIPE_LOOP_CID_TIMEOUT_IMAGE, 1);
      if (random.chance(0.1)) set(VPIPE_LOOP_CID_KEEP_LAST, random.below(2));
      writer.frame();
      if (random.chance(0.3)) await delay(random.below(5));
    }
    frames += writer.frames;
    if (random.chance(0.3)) writer.abandon();
    writer.close();
    await delay(random.below(20));
  }
  for (const reader of readers) reader.stop();
  const said = await Promise.all(readers.map((reader) => reader.result()));
  await expectLoopIdle();
  // Its controls are as they are at first.
  await loop.unload();
  await loop.load(module);
  const sum = (name: "frames" | "repeated" | "lives") =>
    said.reduce((sum, counts) => sum + counts[name], 0);
  expect(sum("repeated") > 0, "nobody got a time-out image");
  return `${writers} writers with ${frames} frames; ${readers.length} readers had ` +
    `${sum("frames")} whole pictures in ${sum("lives")} lives, ${sum("repeated")} of them again`;
}
