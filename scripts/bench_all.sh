#!/bin/bash
# SPDX-License-Identifier: MIT
# Fill every row of the benchmark ledger, as root: all runs of FRAMES (600) frames
# into DIR, with what each cost.
#
# usage: scripts/bench_all.sh DIR [FRAMES [ROW...]]
#
# Without ROW: machine read mmap userptr-noreset userptr-reset dmabuf m2m-dmabuf
# m2m-mmap fixture-none fixture-threshold fixture-tiny-none fixture-none-depth4
# userptr-noreset.lock userptr-reset.lock kmemleak; the last three where the kernel
# can. Loads vivid and the filter where they are not. A row that fails costs one
# line, the others run all the same, and the status is 1. Ctrl-C and SIGTERM end
# the row that runs in order, and what is there is usable. TOOL_OPTIONS are handed
# on to every tool.
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"

rows=(machine read mmap userptr-noreset userptr-reset dmabuf m2m-dmabuf m2m-mmap
	fixture-none fixture-threshold fixture-tiny-none fixture-none-depth4
	userptr-noreset.lock userptr-reset.lock kmemleak)
optional=" userptr-noreset.lock userptr-reset.lock kmemleak "

arguments 1 - $#
folder=$1
frames=${2:-600}
number FRAMES "$frames"
# Tracing costs time, so the lock is looked at in a short run of its own.
lock_frames=$((frames < 100 ? frames : 100))
if [ $# -gt 2 ]; then
	chosen=("${@:3}")
else
	chosen=("${rows[@]}")
fi
for row in "${chosen[@]}"; do
	[[ " ${rows[*]} " == *" $row "* ]] || wrong_usage "there is no row '$row': ${rows[*]}"
done

fixtures=$(dirname "$scripts")/fixtures

has_node() {
	grep -qx -- "$1" /sys/class/video4linux/video*/name 2>/dev/null
}

# The module needs some that a distribution's kernel may lack: scripts/modules.sh.
load_filter() {
	local name
	[ -e "$module" ] || die "$module is missing: run 'make modules', or scripts/modules.sh"
	for name in videobuf2-vmalloc videobuf2-v4l2 v4l2-mem2mem; do
		modprobe -q "$name" || [ -d "/sys/module/${name//-/_}" ] ||
			insmod "$(dirname "$module")/mem2mem/$name.ko"
	done
	insmod "$module"
}

# The kernel has what an optional row wants.
possible() {
	case $1 in
	kmemleak) [ -e /sys/kernel/debug/kmemleak ] ;;
	*.lock)
		[ -d /sys/kernel/tracing/events/mmap_lock ] &&
			[ -d /sys/kernel/tracing/events/syscalls/sys_enter_ioctl ]
		;;
	esac
}

lock_row() {
	"$scripts/trace_mmap_lock.sh" "$folder/userptr-$1" \
		"$bin/capture-userptr" "$camera" /dev/null "$lock_frames" "$1" --quiet \
		"${camera_options[@]}" "${grey[@]}" "${tool_options[@]}"
}

machine_row() {
	"$scripts/machine.sh" >"$folder/machine.csv"
}

fixture_row() {
	exec "$scripts/bench_fixture.sh" "$filter" "$heap" "$fixtures/$2.pgm" "$folder/$1" "$frames" "$3"
}

run_row() {
	case $1 in
	machine) machine_row ;;
	read | mmap) exec "$scripts/bench_capture.sh" "$frames" "$camera" "$folder" "$1" ;;
	userptr-noreset.lock) lock_row noreset ;;
	userptr-reset.lock) lock_row reset ;;
	userptr-*) exec "$scripts/bench_userptr.sh" "$frames" "$camera" "${1#userptr-}" "$folder" ;;
	dmabuf) exec "$scripts/bench_dmabuf.sh" "$camera" "$filter" "$folder/$1" "$frames" ;;
	m2m-*) exec "$scripts/bench_vpipe.sh" "$camera" "$filter" "$folder/$1" "$frames" "${1#m2m-}" ;;
	fixture-none) fixture_row "$1" noise-vga none ;;
	fixture-threshold) fixture_row "$1" noise-vga threshold ;;
	fixture-tiny-none) fixture_row "$1" tiny-4x4 none ;;
	fixture-none-depth4)
		export TOOL_OPTIONS="${TOOL_OPTIONS-} --depth 4"
		fixture_row "$1" noise-vga none
		;;
	kmemleak) exec "$scripts/kmemleak.sh" "$folder" "$frames" ;;
	esac
}

[ "$(id -u)" -eq 0 ] || die "must run as root"
make_folder "$folder"
has_node vivid-000-vid-cap || modprobe -q vivid || die "no vivid: its module does not load"
has_node vpipe || load_filter
camera=$(node vivid-000-vid-cap)
filter=$(node vpipe)
echo "$folder: camera $camera, filter $filter, $frames frames a row"

begin_rows "$folder" "${rows[@]}"
said=$(mktemp)
trap 'rm -f "$said"; remove_empty_folders' EXIT
failures=0
notes=
for row in "${chosen[@]}"; do
	if [[ $optional == *" $row "* ]] && ! possible "$row"; then
		printf '%-21s -         not on this kernel\n' "$row"
		keep_state "$row" "not on this kernel"
		continue
	fi
	begin=$(date +%s%1N)
	status=0
	start run_row "$row" 2>"$said"
	follow "$started" || status=$?
	took=$(($(date +%s%1N) - begin))
	word=ok
	[ "$status" -eq 0 ] || word=FAILED
	[ -z "$stopped" ] || word=stopped
	printf '%-21s %-7s %5d.%d s' "$row" "$word" $((took / 10)) $((took % 10))
	if [ "$word" = FAILED ]; then
		failures=$((failures + 1))
		# The tool's own words; what the scripts around it say comes before or behind.
		why=$(grep -v '^[a-z_]*\.sh: ' "$said" | tail -n 1) || true
		[ -n "$why" ] || why=$(tail -n 1 "$said")
		printf '  status %d: %s' "$status" "$why"
		keep_state "$row" "failed: $why"
	else
		keep_state "$row" "$word"
	fi
	echo
	# What every row says alike is said once.
	if [ "$word" != FAILED ]; then
		note=$(cat "$said")
		[ "$note" = "$notes" ] || printf '%s' "${note:+$note$'\n'}" >&2
		notes=$note
	fi
	[ -z "$stopped" ] || break
done

if [ -n "$stopped" ]; then
	echo "$folder: stopped in the row $row; all rows up to there are complete"
fi
echo "The report: $bin/bench-report $folder"
end_if_stopped
[ "$failures" -eq 0 ] || die "$failures of ${#chosen[@]} rows failed"
