#!/bin/bash
# SPDX-License-Identifier: MIT
# The archive of `make dist`, used as on somebody's own guest: unpacked where
# there is no Deno and no project, put together, checked.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

make --no-print-directory dist >/dev/null
# Thirteen tools are more than a guest's memory holds.
folder=$(mktemp -d "$PWD/build/dist-check.XXXXXX")
trap 'rm -rf "$folder"' EXIT
archive=build/vpipe-$(sed -n 's/.*VERSION = "\(.*\)";/\1/p' lib/cli/version.ts).tar.xz
# shellcheck disable=SC2016 # for the guest's shell
guest/run --kernel uml -- sh -euc '
	tree=$PWD
	cd "$2"
	tar -xJf "$tree/$1"
	cd vpipe-*
	make tools
	for tool in build/bin/*; do
		cmp "$tool" "$tree/$tool"
		"$tool" --version
	done
	mkdir -p build/kmod
	cp -r "$tree/build/kmod/$(uname -r)" build/kmod
	make check
' sh "$archive" "$folder"
