/**
 * Drains and seeks in the middle of a stream of each codec: what refers to frames before a drain is
 * decoded as if there had been none, and what refers to frames before a seek is not shown.
 *
 * @module
 */
import { V4L2_EVENT_SOURCE_CHANGE } from "../../../lib/uapi/videodev2.ts";
import type { Context } from "../../harness/context.ts";
import { Client, type Reference } from "./client.ts";
import { referenceOf } from "./streams.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";

/** Short streams, and the number of a later key frame where there is one. */
const STREAMS: readonly (readonly [string, number?])[] = [
  ["vp9-322x182.ivf"],
  ["av1-322x182.ivf"],
  ["h264-322x182.h264"],
  ["stateful/hevc-322x182.hevc"],
  ["stateful/vp8-322x182.ivf"],
  ["stateful/mpeg1-160x120.m1v", 7],
  ["stateful/mpeg2-322x182.m2v", 7],
  ["stateful/mpeg4-160x120.m4v", 7],
  ["stateful/h263-176x144.h263", 9],
];

/** Frames from one drain to the next. */
const STEP = 5;

/** A client whose CAPTURE is set up, and whose OUTPUT has room for the whole stream. */
function begun(reference: Reference, count: number): Client {
  const client = new Client(reference.codec, { outputs: reference.frames.length });
  client.sendAll(reference, 0, count);
  client.expectEvent(V4L2_EVENT_SOURCE_CHANGE);
  client.setUp();
  return client;
}

/** A drain every few frames. */
function drained(reference: Reference): string {
  const { frames, pictures } = reference;
  using client = begun(reference, STEP);
  const counts: number[] = [];
  for (let at = STEP;; at += STEP) {
    client.stop();
    counts.push(client.expectPictures(reference).length);
    if (at >= frames.length) break;
    client.start();
    client.sendAll(reference, at, Math.min(at + STEP, frames.length));
  }
  const sum = counts.reduce((total, count) => total + count, 0);
  expectEqual("pictures of all parts", sum, pictures.size);
  return `${counts.join(" + ")} pictures, each as without a drain`;
}

/** A seek to a frame in the middle that others are needed for, then to the first one. */
function sought(reference: Reference, key = Infinity): string {
  const { frames, pictures } = reference;
  using client = begun(reference, STEP);
  client.next();
  client.seek();
  // Whatever was decoded before goes, too.
  client.setUp();
  client.sendAll(reference, STEP);
  client.stop();
  const middle = client.expectPictures(reference);
  const early = middle.find((number) => number < key);
  expect(early === undefined, `frame ${early} is shown, which refers to what was left out`);
  expect(key === Infinity || middle.length > 0, `no picture from key frame ${key} on`);
  client.seek();
  client.sendAll(reference, 0);
  client.stop();
  const all = client.expectPictures(reference).join();
  expectEqual("pictures behind the first frame", all, [...pictures.keys()].join());
  return `${middle.length} pictures of frames ${STEP} to ${frames.length - 1}, which have ` +
    `${key === Infinity ? "no key frame" : `key frame ${key}`}, then all ${pictures.size}`;
}

export async function statefulCodecChecks(suite: Suite, context: Context): Promise<void> {
  for (const [name, key] of STREAMS) {
    await suite.check(`stateful: ${name}, drained again and again, and sought`, () => {
      const reference = referenceOf(context, name);
      return `${drained(reference)}; ${sought(reference, key)}`;
    });
  }
}
