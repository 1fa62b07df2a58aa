#!/bin/bash
# SPDX-License-Identifier: MIT
# The packages of `make deb ARCH=aarch64`, as far as this machine can tell: lintian's word on
# them, whose machine they and their program are for, and a link a tool.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

make --no-print-directory deb ARCH=aarch64
package=build/deb/vpipe-tools_$(sed -n 's/^  "version": "\(.*\)",/\1/p' deno.json)_arm64.deb
lintian --allow-root --fail-on error "$package"
[ "$(dpkg-deb --field "$package" Architecture)" = arm64 ]

tree=$(mktemp -d build/packages.XXXXXX)
trap 'rm -rf "$tree"' EXIT
dpkg-deb --extract "$package" "$tree"
program=$tree/usr/bin/vpipe
[ "$(head -c 2 "$program")" != '#!' ] || program=$tree/usr/lib/vpipe/deno
readelf -h "$program" | grep -q 'Machine: *AArch64$'
while read -r tool; do
	[ "$(readlink -f "$tree/usr/bin/$tool")" = "$(readlink -f "$tree/usr/bin/vpipe")" ]
	[ -e "$tree/usr/share/man/man1/$tool.1.gz" ]
done <build/manual/tools
# Started elsewhere, it says whose it is.
if [ "$(uname -m)" != aarch64 ]; then
	if said=$("$tree/usr/bin/decode-file" -V 2>&1); then
		echo "packages: a program for arm64 runs here: $said" >&2
		exit 1
	fi
	[ "$program" = "$tree/usr/bin/vpipe" ] || [ "$said" = "decode-file: is for aarch64, and this machine is $(uname -m)" ]
fi
