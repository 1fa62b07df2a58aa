#!/bin/bash
# SPDX-License-Identifier: MIT
# The archive of `make dist`, used as on somebody's own guest: unpacked, put
# together without Deno, and checked in a guest.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

# Packed fast: what users get is packed small.
XZ_OPT=-1 make --no-print-directory dist >/dev/null
# All tools are more than a guest's memory holds.
folder=$(mktemp -d "$PWD/build/dist-check.XXXXXX")
trap 'rm -rf "$folder"' EXIT
tar -xJf "build/vpipe-$(sed -n 's/^  "version": "\(.*\)",/\1/p' deno.json)-$(uname -m).tar.xz" -C "$folder"
archive=("$folder"/vpipe-*)
# An archive of another architecture says so, in one line.
cp "${archive[0]}/tools/ARCH" "$folder/ARCH"
echo another >"${archive[0]}/tools/ARCH"
said=$(make --no-print-directory -C "${archive[0]}" tools 2>&1 | grep -v '^make') || true
[[ $said = "vpipe: this archive is for another, and this machine is "* ]] || { echo "$said" >&2; exit 1; }
mv "$folder/ARCH" "${archive[0]}/tools/ARCH"
env -i PATH=/usr/bin:/bin make -C "${archive[0]}" tools kernels-example
for tool in "${archive[0]}"/build/bin/*; do
	cmp "$tool" "build/bin/${tool##*/}"
	"$tool" --version
done

# What README names is there.
grep -o '](\(docs\|fixtures\|kmod\)/[^)#]*' "${archive[0]}/README.md" | cut -c3- | sort -u | while read -r link; do
	[ -e "${archive[0]}/$link" ] || { echo "the archive lacks $link" >&2; exit 1; }
done

# Installed, they are one program of many names; removed, nothing is left: from the archive,
# and from the sources.
for from in "${archive[0]}" "$PWD"; do
	installed=$folder/installed
	"$from/scripts/install.sh" tools "$installed" /usr "$from/build"
	[ "$(du -sm "$installed" | cut -f1)" -lt 100 ]
	while read -r tool; do
		[ "$("$installed/usr/bin/$tool" -V)" = "$("${archive[0]}/build/bin/$tool" --version)" ]
	done <"${archive[0]}/manual/tools"
	"$from/scripts/install.sh" remove "$installed" /usr none
	left=$(find "$installed" -not -type d)
	[ -z "$left" ] || { echo "left behind: $left" >&2; exit 1; }
done

# Manual pages. Those that they refer to lie beside them, where mandoc does not look.
command -v mandoc >/dev/null
said=$(find "${archive[0]}/manual/man1" -name '*.1' -exec mandoc -Tlint {} + 2>&1 || true)
if grep -v 'referenced manual not found' <<<"$said" | grep . >&2; then exit 1; fi

# The binaries are those that the whole suite has checked: here it is the files
# beside them that could be missing.
git ls-files -- 'fixtures/*.pgm' fixtures/streams 'scripts/bench_*.sh' | while read -r file; do
	cmp "$file" "${archive[0]}/$file"
done
# shellcheck disable=SC2016 # for the guest's shell
guest/run --kernel uml --timeout 2400 -- sh -euc '
	mkdir -p "$1/build/kmod"
	cp -r "build/kmod/$(uname -r)" "$1/build/kmod"
	make -C "$1" check ONLY=metadata
	make -C "$1" demo
' sh "${archive[0]}" | tee "$folder/said"

# The demo ends with where the time of its two paths went, and with the page about it.
[ "$(grep -c '^  [a-z-]*: a typical frame takes .*, ' "$folder/said")" = 2 ]
grep -qx 'bench/demo/report.html: 2 paths on 1 machine' "$folder/said"
# shellcheck disable=SC2016 # the template is TypeScript's
"${archive[0]}/build/bin/bench-report" --json "${archive[0]}/bench/demo" |
	toolchain/deno eval '
		const { machines: [{ paths }] } = await new Response(Deno.stdin.readable).json();
		for (const { run, frames, decomposition } of paths) {
			const missing = decomposition.parts_not_recorded;
			const share = decomposition.frames / frames;
			console.log(`${run}: ${share} of ${frames} frames taken apart, without ${missing}`);
			if (frames < 60 || share < 0.5 || missing.length > 0) Deno.exit(1);
		}'
