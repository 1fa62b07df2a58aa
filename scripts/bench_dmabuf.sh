#!/bin/bash
# SPDX-License-Identifier: MIT
# Camera frames through the filter as it comes up, by DMABUF alone.
#
# usage: scripts/bench_dmabuf.sh VIVID VPIPE PREFIX FRAMES
#
# VIVID and VPIPE are video nodes. Writes PREFIX.csv, .json, .meta.csv and
# .perf.csv (docs/csv.md). Ctrl-C and SIGTERM end the run in order, with all rows
# up to there. More options for the tool come from the environment:
# TOOL_OPTIONS="--buffers 8".
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"

arguments 4 4 $#
number FRAMES "$4"
measure_filter "$3" capture-dmabuf "$1" "$2" "$3.csv" "$4" "${camera_options[@]}"
