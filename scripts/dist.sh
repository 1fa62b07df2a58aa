#!/bin/bash
# SPDX-License-Identifier: MIT
# Pack one archive to copy onto a guest: scripts/dist.sh VERSION ARCH BUILD TOOL...
# of the tools in BUILD/bin.
#
# A compiled tool is Deno's runtime, an ELF file, and the tool's own program
# behind it. The archive has the runtime once; dist.mk puts the two together.
# Tools that are launchers have one Deno anyway, and are packed as they are.
set -euo pipefail
[ $# -ge 4 ] || { echo "usage: scripts/dist.sh VERSION ARCH BUILD TOOL..." >&2; exit 2; }
cd "$(dirname "$(readlink -f "$0")")/.."

version=$1
arch=$2
bin=$3/bin
library=$3/lib/vpipe
shift 3
name=vpipe-$version-$arch
archive=build/$name.tar.xz
stage=$(mktemp -d build/dist.XXXXXX)
trap 'rm -rf "$stage"' EXIT
tree=$stage/$name

# elf_size FILE: where the ELF file ends, and with it the runtime: behind its
# section header table.
elf_size() {
	local header
	header=$(LC_ALL=C readelf -h "$1")
	field() { sed -n "s/^ *$1: *\([0-9]*\).*/\1/p" <<<"$header"; }
	echo $(($(field "Start of section headers") + \
		$(field "Size of section headers") * $(field "Number of section headers")))
}

mkdir -p "$tree/tools" "$tree/scripts" "$tree/fixtures"
echo "$arch" >"$tree/tools/ARCH"
if [ "$(head -c 2 "$bin/$1")" = '#!' ]; then
	cp "$library/deno" "$tree/tools/deno"
	for tool; do
		cp "$bin/$tool" "$tree/tools/$tool.launcher"
	done
	cp "$library"/*.js "$tree/tools"
else
	size=$(elf_size "$bin/$1")
	head -c "$size" "$bin/$1" >"$tree/tools/runtime"
	for tool; do
		cmp -s -n "$size" "$tree/tools/runtime" "$bin/$tool" || {
			echo "dist: $bin/$tool has another runtime: run 'make clean tools'" >&2
			exit 1
		}
		tail -c "+$((size + 1))" "$bin/$tool" >"$tree/tools/$tool.program"
	done
fi
for tool; do
	(cd "$bin" && sha256sum "$tool") >>"$tree/tools/SHA256SUMS"
done

git ls-files -z -- kmod daemon/pixel_functions daemon/decoder-daemon.service daemon/60-vpipe.rules daemon/vpipe.sysusers | xargs -0 cp --parents -t "$tree"
cp -r fixtures/*.pgm fixtures/README.md fixtures/streams "$tree/fixtures"
cp scripts/{check,demo,install,kmemleak,machine,mem2mem,modules,soak}.sh scripts/{bench,trace}_*.sh "$tree/scripts"
cp README.md LICENSE CHANGELOG.md SECURITY.md CONTRIBUTING.md deno.json "$tree"
cp -r build/manual "$tree"
rm "$tree/manual/stamp"
git ls-files -z -- docs | xargs -0 cp --parents -t "$tree"
cp scripts/dist.mk "$tree/Makefile"

tar -C "$stage" --owner=0 --group=0 --sort=name -c "$name" | xz -T0 >"$stage/archive"
mv "$stage/archive" "$archive"
echo "$archive: $(du -h "$archive" | cut -f1), unpack it on the guest and run 'make' there"
