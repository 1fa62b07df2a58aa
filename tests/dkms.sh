#!/bin/bash
# SPDX-License-Identifier: MIT
# vpipe-dkms in a Debian 13 that has the headers of three of its kernels: apt installs it, DKMS
# builds it for two of them and leaves out the one without video devices, a build that fails names
# its log, and apt purges it.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

[ "$(uname -m)" = x86_64 ] || { echo "dkms: skipped: its kernels are amd64's"; exit 77; }
guest/build dkms
make --no-print-directory deb
version=$(sed -n 's/^  "version": "\(.*\)",/\1/p' deno.json)
scratch=$(mktemp -d build/dkms-check.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch"/{upper,work,root}
cp "build/deb/vpipe-dkms_${version}_all.deb" "$scratch/upper/vpipe-dkms.deb"
cat >"$scratch/upper/test" <<'END'
set -euo pipefail
version=$1
export DEBIAN_FRONTEND=noninteractive
# DKMS's key stays, as others' modules are signed by it too.
everything() {
	find /etc /lib/modules /usr /var -xdev -not -path "/var/lib/dpkg/*" -not -path "/var/lib/apt/*" \
		-not -path "/var/cache/*" -not -path "/var/log/*" -not -name 'modules.*' -not -path '/var/lib/dkms/mok.*' | sort
}
fail() {
	echo "dkms: $*" >&2
	exit 1
}
kernel_of() {
	local package
	package=$(dpkg-query -W -f='${Depends}' "linux-headers-$1")
	sed 's/^linux-headers-\([^ ,]*\).*/\1/' <<<"$package"
}
# built KERNEL: its modules, of the version; v4l2-mem2mem is not in Debian's amd64 kernels.
built() {
	local module file
	for module in vpipe vpipe-dec vpipe-loop v4l2-mem2mem; do
		file=$(find "/lib/modules/$1/updates/dkms" -name "$module.ko*")
		[ -n "$file" ] || fail "no $module for $1"
		[ "$module" = v4l2-mem2mem ] || [ "$(modinfo -F version "$file")" = "$version" ] ||
			fail "$file is of another version"
		[[ $(modinfo -F vermagic "$file") = "$1 "* ]] || fail "$file is for another kernel"
		# By DKMS's own key, which Secure Boot can be told of.
		[[ $(modinfo -F signer "$file") = *DKMS* ]] || fail "$file is not signed"
	done
}

one=$(kernel_of amd64)
second=$(kernel_of rt-amd64)
without_video=$(kernel_of cloud-amd64)
everything >/tmp/before

apt-get -q -y -o Dpkg::Use-Pty=0 --no-install-recommends install /vpipe-dkms.deb
dkms status
built "$one"
built "$second"
dkms remove -m vpipe -v "$version" -k "$second"
[ -z "$(find "/lib/modules/$second" -name 'vpipe*')" ] || fail "dkms remove left modules of $second"
built "$one"

if said=$(dkms build -m vpipe -v "$version" -k "$without_video" 2>&1); then
	fail "built for $without_video, which has no video devices: $said"
fi
grep BUILD_EXCLUSIVE <<<"$said" || fail "no word of BUILD_EXCLUSIVE: $said"

# What a kernel lacks cannot be built without its sources.
mkdir /tmp/away
mv /usr/src/linux-source-*.tar.xz /tmp/away
apt-get -q -y -o Dpkg::Use-Pty=0 purge vpipe-dkms
if said=$(apt-get -q -y -o Dpkg::Use-Pty=0 --no-install-recommends install /vpipe-dkms.deb 2>&1); then
	fail "installed without linux-source: $said"
fi
log=$(sed -n 's/^vpipe-dkms: a build failed: its log is //p' <<<"$said")
[ -e "$log" ] || fail "no log is named: $said"
grep '^mem2mem: this kernel has no v4l2-mem2mem module; to build it: apt-get install linux-source-' "$log"
mv /tmp/away/* /usr/src

apt-get -q -y -o Dpkg::Use-Pty=0 purge vpipe-dkms
everything | diff /tmp/before - || fail "left behind by apt purge"
END

# shellcheck disable=SC2016 # for the inner shell
unshare --mount --pid --fork sh -euc '
	mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
	mount -t proc proc "$2/root/proc"
	mount --rbind /dev "$2/root/dev"
	exec chroot "$2/root" bash /test "$3"
' sh "$PWD/build/guest/root-dkms" "$PWD/$scratch" "$version"
