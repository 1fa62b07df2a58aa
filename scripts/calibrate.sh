#!/bin/bash
# SPDX-License-Identifier: MIT
# Whether delays of known length are found in the stage that they are in, and what the
# instrument costs a frame; inside a guest, as tests/bench/calibrate.ts is run from its
# source. The table goes to stdout, its rows to stderr as they come.
#
# usage: scripts/calibrate.sh -- V8_FLAGS [OPTION]...
#
# V8_FLAGS are those of the tools, OPTION is one of `deno run`.
. "$(dirname "$(readlink -f "$0")")/bench_common.sh"

arguments 2 - $#
[ "$1" = -- ] || wrong_usage "there must be -- in front of V8_FLAGS, not '$1'"
cd "$scripts/.."
flags=$2
shift 2
camera=$(node vivid-000-vid-cap)
filter=$(node vpipe)
exec toolchain/deno run --quiet --no-check --allow-all --v8-flags="$flags" "$@" \
	tests/bench/calibrate.ts "$filter" "$heap" fixtures/tiny-4x4.pgm "$camera"
