#!/bin/bash
# SPDX-License-Identifier: MIT
# Whether anything grows, as root: for MINUTES a writer and a reader of the loopback
# node, the decoder's daemon with streams that come and go, and the filter, at once.
#
# usage: scripts/soak.sh MINUTES DIR
#
# Every PERIOD (60) seconds DIR/soak.csv gets what each program has: resident memory,
# mappings, descriptors, threads; and the machine: slab, dma-bufs, references to the
# modules. The last lines say what grew: whatever was more in all of the last quarter
# than ever in the second, by more than a runtime wavers: 2 % and 2 MB of memory, 5 %
# and 4 mappings. The status is 1 then, where a program ended, and where there are no
# rows in both, as of a run that was too short. What this kernel does not tell is named.
# The modules have to be loaded.
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"

arguments 2 2 $#
number MINUTES "$1"
folder=$2
period=${PERIOD:-60}
number PERIOD "$period"
[ "$(id -u)" -eq 0 ] || die "must run as root"
for name in loop-write capture-mmap decoder-daemon decode-file bench-fixture; do
	need_tool "$name"
done
fixtures=$(dirname "$scripts")/fixtures
loop=$(node "vpipe loopback 0")
filter=$(node vpipe)
csv=$folder/soak.csv
make_folder "$folder"
scratch=$(mktemp -d)

declare -A programs=()

# run NAME COMMAND...: one of the programs, which is to last.
run() {
	start "${@:2}" >"$folder/$1.log" 2>&1
	programs[$1]=$started
}

end_programs() {
	local name
	# The daemon comes last: without it its clients fail.
	for name in clients reader writer filter daemon; do
		end_groups "${programs[$name]-}"
	done
	programs=()
}
trap 'end_programs; rm -rf "$scratch"; remove_empty_folders' EXIT

# Streams that come and go, one behind the other.
clients() {
	local stream
	trap 'exit 0' TERM
	while :; do
		for stream in vp9-320x240.ivf h264-320x240.h264; do
			"$bin/decode-file" "$fixtures/streams/$stream" /dev/null --quiet &
			wait $! || { [ $? -eq 143 ] && exit 0; exit 1; }
		done
	done
}

# value FILE KEY: the number behind a key, as /proc has them, in $found. No process is started for
# any of this: a look should cost those that are looked at nothing.
value() {
	local key number _
	found=
	while read -r key number _; do
		[ "$key" != "$2:" ] || found=$number
	done <"$1"
}

dma_bufs() {
	local info=/sys/kernel/debug/dma_buf/bufinfo word number _
	found=
	[ -r "$info" ] || return 0
	while read -r word number _; do
		[ "$word" != Total ] || found=$number
	done <"$info"
}

# row OF WHAT VALUE: nothing where it cannot be known.
row() {
	[ -z "$3" ] || echo "$now,$1,$2,$3" >>"$csv"
}

sample() {
	local name process module lines
	now=$SECONDS
	for name in writer reader daemon filter; do
		process=/proc/${programs[$name]}
		value "$process/status" VmRSS
		row "$name" resident_kb "$found"
		value "$process/status" Threads
		row "$name" threads "$found"
		mapfile -t lines <"$process/maps"
		row "$name" mappings "${#lines[@]}"
		lines=("$process"/fd/*)
		row "$name" descriptors "${#lines[@]}"
	done
	value /proc/meminfo Slab
	row machine slab_kb "$found"
	dma_bufs
	row machine dma_bufs "$found"
	for module in vpipe vpipe_dec vpipe_loop; do
		[ ! -r "/sys/module/$module/refcnt" ] || row "$module" references "$(<"/sys/module/$module/refcnt")"
	done
}

# What grew, one line each, or why that cannot be told; nothing where nothing did.
verdict() {
	awk -F, -v end="$1" '
		NR == 1 { next }
		{ key = $2 "," $3; keys[key] = 1 }
		$1 > end / 4 && $1 <= end / 2 && (!(key in before) || $4 > before[key]) { before[key] = $4 }
		$1 > end * 3 / 4 && (!(key in after) || $4 < after[key]) { after[key] = $4 }
		END {
			for (key in keys) {
				split(key, of, ",")
				if (!(key in before) || !(key in after)) {
					untold[++missing] = of[1] ": " of[2] ": no rows in both quarters"
					continue
				}
				compared = 1
				slack = 0
				if (key ~ /_kb$/) slack = before[key] / 50 + 2048
				if (key ~ /mappings$/) slack = before[key] / 20 + 4
				if (after[key] <= before[key] + slack) continue
				printf "%s: %s grew from at most %d to at least %d\n", of[1], of[2], before[key], after[key]
			}
			if (!compared) print "too short to tell: no rows in the second and the last quarter"
			else for (i = 1; i <= missing; i++) print untold[i]
		}' "$csv" | sort
}

# What there is not one row of, a line each.
not_looked_at() {
	local of what
	{
		for of in writer reader daemon filter; do
			printf "$of %s\n" resident_kb threads mappings descriptors
		done
		printf 'machine %s\n' slab_kb dma_bufs
		printf '%s references\n' vpipe vpipe_dec vpipe_loop
	} | while read -r of what; do
		grep -q "^[0-9]*,$of,$what," "$csv" || echo "$of: $what: not looked at"
	done
}

echo "seconds,of,what,value" >"$csv"
# Reading without an end; of the rows only the cost is wanted.
run daemon "$bin/decoder-daemon"
# A runtime's heap stands after some 150,000 frames: before half of an hour is over.
run writer "$bin/loop-write" "$loop" pattern --size 640x480 --format nv12 --fps 100
until grep -q ' serving ' "$folder/daemon.log" || ! runs "${programs[daemon]}"; do sleep 0.2; done
sleep 2
run reader "$bin/capture-mmap" "$loop" /dev/null 4294967295 --size 640x480 --format nv12 --fps 0 --quiet
run filter "$bin/bench-fixture" "$filter" "$heap" "$fixtures/noise-vga.pgm" \
	/dev/null 4294967295 threshold --quiet
run clients clients

SECONDS=0
end=$(($1 * 60))
failed=
next=$period
while [ -z "$stopped" ] && [ "$SECONDS" -lt "$end" ] && [ -z "$failed" ]; do
	sleep 1 || true
	for name in "${!programs[@]}"; do
		runs "${programs[$name]}" || failed="$name ended: $(tail -n 1 "$folder/$name.log")"
	done
	if [ -z "$failed" ] && [ "$SECONDS" -ge "$next" ]; then
		sample
		next=$((next + period))
	fi
done
ran=$SECONDS
end_programs
[ -z "$failed" ] || die "after $ran s the $failed"
grown=$(verdict "$ran")
echo "$csv: $((ran / 60)) minutes, ${grown:-nothing grew}"
not_looked_at
end_if_stopped
[ -z "$grown" ]
