#!/bin/bash
# SPDX-License-Identifier: MIT
# Inside a guest, as root: one side's run of scripts/compare_loopback.sh, one module.
#
# usage: scripts/side_loopback.sh MODULE DIR FRAMES READERS [PARAMETER...]
#
# Writes DIR/KIND-read.csv, rows of the first reader behind a quarter as many to warm up, and
# DIR/KIND-written.csv, the writer's rows meanwhile.
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"
. "$scripts/compare_common.sh"

arguments 4 - $#
folder=$2
frames=$3
readers=$4
number FRAMES "$frames"
number READERS "$readers"

nodes() {
	find /sys/class/video4linux -name 'video*' -printf '/dev/%f\n' | sort
}

name=$(modinfo -F name "$1")
if [ -d "/sys/module/$name" ]; then rmmod "$name"; fi
before=$(nodes)
insmod "$1" "${@:5}" || die "$1 cannot be loaded"
trap 'end_programs; rmmod "$name"; rm -rf "$scratch"' EXIT
node=$(comm -13 <(echo "$before") <(nodes) | head -n 1)
[ -n "$node" ] || die "$1 makes no video node"

while read -r called size format writer_io reader_io share; do
	count=$((frames / share))
	had=dequeue_monotonic_ns
	reader_options=(--warm-up $((count / 4)))
	if [ "$reader_io" = read ]; then
		had=read_end_monotonic_ns
		reader_options+=(--no-crc)
	fi
	start_writer "$node" "$size" "$format" 0
	started_readers=()
	for reader in $(seq "$readers"); do
		start_reader "reader$reader" "$node" "$count" "$size" "$format"
		started_readers+=("$started")
	done
	for reader in $(seq "$readers"); do
		finish_reader "reader$reader" "${started_readers[reader - 1]}"
	done
	end_programs
	cp "$scratch/reader1.csv" "$folder/$called-read.csv"
	awk -F, -v had="$had" '
		FNR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; if (NR > 1) print; next }
		FNR == NR { last = $column[had]; if (!first) first = last; next }
		{ at = $column["submit_monotonic_ns"]; if (at >= first && at <= last) print }
	' "$scratch/reader1.csv" "$scratch/writer.csv" >"$folder/$called-written.csv"
done <<-EOF
	vga 640x480 grey mmap mmap 1
	1080p 1920x1080 nv12 mmap mmap 2
	4k 3840x2160 nv12 mmap mmap 10
	vga-write 640x480 grey write read 1
	1080p-write 1920x1080 nv12 write read 2
	4k-write 3840x2160 nv12 write read 10
EOF
