# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the guest scripts share. A script sources this after its own header.
set -euo pipefail

me=guest/${0##*/}
project=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
store=$project/build/guest
logs=$store/log
# The exit status that means neither passed nor failed.
skipped=77

case $project in
*[!A-Za-z0-9._/+-]*)
	echo "$me: kernel builds and kernel command lines cannot carry the path '$project': move the project" >&2
	exit 1
	;;
esac

say() {
	printf '%s: %s\n' "$me" "$*" >&2
}

fail() {
	say "$@"
	exit 1
}

# step LOG TITLE COMMAND...: run a long command with its output in a log. The
# command may be a function; the first failure in it ends it, which would not be
# so behind an `if` or `||`.
step() {
	local log=$logs/$1.log title=$2 status
	shift 2
	say "$title"
	mkdir -p "$logs"
	set +e
	(set -e; "$@") >"$log" 2>&1 </dev/null
	status=$?
	set -e
	if [ $status -ne 0 ]; then
		tail -n 15 "$log" >&2
		fail "$title: failed; the whole output is in ${log#"$project"/}"
	fi
}

# fresh NAME INPUT...: whether NAME was finished with exactly these inputs, be
# they files or words. finished NAME INPUT... says that it now is.
fresh() {
	[ "$(cat "$store/$1/stamp" 2>/dev/null)" = "$(fingerprint "${@:2}")" ]
}

finished() {
	fingerprint "${@:2}" >"$store/$1/stamp.new"
	mv "$store/$1/stamp.new" "$store/$1/stamp"
}

fingerprint() {
	local input
	for input in "$@"; do
		if [ -f "$input" ]; then
			sha256sum <"$input"
		else
			echo "$input"
		fi
	done | sha256sum | cut -d' ' -f1
}

# Two calls may want the same thing built; the second waits for the first.
# The lock is an open file, so it ends with its holder, however that ends.
locked() {
	local name=$1
	shift
	mkdir -p "$store"
	(
		exec 9>"$store/$name.lock"
		flock 9
		"$@"
	)
}

# shellcheck source=parts/root.sh
. "$project/guest/parts/root.sh"
# shellcheck source=parts/initramfs.sh
. "$project/guest/parts/initramfs.sh"
# shellcheck source=parts/testing.sh
. "$project/guest/parts/testing.sh"
# shellcheck source=parts/debian.sh
. "$project/guest/parts/debian.sh"
# shellcheck source=parts/arm64.sh
. "$project/guest/parts/arm64.sh"
# shellcheck source=parts/dkms.sh
. "$project/guest/parts/dkms.sh"
# shellcheck source=parts/source.sh
. "$project/guest/parts/source.sh"
# shellcheck source=parts/kernels.sh
. "$project/guest/parts/kernels.sh"
