#!/bin/bash
# SPDX-License-Identifier: MIT
# Inside a guest: the programs in examples/, each with a device of its kind.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/.." || exit

. tests/interop/common.sh
. tests/interop/decoder.sh

# prepare NAME ARGUMENT...: what runs an example, in command.
prepare() {
	local name=$1 imports=()
	shift
	if [ "$(cat build/toolchain/network)" = closed ]; then
		imports=(--import-map toolchain/offline/import_map.json)
	fi
	command=(timeout --kill-after=2 600 toolchain/deno run --no-check "${imports[@]}"
		--allow-ffi --allow-read --allow-write "examples/$name.ts" "$@")
}

example() {
	local command
	prepare "$@"
	"${command[@]}" </dev/null
}

list_cameras() {
	example list_cameras | tee "$scratch/cameras" || return
	grep -q "^$vivid: vivid" "$scratch/cameras" && grep -q 'YUYV' "$scratch/cameras" &&
		grep -q '640 x 360:.* 30 ' "$scratch/cameras" && echo "$vivid with its sizes and intervals"
}

capture_pgm() {
	example capture_pgm "$vivid" "$scratch/picture.pgm" || return
	local size
	size=$(head -n 2 "$scratch/picture.pgm" | tail -n 1)
	# More than one shade, and every pixel of its header's size.
	[ "$(stat -c %s "$scratch/picture.pgm")" -eq $((${size% *} * ${size#* } + ${#size} + 8)) ] &&
		[ "$(tail -n +4 "$scratch/picture.pgm" | od -An -v -tu1 -w1 | sort -u | wc -l)" -gt 4 ] &&
		echo "a picture of $size pixels"
}

virtual_camera() {
	local command writer
	prepare virtual_camera "$loop"
	"${command[@]}" </dev/null &
	writer=$!
	until v4l2-ctl -d "$loop" --all | grep -q 'Pixel Format *: .GREY.'; do
		kill -0 $writer || return
		sleep 0.1
	done
	build/bin/capture-mmap "$loop" "$scratch/frames.csv" 20 --fps 0 --warm-up 0 --timeout 600 || return
	kill -TERM $writer
	wait $writer
	[ $? -eq $((128 + 15)) ] || return
	[ "$(wc -l <"$scratch/frames.csv")" -eq 21 ] || return
	# With a number of frames it ends by itself.
	example virtual_camera "$loop" 3 && echo "20 of its frames by capture-mmap, 3 for nobody"
}

decode() {
	local digest
	example decode "$stateful" $streams/vp9-322x182.ivf "$scratch/film.raw" || return
	digest=$(sha256sum <"$scratch/film.raw")
	grep -F "vp9-322x182.ivf " $streams/digests.txt | grep -Fq -- "${digest%% *}" &&
		echo "vp9-322x182.ivf: SHA-256 as in digests.txt"
}

vivid=$(node vivid-000-vid-cap)
loop=$(node "vpipe loopback 0")
stateful=$(node vpipe-dec-stateful)
check "list_cameras" list_cameras
check "capture_pgm" capture_pgm
check "virtual_camera" virtual_camera
check "decoder-daemon" start_daemon
check "decode" decode
kill -TERM "$daemon"
check "decoder-daemon's end" wait "$daemon"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
