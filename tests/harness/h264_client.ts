/**
 * H.264 as a stateless client sends it: slices in buffers, parameter sets in controls.
 *
 * @module
 */
import type { FrameControls } from "../../daemon/rebuild/rebuilder.ts";
import { nalUnits } from "../../lib/codec/annexb.ts";
import * as c from "../../lib/uapi/v4l2_controls_h264.ts";
import type { Control } from "../../lib/codec/access_unit.ts";
import { readPps, readSps, type Sps } from "../../lib/codec/h264/sps.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const SPS = 7;
const PPS = 8;
const SLICES = [1, 5];

/** Takes the parameter sets out of a stream that has one of each at a time. */
export class H264Client {
  readonly #sps = new Map<number, Sps>();
  readonly #pps = new Map<number, Bytes>();
  readonly #startCode: boolean;

  /** @param startCode whether slices have one */
  constructor(startCode: boolean) {
    this.#startCode = startCode;
  }

  /** The slices of an access unit, and the controls of its parameter sets. */
  parts(unit: Bytes): { slices: Bytes[]; controls: Control[] } {
    const slices: Bytes[] = [];
    for (const nal of nalUnits(unit)) {
      if (nal.type === SPS) {
        const sps = readSps(nal.payload);
        this.#sps.set(sps.id, sps);
      } else if (nal.type === PPS) {
        const { id, control } = readPps(nal.payload, (id) => this.#sps.get(id));
        this.#pps.set(id, control);
      } else if (SLICES.includes(nal.type)) {
        const header = nal.refIdc << 5 | nal.type;
        slices.push(Uint8Array.of(...this.#startCode ? [0, 0, 1] : [], header, ...nal.payload));
      }
    }
    const controls = [
      { id: c.V4L2_CID_STATELESS_H264_SPS, payload: this.#sps.get(0)!.control },
      { id: c.V4L2_CID_STATELESS_H264_PPS, payload: this.#pps.get(0)! },
    ];
    return { slices, controls };
  }

  /** The same controls as the daemon has them. */
  frameControls(controls: readonly Control[]): FrameControls {
    const startCode = Uint8Array.of(this.#startCode ? 1 : 0, 0, 0, 0);
    const payloads = new Map<number, Bytes>([
      ...controls.map(({ id, payload }): [number, Bytes] => [id, payload]),
      [c.V4L2_CID_STATELESS_H264_START_CODE, startCode],
    ]);
    return { find: (id) => payloads.get(id), timestampLow: 0, timestampHigh: 0 };
  }
}
