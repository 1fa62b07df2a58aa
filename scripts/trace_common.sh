# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the trace scripts share: a tracing instance of their own, so that they
# disturb no other tracing and leave nothing behind.
#
# The buffer keeps the newest events. BUFFER_KB is its size for each CPU.
. "$scripts/bench_common.sh"

tracefs=/sys/kernel/tracing
buffer_kb=${BUFFER_KB:-16384}
instance=
output=

open_instance() {
	[ "$(id -u)" -eq 0 ] || die "must run as root"
	[ -d "$tracefs/instances" ] || tracefs=/sys/kernel/debug/tracing
	[ -d "$tracefs/instances" ] ||
		die "no tracefs: this kernel cannot trace, or 'mount -t tracefs none /sys/kernel/tracing' is missing"
	[[ $buffer_kb =~ ^[1-9][0-9]*$ ]] || wrong_usage "BUFFER_KB must be a number from 1, not '$buffer_kb'"
	instance=$tracefs/instances/vpipe-$$
	trap close_instance EXIT
	mkdir "$instance"
	echo 0 >"$instance/tracing_on"
	echo mono >"$instance/trace_clock"
	echo "$buffer_kb" >"$instance/buffer_size_kb"
}

close_instance() {
	[ -z "$started" ] || ! runs "$started" || { kill -TERM -- "-$started"; wait "$started"; } || true
	[ ! -d "$instance" ] || rmdir "$instance"
	[ -z "$output" ] || [ -s "$output" ] || rm -f -- "$output"
	remove_empty_folders
}

# has_event SYSTEM[:EVENT]
has_event() {
	[ -e "$tracefs/events/${1/://}/enable" ]
}

enable_event() {
	echo 1 >"$instance/events/${1/://}/enable"
}

# traced COMMAND...: in the background with tracing on, and its status.
traced() {
	local status=0
	echo 1 >"$instance/tracing_on"
	start "$@"
	follow "$started" || status=$?
	echo 0 >"$instance/tracing_on"
	return "$status"
}

# lost_events: how many the buffer did not keep.
lost_events() {
	awk -F': ' '/^(overrun|commit overrun|dropped events):/ { n += $2 } END { print n + 0 }' \
		"$instance"/per_cpu/cpu*/stats
}

# open_output FILE: this script's, a new one; gone again at its end where it is empty.
open_output() {
	[ ! -e "$1" ] || [ -f "$1" ] || die "$1: is a folder or a device, and no file to write"
	refuse_missing_device "$1"
	make_folder "$(dirname -- "$1")"
	rm -f -- "$1"
	{ : >"$1"; } 2>/dev/null || die "$1: cannot be written"
	output=$1
}
