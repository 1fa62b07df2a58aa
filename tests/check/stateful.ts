/**
 * The stateful node.
 *
 * @module
 */
import type { Context } from "./context.ts";
import { digestsIn, expectDecoded } from "./decoder_file.ts";
import { statefulBufferChecks } from "./stateful_buffers.ts";
import { statefulChangeChecks } from "./stateful_changes.ts";
import { statefulNode } from "./stateful_client.ts";
import { statefulFormatChecks } from "./stateful_formats.ts";
import { statefulSequenceChecks } from "./stateful_sequences.ts";
import { statefulStreamChecks } from "./stateful_streams.ts";
import { statefulTimeChecks } from "./stateful_times.ts";
import type { Suite } from "./suite.ts";

/** With a daemon that runs. */
export async function statefulChecks(suite: Suite, context: Context): Promise<void> {
  const folder = `${context.fixtures}/streams/stateful`;
  await suite.check("stateful: decode-file", async () => {
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
}
