/**
 * The loopback node: vpipe-loop.ko, loop-write and the capture tools.
 *
 * @module
 */
import type { Context } from "./context.ts";
import { loopAccessChecks } from "./loop_access.ts";
import { loopCompatChecks } from "./loop_compat.ts";
import { loopEndChecks } from "./loop_ends.ts";
import { loopFormatChecks } from "./loop_formats.ts";
import { loopGivenChecks } from "./loop_given.ts";
import { loopHostileChecks } from "./loop_hostile.ts";
import { loopIoChecks } from "./loop_io.ts";
import { isLoopLoaded, loadLoop, loopNode } from "./loop_module.ts";
import { loopParameterChecks } from "./loop_parameters.ts";
import { loopProgressChecks } from "./loop_progress.ts";
import { loopReaderChecks } from "./loop_readers.ts";
import { loopSemanticChecks } from "./loop_semantics.ts";
import { loopShareChecks } from "./loop_share.ts";
import { loopSideChecks } from "./loop_sides.ts";
import { loopStampChecks } from "./loop_stamps.ts";
import { loopStillChecks } from "./loop_stills.ts";
import { loopWriteChecks } from "./loop_write.ts";
import { succeed } from "./processes.ts";
import { Skip, type Suite } from "./suite.ts";

export async function loopChecks(suite: Suite, context: Context): Promise<void> {
  const loaded = isLoopLoaded();
  let node: string | undefined;
  await suite.check("loop: load", async () => {
    try {
      Deno.lstatSync(context.loopModule);
    } catch {
      throw new Skip(`there is no ${context.loopModule}: build the module`);
    }
    await loadLoop(context);
    node = loopNode();
    return `${context.loopModule} gives ${node}`;
  });
  if (node === undefined) return;

  await loopIoChecks(suite, context, node);
  await loopReaderChecks(suite, context, node);
  await loopGivenChecks(suite, context, node);
  await loopProgressChecks(suite, node);
  await loopHostileChecks(suite, context, node);
  await loopCompatChecks(suite, context, node);
  await loopEndChecks(suite, context, node);
  await loopStillChecks(suite, node);
  await loopSemanticChecks(suite, node);
  await loopSideChecks(suite, context, node);
  await loopShareChecks(suite, node);
  if (suite.whole) {
    await loopFormatChecks(suite.whole, node);
    await loopStampChecks(suite.whole, node);
    await loopWriteChecks(suite.whole, context, node);
    await loopAccessChecks(suite.whole);
  }
  await loopParameterChecks(suite, context);
  if (loaded) await loadLoop(context);
  else if (isLoopLoaded()) await succeed("rmmod", ["vpipe_loop"]);
}
