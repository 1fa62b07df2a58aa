/**
 * The daemon killed with frames in flight: its client has them all back at once, and the next daemon
 * decodes as if nothing had been.
 *
 * @module
 */
import { POLLERR, POLLIN } from "../../lib/sys/poll.ts";
import { Poller } from "../../lib/sys/poll.ts";
import { type DecoderStream, StatelessDecoder } from "../../lib/vpipe/decoder_path.ts";
import { expect } from "../check/suite.ts";
import { decoder, expectIdle } from "./decoder.ts";
import { Daemon } from "./decoder_daemon.ts";
import { expectExact, type Fixture, readFixtures, sequencesOf } from "./decoder_decode.ts";
import { exists } from "./driver.ts";
import { type Conditions, delay } from "./stage.ts";

const BUFFERS = 8;
const MIN_KILLS = 3;

/** From the kill to the last buffer: what is promised, and what a kernel full of checks may take. */
const LIMIT_MS = 100;
const SANITIZED_LIMIT_MS = 1000;

/** Streams a fixture round and round, always with all of its buffers in flight. */
class Loop {
  readonly #poller: Poller;
  #sent = 0;
  whole = 0;
  failed = 0;

  constructor(readonly stream: DecoderStream, readonly units: readonly { data: Uint8Array }[]) {
    this.#poller = new Poller(stream.capture.device, POLLIN);
  }

  fill(): void {
    const { stream, units } = this;
    while (!stream.isFull) stream.submit(units[this.#sent++ % units.length].data);
  }

  /** Dequeues all that is done, waiting up to `ms` for the first; queues nothing but pictures. */
  take(ms: number): void {
    const { stream } = this;
    if (!(this.#poller.wait(ms) & (POLLIN | POLLERR))) return;
    for (let index = stream.capture.dequeue(); index >= 0; index = stream.capture.dequeue()) {
      stream.collect();
      if (stream.decoded) this.whole++;
      else this.failed++;
      stream.capture.enqueue(index);
    }
  }
}

/** Milliseconds from the kill to the last buffer, and how many there were. */
async function killInFlight(
  daemon: Daemon,
  { bytes }: Fixture,
  { random }: Conditions,
): Promise<{ ms: number; lost: number; whole: number }> {
  const [units] = sequencesOf(bytes);
  const largest = units.reduce((size, { data }) => Math.max(size, data.length), 0);
  using decoder_ = new StatelessDecoder(decoder.videoNode());
  const [{ sequence }] = units;
  using stream = decoder_.start(sequence, { buffers: BUFFERS, largest, format: undefined });
  const loop = new Loop(stream, units);
  const wanted = random.below(60);
  while (loop.whole < wanted) {
    loop.fill();
    loop.take(100);
    await delay(0);
  }
  loop.fill();
  // A stopped daemon has answered nothing of it for sure.
  if (random.chance(0.5)) {
    daemon.kill("SIGSTOP");
    await delay(20);
    loop.take(0);
    loop.fill();
  }
  const { failed } = loop;
  const begin = performance.now();
  daemon.kill("SIGKILL");
  while (stream.inFlight > 0) {
    expect(performance.now() - begin < 10_000, `${stream.inFlight} frames do not come back`);
    loop.take(10);
  }
  return { ms: performance.now() - begin, lost: loop.failed - failed, whole: loop.whole };
}

export async function decoderKills(conditions: Conditions): Promise<string> {
  const { seconds, random, tools, fixtures, amount } = conditions;
  const limit = exists("/sys/kernel/debug/kmemleak") ? SANITIZED_LIMIT_MS : LIMIT_MS;
  const all = readFixtures(fixtures);
  const long = all.filter(({ frames }) => frames >= 30);
  const end = performance.now() + seconds * 1000;
  const times: number[] = [];
  let lost = 0;
  let whole = 0;
  let exact = 0;
  while (times.length < MIN_KILLS || performance.now() < end) {
    {
      await using daemon = await Daemon.start(tools);
      const killed = await killInFlight(daemon, random.pick(long), conditions);
      times.push(killed.ms);
      lost += killed.lost;
      whole += killed.whole;
    }
    await using _next = await Daemon.start(tools);
    const some = amount === 1 ? all : [random.pick(all)];
    for (const fixture of some) await expectExact(decoder.videoNode(), fixture);
    exact += some.length;
  }
  await expectIdle(0);
  expect(lost > 0, "no daemon had a frame when it was killed");
  const slowest = Math.max(...times);
  expect(slowest < limit, `the last buffer came back after ${slowest.toFixed(1)} ms`);
  times.sort((a, b) => a - b);
  const median = times[times.length >> 1].toFixed(1);
  return `${times.length} daemons killed after ${whole} frames, ${lost} frames came back with the ` +
    `error flag, all within ${slowest.toFixed(1)} ms (median ${median}, limit ${limit}); ` +
    `${exact} streams decoded exactly by the next daemon`;
}
