#!/bin/bash
# SPDX-License-Identifier: MIT
# Inside a guest: send a fixture and a short camera capture through the kernel, and
# say where each frame's time went, in words and as a page.
#
# usage: scripts/demo.sh FOLDER
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"

arguments 1 1 $#
folder=$1
cd "$(dirname "$scripts")"

frames=300
filter=$(node vpipe)
camera=$(node 'vivid-000-vid-cap')
make_folder "$folder"
"$scripts/machine.sh" >"$folder/machine.csv"

echo "Kernel $release, filter $filter, camera $camera"
echo
echo "1. One VGA image: file -> dma-heap -> (DMABUF) filter -> file, against the same in a program"
cp fixtures/noise-vga.pgm "$folder/noise.input.pgm"
# What the one frame took says nothing: the program had only begun.
"$bin/fixture-feed" --quiet "$filter" "$heap" "$folder/noise.input.pgm" "$folder/noise.kernel.pgm"
"$bin/cv-ref" "$folder/noise.input.pgm" "$folder/noise.reference.pgm"
"$bin/pgm-diff" --exit-code "$folder/noise.reference.pgm" "$folder/noise.kernel.pgm" "$folder/noise.diff.pgm"
echo
echo "2. The same image $frames times, with the kernel's own account of each frame"
# Until its code is compiled, a program's frames take longer than they will.
TOOL_OPTIONS="--warm-up 1000" "$scripts/bench_fixture.sh" "$filter" "$heap" fixtures/noise-vga.pgm \
	"$folder/fixture-threshold" "$frames" threshold
echo
echo "3. The camera, 30 frames a second asked for"
"$scripts/bench_capture.sh" 60 "$camera" "$folder" mmap
echo
echo "Where each microsecond went:"
"$bin/bench-report" "$folder"
echo
echo "The page has charts of it and opens offline; the images lie beside it as PGM."
