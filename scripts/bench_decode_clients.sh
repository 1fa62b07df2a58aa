#!/bin/bash
# SPDX-License-Identifier: MIT
# Whether a client that stands still costs the others anything, as root: seven clients of
# the decoder beside an eighth that is stopped (SIGSTOP) in mid-stream, against the same
# seven, still running, without it.
#
# usage: scripts/bench_decode_clients.sh DIR [SECONDS [PAIRS]]
#
# Seven decode-files, of both nodes and seven codecs, decode streams of 1280x720 that last
# the whole run. In each of PAIRS (6) the eighth is started, stopped when it has decoded
# some frames, looked at for SECONDS (10), and ended; and the seven are looked at for as
# long without it. Which comes first changes from pair to pair, and so does whether the
# eighth is a client of the stateless node or of the stateful one. Frames are counted by
# the module (debugfs stats), stream by stream.
#
# At the end every picture of every client is compared with what ffmpeg decodes: the
# CRC-32 of each. LONG_FRAMES (15000) is how long a stream is.
#
# Writes DIR/clients.csv and DIR/daemon.log.
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"
. "$scripts/bench_decode_common.sh"

arguments 1 3 $#
folder=$1
seconds=${2:-10}
pairs=${3:-6}
long_frames=${LONG_FRAMES:-15000}
number SECONDS "$seconds"
number PAIRS "$pairs"
number LONG_FRAMES "$long_frames"
seven=(stateless-vp9 stateless-av1 stateless-h264 stateful-hevc stateful-vp8 stateful-mpeg2 stateful-mpeg4)
eighth=(stateless-h264 stateful-h264)
size=1280x720
short_frames=60
stats=/sys/kernel/debug/vpipe-dec/stats
digests=$folder/digests

# long_stream CODEC: sets $stream to a short one, again and again.
long_stream() {
	local short again=$((long_frames / short_frames))
	make_stream "$1" "$size" "$short_frames" 500k
	short=$stream
	stream=${short/-$short_frames-/-$((again * short_frames))-}
	[ ! -s "$stream" ] || return 0
	case $stream in
	*.ivf) run "$scratch/output" "${quiet[@]}" -v error -stream_loop $((again - 1)) -i "$short" \
		-c copy -f ivf "$stream.new" ;;
	# An elementary stream goes on with the next headers.
	*) seq "$again" | while read -r _; do cat "$short"; done >"$stream.new" ;;
	esac
	mv "$stream.new" "$stream"
}

# start_client NODE-CODEC NAME: sets $client; its checksums are $digests/NAME.NODE-CODEC.
start_client() {
	long_stream "${1#*-}"
	find_device "${1%-*}"
	start "$bin/decode-file" "$stream" /dev/null --device "$device" --digest "$digests/$2.$1" \
		>"$scratch/$2.log" 2>&1
	client=$started
	programs+=("$client")
}

# end_client PID NAME: in order.
end_client() {
	local status=0
	kill -CONT -- "-$1"
	kill -INT -- "-$1"
	status_of "$1" || status=$?
	[ "$status" -ne 0 ] || die "$2 is at its end already: take a larger LONG_FRAMES than $long_frames"
	[ "$status" -eq 130 ] || die "$2: status $status: $(tail -n 1 "$scratch/$2.log")"
	mapfile -t programs < <(printf '%s\n' "${programs[@]}" | grep -vx "$1")
}

# counts: "stream frames" of each open stream, in the order of their beginning.
counts() {
	sed -n 's/^stream \([0-9]*\) .* open frames \([0-9]*\) .*/\1 \2/p' "$stats" | sort -n
}

# until_frames STREAMS FRAMES: so many streams have decoded so many frames each.
until_frames() {
	local program
	until [ "$(counts | awk -v n="$2" '$2 >= n' | wc -l)" -ge "$1" ]; do
		end_if_stopped
		for program in "${programs[@]}"; do
			runs "$program" || die "a client ended: $(tail -qn 1 "$scratch"/*.log)"
		done
		sleep 0.2
	done
}

# look PAIR SIDE: rows of clients.csv, of $seconds.
look() {
	local begun
	sleep 1
	counts >"$scratch/from"
	begun=${EPOCHREALTIME/./}
	sleep "$seconds"
	end_if_stopped
	counts >"$scratch/to"
	join "$scratch/from" "$scratch/to" | head -n ${#seven[@]} |
		awk -v pair="$1" -v side="$2" -v us=$((${EPOCHREALTIME/./} - begun)) -v names="${seven[*]}" '
			BEGIN { split(names, name, " ") }
			{ printf "%d,%s,%s,%d,%.6f\n", pair, side, name[NR], $3 - $2, us / 1e6 }' \
			>>"$folder/clients.csv"
}

look_beside() {
	local kind=${eighth[$(($1 % ${#eighth[@]}))]} name=paused$1
	start_client "$kind" "$name"
	until_frames $((${#seven[@]} + 1)) 10
	kill -STOP -- "-$client"
	look "$1" paused
	end_client "$client" "$name"
}

# expect_exact FILE: each picture's checksum as ffmpeg's.
expect_exact() {
	local pictures
	pictures=$(wc -l <"$1")
	[ "$pictures" -gt 0 ] || die "$1: no picture"
	long_stream "${1##*-}"
	run "$scratch/hashes" "${quiet[@]}" -v error -i "$stream" -fps_mode passthrough -noautoscale \
		-frames:v "$pictures" -pix_fmt nv12 -f framehash -hash crc32 -
	sed '/^#/d; s/.*, *//' "$scratch/hashes" | awk '{ print NR - 1, $1 }' | cmp -s - "$1" ||
		die "$1: not all of its $pictures pictures are ffmpeg's"
	exact=$((exact + pictures))
}

make_folder "$digests"
rm -f "$digests"/*
echo "pair,side,client,frames,seconds" >"$folder/clients.csv"
for kind in "${seven[@]}" "${eighth[@]}"; do
	long_stream "${kind#*-}"
done
start_daemon "$folder/daemon.log"
echo "kernel $release, $(nproc) processors, 7 clients, $pairs times $seconds s a side"
for i in "${!seven[@]}"; do
	start_client "${seven[i]}" "client$i"
	# So that the streams are numbered in this order.
	until_frames $((i + 1)) 1
done
until_frames ${#seven[@]} 50
for pair in $(seq "$pairs"); do
	[ $((pair % 2)) -eq 0 ] || look_beside "$pair"
	look "$pair" alone
	[ $((pair % 2)) -ne 0 ] || look_beside "$pair"
	awk -F, -v pair="$pair" '$1 == pair { frames[$2] += $4; seconds[$2] = $5 }
		END { a = frames["paused"] / seconds["paused"]; b = frames["alone"] / seconds["alone"]
			printf "pair %d: %.1f frames a second beside it, %.1f without, ratio %.3f\n", pair, a, b, a / b
			print a / b >>"'"$scratch/ratios"'" }' "$folder/clients.csv"
done
for i in "${!seven[@]}"; do
	end_client "${programs[0]}" "client$i"
done
end_daemon
echo "median ratio $(median <"$scratch/ratios")"
awk -F, 'NR > 1 { frames[$3, $2] += $4; seconds[$3, $2] += $5; names[$3] }
	END { for (name in names) { a = frames[name, "paused"] / seconds[name, "paused"]
		b = frames[name, "alone"] / seconds[name, "alone"]
		printf "%-16s %8.1f a second beside it, %8.1f without, ratio %.3f\n", name, a, b, a / b } }' \
	"$folder/clients.csv" | sort

exact=0
for file in "$digests"/*; do
	expect_exact "$file"
done
echo "$exact pictures of $(find "$digests" -type f | wc -l) streams: each as ffmpeg's"
