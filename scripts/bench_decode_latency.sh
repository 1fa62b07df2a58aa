#!/bin/bash
# SPDX-License-Identifier: MIT
# What the way of a frame through the decoder's device and its daemon takes beyond
# FFmpeg's own time, as root: one frame in flight, by node, codec and size.
#
# usage: scripts/bench_decode_latency.sh DIR [FRAMES [NODE-CODEC...]]
#
# FRAMES (240) frames of 320x240, 1280x720 and 1920x1080 (or SIZES), made by ffmpeg once
# and kept in build/streams. Without NODE-CODEC: stateless-vp9 and so on, all of them.
#
# The module counts from when a frame can be decoded (its buffers are there) until the
# daemon's answer, less what FFmpeg took (debugfs stats): a message to the daemon and its
# waking, the copy of the bitstream, the packing of the picture, the answer. For each run
# the module is loaded anew, so that it counts that run alone. The maximum has the
# first frames in it, for which code is compiled and memory mapped.
#
# Writes DIR/latency.csv, in microseconds, and DIR/daemon.log.
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"
. "$scripts/bench_decode_common.sh"

arguments 1 - $#
folder=$1
frames=${2:-240}
number FRAMES "$frames"
all=(stateless-{vp9,av1,h264} stateful-{vp9,av1,h264,hevc,vp8,mpeg1,mpeg2,mpeg4})
if [ $# -gt 2 ]; then wanted=("${@:3}"); else wanted=("${all[@]}"); fi
for row in "${wanted[@]}"; do
	[[ " ${all[*]} " = *" $row "* ]] || wrong_usage "there is no '$row': ${all[*]}"
done
read -ra sizes <<<"${SIZES:-320x240 1280x720 1920x1080}"
decoder=${module%/*}/vpipe-dec.ko
stats=/sys/kernel/debug/vpipe-dec/stats

reload() {
	[ ! -e /sys/module/vpipe_dec ] || rmmod vpipe_dec || die "vpipe_dec is in use"
	insmod "$decoder" || die "$decoder: cannot be loaded"
	start_daemon "$folder/daemon.log"
}

# of KEY: in microseconds, from the line that has the frames: of the stream, while its
# daemon has not closed it, or of those that are gone.
of() {
	sed -n "s/.*\(gone\|over\) frames [1-9].* $1 \([0-9]*\).*/\2/p" <<<"$counted" |
		awk '{ printf "%.1f", $1 / 1e3 }'
}

make_folder "$folder"
echo "node,codec,size,frames,beyond_p50_us,beyond_mean_us,beyond_max_us,waiting_mean_us,working_mean_us" \
	>"$folder/latency.csv"
echo "kernel $release, $(nproc) processors, $frames frames a run, times in us"
printf '%-15s %-10s %12s %12s %12s %12s\n' "" "" "beyond, p50" mean max "working, mean"
for row in "${wanted[@]}"; do
	for size in "${sizes[@]}"; do
		make_stream "${row#*-}" "$size" "$frames"
		reload
		find_device "${row%-*}"
		run "$scratch/output" "$bin/decode-file" "$stream" /dev/null --device "$device" --buffers 1
		counted=$(cat "$stats")
		end_daemon
		line=${row/-/,},$size,$frames
		for key in beyond_p50_ns beyond_mean_ns beyond_max_ns waiting_mean_ns working_mean_ns; do
			line+=,$(of "$key")
		done
		echo "$line" >>"$folder/latency.csv"
		awk -F, '{ printf "%-15s %-10s %12.1f %12.1f %12.1f %12.1f\n", $1 "-" $2, $3, $5, $6, $7, $9 }' \
			<<<"$line"
	done
done
