/**
 * MPEG-2: a picture with the headers in front of it is a unit, or two that are the fields of a frame.
 *
 * @module
 */
import { type AccessUnit, type Chroma, type Sequence, uncropped } from "../access_unit.ts";
import { behindStartCode, START_CODE } from "../annexb.ts";
import { sameBytes } from "../same_bytes.ts";
import { at, type Lost, passedOver, StreamError } from "../stream_error.ts";
import {
  V4L2_CID_STATELESS_MPEG2_SEQUENCE,
  v4l2_ctrl_mpeg2_sequence,
  V4L2_MPEG2_PIC_CODING_TYPE_B,
  V4L2_MPEG2_PIC_CODING_TYPE_I,
} from "../../uapi/v4l2_controls_mpeg2.ts";
import {
  isMpeg2Slice,
  isOtherMpeg2Field,
  MPEG2_GROUP,
  MPEG2_PICTURE,
  MPEG2_SEQUENCE,
  type Mpeg2Headers,
  type Mpeg2Sequence,
  readMpeg2Headers,
} from "./headers.ts";

/** A part of a file that units do not cross: all of it, or a frame of its container. */
interface Segment {
  readonly where: string;
  readonly offset: number;
  readonly data: Uint8Array<ArrayBuffer>;
}

const CHROMA: readonly (Chroma | undefined)[] = [undefined, "4:2:0", "4:2:2", "4:4:4"];

/** Whether a stream begins with a sequence header. */
export function isMpeg2(bytes: Uint8Array): boolean {
  const one = bytes.subarray(0, 64).findIndex((byte) => byte !== 0);
  return one >= 2 && bytes[one] === 1 && bytes[one + 1] === MPEG2_SEQUENCE;
}

function sequenceOf({ control, lowDelay }: Mpeg2Sequence): Sequence {
  const view = v4l2_ctrl_mpeg2_sequence.at(control);
  const chroma = CHROMA[view.chroma_format];
  if (!chroma) throw new StreamError(`chroma_format ${view.chroma_format}`);
  const whole = uncropped({
    codec: "mpeg2",
    width: view.horizontal_size,
    height: view.vertical_size,
    bitDepth: 8,
    chroma,
    controls: [{ id: V4L2_CID_STATELESS_MPEG2_SEQUENCE, payload: control }],
  });
  return { ...whole, reorder: lowDelay ? 0 : 1 };
}

/** Where each picture with its headers begins and ends; what follows the last one belongs to it. */
function* pieces(data: Uint8Array): Generator<readonly [start: number, end: number]> {
  let start = 0;
  let sliced = false;
  for (
    let at = behindStartCode(data);
    at >= 0 && at < data.length;
    at = behindStartCode(data, at)
  ) {
    const code = data[at];
    const begins = code === MPEG2_PICTURE || code === MPEG2_SEQUENCE || code === MPEG2_GROUP;
    if (begins && sliced) {
      yield [start, at - START_CODE];
      start = at - START_CODE;
      sliced = false;
    }
    sliced ||= isMpeg2Slice(code);
  }
  if (start < data.length) yield [start, data.length];
}

interface Picture {
  readonly segment: Uint8Array<ArrayBuffer>;
  readonly start: number;
  end: number;
  readonly sequence: Sequence;
  readonly type: number;
  /** Of a field whose other one has not come. */
  half: number;
}

/** The frames of all segments; and what is broken, in the last place, where nobody is told. */
function framesOf(segments: Iterable<Segment>, lost?: Lost): [Picture[], StreamError | undefined] {
  const frames: Picture[] = [];
  let sequence: Sequence | undefined;
  let count = 0;
  const take = (data: Segment["data"], start: number, end: number, headers: Mpeg2Headers) => {
    const { type, structure } = headers;
    if (headers.sequence) {
      const { control } = headers.sequence;
      const same = sequence && sameBytes(sequence.controls[0].payload, control);
      if (!same) sequence = sequenceOf(headers.sequence);
    }
    const before = frames.at(-1);
    const goes = before?.segment === data && before.end === start;
    if (type === undefined || before && goes && isOtherMpeg2Field(structure, before.half)) {
      if (!before || !goes) throw new StreamError("no picture in it");
      before.end = end;
      if (type !== undefined) before.half = 0;
      return;
    }
    if (!sequence) throw new StreamError("no sequence header before it");
    frames.push({ segment: data, start, end, sequence, type, half: structure });
    count++;
  };
  try {
    for (const { where, offset, data } of segments) {
      for (const [start, end] of pieces(data)) {
        const place = () => `${where}picture at byte ${offset + start}`;
        const parse = () =>
          at(place, () => take(data, start, end, readMpeg2Headers(data.subarray(start, end))));
        passedOver(lost && ((error) => lost(error, count++)), count, parse);
      }
    }
  } catch (error) {
    if (error instanceof StreamError) return [frames, error];
    throw error;
  }
  return [frames, undefined];
}

/** Places in display order: B-pictures at once, any other when the next such comes. */
function displayIndices(frames: readonly Picture[]): number[] {
  const indices: number[] = [];
  let shown = 0;
  let held = -1;
  for (const [at, { type }] of frames.entries()) {
    if (type === V4L2_MPEG2_PIC_CODING_TYPE_B) {
      indices[at] = shown++;
      continue;
    }
    if (held >= 0) indices[held] = shown++;
    held = at;
  }
  if (held >= 0) indices[held] = shown;
  return indices;
}

/**
 * The units of a stream. A key unit is an I-picture.
 *
 * @param lost called for a picture whose headers are broken, or before which there is no sequence's
 * @throws {StreamError} after the last whole unit, where headers are broken, without `lost`
 */
export function* mpeg2Units(segments: Iterable<Segment>, lost?: Lost): Generator<AccessUnit> {
  const [frames, error] = framesOf(segments, lost);
  const indices = displayIndices(frames);
  for (const [at, { segment, start, end, sequence, type }] of frames.entries()) {
    yield {
      data: segment.subarray(start, end),
      sequence,
      key: type === V4L2_MPEG2_PIC_CODING_TYPE_I,
      displayIndex: indices[at],
    };
  }
  if (error) throw error;
}
