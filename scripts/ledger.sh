#!/bin/bash
# SPDX-License-Identifier: MIT
# The benchmark ledger of this machine's guests: bench/ledger/GUEST, the page
# bench/ledger/report.html and docs/benchmark.md.
#
# usage: scripts/ledger.sh [FRAMES]
#
# FRAMES (600) for each row; a camera's take FRAMES/30 seconds.
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"

arguments 0 1 $#
frames=${1:-600}
number FRAMES "$frames"
cd "$scripts/.."
ledger=bench/ledger
# The kernel log of the latest guest.
export GUEST_LOG=build/guest/log/ledger.dmesg

# bench_in GUEST FRAMES ROW...: one row that fails is told, and is missing.
bench_in() {
	local status=0
	echo "$1:"
	start guest/run --kernel "$1" --cpus 1 --timeout $((1800 + $2)) -- \
		scripts/bench_all.sh "$ledger/$1" "${@:2}"
	follow "$started" || status=$?
	end_if_stopped
	guest/dmesg-clean "$GUEST_LOG" >&2 || status=1
	return "$status"
}

failed=0
rm -rf "$ledger"
bench_in debian "$frames" || failed=1
bench_in uml "$frames" || failed=1
start make --silent calibrate >"$ledger/calibration.md"
follow "$started" || failed=1
end_if_stopped
# What the sanitizers make of the times says nothing; that the rows run, and leak
# nothing, does.
bench_in sanitized 60 machine mmap m2m-dmabuf fixture-threshold || failed=1
start guest/run --kernel sanitized -- scripts/kmemleak.sh "$ledger/sanitized" "$frames"
follow "$started" || failed=1
end_if_stopped

{
	cat scripts/ledger.head.md "$ledger/calibration.md"
	echo
	"$bin/bench-report" --markdown "$ledger" "$ledger/report.html"
} >docs/benchmark.md.new
mv docs/benchmark.md.new docs/benchmark.md
echo "$ledger/report.html, docs/benchmark.md"
[ "$failed" -eq 0 ] || die "a guest or a row failed, see above"
