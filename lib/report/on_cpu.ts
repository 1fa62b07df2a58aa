/**
 * Who had which CPU, by the kernel's trace.
 *
 * @module
 */
import type { Slice } from "./analysis/frame_slices.ts";
import { switchOf, type Task, type TraceEvent, type TraceSpan } from "./ftrace.ts";

/** A task that had a CPU. */
export interface OnCpu extends Slice, Task {
  readonly cpu: number;
}

/** Who had which CPU, as far as the trace reaches: not where it has lost who came. */
export function* tasksOnCpus(
  events: Iterable<TraceEvent>,
  { first, last }: TraceSpan,
): Generator<OnCpu, void> {
  const running = new Map<number, Task & { readonly begin: number }>();
  for (const event of events) {
    const found = switchOf(event);
    if (!found) continue;
    const { cpu, ns: end } = event;
    const { previous, next } = found;
    const { id, begin } = running.get(cpu) ?? { id: previous.id, begin: first };
    if (id === previous.id && begin <= end) yield { cpu, ...previous, begin, end };
    running.set(cpu, { ...next, begin: end });
  }
  for (const [cpu, task] of running) yield { cpu, ...task, end: last };
}
