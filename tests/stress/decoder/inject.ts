/**
 * Broken IVF files through debugfs' inject, in pieces of any size; and the device unplugged while it
 * waits for a daemon that says nothing.
 *
 * @module
 */
import { File, IoBuffer, O_RDWR } from "../../../lib/sys/file.ts";
import { expect, expectEqual } from "../../harness/suite.ts";
import { expectIdle, INJECT, TIMEOUT_MS } from "./decoder.ts";
import { Answering } from "./answering.ts";
import { Daemon } from "./daemon.ts";
import { expectUninterrupted } from "./inject_signals.ts";
import { readFixtures } from "./decode.ts";
import { mutate } from "./mutations.ts";
import { Random } from "../../harness/random.ts";
import type { Conditions } from "../engine/stage.ts";
import { Worker } from "../engine/workers.ts";
import { delay } from "../../harness/waiting.ts";
import { decoder } from "../../harness/nodes.ts";

const HEADER = 32;
const MIN_FILES = 20;

const WAIT_MS = 500;

/** Far from the time-out of a frame. */
const UNPLUG_MS = TIMEOUT_MS - WAIT_MS;

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

/** What the worker is to do: wait for a picture until the device goes. */
export function blockInInject({ fixtures }: { fixtures: string }): { ms: number } {
  using _daemon = new Answering();
  const [fixture] = readFixtures(fixtures).filter(({ name }) => /^vp9.*ivf$/.test(name));
  console.log("waits");
  const begin = performance.now();
  inject(fixture.bytes, new Random(1));
  return { ms: performance.now() - begin };
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
      stops += await expectUninterrupted(`${fixtures}/streams/${name}`, frames);
    }
    await daemon.expectAlive();
  }
  await expectIdle(users);
  expect(pictures > 0 && errors > 0, `${pictures} pictures, ${errors} errors`);

  await using worker = new Worker(blockInInject, { fixtures });
  expectEqual("the worker's line", await worker.line(), "waits");
  await delay(WAIT_MS);
  const begin = performance.now();
  decoder.unbind();
  const unplugged = performance.now() - begin;
  try {
    const { ms } = await worker.result();
    expect(ms > WAIT_MS / 2, `inject did not wait: it was over after ${ms.toFixed(0)} ms`);
  } finally {
    decoder.bind();
  }
  expect(unplugged < UNPLUG_MS, `unbinding waits ${unplugged.toFixed(0)} ms for inject`);
  return `${files} broken files: ${pictures} pictures and ${errors} errors, whole files whole, ` +
    `also when stopped ${stops} times; unplugged within ${
      unplugged.toFixed(0)
    } ms under a read that waited`;
}
