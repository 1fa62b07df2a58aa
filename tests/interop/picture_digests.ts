/**
 * What the pictures of packets are, one by one: a checksum, or all samples.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import type { Assembly } from "../../daemon/rebuild/access_unit_buffer.ts";
import type { CodecName } from "../../lib/codec/codecs.ts";
import { Decoder } from "../../lib/ffmpeg/decoder.ts";
import type { Ffmpeg } from "../../lib/ffmpeg/abi/libraries.ts";
import { Packer, planes } from "../../lib/ffmpeg/packer.ts";
import { Mapping } from "../../lib/sys/mmap.ts";
import { expect } from "../harness/suite.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const MAX_PIXELS = 1 << 20;

/** Decodes packets, and says of each what its picture is. */
export class Digests implements Disposable {
  readonly #decoder: Decoder;

  constructor(readonly ffmpeg: Ffmpeg, codec: CodecName, readonly depth: number) {
    this.#decoder = new Decoder(ffmpeg, codec, MAX_PIXELS);
  }

  /** The picture's CRC; -1 where the packet has none, or is damaged. */
  of(packet: Bytes): number {
    const decoder = this.#decoder;
    decoder.take(Deno.UnsafePointer.of(packet)!, packet.length);
    const picture = decoder.decode();
    if (picture === undefined || decoder.damaged) return -1;
    const { width, height } = picture;
    const layout = this.depth > 8 ? "p010le" : "nv12";
    const stride = 4 * width;
    using memory = Mapping.anonymous(2 * stride * height);
    using packer = new Packer(this.ffmpeg, layout, width, height, [stride, stride]);
    expect(packer.fits(picture), `a picture of ${width}x${height} does not fit`);
    packer.pack(picture, planes(memory.address, memory.address + stride * height));
    return crc32(Buffer.from(memory.bytes), width * 65536 + height);
  }

  [Symbol.dispose](): void {
    this.#decoder[Symbol.dispose]();
  }
}

/** A picture as NV12 without padding, and whether the decoder calls it damaged. */
export interface Decoded {
  readonly bytes: Bytes;
  readonly damaged: boolean;
}

/** Decodes one packet of 8 bits; undefined where it has no picture. */
export function decodePacket(
  ffmpeg: Ffmpeg,
  decoder: Decoder,
  { pointer, size }: Assembly,
): Decoded | undefined {
  decoder.take(pointer, size);
  const picture = decoder.decode();
  if (picture === undefined) return undefined;
  const { width, height } = picture;
  using memory = Mapping.anonymous(2 * width * height);
  using packer = new Packer(ffmpeg, "nv12", width, height, [width, width]);
  packer.pack(picture, planes(memory.address, memory.address + width * height));
  return { bytes: memory.bytes.slice(0, width * height * 3 / 2), damaged: decoder.damaged };
}

export const sameSamples = (a: Bytes, b: Bytes) =>
  a.length === b.length && a.every((sample, at) => sample === b[at]);
