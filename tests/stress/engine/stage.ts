/**
 * What every stage of the stress run is given.
 *
 * @module
 */
import type { Random } from "../../harness/random.ts";

/** Paths, time and chance. */
export interface Conditions {
  /** About how long the stage may take. */
  readonly seconds: number;
  /** Fraction of what the stage counts, instead of going by time: 1 is all of it. */
  readonly amount: number;
  readonly random: Random;
  /** Folder of the compiled tools. */
  readonly tools: string;
  /** The module that is loaded. */
  readonly module: string;
  /** Folder of the images and streams. */
  readonly fixtures: string;
  /** To be called for each of what a stage counts: it has its time anew. */
  readonly step: () => void;
}

/** A stage: returns in words what it did and compared. It leaves the module loaded and bound. */
export type Stage = (conditions: Conditions) => string | Promise<string>;

/**
 * What takes a moment takes no longer, however slow the guest and busy its machine: how long a test waits
 * for what may never come.
 */
export const NEVER_S = 60;
export const NEVER_MS = 1000 * NEVER_S;
