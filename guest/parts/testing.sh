# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The newest kernel, from Debian's testing suite, which moves: its headers in a
# root of that suite, as their build tools want a newer C library than this
# machine's, with its image and its sources beside them. All three are of one day,
# and count as new for a week.

testing_root=$store/testing

build_testing() {
	locked testing build_testing_once
}

build_testing_once() {
	local root=$testing_root
	if [ -n "$(find "$root/stamp" -mtime -7 2>/dev/null)" ]; then
		return
	fi
	rm -rf "$root.new"
	if (step testing "testing: fetching Debian's newest kernel: headers, image, sources" \
		install_testing "$root.new"); then
		touch "$root.new/stamp"
		rm -rf "$root"
		mv "$root.new" "$root"
	elif [ -e "$root/stamp" ]; then
		say "testing: keeping the kernel of $(date -r "$root/stamp" +%F)"
	elif grep -qE 'apt-get update .*failed|Failed to fetch' "$logs/testing.log"; then
		say "testing: skipped: Debian's testing suite is out of reach"
		exit "$skipped"
	else
		exit 1
	fi
}

# shellcheck disable=SC2016 # for the shell inside the root
install_testing() {
	debootstrap_into "$1" testing "linux-headers-amd64 make xz-utils" \
		--customize-hook='chroot "$1" sh -euc '\''
			cd /root
			release=$(basename /lib/modules/*)
			source=$(apt-cache search --names-only "^linux-source-[0-9.]+\$" | sort -V | tail -n 1)
			parts=$(apt-cache depends --important "linux-image-$release" |
				sed -n "s/.*Depends: \(linux-.*-$release\)\$/\1/p")
			apt-get -q download "linux-image-$release" $parts "${source%% *}"
		'\'
	dpkg-deb -x "$1"/root/linux-source-*.deb "$1"
	rm "$1"/root/linux-source-*.deb
}

testing_release() {
	basename "$testing_root"/lib/modules/*
}

# The archive of the newest kernel's sources.
testing_source() {
	echo "$testing_root"/usr/src/linux-source-*.tar.xz
}
