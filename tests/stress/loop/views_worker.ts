/**
 * A process that reads frames through views of the writer's memory, and maps, moves, cuts and forks
 * such views all the time.
 *
 * @module
 */
import { constants } from "node:os";
import { EINVAL, EIO, SysError } from "../../../lib/sys/errno.ts";
import { cString, libc } from "../../../lib/sys/libc.ts";
import { tryIoctl } from "../../../lib/sys/ioctl.ts";
import {
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  MAP_SHARED,
  PROT_READ,
  PROT_WRITE,
} from "../../../lib/sys/mmap.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import { expect } from "../../harness/suite.ts";
import { orErrno, raw } from "../engine/libc.ts";
import { CAPTURE, LoopReader } from "./stream.ts";
import { Random } from "../../harness/random.ts";
import { delay } from "../../harness/waiting.ts";

/** What the worker is to do. */
export interface LoopViewsOrder {
  readonly node: string;
  readonly seed: number;
}

const PAGE = BigInt(libc.getpagesize());
const MAX_VIEWS = 12;
const MREMAP_MAYMOVE = 1;
const MREMAP_FIXED = 2;
const FAILED = (1n << 64n) - 1n;

/** What a child does, and for how long. */
const usleep = raw.dlsym(null, cString("usleep"));
const CHILD_US = 2000n;
const STACK = 1n << 16n;

/** A mapping, or what is left of it. */
interface View {
  address: bigint;
  length: bigint;
}

function anonymous(length: bigint, protection: number): bigint {
  const address = raw.mmap(0n, length, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0n);
  expect(address !== FAILED, `mmap: errno ${-orErrno(-1)}`);
  return address;
}

/** Views of one reader's buffers. */
class Views {
  readonly done = { mapped: 0, moved: 0, cut: 0, forked: 0 };
  readonly #views: View[] = [];
  /** Its end, for a child's copy of it. */
  readonly #stack = anonymous(STACK, PROT_READ | PROT_WRITE) + STACK;
  #seen = 0;

  constructor(readonly random: Random, readonly fd: number) {}

  step(): void {
    const { random } = this;
    const act = random.below(10);
    if (act < 4 || this.#views.length === 0) this.#map();
    else if (act < 6) this.#move(random.pick(this.#views));
    else if (act < 7) this.#cut(random.pick(this.#views));
    else if (act < 8) this.#fork();
    for (const { address, length } of this.#views) this.#touch(address, length);
    if (this.#views.length > MAX_VIEWS) this.#drop();
  }

  #map(): void {
    const buffer = v4l2.v4l2_buffer.alloc({
      index: this.random.below(4),
      type: CAPTURE,
      memory: v4l2.V4L2_MEMORY_MMAP,
    });
    if (tryIoctl(this.fd, v4l2.VIDIOC_QUERYBUF.request, buffer.bytes) < 0) return;
    const length = BigInt(buffer.length);
    const at = BigInt(buffer.offset);
    const address = raw.mmap(0n, length, PROT_READ, MAP_SHARED, this.fd, at);
    expect(address !== FAILED, `mmap: errno ${-orErrno(-1)}`);
    this.#views.push({ address, length: (length + PAGE - 1n) / PAGE * PAGE });
    this.done.mapped++;
  }

  /** Not larger, but elsewhere. */
  #move(view: View): void {
    const { address, length } = view;
    const grown = raw.mremap(address, length, 2n * length, MREMAP_MAYMOVE, 0n);
    expect(grown === FAILED, "a view can be made larger than its buffer");
    const room = anonymous(length, 0);
    const moved = raw.mremap(address, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, room);
    expect(moved === room, "a view cannot be moved");
    view.address = moved;
    this.done.moved++;
  }

  /** Takes a part away at either end. */
  #cut(view: View): void {
    if (view.length <= PAGE) return;
    const pages = BigInt(this.random.between(1, Number(view.length / PAGE) - 1));
    const part = pages * PAGE;
    const front = this.random.chance(0.5);
    raw.munmap(front ? view.address : view.address + view.length - part, part);
    if (front) view.address += part;
    view.length -= part;
    this.done.cut++;
  }

  /** A child that has the same views for a moment. It runs none of this program, which V8 keeps from it. */
  #fork(): void {
    const child = raw.clone(usleep, this.#stack, constants.signals.SIGCHLD, CHILD_US);
    expect(child > 0, `clone: errno ${-orErrno(-1)}`);
    if (this.random.chance(0.5)) this.#drop();
    while (raw.waitpid(child, null, 0) < 0);
    this.done.forked++;
  }

  #touch(address: bigint, length: bigint): void {
    const view = new Deno.UnsafePointerView(Deno.UnsafePointer.create(address)!);
    for (let at = 0; at < Number(length); at += Number(PAGE)) {
      this.#seen = (this.#seen + view.getUint8(at)) | 0;
    }
  }

  #drop(): void {
    const [view] = this.#views.splice(this.random.below(this.#views.length || 1), 1);
    if (view !== undefined) raw.munmap(view.address, view.length);
  }

  close(): void {
    while (this.#views.length > 0) this.#drop();
    raw.munmap(this.#stack - STACK, STACK);
  }
}

/** Until SIGTERM; says when it first reads, and returns what it has done. */
export async function churnViews(
  { node, seed }: LoopViewsOrder,
): Promise<{ frames: number; mapped: number; moved: number; cut: number; forked: number }> {
  const random = new Random(seed);
  let stopped = false;
  Deno.addSignalListener("SIGTERM", () => stopped = true);
  let said = false;
  const sum = { frames: 0, mapped: 0, moved: 0, cut: 0, forked: 0 };
  while (!stopped) {
    using reader = new LoopReader(node, "view");
    const views = new Views(random, reader.device.fd);
    const until = performance.now() + random.below(500);
    try {
      reader.begin();
      if (!said) console.log("reading");
      said = true;
      while (!stopped && performance.now() < until) {
        if (!reader.take(2)) await delay(0);
        views.step();
      }
    } catch (error) {
      if (!(error instanceof SysError && [EIO, EINVAL].includes(error.code))) throw error;
    }
    // Views outlive the file as well as the other way round.
    if (random.chance(0.5)) reader.abandon();
    views.step();
    views.close();
    sum.frames += reader.frames;
    sum.mapped += views.done.mapped;
    sum.moved += views.done.moved;
    sum.cut += views.done.cut;
    sum.forked += views.done.forked;
    await delay(0);
  }
  return sum;
}
