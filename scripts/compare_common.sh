# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the comparisons of loopback nodes share; a script sources this after
# bench_common.sh.

bin=${bin:?}
scratch=$(mktemp -d)
programs=()

# How frames come and go.
writer_io=mmap
reader_io=mmap

# For the tools of either side, such as --cpu 0.
writer_options=()
reader_options=()

end_programs() {
	end_groups "${programs[@]}"
	programs=()
}
trap 'end_programs; rm -rf "$scratch"' EXIT

# start_program NAME TOOL ARGUMENT...: with what it says in $scratch/NAME.log.
start_program() {
	need_tool "$2"
	start "$bin/$2" "${@:3}" >"$scratch/$1.log" 2>&1
	programs+=("$started")
}

# start_writer NODE SIZE FORMAT FPS: returns once it writes frames.
start_writer() {
	rm -f "$scratch/writer.csv"
	start_program writer loop-write "$1" pattern "$scratch/writer.csv" --io "$writer_io" --quiet \
		--size "$2" --format "$3" --fps "$4" "${writer_options[@]}"
	writer=$started
	until [ "$(wc -l 2>/dev/null <"$scratch/writer.csv")" -gt 1 ] 2>/dev/null; do
		end_if_stopped
		runs "$writer" || die "loop-write: $(tail -n 1 "$scratch/writer.log")"
		sleep 0.1
	done
}

# start_reader NAME NODE FRAMES SIZE FORMAT
start_reader() {
	start_program "$1" "capture-$reader_io" "$2" "$scratch/$1.csv" "$3" --quiet \
		--size "$4" --format "$5" --fps 0 "${reader_options[@]}"
}

# finish_reader NAME PID
finish_reader() {
	follow "$2" "$writer" || {
		end_if_stopped
		die "$(tail -qn 1 "$scratch/$1.log" "$scratch/writer.log")"
	}
}
