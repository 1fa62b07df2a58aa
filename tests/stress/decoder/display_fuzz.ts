/**
 * Broken streams of all codecs through the real daemon on the stateful node, and streams of another
 * codec than the client says, beside whole ones: the client comes to an end, the others are exact.
 *
 * @module
 */
import { displayExactly } from "./worker.ts";
import { expect } from "../../harness/suite.ts";
import { expectIdle } from "./decoder.ts";
import { Daemon } from "./daemon.ts";
import { type CodedFixture, display, readCodedFixtures } from "./display.ts";
import { mutate } from "./mutations.ts";
import { Random } from "../../harness/random.ts";
import type { Conditions } from "../engine/stage.ts";
import { Worker } from "../engine/workers.ts";

/** In a full run. */
const STREAMS = 5_300;

/** Frames of a mutated stream: what is behind them is not broken in another way. */
const FRAMES = 12;

export async function decoderDisplayFuzz(
  { random, tools, fixtures, amount }: Conditions,
): Promise<string> {
  const all = readCodedFixtures(fixtures);
  const codecs = [...new Set(all.map(({ codec }) => codec))];
  const wanted = Math.max(Math.round(STREAMS * amount), codecs.length);
  const sum = { streams: 0, ended: 0, pictures: 0, errors: 0 };

  const breakOne = async ({ codec, frames }: CodedFixture, seed: number) => {
    const own = new Random(seed);
    const broken = {
      codec: own.chance(0.1) ? own.pick(codecs) : codec,
      frames: mutate(frames.slice(0, FRAMES), own),
    };
    const { pictures, errors } = await display(broken, () => {});
    sum.streams++;
    sum.pictures += pictures;
    sum.errors += errors;
  };

  let whole;
  {
    await using daemon = await Daemon.start(tools);
    await using other = new Worker(displayExactly, { seed: random.next(), fixtures });
    const begun = other.line();
    while (sum.streams < wanted) {
      const codec = codecs[sum.streams % codecs.length];
      const coded = random.pick(all.filter((one) => one.codec === codec));
      const seed = random.next();
      try {
        await breakOne(coded, seed);
      } catch (error) {
        await daemon.expectAlive();
        const { message } = error as Error;
        // What looks like pictures of no format that there is ends a stream before its first one.
        if (/the device stopped the stream|\(EIO\)/.test(message)) {
          sum.streams++;
          sum.ended++;
          continue;
        }
        expect(false, `${coded.fixture.name}, mutation of seed ${seed}: ${message}`);
      }
    }
    expect(await begun !== undefined, "the whole streams did not begin");
    other.stop();
    whole = await other.result();
    await daemon.expectAlive();
  }
  await expectIdle(0);
  const { streams, ended, pictures, errors } = sum;
  expect(pictures > 0 && errors > 0, `${pictures} pictures, ${errors} errors`);
  return `${streams} broken streams of ${codecs.length} codecs, ${ended} ended by the device: ` +
    `${pictures} pictures, ${errors} frames with the error flag; ${whole.streams} whole streams beside them were exact`;
}
