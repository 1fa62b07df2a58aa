#!/bin/bash
# SPDX-License-Identifier: MIT
# How the sources look: tests/style.sh typescript|shell|kernel
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

# What `deno doc --lint` says, but for the constants of lib/uapi: they are named as in C, and the
# kernel's header documents them.
undocumented() {
	awk '
		/^error\[/ {
			seen++
			kind = $0
			getline place
			getline
			getline source
			if (kind ~ /missing-jsdoc/ && place ~ /\/lib\/uapi\// && source ~ /\| export const /) next
			others++
			print kind "\n" place "\n" source
		}
		/^error: Found / { total = $3 }
		END {
			if (seen == 0 || seen != total) print "deno doc --lint: " seen + 0 " of its errors understood"
			exit others > 0 || seen == 0 || seen != total
		}'
}

typescript() {
	local deno=toolchain/deno map=deno.json imports=()
	if [ "$(cat build/toolchain/network)" = closed ]; then
		map=toolchain/offline/import_map.json
		imports=(--import-map "$map")
	fi
	"$deno" fmt --check
	"$deno" lint
	git ls-files "*.ts" | xargs "$deno" check "${imports[@]}"
	# An example imports all of its module, which noUnusedLocals of the configuration is against.
	"$deno" test --quiet --doc --no-config --import-map "$map" lib
	# All rooms at once: types of one are no private types of another then.
	{ NO_COLOR=1 "$deno" doc --lint "${imports[@]}" lib/*/mod.ts 2>&1 || true; } | undocumented
}

shell() {
	git ls-files | while read -r file; do
		case $(head -c 64 "$file" | tr -d '\0' | head -n 1) in
		'#!/bin/bash' | '#!/bin/sh' | '#!/bin/busybox sh') echo "$file" ;;
		esac
	done | xargs shellcheck -x
}

# kzalloc_obj() and its like are newer than the oldest kernel that these build for.
checkpatch() {
	perl build/guest/linux/scripts/checkpatch.pl --strict --no-tree --file --terse --show-types \
		--ignore ALLOC_WITH_SIZEOF "$@"
}

# By the newest kernel's rules. compat.h is there to look at the version, and BIT()
# is not for userspace.
kernel() {
	local files
	mapfile -t files < <(git ls-files 'kmod/*.[ch]' ':!kmod/compat.h' ':!kmod/uapi')
	checkpatch "${files[@]}"
	checkpatch --ignore LINUX_VERSION_CODE kmod/compat.h
	checkpatch --ignore BIT_MACRO kmod/uapi/*.h
}

case ${1-} in
typescript | shell | kernel) "$1" ;;
*)
	echo "usage: tests/style.sh typescript|shell|kernel" >&2
	exit 2
	;;
esac
