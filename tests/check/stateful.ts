/**
 * The stateful node, with decode-file and with a client of the checks' own.
 *
 * @module
 */
import { findStatefulDecoder } from "../../lib/vpipe/stateful_path.ts";
import type { Context } from "./context.ts";
import { digestsIn, expectDecoded } from "./decoder_file.ts";
import { expect, type Suite } from "./suite.ts";

/** With a daemon that runs. */
export async function statefulChecks(suite: Suite, context: Context): Promise<void> {
  const folder = `${context.fixtures}/streams/stateful`;

  await suite.check("stateful: decode-file", async () => {
    const device = findStatefulDecoder();
    expect(device !== undefined, "there is no stateful decoder node");
    const [digest] = digestsIn(folder, "hevc-322x182.hevc");
    await expectDecoded(context, `${folder}/${digest.name}`, digest, "--device", device);
    return `${digest.name} by ${device}: ${digest.frames} frames, SHA-256 as in digests.txt`;
  });
}
