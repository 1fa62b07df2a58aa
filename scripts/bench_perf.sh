#!/bin/bash
# SPDX-License-Identifier: MIT
# Count what a whole command costs the machine, into PREFIX.perf.csv.
#
# usage: scripts/bench_perf.sh PREFIX COMMAND...
#
# Where perf is missing, or counts nothing on this kernel, COMMAND runs all the
# same and there is no file. The exit status is COMMAND's.
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"

arguments 2 - $#
csv=$1.perf.csv
shift
events=cycles,instructions,cache-references,cache-misses,context-switches,cpu-migrations,page-faults

rm -f "$csv"
if ! command -v perf >/dev/null; then
	say "perf is not installed: no counters"
	exec "$@"
fi

# A signal would end perf without a word, so COMMAND alone is to get it; and of a
# command that was killed perf makes status 0. So a shell tells both, for some
# hundred page faults more. In the background it would ignore Ctrl-C's signal.
# shellcheck disable=SC2016 # for the inner shell
counted() {
	exec perf stat -x "," -e "$events" --log-fd 3 -- sh -c '
		env --default-signal=INT,QUIT "$@" 3>&- 4>&- &
		echo $! >&4
		wait $!
		echo $? >&4' sh "$@" 3>"$csv" 4>"$words"
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
words=$scratch/words
mkfifo "$words"
start counted "$@" 2> >(exec grep -v '^event syntax error\|^ *\\___\|^$\|^Unable to find PMU' >&2)
exec {said}<"$words"
if ! read -r -u "$said" target; then
	rm -f "$csv"
	say "perf refused to start: no counters"
	exec "$@"
fi
follow "$started" || true
read -r -u "$said" status || die "perf ended before the command had"
if ! grep -q '^[0-9]' "$csv"; then
	rm -f "$csv"
	# Of a command that failed, its own words have to be the last.
	[ "$status" -ne 0 ] || say "perf counts nothing on this kernel: no counters"
fi
exit "$status"
