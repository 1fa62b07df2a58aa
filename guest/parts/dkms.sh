# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A Debian 13 with DKMS and three of its kernels, of which the last has no video devices, their
# headers, and the sources of what the others leave out.

dkms_packages=(dkms linux-headers-amd64 linux-headers-rt-amd64 linux-headers-cloud-amd64 linux-source openssl)

build_dkms() {
	install_once root-dkms "installing Debian $root_suite with DKMS and kernel headers (2 GB, a few minutes)" \
		install_dkms "$root_suite" "${dkms_packages[@]}"
}

# Nothing boots in it.
install_dkms() {
	INITRD=No debootstrap_into "$1" "$root_suite" "${dkms_packages[*]}"
}
