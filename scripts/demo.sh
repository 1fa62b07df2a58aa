#!/bin/bash
# SPDX-License-Identifier: MIT
# Inside a guest: send a fixture and a short camera capture through the kernel,
# and say what each frame cost. usage: scripts/demo.sh FOLDER
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."

folder=$1
bin=build/bin
frames=100
warm_up=400
mkdir -p "$folder"

node() {
	for name in /sys/class/video4linux/video*/name; do
		if grep -qx -- "$1" "$name"; then
			echo "/dev/$(basename "$(dirname "$name")")"
			return
		fi
	done
	echo "demo: no video node '$1'" >&2
	return 1
}

filter=$(node vpipe)
camera=$(node 'vivid-000-vid-cap')
heap=/dev/dma_heap/system
[ -e $heap ] || heap=/dev/udmabuf

echo "Kernel $(uname -r), filter $filter, camera $camera"
echo
echo "1. One VGA image: file -> dma-heap -> (DMABUF) filter -> file"
cp fixtures/noise-vga.pgm "$folder/noise.input.pgm"
# What the one frame took says nothing: the program had only begun.
$bin/fixture-feed --quiet "$filter" "$heap" "$folder/noise.input.pgm" "$folder/noise.kernel.pgm"
$bin/cv-ref "$folder/noise.input.pgm" "$folder/noise.reference.pgm"
$bin/pgm-diff --exit-code "$folder/noise.reference.pgm" "$folder/noise.kernel.pgm" "$folder/noise.diff.pgm"
echo
echo "2. The same image $frames times, with the kernel's own account of each frame"
exec {ready}< <(exec $bin/meta-drain /dev/vpipe-meta "$folder/fixture.meta.csv" $((warm_up + frames)) --stages --ready)
drain=$!
read -r -u "$ready" _
$bin/bench-fixture "$filter" "$heap" fixtures/noise-vga.pgm "$folder/fixture.csv" "$frames" threshold --warm-up "$warm_up"
cat <&"$ready"
wait "$drain"
echo
echo "3. The camera, 30 frames a second asked for"
$bin/capture-mmap "$camera" "$folder/camera.csv" 60 --size 640x480 --format grey --fps 30
echo
echo "What was recorded is in $folder/: one CSV row a frame, and the images as PGM."
