# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The guests `uml` and `sanitized`: Linux as a program of this machine, from
# Debian's own sources, without and with the sanitizers.

uml_source=$store/linux-6.12

uml_fragments() {
	fragments=("$project/guest/config/uml.config")
	if [ "$1" = sanitized ]; then
		fragments+=("$project/guest/config/sanitizers.config")
	fi
}

build_uml() {
	local kernel=$1 build=$store/$1 fragments inputs
	uml_fragments "$kernel"
	inputs=("${fragments[@]}" "$(uml_source_version)" "$(declare -f patch_source)")
	build_root
	if ! fresh "$kernel" "${inputs[@]}"; then
		unpack_source
		mkdir -p "$build"
		step "$kernel-config" "$kernel: configuring" uml_configure "$build"
		step "$kernel-build" "$kernel: compiling the kernel (a few minutes)" \
			make -C "$uml_source" O="$build" ARCH=um -j"$(nproc)" linux modules
		rm -rf "$build/modules"
		step "$kernel-modules" "$kernel: installing its modules" \
			make -C "$build" ARCH=um INSTALL_MOD_PATH="$build/modules" modules_install
		finished "$kernel" "${inputs[@]}"
	fi
	build_initramfs "$build"
}

uml_source_version() {
	dpkg-query -W -f='${Version}' linux-source-6.12 2>/dev/null ||
		fail "linux-source-6.12 is not installed: run 'make setup'"
}

unpack_source() {
	locked source unpack_source_once
}

unpack_source_once() {
	local version
	version=$(uml_source_version)
	if fresh linux-6.12 "$version" "$(declare -f patch_source)"; then
		return
	fi
	rm -rf "$uml_source" "$uml_source.new"
	mkdir -p "$uml_source.new"
	# With the time of now: objects of older sources must not look newer.
	step source "unpacking linux-source-6.12" \
		tar -xJmf "$kernel_archive" -C "$uml_source.new" --strip-components=1
	patch_source "$uml_source.new"
	mv "$uml_source.new" "$uml_source"
	finished linux-6.12 "$version" "$(declare -f patch_source)"
}

# A process's vector registers are written back whole or not at all, and Linux
# 6.12 has room for 2696 bytes: on a processor with AMX (11008) it cannot start
# its first program. More room than there are registers is fine.
#
# Where a driver takes pages out of another process's mapping while that process
# unmaps some itself, or ends, flush_tlb_mm() walks its mappings without a lock, also
# when they are gone. Marking all of its addresses does as well.
patch_source() {
	local file=$1/arch/x86/um/user-offsets.c
	sed -i 's/DEFINE_LONGS(HOST_FP_SIZE, 2696)/DEFINE_LONGS(HOST_FP_SIZE, 11008)/' "$file"
	grep -q 'HOST_FP_SIZE, 11008' "$file" || fail "user-offsets.c: no place for larger registers found"

	file=$1/arch/um/kernel/tlb.c
	sed -i '/^void flush_tlb_mm(/,/^}/c\
void flush_tlb_mm(struct mm_struct *mm)\
{\
	um_tlb_mark_sync(mm, 0, TASK_SIZE);\
}' "$file"
	grep -q 'mark_sync(mm, 0, TASK_SIZE)' "$file" || fail "tlb.c: no flush_tlb_mm() found"
}

uml_configure() {
	make -C "$uml_source" O="$1" ARCH=um defconfig
	ARCH=um "$uml_source/scripts/kconfig/merge_config.sh" -m -Q -O "$1" \
		"$1/.config" "${fragments[@]}"
	make -C "$uml_source" O="$1" ARCH=um olddefconfig
	uml_verify_config "$1/.config"
}

# Kconfig drops in silence what lacks a dependency: a guest without a sanitizer
# would pass every test.
uml_verify_config() {
	local line wanted missing=0
	while read -r line; do
		wanted=$line
		if [[ $line = *=n ]]; then
			wanted="# ${line%=n} is not set"
			# An option whose menu is off is not even mentioned.
			grep -q "^${line%=n}=" "$1" || continue
		fi
		grep -qxF "$wanted" "$1" || {
			echo "not in the configuration: $line"
			missing=1
		}
	done < <(cat "${fragments[@]}" | uml_last_value)
	return $missing
}

# A later fragment overrides an earlier one.
uml_last_value() {
	grep '^CONFIG_' | tac | awk -F= '!seen[$1]++'
}

# boot_uml RUN: become the guest, its console in RUN/console.
boot_uml() {
	# A guest that panics aborts: its memory is not worth a core file.
	ulimit -c 0
	exec 3>"$1/out" 4>"$1/err"
	TMPDIR=$(uml_memory_folder "$1") \
		exec setpriv --pdeathsig KILL "$store/$kernel/linux" mem=2G \
		initrd="$store/$kernel/initramfs" uml_dir="$1" \
		con=null con0=null,fd:1 ssl0=null,fd:3 ssl1=null,fd:4 \
		quiet panic=-1 "$(boot_parameters hostfs "$1")" \
		</dev/null >"$1/console" 2>&1
}

# The guest's memory is a deleted file. Containers may have a /dev/shm too small
# for it, which would be a bus error in the middle of a run.
uml_memory_folder() {
	local free
	free=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)
	if [ "${free:-0}" -gt $((2 * 1024 * 1024)) ]; then
		echo /dev/shm
	else
		echo "$1"
	fi
}
