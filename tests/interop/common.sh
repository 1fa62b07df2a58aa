# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the interop checks of all nodes share.

passed=0
failed=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# check NAME COMMAND...: passes if COMMAND does; the last line it printed says
# what was compared.
check() {
	local name=$1 status word
	shift
	"$@" >"$scratch/output" 2>&1
	status=$?
	if [ $status -eq 0 ]; then
		word=ok
		passed=$((passed + 1))
	else
		word=FAILED
		failed=$((failed + 1))
	fi
	printf '%-7s %s: %s\n' "$word" "$name" "$(tail -n 1 "$scratch/output")"
	[ $status -eq 0 ] || cat "$scratch/output"
}

node() {
	grep -lx -- "$1" /sys/class/video4linux/video*/name | head -n 1 |
		sed 's,.*/\(video[0-9]*\)/name,/dev/\1,'
}

# How often v4l2-compliance was a matter of the clock: it gives a frame two seconds, and an emulated
# machine beside others may need longer; and it wants one byte read from two files to end alike, where
# a frame may come between the call and its answer in one of them. Where $gaps is set, whoever is late
# misses frames as well.
count_late() {
	grep -acE "fail: .*: (ret == 0|ret2 != ret .*)\$${gaps:+|warn: .*: got sequence number}" \
		"$scratch/compliance"
}

some_late() {
	[ "$(count_late)" -gt 0 ]
}

only_late() {
	some_late && [ "$(count_late)" -eq "$(grep -acE 'fail: |warn: ' "$scratch/compliance")" ]
}

# run_compliance LATE OPTION...: again as long as LATE says so, for some minutes.
run_compliance() {
	local late=$1 end=$((SECONDS + 900))
	shift
	while :; do
		timeout --signal=KILL 600 v4l2-compliance "$@" >"$scratch/compliance" 2>&1
		grep -aE 'fail:|warn:|FAIL' "$scratch/compliance"
		"$late" && [ $SECONDS -lt $end ] || break
	done
}

# compliance LEAST OPTION...: every test passes, no warning, and there were at
# least so many.
compliance() {
	local least=$1 total
	shift
	run_compliance only_late "$@"
	total=$(tail -n 1 "$scratch/compliance")
	echo "$total"
	[[ $total =~ ^Total.*:\ ([0-9]+),\ Succeeded:\ ([0-9]+),\ Failed:\ 0,\ Warnings:\ 0$ ]] &&
		[ "${BASH_REMATCH[1]}" -ge "$least" ] &&
		[ "${BASH_REMATCH[1]}" -eq "${BASH_REMATCH[2]}" ]
}
