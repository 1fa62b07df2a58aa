# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The guests `debian-RELEASE`: QEMU with a distribution's own kernel, of 6.1, 6.12
# and `testing`, all over the same root.

# What stands between that kernel and its root over virtio-9p.
debian_boot_modules=(virtio_pci virtio_console 9p 9pnet_virtio overlay)

build_debian() {
	local kernel=$1 guest=$store/$1 chroot release kdir
	debian_facts "${kernel#debian-}"
	build_root
	if ! fresh "$kernel" "$release"; then
		rm -rf "$guest" "$guest.new"
		mkdir -p "$guest.new/deb"
		step "$kernel-image" "$kernel: getting linux-image-$release" \
			debian_download "$guest.new/deb" "linux-image-$release"
		step "$kernel-unpack" "$kernel: unpacking it" debian_unpack "$guest.new" "$release"
		step "$kernel-mem2mem" "$kernel: building v4l2-mem2mem.ko, which amd64 kernels leave out" \
			debian_mem2mem "$guest.new/mem2mem" "$release" "$kdir"
		if [ "$kernel" = debian-testing ]; then
			unpack_source
			step "$kernel-vkms" "$kernel: building vkms.ko, a screen without hardware, which Debian leaves out" \
				debian_vkms "$guest.new/vkms" "$release" "$kdir"
		fi
		mv "$guest.new" "$guest"
		finished "$kernel" "$release"
	fi
	build_initramfs "$guest" "${debian_boot_modules[@]}"
}

# debian_facts 6.1|6.12|testing: set release, kdir, and chroot (a root to build
# modules in, or empty). The image has to match the headers.
debian_facts() {
	chroot=
	case $1 in
	6.1)
		release=$(headers_release linux-headers-amd64)
		[[ $release = 6.1.* ]] ||
			fail "linux-headers-amd64 is for Linux $release here, not for 6.1: is this Debian 12?"
		;;
	6.12) release=$(headers_release linux-headers-6.12-amd64) ;;
	testing)
		build_testing
		chroot=$testing_root
		release=$(testing_release)
		;;
	esac
	kdir=/usr/src/linux-headers-$release
}

# headers_release METAPACKAGE: the kernel release that it stands for today.
headers_release() {
	local headers
	headers=$(dpkg-query -W -f='${Depends}' "$1" 2>/dev/null) ||
		fail "$1 is not installed: run 'make setup'"
	headers=${headers%% *}
	echo "${headers#linux-headers-}"
}

# apt refuses nothing here, it only complains about where root downloads to.
debian_download() {
	if [ -n "$chroot" ]; then
		cp "$chroot"/root/*.deb "$1"
		return
	fi
	cd "$1"
	apt-get -q download "$2" || {
		echo "if the archive has a newer kernel by now: apt-get update && make setup"
		return 1
	}
}

# Newer kernels are several packages, and have their files below usr/.
debian_unpack() {
	local package
	for package in "$1"/deb/*.deb; do
		dpkg-deb -x "$package" "$1/unpacked"
	done
	mkdir -p "$1/modules/lib"
	mv "$(find "$1/unpacked" -name 'vmlinuz*' -type f)" "$1/vmlinuz"
	mv "$(find "$1/unpacked" -type d -path '*lib/modules')" "$1/modules/lib/modules"
	rm -r "$1/deb" "$1/unpacked"
	depmod -b "$1/modules" "$2"
}

# Out of tree, from the one file of the same kernel's sources. The module build
# needs its Module.symvers, the guest the module.
debian_mem2mem() {
	in_place "$project/scripts/mem2mem.sh" "$3" "$1"
	debian_add "$1/v4l2-mem2mem.ko" "$2"
}

debian_vkms() {
	cp -r "$linux_source/drivers/gpu/drm/vkms" "$1"
	in_place make -C "$3" M="$1" MO="$1" CONFIG_DRM_VKMS=m modules
	debian_add "$1/vkms.ko" "$2"
}

# debian_add MODULE RELEASE: to the modules beside the folder that it was built in.
debian_add() {
	local modules
	modules=$(dirname "$1")/../modules
	install -D -m 644 -t "$modules/lib/modules/$2/updates" "$1"
	depmod -b "$modules" "$2"
}

# in_place COMMAND...: in $chroot, if one is needed, with the project in it.
in_place() {
	if [ -z "$chroot" ]; then
		"$@"
		return
	fi
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount sh -euc '
		mkdir -p "$1$2"
		mount --bind "$2" "$1$2"
		mount -t proc none "$1/proc"
		root=$1
		shift 2
		exec chroot "$root" "$@"
	' sh "$chroot" "$project" "$@"
}

# boot_emulated RUN: become the guest, its console in RUN/console.
#
# Emulated unless told otherwise: there are machines whose /dev/kvm does not run
# an ordinary kernel, and the ledger's figures are those of the emulator. Without
# protection keys: a switch to or from a thread that uses them (V8's do) makes
# the emulator forget all address translations, at 60 us a switch.
boot_emulated() {
	local emulator
	emulated_machine x86_64 "$1"
	exec setpriv --pdeathsig KILL "${emulator[@]}" \
		-accel "$accelerator" -cpu max,-pku \
		-kernel "$store/$kernel/vmlinuz" -initrd "$store/$kernel/initramfs" \
		-append "console=ttyS0 loglevel=7 panic=-1 $(boot_parameters 9p "$1")"
}

# emulated_machine ARCHITECTURE RUN: set emulator: the program out of the root, by the root's
# own C library, and what every emulated guest has.
emulated_machine() {
	local root=$store/root run=$2
	emulator=("$root"/lib*/ld-linux-*.so.* --library-path "$root/usr/lib/$(uname -m)-linux-gnu"
		"$root/usr/bin/qemu-system-$1" -L "$root/usr/share/qemu" -L "$root/usr/share/seabios"
		-nodefaults -no-user-config -nographic -no-reboot -smp "$cpus" -m "${memory}G"
		-serial "file:$run/console"
		-fsdev "local,id=root,path=$userland,security_model=none,readonly=on"
		-device virtio-9p-pci,fsdev=root,mount_tag=root
		-fsdev "local,id=project,path=$project,security_model=none,multidevs=remap"
		-device virtio-9p-pci,fsdev=project,mount_tag=project
		-device virtio-serial-pci
		-chardev "file,id=out,path=$run/out" -device virtserialport,chardev=out,name=out
		-chardev "file,id=err,path=$run/err" -device virtserialport,chardev=err,name=err)
}
