/**
 * Compressed video files, taken apart into what a stateless decoder is sent: whole access units,
 * with their parameter sets left where they are.
 *
 * @module
 */
import type { AccessUnit, Codec } from "./access_unit.ts";
import { isIvf, ivfFrames, readIvfHeader } from "./ivf.ts";
import { StreamError } from "./stream_error.ts";
import { vp9Units } from "./vp9_stream.ts";

export type { AccessUnit, Chroma, Codec, Control, Sequence } from "./access_unit.ts";
export { StreamError } from "./stream_error.ts";

const CODECS: Record<string, Codec> = { VP90: "vp9", AV01: "av1", H264: "h264" };

function* ivfUnits(bytes: Uint8Array<ArrayBuffer>, codec?: Codec): Generator<AccessUnit> {
  const header = readIvfHeader(bytes);
  const found = CODECS[header.fourcc];
  const name = JSON.stringify(header.fourcc);
  if (!found) throw new StreamError(`IVF header: ${name} is none of VP90, AV01 and H264`);
  if (codec && codec !== found) throw new StreamError(`IVF header: ${name} is not ${codec}`);
  const frames = ivfFrames(bytes, header);
  switch (found) {
    case "vp9":
      return yield* vp9Units(frames);
    default:
      throw new StreamError(`${found} is not supported`);
  }
}

/**
 * The access units of a file, in decoding order. The container is found out from the content: IVF,
 * H.264 Annex B, AV1 Section 5 or AV1 Annex B.
 *
 * @param bytes the whole file; the units are views of it
 * @param codec what it must be; without it, what it is
 * @throws {StreamError} after the last whole unit, where something is broken; at once, where it is
 * no video, or of another codec
 */
export function* readStream(
  bytes: Uint8Array<ArrayBuffer>,
  codec?: Codec,
): Generator<AccessUnit> {
  if (isIvf(bytes)) return yield* ivfUnits(bytes, codec);
  throw new StreamError("not a video");
}
