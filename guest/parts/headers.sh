# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Which kernel a module build is for, and what it needs to know.

# kernel_facts KERNEL: set release, kdir, chroot (a root to build in, or empty)
# and make_args.
kernel_facts() {
	# amd64 kernels leave v4l2-mem2mem out; its symbols are those of our own.
	local mem2mem=KBUILD_EXTRA_SYMBOLS=$store/debian/mem2mem/Module.symvers
	chroot=
	make_args=()
	case $1 in
	debian | 6.12)
		"$project/guest/build" debian
		release=$(debian_release)
		kdir=/usr/src/linux-headers-$release
		make_args+=("$mem2mem")
		;;
	uml | sanitized)
		"$project/guest/build" "$1"
		release=$(cat "$store/$1/include/config/kernel.release")
		kdir=$store/$1
		make_args+=(ARCH=um)
		;;
	6.1)
		release=$(headers_release linux-headers-amd64)
		[[ $release = 6.1.* ]] ||
			fail "linux-headers-amd64 is for Linux $release here, not for 6.1: is this Debian 12?"
		kdir=/usr/src/linux-headers-$release
		"$project/guest/build" debian
		make_args+=("$mem2mem")
		;;
	testing)
		build_testing
		chroot=$store/testing
		release=$(basename "$(echo "$chroot"/lib/modules/*)")
		kdir=/usr/src/linux-headers-$release
		"$project/guest/build" debian
		make_args+=("$mem2mem")
		;;
	*)
		fail "there is no kernel '$1': one of debian uml sanitized 6.1 6.12 testing"
		;;
	esac
}

# headers_release METAPACKAGE: the kernel release that it stands for today.
headers_release() {
	local headers
	headers=$(dpkg-query -W -f='${Depends}' "$1" 2>/dev/null) ||
		fail "$1 is not installed: run 'make setup'"
	headers=${headers%% *}
	echo "${headers#linux-headers-}"
}

# The newest kernel is in Debian's testing suite, and moves. Its build tools
# want a newer C library than this machine's, so they come with a root of their
# own, which counts as new for a week.
build_testing() {
	locked testing build_testing_once
}

build_testing_once() {
	local root=$store/testing
	if [ -n "$(find "$root/stamp" -mtime -7 2>/dev/null)" ]; then
		return
	fi
	rm -rf "$root.new"
	if (step testing "testing: installing the headers of Debian's newest kernel" \
		debootstrap_into "$root.new" testing linux-headers-amd64 make); then
		touch "$root.new/stamp"
		rm -rf "$root"
		mv "$root.new" "$root"
	elif [ -e "$root/stamp" ]; then
		say "testing: keeping the headers of $(date -r "$root/stamp" +%F)"
	elif grep -qE 'apt-get update .*failed|Failed to fetch' "$logs/testing.log"; then
		say "testing: skipped: Debian's testing suite is out of reach"
		exit "$skipped"
	else
		exit 1
	fi
}
