#!/bin/bash
# SPDX-License-Identifier: MIT
# What the kernel did during the longest latency while COMMAND ran.
#
# usage: scripts/trace_worst_case.sh OUT TRACER COMMAND...
#
# TRACER is a latency tracer: wakeup, wakeup_rt, wakeup_dl, irqsoff, preemptoff,
# preemptirqsoff. Most distributions' kernels have none. OUT is the kernel's own
# text, its first lines say how long it was. The exit status is COMMAND's; Ctrl-C
# ends it and keeps the trace.
scripts=$(dirname "$(readlink -f "$0")")
. "$scripts/trace_common.sh"

arguments 3 - $#
out=$1
tracer=$2
shift 2
tracers="wakeup wakeup_rt wakeup_dl irqsoff preemptoff preemptirqsoff"
[[ " $tracers " == *" $tracer "* ]] || wrong_usage "TRACER is one of $tracers, not '$tracer'"

open_instance
available=$(cat "$tracefs/available_tracers")
[[ " $available " == *" $tracer "* ]] || die "this kernel has no tracer $tracer, only: $available"
open_output "$out"
echo 0 >"$instance/tracing_max_latency"
echo "$tracer" 2>/dev/null >"$instance/current_tracer" ||
	die "the tracer $tracer is busy: another program uses it"

status=0
traced "$@" || status=$?
cat "$instance/trace" >"$out"
echo "$out: $tracer, longest latency $(cat "$instance/tracing_max_latency") us"
exit "$status"
