#!/bin/bash
# SPDX-License-Identifier: MIT
# Run the check suite on this machine. Builds the module first where this kernel
# has none yet; needs no Deno, only the tools in build/bin.
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."

die() {
	echo "check: $*" >&2
	exit 1
}

[ -x build/bin/check ] || die "build/bin/check is missing: run 'make tools' where Deno is, then copy build/bin here"
case " $* " in *" --help "* | *" -h "* | *" --version "* | *" -V "*) exec build/bin/check "$@" ;; esac
[ "$(id -u)" -eq 0 ] || die "must run as root: sudo make check"

release=$(uname -r)
module=build/kmod/$release/vpipe.ko
if [ ! -e "$module" ]; then
	[ -e "/lib/modules/$release/build/Makefile" ] ||
		die "no module for $release and no headers to build it with: apt-get install linux-headers-$release"
	scripts/modules.sh "/lib/modules/$release/build" "$PWD/build/kmod/$release"
fi
exec build/bin/check --module "$module" "$@"
