#!/bin/bash
# SPDX-License-Identifier: MIT
# Inside a guest, as root: pictures that decode-file decodes against those of ffmpeg's
# own command, by turns, both with one thread and 1080p, into a pipe.
#
# usage: scripts/compare_decode.sh DIR [FRAMES [PAIRS]]
#
# Each of PAIRS (10) has FRAMES (240) of each codec; the runs are in DIR/base, of ffmpeg,
# and DIR/new. bench-compare says what became of each figure; "time a frame" is that of
# all. What the reader of the pipe takes is on both sides alike.
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"

arguments 1 3 $#
frames=${2:-240}
pairs=${3:-10}
number FRAMES "$frames"
number PAIRS "$pairs"

"$scripts/bench_pairs.sh" "$pairs" "$1" \
	-- "$scripts/side_decode.sh" ffmpeg '{}' "$frames" \
	-- "$scripts/side_decode.sh" decode-file '{}' "$frames"
exec "$bin/bench-compare" --noise 3% "$1/base" "$1/new"
