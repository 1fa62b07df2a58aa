#!/bin/bash
# SPDX-License-Identifier: MIT
# V4L2's I/O methods compared in this machine's guests: bench/io/GUEST, the page
# bench/io/report.html and the figures in docs/io-methods.md.
#
# usage: scripts/io_methods.sh [FRAMES [GUEST...]]
#
# FRAMES (300) for each of the runs, in the guests uml and debian or in these; what
# is there of the other one stays. uml sends 30 frames a second, debian 15, which is
# what an emulated copy of a large frame leaves time for. SIZES: as bench_io.sh.
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"

arguments 0 3 $#
frames=${1:-300}
number FRAMES "$frames"
if [ $# -gt 1 ]; then guests=("${@:2}"); else guests=(uml debian); fi
declare -A rate=([uml]=30 [debian]=15)
for guest in "${guests[@]}"; do
	[ -n "${rate[$guest]-}" ] || wrong_usage "the guest is uml or debian, not '$guest'"
done
cd "$scripts/.."
bench=bench/io
# The kernel log of the latest guest.
export GUEST_LOG=build/guest/log/io_methods.dmesg
document=docs/io-methods.md

# compare_in GUEST: a run that fails is told, and is missing.
compare_in() {
	local status=0 fps=${rate[$1]}
	echo "$1:"
	rm -rf "${bench:?}/$1"
	start guest/run --kernel "$1" --cpus 1 --timeout $((3600 + 64 * frames / fps)) -- \
		"FPS=$fps" "SIZES=${SIZES-}" scripts/bench_io.sh "$frames" "$bench/$1"
	follow "$started" || status=$?
	end_if_stopped
	guest/dmesg-clean "$GUEST_LOG" >&2 || status=1
	return "$status"
}

# The hottest of each program, by whose code and by function.
profiles() {
	local profile name
	for profile in "$bench"/*/*.profile.txt; do
		[ -s "$profile" ] || continue
		name=${profile#"$bench"/}
		printf '\n%s:\n\n```text\n' "${name%.profile.txt}"
		sed 's/ *-  *- *$//; /^$/d' "$profile"
		echo '```'
	done
}

failed=0
for guest in "${guests[@]}"; do
	compare_in "$guest" || failed=1
done

{
	sed '/^<!-- figures -->$/q' "$document"
	echo
	"$bin/bench-report" --markdown "$bench" "$bench/report.html"
	echo "### Profiles"
	profiles
	echo
	sed -n '/^<!-- end of figures -->$/,$p' "$document"
} >"$document.new"
mv "$document.new" "$document"
echo "$bench/report.html, $document"
[ "$failed" -eq 0 ] || die "a guest or a run failed, see above"
