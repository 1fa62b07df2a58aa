#!/bin/bash
# SPDX-License-Identifier: MIT
# Inside a guest, as root: frames a second through this tree's loopback node
# against another module's, alternating, from a writer with MMAP buffers that is as
# fast as it can to a reader with MMAP buffers.
#
# usage: scripts/compare_loopback.sh OTHER_MODULE [FRAMES [PAIRS]]
#
# OTHER_MODULE is a file, such as v4l2loopback.ko, whose node takes and gives frames
# of any format; OTHER_PARAMETERS are the module's. Each reader takes FRAMES (2000)
# behind 500 to warm up. Printed are, of each of PAIRS (5), the frames that readers
# got from the first to the last dequeueing, those that writers queued meanwhile,
# and how many times as many this tree's were; then the medians of each.
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"
. "$scripts/compare_common.sh"

arguments 1 3 $#
other=$1
frames=${2:-2000}
pairs=${3:-5}
number FRAMES "$frames"
number PAIRS "$pairs"
[ -f "$other" ] || die "$other: there is no such file"
read -ra other_parameters <<<"${OTHER_PARAMETERS-}"

loop=$(dirname "$module")/vpipe-loop.ko
loaded=

unload() {
	[ -z "$loaded" ] || rmmod "$loaded" || die "$loaded cannot be unloaded"
	loaded=
}
trap 'end_programs; unload; rm -rf "$scratch"' EXIT

nodes() {
	find /sys/class/video4linux -name 'video*' -printf '/dev/%f\n' | sort
}

# load FILE PARAMETER...: sets $node to the node that it makes.
load() {
	local name before
	name=$(modinfo -F name "$1")
	if [ -d "/sys/module/$name" ]; then rmmod "$name"; fi
	before=$(nodes)
	insmod "$@" || die "$1 cannot be loaded"
	loaded=$name
	node=$(comm -13 <(echo "$before") <(nodes) | head -n 1)
	[ -n "$node" ] || die "$1 makes no video node"
}

# rates SIZE FORMAT: sets $read and $written to frames a second.
rates() {
	start_writer "$node" "$1" "$2" 0
	start_reader reader "$node" "$frames" "$1" "$2"
	finish_reader reader "$started"
	end_programs
	read -r read written < <(awk -F, '
		FNR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
		FILENAME ~ /reader/ {
			last = $column["dequeue_monotonic_ns"]
			if (!n++) first = last
			next
		}
		{ at = $column["submit_monotonic_ns"]; if (at >= first && at <= last) written++ }
		END { s = (last - first) / 1e9; print (n - 1) / s, written / s }
	' "$scratch/reader.csv" "$scratch/writer.csv")
}

echo "kernel $(uname -r), this against $(basename "$other") $(modinfo -F version "$other")${OTHER_PARAMETERS:+ $OTHER_PARAMETERS}," \
	"$frames frames a run, frames a second"
for kind in "640x480 grey" "1920x1080 nv12"; do
	read -r size format <<<"$kind"
	rm -f "$scratch/values"
	for pair in $(seq "$pairs"); do
		for side in other this; do
			if [ $side = other ]; then load "$other" "${other_parameters[@]}"; else load "$loop"; fi
			rates "$size" "$format"
			unload
			echo "$read $written"
		done >"$scratch/sides"
		paste -sd ' ' "$scratch/sides" >"$scratch/pair"
		awk -v n="$pair" -v kind="$kind" '{
			printf "%-14s pair %d: read %6.0f other, %6.0f this, %.2f times; " \
				"written %6.0f other, %6.0f this, %.2f times\n",
				kind, n, $1, $3, $3 / $1, $2, $4, $4 / $2 }' "$scratch/pair"
		awk '{ print $0, $3 / $1, $4 / $2 }' "$scratch/pair" >>"$scratch/values"
	done
	for column in 1 3 5 2 4 6; do
		cut -d ' ' -f $column "$scratch/values" | median
	done | paste -sd ' ' | awk -v kind="$kind" '{
		printf "%-14s median: read %6.0f other, %6.0f this, %.2f times; " \
			"written %6.0f other, %6.0f this, %.2f times\n", kind, $1, $2, $3, $4, $5, $6 }'
done
