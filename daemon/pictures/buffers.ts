/**
 * The client's buffers in this process: each plane is asked for and mapped once, and kept until the
 * kernel says that it is gone.
 *
 * @module
 */
import { type Access, Dmabuf } from "../../lib/dmabuf/dma_buf.ts";
import { File } from "../../lib/sys/file.ts";
import { ioctl } from "../../lib/sys/ioctl.ts";
import { Mapping } from "../../lib/sys/mmap.ts";
import { DMA_BUF_SYNC_END, DMA_BUF_SYNC_START } from "../../lib/uapi/dma_buf.ts";
import {
  vpipe_dec_access,
  vpipe_dec_buffer,
  VPIPE_DEC_BUFFER_IMPORTED,
  VPIPE_DEC_IOC_ACCESS,
  VPIPE_DEC_IOC_BUFFER,
  VPIPE_DEC_MAX_PLANES,
  VPIPE_DEC_QUEUE_CAPTURE,
  VPIPE_DEC_QUEUE_OUTPUT,
} from "../../lib/uapi/vpipe_dec.ts";
import type { Digest } from "./digest.ts";

/** Buffers of a queue: one bit each in VPIPE_DEC_MSG_FREE. */
const MAX_BUFFERS = 32;

/** A plane of a buffer. Its fences are the client's, and may never signal: nobody waits for them here. */
class Plane extends Dmabuf {
  readonly #stream: File;
  readonly #access = vpipe_dec_access.alloc();

  constructor(stream: File, ...dmabuf: ConstructorParameters<typeof Dmabuf>) {
    super(...dmabuf);
    this.#stream = stream;
  }

  #tell(flags: number): void {
    if (this.fd < 0) return;
    this.#access.fd = this.fd;
    this.#access.flags = flags;
    ioctl(this.#stream, VPIPE_DEC_IOC_ACCESS, this.#access.bytes);
  }

  override begin({ direction }: Access): void {
    this.#tell(DMA_BUF_SYNC_START | direction);
  }

  override end({ direction }: Access): void {
    this.#tell(DMA_BUF_SYNC_END | direction);
  }
}

/** All buffers of one stream that were asked for so far. */
export class Buffers implements Disposable {
  readonly #stream: File;
  readonly #queues: readonly (Dmabuf | undefined)[][];
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
  plane(queue: number, index: number, plane: number): Dmabuf {
    // An index that is out of range finds nothing here, and the kernel says so.
    return this.#queues[queue][index * VPIPE_DEC_MAX_PLANES + plane] ??
      this.#map(queue, index, plane);
  }

  #map(queue: number, index: number, plane: number): Dmabuf {
    const request = Object.assign(this.#request, { queue, index, plane });
    ioctl(this.#stream, VPIPE_DEC_IOC_BUFFER, request.bytes);
    const { fd, size, flags } = request;
    const file = new File(`${this.#stream.path} buffer ${queue}.${index}.${plane}`, fd);
    // OUTPUT is read, CAPTURE written.
    const map = queue === VPIPE_DEC_QUEUE_OUTPUT ? Mapping.readOnly : Mapping.shared;
    const mapped = new Plane(this.#stream, file, size, map);
    // Whose memory is another device's has to be told of the CPU.
    if (!(flags & VPIPE_DEC_BUFFER_IMPORTED)) mapped.closeDescriptor();
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
