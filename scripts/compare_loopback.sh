#!/bin/bash
# SPDX-License-Identifier: MIT
# Inside a guest, as root: frames a second through this tree's loopback node
# against another module's, alternating, from a writer that is as fast as it can to
# one reader, with MMAP buffers and with write and read, and to READERS of them.
#
# usage: scripts/compare_loopback.sh OTHER_MODULE [FRAMES [PAIRS [READERS]]]
#
# OTHER_MODULE is a file, such as v4l2loopback.ko, whose node takes and gives frames
# of any format; OTHER_PARAMETERS are the module's. v4l2loopback since 0.13 lets one
# reader stream, so READERS is 1 without it. Each reader takes FRAMES (2000) of VGA, half as many of 1080p,
# a tenth of 4K, behind a quarter of them to warm up. Printed are, of each of PAIRS (5), the
# frames a second that a reader got in the mean, from its first to its last,
# those that the writer queued meanwhile, and how many times as many this tree's were;
# then the medians of each.
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"
. "$scripts/compare_common.sh"

arguments 1 4 $#
other=$1
frames=${2:-2000}
pairs=${3:-5}
many=${4:-1}
number FRAMES "$frames"
number PAIRS "$pairs"
number READERS "$many"
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

# rates SIZE FORMAT FRAMES READERS: sets $read and $written to frames a second.
rates() {
	local reader readers=()
	local had=dequeue_monotonic_ns
	rm -f "$scratch"/reader*.csv
	reader_options=(--warm-up $(($3 / 4)))
	if [ "$reader_io" = read ]; then
		reader_options+=(--no-crc)
		had=read_end_monotonic_ns
	fi
	start_writer "$node" "$1" "$2" 0
	for reader in $(seq "$4"); do
		start_reader "reader$reader" "$node" "$3" "$1" "$2"
		readers+=("$started")
	done
	for reader in $(seq "$4"); do
		finish_reader "reader$reader" "${readers[reader - 1]}"
	done
	end_programs
	read -r read written < <(awk -F, -v had="$had" '
		FNR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
		FILENAME ~ /reader/ {
			at = $column[had]
			if (!(FILENAME in first)) first[FILENAME] = at
			if (!start || at < start) start = at
			if (at > end) end = at
			last[FILENAME] = at
			frames[FILENAME]++
			next
		}
		{ at = $column["submit_monotonic_ns"]; if (at >= start && at <= end) written++ }
		END {
			for (name in frames) {
				sum += (frames[name] - 1) / (last[name] - first[name]) * 1e9
				readers++
			}
			print sum / readers, written / (end - start) * 1e9
		}
	' "$scratch"/reader*.csv "$scratch/writer.csv")
}

echo "kernel $(uname -r), this against $(basename "$other") $(modinfo -F version "$other")${OTHER_PARAMETERS:+ $OTHER_PARAMETERS}," \
	"frames a second"
while read -r size format writer_io reader_io share readers; do
	kind="$size $format $writer_io/$reader_io x$readers"
	count=$((frames / share))
	rm -f "$scratch/values"
	for pair in $(seq "$pairs"); do
		for side in other this; do
			if [ $side = other ]; then load "$other" "${other_parameters[@]}"; else load "$loop"; fi
			rates "$size" "$format" "$count" "$readers"
			unload
			echo "$read $written"
		done >"$scratch/sides"
		paste -sd ' ' "$scratch/sides" >"$scratch/pair"
		awk -v n="$pair" -v kind="$kind" '{
			printf "%-32s pair %d: read %6.0f other, %6.0f this, %.2f times; " \
				"written %6.0f other, %6.0f this, %.2f times\n",
				kind, n, $1, $3, $3 / $1, $2, $4, $4 / $2 }' "$scratch/pair"
		awk '{ print $0, $3 / $1, $4 / $2 }' "$scratch/pair" >>"$scratch/values"
	done
	for column in 1 3 5 2 4 6; do
		cut -d ' ' -f $column "$scratch/values" | median
	done | paste -sd ' ' | awk -v kind="$kind" '{
		printf "%-32s median: read %6.0f other, %6.0f this, %.2f times; " \
			"written %6.0f other, %6.0f this, %.2f times\n", kind, $1, $2, $3, $4, $5, $6 }'
done < <(
	cat <<-EOF
		640x480 grey mmap mmap 1 1
		640x480 grey write read 1 1
		1920x1080 nv12 mmap mmap 2 1
		1920x1080 nv12 write read 2 1
		3840x2160 nv12 mmap mmap 10 1
		3840x2160 nv12 write read 10 1
	EOF
	[ "$many" -eq 1 ] || cat <<-EOF
		640x480 grey mmap mmap 1 $many
		640x480 grey write read 1 $many
		1920x1080 nv12 mmap mmap 2 $many
		1920x1080 nv12 write read 2 $many
	EOF
)
