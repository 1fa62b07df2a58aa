/**
 * Stateful streams that end at every moment of their life, in every way that one can: each buffer comes
 * back, and what comes next is decoded.
 *
 * @module
 */
import { EAGAIN, EBUSY, EINVAL, EIO, ENODEV } from "../../../lib/sys/errno.ts";
import { Poller, POLLERR, POLLHUP, POLLIN } from "../../../lib/sys/poll.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { CheckFailure, expect, expectEqual } from "../../harness/suite.ts";
import { expectIdle, TIMEOUT_MS } from "./decoder.ts";
import { Answering } from "./answering.ts";
import { CAPTURE, OUTPUT, SIDES } from "./client.ts";
import { DAMAGED } from "./pictures.ts";
import { StatefulClient } from "./stateful_client.ts";
import { type Conditions, NEVER_MS } from "../engine/stage.ts";
import type { Random } from "../../harness/random.ts";
import { delay, until } from "../../harness/waiting.ts";
import { decoder, statefulNode } from "../../harness/nodes.ts";

const BUFFERS = 3;

/** Frames whose pictures are as CAPTURE is at first, of another size, and of another depth. */
const SAME = 3;
const SMALLER = 1;
const DEEPER = 0x82;

/** A scene that is not set within half of it is set anew. */
const SHORT_TIMEOUT_MS = 1000;

const SILENCE = "nothing happens for longer than the time-out";

/** A client and its daemon, which does nothing unless it is told to. */
class Scene implements Disposable {
  daemon = new Answering();
  client = new StatefulClient(statefulNode(), BUFFERS);
  readonly serve = () => this.daemon.serve();

  constructor(readonly random: Random) {}

  get stream() {
    return this.daemon.latest;
  }

  /** OUTPUT streaming; CAPTURE too, now and then. */
  begin(): void {
    const { client, random } = this;
    if (random.chance(0.4)) {
      client.lend();
      client.begin(CAPTURE);
    }
    client.begin(OUTPUT);
  }

  /** Some frames queued, the first of them of any format. */
  send(): void {
    const first = this.random.pick([SAME, SMALLER, DEEPER]);
    for (let i = this.random.between(1, 2); i > 0; i--) this.client.frame(first);
  }

  /** Has the daemon read all that there is, and answer nothing. */
  read(): void {
    this.daemon.accept();
    while (this.stream.step());
  }

  /** Some pictures decoded; the CAPTURE buffers but one are with the daemon. */
  async run(): Promise<void> {
    this.begin();
    await this.client.decode(SAME, this.serve);
  }

  /** The same, and all CAPTURE buffers with the client. */
  async starve(): Promise<void> {
    await this.run();
    for (let i = 1; i < BUFFERS; i++) {
      this.client.take();
      this.client.frame(SAME);
      this.serve();
    }
    this.client.take();
  }

  /** CAPTURE running, all of its buffers with the driver. */
  async feed(): Promise<void> {
    await this.run();
    this.client.lend();
    this.serve();
  }

  change(): void {
    this.client.frame(this.random.pick([SMALLER, DEEPER]));
    this.serve();
  }

  stop(): void {
    expectEqual("DEC_CMD_STOP", this.client.command(v4l2.V4L2_DEC_CMD_STOP), 0);
  }

  /** Another daemon, for an older one may not be. */
  replaceDaemon(): void {
    this.daemon[Symbol.dispose]();
    this.daemon = new Answering();
  }

  [Symbol.dispose](): void {
    this.client.close();
    this.daemon.serve();
    this.daemon[Symbol.dispose]();
  }
}

/** Where a stream can be, and who has to do something for it to go on. */
interface Moment {
  readonly turn: "daemon" | "client";
  reach(scene: Scene): void | Promise<void>;
}

const MOMENTS: Readonly<Record<string, Moment>> = {
  "frames unread": {
    turn: "daemon",
    reach(scene) {
      scene.begin();
      scene.send();
      scene.daemon.accept();
    },
  },
  "frames read, no format told": {
    turn: "daemon",
    reach(scene) {
      scene.begin();
      scene.send();
      scene.read();
    },
  },
  "format told, CAPTURE not set up": {
    turn: "client",
    reach({ client, serve }) {
      client.begin(OUTPUT);
      client.frame(SMALLER);
      client.frame(SMALLER);
      serve();
    },
  },
  "format told, CAPTURE started with what is too small": {
    turn: "client",
    reach({ client, random, serve }) {
      client.begin(OUTPUT);
      const early = random.chance(0.5);
      if (early) client.lend();
      client.frame(DEEPER);
      serve();
      if (!early) client.lend();
      client.begin(CAPTURE);
      if (random.chance(0.5)) client.take();
    },
  },
  "buffers unread": {
    turn: "daemon",
    async reach(scene) {
      await scene.starve();
      scene.client.frame(SAME);
      scene.client.lend();
    },
  },
  "buffers read, frame read": {
    turn: "daemon",
    async reach(scene) {
      await scene.feed();
      scene.client.frame(SAME);
      scene.read();
    },
  },
  "pictures not fetched": {
    turn: "client",
    async reach(scene) {
      await scene.feed();
      scene.client.frame(SAME);
      scene.client.frame(SAME);
      scene.serve();
    },
  },
  "frame read, no buffer for it": {
    turn: "client",
    async reach(scene) {
      await scene.starve();
      scene.client.frame(SAME);
      scene.serve();
    },
  },
  "drain before CAPTURE is set up": {
    turn: "client",
    reach({ client, random, serve }) {
      client.begin(OUTPUT);
      client.frame(random.pick([SAME, SMALLER, DEEPER]));
      if (random.chance(0.5)) serve();
      expectEqual("DEC_CMD_STOP", client.command(v4l2.V4L2_DEC_CMD_STOP), 0);
      serve();
    },
  },
  "damage alone, and drained": {
    turn: "client",
    reach({ client, serve }) {
      client.begin(OUTPUT);
      client.frame(DAMAGED);
      serve();
      expectEqual("DEC_CMD_STOP", client.command(v4l2.V4L2_DEC_CMD_STOP), 0);
      serve();
    },
  },
  "change, last buffer due": {
    turn: "client",
    async reach(scene) {
      await scene.starve();
      scene.change();
    },
  },
  "change, last buffer given": {
    turn: "client",
    async reach(scene) {
      await scene.feed();
      scene.change();
    },
  },
  "change, last buffer fetched": {
    turn: "client",
    async reach(scene) {
      await scene.feed();
      scene.change();
      scene.client.take();
      expect(scene.client.halted, "a change gives no last buffer");
    },
  },
  "change, CAPTURE stopped": {
    turn: "client",
    async reach(scene) {
      await scene.feed();
      scene.change();
      scene.client.take();
      scene.client.stop(CAPTURE);
    },
  },
  "drain unread": {
    turn: "daemon",
    async reach(scene) {
      await scene.feed();
      scene.stop();
    },
  },
  "drain read": {
    turn: "daemon",
    async reach(scene) {
      await scene.feed();
      scene.client.frame(SAME);
      scene.stop();
      scene.read();
      expectEqual(
        "errno of a second DEC_CMD_STOP",
        scene.client.command(v4l2.V4L2_DEC_CMD_STOP),
        -EBUSY,
      );
    },
  },
  "drain done, last buffer due": {
    turn: "client",
    async reach(scene) {
      await scene.starve();
      scene.stop();
      scene.serve();
    },
  },
  "drain done, last buffer given": {
    turn: "client",
    async reach(scene) {
      await scene.feed();
      scene.stop();
      scene.serve();
    },
  },
  "drain done, last buffer fetched": {
    turn: "client",
    async reach(scene) {
      await scene.feed();
      scene.client.frame(SAME);
      scene.stop();
      scene.serve();
      scene.client.take();
      expect(scene.client.halted, "a drain gives no last buffer");
    },
  },
  "drain during a change": {
    turn: "client",
    async reach(scene) {
      await scene.feed();
      scene.change();
      scene.stop();
      scene.serve();
    },
  },
  "change during a drain": {
    turn: "client",
    async reach(scene) {
      await scene.feed();
      scene.client.frame(SMALLER);
      scene.stop();
      scene.serve();
      if (scene.random.chance(0.5)) scene.client.take();
    },
  },
};

/** Whoever waits learns that the stream is over; both queues can begin anew. */
async function expectOver({ client }: Scene): Promise<void> {
  const events = new Poller(client.device, POLLIN).wait(NEVER_MS);
  expect((events & (POLLERR | POLLHUP)) !== 0, `poll of a stream that is over gives ${events}`);
  for (const side of SIDES) {
    if (!client.isStreaming(side)) continue;
    // One queue is told after the other.
    let result = -EAGAIN;
    await until("DQBUF has an answer", () => (result = client.tryDequeue(side)) !== -EAGAIN);
    expectEqual("DQBUF of a stream that is over", result, -EIO);
    client.stop(side);
  }
}

/** Both queues begin anew, in any order. */
function begin({ client, random }: Scene): void {
  for (const side of SIDES) if (client.isStreaming(side)) client.stop(side);
  const early = random.chance(0.4);
  if (early) client.setUp();
  client.begin(OUTPUT);
}

type Ending = (scene: Scene, moment: Moment) => void | Promise<void>;

const ENDINGS: Readonly<Record<string, Ending>> = {
  "it just goes on"() {},
  "OUTPUT stops: a seek"({ client, random, serve }) {
    client.stop(OUTPUT);
    if (random.chance(0.5)) serve();
    client.begin(OUTPUT);
  },
  "CAPTURE stops"({ client, random, serve }) {
    if (client.isStreaming(CAPTURE)) client.stop(CAPTURE);
    if (random.chance(0.5)) serve();
  },
  "both stop"(scene) {
    for (const side of scene.random.shuffle(SIDES)) {
      if (scene.client.isStreaming(side)) scene.client.stop(side);
      if (scene.random.chance(0.3)) scene.serve();
    }
    begin(scene);
  },
  "DEC_CMD_START at once"({ client }) {
    const result = client.goOn();
    expect([0, -EBUSY, -EINVAL].includes(result), `DEC_CMD_START: errno ${-result}`);
  },
  "the last buffer is removed"({ client }) {
    client.take();
    if (client.last >= 0 && client.halted) client.forget(client.last);
  },
  "the client goes"(scene) {
    scene.client.close();
    scene.serve();
    scene.client = new StatefulClient(statefulNode(), BUFFERS);
    scene.begin();
  },
  async "the daemon closes the stream"(scene) {
    const { daemon, stream } = scene;
    stream[Symbol.dispose]();
    daemon.streams.delete(stream.file.id);
    await expectOver(scene);
    begin(scene);
  },
  async "the daemon goes"(scene) {
    scene.replaceDaemon();
    await expectOver(scene);
    begin(scene);
  },
  "the device goes"(scene) {
    decoder.unbind();
    try {
      expectEqual("errno without a device", scene.client.tryStart(OUTPUT), -ENODEV);
      scene.client.close();
    } finally {
      decoder.bind();
    }
    scene.replaceDaemon();
    scene.client = new StatefulClient(statefulNode(), BUFFERS);
    scene.begin();
  },
  async [SILENCE](scene, { turn }) {
    const isOver = () => (scene.stream.file.poll() & POLLHUP) !== 0;
    if (turn === "daemon") {
      await until("the stream is over", isOver);
    } else {
      await delay(1.5 * SHORT_TIMEOUT_MS);
      expect(!isOver(), "over by time-out, in the client's turn");
    }
    decoder.setParameter("timeout_ms", TIMEOUT_MS);
    if (turn !== "daemon") return;
    await expectOver(scene);
    begin(scene);
  },
};

/** A scene at its moment, which has come within `ms`: before its stream can be over by time-out. */
async function sceneAt(moment: Moment, random: Random, ms: number): Promise<Scene> {
  for (const end = performance.now() + NEVER_MS; performance.now() < end;) {
    using stack = new DisposableStack();
    const scene = stack.use(new Scene(random));
    const begin = performance.now();
    const isLate = () => performance.now() - begin > ms;
    try {
      await moment.reach(scene);
    } catch (error) {
      if (!isLate()) throw error;
    }
    if (isLate()) continue;
    stack.move();
    return scene;
  }
  throw new CheckFailure(`is not reached within ${ms} ms, however often it is tried`);
}

async function round(random: Random, moment: Moment, end: Ending): Promise<number> {
  // What is on its way already does not become shorter.
  const timeout = end === ENDINGS[SILENCE] ? SHORT_TIMEOUT_MS : TIMEOUT_MS;
  decoder.setParameter("timeout_ms", timeout);
  using scene = await sceneAt(moment, random, timeout / 2);
  await end(scene, moment);
  for (let i = random.between(1, 2); i > 0; i--) {
    await scene.client.decode(random.pick([SAME, SMALLER, DEEPER]), scene.serve);
  }
  if (random.chance(0.5)) {
    await scene.client.finish(scene.serve);
    await scene.client.decode(random.pick([SAME, SMALLER]), scene.serve);
  }
  return scene.client.pictures;
}

export async function decoderStatefulStates(
  { seconds, random, amount }: Conditions,
): Promise<string> {
  const end = performance.now() + seconds * 1000;
  const pairs = Object.keys(MOMENTS).flatMap((moment) =>
    Object.keys(ENDINGS).map((ending) => [moment, ending] as const)
  );
  let rounds = 0;
  let pictures = 0;
  do {
    for (const [moment, ending] of random.shuffle(pairs)) {
      // Silence takes its time.
      const share = ending === SILENCE ? 0.2 : 0.6;
      if (amount < 1 && !random.chance(share)) continue;
      try {
        pictures += await round(random, MOMENTS[moment], ENDINGS[ending]);
      } catch (error) {
        throw new CheckFailure(`${moment}; ${ending}: ${(error as Error).message}`);
      } finally {
        decoder.setParameter("timeout_ms", TIMEOUT_MS);
      }
      rounds++;
    }
  } while (performance.now() < end);
  await expectIdle(0);
  return `${rounds} ends, at ${Object.keys(MOMENTS).length} moments in ` +
    `${
      Object.keys(ENDINGS).length
    } ways; all buffers came back, ${pictures} pictures were those of ` +
    "their frames, no client was too slow";
}
