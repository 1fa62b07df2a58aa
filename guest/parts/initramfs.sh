# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What a guest's kernel starts from until it has its root: busybox, the script
# guest/initramfs, and the modules that the kernel lacks for it.

# build_initramfs GUEST MODULE...: GUEST/initramfs, modules from GUEST/modules.
build_initramfs() {
	local guest=$1 busybox=$store/root/usr/bin/busybox script=$project/guest/initramfs
	local part newest=
	for part in "$busybox" "$script" "$guest/stamp" "$project/guest/parts/initramfs.sh"; do
		[ ! "$part" -nt "$guest/initramfs" ] || newest=$part
	done
	[ -n "$newest" ] || return 0
	step "${guest##*/}-initramfs" "${guest##*/}: making its initramfs" pack_initramfs "$@"
}

pack_initramfs() {
	local guest=$1 tree=$1/initramfs.tree applet name number=10
	shift
	rm -rf "$tree"
	mkdir -p "$tree/bin" "$tree/modules"
	cp "$busybox" "$tree/bin/busybox"
	for applet in sh insmod mkdir mount switch_root; do
		ln -s busybox "$tree/bin/$applet"
	done
	cp "$script" "$tree/init"
	# They are loaded in the order of their names.
	for name in "$@"; do
		find "$guest/modules" -name "$name.ko.xz" -exec xz -dc {} + >"$tree/modules/$number-$name.ko"
		test -s "$tree/modules/$number-$name.ko"
		number=$((number + 1))
	done
	(cd "$tree" && find . | cpio --quiet --create --format=newc) | gzip >"$guest/initramfs.new"
	rm -r "$tree"
	mv "$guest/initramfs.new" "$guest/initramfs"
}
