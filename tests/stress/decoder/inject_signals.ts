/**
 * A program that is stopped and goes on while it waits for inject: no picture is lost.
 *
 * @module
 */
import { Running } from "../../harness/processes.ts";
import { expect, expectEqual } from "../../harness/suite.ts";
import { delay, until } from "../../harness/waiting.ts";
import { isInCall } from "../engine/in_call.ts";
import type { Daemon } from "./daemon.ts";
import { INJECT } from "./decoder.ts";

/** Becomes a cat that reads all pictures of what another one has written. */
const SCRIPT = 'exec 3<>"$1"; cat <"$2" >&3 || exit; exec cat <&3';

/** While there is no picture; later it is stopped until it has read all of them. */
const STOPS = 3;

async function stopAndGoOn(program: Running): Promise<boolean> {
  try {
    await program.stop();
    program.kill("SIGCONT");
    return true;
  } catch {
    // It has ended.
    return false;
  }
}

/**
 * Fails unless all frames of the file are decoded, once each and in order.
 *
 * @returns how often the program was stopped
 */
export async function expectUninterrupted(
  daemon: Daemon,
  path: string,
  frames: number,
): Promise<number> {
  await daemon.stop();
  await using cat = new Running("sh", ["-c", SCRIPT, "sh", INJECT, path]);
  const waits = () => until("cat waits for a picture", () => isInCall(cat.pid, "read", 0));
  let stops = 0;
  for (; stops < STOPS; stops++) {
    await waits();
    expect(await stopAndGoOn(cat), `${path}: cat ended before there was a picture`);
  }
  await waits();
  daemon.kill("SIGCONT");
  const lines: string[] = [];
  let over = false;
  const read = async () => {
    for (let line; (line = await cat.line()) !== undefined;) lines.push(line);
    over = true;
  };
  const stop = async () => {
    for (; !over; await delay(10)) if (await stopAndGoOn(cat)) stops++;
  };
  await Promise.all([read(), stop()]);
  const { status, stderr } = await cat.end();
  expect(status === 0, `${path}: ${stderr.trim()}`);
  const numbers = lines.map((line) => line.match(/^picture (\d+) /)?.[1] ?? line).join(" ");
  expectEqual(`${path}: pictures`, numbers, [...Array(lines.length).keys()].join(" "));
  expect(lines.length >= frames, `${path}: ${lines.length} pictures of ${frames}`);
  return stops;
}
