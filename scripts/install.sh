#!/bin/bash
# SPDX-License-Identifier: MIT
# Put vpipe into a system's folders, or take it out again:
#   scripts/install.sh tools DESTDIR PREFIX BUILD
#   scripts/install.sh modules DESTDIR RELEASE FOLDER
#   scripts/install.sh remove DESTDIR PREFIX RELEASE
# BUILD has bin/vpipe, and manual pages and completion in manual/ or ../manual/.
set -euo pipefail
[ $# -eq 4 ] || { echo "usage: scripts/install.sh tools|modules|remove ... ('make install' calls it)" >&2; exit 2; }

what=$1
destination=$2
here=$(dirname "$(readlink -f "$0")")/..
completions=(bash-completion/completions zsh/site-functions fish/vendor_completions.d)

fail() {
	echo "install: $*" >&2
	exit 1
}

writable() {
	mkdir -p "$1" 2>/dev/null || true
	[ -w "$1" ] || fail "$1 cannot be written to: try sudo, or another PREFIX"
}

install_tools() {
	local prefix=$destination$1 build=$2 manual=$2/manual tool
	[ -d "$manual" ] || manual=$2/../manual
	writable "$prefix/bin"
	# Not onto a program that runs.
	install -m 755 "$build/bin/vpipe" "$prefix/bin/vpipe.new"
	mv -f "$prefix/bin/vpipe.new" "$prefix/bin/vpipe"
	if [ "$(head -c 2 "$build/bin/vpipe")" = '#!' ]; then
		install -D -m 755 "$build/lib/vpipe/deno" "$prefix/lib/vpipe/deno.new"
		mv -f "$prefix/lib/vpipe/deno.new" "$prefix/lib/vpipe/deno"
		install -m 644 "$build"/lib/vpipe/{vpipe,stream_worker}.js "$prefix/lib/vpipe"
	fi
	while read -r tool; do
		ln -sf vpipe "$prefix/bin/$tool"
	done <"$manual/tools"
	install -D -m 644 -t "$prefix/share/man/man1" "$manual"/man1/*.1
	for folder in "${completions[@]}"; do
		install -D -m 644 -t "$prefix/share/$folder" "$manual/${folder%%[-/]*}"/*
	done
	mkdir -p "$prefix/lib/systemd/system"
	sed "s|/usr/local/bin|$1/bin|" "$here/daemon/decoder-daemon.service" \
		>"$prefix/lib/systemd/system/decoder-daemon.service"
	install -D -m 644 "$here/daemon/60-vpipe.rules" "$prefix/lib/udev/rules.d/60-vpipe.rules"
	install -D -m 644 "$here/daemon/vpipe.sysusers" "$prefix/lib/sysusers.d/vpipe.conf"
	if [ -z "$destination" ] && [ -d /run/systemd/system ]; then
		systemd-sysusers "$prefix/lib/sysusers.d/vpipe.conf" || true
		systemctl daemon-reload || true
		udevadm control --reload || true
		udevadm trigger --subsystem-match=misc || true
	fi
}

install_modules() {
	local folder=$destination/lib/modules/$1/updates
	writable "$folder"
	shopt -s nullglob
	install -m 644 -t "$folder" "$2"/*.ko "$2"/mem2mem/*.ko
	[ -n "$destination" ] || depmod "$1"
}

# Only what is ours: a file by another name, or a link to elsewhere, stays. What links
# to the program are its tools.
remove() {
	local prefix=$destination$1 link folder
	for link in "$prefix"/bin/*; do
		[ "$(readlink "$link")" != vpipe ] || remove_tool "$prefix" "${link##*/}"
	done
	remove_tool "$prefix" vpipe
	rm -f "$prefix/lib/systemd/system/decoder-daemon.service" \
		"$prefix/lib/udev/rules.d/60-vpipe.rules" "$prefix/lib/sysusers.d/vpipe.conf"
	rm -rf "$prefix/lib/vpipe"
	folder=$destination/lib/modules/$2/updates
	rm -f "$folder"/{vpipe,vpipe-dec,vpipe-loop,v4l2-mem2mem}.ko
	[ -n "$destination" ] || depmod "$2"
}

# remove_tool PREFIX NAME: with its manual page and completion.
remove_tool() {
	rm -f "$1/bin/$2" "$1/share/man/man1/$2.1" "$1/share/fish/vendor_completions.d/$2.fish" \
		"$1/share/bash-completion/completions/$2" "$1/share/zsh/site-functions/_$2"
}

case $what in
tools) install_tools "${@:3}" ;;
modules) install_modules "${@:3}" ;;
remove) remove "${@:3}" ;;
*) fail "usage: scripts/install.sh tools|modules|remove DESTDIR ..." ;;
esac
