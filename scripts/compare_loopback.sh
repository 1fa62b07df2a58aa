#!/bin/bash
# SPDX-License-Identifier: MIT
# Inside a guest, as root: frames through this tree's loopback node against another
# module's, by turns, from a writer that is as fast as it can to a reader: both with
# MMAP buffers, and both with write and read.
#
# usage: scripts/compare_loopback.sh OTHER_MODULE DIR [FRAMES [PAIRS [READERS]]]
#
# OTHER_MODULE is a file, such as v4l2loopback.ko, whose node takes and gives frames
# of any format; OTHER_PARAMETERS are the module's. Each of PAIRS (10) has READERS (1)
# of FRAMES (2000) of VGA, half as many of 1080p, a tenth of 4K; v4l2loopback since 0.13
# lets one reader stream. The runs are in DIR/base, of the other module, and DIR/new.
# bench-compare says what became of each figure; "time a frame" is that of all.
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"

arguments 2 5 $#
frames=${3:-2000}
pairs=${4:-10}
readers=${5:-1}
number FRAMES "$frames"
number PAIRS "$pairs"
number READERS "$readers"
[ -f "$1" ] || die "$1: there is no such file"
# A tenth of them is the least that a reader takes.
[ "$frames" -ge 20 ] || wrong_usage "FRAMES must be 20 or more: of one frame there is no rate"
read -ra other_parameters <<<"${OTHER_PARAMETERS-}"

"$scripts/bench_pairs.sh" "$pairs" "$2" \
	-- "$scripts/side_loopback.sh" "$1" '{}' "$frames" "$readers" "${other_parameters[@]}" \
	-- "$scripts/side_loopback.sh" "$(dirname "$module")/vpipe-loop.ko" '{}' "$frames" "$readers"
exec "$bin/bench-compare" --noise 3% "$2/base" "$2/new"
