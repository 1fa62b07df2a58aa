/**
 * Trace events of both nodes of the decoder, with the daemon running.
 *
 * @module
 */
import type { Context } from "../../harness/context.ts";
import { statefulNode } from "../../harness/nodes.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { placeOf, Tracing } from "../../harness/trace.ts";
import { Decoding, digestsOf } from "./file.ts";

const STREAM = "h264-320x240.h264";
const BUFFERS = 3;

export async function decoderTraceChecks(suite: Suite, context: Context): Promise<void> {
  const nodes = { stateless: [], stateful: ["--device", statefulNode()] };
  for (const [variant, options] of Object.entries(nodes)) {
    const chosen = variant === "stateful" ? suite : suite.whole;
    await chosen?.check(
      `decoder: trace: ${variant}: each frame is given, each picture done`,
      async () => {
        const [{ frames }] = digestsOf(context, STREAM);
        using tracing = new Tracing("vpipe_dec", "vpdec_decode", "vpdec_done");
        const input = `${context.fixtures}/streams/${STREAM}`;
        await using decoding = new Decoding(context, input, [...options, "--buffers", BUFFERS]);
        await decoding.report();
        const events = tracing.events();
        const given = events.filter(({ name }) => name === "vpdec_decode");
        // Buffers that were given back empty are no pictures.
        const done = events.filter(({ name, fields }) =>
          name === "vpdec_done" && fields.bytesused > 0
        );
        expectEqual("pictures", done.length, frames);
        given.forEach(({ fields }, i) => {
          expectEqual("sequence on OUTPUT", fields.sequence, i);
          expect(fields.index < BUFFERS, `frame ${i}: the index is ${fields.index}`);
          expect(fields.bytesused > 0, `frame ${i} is empty`);
        });
        done.forEach((picture, i) => {
          const { stream, minor, timestamp, sequence } = picture.fields;
          expectEqual("sequence on CAPTURE", sequence, i);
          const place = placeOf(events, "vpdec_decode", { stream, minor, timestamp });
          expect(place < events.indexOf(picture), `picture ${i} is done before its frame is given`);
        });
        return `${given.length} frames, ${frames} pictures of them, by sequence and timestamp`;
      },
    );
  }
}
