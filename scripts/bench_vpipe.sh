#!/bin/bash
# SPDX-License-Identifier: MIT
# Camera frames through the filter, by DMABUF or copied between mappings.
#
# usage: scripts/bench_vpipe.sh VIVID VPIPE PREFIX FRAMES dmabuf|mmap [ALGO [THRESHOLD]]
#
# VIVID and VPIPE are video nodes. Writes PREFIX.csv, .json, .meta.csv and
# .perf.csv (docs/csv.md). Ctrl-C and SIGTERM end the run in order, with all rows
# up to there. More options for the tool come from the environment:
# TOOL_OPTIONS="--buffers 8".
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"

arguments 5 7 $#
number FRAMES "$4"
[[ $5 =~ ^(dmabuf|mmap)$ ]] || wrong_usage "the transport is dmabuf or mmap, not '$5'"
measure_filter "$3" capture-m2m "$1" "$2" "$3.csv" "${@:4}" "${camera_options[@]}"
