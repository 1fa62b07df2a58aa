#!/bin/bash
# SPDX-License-Identifier: MIT
# The packages of `make deb`: lintian's word on them, and in a guest, which is a Debian 13 with
# systemd, apt installs those that need no compiler, a stream is decoded through the unit, which
# comes back after a crash, and apt purges them.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

command -v lintian >/dev/null || { echo "packages: skipped: there is no lintian here: 'make setup' installs it"; exit 77; }
make --no-print-directory deb
version=$(sed -n 's/^  "version": "\(.*\)",/\1/p' deno.json)
packages=(build/deb/vpipe-{tools_"$version"_"$(dpkg --print-architecture)",dev_"$version"_all}.deb)
lintian --allow-root --fail-on error "${packages[@]}" "build/deb/vpipe-dkms_${version}_all.deb"

# The same version in the sources that dkms builds of, in its configuration, and in a module.
sources=usr/src/vpipe-$version
dpkg-deb --fsys-tarfile "build/deb/vpipe-dkms_${version}_all.deb" |
	tar -xO "./$sources/dkms.conf" | grep -qx "PACKAGE_VERSION=\"$version\""
dpkg-deb --fsys-tarfile "build/deb/vpipe-dkms_${version}_all.deb" |
	tar -xO "./$sources/deno.json" | cmp - deno.json

# shellcheck disable=SC2016 # for the guest's shell
guest/run --kernel uml --timeout 2400 -- tests/with_systemd.sh bash -euc '
	everything() {
		find /boot /etc /home /opt /root /srv /usr /var -xdev -not -path "/var/lib/dpkg/*" \
			-not -path "/var/lib/apt/*" -not -path "/var/cache/*" -not -path "/var/log/*" \
			-not -path "/var/lib/systemd/*" -not -path "/var/tmp/systemd-private-*" | sort
	}
	export DEBIAN_FRONTEND=noninteractive
	everything >/tmp/before
	cut -d: -f1 /etc/group >/tmp/groups
	packages=("${@/#/./}")
	apt-get -q -y --no-install-recommends install "${packages[@]}"

	getent group vpipe
	[ "$(vpipe -V)" = "$(decode-file -V | sed s/decode-file/vpipe/)" ]
	decodes() {
		local digest
		decode-file fixtures/streams/vp9-320x240.ivf /tmp/pictures
		read -r _ _ _ digest < <(grep "^vp9-320x240.ivf " fixtures/streams/digests.txt)
		echo "$digest  /tmp/pictures" | sha256sum --check
	}
	# serves OLD: a daemon of another number answers.
	serves() {
		local _
		for _ in $(seq 6000); do
			if daemon=$(pgrep -x decoder-daemon) && [ "$daemon" != "$1" ] &&
				[ "$(cat /sys/kernel/debug/vpipe-dec/ping 2>/dev/null || echo 0)" -gt 0 ]; then
				return
			fi
			sleep 0.1
		done
		systemctl status decoder-daemon
		exit 1
	}
	# Without the module it says so.
	rmmod vpipe-dec
	if systemctl start decoder-daemon 2>/tmp/said; then exit 1; fi
	grep -q "Assertion failed on job for decoder-daemon.service" /tmp/said
	insmod "build/kmod/$(uname -r)/vpipe-dec.ko"
	# As 60-vpipe.rules has udev do it.
	chgrp vpipe /dev/vpipe-dec
	chmod 660 /dev/vpipe-dec
	systemctl start decoder-daemon
	serves none
	decodes
	# A user of its own, no capability, and a filter of its calls.
	[ "$(stat -c %u /proc/"$daemon")" -ge 61184 ]
	grep -Ex "CapBnd:[[:space:]]0+" /proc/"$daemon"/status
	grep -Ex "Seccomp:[[:space:]]2" /proc/"$daemon"/status
	# After a crash there is another one.
	systemctl kill --signal ABRT decoder-daemon
	serves "$daemon"
	decodes

	# It stops the daemon, too, with a node of its open; and the device that is left is of no
	# group whose number the next one gets.
	node=$(grep -lx vpipe-dec /sys/class/video4linux/*/name)
	node=${node%/name}
	exec {open}<>"/dev/${node##*/}"
	apt-get -q -y purge vpipe-tools vpipe-dev
	[ -z "$(pgrep -x decoder-daemon)" ]
	[ "$(stat -c "%U %G %a" /dev/vpipe-dec)" = "root root 600" ]
	exec {open}>&-
	everything | diff /tmp/before - || { echo "left behind by apt purge"; exit 1; }
	cut -d: -f1 /etc/group | diff /tmp/groups -
' bash "${packages[@]}"
