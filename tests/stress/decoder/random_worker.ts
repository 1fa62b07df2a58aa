/**
 * A process that answers whatever the decoder's clients send.
 *
 * @module
 */
import { Answering } from "./answering.ts";
import { delay } from "../../harness/waiting.ts";

/** Is the daemon until SIGTERM; says when it is ready, and when it has given a picture. */
export async function answerAnything(_order: object): Promise<{ frames: number }> {
  let told = false;
  Deno.addSignalListener("SIGTERM", () => void (told = true));
  using daemon = new Answering();
  console.log("ready");
  while (!told) {
    const { frames } = daemon;
    daemon.serve();
    if (frames === 0 && daemon.frames > 0) console.log("picture");
    await delay(1);
  }
  return { frames: daemon.frames };
}
