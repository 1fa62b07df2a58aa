#!/bin/bash
# SPDX-License-Identifier: MIT
# Whether the filter's module leaks memory: kmemleak before loading it, after
# that, after FRAMES (600) frames, and after unloading it.
#
# usage: scripts/kmemleak.sh DIR [FRAMES]
#
# Writes DIR/kmemleak.csv: step,reports. A step counts what is new since the one
# before; the baseline is other people's and forgotten. Fails where a later step
# has any; what kmemleak says of them is in DIR/kmemleak.txt then. The module comes
# from VPIPE_MODULE, build/kmod/RELEASE/vpipe.ko without it.
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"

arguments 1 2 $#
folder=$1
frames=${2:-600}
number FRAMES "$frames"
kmemleak=/sys/kernel/debug/kmemleak
[ "$(id -u)" -eq 0 ] || die "must run as root"
[ -e "$kmemleak" ] || die "this kernel has no kmemleak (or debugfs is not mounted)"
[ -e "$module" ] || die "$module is missing: build the modules first"
need_tool bench-fixture

csv=$folder/kmemleak.csv
report=$folder/kmemleak.txt
make_folder "$folder"
rm -f "$report"
echo step,reports >"$csv"
leaks=0

# An object is reported once it is older than five seconds; the second scan sees
# what a register or a moving list hid from the first.
scan() {
	local found
	echo scan >"$kmemleak"
	sleep 6
	echo scan >"$kmemleak"
	found=$(grep -c '^unreferenced object' "$kmemleak" || true)
	echo "$1,$found" >>"$csv"
	if [ "$1" != baseline ] && [ "$found" -gt 0 ]; then
		leaks=$((leaks + found))
		{ echo "--- $1 ---"; cat "$kmemleak"; } >>"$report"
	fi
	echo clear >"$kmemleak"
	end_if_stopped
}

restore() {
	[ -d /sys/module/vpipe ] || [ -z "$was_loaded" ] || insmod "$module"
	remove_empty_folders
}

was_loaded=
if [ -d /sys/module/vpipe ]; then
	was_loaded=yes
	rmmod vpipe
fi
trap restore EXIT
scan baseline
insmod "$module"
scan insmod
start "$bin/bench-fixture" "$(node vpipe)" "$heap" \
	"$(dirname "$scripts")/fixtures/noise-vga.pgm" /dev/null "$frames" threshold --warm-up 0 --quiet
follow "$started"
scan "$frames frames"
rmmod vpipe
scan rmmod
[ "$leaks" -eq 0 ] || die "$leaks leaks, see $report"
