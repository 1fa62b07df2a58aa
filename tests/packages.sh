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

guest/run --kernel uml --timeout 2400 -- tests/with_systemd.sh tests/installed.sh "${packages[@]}"
