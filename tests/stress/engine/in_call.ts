/**
 * Whether a process is inside a system call and waits there.
 *
 * @module
 */

// Source: asm/unistd_64.h, asm-generic/unistd.h. poll(3) is ppoll(2) where there is no poll(2).
const NUMBERS = Deno.build.arch === "x86_64"
  ? { read: 0, write: 1, poll: 7, ioctl: 16, readv: 19 }
  : { read: 63, write: 64, poll: 73, ioctl: 29, readv: 65 };

export type WaitingCall = keyof typeof NUMBERS;

/** Of each of its threads the number of the call and its arguments, or another word where it runs. */
function callsOf(pid: number): string[][] {
  const folder = `/proc/${pid}/task`;
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) =>
      Deno.readTextFileSync(`${folder}/${name}/syscall`).split(" ")
    );
  } catch {
    // One of them just ended; the next look finds the others.
    return [];
  }
}

const low = (word: number | string) => BigInt.asUintN(32, BigInt(word));

/**
 * How many of its threads wait in the call.
 *
 * @param args its first arguments, of 32 bits each; those that are undefined may be any
 */
export function countInCall(
  pid: number,
  call: WaitingCall,
  ...args: (number | undefined)[]
): number {
  return callsOf(pid).filter(([number, ...actual]) =>
    number === `${NUMBERS[call]}` &&
    args.every((arg, i) => arg === undefined || low(arg) === low(actual[i]))
  ).length;
}

/** Whether one does, as `countInCall`. */
export function isInCall(...asked: Parameters<typeof countInCall>): boolean {
  return countInCall(...asked) > 0;
}
