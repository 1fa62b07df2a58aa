#!/bin/bash
# SPDX-License-Identifier: MIT
# Camera frames into the program's own memory: the run `userptr-MODE` in DIR.
#
# usage: scripts/bench_userptr.sh FRAMES DEV reset|noreset DIR
#
# reset maps the buffer anew before each VIDIOC_QBUF, noreset keeps it. Writes
# DIR/userptr-MODE.csv, .json and .perf.csv (docs/csv.md). Ctrl-C and SIGTERM end
# the run in order, with all rows up to there. More options for the tool come from
# the environment: TOOL_OPTIONS="--buffers 8".
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"

arguments 4 4 $#
number FRAMES "$1"
[[ $3 =~ ^(reset|noreset)$ ]] || wrong_usage "MODE is reset or noreset, not '$3'"
measure "$4/userptr-$3" capture-userptr "$2" "$4/userptr-$3.csv" "$1" "$3" "${camera_options[@]}" "${grey[@]}"
