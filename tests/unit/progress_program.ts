/**
 * A run with a progress line, of which `progress_test.ts` takes the terminal away. What becomes of it
 * goes to a file: it says "begun", and "done" at the end.
 *
 * @module
 */
import { Progress } from "../../lib/cli/progress.ts";

const [begun, gone, done] = Deno.args;
const exists = (path: string) => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
};
{
  using progress = new Progress("program", Infinity, "turns", false);
  let turns = 0;
  const turn = async () => {
    progress.update(++turns);
    await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await turn();
  Deno.writeTextFileSync(begun, `${Deno.stderr.isTerminal()}`);
  while (!exists(gone)) await turn();
  // Past the tenth of a second that the line stands.
  for (let more = 0; more < 20; more++) await turn();
}
Deno.writeTextFileSync(done, "");
