#!/bin/bash
# SPDX-License-Identifier: MIT
# Inside a guest, as root: frame cost of this tree's module and bench-fixture against
# another build's, by turns.
#
# usage: scripts/compare_fixture.sh OTHER_MODULE OTHER_BENCH DIR [FRAMES [PAIRS]]
#
# OTHER_BENCH takes bench-fixture's arguments and writes its CSV columns. Each of PAIRS
# (10) has FRAMES (600) a run; the runs are in DIR/base, of the other build, and DIR/new.
# bench-compare says what became of each figure.
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"

arguments 3 5 $#
frames=${4:-600}
pairs=${5:-10}
number FRAMES "$frames"
number PAIRS "$pairs"
for file in "$1" "$2"; do
	[ -r "$file" ] || die "'$file': there is no such file"
done

"$scripts/bench_pairs.sh" "$pairs" "$3" \
	-- "$scripts/side_fixture.sh" "$1" "$2" '{}' "$frames" \
	-- "$scripts/side_fixture.sh" "$module" "$bin/bench-fixture" '{}' "$frames"
# The other build has no metadata to be missing.
"$bin/bench-compare" --noise 3% "$3/base" "$3/new" 2> >(grep -v "meta.csv: missing" >&2)
