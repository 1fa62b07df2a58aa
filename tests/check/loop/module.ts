/**
 * Loading vpipe-loop.ko with parameters.
 *
 * @module
 */
import type { Context } from "../../harness/context.ts";
import { loop } from "../../harness/nodes.ts";
import type { Outcome } from "../../harness/processes.ts";

/** Unloads the module, if it is loaded, and tries to load it with these parameters. */
export async function tryLoadLoop(context: Context, ...parameters: string[]): Promise<Outcome> {
  if (loop.isLoaded()) await loop.unload();
  return await loop.tryLoad(context.loopModule, ...parameters);
}

/** Loads the module anew with these parameters. */
export async function loadLoop(context: Context, ...parameters: string[]): Promise<void> {
  if (loop.isLoaded()) await loop.unload();
  await loop.load(context.loopModule, ...parameters);
}
