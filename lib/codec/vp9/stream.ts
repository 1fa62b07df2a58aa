/**
 * VP9 in IVF: a container's frame is a unit.
 *
 * @module
 */
import { type AccessUnit, type Sequence, uncropped } from "../access_unit.ts";
import { V4L2_CID_STATELESS_VP9_FRAME, v4l2_ctrl_vp9_frame } from "../../uapi/v4l2_controls_vp9.ts";
import type { IvfFrame } from "../ivf.ts";
import { at, type Lost, passedOver, StreamError } from "../stream_error.ts";
import { splitSuperframe, type Vp9Format, type Vp9Frame, Vp9Headers } from "./header.ts";

const sameFormat = (a: Sequence, b: Vp9Format) =>
  a.width === b.width && a.height === b.height && a.bitDepth === b.bitDepth &&
  a.chroma === b.chroma;

/** What a frame's control says of all: no decoder is to take it for the control of each one. */
function ofAll(control: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const bytes = control.slice();
  Object.assign(v4l2_ctrl_vp9_frame.at(bytes), {
    compressed_header_size: 0,
    uncompressed_header_size: 0,
  });
  return bytes;
}

function sequenceOf(
  { width, height, bitDepth, chroma }: Vp9Format,
  control: Uint8Array<ArrayBuffer> | undefined,
): Sequence {
  const controls = control ? [{ id: V4L2_CID_STATELESS_VP9_FRAME, payload: ofAll(control) }] : [];
  return uncropped({ codec: "vp9", width, height, bitDepth, chroma, controls });
}

/**
 * The units of a stream. Hidden frames come in one unit with the frame that is shown, or alone and
 * show nothing. A unit's size is that of the picture it shows, wherever that was decoded. A frame
 * of no bytes is one that the encoder dropped: it makes no unit.
 *
 * @param lost called for a frame whose header is broken, or that shows more than one picture (spatial
 * layers)
 * @throws {StreamError} at the first such frame, without `lost`
 */
export function* vp9Units(frames: Iterable<IvfFrame>, lost?: Lost): Generator<AccessUnit> {
  const headers = new Vp9Headers();
  let sequence: Sequence | undefined;
  let control: Uint8Array<ArrayBuffer> | undefined;
  let pictures = 0;
  let units = 0;
  for (const { number, offset, data } of frames) {
    if (data.length === 0) continue;
    const parse = (): Vp9Frame[] => {
      const read = splitSuperframe(data).map((frame) => headers.read(frame));
      if (read.length === 0) throw new StreamError("a superframe without frames");
      if (read.filter(({ shown }) => shown).length > 1) {
        throw new StreamError("more than one picture in a frame is not supported");
      }
      return read;
    };
    const where = () => `frame ${number} at byte ${offset}`;
    const read = passedOver(lost, units++, () => at(where, parse));
    if (!read) continue;
    const shown = read.find((frame) => frame.shown);
    const last = shown ?? read[read.length - 1];
    control = (read.find((frame) => frame.key) ?? last).control ?? control;
    if (!sequence || !sameFormat(sequence, last.format)) {
      sequence = sequenceOf(last.format, control);
    }
    const key = read.some((frame) => frame.key);
    yield { data, sequence, key, displayIndex: shown ? pictures++ : -1 };
  }
}
