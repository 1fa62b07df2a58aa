#!/bin/bash
# SPDX-License-Identifier: MIT
# Two commands by turns, N times each, for bench-compare: what drifts on a machine is
# then on both sides alike.
#
# usage: scripts/bench_pairs.sh N DIR -- BASE... -- NEW...
#
# In each command {} stands for the folder of its run: DIR/base/1, DIR/new/1 and so
# on; which of a pair comes first alternates. What a command says is in its run's
# output.txt. A run is in its folder when it is complete, so Ctrl-C, SIGTERM and a
# command that fails leave complete runs alone. bench-compare wants 5 pairs or more:
#
#   scripts/bench_pairs.sh 10 bench/copy \
#       -- scripts/bench_vpipe.sh /dev/video0 /dev/video7 {}/m2m 300 mmap \
#       -- scripts/bench_vpipe.sh /dev/video0 /dev/video7 {}/m2m 300 dmabuf
#   build/bin/bench-compare bench/copy/base bench/copy/new
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"

arguments 6 - $#
number N "$1"
pairs=$1
folder=$2
[ "$3" = -- ] || wrong_usage "behind DIR there must be --, not '$3'"
shift 3
base=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	base+=("$1")
	shift
done
new=("${@:2}")
if [ ${#base[@]} -eq 0 ] || [ ${#new[@]} -eq 0 ]; then
	wrong_usage "there must be two commands, each behind --"
fi
for words in "${base[*]}" "${new[*]}"; do
	[[ $words == *'{}'* ]] || wrong_usage "no {} in '$words' says where its run goes"
done
for name in base new running; do
	[ ! -e "$folder/$name" ] || die "$folder/$name: is there already: name another DIR"
done

make_folder "$folder/base"
make_folder "$folder/new"
running=$folder/running
trap 'rm -rf -- "$running"; remove_empty_folders' EXIT
"$scripts/machine.sh" >"$folder/machine.csv"

# one_run SIDE PAIR COMMAND...
one_run() {
	local status=0 run=$1/$2
	rm -rf -- "$running"
	mkdir -- "$running"
	cp -- "$folder/machine.csv" "$running"
	shift 2
	start "${@//'{}'/"$running"}" >"$running/output.txt" 2>&1
	follow "$started" || status=$?
	end_if_stopped
	[ "$status" -eq 0 ] || die "$run: status $status: $(tail -n 1 "$running/output.txt")"
	mv -- "$running" "$folder/$run"
}

for ((pair = 1; pair <= pairs; pair++)); do
	sides=(base new)
	((pair % 2)) || sides=(new base)
	for side in "${sides[@]}"; do
		if [ "$side" = base ]; then
			one_run base "$pair" "${base[@]}"
		else
			one_run new "$pair" "${new[@]}"
		fi
	done
	echo "pair $pair of $pairs"
done
printf 'The verdict: %q %q %q\n' "$bin/bench-compare" "$folder/base" "$folder/new"
