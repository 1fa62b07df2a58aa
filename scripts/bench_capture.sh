#!/bin/bash
# SPDX-License-Identifier: MIT
# Camera frames by MMAP and by read(2): the runs `mmap` and `read` in DIR.
#
# usage: scripts/bench_capture.sh FRAMES DEV DIR [mmap|read]
#
# Each writes DIR/RUN.csv, .json and .perf.csv (docs/csv.md). Ctrl-C and SIGTERM
# end a run in order, with all rows up to there. Options for the tools, such as
# --size, come from the environment: TOOL_OPTIONS="--size 640x360".
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"

arguments 3 4 $#
number FRAMES "$1"
case ${4-} in
'') runs=(mmap read) ;;
mmap | read) runs=("$4") ;;
*) wrong_usage "the run is mmap or read, not '$4'" ;;
esac
status=0
for run in "${runs[@]}"; do
	measure "$3/$run" "capture-$run" "$2" "$3/$run.csv" "$1" \
		"${camera_options[@]}" "${grey[@]}" || status=$?
	end_if_stopped
done
exit "$status"
