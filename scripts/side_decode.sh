#!/bin/bash
# SPDX-License-Identifier: MIT
# Inside a guest, as root: one side's run of scripts/compare_decode.sh, one program.
#
# usage: scripts/side_decode.sh decode-file|ffmpeg DIR FRAMES
#
# Writes DIR/CODEC.csv: a row a picture of a stream of FRAMES, as loop-write had it from
# the program's stdout and gave it to a loopback node; a tenth of them warm up.
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"
. "$scripts/bench_decode_common.sh"

arguments 3 3 $#
program=$1
folder=$2
frames=$3
number FRAMES "$frames"
need_tool loop-write
loop=$(node "vpipe loopback 0")

# decoded: $stream to stdout.
decoded() {
	case $program in
	decode-file) exec "$bin/decode-file" "$stream" - --quiet ;;
	ffmpeg) exec "${quiet[@]}" -v error -threads 1 -i "$stream" -pix_fmt nv12 -f rawvideo - ;;
	*) wrong_usage "there is no side '$program': decode-file or ffmpeg" ;;
	esac
}

taken() {
	decoded | "$bin/loop-write" "$loop" - "$1" --quiet --io write --size 1920x1080 --format nv12 \
		--fps 0 --warm-up $((frames / 10))
}

[ "$program" != decode-file ] || start_daemon "$folder/daemon.log"
for codec in vp9 av1 h264; do
	make_stream "$codec" 1920x1080 "$frames"
	run "$scratch/output" taken "$folder/$codec.csv"
done
[ -z "$daemon" ] || end_daemon
