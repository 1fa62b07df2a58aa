/**
 * How many streams there may be: of a daemon, and of one user.
 *
 * @module
 */
import { readStream } from "../../../lib/codec/stream.ts";
import { explainDecoder, findStatelessDecoder } from "../../../lib/vpipe/decoder.ts";
import { StatelessDecoder } from "../../../lib/v4l2/decoder/stateless_stream.ts";
import { VPIPE_DEC_CODEC_VP9 } from "../../../lib/uapi/vpipe_dec.ts";
import type { Context } from "../../harness/context.ts";
import { fakeSession } from "./service.ts";
import { expectError } from "../../harness/expectations.ts";
import { run } from "../../harness/processes.ts";
import { expect, expectEqual, Skip, type Suite } from "../../harness/suite.ts";

const USER_STREAMS = "/sys/module/vpipe_dec/parameters/user_streams";
const SERVED = 32;
const CLIENTS = 40;

/** Without a daemon: one is played here. */
export async function decoderLimitChecks(suite: Suite, context: Context): Promise<void> {
  const file = `${context.fixtures}/streams/vp9-320x240.ivf`;
  const [{ sequence }] = readStream(Deno.readFileSync(file), "vp9");

  /** A client whose queues stream, until the stack is disposed of. */
  const begin = (clients: DisposableStack) => {
    const device = findStatelessDecoder();
    expect(device !== undefined, "there is no decoder");
    const decoder = clients.use(new StatelessDecoder(device));
    const settings = { buffers: 1, largest: 1, format: undefined, explain: explainDecoder };
    clients.use(decoder.start(sequence, settings));
  };

  await suite.check(`decoder: ${CLIENTS} clients at once`, () => {
    using _session = fakeSession(VPIPE_DEC_CODEC_VP9, SERVED);
    using clients = new DisposableStack();
    const refused: string[] = [];
    for (let i = 0; i < CLIENTS; i++) {
      try {
        begin(clients);
      } catch (error) {
        refused.push((error as Error).message);
      }
    }
    expectEqual("refused at STREAMON", refused.length, CLIENTS - SERVED);
    const busy = /VIDIOC_STREAMON: .*EBUSY.*serves no more streams/;
    for (const message of refused) expect(busy.test(message), message);
    return `${SERVED} stream, ${refused.length} hear at once: ${refused[0]}`;
  });

  await suite.whole?.check("decoder: streams of one user", async () => {
    const before = Deno.readTextFileSync(USER_STREAMS);
    using _session = fakeSession(VPIPE_DEC_CODEC_VP9, SERVED);
    using clients = new DisposableStack();
    // Root, but for what lifts the limit.
    const other = async () => {
      const args = ["--bounding-set", "-sys_resource", context.tool("decode-file")];
      try {
        return await run("setpriv", [...args, file, `${context.scratch}/limit.raw`]);
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) throw new Skip("there is no setpriv");
        throw error;
      }
    };
    Deno.writeTextFileSync(USER_STREAMS, "2");
    try {
      for (let i = 0; i < 3; i++) begin(clients);
      const message = "EDQUOT): this user has as many streams as the module's user_streams lets";
      return `3 of who may, then: ${expectError(await other(), "decode-file", 1, message)}`;
    } finally {
      Deno.writeTextFileSync(USER_STREAMS, before);
    }
  });
}
