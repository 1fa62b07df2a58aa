#!/bin/bash
# SPDX-License-Identifier: MIT
# Inside a guest with systemd: apt installs packages, a stream is decoded through the unit, which
# comes back after a crash, and apt purges them. With vpipe-dkms among them the modules are those
# that DKMS builds then, frames are captured from the loopback node, and a manual page is read;
# else they are the project's own.
#
# usage: tests/with_systemd.sh tests/installed.sh PACKAGE...
set -euo pipefail

fail() {
	echo "installed: $*" >&2
	exit 1
}

tell() {
	printf '%5d s  %s\n' "$SECONDS" "$*"
}

# DKMS's key stays, as others' modules are signed by it too.
everything() {
	find /boot /etc /home /opt /root /srv /usr /var -xdev -not -path '/var/lib/dpkg/*' \
		-not -path '/var/lib/apt/*' -not -path '/var/cache/*' -not -path '/var/log/*' \
		-not -path '/var/lib/systemd/*' -not -path '/var/tmp/systemd-private-*' \
		-not -name 'modules.*' -not -path '/var/lib/dkms/mok.*' | sort
}

# from_dkms MODULE: what is loaded by this name is what DKMS built.
from_dkms() {
	[[ $(modinfo -F filename "$1") = "/lib/modules/$(uname -r)/updates/dkms/"* ]] ||
		fail "$1 is not DKMS's"
	[ "$(modinfo -F srcversion "$1")" = "$(cat "/sys/module/${1//-/_}/srcversion")" ] ||
		fail "another $1 is loaded"
}

load_decoder() {
	if [ -n "$dkms" ]; then
		modprobe vpipe-dec
		from_dkms vpipe-dec
		udevadm settle || fail "udev is not done with it"
	else
		insmod "build/kmod/$(uname -r)/vpipe-dec.ko"
		# As 60-vpipe.rules has udev do it.
		chgrp vpipe /dev/vpipe-dec
		chmod 660 /dev/vpipe-dec
	fi
	[ "$(stat -c '%U %G %a' /dev/vpipe-dec)" = "root vpipe 660" ] || fail "/dev/vpipe-dec is not the group's"
}

capture() {
	local node device writer
	node=$(grep -lx 'vpipe loopback 0' /sys/class/video4linux/*/name)
	node=${node%/name}
	device=/dev/${node##*/}
	loop-write "$device" pattern --format yuyv --size 320x240 --fps 10 &
	writer=$!
	until [ "$(cat "$node/frames")" -gt 0 ]; do
		kill -0 $writer
		sleep 0.1
	done
	capture-mmap "$device" /tmp/frames.csv 20 --fps 0 --warm-up 0 --timeout 600
	[ "$(wc -l </tmp/frames.csv)" -eq 21 ] || fail "not 20 frames"
	kill -TERM $writer
	wait $writer || [ $? -eq 143 ]
}

decodes() {
	local digest
	decode-file fixtures/streams/vp9-320x240.ivf /tmp/pictures
	read -r _ _ _ digest < <(grep "^vp9-320x240.ivf " fixtures/streams/digests.txt)
	echo "$digest  /tmp/pictures" | sha256sum --check
}

# serves OLD: a daemon of another number answers. By its unit: what runs need not have its name, where
# a launcher starts it.
serves() {
	local _
	for _ in $(seq 6000); do
		daemon=$(systemctl show --property MainPID --value decoder-daemon)
		if [ "$daemon" -gt 0 ] && [ "$daemon" != "$1" ] &&
			[ "$(cat /sys/kernel/debug/vpipe-dec/ping 2>/dev/null || echo 0)" -gt 0 ]; then
			return
		fi
		sleep 0.1
	done
	systemctl status decoder-daemon
	exit 1
}

export DEBIAN_FRONTEND=noninteractive
names=()
for package in "$@"; do
	names+=("$(dpkg-deb --field "$package" Package)")
done
dkms=
[[ " ${names[*]} " != *" vpipe-dkms "* ]] || dkms=yes
if [ -n "$dkms" ]; then
	# The guest came up with the project's own.
	rmmod vpipe-loop vpipe-dec vpipe
	# It would have the manual left out.
	rm /etc/dpkg/dpkg.cfg.d/99mmdebstrap
fi

everything >/tmp/before
cut -d: -f1 /etc/group >/tmp/groups
tell "apt install ${names[*]}"
apt-get -q -y -o Dpkg::Use-Pty=0 --no-install-recommends install "${@/#/./}"
tell "installed"
getent group vpipe
[ "$(vpipe -V)" = "$(decode-file -V | sed s/decode-file/vpipe/)" ]

if [ -n "$dkms" ]; then
	dkms status
	modprobe vpipe-loop
	from_dkms vpipe-loop
	tell "modprobe vpipe-loop"
	capture
	tell "a capture"
	man bench-fixture >/tmp/page
	grep -qx NAME /tmp/page
	tell "man bench-fixture"
	[ ! -e /sys/module/vpipe_dec ]
else
	rmmod vpipe-dec
fi

# Without the module it says so.
if systemctl start decoder-daemon 2>/tmp/said; then exit 1; fi
grep -q "Assertion failed on job for decoder-daemon.service" /tmp/said
load_decoder
systemctl start decoder-daemon
serves none
tell "the unit serves"
decodes
tell "a decode through the unit"
# A user of its own, no capability, and a filter of its calls.
[ "$(stat -c %u /proc/"$daemon")" -ge 61184 ]
grep -Ex "CapBnd:[[:space:]]0+" /proc/"$daemon"/status
grep -Ex "Seccomp:[[:space:]]2" /proc/"$daemon"/status
# After a crash there is another one.
systemctl kill --signal ABRT decoder-daemon
serves "$daemon"
decodes
tell "and after a crash"

# It stops the daemon, too, with a node of its open; and the device that is left is of no
# group whose number the next one gets.
node=$(grep -lx vpipe-dec /sys/class/video4linux/*/name)
node=${node%/name}
exec {open}<>"/dev/${node##*/}"
apt-get -q -y -o Dpkg::Use-Pty=0 purge "${names[@]}"
[ ! -e "/proc/$daemon" ] || fail "the daemon is still there"
[ "$(stat -c "%U %G %a" /dev/vpipe-dec)" = "root root 600" ]
exec {open}>&-
everything | diff /tmp/before - || fail "left behind by apt purge"
cut -d: -f1 /etc/group | diff /tmp/groups -
tell "apt purge"
