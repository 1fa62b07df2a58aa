# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The guests `arm64`, `arm64-16k` (16 KiB pages) and `arm64-rt`: Debian 13's aarch64
# kernels in QEMU, over a root of their own. This machine runs none of its programs:
# packages are unpacked and no script of theirs is run.

arm64_root=$store/root-arm64
arm64_root_packages=(mawk mount "${root_packages[@]}")
# Debian's cross compiler, the kernels' own version of it, with their headers.
arm64_build=$store/build-arm64
arm64_headers=(linux-headers-arm64 linux-headers-arm64-16k linux-headers-rt-arm64)
arm64_boot_modules=(virtio_pci virtio_console 9p 9pnet_virtio overlay)

# What packages' scripts would have done: the links of alternatives that a program
# or library is found by, and who is who.
arm64_root_hook='
	root=$1
	cd "$root"
	ln -sf mawk usr/bin/awk
	for library in libblas.so.3 liblapack.so.3; do
		found=$(find usr/lib/aarch64-linux-gnu/*/ -name "$library" | head -n 1)
		[ -z "$found" ] || ln -sf "${found#usr/lib/aarch64-linux-gnu/}" "usr/lib/aarch64-linux-gnu/$library"
	done
	cp usr/share/base-passwd/passwd.master etc/passwd
	cp usr/share/base-passwd/group.master etc/group
	mkdir -p root tmp proc sys dev run
'

build_arm64() {
	local kernel=$1 guest=$store/$1 chroot release kdir
	arm64_facts "$kernel"
	build_root
	install_once root-arm64 "unpacking Debian $root_suite for aarch64 (1 GB, a few minutes)" \
		install_arm64_root "$root_suite" "${arm64_root_packages[@]}" "$arm64_root_hook"
	if ! fresh "$kernel" "$release"; then
		rm -rf "$guest" "$guest.new"
		mkdir -p "$guest.new/deb"
		step "$kernel-image" "$kernel: getting linux-image-$release" \
			arm64_download "$guest.new/deb" "linux-image-$release:arm64"
		step "$kernel-unpack" "$kernel: unpacking it" debian_unpack "$guest.new" "$release"
		mv "$guest.new" "$guest"
		finished "$kernel" "$release"
	fi
	build_initramfs "$guest" "${arm64_boot_modules[@]}"
}

# arm64_facts arm64|arm64-16k|arm64-rt: set release, kdir and chroot.
arm64_facts() {
	local headers
	install_once build-arm64 "getting Debian's cross compiler and the kernels' headers" \
		install_arm64_build "$root_suite" "${arm64_headers[@]}"
	case $1 in
	arm64) headers=linux-headers-arm64 ;;
	arm64-16k) headers=linux-headers-arm64-16k ;;
	arm64-rt) headers=linux-headers-rt-arm64 ;;
	esac
	chroot=$arm64_build
	release=$(cat "$chroot/root/$headers")
	kdir=/usr/src/linux-headers-$release
}

install_arm64_root() {
	debootstrap_into "$1" "$root_suite" "${arm64_root_packages[*]}" \
		--architectures=arm64 --variant=extract --include='?essential' \
		--extract-hook="$arm64_root_hook"
}

# The headers want a compiler of their own architecture, which is not what builds
# here; the build tools that come with them are this machine's.
# shellcheck disable=SC2016 # for the shell inside the root
install_arm64_build() {
	debootstrap_into "$1" "$root_suite" "gcc-14-aarch64-linux-gnu make perl xz-utils" \
		--architectures="$(dpkg --print-architecture),arm64" --skip=cleanup/apt/lists \
		--customize-hook='chroot "$1" sh -euc '\''
			cd /root
			depends() {
				apt-cache depends --important "$1" | sed -n "s/.*Depends: <\?\(linux-[^:>]*\).*/\1/p"
			}
			for headers in '"${arm64_headers[*]}"'; do
				package=$(depends "$headers:arm64")
				echo "${package#linux-headers-}" >"$headers"
				for part in $(depends "$package:arm64"); do
					case $part in
					linux-kbuild-*) apt-get -q -y --no-install-recommends install "$part" ;;
					linux-headers-*) apt-get -q download "$part" ;;
					esac
				done
				apt-get -q download "$package:arm64"
			done
			for deb in *.deb; do
				dpkg-deb -x "$deb" /
			done
			rm -- *.deb
		'\'
}

arm64_download() {
	chroot "$arm64_build" sh -euc 'cd /root && apt-get -q download "$1"' sh "$2" || {
		echo "if the archive has a newer kernel by now: rm -r build/guest/build-arm64"
		return 1
	}
	mv "$arm64_build"/root/*.deb "$1"
}

# Debian's emulator of single programs, which needs no library.
arm64_emulator=$store/user-arm64

install_arm64_emulator() {
	mkdir -p "$1/deb"
	arm64_download "$1/deb" qemu-user
	dpkg-deb --fsys-tarfile "$1"/deb/*.deb | tar -x -C "$1" --strip-components=3 ./usr/bin/qemu-aarch64
	rm -r "$1/deb"
}

# with_aarch64 COMMAND...: where programs for aarch64 run, by that emulator. Since Linux 6.7 a user
# namespace has a table of its own of how to start what is foreign: nobody else sees this one.
# shellcheck disable=SC2016 # for the inner shell
with_aarch64() {
	local magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
	local mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
	(
		pid=$BASHPID
		map_ids "$pid" &
		exec unshare --user --mount --pid --fork --kill-child sh -euc '
			until read -r _ </proc/self/uid_map; do sleep 0.05; done
			mount -t proc proc /proc
			mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
			printf %s "$1" >/proc/sys/fs/binfmt_misc/register
			shift
			exec "$@"
		' sh ":aarch64:M::$magic:$mask:$arm64_emulator/qemu-aarch64:F" "$@"
	)
}

# map_ids PID: to themselves, as soon as it has a user namespace of its own.
map_ids() {
	local map
	while [ "/proc/$1/ns/user" -ef /proc/self/ns/user ]; do
		sleep 0.05
	done
	for map in gid_map uid_map; do
		echo 0 0 65536 >"/proc/$1/$map"
	done
}

# Has debootstrap_into run what is for aarch64, on a machine that does already or by emulation.
debootstrap_arm64() {
	debootstrap_options=(--architectures=arm64 --skip=check/qemu)
	! chroot "$arm64_root" true 2>/dev/null || return 0
	install_once user-arm64 "getting an emulator for programs" install_arm64_emulator
	debootstrap_by=(with_aarch64)
	with_aarch64 chroot "$arm64_root" true || {
		say "skipped: no program for aarch64 runs here: that takes Linux 6.7, or Debian's qemu-user-static"
		exit "$skipped"
	}
}

# boot_arm64 RUN: become the guest, its console in RUN/console. With a pointer
# authentication that costs the emulator nothing: the real one makes it crawl.
boot_arm64() {
	local emulator
	emulated_machine aarch64 "$1"
	exec setpriv --pdeathsig KILL "${emulator[@]}" \
		-M virt -cpu max,pauth-impdef=on -accel tcg,thread=multi \
		-kernel "$store/$kernel/vmlinuz" -initrd "$store/$kernel/initramfs" \
		-append "console=ttyAMA0 loglevel=7 panic=-1 $(boot_parameters 9p "$1")"
}
