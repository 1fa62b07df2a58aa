#!/bin/bash
# SPDX-License-Identifier: MIT
# The packages of `make deb ARCH=aarch64` in a Debian 13 of that architecture, emulated: apt installs
# them, DKMS builds the modules for its kernel, and each part is used, and purged.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

make --no-print-directory deb ARCH=aarch64
version=$(sed -n 's/^  "version": "\(.*\)",/\1/p' deno.json)
guest/run --kernel arm64 --root dkms --timeout 10800 -- tests/with_systemd.sh tests/installed.sh \
	build/deb/vpipe-{dkms_"$version"_all,tools_"$version"_arm64,dev_"$version"_all}.deb
