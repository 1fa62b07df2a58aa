/**
 * What a frame loop records.
 *
 * @module
 */
export * from "./frame_log.ts";
export * from "./gaps.ts";
export * from "./histogram.ts";
export * from "./source_statistics.ts";
