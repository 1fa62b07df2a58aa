/**
 * Frames that a sequence number skips.
 *
 * @module
 */

/**
 * From one 32-bit sequence number to a later frame's: 1 between neighbours, also where the numbers
 * wrap; 0 of a frame that is had again, negative where the numbers began anew.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(sequenceStep(41, 42), 1);
 * assertEquals(sequenceStep(0xffff_ffff, 0), 1);
 * assertEquals(sequenceStep(42, 0), -42);
 * ```
 */
export function sequenceStep(from: number, to: number): number {
  return (to - from) | 0;
}

/**
 * Frames that are missing between two that were had.
 *
 * @param step of their sequence numbers; none are missing where it does not go forward
 * @param frames how many frames the later one is after the earlier by its own count
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(missingFrames(sequenceStep(41, 42)), 0);
 * assertEquals(missingFrames(sequenceStep(41, 45)), 3);
 * assertEquals(missingFrames(sequenceStep(42, 0)), 0);
 * ```
 */
export function missingFrames(step: number, frames = 1): number {
  return step > frames ? step - frames : 0;
}

/** Which of a frame's two fields a buffer has, by whatever the caller tells them apart. */
export type Field = number | string;

/** V4L2_FIELD_NONE, and its word in a CSV: a driver that does not say which field it is. */
const isUnsaid = (field: Field) => field === 1 || field === "none";

/** So many in a row have a number each before the driver is one that numbers fields: others lose some. */
const NUMBERED = 8;

/** Buffers that a frame comes in: one, or one a field where fields alternate. */
export function buffersPerFrame(alternating: boolean): number {
  return alternating ? 2 : 1;
}

/**
 * Goes through a stream's numbers, buffer by buffer. Where fields alternate (V4L2_FIELD_ALTERNATE) both
 * of a frame have its number, says V4L2 of `struct v4l2_buffer`: then steps are of fields. Which one is
 * first depends on the video standard, and is known from the first frame of which both were had. Some
 * drivers number fields (rcar-vin), or say of none which it is (TI's vip): a number each is a step each.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 *
 * const steps = new SequenceSteps(true);
 * const fields = [[7, "top"], [7, "bottom"], [8, "top"], [9, "top"]] as const;
 * assertEquals(fields.map(([sequence, field]) => steps.to(sequence, field)), [1, 1, 1, 2]);
 * ```
 */
export class SequenceSteps {
  #hasBegun = false;
  #sequence = 0;
  #field: Field = 0;
  /** The one that comes second. */
  #later: Field | undefined;
  /** How many neighbours in a row had numbers of their own, and were each other's other field. */
  #numbered = 0;

  /**
   * The first buffer is to come.
   *
   * @param alternating whether each buffer has one of a frame's two fields
   */
  constructor(
    /** Whether steps are of fields. */
    readonly alternating: boolean,
  ) {}

  /**
   * From the buffer before to this one, as `sequenceStep`; 1 of the first. It allocates nothing.
   *
   * @param sequence the driver's number of it, 32 bits
   * @param field looked at where fields alternate
   */
  to(sequence: number, field: Field = 0): number {
    const frames = sequenceStep(this.#sequence, sequence);
    const step = this.#hasBegun ? this.alternating ? this.#fields(frames, field) : frames : 1;
    this.#hasBegun = true;
    this.#sequence = sequence;
    this.#field = field;
    return step;
  }

  #fields(frames: number, field: Field): number {
    if (isUnsaid(field)) return frames;
    if (frames === 0 && field !== this.#field) this.#later ??= field;
    if (this.#later === undefined && this.#numbered < NUMBERED) {
      this.#numbered = frames === 1 && field !== this.#field ? this.#numbered + 1 : 0;
    }
    if (this.#later === undefined && this.#numbered === NUMBERED) return frames;
    if (field === this.#field) return 2 * frames;
    // As long as nobody knows, no field is said to be missing.
    const isLater = this.#later === undefined ? frames < 0 : field === this.#later;
    return 2 * frames + (isLater ? 1 : -1);
  }

  /** The next buffer is a first one. */
  begin(): void {
    this.#hasBegun = false;
  }
}

/** What a column of sequence numbers says about frames that never came. */
export interface Gaps {
  /** How often a number, or a field, was skipped. */
  readonly gaps: number;
  /** How many were skipped in all; what was lost where one went backwards nobody knows. */
  readonly lost: number;
  /** How often a number, or a field of one, was not above the one before. */
  readonly backwards: number;
}

/**
 * Finds the gaps of a column.
 *
 * @param frame each row's own number: rows that are gone from the file are no lost frames
 * @param fields each row's field, where they alternate
 */
export function sequenceGaps(
  sequence: ArrayLike<number>,
  frame: ArrayLike<number>,
  fields?: ArrayLike<Field>,
): Gaps {
  const found = { gaps: 0, lost: 0, backwards: 0 };
  const steps = new SequenceSteps(fields !== undefined);
  for (let row = 0; row < sequence.length; row++) {
    const step = steps.to(sequence[row], fields?.[row]);
    const missing = missingFrames(step, row === 0 ? 1 : frame[row] - frame[row - 1]);
    if (step <= 0) found.backwards++;
    if (missing > 0) found.gaps++;
    found.lost += missing;
  }
  return found;
}
