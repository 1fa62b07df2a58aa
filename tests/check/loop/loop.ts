/**
 * The loopback node: vpipe-loop.ko, loop-write and the capture tools.
 *
 * @module
 */
import type { Context } from "../../harness/context.ts";
import { loopAccessChecks } from "./access.ts";
import { loopAdminChecks } from "./admin.ts";
import { loopCompatChecks } from "./compat.ts";
import { loopCompatibleChecks } from "./compatible.ts";
import { loopCtlChecks } from "./ctl.ts";
import { loopEndChecks } from "./ends.ts";
import { loopEventChecks } from "./events.ts";
import { loopFormatChecks } from "./formats.ts";
import { loopGivenChecks } from "./given.ts";
import { loopHostileChecks } from "./hostile.ts";
import { loopIoChecks } from "./io.ts";
import { loadLoop } from "./module.ts";
import { loopParameterChecks } from "./parameters.ts";
import { loopProgramChecks } from "./programs.ts";
import { loopProgressChecks } from "./progress.ts";
import { loopReaderChecks } from "./readers.ts";
import { loopSemanticChecks } from "./semantics.ts";
import { loopShareChecks } from "./share.ts";
import { loopSideChecks } from "./sides.ts";
import { loopStampChecks } from "./stamps.ts";
import { loopStillChecks } from "./stills.ts";
import { loopStreamChecks } from "./streams.ts";
import { loopTraceChecks } from "./trace.ts";
import { loopWriteChecks } from "./write.ts";
import { Skip, type Suite } from "../../harness/suite.ts";
import { exists } from "../../harness/modules.ts";
import { loop, loopNode } from "../../harness/nodes.ts";

export async function loopChecks(suite: Suite, context: Context): Promise<void> {
  const loaded = loop.isLoaded();
  let node: string | undefined;
  await suite.check("loop: load", async () => {
    if (!exists(context.loopModule)) {
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
  await loopEventChecks(suite, node);
  await loopSideChecks(suite, context, node);
  await loopShareChecks(suite, node);
  await loopTraceChecks(suite, node);
  if (suite.whole) {
    await loopFormatChecks(suite.whole, node);
    await loopStampChecks(suite.whole, node);
    await loopWriteChecks(suite.whole, context, node);
    await loopAccessChecks(suite.whole);
  }
  await loopParameterChecks(suite, context);
  await loopCompatibleChecks(suite, context);
  await loopStreamChecks(suite, context);
  await loopProgramChecks(suite, context);
  await loopAdminChecks(suite, context);
  if (suite.whole) await loopCtlChecks(suite.whole, context);
  if (loaded) await loadLoop(context);
  else if (loop.isLoaded()) await loop.unload();
}
