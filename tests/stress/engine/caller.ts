/**
 * Calling at random: what to get wrong, and how it ended.
 *
 * @module
 */
import { ENODEV } from "../../../lib/sys/errno.ts";
import type { Ioctl } from "../../../lib/uapi/ioctl_number.ts";
import { addressOf } from "../../../lib/sys/libc.ts";
import { orErrno, raw } from "./libc.ts";
import type { Random } from "../../harness/random.ts";
import { add, none, type Tally } from "./tally.ts";

/** Nothing is mapped there: the first page, the end of user addresses, kernel addresses. */
export const BAD_ADDRESSES = [0n, 1n, 0xfffn, 0x7fff_ffff_f000n, 1n << 63n, (1n << 64n) - 1n];

/** At or next to where something ends. */
export const EDGES = [
  0,
  1,
  2,
  3,
  31,
  32,
  33,
  255,
  4095,
  4096,
  4097,
  0x7fff_ffff,
  0x8000_0000,
  0xffff_ffff,
];

/** Makes calls, some with random faults, and counts them. */
export class Caller {
  readonly tally: Tally = none();
  /** Whether a call found that its device is gone. */
  protected lost = false;
  #tame = false;

  constructor(readonly random: Random) {}

  /** Counts one call, and passes on what it returned: a negated errno, or success. */
  count(call: string, result: number): number {
    add(this.tally, call, result);
    if (result === -ENODEV) this.lost = true;
    return result;
  }

  /** An ioctl, now and then with an argument that is not there. */
  ioctl(
    fd: number,
    { name, request }: Ioctl,
    argument: Uint8Array<ArrayBuffer>,
  ): number {
    const address = this.wildly(0.01) ? this.random.pick(BAD_ADDRESSES) : addressOf(argument);
    return this.count(name, orErrno(raw.ioctl(fd, request, address)));
  }

  /** Now and then replaces a word or two of an argument. */
  spoil(argument: Uint8Array<ArrayBuffer>): void {
    if (!this.wildly(0.15)) return;
    const { random } = this;
    const words = new Uint32Array(argument.buffer, argument.byteOffset, argument.length >> 2);
    for (let i = random.between(1, 2); i > 0; i--) {
      words[random.below(words.length)] = random.chance(0.7) ? random.pick(EDGES) : random.next();
    }
  }

  /** True with this probability, unless calls are to be as they should. */
  wildly(probability: number): boolean {
    return !this.#tame && this.random.chance(probability);
  }

  /** Calls with arguments as they should be. */
  tamely(calls: () => void): void {
    this.#tame = true;
    try {
      calls();
    } finally {
      this.#tame = false;
    }
  }

  /** Takes one of these out. */
  drop<T>(things: T[]): T | undefined {
    return things.splice(this.random.below(things.length || 1), 1)[0];
  }
}
