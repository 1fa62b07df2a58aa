/**
 * camera-report --live, on a pseudo-terminal.
 *
 * @module
 */
import { type Context, rowsSoFar } from "../../harness/context.ts";
import { someRows } from "../../harness/expectations.ts";
import { exists } from "../../harness/modules.ts";
import { Patience } from "../../harness/patience.ts";
import { Running } from "../../harness/processes.ts";
import { expect, expectEqual, Skip, type Suite } from "../../harness/suite.ts";
import { delay, until } from "../../harness/waiting.ts";
import { losing } from "./vivid.ts";

const SCRIPT = "/usr/bin/script";
const ESCAPE = "\x1b";
const ENTER = `${ESCAPE}[?1049h`;
const LEAVE = `${ESCAPE}[?1049l`;

/** Rows during which nobody reads: of half a minute at most. */
const UNREAD = 300;

/** Of a tool that stands still. */
const WAIT_S = 60;

/** Waits until a process is over, also where nobody has asked for its status. */
const gone = (pid: number) =>
  until(`the end of ${pid}`, () => {
    const state = exists(`/proc/${pid}/stat`) ? textOf(`/proc/${pid}/stat`) : ") X";
    return /^ [XZ]/.test(state.slice(state.lastIndexOf(")") + 1));
  });

/** A shell's word. */
const quoted = (word: string) => `'${word}'`;

/** Empty of a file that is not made yet. */
function textOf(file: string): string {
  return exists(file) ? Deno.readTextFileSync(file) : "";
}

/** Without what tells the terminal something. */
function printed(line: string): string {
  return line.split(ESCAPE).map((part) => part.replace(/^\[[?\d]*[A-Za-z]/, "")).join("");
}

export async function liveChecks(suite: Suite, context: Context): Promise<void> {
  let logs = 0;
  const words = [context.tool("camera-report"), context.vivid, "--live", "--warm-up", "0"];
  const command = `exec ${words.map(quoted).join(" ")}`;
  const stopped = (signal: Deno.Signal) => (tool: number, end: () => Promise<unknown>) => {
    Deno.kill(tool, signal);
    return end();
  };
  for (
    const [what, status, columns, timeout, lose] of [
      ["Ctrl-C", 130, 80, 60, stopped("SIGINT")],
      ["SIGTERM", 143, 30, 60, stopped("SIGTERM")],
      ["a camera that stops", 1, 200, 10, (_, end) => losing(context, 100, end)],
    ] as const satisfies readonly (readonly [
      string,
      number,
      number,
      number,
      (tool: number, end: () => Promise<unknown>) => Promise<unknown>,
    ])[]
  ) {
    await suite.check(`camera-report --live: ${what}`, async () => {
      if (!exists(SCRIPT)) throw new Skip(`no ${SCRIPT}`);
      const log = `${context.scratch}/live-${logs++}`;
      const pid = `${log}.pid`;
      const sized =
        `stty rows 24 cols ${columns}; echo $$ >${pid}; ${command} --timeout ${timeout}`;
      await using script = new Running(SCRIPT, [
        "--quiet",
        "--return",
        "--flush",
        "-c",
        sized,
        log,
      ]);
      const seen = () => textOf(log).split("since the start").length - 1;
      const patience = Patience.with(script.pid, 60);
      while (seen() < 2 && !script.isOver && !patience.isOver) await delay(100);
      expect(seen() >= 2, `no two screens with frames: ${JSON.stringify(textOf(log))}`);
      await lose(Number(textOf(pid)), async () => {
        const outcome = await script.end();
        expectEqual(`status (${JSON.stringify(textOf(log).slice(-300))})`, outcome.status, status);
      });
      const text = textOf(log);
      expectEqual("screens entered", text.split(ENTER).length, 2);
      expectEqual("screens left", text.split(LEAVE).length, 2);
      const [screens, after] = text.split(LEAVE);
      const lines = screens.slice(screens.indexOf(ENTER)).replaceAll(`${ESCAPE}[H`, "\n")
        .split("\n").map((line) => printed(line).trimEnd());
      const longest = Math.max(...lines.map(({ length }) => length));
      expect(longest <= columns, `a line of ${longest} on ${columns} columns`);
      expect(!after.includes(ESCAPE), `behind the screen: ${JSON.stringify(after)}`);
      const message = `camera-report: ${context.vivid}: no frame within ${timeout} s`;
      expectEqual("a failure is told", after.includes(message), status === 1);
      return `status ${status}, ${seen()} screens of at most ${longest} columns`;
    });
  }

  await suite.check("camera-report --live: a terminal that nobody reads", async () => {
    if (!exists(SCRIPT)) throw new Skip(`no ${SCRIPT}`);
    const folder = `${context.scratch}/live-unread`;
    const csv = `${folder}/mmap.csv`;
    const pid = `${context.scratch}/live-unread.pid`;
    const shell = `echo $$ >${pid}; ${
      command.replace(quoted("--live"), `${quoted(folder)} --live`)
    }`;
    await using script = new Running(SCRIPT, ["--quiet", "--return", "-c", shell, "/dev/null"]);
    await someRows(script, csv);
    script.kill("SIGSTOP");
    // More than a pseudo-terminal has room for: some 1 kB twice a second.
    const count = () => rowsSoFar(csv).length;
    const before = count();
    const patience = new Patience(WAIT_S, count);
    await until(`${UNREAD} rows more`, () => count() >= before + UNREAD, patience);
    const rows = count() - before;
    Deno.kill(Number(textOf(pid)), "SIGINT");
    await gone(Number(textOf(pid)));
    script.kill("SIGCONT");
    const { status } = await script.end();
    expectEqual("status", status, 130);
    return `${rows} rows meanwhile, and SIGINT ends it`;
  });
}
