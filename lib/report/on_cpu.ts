/**
 * Who had which CPU, by the kernel's trace.
 *
 * @module
 */
import type { Slice } from "./analysis/frame_slices.ts";
import { switchOf, type Task, type TraceEvent, type TraceLoss, type TraceSpan } from "./ftrace.ts";

/** A task that had a CPU. */
export interface OnCpu extends Slice, Task {
  readonly cpu: number;
}

/** Who had which CPU, as far as the trace reaches: not where it has lost who came. */
export function* tasksOnCpus(
  events: Iterable<TraceEvent | TraceLoss>,
  { first, last }: Pick<TraceSpan, "first" | "last">,
): Generator<OnCpu, void> {
  // Undefined behind what was lost: nobody knows since when who comes next has it.
  const running = new Map<number, Task & { readonly begin: number } | undefined>();
  for (const event of events) {
    if ("lost" in event) {
      running.set(event.cpu, undefined);
      continue;
    }
    const found = switchOf(event);
    if (!found) continue;
    const { cpu, ns: end } = event;
    const { previous, next } = found;
    const known = running.has(cpu) ? running.get(cpu) : { id: previous.id, begin: first };
    if (known?.id === previous.id && known.begin <= end) {
      yield { cpu, ...previous, begin: known.begin, end };
    }
    running.set(cpu, { ...next, begin: end });
  }
  for (const [cpu, task] of running) if (task) yield { cpu, ...task, end: last };
}
