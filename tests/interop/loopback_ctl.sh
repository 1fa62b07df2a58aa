# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Debian's v4l2loopback-ctl, which knows v4l2loopback alone, on our module.

# Nobody's so far.
ctl_node=/dev/video42

# ctl VERB ARGUMENT...
ctl() {
	timeout 600 v4l2loopback-ctl "$@"
}

# same WHAT EXPECTED
same() {
	[ "$1" = "$2" ] || {
		printf '%s\n-- not --\n%s\n' "$1" "$2"
		return 1
	}
}

# refused MESSAGE VERB ARGUMENT...
refused() {
	local message=$1
	shift
	! ctl "$@" >"$scratch/refused" 2>&1 || return
	grep -F -- "$message" "$scratch/refused"
}

ctl_add() {
	same "$(ctl add -n "By ctl" -x 1 -w 640 -h 480 -b 6 -o 5 $ctl_node)" $ctl_node || return
	same "$(node "By ctl")" $ctl_node || return
	echo "$(cat "/sys/class/video4linux/${ctl_node#/dev/}/name"), $ctl_node"
}

ctl_list() {
	local first
	first=$(node "vpipe loopback 0")
	ctl list 2>/dev/null | tr -s '\t ' ' ' | sort >"$scratch/list"
	same "$(cat "$scratch/list")" "$(printf '%s\n' "$first $first vpipe loopback 0" \
		"$ctl_node $ctl_node By ctl" | sort)" || return
	echo "$(wc -l <"$scratch/list") nodes by number and name"
}

ctl_query() {
	same "$(ctl query $ctl_node | sed 's/^\t//; s/ *: /=/' | xargs)" "$ctl_node \
capture_device#=42 output_device#=42 card_label=By ctl min_width=1 max_width=640 min_height=1 \
max_height=480 announce_all_caps=0 max_buffers=6 max_openers=5 debug=0" || return
	echo "all that it was added with"
}

ctl_fps() {
	local rate
	for rate in 25 30000/1001; do
		ctl set-fps $ctl_node $rate || return
		# Where there is no format it tells an interval.
		same "$(ctl get-fps $ctl_node)" "$(sed 's,^[^/]*$,&/1,; s,\(.*\)/\(.*\),\2/\1,' <<<$rate)" || return
	done
	v4l2-ctl -d $ctl_node --get-output-parm | grep -F '29.970 (30000/1001)'
}

ctl_caps() {
	local caps=UYVY:320x240@25/1
	ctl set-caps $ctl_node $caps || return
	same "$(ctl get-caps $ctl_node)" $caps || return
	# An exclusive node whose format is kept is a camera.
	v4l2-ctl -d $ctl_node --get-fmt-video | xargs | grep -o 'Width/Height : 320/240 Pixel Format : UYVY' || return
	ctl set-fps $ctl_node 30000/1001 || return
	same "$(ctl get-fps $ctl_node)" 30000/1001 || return
	ctl set-caps $ctl_node any || return
	same "$(ctl get-caps $ctl_node)" "" || return
	same "$(cat "/sys/class/video4linux/${ctl_node#/dev/}/state")" output || return
	ctl set-caps $ctl_node $caps || return
	echo "$caps, then any, then $caps"
}

# Its GStreamer writes a picture beside nobody, readers get it from then on.
ctl_image() {
	ffmpeg -v error -f lavfi -i color=red:size=64x48 -frames:v 1 "$scratch/red.png" || return
	ctl set-timeout-image -t 100 $ctl_node "$scratch/red.png" || return
	timeout 600 v4l2-ctl -d $ctl_node --stream-mmap --stream-count=3 \
		--stream-to="$scratch/out.raw" || return
	# Red as BT.601 has it.
	same "$(od -An -v -tx1 -w4 "$scratch/out.raw" | sort | uniq -c | xargs)" \
		"$((3 * 320 * 240 / 2)) 5a 51 ee 51" || return
	echo "red in each pixel of 3 frames, without a writer"
}

ctl_delete() {
	(
		exec 3<>$ctl_node || exit
		refused "Device or resource busy" delete $ctl_node
	) || return
	ctl delete $ctl_node || return
	[ ! -e $ctl_node ] || return
	refused "No such device" delete $ctl_node || return
	echo "$ctl_node: refused while it is open, then gone"
}

ctl_checks() {
	check "v4l2loopback-ctl: compat=1" loop_load compat=1
	check "v4l2loopback-ctl: add" ctl_add
	check "v4l2loopback-ctl: add, a number taken" refused "File exists" add $ctl_node
	check "v4l2loopback-ctl: list" ctl_list
	check "v4l2loopback-ctl: query" ctl_query
	check "v4l2loopback-ctl: set-fps, get-fps" ctl_fps
	check "v4l2loopback-ctl: set-caps, get-caps" ctl_caps
	check "v4l2loopback-ctl: set-timeout-image" ctl_image
	check "v4l2loopback-ctl: delete" ctl_delete
}
