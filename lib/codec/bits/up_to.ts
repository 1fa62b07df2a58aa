/**
 * Numbers that have a largest value.
 *
 * @module
 */
import { StreamError } from "../stream_error.ts";
import type { BitReader } from "./reader.ts";

/**
 * An exp-Golomb number up to `most`.
 *
 * @param what the field's name, for the message
 * @throws {StreamError} it is above, or cut off
 */
export function upTo(bits: BitReader, most: number, what: string): number {
  const value = bits.exponential();
  if (value > most) throw new StreamError(`${what} ${value}; at most ${most} is possible`);
  return value;
}
