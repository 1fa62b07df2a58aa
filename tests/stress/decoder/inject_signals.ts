/**
 * A program that is stopped and goes on while it waits for inject: no picture is lost.
 *
 * @module
 */
import { expect, expectEqual } from "../../harness/suite.ts";
import { INJECT } from "./decoder.ts";

/**
 * cat is stopped and let go on until it has read all pictures; behind them is how often it was stopped.
 * All of them take longer than the pause, on a slow guest in any case.
 */
const SCRIPT = `
exec 3<>"$1"
cat <"$2" >&3 || exit
cat <&3 &
stops=0
while kill -STOP $! 2>/dev/null; do
	kill -CONT $!
	stops=$((stops + 1))
	sleep 0.01
done
wait $! || exit
echo "stops $stops"
`;

/**
 * Fails unless all frames of the file are decoded, once each and in order.
 *
 * @returns how often the program was stopped
 */
export async function expectUninterrupted(path: string, frames: number): Promise<number> {
  const command = new Deno.Command("sh", { args: ["-c", SCRIPT, "sh", INJECT, path] });
  const { success, stdout, stderr } = await command.output();
  expect(success, `${path}: ${new TextDecoder().decode(stderr).trim()}`);
  const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
  const stops = Number(lines.pop()!.replace("stops ", ""));
  expect(stops > 0, `${path}: was never stopped`);
  const numbers = lines.map((line) => line.match(/^picture (\d+) /)?.[1] ?? line).join(" ");
  expectEqual(`${path}: pictures`, numbers, [...Array(lines.length).keys()].join(" "));
  expect(lines.length >= frames, `${path}: ${lines.length} pictures of ${frames}`);
  return stops;
}
