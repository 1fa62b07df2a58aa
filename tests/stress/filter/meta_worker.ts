/**
 * A process that uses /dev/vpipe-meta at random, rightly and wrongly, and watches that what it
 * reads makes sense.
 *
 * @module
 */
import { SysError } from "../../../lib/sys/errno.ts";
import { File, O_NONBLOCK, O_RDONLY, O_RDWR } from "../../../lib/sys/file.ts";
import { addressOf } from "../../../lib/sys/libc.ts";
import { Poller, POLLIN } from "../../../lib/sys/poll.ts";
import * as uapi from "../../../lib/uapi/vpipe.ts";
import { META } from "../../harness/context.ts";
import { expect, expectEqual } from "../../harness/suite.ts";
import { BAD_ADDRESSES, Caller } from "../engine/caller.ts";
import { orErrno, raw } from "../engine/libc.ts";
import { Random } from "../../harness/random.ts";
import type { Tally } from "../engine/tally.ts";

/** What the worker is to do. */
export interface MetaOrder {
  readonly seed: number;
  readonly seconds: number;
  /** At least so many entries, however long they take. */
  readonly results: number;
}

const MAX_OPEN = 4;

const LAYOUTS = { 1: uapi.vpipe_meta_entry, 2: uapi.vpipe_meta_entry_v2 } as const;

/** An open file of the device. */
interface Reader {
  readonly file: File;
  version: 1 | 2;
  /** `seq` of the last entry read; 0 for none. */
  last: bigint;
}

class MetaCaller extends Caller {
  readonly #readers: Reader[] = [];
  readonly #buffer = new Uint8Array(300 * uapi.vpipe_meta_entry_v2.size);

  step(): void {
    const { random } = this;
    if (this.#readers.length === 0 || (this.#readers.length < MAX_OPEN && random.chance(0.05))) {
      this.#open();
    }
    const reader = random.pick(this.#readers);
    const action = random.below(10);
    if (action < 5) this.#read(reader);
    else if (action < 7) this.#ioctl(reader);
    else if (action < 8) this.#setVersion(reader);
    else if (action < 9) this.#misuse(reader);
    else if (random.chance(0.2)) this.#close(reader);
  }

  #open(): void {
    const flags = this.random.pick([O_RDONLY, O_RDONLY | O_NONBLOCK, O_RDWR | O_NONBLOCK]);
    this.#readers.push({ file: File.open(META, flags), version: 1, last: 0n });
    this.count("open", 0);
  }

  #close(reader: Reader): void {
    this.#readers.splice(this.#readers.indexOf(reader), 1);
    reader.file.close();
  }

  #read(reader: Reader): void {
    const { random } = this;
    // Without this, a file that was opened to block would.
    if (new Poller(reader.file, POLLIN).wait(random.pick([0, 0, 5])) === 0) return;
    const { size } = LAYOUTS[reader.version];
    const length = random.pick([0, 1, size - 1, size, size + 1, 9 * size, this.#buffer.length]);
    const bad = random.chance(0.05);
    const address = bad ? random.pick(BAD_ADDRESSES) : addressOf(this.#buffer);
    const got = orErrno(raw.read(reader.file.fd, address, BigInt(length)));
    this.count("read", got);
    if (got <= 0) return;
    expect(!bad, `read to ${address.toString(16)} returned ${got}`);
    expectEqual("rest after whole entries", got % size, 0);
    for (let at = 0; at < got; at += size) this.#checkEntry(reader, at);
  }

  #checkEntry(reader: Reader, at: number): void {
    const layout = LAYOUTS[reader.version];
    const entry = layout.at(this.#buffer, at);
    expectEqual("entry version", entry.version, reader.version);
    expectEqual("entry size", entry.entry_size, layout.size);
    const overrun = (entry.flags & uapi.VPIPE_META_F_OVERRUN) !== 0;
    const { seq } = entry;
    if (reader.last !== 0n) {
      const follows = overrun ? seq > reader.last + 1n : seq === reader.last + 1n;
      expect(follows, `entry ${seq} after ${reader.last}, ${overrun ? "" : "not "}overrun`);
    }
    reader.last = seq;
    this.tally.results++;
  }

  #ioctl({ file }: Reader): void {
    const { random } = this;
    const info = random.chance(0.5);
    const { name, request } = info ? uapi.VPIPE_META_IOC_QUERY : uapi.VPIPE_META_IOC_GET_STATS;
    const address = random.chance(0.1) ? random.pick(BAD_ADDRESSES) : addressOf(this.#buffer);
    this.count(name, orErrno(raw.ioctl(file.fd, request, address)));
  }

  #setVersion(reader: Reader): void {
    const { random } = this;
    const version = random.pick([0, 1, 1, 2, 2, 3, 0xffff, 0x10001, 0xffff_ffff]);
    const argument = new Uint8Array(Uint32Array.of(version).buffer);
    const address = random.chance(0.05) ? random.pick(BAD_ADDRESSES) : addressOf(argument);
    const { name, request } = uapi.VPIPE_META_IOC_SET_VERSION;
    const result = this.count(name, orErrno(raw.ioctl(reader.file.fd, request, address)));
    if (result < 0) return;
    expect(version === 1 || version === 2, `version ${version} was accepted`);
    reader.version = version;
  }

  /** What such a device has not. */
  #misuse({ file }: Reader): void {
    const { random } = this;
    const result = random.chance(0.5)
      ? raw.ioctl(file.fd, random.next(), random.pick(BAD_ADDRESSES))
      : raw.write(file.fd, addressOf(this.#buffer), BigInt(random.below(256)));
    this.count("ioctl or write", orErrno(result));
  }
}

/** Calls at random until the time is over. */
export function callMetaAtRandom({ seed, seconds, results }: MetaOrder): Tally {
  const caller = new MetaCaller(new Random(seed));
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end || caller.tally.results < results) {
    try {
      caller.step();
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      caller.count(error.call, -error.code);
    }
  }
  return caller.tally;
}
