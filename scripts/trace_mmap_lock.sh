#!/bin/bash
# SPDX-License-Identifier: MIT
# How long each VIDIOC_QBUF of COMMAND waits for the address space's lock, and how
# long it holds it, into PREFIX.lock.csv (docs/csv.md).
#
# usage: scripts/trace_mmap_lock.sh PREFIX COMMAND...
#
# Fails where events were lost: BUFFER_KB=65536 makes the buffer of each CPU
# larger than 16384. Otherwise the exit status is COMMAND's.
scripts=$(dirname "$(readlink -f "$0")")
. "$scripts/trace_common.sh"

arguments 2 - $#
csv=$1.lock.csv
shift
VIDIOC_QBUF=0xc058560f
declare -A event=(
	[enter]=syscalls:sys_enter_ioctl
	[leave]=syscalls:sys_exit_ioctl
	[wait]=mmap_lock:mmap_lock_start_locking
	[got]=mmap_lock:mmap_lock_acquire_returned
	[released]=mmap_lock:mmap_lock_released
)

open_instance
for name in enter leave wait got released; do
	has_event "${event[$name]}" || die "this kernel has no event ${event[$name]}"
done
open_output "$csv"
rm "$csv"

# Filters by thread, as following one (set_event_pid) hooks into the scheduler. A
# lock that was only tried for, in vain, was not acquired.
declare -A only=([enter]="&& cmd == $VIDIOC_QBUF" [got]="&& success == 1")
ids=()
for name in "${!event[@]}"; do
	ids+=("-v" "$name=$(cat "$tracefs/events/${event[$name]/://}/id")")
done
# The text that the kernel makes of an event has microseconds, the raw one has
# nanoseconds: "thread CPU time type: id".
echo 1 >"$instance/options/raw"

by_itself() {
	local name
	for name in "${!event[@]}"; do
		echo "common_pid == $BASHPID ${only[$name]-}" >"$instance/events/${event[$name]/://}/filter"
		enable_event "${event[$name]}"
	done
	exec "$@"
}

status=0
traced by_itself "$@" || status=$?
lost=$(lost_events)
[ "$lost" -eq 0 ] || die "$lost events were lost: BUFFER_KB=$buffer_kb is too small"

awk "${ids[@]}" '
	BEGIN { print "qbuf,ioctl_ns,acquisitions,waited_ns,held_ns" }
	$4 != "type:" { next }
	{ thread = $1; time = $3 }
	$5 == enter {
		began[thread] = time
		acquisitions[thread] = waited[thread] = held[thread] = 0
		waiting[thread] = holding[thread] = 0
		next
	}
	!(thread in began) { next }
	$5 == wait { waiting[thread] = time }
	$5 == got {
		acquisitions[thread]++
		if (waiting[thread]) waited[thread] += time - waiting[thread]
		waiting[thread] = 0
		holding[thread] = time
	}
	$5 == released && holding[thread] {
		held[thread] += time - holding[thread]
		holding[thread] = 0
	}
	$5 == leave {
		printf "%d,%.0f,%d,%.0f,%.0f\n", qbuf++, time - began[thread],
			acquisitions[thread], waited[thread], held[thread]
		delete began[thread]
	}' "$instance/trace" >"$csv"

[ "$(wc -l <"$csv")" -gt 1 ] || { rm "$csv"; die "the command made no VIDIOC_QBUF (status $status)"; }
exit "$status"
