/**
 * AV1: a temporal unit is a unit.
 *
 * @module
 */
import { type AccessUnit, type Sequence, uncropped } from "../access_unit.ts";
import { V4L2_CID_STATELESS_AV1_SEQUENCE } from "../../uapi/v4l2_controls_av1.ts";
import {
  type Av1Frame,
  Av1Headers,
  type Av1Sequence,
  type Av1Size,
  isDecoded,
  readSequenceHeader,
} from "./header.ts";
import {
  OBU_FRAME,
  OBU_FRAME_HEADER,
  OBU_SEQUENCE_HEADER,
  obus,
  type TemporalUnit,
} from "./obu.ts";
import { sameBytes } from "../same_bytes.ts";
import { at, type Lost, passedOver, StreamError } from "../stream_error.ts";

function sequenceOf(
  { bitDepth, chroma, control }: Av1Sequence,
  { width, height }: Av1Size,
): Sequence {
  const controls = [{ id: V4L2_CID_STATELESS_AV1_SEQUENCE, payload: control }];
  return uncropped({ codec: "av1", width, height, bitDepth, chroma, controls });
}

const isSame = (sequence: Sequence, header: Av1Sequence, { width, height }: Av1Size) =>
  sequence.width === width && sequence.height === height &&
  sameBytes(sequence.controls[0].payload, header.control);

/** A picture and the layer it is in. */
interface Layer {
  readonly frame: Av1Frame;
  readonly spatialId: number;
}

/**
 * The units of a stream. A unit's size is that of the picture it shows, wherever that was decoded;
 * of several spatial layers it is the last one, as decoders show no other. A unit without a frame
 * shows nothing; before the first sequence header it is left out.
 *
 * @param lost called for a unit whose headers are broken, or that shows two pictures
 * @throws {StreamError} at the first such unit, without `lost`
 */
export function* av1Units(
  units: Iterable<TemporalUnit>,
  lost?: Lost,
): Generator<AccessUnit> {
  const headers = new Av1Headers();
  let header: Av1Sequence | undefined;
  let sequence: Sequence | undefined;
  let pictures = 0;
  let number = 0;
  for (const { where, data } of units) {
    const parse = (): Layer[] => {
      const layers: Layer[] = [];
      for (const obu of obus(data)) {
        if (obu.type === OBU_SEQUENCE_HEADER) header = readSequenceHeader(obu.payload);
        if (obu.type !== OBU_FRAME && obu.type !== OBU_FRAME_HEADER) continue;
        if (!header) throw new StreamError("a frame before the first sequence header");
        if (!isDecoded(header, obu)) continue;
        layers.push({ frame: headers.read(header, obu), spatialId: obu.spatialId });
      }
      const shown = layers.filter(({ frame }) => frame.shown).map(({ spatialId }) => spatialId);
      if (new Set(shown).size < shown.length) {
        throw new StreamError("more than one picture in a temporal unit");
      }
      return layers;
    };
    const layers = passedOver(lost, number++, () => at(where, parse));
    if (!layers || !header) continue;
    const shown = layers.findLast(({ frame }) => frame.shown);
    const size = (shown ?? layers.at(-1))?.frame.size ?? sequence ?? header.maxSize;
    if (!sequence || !isSame(sequence, header, size)) sequence = sequenceOf(header, size);
    const key = layers.some(({ frame }) => frame.key);
    yield { data, sequence, key, displayIndex: shown ? pictures++ : -1 };
  }
}
