/**
 * decoder-daemon: the codec of vpipe-dec.ko's decoder nodes, by FFmpeg.
 *
 * @module
 */
import { choice, flag, integer, optional, path } from "../lib/cli/parameters.ts";
import { declareTool, main } from "../lib/cli/tool.ts";
import { CODEC_NAMES } from "../lib/codec/codecs.ts";
import { AV_LOG_QUIET, AV_LOG_VERBOSE } from "../lib/ffmpeg/abi/avutil.ts";
import { type Ffmpeg, loadFfmpeg } from "../lib/ffmpeg/abi/libraries.ts";
import { raiseDescriptorLimit } from "../lib/sys/descriptors.ts";
import { returnLargeMemory } from "../lib/sys/heap.ts";
import { codecBits, decodable } from "./stream/codecs.ts";
import { chooseKernels, type KernelChoice } from "./pixel_functions/compare.ts";
import { LEVELS, Log } from "./stream/log.ts";
import { selftest } from "./selftest.ts";
import { memoryForPictures } from "./session/memory.ts";
import { Session } from "./session/session.ts";

const MIB = 1 << 20;

/** The kernels to use of a library; what is built in does without them. */
function useKernels(log: Log, ffmpeg: Ffmpeg, path: string): KernelChoice | undefined {
  try {
    const { choice, refused } = chooseKernels(ffmpeg, path);
    for (const [kernel, reason] of refused) log.warning("kernel-not-used", { kernel, reason });
    return choice;
  } catch (error) {
    log.warning("kernels-not-used", { reason: (error as Error).message });
    return undefined;
  }
}

export const tool = declareTool({
  name: "decoder-daemon",
  summary: "Decodes for the kernel's decoder nodes with FFmpeg, until SIGTERM or SIGINT.",
  positionals: {},
  options: {
    device: {
      ...path("DEV", "the session with the kernel"),
      fallback: "/dev/vpipe-dec",
    },
    digest: flag("tell at the end of each stream the CRC-32 of all its pictures"),
    kernels: optional(path("PATH", "shared library with faster work on pictures: vpipe-kernels.h")),
    "log-level": {
      ...choice("LEVEL", `what to log on stderr: ${LEVELS.join(", ")}`, LEVELS),
      fallback: "info" as const,
    },
    memory: optional(
      integer(
        "MIB",
        "memory for all pictures, half of it for one user's (default: 3/4 of what its cgroup may have)",
        { min: 1, max: 1 << 30 },
      ),
    ),
    selftest: flag("tell what FFmpeg and kernels there are and try them, without a device"),
  },
  async run(values, { quiet, stop }) {
    if (values.selftest) return selftest(values.kernels);
    // What one stream has had is another thread's next.
    returnLargeMemory();
    // Of each plane that a client imports there is one: some thousands, of all streams.
    const descriptors = raiseDescriptorLimit();
    const log = new Log(quiet ? "error" : values["log-level"]);
    const ffmpeg = loadFfmpeg();
    // It would write lines of its own form.
    ffmpeg.avutil.av_log_set_level(log.writes("debug") ? AV_LOG_VERBOSE : AV_LOG_QUIET);
    const names = decodable(ffmpeg);
    if (names.length === 0) throw new Error(`FFmpeg ${ffmpeg.version}: has none of ${CODEC_NAMES}`);
    const codecs = codecBits(names);
    const kernels = values.kernels === undefined
      ? undefined
      : useKernels(log, ffmpeg, values.kernels);
    const memory = values.memory === undefined ? memoryForPictures() : values.memory * MIB;
    const wishes = { kernels, digest: values.digest };
    using session = new Session(log, values.device, codecs, memory, wishes);
    log.info("serving", {
      device: values.device,
      ffmpeg: ffmpeg.version,
      codecs: names.join(","),
      kernels: kernels?.names.join(",") || "built-in",
      memory_mib: Math.floor(memory / MIB),
      descriptors,
    });
    await session.run(stop);
    // A service's orderly end; main() would tell the signal, as it does for a tool.
    Deno.exit(0);
  },
});

if (import.meta.main) await main(tool);
