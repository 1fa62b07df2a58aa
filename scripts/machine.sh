#!/bin/bash
# SPDX-License-Identifier: MIT
# What a bench ran on, as CSV on stdout: property,value.
#
# usage: scripts/machine.sh
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"

arguments 0 0 $#

# property NAME VALUE...: in one line, quoted as CSV wants it.
property() {
	local name=$1 value
	shift
	value=$(tr '\n\t' '  ' <<<"$*" | sed 's/ *$//')
	case $value in
	*[,\"]*) value=\"${value//\"/\"\"}\" ;;
	esac
	echo "$name,${value:-unknown}"
}

first() {
	cat "$@" 2>/dev/null | head -n 1 || true
}

cpu_model() {
	local name
	name=$(sed -n 's/^\(model name\|Model\|Hardware\)[[:space:]]*: //p' /proc/cpuinfo | head -n 1)
	# aarch64 has numbers there, and a name in the device tree where there is one.
	[ -n "$name" ] || name=$(first /proc/device-tree/model | tr -d '\0')
	[ -n "$name" ] || name=$(sed -n 's/^CPU \(implementer\|part\)[[:space:]]*: /\1 /p' /proc/cpuinfo |
		head -n 2 | tr '\n' ' ')
	echo "$name"
}

# What the firmware and the processor say of whoever emulates them.
emulation() {
	local vendor
	vendor=$(first /sys/class/dmi/id/sys_vendor)
	if grep -q '^vendor_id.*User Mode Linux' /proc/cpuinfo; then
		echo "user-mode Linux on$(sed -n 's/^host[[:space:]]*://p' /proc/cpuinfo)"
	elif grep -q 'TCG' /proc/cpuinfo; then
		echo "$vendor, emulated (TCG)"
	elif grep -qw hypervisor /proc/cpuinfo; then
		echo "virtual: ${vendor:-unknown}"
	elif [ "$vendor" = QEMU ] || grep -qs linux,dummy-virt /proc/device-tree/compatible; then
		echo "virtual or emulated: QEMU"
	else
		echo "none visible"
	fi
}

preemption() {
	if [ "$(first /sys/kernel/realtime)" = 1 ]; then
		echo "full (PREEMPT_RT)"
	elif [ -r /sys/kernel/debug/sched/preempt ]; then
		sed 's/.*(\(.*\)).*/\1 (chosen at boot)/' /sys/kernel/debug/sched/preempt
	else
		uname -v | grep -Eo 'PREEMPT[A-Z_]*' || echo "none (not in the version)"
	fi
}

vpipe_build() {
	local version
	version=$(first /sys/module/vpipe/srcversion)
	if [ -n "$version" ]; then
		echo "srcversion $version"
	elif [ -r "$module" ]; then
		echo "sha256 $(sha256sum "$module" | cut -c 1-16)"
	fi
}

crc() {
	{ dmesg 2>/dev/null || true; } | sed -n 's/.*vpipe: CRC-32 by \(.*\)/\1/p' | tail -n 1
}

perf_version() {
	if command -v perf >/dev/null; then
		perf --version 2>/dev/null | sed 's/^perf version //' || echo "does not start"
	else
		echo "not installed"
	fi
}

# Should V4L2 ever get fences, the figures of DMABUF mean something else.
fences() {
	local header found
	for header in "/lib/modules/$release/build/include/uapi/linux/videodev2.h" \
		"/usr/src/linux-headers-${release%-*}-common/include/uapi/linux/videodev2.h" \
		/usr/include/linux/videodev2.h; do
		[ -r "$header" ] || continue
		found=$(grep -Eo 'V4L2_BUF_FLAG_(IN|OUT)_FENCE|fence_fd' "$header" | sort -u)
		echo "${found:-none in videodev2.h}"
		return
	done
	echo "header not found"
}

echo property,value
property kernel "$release"
property machine "$(uname -m)"
property page_size "$(getconf PAGESIZE)"
property kernel_version "$(first /proc/version)"
property cpus "$(grep -c '^processor' /proc/cpuinfo)"
property cpu_model "$(cpu_model)"
property clocksource "$(first /sys/devices/system/clocksource/clocksource0/current_clocksource)"
property emulation "$(emulation)"
property memory "$(awk '/^MemTotal:/ { printf "%.0f MiB", $2 / 1024 }' /proc/meminfo)"
property preemption "$(preemption)"
property vpipe "$(vpipe_build)"
property crc "$(crc)"
property perf "$(perf_version)"
property date "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
property v4l2_fences "$(fences)"
