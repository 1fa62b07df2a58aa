#!/bin/bash
# SPDX-License-Identifier: MIT
# Trace scheduler, interrupts, V4L2, videobuf2 and these modules while COMMAND runs, or for 5 s.
#
# usage: scripts/trace_v4l2.sh OUT [COMMAND...]
#
# OUT is for `trace-cmd report`; where trace-cmd is missing it is text. The buffer
# keeps the newest events, BUFFER_KB (16384) for each CPU, so COMMAND may run for
# hours; BREAK_AT=NS ends a capture tool and the trace at the first frame that took
# longer. The exit status is COMMAND's; Ctrl-C ends it and keeps the trace.
scripts=$(dirname "$(readlink -f "$0")")
. "$scripts/trace_common.sh"

arguments 1 - $#
out=$1
shift
[ $# -gt 0 ] || set -- sleep 5

open_instance
open_output "$out"
[ -z "${BREAK_AT-}" ] || set -- "$@" --break-at "$BREAK_AT" --trace "$instance"
for event in sched:sched_switch irq:irq_handler_entry irq:irq_handler_exit v4l2 vb2 \
	vpipe vpipe_loop vpipe_dec; do
	if has_event "$event"; then
		enable_event "$event"
	elif [[ $event != vpipe* ]]; then
		say "this kernel has no event $event"
	fi
done

status=0
traced "$@" || status=$?
lost=$(lost_events)
[ "$lost" -eq 0 ] || say "the oldest $lost events did not fit: BUFFER_KB=$buffer_kb"

# trace-cmd writes its pieces to the working folder's OUT.cpuN, and turns the
# tracing that is not ours off.
if command -v trace-cmd >/dev/null; then
	was_on=$(cat "$tracefs/tracing_on")
	said=$(trace-cmd extract -B "${instance##*/}" -o "$out" 2>&1) || die "trace-cmd extract failed: $said"
	echo "$was_on" >"$tracefs/tracing_on"
else
	cat "$instance/trace" >"$out"
fi
exit "$status"
