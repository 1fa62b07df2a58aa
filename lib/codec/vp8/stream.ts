/**
 * VP8 in IVF: a container's frame is a unit.
 *
 * @module
 */
import { type AccessUnit, type Sequence, uncropped } from "../access_unit.ts";
import type { IvfFrame } from "../ivf.ts";
import { at, type Lost, passedOver, StreamError } from "../stream_error.ts";
import {
  V4L2_CID_STATELESS_VP8_FRAME,
  v4l2_ctrl_vp8_frame,
  V4L2_VP8_FRAME_FLAG_KEY_FRAME,
} from "../../uapi/v4l2_controls_vp8.ts";
import { Vp8Header } from "./header.ts";

/** What a decoder is set up by: without a first partition the control is no single frame's. */
function sequenceOf(header: Vp8Header): Sequence {
  const { width, height, version } = header;
  const control = v4l2_ctrl_vp8_frame.alloc({
    width,
    height,
    horizontal_scale: header.horizontalScale,
    vertical_scale: header.verticalScale,
    version,
    num_dct_parts: 1,
    flags: V4L2_VP8_FRAME_FLAG_KEY_FRAME,
  });
  const controls = [{ id: V4L2_CID_STATELESS_VP8_FRAME, payload: control.bytes }];
  return uncropped({ codec: "vp8", width, height, bitDepth: 8, chroma: "4:2:0", controls });
}

/**
 * The units of a stream. A frame that is hidden is a unit too, and shows nothing. A frame of no bytes
 * is one that the encoder dropped: it makes no unit.
 *
 * @param lost called for a frame whose header is broken, or before which there is no key frame
 * @throws {StreamError} at the first such frame, without `lost`
 */
export function* vp8Units(frames: Iterable<IvfFrame>, lost?: Lost): Generator<AccessUnit> {
  const header = new Vp8Header();
  let sequence: Sequence | undefined;
  let pictures = 0;
  let units = 0;
  for (const { number, offset, data } of frames) {
    if (data.length === 0) continue;
    const parse = (): Sequence => {
      header.read(data);
      if (header.key && (header.width === 0 || header.height === 0)) {
        throw new StreamError(`a size of ${header.width}x${header.height}`);
      }
      const { width, height } = header;
      if (header.key && (sequence?.width !== width || sequence.height !== height)) {
        sequence = sequenceOf(header);
      }
      if (!sequence) throw new StreamError("no key frame before it");
      return sequence;
    };
    const where = () => `frame ${number} at byte ${offset}`;
    const of = passedOver(lost, units++, () => at(where, parse));
    if (!of) continue;
    yield { data, sequence: of, key: header.key, displayIndex: header.shown ? pictures++ : -1 };
  }
}
