# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the bench and trace scripts share; a script sources this after its header.
#
# VPIPE_BIN is the folder of the tools under test, build/bin without it.
set -euo pipefail
# Of numbers: $EPOCHREALTIME, printf and awk have a comma in others.
export LC_ALL=C

me=${0##*/}
scripts=$(dirname "$(readlink -f "$0")")
bin=${VPIPE_BIN:-$(dirname "$scripts")/build/bin}
release=$(uname -r)
# shellcheck disable=SC2034 # for the scripts that source this
module=${VPIPE_MODULE:-$(dirname "$scripts")/build/kmod/$release/vpipe.ko}
meta=/dev/vpipe-meta
# Where dma-bufs come from.
heap=/dev/dma_heap/system
[ -e "$heap" ] || heap=/dev/udmabuf

say() {
	printf '%s: %s\n' "$me" "$*" >&2
}

die() {
	say "$@"
	exit 1
}

wrong_usage() {
	say "$1"
	sed -n 's/^# \(usage: .*\)/\1/p' "$0" >&2
	exit 2
}

# The comment on top of a script is its help; no other option is known.
case ${1-} in
--help | -h)
	sed -n '3,/^[^#]/s/^#\( \|$\)//p' "$0"
	exit 0
	;;
--) ;;
-*) wrong_usage "unknown option $1" ;;
esac

# arguments MIN MAX COUNT, with MAX - for any number.
arguments() {
	[ "$3" -ge "$1" ] || wrong_usage "an argument is missing"
	[ "$2" = - ] || [ "$3" -le "$2" ] || wrong_usage "too many arguments"
}

number() {
	[[ $2 =~ ^[1-9][0-9]{0,8}$ ]] || wrong_usage "$1 must be a number from 1, not '$2'"
}

# refuse_missing_device NAME: in /dev nothing is made, but for shared memory.
refuse_missing_device() {
	case $(readlink -m -- "$1") in
	/dev/shm/*) ;;
	/dev/*) [ -e "$1" ] || die "$1: there is no such device, and nothing is made in /dev" ;;
	esac
}

# make_folder FOLDER: where it is missing, with those on the way. Of what was made so
# is gone again at the script's end whatever nothing came to lie in.
made_folders=()
make_folder() {
	local folder=$1 said
	refuse_missing_device "$1"
	until [ -e "$folder" ]; do
		made_folders+=("$folder")
		folder=$(dirname -- "$folder")
	done
	said=$(mkdir -p -- "$1" 2>&1) || die "$1: ${said#mkdir: }"
}

# A script that has a trap of its own calls this in it.
remove_empty_folders() {
	[ ${#made_folders[@]} -eq 0 ] || rmdir -- "${made_folders[@]}" 2>/dev/null || true
}
trap remove_empty_folders EXIT

# node NAME: the first video node that the driver calls so.
node() {
	local name
	name=$(grep -lx -- "$1" /sys/class/video4linux/video*/name 2>/dev/null | sort -V | head -n 1) || true
	[ -n "$name" ] || die "there is no video node '$1': is its module loaded?"
	name=${name%/name}
	echo "/dev/${name##*/}"
}

# median: of the numbers on stdin, a line each.
median() {
	sort -n | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

# start COMMAND...: in the background, as $started, in a process group of its
# own: a terminal's Ctrl-C then reaches the script alone, which ends what it
# started in the right order.
started=
start() {
	set -m
	"$@" </dev/null &
	set +m
	started=$!
}

# end_groups PROCESS...: ends the process groups of what was started, one after the other;
# what is empty was not.
end_groups() {
	local process
	for process in "$@"; do
		kill -TERM -- "-$process" 2>/dev/null || continue
		# One that is stopped hears of it now.
		kill -CONT -- "-$process" 2>/dev/null || true
		wait "$process" 2>/dev/null || true
	done
}

# The signal that this script got, the process group it is passed on to, and the
# one process in it, where only that is to have it.
stopped=
followed=
target=

pass_on() {
	stopped=$1
	[ -z "$followed" ] || kill -"$1" -- "${target:--$followed}" 2>/dev/null || true
}
trap 'pass_on INT' INT
trap 'pass_on TERM' TERM
trap 'pass_on HUP' HUP

# end_if_stopped: as the signal would have ended this script.
end_if_stopped() {
	case $stopped in
	INT) exit 130 ;;
	TERM) exit 143 ;;
	HUP) exit 129 ;;
	esac
}

runs() {
	kill -0 "$1" 2>/dev/null
}

# status_of PID: of a process that has ended.
status_of() {
	local status=0
	wait "$1" || status=$?
	return "$status"
}

# follow PID [ONE_MORE]: pass signals on to PID until it has ended, and return its
# status; end early, with 1, where ONE_MORE ends before it. A signal ends `wait`
# early and says nothing about the process.
follow() {
	followed=$1
	# It may have come before there was anybody to pass it on to.
	[ -z "$stopped" ] || pass_on "$stopped"
	while runs "$1"; do
		wait -n "$@" || true
		[ $# -eq 1 ] || runs "$2" || ! runs "$1" || return 1
	done
	followed=
	status_of "$1"
}

# What became of each row of a bench, in $1/rows.csv, for whoever looks for its
# files; rows of an earlier call stay as they are.
declare -A state=()

# begin_rows DIR ROW...
begin_rows() {
	local row was
	rows_file=$1/rows.csv
	row_names=("${@:2}")
	for row in "${row_names[@]}"; do
		state[$row]="not asked for"
	done
	[ -r "$rows_file" ] || return 0
	while IFS=, read -r row was; do
		[ -z "${state[$row]-}" ] || state[$row]=$was
	done <"$rows_file"
}

# keep_state ROW STATE
keep_state() {
	local row
	state[$1]=${2//,/;}
	{
		echo "row,state"
		for row in "${row_names[@]}"; do
			echo "$row,${state[$row]}"
		done
	} >"$rows_file"
}

# Options for every tool, from the user's environment.
read -ra tool_options <<<"${TOOL_OPTIONS-}"

# What a bench asks of a camera, where TOOL_OPTIONS do not: what the device happens to be set to is
# nothing to compare with. The filter's frames are GREY without being asked for.
camera_options=() grey=()
[[ " ${TOOL_OPTIONS-}" == *" --size"* ]] || camera_options+=(--size 640x480)
[[ " ${TOOL_OPTIONS-}" == *" --fps"* ]] || camera_options+=(--fps 30)
[[ " ${TOOL_OPTIONS-}" == *" --format"* ]] || grey=(--format grey)

tool=
drain=

# Whatever ends this script, nothing that it started is left running.
end_all() {
	end_groups "$tool" "$drain"
	remove_empty_folders
}

# clear PREFIX: no file of an older run may be taken for this one's. Locks are of a run of their own.
clear() {
	make_folder "$(dirname -- "$1")"
	rm -f -- "$1".{csv,json,meta.csv,perf.csv}
}

# without_rows PREFIX: of a run that has none, counters and metadata say nothing.
without_rows() {
	[ -e "$1.csv" ] || rm -f -- "$1".{perf,meta}.csv
}

need_tool() {
	[ -x "$bin/$1" ] || die "$bin/$1 is missing: run 'make tools'"
}

start_tool() {
	need_tool "$2"
	start "$scripts/bench_perf.sh" "$1" "$bin/$2" "${@:3}" --stages --json "${tool_options[@]}" \
		>"$1.json"
	tool=$started
}

# measure PREFIX TOOL ARGUMENT...: one run without the filter.
measure() {
	trap end_all EXIT
	clear "$1"
	start_tool "$@"
	finish "$1"
}

# finish PREFIX [DRAIN]: the tool's end, and its status.
finish() {
	local status=0
	follow "$tool" "${@:2}" || status=$?
	if runs "$tool"; then
		end_all
		say "${1##*/}: meta-drain ended in mid-run, and the run with it"
		status=1
	fi
	tool=
	[ -s "$1.json" ] || rm -f -- "$1.json"
	without_rows "$1"
	return "$status"
}

record_metadata() {
	exec "$bin/meta-drain" "$meta" "$1.meta.csv" 4294967295 --stages --ready --json --quiet >"$2"
}

# start_drain PREFIX: returns once the filter's next frame will be recorded.
# More frames are asked for than there will be: warm-up frames, frames in flight
# and those of other programs count too, so the drain is told when to end.
start_drain() {
	local folder line=
	need_tool meta-drain
	folder=$(mktemp -d)
	mkfifo "$folder/ready"
	start record_metadata "$1" "$folder/ready"
	drain=$started
	exec {drain_says}<"$folder/ready"
	rm -r "$folder"
	read -r -u "$drain_says" line || true
	[ "$line" = ready ] || die "${1##*/}: meta-drain did not get ready"
}

# end_drain PREFIX: told to end, it first records what the filter has published.
end_drain() {
	local status=0 said lost
	kill -TERM -- "-$drain" 2>/dev/null || true
	said=$(cat <&"$drain_says")
	status_of "$drain" || status=$?
	drain=
	[ "$status" -eq 143 ] || return 1
	lost=$(sed -n 's/.*"lost":\([0-9]*\).*/\1/p' <<<"$said")
	[ -n "$lost" ] || lost="an unknown number of"
	[ "$lost" = 0 ] || say "${1##*/}: the metadata of $lost frames was overrun"
}

# measure_filter PREFIX TOOL ARGUMENT...: one run with the filter's metadata.
measure_filter() {
	local status=0
	trap end_all EXIT
	clear "$1"
	start_drain "$1"
	start_tool "$@"
	finish "$1" "$drain" || status=$?
	end_drain "$1" || [ "$status" -ne 0 ] || die "${1##*/}: meta-drain failed"
	without_rows "$1"
	return "$status"
}
