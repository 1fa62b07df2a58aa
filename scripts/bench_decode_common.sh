# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the decoder's benches share; a script sources this after bench_common.sh.

bin=${bin:?}
streams=$(dirname "$bin")/streams
quiet=(ffmpeg -hide_banner -nostdin -y)
scratch=$(mktemp -d)

# Process groups, in the order in which they are to end; the daemon comes last.
programs=()
daemon=

end_programs() {
	local process
	for process in "${programs[@]}" $daemon; do
		kill -TERM -- "-$process" 2>/dev/null || continue
		# One that is stopped hears of it now.
		kill -CONT -- "-$process" 2>/dev/null || true
		wait "$process" 2>/dev/null || true
	done
	programs=()
	daemon=
}
trap 'end_programs; rm -rf "$scratch"' EXIT

median() {
	sort -n | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

# run OUTPUT COMMAND...: in the foreground of a run, its stdout and stderr in a file.
run() {
	local output=$1 status=0
	shift
	start "$@" >"$output" 2>&1
	programs=("$started")
	follow "$started" || status=$?
	programs=()
	end_if_stopped
	[ "$status" -eq 0 ] || die "$1 ${*: -1}: status $status: $(tail -n 1 "$output")"
}

# start_daemon LOG: returns once it serves.
start_daemon() {
	need_tool decoder-daemon
	start "$bin/decoder-daemon" 2>"$1"
	daemon=$started
	until grep -q ' serving ' "$1"; do
		end_if_stopped
		runs "$daemon" || die "$(tail -n 1 "$1")"
		sleep 0.1
	done
}

# end_daemon: in order, which has to work.
end_daemon() {
	local status=0
	kill -TERM "$daemon"
	status_of "$daemon" || status=$?
	daemon=
	[ "$status" -eq 0 ] || die "decoder-daemon: status $status"
}

# make_stream CODEC SIZE FRAMES: sets $stream to a file, made where there is none.
make_stream() {
	local encoder suffix=ivf
	case $1 in
	vp9) encoder=(libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 4M -g 120) ;;
	av1) encoder=(libsvtav1 -preset 12 -b:v 4M -g 120) ;;
	h264) encoder=(libx264 -preset veryfast -bf 3 -b:v 4M -g 120) suffix=h264 ;;
	esac
	stream=$streams/$1-$2-$3.$suffix
	[ ! -s "$stream" ] || return 0
	mkdir -p -- "$streams" || die "$streams: cannot be made"
	say "making $stream"
	run "$scratch/output" env SVT_LOG=1 "${quiet[@]}" -v error -f lavfi \
		-i "testsrc2=size=$2:rate=30,noise=alls=6:allf=t,format=yuv420p" \
		-frames:v "$3" -c:v "${encoder[@]}" "$stream.new.$suffix"
	mv "$stream.new.$suffix" "$stream"
}

[ "$(id -u)" -eq 0 ] || die "must run as root"
command -v ffmpeg >/dev/null || die "ffmpeg is missing: it makes the streams, and is compared with"
need_tool decode-file
