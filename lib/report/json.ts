/**
 * A report's figures for programs; quantities have their unit in the key.
 *
 * @module
 */
import type { Decomposition, MeanFrame } from "./analysis/decompose.ts";
import type { MachineFigures, RunFigures } from "./figures.ts";
import type { IoFigures, SideCosts } from "./io.ts";
import type { SlowFrame } from "./slowest_frames.ts";

const snake = (name: string) => name.toLowerCase().replaceAll(/\W+/g, "_");

/** All figures of a machine. */
export function machineJson(machine: MachineFigures): Record<string, unknown> {
  return {
    name: machine.name,
    properties: Object.fromEntries(machine.properties),
    paths: machine.runs.map(runJson),
    io_methods: machine.pairs.map(pairJson),
    kmemleak: machine.kmemleak,
    notices: machine.notices,
  };
}

const known = (value: number | undefined) => Number.isNaN(value) ? undefined : value;

function slowJson(slow: SlowFrame): Record<string, unknown> {
  const { frame, seconds, latency, parts, remainder, charged } = slow;
  return {
    frame,
    seconds,
    latency_ns: latency,
    parts_ns: Object.fromEntries([...parts].map(([name, ns]) => [snake(name), known(ns)])),
    remainder_ns: known(remainder),
    ...Object.fromEntries([...charged].map(([name, value]) => [name, known(value)])),
  };
}

function runJson(run: RunFigures): Record<string, unknown> {
  const { decomposition, thread, lock, perf, meta } = run;
  return {
    run: run.name,
    kind: run.kind.id,
    algorithm: run.algorithm,
    copies_per_frame: run.kind.copies,
    frames: run.frames,
    fields_alternate: run.alternating || undefined,
    frames_per_second: run.rate,
    format: run.summary?.format,
    latency_of: run.latencyName,
    latency_ns: run.latency,
    tool_latency_ns: run.ownLatency,
    frames_before_their_timestamp: run.ahead,
    timestamps_that_do_not_rise: run.stale,
    interval_ns: run.interval,
    decomposition: decomposition && decompositionJson(decomposition),
    slowest_frames: run.slowest.map(slowJson),
    thread: thread && {
      minor_faults: thread.minorFaults,
      voluntary_switches: thread.voluntarySwitches,
      involuntary_switches: thread.involuntarySwitches,
      run_delay_ns: thread.runDelay,
      cycles: thread.cycles,
      instructions: thread.instructions,
      cache_misses: thread.cacheMisses,
    },
    minor_faults_per_qbuf: run.queueFaults,
    sequence_gaps: run.gaps,
    error_frames: run.errors,
    doubts: run.doubts.length > 0 ? run.doubts : undefined,
    metadata: meta && {
      entries: meta.entries,
      overruns: meta.overruns,
      lost: meta.isFirstOverrun ? undefined : meta.lost,
    },
    perf: perf && Object.fromEntries(perf),
    mmap_lock: lock && {
      qbufs: lock.calls,
      acquisitions: lock.acquisitions,
      waited_ns: lock.waited,
      held_ns: lock.held,
    },
  };
}

function pairJson(pair: IoFigures): Record<string, unknown> {
  return {
    run: pair.name,
    size: pair.size,
    writer: pair.writer,
    reader: pair.reader,
    frames: pair.frames,
    lost: pair.pairs.lost,
    frames_without_a_writer: pair.pairs.unknown,
    frames_read_before_written: pair.pairs.early,
    frames_with_contradictory_numbers: pair.pairs.contradictory,
    latency_ns: pair.latency,
    submit_ns: pair.submit,
    copies_per_frame: pair.copies,
    bytes_copied_per_frame: pair.bytesCopied,
    shared_per_frame: pair.shared,
    write: sideJson(pair.write),
    read: sideJson(pair.read),
  };
}

function sideJson(side: SideCosts): Record<string, unknown> {
  return {
    system_calls_per_frame: side.systemCalls && Object.fromEntries(side.systemCalls),
    context_switches_per_frame: side.switches,
    minor_faults_per_frame: side.minorFaults,
    cpu_ns_per_frame: side.cpu,
  };
}

function decompositionJson(found: Decomposition): Record<string, unknown> {
  return {
    of: found.whole,
    frames: found.frames,
    turns: found.turns,
    parts_ns: Object.fromEntries([...found.parts].map(([name, of]) => [snake(name), of])),
    remainder_ns: found.remainder,
    without_source_wait_ns: found.busy,
    remainder_share: Number.isFinite(found.remainderShare) ? found.remainderShare : undefined,
    typical: meanJson(found.typical),
    slowest_percent: meanJson(found.slowest),
    parts_not_recorded: found.unknown,
    frames_without_metadata: found.missing,
    frames_with_other_metadata: found.outside,
  };
}

function meanJson({ frames, parts, remainder, busy }: MeanFrame): Record<string, unknown> {
  return {
    frames,
    parts_ns: Object.fromEntries([...parts].map(([name, ns]) => [snake(name), ns])),
    remainder_ns: remainder,
    without_source_wait_ns: busy,
  };
}
