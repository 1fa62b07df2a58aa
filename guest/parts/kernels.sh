# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The kernels: which there are, how each is called, what a module build for it needs.

kernels='6.1 6.12 testing uml sanitized racing arm64 arm64-16k arm64-rt'

# kernel_name WORD: the folder and guest that goes by this name.
kernel_name() {
	case $1 in
	debian) echo debian-6.12 ;;
	6.1 | 6.12 | testing) echo "debian-$1" ;;
	debian-6.1 | debian-6.12 | debian-testing | uml | sanitized | racing | arm64 | arm64-16k | arm64-rt) echo "$1" ;;
	*) fail "there is no kernel '$1': one of $kernels" ;;
	esac
}

# build_kernel NAME
build_kernel() {
	case $1 in
	debian-*) locked "$1" build_debian "$1" ;;
	arm64*) locked "$1" build_arm64 "$1" ;;
	*) locked "$1" build_source_kernel "$1" ;;
	esac
}

# kernel_facts NAME: set release, kdir, chroot (a root to build in, or empty)
# and make_args.
kernel_facts() {
	build_kernel "$1"
	make_args=()
	case $1 in
	debian-*)
		debian_facts "${1#debian-}"
		# amd64 kernels leave v4l2-mem2mem out; its symbols are those of our own.
		make_args+=("KBUILD_EXTRA_SYMBOLS=$store/$1/mem2mem/Module.symvers")
		;;
	arm64*)
		arm64_facts "$1"
		make_args+=(ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-)
		;;
	*)
		chroot=
		release=$(cat "$store/$1/include/config/kernel.release")
		kdir=$store/$1
		[ "$1" = racing ] || make_args+=(ARCH=um)
		;;
	esac
}

# userland_of NAME: the root that this guest runs on.
userland_of() {
	case $1 in
	arm64*) echo "$arm64_root" ;;
	*) echo "$store/root" ;;
	esac
}
