#!/bin/bash
# SPDX-License-Identifier: MIT
# The packages of `make deb`: lintian's word on them, and in a guest, which is a Debian 13, apt
# installs those that need no compiler, a stream is decoded by what they brought, and apt purges them.
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
guest/run --kernel uml -- bash -euc '
	everything() {
		find /boot /etc /home /opt /root /srv /usr /var -xdev -not -path "/var/lib/dpkg/*" \
			-not -path "/var/lib/apt/*" -not -path "/var/cache/*" -not -path "/var/log/*" | sort
	}
	export DEBIAN_FRONTEND=noninteractive
	everything >/tmp/before
	cut -d: -f1 /etc/group >/tmp/groups
	packages=("${@/#/./}")
	apt-get -q -y --no-install-recommends install "${packages[@]}"

	getent group vpipe
	[ "$(vpipe -V)" = "$(decode-file -V | sed s/decode-file/vpipe/)" ]
	decoder-daemon 2>/tmp/log &
	until grep " serving " /tmp/log; do
		kill -0 $! || { cat /tmp/log; exit 1; }
		sleep 0.1
	done
	decode-file fixtures/streams/vp9-320x240.ivf /tmp/pictures
	kill $!
	wait $!
	read -r _ _ _ digest < <(grep "^vp9-320x240.ivf " fixtures/streams/digests.txt)
	echo "$digest  /tmp/pictures" | sha256sum --check

	apt-get -q -y purge vpipe-tools vpipe-dev
	everything | diff /tmp/before - || { echo "left behind by apt purge"; exit 1; }
	cut -d: -f1 /etc/group | diff /tmp/groups -
' bash "${packages[@]}"
