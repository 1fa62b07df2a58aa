#!/bin/bash
# SPDX-License-Identifier: MIT
# Build v4l2-mem2mem.ko, which Debian's amd64 kernels leave out, from the one
# file of their own source: scripts/mem2mem.sh KDIR FOLDER
# FOLDER gets the module and its Module.symvers.
set -euo pipefail

[ $# -eq 2 ] || {
	echo "usage: scripts/mem2mem.sh KDIR FOLDER" >&2
	exit 2
}
kdir=$1
folder=$(readlink -m "$2")
file=drivers/media/v4l2-core/v4l2-mem2mem.c
version=$(make -s -C "$kdir" kernelversion)
source=linux-source-$(cut -d. -f1,2 <<<"$version")
archive=/usr/src/$source.tar.xz

if [ ! -e "$archive" ]; then
	echo "mem2mem: this kernel has no v4l2-mem2mem module; to build it: apt-get install $source" >&2
	exit 1
fi
mkdir -p "$folder"
tar -xJf "$archive" -O --occurrence=1 --wildcards "*/$file" >"$folder/v4l2-mem2mem.c"
echo 'obj-m := v4l2-mem2mem.o' >"$folder/Makefile"
# Since 6.13 a kernel built in a folder of its own would otherwise take the result.
make -C "$kdir" M="$folder" MO="$folder" modules
