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
	end_groups "${programs[@]}" "$daemon"
	programs=()
	daemon=
}
trap 'end_programs; rm -rf "$scratch"; remove_empty_folders' EXIT

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

# make_stream CODEC SIZE FRAMES [RATE]: sets $stream to a file, made where there is none.
make_stream() {
	local encoder suffix
	case $1 in
	vp9) encoder=(libvpx-vp9 -deadline realtime -cpu-used 8 -f ivf) suffix=ivf ;;
	av1) encoder=(libsvtav1 -preset 12 -f ivf) suffix=ivf ;;
	h264) encoder=(libx264 -preset veryfast -bf 3 -f h264) suffix=h264 ;;
	hevc) encoder=(libx265 -preset ultrafast -bf 3 -x265-params log-level=none -f hevc) suffix=hevc ;;
	vp8) encoder=(libvpx -deadline realtime -cpu-used 8 -f ivf) suffix=ivf ;;
	mpeg1) encoder=(mpeg1video -bf 2 -f mpeg1video) suffix=m1v ;;
	mpeg2) encoder=(mpeg2video -bf 2 -f mpeg2video) suffix=m2v ;;
	mpeg4) encoder=(mpeg4 -bf 2 -f m4v) suffix=m4v ;;
	esac
	local rate=${4:-4M}
	stream=$streams/$1-$2-$3${4:+-$4}.$suffix
	[ ! -s "$stream" ] || return 0
	make_folder "$streams"
	say "making $stream"
	run "$scratch/output" env SVT_LOG=1 "${quiet[@]}" -v error -f lavfi \
		-i "testsrc2=size=$2:rate=30,noise=alls=6:allf=t,format=yuv420p" \
		-frames:v "$3" -b:v "$rate" -g 120 -c:v "${encoder[@]}" "$stream.new"
	mv "$stream.new" "$stream"
}

# shellcheck disable=SC2034 # for the script that sources this
# find_device KIND: sets $device to the node of the stateless or stateful decoder.
find_device() {
	case $1 in
	stateless) device=$(node vpipe-dec) ;;
	stateful) device=$(node vpipe-dec-stateful) ;;
	esac
}

[ "$(id -u)" -eq 0 ] || die "must run as root"
command -v ffmpeg >/dev/null || die "ffmpeg is missing: it makes the streams, and is compared with"
need_tool decode-file
