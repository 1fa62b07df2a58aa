# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The loopback node: ffmpeg, v4l2-ctl and GStreamer write to it and read from it by
# each I/O method that they have. Frames are told by their digests.

loop_size=160x120
loop_bytes=$((160 * 120 * 2))
loop_frames=64
loop_count=10

# Two nodes that are one thing at a time, as programs expect of a camera.
loop_load() {
	rmmod vpipe_loop || return
	insmod "build/kmod/$(uname -r)/vpipe-loop.ko" "$@" || return
	first=$(node "vpipe loopback 0")
	second=$(node "vpipe loopback 1")
	echo "$first $second"
}

loop_digests() {
	split -b $loop_bytes --filter=md5sum "$1"
}

# Frames of which no two are the same.
loop_make_frames() {
	ffmpeg -v error -f lavfi -i "testsrc2=size=$loop_size:rate=25" -frames:v $loop_frames \
		-pix_fmt yuyv422 -f rawvideo "$scratch/loop.raw" || return
	loop_digests "$scratch/loop.raw" | sort >"$scratch/loop.md5"
	[ "$(sort -u "$scratch/loop.md5" | wc -l)" -eq $loop_frames ] || return
	echo "$loop_frames of testsrc2, all different"
}

# What was read is whole frames of those that were written, and not one over and over.
loop_compare() {
	loop_digests "$scratch/out.raw" >"$scratch/out.md5"
	[ "$(wc -l <"$scratch/out.md5")" -eq $loop_count ] || {
		echo "$(wc -l <"$scratch/out.md5") frames, not $loop_count"
		return 1
	}
	! sort "$scratch/out.md5" | comm -23 - <(sort -u "$scratch/loop.md5") | grep . || {
		echo "frames that nobody wrote"
		return 1
	}
	[ "$(sort -u "$scratch/out.md5" | wc -l)" -gt 1 ] || {
		echo "one frame $loop_count times"
		return 1
	}
	echo "$loop_count frames, each one of those written"
}

# loop_await NODE 0|1: until nobody streams to it, or somebody.
loop_await() {
	local _
	for _ in $(seq 6000); do
		! grep -qx "writer $2" "/sys/kernel/debug/vpipe-loop/${1#/dev/}/stats" || return 0
		sleep 0.1
	done
	echo "$1: not 'writer $2' within 600 s"
	return 1
}

# loop_start NODE COMMAND...: a writer in the background.
loop_start() {
	local to=$1
	shift
	"$@" >"$scratch/writer" 2>&1 &
	writer=$!
	loop_await "$to" 1 && return
	loop_end "$to"
	return 1
}

# A shell's background jobs do not hear SIGINT.
loop_end() {
	kill -TERM "$writer" 2>/dev/null
	wait "$writer"
	tail -c 400 "$scratch/writer"
	echo
	loop_await "$1" 0
}

# loop_write [FPS [BUFFERS]]: takes the place of the shell that it is started in.
loop_write() {
	exec build/bin/loop-write "$first" "$scratch/loop.raw" --format yuyv --size $loop_size \
		--fps "${1:-25}" --buffers "${2:-4}" --loop --quiet --timeout 600
}

# loop_read COMMAND...: reads the right frames into out.raw, from a writer that is there.
loop_read() {
	rm -f "$scratch/out.raw"
	timeout 600 "$@" </dev/null || return
	loop_compare
}

# loop_read_from NODE COMMAND...: COMMAND writes, v4l2-ctl reads.
loop_read_from() {
	local from=$1 status=0 writer
	shift
	loop_start "$from" "$@" || return
	loop_read v4l2-ctl -d "$from" --stream-mmap --stream-count=$loop_count \
		--stream-to="$scratch/out.raw" >"$scratch/reader" 2>&1 || status=$?
	loop_end "$from" || status=1
	tail -n 2 "$scratch/reader"
	return "$status"
}

# A gap in the sequence is a warning: frames come slowly, and so many can wait as leave the tool a few
# of the 32 buffers to create.
loop_compliance_capture() {
	local status=0 gaps=may-be
	loop_start "$first" loop_write 10 24 || return
	compliance 50 --streaming=20 -d "$first" || status=$?
	loop_end "$first" || status=1
	tail -n 1 "$scratch/compliance"
	return "$status"
}

# The tool wants no node to be both, no event of a new format from an output, and formats of
# CAPTURE before anybody writes. All else holds, and it comes to an end: the frames are time-out
# images.
loop_compliance_both() {
	v4l2-ctl -d "$first" --set-output-parm=200 --set-ctrl=timeout=1 || return
	run_compliance some_late -s -d "$first"
	v4l2-ctl -d "$first" --set-ctrl=timeout=0 || return
	! grep -aoE 'test .*: FAIL' "$scratch/compliance" | grep -vE \
		'VIDIOC_(QUERYCAP|\(UN\)SUBSCRIBE_EVENT/DQEVENT|ENUM_FMT/.*|(G|S|TRY)_FMT): FAIL' || return
	grep -a '^Total for .* Failed: 7,' "$scratch/compliance"
}

loop_gst_write() {
	loop_read_from "$first" gst-launch-1.0 -q \
		multifilesrc location="$scratch/loop.raw" loop=true ! \
		rawvideoparse format=yuy2 width="${loop_size%x*}" height="${loop_size#*x}" framerate=25/1 ! \
		v4l2sink device="$first" io-mode="$1"
}

loop_gst_read() {
	loop_read gst-launch-1.0 -q v4l2src device="$first" io-mode="$1" num-buffers=$loop_count ! \
		filesink location="$scratch/out.raw"
}

# loop_gst_relay FROM TO: the buffers of one side are the other's.
loop_gst_relay() {
	loop_read_from "$second" gst-launch-1.0 -q \
		v4l2src device="$first" io-mode="$1" ! v4l2sink device="$second" io-mode="$2"
}

loop_v4l2_ctl_write() {
	v4l2-ctl -d "$first" --set-fmt-video-out=width=160,height=120,pixelformat=YUYV || return
	loop_read_from "$first" v4l2-ctl -d "$first" --stream-out-"$1" ${2:+--export-device "$2"} \
		--stream-from="$scratch/loop.raw" --stream-loop
}

loop_v4l2_ctl_read() {
	loop_read v4l2-ctl -d "$first" --stream-"$1" ${2:+--export-device "$2"} \
		--stream-count=$loop_count --stream-to="$scratch/out.raw"
}

# Which sides the node has for a program that asks now.
loop_sides() {
	v4l2-ctl -d "$first" -D | sed -n '/Device Caps  /,$s/^\t\tVideo \([CO].*\)/\1/p' | xargs
}

# Prints what the kernel tells udev.
loop_uevents() {
	# shellcheck disable=SC2016 # for perl
	exec timeout 600 perl -e '
		my $s;
		socket($s, 16, 3, 15) && bind($s, pack("SSLL", 16, 0, 0, 1)) or die $!;
		$| = 1;
		print "listening\n";
		while (defined recv($s, my $message, 65536, 0)) { print +(split /\0/, $message)[0], "\n" }'
}

loop_await_uevents() {
	local _
	for _ in $(seq 6000); do
		[ "$(grep -c "^change@.*/${first#/dev/}$" "$scratch/uevents")" -ne "$1" ] || return 0
		sleep 0.1
	done
	cat "$scratch/uevents"
	return 1
}

# As a browser does: it looks at the node before there is a writer, and again when it
# is told of a change.
loop_browser() {
	local listener before during after
	loop_uevents >"$scratch/uevents" 2>&1 &
	listener=$!
	until grep -q listening "$scratch/uevents" || ! kill -0 "$listener"; do sleep 0.1; done
	before=$(loop_sides)
	loop_start "$first" loop_write && loop_await_uevents 1
	during=$(loop_sides)
	loop_end "$first" && loop_await_uevents 2
	after=$(loop_sides)
	kill "$listener"
	echo "$before, a writer comes: $during, it goes: $after"
	[ "$before, $during, $after" = "Output, Capture, Output" ] &&
		[ "$(grep -c "^change@.*/${first#/dev/}$" "$scratch/uevents")" -eq 2 ]
}

loop_read_checks() {
	check "loop: v4l2-ctl reads, MMAP" loop_v4l2_ctl_read mmap
	check "loop: ffmpeg reads" loop_read ffmpeg -v error -f v4l2 -i "$first" \
		-frames:v $loop_count -c copy -f rawvideo "$scratch/out.raw"
	check "loop: v4l2src, dmabuf" loop_gst_read dmabuf
	check "loop: v4l2-ctl reads, USERPTR" loop_v4l2_ctl_read user
	check "loop: v4l2-ctl reads, DMABUF of vivid" loop_v4l2_ctl_read dmabuf "$vivid"
	for io in rw mmap; do
		check "loop: v4l2src, $io" loop_gst_read $io
	done
	check "loop: v4l2src, dmabuf, to v4l2sink, dmabuf-import" loop_gst_relay dmabuf dmabuf-import
	check "loop: v4l2src, dmabuf-import, to v4l2sink, dmabuf" loop_gst_relay dmabuf-import dmabuf
	check "loop: v4l2src, userptr, to v4l2sink, mmap" loop_gst_relay userptr mmap
}

loop_write_checks() {
	check "loop: v4l2-ctl writes, DMABUF of vivid" loop_v4l2_ctl_write dmabuf "$vivid"
	check "loop: ffmpeg writes" loop_read_from "$first" ffmpeg -v error -nostdin -re \
		-stream_loop -1 -f rawvideo -pix_fmt yuyv422 -s $loop_size -r 25 -i "$scratch/loop.raw" \
		-f v4l2 "$first"
	check "loop: v4l2sink, mmap" loop_gst_write mmap
	check "loop: v4l2-ctl writes, MMAP" loop_v4l2_ctl_write mmap
	check "loop: v4l2-ctl writes, USERPTR" loop_v4l2_ctl_write user
	for io in userptr dmabuf; do
		check "loop: v4l2sink, $io" loop_gst_write $io
	done
}

loop_program_checks() {
	local io vivid writer
	vivid=$(node vivid-000-vid-out)
	check "loop: a browser's look" loop_browser
	# What lends its memory has buffers of the frames' size.
	v4l2-ctl -d "$vivid" --set-fmt-video-out=width=160,height=120,pixelformat=YUYV
	loop_write_checks
	check "loop: a writer for what follows" loop_start "$first" loop_write
	loop_read_checks
	check "loop: the writer's end" loop_end "$first"
}

# loop_checks compliance|all
loop_checks() {
	local first second
	check "loop: two exclusive nodes" loop_load devices=2 exclusive_caps=1,1 max_buffers=32
	check "loop: frames" loop_make_frames
	check "loop: v4l2-compliance -s, OUTPUT" compliance 50 -s -d "$first"
	check "loop: v4l2-compliance -s, CAPTURE" loop_compliance_capture
	if [ "$1" != compliance ]; then
		loop_program_checks
		ctl_checks
	fi
	check "loop: as it was" loop_load
	check "loop: v4l2-compliance -s, not exclusive" loop_compliance_both
}
