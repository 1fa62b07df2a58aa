#!/bin/bash
# SPDX-License-Identifier: MIT
# Inside a guest, as root: what readers cost the writer of the loopback node. One
# reader against many, alternating, all with MMAP buffers, at a fixed rate.
#
# usage: scripts/compare_readers.sh [FRAMES [PAIRS [READERS]]]
#
# Each writer writes FRAMES (1000) of 640x480 grey, FPS (100) a second, while there
# are one or READERS (16) readers, in PAIRS (5). Printed are the processor time of the
# writer a frame and the median time of its VIDIOC_QBUF, then the medians. Where there
# are two processors the writer has one for itself: what is looked for is its own work,
# not its share of a processor. In user-mode Linux, with one, VIDIOC_QBUF contains the
# readers' turns, and processor time steps by 10 ms: take thousands of frames there.
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"
. "$scripts/compare_common.sh"

arguments 0 3 $#
frames=${1:-1000}
pairs=${2:-5}
many=${3:-16}
number FRAMES "$frames"
number PAIRS "$pairs"
number READERS "$many"
fps=${FPS:-100}
number FPS "$fps"
size=640x480
format=grey
device=$(node "vpipe loopback 0")
# shellcheck disable=SC2034 # for the script that starts readers
reader_options=(--warm-up 500)
if [ "$(nproc)" -gt 1 ]; then
	writer_options=(--cpu 0)
	reader_options+=(--cpu 1)
fi

# cpu_ns PID: processor time of all its threads.
cpu_ns() {
	cat "/proc/$1/task/"*/schedstat 2>/dev/null | awk '{ ns += $1 } END { printf "%.0f\n", ns }'
}

rows() {
	wc -l <"$scratch/writer.csv"
}

# costs READERS: processor time a frame and median VIDIOC_QBUF, in us.
costs() {
	local reader from to cpu
	start_writer "$device" $size $format "$fps"
	for reader in $(seq "$1"); do
		rm -f "$scratch/reader$reader.csv"
		start_reader "reader$reader" "$device" 4294967295 $size $format
	done
	for reader in $(seq "$1"); do
		until [ "$(wc -l 2>/dev/null <"$scratch/reader$reader.csv")" -gt 1 ] 2>/dev/null; do
			end_if_stopped
			for process in "${programs[@]}"; do
				runs "$process" || die "$(tail -qn 1 "$scratch/"*.log)"
			done
			sleep 0.2
		done
	done
	from=$(rows) cpu=$(cpu_ns "$writer")
	until [ "$(rows)" -ge $((from + frames)) ]; do
		end_if_stopped
		runs "$writer" || die "$(tail -n 1 "$scratch/writer.log")"
		sleep 0.5
	done
	to=$(rows) cpu=$(($(cpu_ns "$writer") - cpu))
	end_programs
	awk -v cpu="$cpu" -v n=$((to - from)) 'BEGIN { print cpu / n / 1e3 }'
	awk -F, -v from="$from" -v to="$to" '
		NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
		NR > from && NR <= to {
			print ($column["submitted_monotonic_ns"] - $column["submit_monotonic_ns"]) / 1e3
		}' "$scratch/writer.csv" | median
}

echo "kernel $(uname -r), $size $format, $fps frames a second, $frames frames a run"
for pair in $(seq "$pairs"); do
	for readers in 1 "$many"; do
		costs "$readers"
	done >"$scratch/sides"
	paste -sd ' ' "$scratch/sides" >"$scratch/pair"
	awk -v n="$pair" -v many="$many" '{
		printf "pair %d: CPU a frame %.1f us with 1 reader, %.1f us with %d; QBUF %.1f us, %.1f us\n",
			n, $1, $3, many, $2, $4 }' "$scratch/pair"
	cat "$scratch/pair" >>"$scratch/values"
done
for column in 1 3 2 4; do
	cut -d ' ' -f $column "$scratch/values" | median
done | paste -sd ' ' | awk -v many="$many" '{
	printf "median: CPU a frame %.1f us with 1 reader, %.1f us with %d, %.2f times; " \
		"QBUF %.1f us, %.1f us, %.2f times\n", $1, $2, many, $2 / $1, $3, $4, $4 / $3 }'
