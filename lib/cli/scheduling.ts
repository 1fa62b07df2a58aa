/**
 * `--cpu` and `--realtime`: how the thread with the frame loop is scheduled.
 *
 * @module
 */
import { pinToCpu, setRealtimePriority } from "../sys/thread.ts";
import { integer, type Parameter } from "./parameters.ts";

/** The options of both; undefined leaves things as they are. */
export const SCHEDULING: Record<"cpu" | "realtime", Parameter<number | undefined>> = {
  cpu: integer("CPU", "run the frame loop on this processor only", { max: 8191 }),
  realtime: integer("PRIORITY", "run it with this real-time priority (SCHED_FIFO), 1 to 99", {
    min: 1,
    max: 99,
  }),
};

/**
 * Applies both to the calling thread.
 *
 * @throws {Error} where there is no such processor, or the user may not
 */
export function schedule({ cpu, realtime }: { cpu?: number; realtime?: number }): void {
  if (cpu !== undefined) pinToCpu(cpu);
  if (realtime !== undefined) setRealtimePriority(realtime);
}
