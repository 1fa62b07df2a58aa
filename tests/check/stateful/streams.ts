/**
 * Whole streams through the stateful node: every byte as FFmpeg decoded it, in its order.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Context } from "../../harness/context.ts";
import {
  describeSha256,
  digestsIn,
  expectSha256,
  FORMATS,
  type StreamDigest,
} from "../decoder/file.ts";
import { decodeAll, type Reference } from "./client.ts";
import { expectEqual, type Suite } from "../../harness/suite.ts";

/** Decodes a stream, and compares it with its digest. */
export function expectDigest(
  folder: string,
  digest: StreamDigest,
  options: Parameters<typeof decodeAll>[1] = {},
): Reference {
  const format = FORMATS[digest.pixels];
  const reference = decodeAll(`${folder}/${digest.name}`, { format, ...options });
  const hash = createHash("sha256");
  for (const picture of reference.pictures.values()) hash.update(picture);
  expectEqual("pictures", reference.pictures.size, digest.frames);
  expectSha256("SHA-256", hash.digest("hex"), digest);
  return reference;
}

/** The pictures of a stream below fixtures/streams, as its digest has them. */
export function referenceOf({ fixtures }: Context, path: string): Reference {
  const slash = path.lastIndexOf("/") + 1;
  const folder = `${fixtures}/streams/${path.slice(0, slash)}`;
  return expectDigest(folder, digestsIn(folder, path.slice(slash))[0]);
}

/** Frames whose pictures come later than that of a frame behind them. */
function reordered({ pictures }: Reference): number {
  const numbers = [...pictures.keys()];
  return numbers.filter((number, place) => numbers.slice(0, place).some((n) => n > number)).length;
}

export async function statefulStreamChecks(suite: Suite, context: Context): Promise<void> {
  const streams = `${context.fixtures}/streams`;
  for (const folder of [streams, `${streams}/stateful`]) {
    for (const digest of digestsIn(folder)) {
      await suite.check(`stateful: ${digest.name}`, () => {
        const reference = expectDigest(folder, digest);
        // What is missing of a last frame that was cut off is concealed.
        const damaged = digest.name.includes("-cut.") ? 1 : 0;
        expectEqual("frames with an error", reference.errors, damaged);
        return `${digest.frames} pictures, ${reordered(reference)} out of the frames' order, ` +
          describeSha256(digest);
      });
    }
  }

  await suite.check("stateful: one buffer in each queue, and 32", () => {
    const names = ["h264-320x240.h264", "h264-refs16.h264", "vp9-resize.ivf", "av1-322x182.ivf"];
    for (const digest of digestsIn(streams, ...names)) {
      for (const buffers of [1, 32]) expectDigest(streams, digest, { buffers });
    }
    return `${names.join(", ")}: the same SHA-256`;
  });

  await suite.check("stateful: planes of their own", () => {
    const [digest] = digestsIn(streams, "h264-322x182.h264");
    expectDigest(streams, digest, { format: "nv12m" });
    return `${digest.name} in nv12m: the same SHA-256`;
  });

  for (const format of ["yu12", "ym12"] as const) {
    await suite.check(`stateful: ${format}`, () => {
      let count = 0;
      for (const folder of [streams, `${streams}/stateful`]) {
        for (const digest of digestsIn(folder).filter(({ pixels }) => pixels === "nv12")) {
          expectDigest(folder, digest, { format });
          count++;
        }
      }
      return `${count} streams: with chroma in turns the same SHA-256`;
    });
  }
}
