# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The userland that all guests share: Debian 13, whose v4l2-compliance is new
# enough for the kernels here. Guests mount it read-only. The other one has a
# desktop's programs beside it, and is built when it is asked for.

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

# The emulator: the one of this root, whatever the machine has (docs/design.md, Guests).
emulator_packages=(
	qemu-system-arm
	qemu-system-x86
)

desktop_packages=(
	chromium
	firefox-esr
	obs-studio
	gstreamer1.0-pipewire
	pipewire
	wireplumber

	dbus
	fonts-dejavu-core
	libgl1-mesa-dri
	pkexec
	polkitd
	udev
	xvfb
)

build_root() {
	install_once root "installing Debian $root_suite (1 GB, a few minutes)" install_root \
		"$root_suite" "${root_packages[@]}" "${emulator_packages[@]}"
}

build_desktop() {
	install_once root-desktop "installing Debian $root_suite's desktop programs (2 GB, some minutes)" \
		install_desktop "$root_suite" "${root_packages[@]}" "${desktop_packages[@]}"
}

install_desktop() {
	debootstrap_into "$1" "$root_suite" "${root_packages[*]} ${desktop_packages[*]}"
}

install_root() {
	debootstrap_into "$1" "$root_suite" "${root_packages[*]} ${emulator_packages[*]}"
}

# install_once NAME TITLE COMMAND INPUT...: `COMMAND FOLDER` makes a folder of the store, anew
# whenever it was finished with other inputs.
install_once() {
	locked "$1" install_unless_fresh "$@"
}

install_unless_fresh() {
	local name=$1 folder=$store/$1
	if fresh "$name" "${@:4}"; then
		return
	fi
	command -v mmdebstrap >/dev/null || fail "no mmdebstrap: run 'make setup'"
	rm -rf "$folder.new"
	step "$name" "$name: $2" "$3" "$folder.new"
	rm -rf "$folder"
	mv "$folder.new" "$folder"
	finished "$name" "${@:4}"
}

# debootstrap_into FOLDER SUITE PACKAGES [MMDEBSTRAP-OPTION...]
#
# In a mount namespace of its own: an interrupted call leaves no /proc mounted
# in a folder that the next one deletes. A mirror may be a snapshot, signed but
# past its date.
debootstrap_by=(unshare --mount)
debootstrap_into() {
	"${debootstrap_by[@]}" mmdebstrap --mode=root --variant=minbase --include="$3" \
		--aptopt='Acquire::Check-Valid-Until "false"' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		"${@:4}" "$2" "$1"
}
