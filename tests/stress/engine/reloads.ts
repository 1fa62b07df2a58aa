/**
 * A module unloaded and loaded again and again, and whether it works in each of its lives.
 *
 * @module
 */
import type { Module } from "../../harness/modules.ts";
import type { Conditions } from "./stage.ts";

const LIVES = 10;

export const reloadsOf =
  (driver: Module, expectWorking: () => Promise<void>) =>
  async ({ module, step }: Conditions): Promise<string> => {
    for (let life = 0; life < LIVES; life++) {
      await driver.unload();
      await driver.load(module);
      await expectWorking();
      step();
    }
    return `${LIVES} times, each time with frames as they have to be`;
  };
