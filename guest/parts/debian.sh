# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The guest `debian`: QEMU with a distribution's own kernel.

# What stands between that kernel and its root over virtio-9p.
debian_boot_modules=(netfs 9pnet 9p 9pnet_virtio overlay)

# The image has to match the headers that modules are built against.
debian_release() {
	headers_release linux-headers-6.12-amd64
}

build_debian() {
	local release guest=$store/debian
	release=$(debian_release)
	build_root
	if ! fresh debian "$release"; then
		rm -rf "$guest" "$guest.new"
		mkdir -p "$guest.new/deb"
		step debian-image "debian: downloading linux-image-$release" \
			debian_download "$guest.new/deb" "linux-image-$release"
		step debian-unpack "debian: unpacking it" debian_unpack "$guest.new" "$release"
		step debian-mem2mem "debian: building v4l2-mem2mem.ko, which amd64 kernels leave out" \
			debian_mem2mem "$guest.new/mem2mem" "$release"
		mv "$guest.new" "$guest"
		finished debian "$release"
	fi
	build_initramfs "$guest" "${debian_boot_modules[@]}"
}

# apt refuses nothing here, it only complains about where root downloads to.
debian_download() {
	cd "$1"
	apt-get -q download "$2" || {
		echo "if the archive has a newer kernel by now: apt-get update && apt-get install linux-headers-6.12-amd64"
		return 1
	}
}

debian_unpack() {
	dpkg-deb -x "$1"/deb/*.deb "$1/unpacked"
	mkdir -p "$1/modules/lib"
	mv "$1/unpacked/boot/vmlinuz-$2" "$1/vmlinuz"
	mv "$1/unpacked/lib/modules" "$1/modules/lib/modules"
	rm -r "$1/deb" "$1/unpacked"
	depmod -b "$1/modules" "$2"
}

# Out of tree, from the one file of the same kernel's sources. The module build
# needs its Module.symvers, the guest the module.
debian_mem2mem() {
	local modules
	"$project/scripts/mem2mem.sh" "/usr/src/linux-headers-$2" "$1"
	modules=$(dirname "$1")/modules
	install -D -m 644 -t "$modules/lib/modules/$2/updates" "$1/v4l2-mem2mem.ko"
	depmod -b "$modules" "$2"
}

# boot_debian RUN: become the guest, its console in RUN/console.
#
# Emulated unless told otherwise: there are machines whose /dev/kvm does not run
# an ordinary kernel, and the ledger's figures are those of the emulator. Without
# protection keys: a switch to or from a thread that uses them (V8's do) makes
# the emulator forget all address translations, at 60 us a switch. And without
# AVX2, which it gets wrong: dav1d, and FFmpeg with it, then decodes AV1 to pixels
# that no other machine or decoder has.
boot_debian() {
	exec setpriv --pdeathsig KILL qemu-system-x86_64 -nodefaults -no-user-config -nographic -no-reboot \
		-accel "$accelerator" -cpu max,-pku,-avx2 -smp 2 -m 2048 \
		-kernel "$store/debian/vmlinuz" -initrd "$store/debian/initramfs" \
		-append "console=ttyS0 quiet panic=-1 $(boot_parameters 9p "$1")" \
		-serial "file:$1/console" \
		-fsdev "local,id=root,path=$store/root,security_model=none,readonly=on" \
		-device virtio-9p-pci,fsdev=root,mount_tag=root \
		-fsdev "local,id=project,path=$project,security_model=none,multidevs=remap" \
		-device virtio-9p-pci,fsdev=project,mount_tag=project \
		-device virtio-serial-pci \
		-chardev "file,id=out,path=$1/out" -device virtserialport,chardev=out,name=out \
		-chardev "file,id=err,path=$1/err" -device virtserialport,chardev=err,name=err
}
