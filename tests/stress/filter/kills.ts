/**
 * Tools killed in the middle of a stream.
 *
 * @module
 */
import { MetaReader } from "../../../lib/vpipe/meta.ts";
import { HEAP, META } from "../../harness/context.ts";
import { Running } from "../../harness/processes.ts";
import { expect } from "../../harness/suite.ts";
import { filter } from "../../harness/nodes.ts";
import type { Conditions } from "../engine/stage.ts";
import { delay } from "../../harness/waiting.ts";

const FRAMES = "1000000";
const MIN_KILLS = 24;

/** From start to first frame, about; half of the kills come before, half after. */
const START_MS = 600;

export async function kills(
  { seconds, random, tools, module, fixtures, step }: Conditions,
): Promise<string> {
  const end = performance.now() + seconds * 1000;
  const scratch = Deno.makeTempDirSync();
  let killed = 0;
  let streaming = 0;
  try {
    while (killed < MIN_KILLS || performance.now() < end) {
      using meta = new MetaReader(META);
      const { published } = meta.stats();
      await using bench = new Running(`${tools}/bench-fixture`, [
        ...[filter.videoNode(), HEAP, `${fixtures}/noise-vga.pgm`, `${scratch}/bench.csv`],
        ...[FRAMES, "threshold", "--quiet"],
      ]);
      await using _drain = new Running(`${tools}/meta-drain`, [
        ...[META, `${scratch}/meta.csv`, FRAMES, "--quiet"],
      ]);
      if (random.chance(0.4)) {
        await delay(random.below(START_MS));
      } else {
        let over = false;
        // It says nothing before its end.
        bench.line().then(() => over = true);
        while (meta.read(1, 100) === 0) {
          if (over) expect(false, `bench-fixture ended: ${JSON.stringify(await bench.end())}`);
          await delay(0);
        }
        await delay(random.below(50));
      }
      if (meta.stats().published > published) streaming++;
      killed += 2;
      step();
    }
  } finally {
    Deno.removeSync(scratch, { recursive: true });
  }
  expect(streaming > 0, "no tool came as far as streaming");
  await filter.unload();
  await filter.load(module);
  return `${killed} tools killed, in ${streaming} of ${killed / 2} rounds in mid-stream; ` +
    "the module unloads: no file is left open";
}
