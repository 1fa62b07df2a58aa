/**
 * AV1's other form of a stream, which no program here writes.
 *
 * @module
 */
import { readStream } from "../../lib/codec/stream.ts";
import { joined } from "./bytes.ts";

/** A section 5 stream in annex B's form, with the OBUs' own sizes left out or not. */
export function av1AnnexB(
  file: Uint8Array<ArrayBuffer>,
  keepSizes: boolean,
): Uint8Array<ArrayBuffer> {
  const leb128 = (value: number): number[] =>
    value < 128 ? [value] : [value & 127 | 128, ...leb128(value >> 7)];
  const parts = [...readStream(file)].map(({ data }) => {
    const obus: number[][] = [];
    for (let at = 0; at < data.length;) {
      let length = 0;
      let next = at + 1;
      for (let shift = 0;; shift += 7) {
        length |= (data[next] & 127) << shift;
        if (data[next++] < 128) break;
      }
      const obu = keepSizes
        ? [...data.subarray(at, next + length)]
        : [data[at] & ~2, ...data.subarray(next, next + length)];
      obus.push([...leb128(obu.length), ...obu]);
      at = next + length;
    }
    const frame = obus.flat();
    const unit = [...leb128(frame.length), ...frame];
    return Uint8Array.from([...leb128(unit.length), ...unit]);
  });
  return joined(...parts);
}
