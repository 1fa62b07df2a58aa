/**
 * The programs that the steps run, and a way to end them all.
 *
 * @module
 */
import type { Command } from "./steps.ts";

/** How long they have to end when they are told to: a guest is shut down then. */
const GRACE_MS = 30_000;

/** Programs, each the leader of a session of its own with whatever it starts. */
export class Processes {
  readonly #leaders = new Set<number>();
  #stopped = false;

  /** Whether no further program is started. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /**
   * Runs a program.
   *
   * @param log what it prints is added to this file
   * @returns its exit status
   */
  async run(command: Command, log: string, env: Record<string, string>): Promise<number> {
    if (this.#stopped) return 1;
    // Written by the program itself, so that nothing is lost that was said before the end.
    const into = 'log=$1; shift; exec "$@" >>"$log" 2>&1';
    const child = new Deno.Command("setsid", {
      args: ["sh", "-c", into, "sh", log, ...command],
      stdin: "null",
      env,
    }).spawn();
    this.#leaders.add(child.pid);
    const { code } = await child.status;
    this.#leaders.delete(child.pid);
    return code;
  }

  #signal(signal: Deno.Signal): void {
    for (const leader of this.#leaders) {
      try {
        Deno.kill(-leader, signal);
      } catch {
        // It just ended.
      }
    }
  }

  /** Ends what runs, in order if it can. */
  stop(): void {
    this.#stopped = true;
    this.#signal("SIGTERM");
    Deno.unrefTimer(setTimeout(() => this.#signal("SIGKILL"), GRACE_MS));
  }
}
