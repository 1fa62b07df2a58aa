# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Both nodes of the decoder: v4l2-compliance, v4l2-ctl, ffmpeg and GStreamer decode with
# them, each byte compared with what FFmpeg's own decoders make of the same file.

streams=fixtures/streams

# What one is told to do is done in order: the daemon serves, is used, and ends.
start_daemon() {
	local _
	build/bin/decoder-daemon 2>"$scratch/daemon.log" &
	daemon=$!
	for _ in $(seq 6000); do
		! grep -q ' serving ' "$scratch/daemon.log" || break
		sleep 0.1
	done
	tail -n 1 "$scratch/daemon.log"
	grep -q ' serving ' "$scratch/daemon.log"
}

# The streams of v4l2-compliance are no video: each frame of them is answered.
end_daemon() {
	kill -TERM "$daemon"
	wait "$daemon" || return
	cat "$scratch/daemon.log"
	grep -qE ' stream-over .* corrupt=[1-9]' "$scratch/daemon.log" || return
	! grep -E ' (warning|error) ' "$scratch/daemon.log" || return
	echo "$(grep -c ' stream-over ' "$scratch/daemon.log") streams served, no warning, status 0"
}

dec_ffmpeg() {
	timeout --kill-after=2 600 ffmpeg -hide_banner -v warning -nostdin -y "$@" </dev/null
}

# What the programs are given besides the fixtures: files that are not made of start codes.
dec_make_files() {
	local source=(-f lavfi -i "testsrc2=size=322x182:rate=25,format=yuv420p" -frames:v 20)
	dec_ffmpeg "${source[@]}" -c:v libx264 -preset fast -bf 3 "$scratch/h264.mp4" || return
	dec_ffmpeg "${source[@]}" -c:v libx264 -preset fast -bf 3 "$scratch/h264.mkv" || return
	dec_ffmpeg "${source[@]}" -c:v libx265 -preset fast -x265-params log-level=none \
		"$scratch/hevc.mp4" || return
	dec_ffmpeg -i $streams/vp9-322x182.ivf -c copy "$scratch/vp9.webm" || return
	dec_ffmpeg -f lavfi -i testsrc2=size=131x67:rate=25,format=gbrp,format=yuv420p -frames:v 8 \
		-c:v libvpx-vp9 -deadline realtime -cpu-used 8 "$scratch/odd.webm" || return
	dec_ffmpeg -f lavfi -i testsrc2=size=256x144:rate=25,format=yuv420p -frames:v 8 \
		-c:v libx264 -preset fast -bf 3 "$scratch/tight.h264" || return
	dec_ffmpeg -i $streams/stateful/vp8-322x182.ivf -c copy "$scratch/vp8.webm" || return
	dec_ffmpeg -i $streams/av1-322x182.ivf -c copy "$scratch/av1.mkv" || return
	# Colours that are no ready-made set of GStreamer's, one of which V4L2 has no name for.
	dec_ffmpeg "${source[@]}" -c:v libx264 -x264-params \
		colorprim=smpte170m:transfer=bt709:colormatrix=smpte170m "$scratch/mixed.h264" || return
	dec_ffmpeg "${source[@]}" -c:v libx264 -x264-params \
		colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc "$scratch/hlg.h264" || return
	echo "20 frames in mp4 and mkv, VP8, VP9 and AV1 in webm and mkv"
}

# dec_reference FILE PIXELS: what FFmpeg's own decoder makes of it, in reference.raw. With
# several threads it patches damage up from other frames.
dec_reference() {
	dec_ffmpeg -threads 1 -i "$1" -fps_mode passthrough -noautoscale -pix_fmt "$2" -f rawvideo \
		"$scratch/reference.raw"
}

# dec_compare FILE PIXELS: out.raw with that.
dec_compare() {
	dec_reference "$@" || return
	cmp "$scratch/reference.raw" "$scratch/out.raw" || return
	[ -s "$scratch/out.raw" ] || return
	echo "${1##*/}: all $(stat -c %s "$scratch/out.raw") bytes as FFmpeg's own decoder's"
}

# dec_by_ffmpeg DECODER FILE...: it asks for yuv420p itself, and gets YU12.
dec_by_ffmpeg() {
	local decoder=$1 file
	shift
	for file in "$@"; do
		dec_ffmpeg -c:v "$decoder" -i "$file" -fps_mode passthrough -noautoscale \
			-pix_fmt yuv420p -f rawvideo "$scratch/out.raw" &&
			dec_compare "$file" yuv420p || return
	done
	echo "$# files: all bytes as FFmpeg's own decoder's"
}

# dec_by_gstreamer FILE ELEMENT...: through these elements. The sink writes no padding.
dec_by_gstreamer() {
	dec_by_gstreamer_in I420 yuv420p "$@"
}

# dec_by_gstreamer_in FORMAT PIXELS FILE ELEMENT...: the same in another format, by GStreamer's and
# FFmpeg's names of it.
dec_by_gstreamer_in() {
	local format=$1 pixels=$2 file=$3
	shift 3
	rm -f "$scratch/out.raw"
	timeout --kill-after=2 600 gst-launch-1.0 -q filesrc location="$file" ! "$@" ! \
		video/x-raw ! videoconvert dither=none ! video/x-raw,format="$format" ! \
		videocodectestsink location="$scratch/out.raw" enable-last-sample=false || return
	dec_compare "$file" "$pixels"
}

# dec_hdr FILE: a file of v4l2-ctl's, each coded frame with its size before it.
dec_hdr() {
	local size pos header=0
	# Where a frame of IVF begins, its header does.
	[[ $1 != *.ivf ]] || header=12
	ffprobe -v error -select_streams v -show_entries packet=size,pos -of csv=p=0 "$1" |
		while IFS=, read -r size pos _; do
			printf 'rdhV'
			# shellcheck disable=SC2059 # bytes by their numbers
			printf "$(printf '\\x%02x' $((size >> 24)) $((size >> 16 & 255)) \
				$((size >> 8 & 255)) $((size & 255)))"
			tail -c +$((pos + header + 1)) "$1" | head -c "$size"
		done >"$scratch/stream.hdr"
}

# dec_by_v4l2_ctl FORMAT FILE [CAPTURE PIXELS]: to NV12 unless another is told, by V4L2's and
# FFmpeg's names of it.
dec_by_v4l2_ctl() {
	dec_hdr "$2" || return
	rm -f "$scratch/out.raw"
	timeout 600 v4l2-ctl -d "$stateful" --set-fmt-video-out="pixelformat=$1" \
		--set-fmt-video="pixelformat=${3:-NV12}" --stream-mmap --stream-out-mmap --stream-from-hdr="$scratch/stream.hdr" \
		--stream-to="$scratch/out.raw" || return
	dec_compare "$2" "${4:-nv12}"
}

# dec_import FILE ELEMENT...: the decoder's buffers are those that a loopback node is written
# from, over and over until it has been read.
dec_import() {
	local file=$1 loop writer status=0
	shift
	check "decoder: the loopback node again" insmod "build/kmod/$(uname -r)/vpipe-loop.ko" exclusive_caps=1 || return
	loop=$(node "vpipe loopback 0")
	loop_start "$loop" gst-launch-1.0 -q multifilesrc location="$file" loop=true ! "$@" \
		capture-io-mode=dmabuf ! v4l2sink device="$loop" io-mode=dmabuf-import || status=1
	[ $status -ne 0 ] || timeout 600 v4l2-ctl -d "$loop" --stream-mmap --stream-count=10 \
		--stream-to="$scratch/out.raw" </dev/null || status=1
	loop_end "$loop" || status=1
	rmmod vpipe_loop || status=1
	[ $status -eq 0 ] || return
	dec_reference "$file" nv12 && dec_frames_among
}

# Every frame of out.raw is one of those in reference.raw, and not one over and over.
dec_frames_among() {
	local bytes=$((320 * 240 * 3 / 2))
	split -b $bytes --filter=md5sum "$scratch/reference.raw" | sort -u >"$scratch/reference.md5"
	split -b $bytes --filter=md5sum "$scratch/out.raw" >"$scratch/out.md5"
	! sort -u "$scratch/out.md5" | comm -23 - "$scratch/reference.md5" | grep . || return
	[ "$(sort -u "$scratch/out.md5" | wc -l)" -gt 1 ] || return
	echo "$(wc -l <"$scratch/out.md5") frames that were imported, each one of FFmpeg's own decoder's"
}

# It streams in the format that the node has when it is opened.
dec_compliance() {
	dec_hdr $streams/h264-320x240.h264 || return
	compliance 55 -s -d "$stateful" --stream-from-hdr "H264=$scratch/stream.hdr"
}

dec_v4l2_ctl_checks() {
	check "decoder: v4l2-ctl, H.264" dec_by_v4l2_ctl H264 $streams/h264-322x182.h264
	check "decoder: v4l2-ctl, H.264, YU12" dec_by_v4l2_ctl H264 $streams/h264-322x182.h264 \
		YU12 yuv420p
	# It writes lines of several planes with their padding.
	check "decoder: v4l2-ctl, H.264, YM12" dec_by_v4l2_ctl H264 "$scratch/tight.h264" \
		YM12 yuv420p
	check "decoder: v4l2-ctl, VP9" dec_by_v4l2_ctl VP90 $streams/vp9-resize.ivf
	# v4l2-ctl takes what is listed, and not every kernel has a name for AV1.
	echo 1 >/sys/module/vpipe_dec/parameters/list_av1
	check "decoder: v4l2-ctl, AV1" dec_by_v4l2_ctl AV01 $streams/av1-320x240.ivf
	echo 0 >/sys/module/vpipe_dec/parameters/list_av1
}

dec_ffmpeg_checks() {
	check "decoder: ffmpeg, h264_v4l2m2m" dec_by_ffmpeg h264_v4l2m2m \
		"$scratch/h264.mp4" "$scratch/h264.mkv" $streams/h264-{320x240,fields,interlaced,refs16}.h264 \
		$streams/stateful/h264-no-key.h264
	check "decoder: ffmpeg, hevc_v4l2m2m" dec_by_ffmpeg hevc_v4l2m2m "$scratch/hevc.mp4" \
		$streams/stateful/hevc-320x240.hevc
	check "decoder: ffmpeg, vp9_v4l2m2m" dec_by_ffmpeg vp9_v4l2m2m "$scratch/vp9.webm" \
		$streams/vp9-320x240.ivf
	check "decoder: ffmpeg, vp9_v4l2m2m, an odd size" dec_by_ffmpeg vp9_v4l2m2m "$scratch/odd.webm"
	check "decoder: ffmpeg, vp8_v4l2m2m" dec_by_ffmpeg vp8_v4l2m2m "$scratch/vp8.webm" \
		$streams/stateful/vp8-320x240.ivf
	check "decoder: ffmpeg, mpeg1_v4l2m2m" dec_by_ffmpeg mpeg1_v4l2m2m \
		$streams/stateful/mpeg1-160x120.m1v
	check "decoder: ffmpeg, mpeg2_v4l2m2m" dec_by_ffmpeg mpeg2_v4l2m2m \
		$streams/stateful/mpeg2-322x182.m2v
	check "decoder: ffmpeg, mpeg4_v4l2m2m" dec_by_ffmpeg mpeg4_v4l2m2m \
		$streams/stateful/mpeg4-160x120.m4v
	check "decoder: ffmpeg, h263_v4l2m2m" dec_by_ffmpeg h263_v4l2m2m \
		$streams/stateful/h263-176x144.h263
}

dec_gstreamer_checks() {
	local colours frames
	check "decoder: v4l2h264dec" dec_by_gstreamer $streams/h264-322x182.h264 \
		h264parse ! v4l2h264dec
	check "decoder: v4l2slh264dec" dec_by_gstreamer $streams/h264-322x182.h264 \
		h264parse ! v4l2slh264dec
	check "decoder: v4l2h264dec, another size" dec_by_gstreamer $streams/h264-resize.h264 \
		h264parse ! v4l2h264dec
	check "decoder: v4l2h264dec, mp4, capture-io-mode=dmabuf" dec_by_gstreamer "$scratch/h264.mp4" \
		qtdemux ! h264parse ! v4l2h264dec capture-io-mode=dmabuf
	for colours in mixed hlg; do
		check "decoder: v4l2h264dec, colours: $colours" dec_by_gstreamer \
			"$scratch/$colours.h264" h264parse ! v4l2h264dec
	done
	check "decoder: v4l2h265dec" dec_by_gstreamer $streams/stateful/hevc-322x182.hevc \
		h265parse ! v4l2h265dec
	check "decoder: v4l2vp9dec, webm" dec_by_gstreamer "$scratch/vp9.webm" \
		matroskademux ! vp9parse ! v4l2vp9dec
	check "decoder: v4l2vp8dec" dec_by_gstreamer $streams/stateful/vp8-322x182.ivf \
		ivfparse ! v4l2vp8dec
	check "decoder: v4l2mpeg2dec, MPEG-1" dec_by_gstreamer $streams/stateful/mpeg1-160x120.m1v \
		mpegvideoparse ! v4l2mpeg2dec
	check "decoder: v4l2mpeg2dec, MPEG-2" dec_by_gstreamer $streams/stateful/mpeg2-322x182.m2v \
		mpegvideoparse ! v4l2mpeg2dec
	check "decoder: v4l2mpeg4dec" dec_by_gstreamer $streams/stateful/mpeg4-160x120.m4v \
		mpeg4videoparse ! v4l2mpeg4dec
	check "decoder: v4l2h263dec" dec_by_gstreamer $streams/stateful/h263-176x144.h263 \
		h263parse ! v4l2h263dec
	check "decoder: v4l2slh264dec, another size" dec_by_gstreamer $streams/h264-resize.h264 \
		h264parse ! v4l2slh264dec
	check "decoder: v4l2slh264dec, interlaced" dec_by_gstreamer $streams/h264-interlaced.h264 \
		h264parse ! v4l2slh264dec
	check "decoder: v4l2slh264dec, fields" dec_by_gstreamer $streams/h264-fields.h264 \
		h264parse ! v4l2slh264dec
	check "decoder: v4l2h264dec, fields" dec_by_gstreamer $streams/h264-fields.h264 \
		h264parse ! v4l2h264dec
	check "decoder: v4l2slh265dec" dec_by_gstreamer $streams/stateful/hevc-322x182.hevc \
		h265parse ! v4l2slh265dec
	check "decoder: v4l2slh265dec, slices" dec_by_gstreamer \
		$streams/stateful/hevc-slices.hevc h265parse ! v4l2slh265dec
	check "decoder: v4l2slh265dec, 10 bits" dec_by_gstreamer_in I420_10LE yuv420p10le \
		$streams/stateful/hevc-10bit.hevc h265parse ! v4l2slh265dec
	check "decoder: v4l2slh265dec, mp4" dec_by_gstreamer "$scratch/hevc.mp4" \
		qtdemux ! h265parse ! v4l2slh265dec
	check "decoder: v4l2slvp9dec" dec_by_gstreamer $streams/vp9-322x182.ivf \
		ivfparse ! vp9parse ! v4l2slvp9dec
	check "decoder: v4l2slvp8dec" dec_by_gstreamer $streams/stateful/vp8-322x182.ivf \
		ivfparse ! v4l2slvp8dec
	check "decoder: v4l2slvp8dec, hidden frames" dec_by_gstreamer $streams/stateful/vp8-hidden.ivf \
		ivfparse ! v4l2slvp8dec
	check "decoder: v4l2slmpeg2dec" dec_by_gstreamer $streams/stateful/mpeg2-322x182.m2v \
		mpegvideoparse ! v4l2slmpeg2dec
	check "decoder: v4l2slmpeg2dec, interlaced" dec_by_gstreamer \
		$streams/stateful/mpeg2-interlaced.m2v mpegvideoparse ! v4l2slmpeg2dec
	check "decoder: v4l2slav1dec, mkv" dec_by_gstreamer "$scratch/av1.mkv" \
		matroskademux ! av1parse ! v4l2slav1dec
	for frames in grain intra-only; do
		check "decoder: v4l2slav1dec, $frames" dec_by_gstreamer $streams/av1-$frames.ivf \
			ivfparse ! av1parse ! v4l2slav1dec
	done
	check "decoder: v4l2slh264dec, I420" dec_by_gstreamer $streams/h264-322x182.h264 \
		h264parse ! v4l2slh264dec ! capsfilter caps=video/x-raw,format=I420
	check "decoder: v4l2slvp9dec, I420, an odd size" dec_by_gstreamer "$scratch/odd.webm" \
		matroskademux ! vp9parse ! v4l2slvp9dec ! capsfilter caps=video/x-raw,format=I420
	check "decoder: v4l2h264dec to v4l2sink, dmabuf-import" dec_import $streams/h264-320x240.h264 \
		h264parse ! v4l2h264dec
}

dec_program_checks() {
	check "decoder: media-ctl -p" graph "vpipe decoder" "$stateless" vpipe-dec \
		"$stateful" vpipe-dec-stateful
	check "decoder: files" dec_make_files
	# ffmpeg would take a node that writes and captures H.264 for a decoder of it.
	check "decoder: without the loopback node" rmmod vpipe_loop
	dec_v4l2_ctl_checks
	dec_ffmpeg_checks
	dec_gstreamer_checks
	insmod "build/kmod/$(uname -r)/vpipe-loop.ko"
}

# decoder_checks compliance|all
decoder_checks() {
	local daemon vivid
	check "decoder-daemon" start_daemon
	# Whatever size a kernel's vivid begins with: its buffers have to hold the decoder's pictures.
	vivid=$(node vivid-000-vid-cap)
	v4l2-ctl -d "$vivid" --set-fmt-video=width=640,height=480,pixelformat=YUYV
	check "decoder: v4l2-compliance -s, stateless, vivid's dma-bufs" \
		compliance 60 -s -e "$vivid" -d "$stateless"
	check "decoder: v4l2-compliance -s, stateful, H.264" dec_compliance
	[ "$1" = compliance ] || dec_program_checks
	check "decoder-daemon's end" end_daemon
}
