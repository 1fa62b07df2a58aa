# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A writer and a reader of the loopback node, one of each at a time; a script sources
# this after its header.
. "$scripts/bench_common.sh"

# The node and its statistics, the writer's rate, and a folder for what programs say.
node=
node_stats=
fps=
scratch=

declare -A stats
read_stats() {
	local name value
	while read -r name value; do
		stats[$name]=$value
	done <"$node_stats"
}

# A fifth of a second, without a process, which would take CPU from the frames.
exec {nobody}<> <(:)
pause() {
	read -rt 0.2 -u "$nobody" || true
}

writer=
reader=
end_programs() {
	end_groups "$reader" "$writer"
	writer=
	reader=
}

both_run() {
	[ -z "$stopped" ] && runs "$writer" && runs "$reader"
}

# passed COUNT: so many frames have passed the node since the last read_stats.
passed() {
	local until=$((stats[frames] + $1))
	while both_run && [ "${stats[frames]}" -lt "$until" ]; do
		pause
		read_stats
	done
	both_run
}

has_rows() {
	{ read -r && read -r; } 2>/dev/null <"$1"
}

# start_pair PREFIX FRAMES SIZE WRITER READER: returns when both are warm. Without
# --stages, whose columns cost system calls themselves.
start_pair() {
	local options=(--size "$3" --format nv12 --stamp --json "${tool_options[@]}")
	local read=("capture-$5" "$node" "$1.read.csv" "$2")
	case $5 in
	userptr) read+=(noreset) ;;
	read) read+=(--no-crc) ;;
	esac
	rm -f -- "$1".{write,read}.{csv,json}
	need_tool loop-write
	need_tool "${read[0]}"
	start "$bin/loop-write" "$node" pattern "$1.write.csv" --io "$4" --fps "$fps" "${options[@]}" \
		>"$1.write.json" 2>"$scratch/writer"
	writer=$started
	# The format is the writer's.
	read_stats
	while [ -z "$stopped" ] && runs "$writer" && [ "${stats[writer]}" -eq 0 ]; do
		pause
		read_stats
	done
	start "$bin/${read[0]}" "${read[@]:1}" --fps 0 "${options[@]}" \
		>"$1.read.json" 2>"$scratch/reader"
	reader=$started
	# Rows are of frames behind those to warm up.
	while both_run && ! has_rows "$1.read.csv"; do
		pause
	done
}

# finish_pair: waits for the reader's end, and ends the writer. Returns the reader's
# status, and says in $why what failed.
# shellcheck disable=SC2034 # for the script that sources this
finish_pair() {
	local status=0
	why=
	follow "$reader" "$writer" || status=$?
	if runs "$reader"; then
		why="the writer ended in mid-run: $(tail -n 1 "$scratch/writer")"
	elif [ "$status" -ne 0 ]; then
		why=$(tail -n 1 "$scratch/reader")
	fi
	end_programs
	return "$status"
}

# stop_pair: both have done what they were started for.
stop_pair() {
	kill -TERM -- "-$reader" 2>/dev/null || true
	finish_pair || [ $? -eq 143 ]
}
