# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What a guest's kernel starts from until it has its root: busybox, the script
# guest/initramfs, and the modules that the kernel lacks for it.

# build_initramfs GUEST MODULE...: GUEST/initramfs, modules from GUEST/modules.
build_initramfs() {
	local guest=$1 busybox script=$project/guest/initramfs
	busybox=$(userland_of "${guest##*/}")/usr/bin/busybox
	local part newest=
	for part in "$busybox" "$script" "$guest/stamp" "$project"/guest/parts/{initramfs,debian,arm64}.sh; do
		[ ! "$part" -nt "$guest/initramfs" ] || newest=$part
	done
	[ -n "$newest" ] || return 0
	step "${guest##*/}-initramfs" "${guest##*/}: making its initramfs" pack_initramfs "$@"
}

pack_initramfs() {
	local guest=$1 tree=$1/initramfs.tree applet file name number=10
	shift
	rm -rf "$tree"
	mkdir -p "$tree/bin" "$tree/modules"
	cp "$busybox" "$tree/bin/busybox"
	for applet in sh insmod mkdir mount switch_root; do
		ln -s busybox "$tree/bin/$applet"
	done
	cp "$script" "$tree/init"
	# They are loaded in the order of their names.
	for file in $(modules_to_load "$guest/modules" "$@"); do
		name=$(basename "${file%.xz}")
		# Linux 6.1's are as they are, newer ones compressed.
		case $file in
		*.xz) xz -dc "$file" ;;
		*) cat "$file" ;;
		esac >"$tree/modules/$number-$name"
		number=$((number + 1))
	done
	(cd "$tree" && find . | cpio --quiet --create --format=newc) | gzip >"$guest/initramfs.new"
	rm -r "$tree"
	mv "$guest/initramfs.new" "$guest/initramfs"
}

# modules_to_load FOLDER MODULE...: their files and those they need, in order.
modules_to_load() {
	local folder=$1 name
	shift
	for name in "$@"; do
		modprobe -d "$folder" -S "$(basename "$folder"/lib/modules/*)" --show-depends "$name"
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++'
}
