/**
 * A process that answers whatever the decoder's clients send.
 *
 * @module
 */
import { Answering } from "./decoder_answering.ts";
import { delay } from "./stage.ts";

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
