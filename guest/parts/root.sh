# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The userland that all guests share: Debian 13, whose v4l2-compliance is new
# enough for the kernels here. Guests mount it read-only.

root_suite=trixie
root_packages=(
	ffmpeg
	gstreamer1.0-libav
	gstreamer1.0-plugins-bad
	gstreamer1.0-plugins-good
	gstreamer1.0-tools
	v4l-utils
	v4l2loopback-utils

	linux-perf
	strace
	trace-cmd

	busybox-static
	kmod
	linux-libc-dev
	make
	procps
	xz-utils
)

build_root() {
	locked root build_root_once
}

build_root_once() {
	local root=$store/root
	if fresh root "$root_suite" "${root_packages[@]}"; then
		return
	fi
	command -v mmdebstrap >/dev/null || fail "no mmdebstrap: run 'make setup'"
	rm -rf "$root.new"
	step root "root: installing Debian $root_suite (1 GB, a few minutes)" \
		debootstrap_into "$root.new" "$root_suite" "${root_packages[*]}"
	rm -rf "$root"
	mv "$root.new" "$root"
	finished root "$root_suite" "${root_packages[@]}"
}

# debootstrap_into FOLDER SUITE PACKAGES [MMDEBSTRAP-OPTION...]
#
# In a mount namespace of its own: an interrupted call leaves no /proc mounted
# in a folder that the next one deletes. A mirror may be a snapshot, signed but
# past its date.
debootstrap_into() {
	unshare --mount mmdebstrap --mode=root --variant=minbase --include="$3" \
		--aptopt='Acquire::Check-Valid-Until "false"' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		"${@:4}" "$2" "$1"
}
