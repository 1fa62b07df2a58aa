/**
 * How many streams there may be, and how much memory their pictures may take: of a daemon, and of one user.
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
import { decoder } from "../../harness/nodes.ts";
import { run } from "../../harness/processes.ts";
import { expect, expectEqual, Skip, type Suite } from "../../harness/suite.ts";

const SERVED = 32;
const CLIENTS = 40;

const LARGE = { width: 4096, height: 4096 };

/** What an error says; nothing of a success. */
function messageOf(act: () => void): string {
  try {
    act();
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

/** Without a daemon: one is played here. */
export async function decoderLimitChecks(suite: Suite, context: Context): Promise<void> {
  const file = `${context.fixtures}/streams/vp9-320x240.ivf`;
  const [{ sequence }] = readStream(Deno.readFileSync(file), "vp9");

  /** A client whose queues stream, until the stack is disposed of. */
  const begin = (clients: DisposableStack, size: { width?: number; height?: number } = {}) => {
    const device = findStatelessDecoder();
    expect(device !== undefined, "there is no decoder");
    const client = clients.use(new StatelessDecoder(device));
    const settings = { buffers: 1, largest: 1, format: undefined, explain: explainDecoder };
    clients.use(client.start({ ...sequence, ...size }, settings));
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

  /** A client that is root, but for what lifts a user's limits. */
  const other = async () => {
    const args = ["--bounding-set", "-sys_resource", context.tool("decode-file")];
    try {
      return await run("setpriv", [...args, file, `${context.scratch}/limit.raw`]);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) throw new Skip("there is no setpriv");
      throw error;
    }
  };

  await suite.check("decoder: memory for the pictures of large streams", () => {
    // Eight references and the frame in work, in NV12.
    const bytes = 9 * LARGE.width * LARGE.height * 3 / 2;
    using _session = fakeSession(VPIPE_DEC_CODEC_VP9, SERVED, 2.5 * bytes);
    using clients = new DisposableStack();
    begin(clients, LARGE);
    const refused = () => {
      using third = new DisposableStack();
      return messageOf(() => begin(third, LARGE));
    };
    {
      using second = new DisposableStack();
      begin(second, LARGE);
      const message = refused();
      expect(/VIDIOC_STREAMON: .*EBUSY.*no memory for more pictures/.test(message), message);
      begin(clients);
    }
    expectEqual("when one has ended", refused(), "");
    return "two of 4096x4096 stream, a third one does when one has ended; a small one beside them";
  });

  await suite.whole?.check("decoder: memory for the pictures of one user", async () => {
    using _session = fakeSession(VPIPE_DEC_CODEC_VP9, SERVED, 1.5 * 9 * 320 * 240 * 3 / 2);
    using clients = new DisposableStack();
    const message = "EDQUOT): this user has as many streams as the module's user_streams lets";
    const said = expectError(await other(), "decode-file", 1, message);
    begin(clients);
    return `${said}; who may have all of it streams`;
  });

  await suite.whole?.check("decoder: streams of one user", async () => {
    using _session = fakeSession(VPIPE_DEC_CODEC_VP9, SERVED);
    using clients = new DisposableStack();
    using _limit = decoder.withParameter("user_streams", 2);
    for (let i = 0; i < 3; i++) begin(clients);
    const message = "EDQUOT): this user has as many streams as the module's user_streams lets";
    return `3 of who may, then: ${expectError(await other(), "decode-file", 1, message)}`;
  });
}
