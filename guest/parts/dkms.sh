# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A Debian 13 with DKMS, for packages to be installed in. Of amd64 with the headers of three of its
# kernels, of which the last has no video devices, and the sources of what the others leave out. Of
# arm64 with the kernel of the guest of that name, and what else packages meet where they are used.

dkms_amd64_packages=(dkms linux-headers-amd64 linux-headers-rt-amd64 linux-headers-cloud-amd64 linux-source openssl)
dkms_arm64_packages=(dkms openssl libavcodec61 libswscale8 linux-libc-dev man-db procps systemd-sysv udev)

# build_dkms amd64|arm64
build_dkms() {
	local root=root-dkms packages=("${dkms_amd64_packages[@]}") chroot release kdir
	local debootstrap_by=("${debootstrap_by[@]}") debootstrap_options=()
	if [ "$1" = arm64 ]; then
		build_kernel arm64
		arm64_facts arm64
		root=root-dkms-arm64
		packages=("${dkms_arm64_packages[@]}" "linux-headers-$release" "linux-image-$release")
		debootstrap_arm64
	fi
	install_once "$root" "installing Debian $root_suite with DKMS and kernel headers (2 GB, a few minutes)" \
		install_dkms "$root_suite" "${packages[@]}"
}

# No initramfs is made in it: what boots has a guest's.
install_dkms() {
	INITRD=No debootstrap_into "$1" "$root_suite" "${packages[*]}" "${debootstrap_options[@]}"
}
