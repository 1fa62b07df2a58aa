/**
 * The stages of the filter's work on a frame, as version 2 of its metadata tells them.
 *
 * @module
 */

/** Columns of the moments between the stages, in their order. */
export const STAGE_ENDS = [
  "queued_ns",
  "run_ns",
  "copied_ns",
  "filtered_ns",
  "checksummed_ns",
  "done_ns",
] as const;

/** What the time from one moment to another was spent on. */
export const FILTER_STAGES = [
  ["queue wait", "queued_ns", "run_ns"],
  ["copy", "run_ns", "copied_ns"],
  ["filter", "copied_ns", "filtered_ns"],
  ["checksum", "filtered_ns", "checksummed_ns"],
  ["finish", "checksummed_ns", "done_ns"],
  ["queued to done", "queued_ns", "done_ns"],
] as const;
