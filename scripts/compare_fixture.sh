#!/bin/bash
# SPDX-License-Identifier: MIT
# Inside a guest, as root: frame cost of this tree's module and bench-fixture
# against another build's, alternating.
#
# usage: scripts/compare_fixture.sh OTHER_MODULE OTHER_BENCH [FRAMES [PAIRS]]
#
# OTHER_BENCH takes bench-fixture's arguments and writes its CSV columns. Printed
# are the medians (p50) of both sides, pair by pair, and how many times lower
# this tree's is; the median of those ratios is the result.
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"

arguments 2 4 $#
frames=${3:-600}
pairs=${4:-5}
number FRAMES "$frames"
number PAIRS "$pairs"
cd "$scripts/.."
for file in "$1" "$2"; do
	[ -r "$file" ] || die "'$file': there is no such file"
done
declare -A modules=([this]=build/kmod/$release/vpipe.ko [other]=$1)
declare -A benches=([this]=build/bin/bench-fixture [other]=$2)
warm_up=50
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# p50 SIDE IMAGE ALGORITHM: median of QBUF to DQBUF in ns, after a warm-up.
p50() {
	if [ -d /sys/module/vpipe ]; then rmmod vpipe; fi
	insmod "${modules[$1]}"
	"${benches[$1]}" "$(node vpipe)" "$heap" "$2" "$scratch/csv" \
		$((frames + warm_up)) "$3" >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; return 1; }
	awk -F, -v skip=$warm_up 'NR > 1 + skip { print $4 - $3 }' "$scratch/csv" | median
}

echo "kernel $release, $frames frames a run after $warm_up to warm up, p50 from QBUF to DQBUF"
for image in tiny-4x4 noise-vga; do
	for algorithm in none threshold; do
		: >"$scratch/ratios"
		for pair in $(seq "$pairs"); do
			other=$(p50 other "fixtures/$image.pgm" "$algorithm")
			this=$(p50 this "fixtures/$image.pgm" "$algorithm")
			awk -v o="$other" -v t="$this" 'BEGIN { print o / t }' >>"$scratch/ratios"
			awk -v o="$other" -v t="$this" -v n="$pair" -v what="$image, $algorithm" 'BEGIN {
				printf "%-22s pair %d: other %7.1f us, this %7.1f us, %.2f times lower\n",
					what, n, o / 1e3, t / 1e3, o / t }'
		done
		printf '%-22s median: %.2f times lower\n' "$image, $algorithm" "$(median <"$scratch/ratios")"
	done
done
