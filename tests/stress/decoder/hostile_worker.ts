/**
 * A process that is the daemon, and means no good.
 *
 * @module
 */
import { EAGAIN, EBUSY, SysError } from "../../../lib/sys/errno.ts";
import { File } from "../../../lib/sys/file.ts";
import { _IOWR } from "../../../lib/uapi/ioctl_number.ts";
import { tryIoctl } from "../../../lib/sys/ioctl.ts";
import { Mapping } from "../../../lib/sys/mmap.ts";
import * as uapi from "../../../lib/uapi/vpipe_dec.ts";
import { BAD_ADDRESSES, EDGES } from "../engine/caller.ts";
import { ALL_CODECS, Bridge, StreamFile } from "./bridge.ts";
import { orErrno, raw } from "../engine/libc.ts";
import { Random } from "../../harness/random.ts";
import { delay } from "../../harness/waiting.ts";

/** What the worker is to do. */
export interface HostileOrder {
  readonly seed: number;
  /** Writes behind SIGTERM. */
  readonly messages: number;
}

const { VPIPE_DEC_VERSION: VERSION } = uapi;

const MAX_MAPPINGS = 8;

/** Between two looks at signals. */
const STEPS = 256;

/** One life after the other of a daemon, made of random calls. */
class Hostile {
  readonly tally = {
    messages: 0,
    accepted: 0,
    sessions: 0,
    streams: 0,
    buffers: 0,
    errnos: {} as Record<number, string>,
  };
  #bridge: Bridge;
  #streams: StreamFile[] = [];
  #known: number[] = [];
  /** Of frames that were read, from all streams. */
  #cookies: bigint[] = [1n];
  readonly #mappings: Mapping[] = [];
  readonly #actions: readonly (() => void)[];

  constructor(readonly random: Random) {
    this.#bridge = this.#begin();
    const lots: [number, () => void][] = [
      [10, () => this.#readSession()],
      [60, () => this.#readStream()],
      [24, () => this.#answer()],
      [16, () => this.#tell()],
      [20, () => this.#mutate()],
      [10, () => this.#noise()],
      [6, () => this.#sessionMessage()],
      [10, () => this.#open()],
      [8, () => this.#export()],
      [4, () => this.#scribble()],
      [3, () => this.#anyIoctl()],
      [2, () => void this.random.pick([this.#bridge, ...this.#streams]).poll()],
      [1, () => this.#closeStream()],
    ];
    this.#actions = lots.flatMap(([weight, action]) => Array(weight).fill(action));
  }

  #begin(): Bridge {
    const bridge = new Bridge();
    this.tally.sessions++;
    if (this.random.chance(0.9)) bridge.hello();
    return bridge;
  }

  step(): void {
    if (this.random.chance(0.0005)) this.#restart();
    this.random.pick(this.#actions)();
  }

  #count(call: string, result: number): number {
    if (result < 0) this.tally.errnos[-result] = call;
    return result;
  }

  #write(call: string, to: { write(bytes: Uint8Array<ArrayBuffer>): number }, bytes: Uint8Array) {
    this.tally.messages++;
    if (this.#count(call, to.write(new Uint8Array(bytes))) >= 0) this.tally.accepted++;
  }

  /** Ends this daemon in any order of its files. */
  #restart(): void {
    const files = this.random.shuffle([this.#bridge, ...this.#streams]);
    for (const file of files) file.close();
    this.#streams = [];
    this.#known = [];
    for (;;) {
      try {
        this.#bridge = this.#begin();
        return;
      } catch (error) {
        if (!(error instanceof SysError && error.code === EBUSY)) throw error;
      }
    }
  }

  #room(): number {
    return this.random.pick([0, 23, 24, 31, 32, 47, 48, 64, 16384, 16384, 16384, 16384]);
  }

  #readSession(): void {
    if (this.#count("read", this.#bridge.read(this.#room())) <= 0) return;
    const { type, stream } = this.#bridge.header;
    if (type === uapi.VPIPE_DEC_MSG_OPENED) this.#known.push(stream);
  }

  #readStream(): void {
    const { random } = this;
    if (this.#streams.length === 0) return this.#open();
    const stream = random.pick(this.#streams);
    if (random.chance(0.02)) {
      const nowhere = random.pick(BAD_ADDRESSES);
      this.#count("read", orErrno(raw.read(stream.file.fd, nowhere, 16384n)));
      return;
    }
    const size = this.#count("read", stream.read(this.#room()));
    // So that its clients come to something.
    if (size === -EAGAIN && random.chance(0.3)) stream.poll(1);
    if (size <= 0) return;
    const { type, cookie } = stream.header;
    if (type === uapi.VPIPE_DEC_MSG_EMPTY || type === uapi.VPIPE_DEC_MSG_DRAIN) {
      this.#cookies.push(cookie);
      if (random.chance(0.5)) this.#tell(stream);
    }
    if (type !== uapi.VPIPE_DEC_MSG_DECODE) return;
    if (random.chance(0.3)) this.#tell(stream);
    // Else its clients would do nothing but wait.
    if (random.chance(0.6)) return this.#answer(stream);
    this.#cookies.push(cookie);
    if (this.#cookies.length > 50) this.#cookies.splice(0, 10);
  }

  /** As it should be, for the frame that was read last. */
  #answer(stream?: StreamFile): void {
    if (this.#streams.length === 0) return this.#open();
    stream ??= this.random.pick(this.#streams);
    this.tally.messages++;
    const { cookie } = stream.header;
    // Without a picture, as all are on a stateful stream, there are none.
    const bytesused0 = this.random.chance(0.9) ? this.random.pick([0, 64]) : this.random.next();
    const status = this.random.chance(0.8) ? 0 : this.random.below(7);
    const result = stream.done(cookie, { status, bytesused0 });
    if (this.#count("write", result) >= 0) this.tally.accepted++;
  }

  /** What a stateful stream takes, of cookies that may be anything's. */
  #tell(stream?: StreamFile): void {
    const { random } = this;
    if (this.#streams.length === 0) return this.#open();
    stream ??= random.pick(this.#streams);
    this.tally.messages++;
    const cookie = random.chance(0.5) ? stream.header.cookie : random.pick(this.#cookies);
    const any = () => random.chance(0.9) ? random.below(200) : random.pick(EDGES);
    const size = () => ({ width: any(), height: any() });
    const picture = () => ({
      source: random.chance(0.5) ? cookie : random.pick(this.#cookies),
      bytesused0: random.chance(0.9) ? any() : random.next(),
      status: random.below(3),
    });
    const result = random.pick([
      () => stream.format(cookie, { ...size(), depth: random.pick([8, 8, 8, 10, 12]) }),
      () => stream.format(cookie, { width: 64, height: 48 }),
      () => stream.picture(cookie, picture()),
      () => stream.drained(cookie),
    ])();
    if (this.#count("write", result) >= 0) this.tally.accepted++;
  }

  #valid(): Uint8Array<ArrayBuffer> {
    const { random } = this;
    const stream = this.#streams.length > 0 ? random.pick(this.#streams).id : 1;
    const head = { version: VERSION, stream, cookie: random.pick(this.#cookies) };
    switch (random.below(6)) {
      case 0:
        return uapi.vpipe_dec_hello.alloc({
          ...{ version: VERSION, type: uapi.VPIPE_DEC_MSG_HELLO },
          ...{ size: uapi.vpipe_dec_hello.size, codecs: random.next() },
          ...{ streams: 1 + random.below(300), memory: random.next() },
        }).bytes;
      case 1:
        return uapi.vpipe_dec_header.alloc({ ...head, type: uapi.VPIPE_DEC_MSG_PONG, size: 24 })
          .bytes;
      case 2:
        return uapi.vpipe_dec_format.alloc({
          ...{ ...head, type: uapi.VPIPE_DEC_MSG_FORMAT, size: 72, depth: 8 },
          ...{ width: 64, height: 48, visible_width: 64, visible_height: 48 },
        }).bytes;
      case 3:
        return uapi.vpipe_dec_picture.alloc({
          ...{ ...head, type: uapi.VPIPE_DEC_MSG_PICTURE, size: 48 },
          source: random.pick(this.#cookies),
        }).bytes;
      default:
        return uapi.vpipe_dec_done.alloc({ ...head, type: uapi.VPIPE_DEC_MSG_DONE, size: 40 })
          .bytes;
    }
  }

  /** A message that was valid before a few of its bits, bytes or words changed. */
  #mutate(): void {
    const { random } = this;
    const bytes = this.#valid();
    const words = new Uint32Array(bytes.buffer);
    for (let i = random.below(4); i > 0; i--) {
      if (random.chance(0.4)) bytes[random.below(bytes.length)] ^= 1 << random.below(8);
      else words[random.below(words.length)] = random.pick(EDGES);
    }
    const cut = random.chance(0.1) ? random.between(1, bytes.length) : bytes.length;
    this.#write("write", random.pick([this.#bridge, ...this.#streams]), bytes.subarray(0, cut));
  }

  #noise(): void {
    const { random } = this;
    const bytes = new Uint8Array(random.pick([1, 8, 24, 32, 40, 40, 48, 64, 4096, 16384, 65536]));
    for (let i = Math.min(bytes.length, 64); i-- > 0;) bytes[i] = random.below(256);
    this.#write("write", random.pick([this.#bridge, ...this.#streams]), bytes);
  }

  #sessionMessage(): void {
    const codecs = this.random.chance(0.2) ? this.random.next() : ALL_CODECS;
    this.tally.messages++;
    if (this.#count("write", this.#bridge.hello(codecs)) >= 0) this.tally.accepted++;
  }

  #open(): void {
    const { random } = this;
    if (this.#known.length === 0) this.#readSession();
    const id = random.chance(0.9) && this.#known.length > 0
      ? random.pick(this.#known)
      : random.below(100);
    const fd = this.#count("VPIPE_DEC_IOC_STREAM", this.#bridge.open(id));
    if (fd < 0) return;
    this.tally.streams++;
    this.#streams.push(new StreamFile(id, fd));
    if (this.#streams.length > 8) this.#closeStream();
  }

  #closeStream(): void {
    const { random } = this;
    this.#streams.splice(random.below(this.#streams.length || 1), 1)[0]?.close();
    if (this.#known.length > 16) this.#known.splice(0, 8);
  }

  #export(): void {
    const { random } = this;
    if (this.#streams.length === 0) return;
    const any = () => random.chance(0.9) ? random.below(4) : random.pick(EDGES);
    const queue = random.chance(0.9) ? random.below(2) : random.pick(EDGES);
    const plane = random.chance(0.9) ? 0 : random.pick(EDGES);
    const { result, argument } = random.pick(this.#streams).buffer(queue, any(), plane);
    if (this.#count("VPIPE_DEC_IOC_BUFFER", result) < 0) return;
    this.tally.buffers++;
    using dmabuf = new File("dma-buf", argument.fd);
    const { size } = argument;
    if (random.chance(0.3)) return;
    this.#mappings.push(
      queue === 0 ? Mapping.readOnly(dmabuf, size) : Mapping.shared(dmabuf, size),
    );
    if (this.#mappings.length > MAX_MAPPINGS) this.#mappings.splice(0, 1)[0].close();
    if (queue === 1) this.#mappings.at(-1)!.bytes.fill(random.next(), 0, 4096);
  }

  /** Reads what is mapped, whoever's it may be by now. */
  #scribble(): void {
    if (this.#mappings.length === 0) return;
    const { bytes } = this.random.pick(this.#mappings);
    this.#cookies[0] = BigInt(bytes[this.random.below(bytes.length)]);
  }

  #anyIoctl(): void {
    const { random } = this;
    const { fd } = random.pick([this.#bridge, ...this.#streams]).file;
    // Not the two that give descriptors: their numbers would be lost.
    const number = random.pick([0, 1, 2, 0x3f, 0x42, 0xff]);
    const request = _IOWR(random.pick(["d", "V", "p", "|"]), number, random.below(256));
    this.#count("ioctl", tryIoctl(fd, request, new Uint8Array(256)));
    const { VPIPE_DEC_IOC_STREAM, VPIPE_DEC_IOC_BUFFER } = uapi;
    const known = random.pick([VPIPE_DEC_IOC_STREAM, VPIPE_DEC_IOC_BUFFER]).request;
    this.#count("ioctl", orErrno(raw.ioctl(fd, known, random.pick(BAD_ADDRESSES))));
  }
}

/** Writes messages until SIGTERM, and so many behind it, and does all else that a daemon can, at random. */
export async function beHostile({ seed, messages }: HostileOrder): Promise<Hostile["tally"]> {
  const hostile = new Hostile(new Random(seed));
  const { tally } = hostile;
  let enough = Infinity;
  Deno.addSignalListener("SIGTERM", () => void (enough = tally.messages + messages));
  while (tally.messages < enough) {
    for (let steps = STEPS; steps > 0; steps--) hostile.step();
    await delay(0);
  }
  return tally;
}
