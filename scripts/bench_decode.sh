#!/bin/bash
# SPDX-License-Identifier: MIT
# Compressed frames through the stateless decoder, as root, against ffmpeg's own
# command on the same machine.
#
# usage: scripts/bench_decode.sh DIR [FRAMES [PAIRS [PART...]]]
#
# Streams of FRAMES (240) frames of 1080p are made by ffmpeg once and kept in
# build/streams. Without PART: rate two memory.
#
#   rate    frames a second of decode-file IN /dev/null and of ffmpeg -threads 1
#           -i IN -pix_fmt nv12 -f null -, alternating, PAIRS (5) times a codec;
#           of both it is the decoding alone, without the program's start
#   two     two decode-files at once against one, PAIRS times; and two ffmpegs
#           against one: what the machine had to give at that time. Takes long
#           streams: under emulation the first seconds are spent on compiling
#   memory  resident memory of decode-file and of the daemon over 10,000 (or
#           LONG_FRAMES) frames of 320x240, of the daemon over 50 short streams,
#           and mappings a stream
#
# Starts a decoder-daemon of its own, whose log is DIR/daemon.log. Writes
# DIR/rate.csv, two.csv and memory.csv. Ctrl-C and SIGTERM end the run in order.
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"
. "$scripts/bench_decode_common.sh"

arguments 1 - $#
folder=$1
frames=${2:-240}
pairs=${3:-5}
number FRAMES "$frames"
number PAIRS "$pairs"
if [ $# -gt 3 ]; then parts=("${@:4}"); else parts=(rate two memory); fi
for part in "${parts[@]}"; do
	[[ $part =~ ^(rate|two|memory)$ ]] || wrong_usage "there is no part '$part': rate two memory"
done

small=$(dirname "$scripts")/fixtures/streams/vp9-320x240.ivf
small_frames=30
long_frames=${LONG_FRAMES:-10000}
short_streams=50

# this_rate FILE, ffmpeg_rate FILE: frames a second, by what each program says.
# ffmpeg's rtime is the time from the first packet to the last frame.
this_rate() {
	sed -n 's/.*"frames_per_second":\([0-9.]*\).*/\1/p' "$1"
}

ffmpeg_rate() {
	sed -n 's/^bench: .*rtime=\([0-9.]*\)s.*/\1/p' "$1" | awk -v n="$frames" '{ print n / $1 }'
}

# command_of SIDE: sets $command to what decodes $stream.
command_of() {
	case $1 in
	this) command=("$bin/decode-file" "$stream" /dev/null --json) ;;
	ffmpeg) command=("${quiet[@]}" -v info -nostats -benchmark -threads 1 -i "$stream"
		-pix_fmt nv12 -f null -) ;;
	esac
}

# decode SIDE: sets $rate.
decode() {
	command_of "$1"
	run "$scratch/$1" "${command[@]}"
	rate=$("$1_rate" "$scratch/$1")
}

# decode_at_once SIDE COUNT: so many at once; sets $rate to the frames a second of
# all, by the clock, programs' start and all: sums of what each says count time in
# which only one of them decodes twice.
decode_at_once() {
	local i begun status=0
	command_of "$1"
	programs=()
	begun=${EPOCHREALTIME/./}
	for i in $(seq "$2"); do
		start "${command[@]}" >"$scratch/$1.$i" 2>&1
		programs+=("$started")
	done
	for i in "${programs[@]}"; do
		follow "$i" || status=$?
	done
	rate=$(awk -v n=$((frames * $2)) -v us=$((${EPOCHREALTIME/./} - begun)) 'BEGIN { print n / us * 1e6 }')
	programs=()
	end_if_stopped
	[ "$status" -eq 0 ] || die "${command[0]}: status $status"
}

rate_part() {
	local codec pair this ffmpeg
	echo "codec,pair,decode_file_fps,ffmpeg_fps" >"$folder/rate.csv"
	printf '\n%-6s %5s %18s %14s %20s\n' codec pair "decode-file, 1/s" "ffmpeg, 1/s" "decode-file/ffmpeg"
	for codec in vp9 av1 h264; do
		make_stream "$codec" 1920x1080 "$frames"
		for pair in $(seq "$pairs"); do
			decode this
			this=$rate
			decode ffmpeg
			ffmpeg=$rate
			echo "$codec,$pair,$this,$ffmpeg" >>"$folder/rate.csv"
			awk -v c="$codec" -v p="$pair" -v t="$this" -v f="$ffmpeg" 'BEGIN {
				printf "%-6s %5d %18.1f %14.1f %20.2f\n", c, p, t, f, t / f }'
		done
		awk -F, -v c="$codec" '$1 == c { print $3 / $4 }' "$folder/rate.csv" >"$scratch/ratios"
		printf '%-6s %5s %18.1f %14.1f %20.2f\n' "$codec" median \
			"$(awk -F, -v c="$codec" '$1 == c { print $3 }' "$folder/rate.csv" | median)" \
			"$(awk -F, -v c="$codec" '$1 == c { print $4 }' "$folder/rate.csv" | median)" \
			"$(median <"$scratch/ratios")"
	done
}

two_part() {
	local codec pair side row
	echo "codec,pair,decode_file_one_fps,decode_file_two_fps,ffmpeg_one_fps,ffmpeg_two_fps" \
		>"$folder/two.csv"
	printf '\n%-6s %5s %32s %32s\n' "" "" "decode-file, 1/s" "ffmpeg, 1/s"
	printf '%-6s %5s %10s %10s %10s %10s %10s %10s\n' codec pair one two two/one one two two/one
	for codec in vp9 av1 h264; do
		make_stream "$codec" 1920x1080 "$frames"
		# The daemon starts a thread for each stream more than ever before, and keeps it.
		[ "$codec" != vp9 ] || decode_at_once this 2
		for pair in $(seq "$pairs"); do
			row=$codec,$pair
			for side in this ffmpeg; do
				decode_at_once "$side" 1
				row+=,$rate
				decode_at_once "$side" 2
				row+=,$rate
			done
			echo "$row" >>"$folder/two.csv"
			awk -F, '{ printf "%-6s %5d %10.2f %10.2f %10.2f %10.2f %10.2f %10.2f\n",
				$1, $2, $3, $4, $4 / $3, $5, $6, $6 / $5 }' <<<"$row"
		done
		printf '%-6s %5s %32.2f %32.2f\n' "$codec" median \
			"$(awk -F, -v c="$codec" '$1 == c { print $4 / $3 }' "$folder/two.csv" | median)" \
			"$(awk -F, -v c="$codec" '$1 == c { print $6 / $5 }' "$folder/two.csv" | median)"
	done
}

# resident PID: sets $rss, in kB; starts no process, of which there would be many.
resident() {
	local key value
	rss=
	while read -r key value _; do
		[ "$key" != VmRSS: ] || rss=$value
	done 2>/dev/null <"/proc/$1/status"
}

# sample TOOL: a row of memory.csv each tenth of a second until it has ended.
sample() {
	local begun=${EPOCHREALTIME/./} tool pause
	exec {pause}<> <(:)
	while runs "$1"; do
		resident "$1"
		tool=$rss
		resident "$daemon"
		[ -z "$tool" ] || echo "$((${EPOCHREALTIME/./} - begun)),$tool,$rss"
		read -rt 0.1 -u "$pause" || true
	done
	exec {pause}>&-
}

# quarters COLUMN: means of memory.csv's second and last quarter, and the most
# there was, in MB. In the first one a program is still coming into its stride.
quarters() {
	awk -F, -v c="$1" 'NR > 1 { v[n++] = $c; if ($c > most) most = $c }
		END {
			quarter = int(n / 4)
			if (!quarter) exit 1
			for (i = 0; i < quarter; i++) { second += v[quarter + i]; last += v[n - 1 - i] }
			printf "%8.1f %8.1f %8.1f\n", second / quarter / 1024, last / quarter / 1024, most / 1024
		}' "$folder/memory.csv"
}

memory_part() {
	local tool i before
	stream=$streams/vp9-320x240-$long_frames.ivf
	if [ ! -s "$stream" ]; then
		run "$scratch/output" "${quiet[@]}" -v error \
			-stream_loop $((long_frames / small_frames)) -i "$small" -c copy \
			-frames:v "$long_frames" "$stream.new.ivf"
		mv "$stream.new.ivf" "$stream"
	fi
	start "$bin/decode-file" "$stream" /dev/null --json >"$scratch/this"
	tool=$started
	programs=("$tool")
	echo "time_us,decode_file_kb,daemon_kb" >"$folder/memory.csv"
	sample "$tool" >>"$folder/memory.csv"
	follow "$tool" || die "decode-file: status $?"
	programs=()
	end_if_stopped
	printf '\nresident memory over %d frames of 320x240, %.0f a second, MB\n' \
		"$(sed -n 's/.*"frames":\([0-9]*\).*/\1/p' "$scratch/this")" "$(this_rate "$scratch/this")"
	printf '%-12s %8s %8s %8s\n' "" "2nd 1/4" "last 1/4" most
	printf '%-12s %s\n' decode-file "$(quarters 2)"
	printf '%-12s %s\n' daemon "$(quarters 3)"

	stream=$small
	for i in $(seq "$short_streams"); do
		decode this
		resident "$daemon"
		[ "$i" -ne 10 ] || before=$rss
	done
	awk -v a="$before" -v b="$rss" -v n="$short_streams" 'BEGIN {
		printf "daemon after 10 more streams %.1f MB, after %d %.1f MB\n", a / 1024, n, b / 1024 }'
}

mappings() {
	sed -n 's/.* stream-over .* mappings=\([0-9]*\).*/\1/p' "$folder/daemon.log" | sort -n | uniq -c |
		awk '{ printf "%s%d mappings in %d streams", sep, $2, $1; sep = ", " } END { print "" }'
}

make_folder "$folder"
make_folder "$streams"
start_daemon "$folder/daemon.log"
echo "kernel $release, $(nproc) processors, $frames frames of 1080p a run"
for part in "${parts[@]}"; do
	"${part}_part"
done
echo
mappings
end_daemon
