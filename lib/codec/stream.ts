/**
 * Compressed video files, taken apart into what a stateless decoder is sent: whole access units,
 * with their parameter sets left where they are.
 *
 * @module
 */
import { fourccText } from "../uapi/videodev2.ts";
import type { AccessUnit } from "./access_unit.ts";
import { isByteStream, type Segment } from "./annexb.ts";
import { type Codec, type CodecName, CODED, STREAM_CODECS } from "./codecs.ts";
import { av1Units } from "./av1/stream.ts";
import { h264Units } from "./h264/stream.ts";
import { isHevcStream } from "./hevc/nal.ts";
import { hevcUnits } from "./hevc/stream.ts";
import { isMpeg2, mpeg2Units } from "./mpeg2/stream.ts";
import { isIvf, type IvfFrame, ivfFrames, readIvfHeader } from "./ivf.ts";
import { annexBUnits, isAnnexB, isSection5, section5Units, type TemporalUnit } from "./av1/obu.ts";
import { type Lost, StreamError } from "./stream_error.ts";
import { vp8Units } from "./vp8/stream.ts";
import { vp9Units } from "./vp9/stream.ts";

export type { AccessUnit, Chroma, Control, Sequence } from "./access_unit.ts";
export type { Codec } from "./codecs.ts";
export { type Lost, StreamError } from "./stream_error.ts";

function* ivfTemporalUnits(frames: Iterable<IvfFrame>): Generator<TemporalUnit> {
  for (const { number, offset, data } of frames) {
    if (data.length > 0) yield { where: () => `frame ${number} at byte ${offset}`, data };
  }
}

function* ivfSegments(frames: Iterable<IvfFrame>): Generator<Segment> {
  for (const { number, offset, data } of frames) {
    if (data.length > 0) yield { where: `frame ${number}: `, offset, data };
  }
}

const fourccOf = (codec: Codec) => fourccText(CODED[codec]);
const FOURCCS = STREAM_CODECS.map(fourccOf).join(", ");

function* ivfUnits(
  bytes: Uint8Array<ArrayBuffer>,
  codec?: Codec,
  lost?: Lost,
): Generator<AccessUnit> {
  const header = readIvfHeader(bytes);
  const found = STREAM_CODECS.find((codec) => fourccOf(codec) === header.fourcc);
  const name = JSON.stringify(header.fourcc);
  if (!found) throw new StreamError(`IVF header: ${name} is none of ${FOURCCS}`);
  if (codec && codec !== found) throw new StreamError(`IVF header: ${name} is not ${codec}`);
  const frames = ivfFrames(bytes, header);
  switch (found) {
    case "vp9":
      return yield* vp9Units(frames, lost);
    case "av1":
      return yield* av1Units(ivfTemporalUnits(frames), lost);
    case "h264":
      return yield* h264Units(ivfSegments(frames), lost);
    case "hevc":
      return yield* hevcUnits(ivfSegments(frames), lost);
    case "vp8":
      return yield* vp8Units(frames, lost);
    case "mpeg2":
      return yield* mpeg2Units(ivfSegments(frames), lost);
  }
}

/** Streams without a container. */
const RAW: readonly {
  codec: Codec;
  is: (bytes: Uint8Array<ArrayBuffer>) => boolean;
  units: (bytes: Uint8Array<ArrayBuffer>, lost?: Lost) => Generator<AccessUnit>;
}[] = [
  { codec: "av1", is: isSection5, units: (bytes, lost) => av1Units(section5Units(bytes), lost) },
  { codec: "av1", is: isAnnexB, units: (bytes, lost) => av1Units(annexBUnits(bytes), lost) },
  {
    codec: "hevc",
    is: isHevcStream,
    units: (bytes, lost) => hevcUnits([{ where: "", offset: 0, data: bytes }], lost),
  },
  {
    codec: "h264",
    is: isByteStream,
    units: (bytes, lost) => h264Units([{ where: "", offset: 0, data: bytes }], lost),
  },
  {
    codec: "mpeg2",
    is: isMpeg2,
    units: (bytes, lost) => mpeg2Units([{ where: "", offset: 0, data: bytes }], lost),
  },
];

function rawUnits(
  bytes: Uint8Array<ArrayBuffer>,
  codec?: Codec,
  lost?: Lost,
): Generator<AccessUnit> {
  const raw = RAW.find((form) => form.is(bytes));
  if (!raw) throw new StreamError("neither IVF nor H.264 or HEVC Annex B nor AV1 nor MPEG-2");
  if (codec && codec !== raw.codec) throw new StreamError(`${raw.codec}, not ${codec}`);
  return raw.units(bytes, lost);
}

/** Whether bytes begin as a stream of this codec does, with or without a container: not a bare frame. */
export function isStreamOf(bytes: Uint8Array<ArrayBuffer>, codec: CodecName): boolean {
  return isIvf(bytes) || RAW.some((form) => form.codec === codec && form.is(bytes));
}

/**
 * The access units of a file, in decoding order. The container is found out from the content: IVF,
 * H.264 or HEVC Annex B, AV1 Section 5, AV1 Annex B or MPEG-2.
 *
 * @param bytes the whole file; the units are views of it, but for those of AV1 Annex B, which no
 * decoder takes as they are
 * @param codec what it must be; without it, what it is
 * @param lost called for each unit with broken headers, which is then left out; without it, such a unit
 * is an error. A container that is broken always is one
 * @throws {StreamError} after the last whole unit, where something is broken; at once, where it is
 * no video, without a unit, or of another codec
 */
export function* readStream(
  bytes: Uint8Array<ArrayBuffer>,
  codec?: Codec,
  lost?: Lost,
): Generator<AccessUnit> {
  let any = false;
  for (const unit of isIvf(bytes) ? ivfUnits(bytes, codec, lost) : rawUnits(bytes, codec, lost)) {
    yield unit;
    any = true;
  }
  if (!any) throw new StreamError("no picture in it");
}
