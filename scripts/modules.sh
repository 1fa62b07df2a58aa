#!/bin/bash
# SPDX-License-Identifier: MIT
# Build the modules for one kernel, and v4l2-mem2mem with them where that kernel
# lacks it: scripts/modules.sh KDIR OUT [MAKE OPTION...]
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: scripts/modules.sh KDIR OUT [MAKE OPTION...]" >&2; exit 2; }
cd "$(dirname "$(readlink -f "$0")")/.."

kdir=$1
out=$(readlink -m "$2")
symbols=()
if [ -e "$kdir/Module.symvers" ] && ! grep -qw v4l2_m2m_init "$kdir/Module.symvers"; then
	[ -e "$out/mem2mem/v4l2-mem2mem.ko" ] || scripts/mem2mem.sh "$kdir" "$out/mem2mem"
	symbols=("KBUILD_EXTRA_SYMBOLS=$out/mem2mem/Module.symvers")
fi
exec make --no-print-directory -C kmod KDIR="$kdir" OUT="$out" "${symbols[@]}" "${@:3}"
