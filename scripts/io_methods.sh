#!/bin/bash
# SPDX-License-Identifier: MIT
# V4L2's I/O methods compared in this machine's guests: bench/io/GUEST, the page
# bench/io/report.html and the figures in docs/io-methods.md.
#
# usage: scripts/io_methods.sh [FRAMES]
#
# FRAMES (300) for each of the runs, 30 of them a second, and 10 in the debian
# guest, which is emulated.
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"

arguments 0 1 $#
frames=${1:-300}
number FRAMES "$frames"
cd "$scripts/.."
bench=bench/io
document=docs/io-methods.md

# compare_in GUEST FPS: a run that fails is told, and is missing.
compare_in() {
	local status=0
	echo "$1:"
	start guest/run --kernel "$1" --timeout $((1800 + 160 * frames / $2)) -- \
		"FPS=$2" scripts/bench_io.sh "$frames" "$bench/$1"
	follow "$started" || status=$?
	end_if_stopped
	guest/dmesg-clean "build/guest/log/$1/dmesg" >&2 || status=1
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
rm -rf "$bench"
compare_in uml 30 || failed=1
compare_in debian 10 || failed=1

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
