#!/bin/bash
# SPDX-License-Identifier: MIT
# What the way of a frame through the decoder's device and its daemon takes beyond
# FFmpeg's own time, as root: one frame in flight, each codec and size.
#
# usage: scripts/bench_decode_latency.sh DIR [FRAMES]
#
# FRAMES (240) frames of 320x240, 1280x720 and 1920x1080, made by ffmpeg once and kept
# in build/streams. The module counts from when a frame's buffers were both there until
# the daemon's answer, less what FFmpeg took (debugfs stats): a message to the daemon
# and its waking, the copy of the bitstream, the packing of the picture, the answer. For
# each run the module is loaded anew, so that it counts that run alone; the maximum
# has the first frames in it, for which code is compiled and memory mapped.
#
# Writes DIR/latency.csv, in microseconds, and DIR/daemon.log.
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"
. "$scripts/bench_decode_common.sh"

arguments 1 2 $#
folder=$1
frames=${2:-240}
number FRAMES "$frames"
decoder=${module%/*}/vpipe-dec.ko
stats=/sys/kernel/debug/vpipe-dec/stats

reload() {
	[ ! -e /sys/module/vpipe_dec ] || rmmod vpipe_dec || die "vpipe_dec is in use"
	insmod "$decoder" || die "$decoder: cannot be loaded"
	start_daemon "$folder/daemon.log"
}

# of KEY: from the only stream's line, of the module's two, that has frames.
of() {
	sed -n "s/.* frames [1-9].* $1 \([0-9]*\).*/\1/p" <<<"$counted"
}

mkdir -p -- "$folder" || die "$folder: cannot be made"
echo "codec,size,frames,beyond_p50_us,beyond_mean_us,beyond_max_us,waiting_mean_us,working_mean_us" \
	>"$folder/latency.csv"
echo "kernel $release, $(nproc) processors, $frames frames a run"
printf '%-6s %-10s %14s %14s %14s %14s\n' codec size "beyond p50, us" "mean, us" "max, us" "working, us"
for codec in vp9 av1 h264; do
	for size in 320x240 1280x720 1920x1080; do
		make_stream "$codec" "$size" "$frames"
		reload
		run "$scratch/output" "$bin/decode-file" "$stream" /dev/null --buffers 1 --json
		counted=$(cat "$stats")
		end_daemon
		row=$codec,$size,$frames
		for key in beyond_p50_ns beyond_mean_ns beyond_max_ns waiting_mean_ns working_mean_ns; do
			row+=,$(awk -v ns="$(of "$key")" 'BEGIN { printf "%.1f", ns / 1e3 }')
		done
		echo "$row" >>"$folder/latency.csv"
		awk -F, '{ printf "%-6s %-10s %14.1f %14.1f %14.1f %14.1f\n", $1, $2, $4, $5, $6, $8 }' <<<"$row"
	done
done
