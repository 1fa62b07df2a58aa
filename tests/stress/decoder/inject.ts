/**
 * Broken IVF files through debugfs' inject, in pieces of any size; and the device unplugged while it
 * waits for a daemon that says nothing.
 *
 * @module
 */
import { File, IoBuffer, O_RDWR } from "../../../lib/sys/file.ts";
import { expect } from "../../harness/suite.ts";
import { expectIdle, INJECT, streams, TIMEOUT_MS } from "./decoder.ts";
import { Answering } from "./answering.ts";
import { Daemon } from "./daemon.ts";
import { expectUninterrupted } from "./inject_signals.ts";
import { readFixtures } from "./decode.ts";
import { mutate } from "./mutations.ts";
import { Random } from "../../harness/random.ts";
import { isInCall } from "../engine/in_call.ts";
import { type Conditions, NEVER_MS } from "../engine/stage.ts";
import { Worker } from "../engine/workers.ts";
import { until } from "../../harness/waiting.ts";
import { decoder } from "../../harness/nodes.ts";

const HEADER = 32;
const MIN_FILES = 20;

/** So long that nothing but the unplugging ends the wait for a daemon that says nothing. */
const LONG_TIMEOUT_MS = 600_000;

/** Writes all of a file, or as far as it is taken; the lines that are then read. */
function inject(bytes: Uint8Array<ArrayBuffer>, random: Random): string[] {
  using file = File.open(INJECT, O_RDWR);
  for (let at = 0; at < bytes.length;) {
    const size = random.pick([1, 11, 12, 31, 32, 33, 4096, bytes.length]);
    const piece = new IoBuffer(bytes.slice(at, at + size));
    piece.length = piece.bytes.length;
    const taken = file.tryWrite(piece);
    if (taken < 0) break;
    at += taken;
  }
  const line = new IoBuffer(new Uint8Array(4096));
  line.length = line.bytes.length;
  const lines: string[] = [];
  let length: number;
  while ((length = file.tryRead(line)) > 0) {
    lines.push(new TextDecoder().decode(line.bytes.subarray(0, length)).trimEnd());
  }
  return lines;
}

/** Waits for a picture until the device goes; says how many lines it read. */
export function blockInInject({ fixtures }: { fixtures: string }): { lines: number } {
  using _daemon = new Answering();
  const [fixture] = readFixtures(fixtures).filter(({ name }) => /^vp9.*ivf$/.test(name));
  return { lines: inject(fixture.bytes, new Random(1)).length };
}

/** Milliseconds that it takes to unplug the device under a read that waits for a daemon. */
async function unplug(fixtures: string): Promise<number> {
  decoder.setParameter("timeout_ms", LONG_TIMEOUT_MS);
  using _ = { [Symbol.dispose]: () => decoder.setParameter("timeout_ms", TIMEOUT_MS) };
  await using worker = new Worker(blockInInject, { fixtures });
  await until("inject waits", () => streams().open.length > 0 && isInCall(worker.pid, "readv"));
  const begin = performance.now();
  decoder.unbind();
  const ms = performance.now() - begin;
  try {
    await worker.result();
  } finally {
    decoder.bind();
  }
  expect(ms < NEVER_MS, `unbinding waits ${ms.toFixed(0)} ms for inject`);
  return ms;
}

export async function decoderInject(
  { seconds, random, tools, fixtures }: Conditions,
): Promise<string> {
  const users = decoder.users();
  const end = performance.now() + seconds * 1000;
  const ivf = readFixtures(fixtures).filter(({ name }) => /ivf$/.test(name));
  const whole = ivf.filter(({ name }) => /320x240/.test(name));
  let files = 0;
  let pictures = 0;
  let errors = 0;
  let stops = 0;
  {
    await using daemon = await Daemon.start(tools);
    for (; files < MIN_FILES || performance.now() < end; files++) {
      const { bytes } = random.pick(ivf);
      // Up to eight frames; the headers of the file and of its frames are broken too.
      const start = bytes.subarray(0, Math.min(bytes.length, 20_000));
      const parts = [start.slice(0, HEADER), start.slice(HEADER)];
      const [head, rest] = random.chance(0.1) ? mutate(parts, random) : parts;
      const [broken] = mutate([rest ?? parts[1]], random);
      for (const line of inject(new Uint8Array([...head, ...broken]), random)) {
        if (/crc32/.test(line)) pictures++;
        else errors++;
      }
    }
    for (const { name, bytes, frames } of whole) {
      const lines = inject(bytes, random).filter((line) => /crc32/.test(line));
      expect(lines.length >= frames, `${name}: ${lines.length} pictures of ${frames}`);
      decoder.setParameter("timeout_ms", LONG_TIMEOUT_MS);
      try {
        stops += await expectUninterrupted(daemon, `${fixtures}/streams/${name}`, frames);
      } finally {
        decoder.setParameter("timeout_ms", TIMEOUT_MS);
      }
    }
    await daemon.expectAlive();
  }
  await expectIdle(users);
  expect(pictures > 0 && errors > 0, `${pictures} pictures, ${errors} errors`);

  const unplugged = await unplug(fixtures);
  return `${files} broken files: ${pictures} pictures and ${errors} errors, whole files whole, ` +
    `also when stopped ${stops} times; unplugged within ${
      unplugged.toFixed(0)
    } ms under a read that waited`;
}
