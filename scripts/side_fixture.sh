#!/bin/bash
# SPDX-License-Identifier: MIT
# Inside a guest, as root: one side's run of scripts/compare_fixture.sh, one module and
# one bench-fixture.
#
# usage: scripts/side_fixture.sh MODULE BENCH DIR FRAMES
#
# Writes DIR/IMAGE-ALGORITHM.csv: FRAMES rows, behind as many to warm up as are left out.
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"

arguments 4 4 $#
number FRAMES "$4"
[ -x "$2" ] || die "$2: there is no such program"
warm_up=50

if [ -d /sys/module/vpipe ]; then rmmod vpipe; fi
insmod "$1"
device=$(node vpipe)
for image in tiny-4x4 noise-vga; do
	for algorithm in none threshold; do
		rows=$3/$image-$algorithm.csv
		"$2" "$device" "$heap" "$(dirname "$scripts")/fixtures/$image.pgm" "$rows" \
			$((warm_up + $4)) "$algorithm"
		sed -i "2,$((1 + warm_up))d" "$rows"
	done
done
