#!/bin/bash
# SPDX-License-Identifier: MIT
# One image through the filter FRAMES times, as fast as it goes.
#
# usage: scripts/bench_fixture.sh VPIPE HEAP PGM PREFIX FRAMES ALGO [THRESHOLD]
#
# VPIPE is the filter's video node, HEAP such as /dev/dma_heap/system. Writes
# PREFIX.csv, .json, .meta.csv and .perf.csv (docs/csv.md). Ctrl-C and SIGTERM end
# the run in order, with all rows up to there. More options for the tool come from
# the environment: TOOL_OPTIONS="--depth 4".
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"

arguments 6 7 $#
number FRAMES "$5"
measure_filter "$4" bench-fixture "$1" "$2" "$3" "$4.csv" "$5" "${@:6}"
