/**
 * Trace events of the loopback node, beside what a writer and its readers saw themselves.
 *
 * @module
 */
import { numbered, Reader, VGA_BYTES, Writer } from "./client.ts";
import { loopStats, loopStatsSince } from "../../harness/nodes.ts";
import { expect, expectEqual, type Suite } from "../../harness/suite.ts";
import { placeOf, Tracing } from "../../harness/trace.ts";

const FRAMES = 12;

export async function loopTraceChecks(suite: Suite, node: string): Promise<void> {
  const trace = () =>
    new Tracing("vpipe_loop", "vloop_published", "vloop_delivered", "vloop_dropped");

  await suite.check("loop: trace: each frame is published, then delivered", () => {
    for (const io of ["mmap", "read"] as const) {
      using writer = new Writer(node, "mmap");
      using reader = new Reader(node, io);
      using tracing = trace();
      const taken = Array.from({ length: FRAMES }, (_, number) => {
        writer.write(numbered(number));
        const got = reader.take();
        reader.give(got);
        // read(2) has no buffer.
        return io === "read"
          ? { index: -1, sequence: number }
          : { ...got, sequence: got.sequence! };
      });
      const events = tracing.events();
      expectEqual("events", events.length, 2 * FRAMES);
      let place = -1;
      taken.forEach(({ index, sequence }, number) => {
        const bytesused = VGA_BYTES;
        place = placeOf(events, "vloop_published", { sequence: number, bytesused }, place);
        const { minor, frame, timestamp, stream } = events[place].fields;
        const delivered = { minor, frame, timestamp, index, sequence, bytesused };
        place = placeOf(events, "vloop_delivered", delivered, place);
        expect(events[place].fields.stream !== stream, "the reader's file is the writer's");
      });
    }
    return `${FRAMES} frames by mmap, and by read(2), with the reader's index and sequence`;
  });
  await suite.check("loop: trace: what a reader loses is dropped", () => {
    using writer = new Writer(node, "mmap");
    using reader = new Reader(node, "mmap");
    const before = loopStats(node);
    using tracing = trace();
    for (let number = 0; number < FRAMES; number++) writer.write(numbered(number));
    const got: number[] = [];
    for (let taken = reader.tryTake(); taken; taken = reader.tryTake()) {
      got.push(taken.sequence!);
      reader.give(taken);
    }
    const { lost } = loopStatsSince(node, before);
    const events = tracing.events();
    const sequencesOf = (wanted: string) =>
      events.flatMap(({ name, fields }) => name === wanted ? [fields.sequence] : []);
    const dropped = sequencesOf("vloop_dropped");
    expect(lost > 0, "the reader lost nothing");
    expectEqual("frames dropped", dropped.length, lost);
    expectEqual("frames delivered", sequencesOf("vloop_delivered").join(), got.join());
    const all = [...dropped, ...got].sort((a, b) => a - b);
    expectEqual("all of them", all.join(), [...Array(FRAMES).keys()].join());
    return `${FRAMES} frames: ${got.length} delivered, ${lost} dropped, by their sequence`;
  });
}
