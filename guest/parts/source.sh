# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Kernels from the newest sources that Debian has: `uml` and `sanitized`, Linux as a
# program of this machine, without and with the sanitizers; `racing`, emulated, with
# KCSAN, which user-mode Linux lacks.

linux_source=$store/linux

# source_facts KERNEL: set fragments, arch and image.
source_facts() {
	local config=$project/guest/config
	arch=um
	image=linux
	case $1 in
	uml) fragments=(common uml) ;;
	sanitized) fragments=(common uml sanitizers) ;;
	racing)
		fragments=(common racing)
		arch=x86_64
		image=bzImage
		;;
	esac
	fragments=("${fragments[@]/#/$config/}")
	fragments=("${fragments[@]/%/.config}")
}

build_source_kernel() {
	local kernel=$1 build=$store/$1 fragments arch image
	source_facts "$kernel"
	build_root
	unpack_source
	if ! fresh "$kernel" "${fragments[@]}" "$linux_source/stamp"; then
		mkdir -p "$build"
		step "$kernel-config" "$kernel: configuring" configure_kernel "$build"
		step "$kernel-build" "$kernel: compiling the kernel (a few minutes)" \
			make -C "$linux_source" O="$build" ARCH="$arch" -j"$(nproc)" "$image" modules
		[ "$image" = linux ] || ln -sf arch/x86/boot/bzImage "$build/vmlinuz"
		rm -rf "$build/modules"
		step "$kernel-modules" "$kernel: installing its modules" \
			make -C "$build" ARCH="$arch" INSTALL_MOD_PATH="$build/modules" modules_install
		finished "$kernel" "${fragments[@]}" "$linux_source/stamp"
	fi
	build_initramfs "$build"
}

unpack_source() {
	build_testing
	locked source unpack_source_once
}

unpack_source_once() {
	local archive patches=("$project"/guest/patches/*.diff)
	archive=$(testing_source)
	if fresh linux "${archive##*/}" "$(stat -c '%s %Y' "$archive")" "${patches[@]}"; then
		return
	fi
	rm -rf "$linux_source" "$linux_source.new"
	mkdir -p "$linux_source.new"
	# With the time of now: objects of older sources must not look newer.
	step source "unpacking ${archive##*/}" \
		tar -xJmf "$archive" -C "$linux_source.new" --strip-components=1
	step patch "patching it" patch_source "$linux_source.new"
	mv "$linux_source.new" "$linux_source"
	finished linux "${archive##*/}" "$(stat -c '%s %Y' "$archive")" "${patches[@]}"
}

# The suite moves: newer sources may do without a patch, or not, which the tests tell.
patch_source() {
	local diff
	for diff in "$project"/guest/patches/*.diff; do
		if patch --dry-run -d "$1" -p1 <"$diff"; then
			patch -d "$1" -p1 <"$diff"
		else
			say "${diff#"$project"/} does not fit these sources any more, and is left out"
		fi
	done
}

configure_kernel() {
	last_values "${fragments[@]}" >"$1/fragments"
	make -C "$linux_source" O="$1" ARCH="$arch" KCONFIG_ALLCONFIG="$1/fragments" allnoconfig
	verify_config "$1"
}

# A later fragment overrides an earlier one.
last_values() {
	cat "$@" | grep '^CONFIG_' | tac | awk -F= '!seen[$1]++'
}

# Kconfig drops in silence what lacks a dependency: a guest without a sanitizer
# would pass every test.
verify_config() {
	local line wanted missing=0
	while read -r line; do
		wanted=$line
		if [[ $line = *=n ]]; then
			wanted="# ${line%=n} is not set"
			# An option whose menu is off is not even mentioned.
			grep -q "^${line%=n}=" "$1/.config" || continue
		fi
		grep -qxF "$wanted" "$1/.config" || {
			echo "not in the configuration: $line"
			missing=1
		}
	done <"$1/fragments"
	return $missing
}

# boot_uml RUN: become the guest, its console in RUN/console.
boot_uml() {
	local checks=
	# Slabs in use keep the addresses of what was allocated last, and kmemleak finds
	# nothing that anything points to; checked slabs keep none, and take a third longer.
	[ "$kernel" != sanitized ] || checks=slab_debug=F,kmalloc-*
	# A guest that panics aborts: its memory is not worth a core file.
	ulimit -c 0
	exec 3>"$1/out" 4>"$1/err"
	TMPDIR=$(uml_memory_folder "$1") \
		exec setpriv --pdeathsig KILL "$store/$kernel/linux" mem="${memory}G" \
		seccomp=on ncpus="$cpus" \
		initrd="$store/$kernel/initramfs" uml_dir="$1" \
		con=null con0=null,fd:1 ssl0=null,fd:3 ssl1=null,fd:4 \
		loglevel=7 panic=-1 ${checks:+"$checks"} "$(boot_parameters hostfs "$1")" \
		</dev/null >"$1/console" 2>&1
}

# The guest's memory is a deleted file. Containers may have a /dev/shm too small
# for it, which would be a bus error in the middle of a run.
uml_memory_folder() {
	local free
	free=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)
	if [ "${free:-0}" -gt $((memory * 1024 * 1024)) ]; then
		echo /dev/shm
	else
		echo "$1"
	fi
}
