/**
 * A process that adds nodes and removes them, and one way or another uses those that there are.
 *
 * @module
 */
import {
  EACCES,
  EAGAIN,
  EBUSY,
  EEXIST,
  EINVAL,
  EIO,
  ENODEV,
  ENOENT,
  ENXIO,
  SysError,
} from "../../../lib/sys/errno.ts";
import { File, IoBuffer, O_NONBLOCK, O_RDONLY, O_RDWR } from "../../../lib/sys/file.ts";
import { tryIoctl } from "../../../lib/sys/ioctl.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { DeviceError } from "../../../lib/v4l2/device.ts";
import { videoNodes } from "../../../lib/v4l2/find.ts";
import { sharedBuffers } from "../../../lib/vpipe/loop.ts";
import { LoopAdmin } from "../../../lib/vpipe/loop_admin.ts";
import { Random } from "../../harness/random.ts";
import { CheckFailure, expect, expectEqual } from "../../harness/suite.ts";
import { delay } from "../../harness/waiting.ts";
import { NEVER_MS } from "../engine/stage.ts";
import { LoopReader, LoopWriter, WRITER_IO } from "./stream.ts";

/** What the worker is to do. */
export interface LoopNodesOrder {
  readonly seed: number;
  /** How many nodes to add. */
  readonly adds: number;
  /** Numbers that are this worker's alone. */
  readonly own: readonly number[];
  /** Numbers that there may be nodes of, anybody's but other drivers'. */
  readonly all: readonly number[];
  /** The number of another driver's node. */
  readonly taken: number;
}

/** What it did: nodes that were removed at once or not, files, frames, and what outlived its node. */
export interface LoopNodesDone {
  readonly added: number;
  readonly busy: number;
  readonly opened: number;
  readonly frames: number;
  readonly kept: number;
}

const SIZE = [64, 48] as const;
const TURNS = 8;
const MAX_NODES = 6;
const MAX_KEPT = 6;

/** What remains of a node that may be gone. */
interface Kept {
  /** Reads what can be read of it. */
  touch(): void;
  close(): void;
}

/** Whether a node that was looked for is not there. */
const isNone = (error: unknown) =>
  error instanceof SysError && [ENOENT, ENODEV, ENXIO].includes(error.code);

/**
 * Whether somebody else has what was wanted, or changed it, or the node has the other capability
 * now.
 */
const isOthers = (error: unknown) =>
  error instanceof DeviceError ||
  error instanceof SysError && [EBUSY, EINVAL, EIO, EAGAIN, EACCES].includes(error.code);

/** None where `use` fails as `may` says. */
function unless<T>(may: (error: unknown) => boolean, use: () => T): T | undefined {
  try {
    return use();
  } catch (error) {
    if (!may(error)) throw error;
    return undefined;
  }
}

const capability = v4l2.v4l2_capability.alloc({});

/**
 * An open node, if there is one of that number. Who has it open has it until he closes it: nobody
 * removes it meanwhile.
 */
function open(nr: number): File | undefined {
  const path = `/dev/video${nr}`;
  const file = unless(isNone, () => File.open(path, O_RDWR | O_NONBLOCK));
  if (file === undefined) return;
  const result = tryIoctl(file.fd, v4l2.VIDIOC_QUERYCAP.request, capability.bytes);
  if (result >= 0) return file;
  file.close();
  throw new CheckFailure(`VIDIOC_QUERYCAP of ${path}, which is open: errno ${-result}`);
}

const STATS_BYTES = 4096;
const PAGE = 4096;

class Nodes implements Disposable {
  readonly done = { added: 0, busy: 0, opened: 0, frames: 0, kept: 0 };
  readonly #admin = new LoopAdmin();
  readonly #nodes = new Set<number>();
  readonly #kept: Kept[] = [];
  #seen = 0;

  constructor(readonly random: Random, readonly order: LoopNodesOrder) {}

  step(): void {
    const act = this.random.below(20);
    if (act < 8) this.#add();
    else if (act < 13) this.#remove();
    else if (act < 15) this.#addTaken();
    else if (act < 16) this.#query();
    else if (act < 17) this.#openAny();
    else this.#stream();
    for (const kept of this.#kept) kept.touch();
    while (this.#kept.length > this.random.below(MAX_KEPT)) this.#drop();
  }

  #add(): void {
    if (this.#nodes.size === MAX_NODES) return;
    const wanted = this.random.chance(0.3) ? -1 : this.random.pick(this.order.own);
    const nr = this.#admin.add({ output_nr: wanted, announce_all_caps: this.random.below(2) });
    if (this.#nodes.has(wanted)) {
      expectEqual(`add ${wanted}, which is there`, nr, -EEXIST);
      return;
    }
    if (wanted >= 0) expectEqual(`add ${wanted}, which is free`, nr, wanted);
    expect(nr >= 0, `add the next free one: errno ${-nr}`);
    this.#nodes.add(nr);
    this.done.added++;
  }

  /** Another driver has the number, so there is no such node of this one for anybody. */
  #addTaken(): void {
    const { taken } = this.order;
    expectEqual(`add ${taken}, another driver's`, this.#admin.add({ output_nr: taken }), -EEXIST);
  }

  #remove(): void {
    if (this.#nodes.size > 0) this.#tryRemove(this.random.pick([...this.#nodes]));
  }

  #tryRemove(nr: number): void {
    const result = this.#admin.remove(nr);
    if (result === -EBUSY) {
      this.done.busy++;
      return;
    }
    expectEqual(`remove ${nr}`, result, 0);
    this.#nodes.delete(nr);
    // Another one may have had the next free number.
    if (!this.order.own.includes(nr)) return;
    expectEqual(`remove ${nr} again`, this.#admin.remove(nr), -ENODEV);
    if (this.random.chance(0.5)) return;
    // Whoever was just about to leave it is no hindrance.
    expectEqual(`add ${nr}, which was removed`, this.#admin.add({ output_nr: nr }), nr);
    this.#nodes.add(nr);
    this.done.added++;
  }

  /** Together with counters that are read when it may be gone. */
  #query(): void {
    if (this.#nodes.size === 0) return;
    const nr = this.random.pick([...this.#nodes]);
    expectEqual(`query ${nr}`, this.#admin.query(nr).result, 0);
    const path = `/sys/kernel/debug/vpipe-loop/video${nr}/stats`;
    const file = File.open(path, O_RDONLY);
    const buffer = new IoBuffer(new Uint8Array(STATS_BYTES));
    this.#keep({
      touch() {
        const size = file.tryRead(buffer);
        expect(size >= 0 || size === -EIO, `${path}, open: read: errno ${-size}`);
      },
      close: () => file.close(),
    });
  }

  #openAny(): void {
    using file = open(this.random.pick(this.order.all));
    if (file !== undefined) this.done.opened++;
  }

  #stream(): void {
    const { random } = this;
    const nr = random.pick(random.chance(0.5) ? [...this.#nodes] : this.order.all);
    if (nr === undefined) return;
    // While this is open the node stays.
    using file = open(nr);
    if (file === undefined) return;
    this.done.opened++;
    unless(isOthers, () => {
      using writer = new LoopWriter(file.path, random.pick(WRITER_IO));
      const writes = unless(isOthers, () => writer.begin(SIZE)) !== undefined;
      if (writes) writer.frame();
      this.#read(file.path, () => writes && unless(isOthers, () => writer.frame()));
    });
  }

  #read(node: string, write: () => void): void {
    const { random } = this;
    const reader = new LoopReader(node, random.pick(["read", "view", "mmap", "shared"]));
    try {
      reader.begin();
      for (let turns = 0; turns < TURNS; turns++) {
        write();
        reader.take(1);
      }
      if (reader.io === "view" && random.chance(0.7)) this.#keepMemory(reader);
    } finally {
      this.done.frames += reader.frames;
      if (!this.#kept.includes(reader)) reader.close();
    }
  }

  /** A mapping, dma-bufs, or windows to frames, which show nothing now. */
  #keepMemory(reader: LoopReader): void {
    const { random } = this;
    if (random.chance(0.4)) {
      reader.device.close();
      this.#keep(reader);
      return;
    }
    if (random.chance(0.5)) {
      for (const buffer of reader.export()) {
        this.#keep({ touch: () => this.#look(buffer.bytes), close: () => buffer.close() });
      }
    } else {
      // They show nothing while their reader has no frame, and looking there is a SIGBUS.
      const windows = unless(isOthers, () => sharedBuffers(reader.device)) ?? [];
      for (const window of windows) this.#keep({ touch() {}, close: () => window.close() });
    }
  }

  #look(memory: Uint8Array): void {
    for (let at = 0; at < memory.length; at += PAGE) this.#seen = (this.#seen + memory[at]) | 0;
  }

  #keep(kept: Kept): void {
    this.#kept.push(kept);
    this.done.kept++;
  }

  #drop(): void {
    this.#kept.splice(this.random.below(this.#kept.length), 1)[0].close();
  }

  /** As soon as nobody has them open any more. */
  async removeAll(): Promise<void> {
    const end = performance.now() + NEVER_MS;
    for (const nr of this.#nodes) {
      let result;
      while ((result = this.#admin.remove(nr)) === -EBUSY && performance.now() < end) {
        await delay(1);
      }
      expectEqual(`remove ${nr} at the end`, result, 0);
    }
    for (const kept of this.#kept) kept.touch();
  }

  [Symbol.dispose](): void {
    while (this.#kept.length > 0) this.#drop();
    this.#admin[Symbol.dispose]();
  }
}

/** Until so many nodes were added; none of them is left. */
export async function churnNodes(order: LoopNodesOrder): Promise<LoopNodesDone> {
  using nodes = new Nodes(new Random(order.seed), order);
  while (nodes.done.added < order.adds) {
    nodes.step();
    await delay(0);
  }
  await nodes.removeAll();
  return nodes.done;
}

/** Looks for nodes, opens and closes what there is, until SIGTERM. */
export async function knockAtNodes(
  { seed, all }: { seed: number; all: readonly number[] },
): Promise<{ opened: number; refused: number }> {
  const random = new Random(seed);
  const done = { opened: 0, refused: 0 };
  let stopped = false;
  Deno.addSignalListener("SIGTERM", () => stopped = true);
  while (!stopped) {
    videoNodes();
    for (let i = 0; i < all.length; i++) {
      using file = open(random.pick(all));
      if (file === undefined) done.refused++;
      else done.opened++;
    }
    await delay(0);
  }
  return done;
}
