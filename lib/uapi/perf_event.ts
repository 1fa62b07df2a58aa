/**
 * Performance counters, of linux/perf_event.h.
 *
 * @module
 */
import { type FieldsOf, struct, type StructType, u32, u64 } from "./struct.ts";

export const PERF_TYPE_HARDWARE = 0;
export const PERF_TYPE_SOFTWARE = 1;

export const PERF_COUNT_HW_CPU_CYCLES = 0;
export const PERF_COUNT_HW_INSTRUCTIONS = 1;
export const PERF_COUNT_HW_CACHE_MISSES = 3;

export const PERF_COUNT_SW_TASK_CLOCK = 1;
export const PERF_COUNT_SW_PAGE_FAULTS = 2;

export const PERF_FORMAT_TOTAL_TIME_ENABLED = 1;
export const PERF_FORMAT_TOTAL_TIME_RUNNING = 2;
export const PERF_FORMAT_GROUP = 8;

export const PERF_FLAG_FD_CLOEXEC = 8;

/** Its beginning: a kernel takes what it does not know of as long as that is 0. */
export const perf_event_attr: StructType<
  FieldsOf<number, "type" | "size"> & FieldsOf<bigint, "config" | "read_format">
> = struct("struct perf_event_attr", 144, {
  type: u32(0),
  size: u32(4),
  config: u64(8),
  read_format: u64(32),
});
