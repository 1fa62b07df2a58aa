/**
 * The client's buffers in this process: each plane is asked for and mapped once, and kept until the
 * kernel says that it is gone.
 *
 * @module
 */
import { DMA_BUF_IOCTL_SYNC, READING, WRITING } from "../../lib/dmabuf/dma_buf.ts";
import { File } from "../../lib/sys/file.ts";
import { ioctl } from "../../lib/sys/ioctl.ts";
import { Mapping } from "../../lib/sys/mmap.ts";
import {
  vpipe_dec_buffer,
  VPIPE_DEC_BUFFER_IMPORTED,
  VPIPE_DEC_IOC_BUFFER,
  VPIPE_DEC_MAX_PLANES,
  VPIPE_DEC_QUEUE_CAPTURE,
  VPIPE_DEC_QUEUE_OUTPUT,
} from "../../lib/uapi/vpipe_dec.ts";
import type { Digest } from "./digest.ts";

/** Buffers of a queue: one bit each in VPIPE_DEC_MSG_FREE. */
const MAX_BUFFERS = 32;

/** One plane of a buffer, mapped. */
export class MappedPlane implements Disposable {
  readonly #mapping: Mapping;
  /** Kept where the memory is another device's. */
  readonly #imported: File | undefined;
  readonly #access;
  readonly pointer: Deno.PointerObject;

  constructor(file: File, size: number, queue: number, imported: boolean) {
    const output = queue === VPIPE_DEC_QUEUE_OUTPUT;
    this.#mapping = output ? Mapping.readOnly(file, size) : Mapping.shared(file, size);
    this.#imported = imported ? file : undefined;
    this.#access = output ? READING : WRITING;
    this.pointer = Deno.UnsafePointer.of(this.#mapping.bytes)!;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#mapping.bytes;
  }
  get address(): number {
    return this.#mapping.address;
  }
  /** In bytes. */
  get size(): number {
    return this.#mapping.length;
  }

  /** Before the CPU reads (OUTPUT) or writes (CAPTURE) it. */
  begin(): void {
    if (this.#imported) ioctl(this.#imported, DMA_BUF_IOCTL_SYNC, this.#access.begin);
  }
  /** When the CPU has done so. */
  end(): void {
    if (this.#imported) ioctl(this.#imported, DMA_BUF_IOCTL_SYNC, this.#access.end);
  }

  [Symbol.dispose](): void {
    this.#mapping.close();
    this.#imported?.close();
  }
}

/** All buffers of one stream that were asked for so far. */
export class Buffers implements Disposable {
  readonly #stream: File;
  readonly #queues: readonly (MappedPlane | undefined)[][];
  readonly #request = vpipe_dec_buffer.alloc();
  #mappings = 0;

  /**
   * @param stream the file of the stream
   * @param digest of the pictures that are written to CAPTURE buffers, where it is asked for
   */
  constructor(stream: File, readonly digest?: Digest) {
    this.#stream = stream;
    this.#queues = [VPIPE_DEC_QUEUE_OUTPUT, VPIPE_DEC_QUEUE_CAPTURE].map(() =>
      new Array(MAX_BUFFERS * VPIPE_DEC_MAX_PLANES).fill(undefined)
    );
  }

  /** How often memory was mapped. */
  get mappings(): number {
    return this.#mappings;
  }

  /**
   * One plane of a buffer.
   *
   * @throws {SysError} EINVAL: there is no such buffer, EPIPE: the stream is over
   */
  plane(queue: number, index: number, plane: number): MappedPlane {
    // An index that is out of range finds nothing here, and the kernel says so.
    return this.#queues[queue][index * VPIPE_DEC_MAX_PLANES + plane] ??
      this.#map(queue, index, plane);
  }

  #map(queue: number, index: number, plane: number): MappedPlane {
    const request = Object.assign(this.#request, { queue, index, plane });
    ioctl(this.#stream, VPIPE_DEC_IOC_BUFFER, request.bytes);
    const { fd, size, flags } = request;
    const file = new File(`${this.#stream.path} buffer ${queue}.${index}.${plane}`, fd);
    const imported = (flags & VPIPE_DEC_BUFFER_IMPORTED) !== 0;
    let mapped: MappedPlane | undefined;
    try {
      mapped = new MappedPlane(file, size, queue, imported);
    } finally {
      // A mapping lives without its descriptor.
      if (mapped === undefined || !imported) file.close();
    }
    this.#mappings++;
    this.#queues[queue][index * VPIPE_DEC_MAX_PLANES + plane] = mapped;
    return mapped;
  }

  /**
   * Unmaps buffers that are gone.
   *
   * @param indices one bit for each
   */
  free(queue: number, indices: number): void {
    const planes = this.#queues[queue];
    for (const [at, plane] of planes.entries()) {
      if (plane === undefined || !(indices >>> Math.floor(at / VPIPE_DEC_MAX_PLANES) & 1)) continue;
      plane[Symbol.dispose]();
      planes[at] = undefined;
    }
  }

  [Symbol.dispose](): void {
    for (const queue of this.#queues.keys()) this.free(queue, 0xffff_ffff);
  }
}
