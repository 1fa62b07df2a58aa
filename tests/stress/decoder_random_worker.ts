/**
 * Processes that call the decoder's video node at random, and one that answers whatever they send.
 *
 * @module
 */
import { SysError } from "../../lib/sys/errno.ts";
import { libc } from "../../lib/sys/libc.ts";
import type { Tally } from "./caller.ts";
import { Answering } from "./decoder_answering.ts";
import { DecoderCaller } from "./decoder_caller.ts";
import { orErrno, raw } from "./libc.ts";
import { Random } from "./random.ts";
import { delay } from "./stage.ts";
import type { VideoOrder } from "./video_worker.ts";

/** Calls at random until the time is over; the process's end closes what is open then. */
export function callDecoderAtRandom({ seed, seconds, announce, join }: VideoOrder): Tally {
  const caller = new DecoderCaller(new Random(seed));
  const end = performance.now() + seconds * 1000;
  if (join !== undefined) {
    const pid = orErrno(raw.pidfd_open(join.pid, 0));
    const fd = orErrno(raw.pidfd_getfd(pid, join.fd, 0));
    if (fd < 0) throw new SysError(`process ${join.pid}`, "pidfd_getfd", -fd);
    libc.close(pid);
    caller.open(fd);
  }
  // A duplicate, as the random calls may close the first.
  if (announce) console.log(`${Deno.pid} ${raw.dup(caller.open().fd)}`);
  while (performance.now() < end) caller.step();
  return caller.tally;
}

/** Is the daemon until SIGTERM. */
export async function answerAnything(_order: object): Promise<{ frames: number }> {
  let told = false;
  Deno.addSignalListener("SIGTERM", () => void (told = true));
  using daemon = new Answering();
  console.log("ready");
  while (!told) {
    daemon.serve();
    await delay(1);
  }
  return { frames: daemon.frames };
}
