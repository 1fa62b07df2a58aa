/**
 * The stateful node.
 *
 * @module
 */
import type { Context } from "../../harness/context.ts";
import { digestsIn, expectDecoded } from "../decoder/file.ts";
import { statefulBrowserChecks } from "./browser.ts";
import { statefulBufferChecks } from "./buffers.ts";
import { statefulChangeChecks } from "./changes.ts";
import { statefulNode } from "../../harness/nodes.ts";
import { statefulFormatChecks } from "./formats.ts";
import { statefulSequenceChecks } from "./sequences.ts";
import { statefulStreamChecks } from "./streams.ts";
import { statefulTimeChecks } from "./times.ts";
import type { Suite } from "../../harness/suite.ts";

/** With a daemon that runs. */
export async function statefulChecks(suite: Suite, context: Context): Promise<void> {
  const folder = `${context.fixtures}/streams/stateful`;
  await suite.whole?.check("stateful: decode-file", async () => {
    const device = statefulNode();
    const [digest] = digestsIn(folder, "hevc-322x182.hevc");
    await expectDecoded(context, `${folder}/${digest.name}`, digest, "--device", device);
    return `${digest.name} by ${device}: ${digest.frames} frames, SHA-256 as in digests.txt`;
  });
  await statefulBufferChecks(suite, context);
  if (!suite.whole) return;
  await statefulFormatChecks(suite.whole, context);
  await statefulSequenceChecks(suite.whole, context);
  await statefulStreamChecks(suite.whole, context);
  await statefulTimeChecks(suite.whole, context);
  await statefulChangeChecks(suite.whole, context);
  await statefulBrowserChecks(suite.whole, context);
}
