/**
 * The module unloaded and loaded again and again, with a frame in each of its lives.
 *
 * @module
 */
import { expectWorking, load, unload } from "./filter.ts";
import type { Conditions } from "./stage.ts";

const LIVES = 20;

export async function reloads({ module }: Conditions): Promise<string> {
  for (let life = 0; life < LIVES; life++) {
    await unload();
    await load(module);
    await expectWorking();
  }
  return `${LIVES} times, each time a frame as the reference's`;
}
