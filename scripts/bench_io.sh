#!/bin/bash
# SPDX-License-Identifier: MIT
# V4L2's I/O methods against each other, as root: frames from a writer of the
# loopback node to a reader of it, and what one cost between them.
#
# usage: scripts/bench_io.sh FRAMES DIR [WRITER-READER...]
#
# WRITER is write, mmap, userptr or dmabuf, READER is read, mmap, userptr or dmabuf.
# Without any, all sixteen. Each reader records FRAMES frames of NV12 in each of
# SIZES (640x480 1920x1080), which its writer sends FPS (30) times a second, or as
# fast as it can where that is 0. Costs can be told from four seconds of frames on.
#
# Writes the files of docs/csv.md, each run as SIZE-WRITER-READER, and DIR/io.csv
# with a row for each that is there, of this call or of an earlier one. Tracing
# costs time: system calls are counted in a run of their own, and runs with the same
# method on both sides are profiled in another, both where the kernel can. A run that
# fails costs one line, and the status is 1. Ctrl-C and SIGTERM end the run in order,
# and what is there is usable. TOOL_OPTIONS are handed on to both programs.
scripts=$(dirname "$(readlink -f "$0")")
. "$scripts/bench_io_common.sh"

arguments 2 - $#
frames=$1
folder=$2
number FRAMES "$frames"
fps=${FPS:-30}
[[ $fps =~ ^[0-9]{1,4}$ ]] || wrong_usage "FPS must be a number from 0, not '$fps'"
read -ra sizes <<<"${SIZES:-640x480 1920x1080}"
for size in "${sizes[@]}"; do
	[[ $size =~ ^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$ ]] ||
		wrong_usage "a size is WIDTHxHEIGHT, not '$size'"
done
all=({write,mmap,userptr,dmabuf}-{read,mmap,userptr,dmabuf})
if [ $# -gt 2 ]; then pairs=("${@:3}"); else pairs=("${all[@]}"); fi
for pair in "${pairs[@]}"; do
	[[ " ${all[*]} " == *" $pair "* ]] || wrong_usage "there is no '$pair': ${all[*]}"
done
rows=(machine)
for size in "${sizes[@]}"; do
	rows+=("${all[@]/#/$size-}")
done
rows+=(syscalls profile)

# Frames over which system calls are counted, and seconds that are profiled.
counted_frames=60
profiled_seconds=10

# process PID: sets $own to the CPU time of all its threads in ns, how often one of
# them was switched to, and their minor faults.
process() {
	local thread ns runs_of fields cpu=0 switches=0
	for thread in "/proc/$1/task/"*; do
		{ read -r ns _ runs_of <"$thread/schedstat"; } 2>/dev/null || continue
		cpu=$((cpu + ns))
		switches=$((switches + runs_of))
	done
	read -r fields <"/proc/$1/stat"
	# Behind the name, which may hold anything.
	read -ra fields <<<"${fields##*) }"
	own=("$cpu" "$switches" "${fields[7]}")
}

# look: sets $seen to what the node and both processes were charged so far.
charged=(frames copies bytes_copied shared lost
	{write,read}_{cpu_ns,switches,minor_faults})
look() {
	local name
	read_stats
	seen=()
	for name in "${charged[@]::5}"; do
		seen+=("${stats[$name]}")
	done
	process "$writer"
	seen+=("${own[@]}")
	process "$reader"
	seen+=("${own[@]}")
}

# cost CSV: what a stretch of half of the frames was charged.
cost() {
	local before row='' i
	look
	before=("${seen[@]}")
	passed $((frames / 2)) || return 0
	look
	for i in "${!seen[@]}"; do
		row+=,$((seen[i] - before[i]))
	done
	(
		IFS=,
		printf '%s\n' "${charged[*]}" "${row#,}"
	) >"$1"
}

# pair_row SIZE WRITER READER
pair_row() {
	local run=$folder/$1-$2-$3
	rm -f -- "$run".{cost,calls}.csv "$run.profile.txt"
	start_pair "$run" "$frames" "$@"
	! both_run || cost "$run.cost.csv"
	finish_pair || return
	[ -e "$run.cost.csv" ] || say "${run##*/}: too few frames to tell what they cost"
}

# A trigger in a tracing instance of its own counts in the kernel, by thread and by
# call, without an event for each. Turning a tracepoint on rewrites the kernel under
# all CPUs, so that is done once.
instance=
counter() {
	echo "hist:keys=common_pid,id.syscall:size=8192$1" \
		>>"$instance/events/raw_syscalls/sys_enter/trigger"
}

start_counting() {
	instance=/sys/kernel/tracing/instances/vpipe-$$
	mkdir "$instance"
	counter ""
}

end_counting() {
	[ -z "$instance" ] || rmdir "$instance"
	instance=
}

threads() {
	local thread
	for thread in "/proc/$1/task/"*; do
		printf '%s ' "${thread##*/}"
	done
}

# calls_row SIZE WRITER READER
calls_row() {
	local from calls
	start_pair "$scratch/pair" 4294967295 "$@"
	counter :clear
	read_stats
	from=${stats[frames]}
	if passed "$counted_frames"; then
		mapfile -t calls <"$instance/events/raw_syscalls/sys_enter/hist"
		printf '%s\n' "${calls[@]}" | awk -v frames=$((stats[frames] - from)) \
			-v writer="$(threads "$writer")" -v reader="$(threads "$reader")" '
			BEGIN {
				n = split(writer, thread)
				while (n) side[thread[n--]] = "write"
				n = split(reader, thread)
				while (n) side[thread[n--]] = "read"
				print "side,syscall,calls,frames"
			}
			$2 == "common_pid:" && $3 + 0 in side {
				sub("^sys_", "", $5)
				calls[side[$3 + 0] "," $5] += $NF
			}
			$1 == "Dropped:" && $2 > 0 { lost = 1 }
			END {
				for (call in calls) print call "," calls[call] "," frames
				exit lost
			}' >"$folder/$1-$2-$3.calls.csv" || {
			rm "$folder/$1-$2-$3.calls.csv"
			say "$1-$2-$3: the kernel had no room to count all calls"
		}
	fi
	stop_pair
}

# profile_row SIZE WRITER READER: by whose code it is, and by function.
profile_row() {
	local sort profile=$folder/$1-$2-$3.profile.txt data=$scratch/perf.data
	start_pair "$scratch/pair" 4294967295 "$@"
	if both_run; then
		start perf record -q -e cpu-clock -F 1999 -p "$writer,$reader" -o "$data" \
			-- sleep "$profiled_seconds" 2>"$scratch/perf"
		follow "$started" || say "$1-$2-$3: perf: $(tail -n 1 "$scratch/perf")"
	fi
	if [ -s "$data" ]; then
		for sort in comm,dso comm,symbol; do
			perf report -q -i "$data" --stdio --no-children --sort "$sort" --percent-limit 1
		done >"$profile" 2>/dev/null || true
		rm "$data"
	fi
	stop_pair
}

# row NAME COMMAND...: what became of it, in a line and in rows.csv.
failures=0
row() {
	local name=$1 begin took status=0 word=ok
	shift
	[ -z "$stopped" ] || return 0
	begin=$(date +%s%1N)
	why=
	"$@" || status=$?
	took=$(($(date +%s%1N) - begin))
	if [ -n "$stopped" ]; then
		word=stopped
	elif [ "$status" -ne 0 ]; then
		word="failed: $why"
		failures=$((failures + 1))
	fi
	printf '%-26s %4d.%d s  %s\n' "$name" $((took / 10)) $((took % 10)) "$word"
	[ -z "${state[$name]-}" ] || keep_state "$name" "$word"
}

[ "$(id -u)" -eq 0 ] || die "must run as root"
need_tool bench-report
node=$(node "vpipe loopback 0")
node_stats=/sys/kernel/debug/vpipe-loop/${node##*/}/stats
[ -r "$node_stats" ] || die "$node_stats cannot be read: is debugfs mounted?"
make_folder "$folder"
scratch=$(mktemp -d)
trap 'end_programs; end_counting; rm -rf "$scratch"; remove_empty_folders' EXIT
begin_rows "$folder" "${rows[@]}"
echo "$folder: $node, $frames frames a run"
machine_row() {
	"$scripts/machine.sh" >"$folder/machine.csv"
}
row machine machine_row
for size in "${sizes[@]}"; do
	for pair in "${pairs[@]}"; do
		row "$size-$pair" pair_row "$size" "${pair%-*}" "${pair#*-}"
	done
done

# There is one where the kernel has histogram triggers.
if [ ! -e /sys/kernel/tracing/events/raw_syscalls/sys_enter/hist ]; then
	keep_state syscalls "not on this kernel"
elif [ -z "$stopped" ]; then
	start_counting
	for size in "${sizes[@]}"; do
		for pair in "${pairs[@]}"; do
			row "$size-$pair, system calls" calls_row "$size" "${pair%-*}" "${pair#*-}"
		done
	done
	end_counting
	[ -n "$stopped" ] || keep_state syscalls ok
fi
# perf record has status 0 where there is nothing to record by.
if ! perf stat -x, -e cpu-clock -- true 2>&1 | grep -q '^[0-9]'; then
	keep_state profile "not on this kernel"
elif [ -z "$stopped" ]; then
	for pair in "${pairs[@]}"; do
		side=${pair#*-}
		[ "${pair%-*}" = "${side/read/write}" ] || continue
		row "$size-$pair, profile" profile_row "$size" "${pair%-*}" "$side"
	done
	[ -n "$stopped" ] || keep_state profile ok
fi
[ -z "$stopped" ] || echo "$folder: stopped; what is there is complete"

"$bin/bench-report" --csv "$folder" >"$scratch/io.csv" || die "$folder: no run that can be used"
cp "$scratch/io.csv" "$folder/io.csv"
echo "The report: $bin/bench-report $folder"
end_if_stopped
[ "$failures" -eq 0 ] || die "$failures rows failed"
