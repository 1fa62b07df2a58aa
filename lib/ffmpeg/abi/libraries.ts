/**
 * FFmpeg's libraries, found and loaded at run time.
 *
 * @module
 */
import { AVCODEC } from "./avcodec.ts";
import { AVFORMAT } from "./avformat.ts";
import { AVUTIL } from "./avutil.ts";
import type { Kernels } from "./pixel_functions.ts";
import { SWSCALE } from "./swscale.ts";

// The majors in the sonames; libavformat's is libavcodec's. What this folder assumes of structs was compared with the headers of
// 5.1, 6, 7.1 and 9.0; 5.1, 7.1 and 9.0 were run and decode to the same pictures.
const RELEASES = [
  { release: 9, avcodec: 63, avutil: 61, swscale: 10 },
  { release: 8, avcodec: 62, avutil: 60, swscale: 9 },
  { release: 7, avcodec: 61, avutil: 59, swscale: 8 },
  { release: 6, avcodec: 60, avutil: 58, swscale: 7 },
  { release: 5, avcodec: 59, avutil: 57, swscale: 6 },
] as const;

/** One loaded library, for a person to read. */
export interface Loaded {
  /** As the loader looked for it: `libavcodec.so.61`. */
  readonly soname: string;
  /** What the library says of itself: `61.19.101`. */
  readonly version: string;
}

/** `61.19.101` of 0x3d1365, as each library packs its version. */
const versionText = (version: number) =>
  `${version >>> 16}.${(version >>> 8) & 0xff}.${version & 0xff}`;

function check(soname: string, major: number, version: number): Loaded {
  if (version >>> 16 === major) return { soname, version: versionText(version) };
  throw new Error(
    `FFmpeg: ${soname} says it is version ${versionText(version)}; known are ${knownReleases()}`,
  );
}

/** `FFmpeg 8 (libavcodec.so.62), 7 (.61), ...` */
function knownReleases(): string {
  const [newest, ...others] = RELEASES;
  return [
    `FFmpeg ${newest.release} (libavcodec.so.${newest.avcodec})`,
    ...others.map(({ release, avcodec }) => `${release} (.${avcodec})`),
  ].join(", ");
}

type Release = typeof RELEASES[number];

function load({ release, avcodec, avutil, swscale }: Release) {
  const sonames = {
    avcodec: `libavcodec.so.${avcodec}`,
    avutil: `libavutil.so.${avutil}`,
    swscale: `libswscale.so.${swscale}`,
  };
  const libraries = {
    avcodec: Deno.dlopen(sonames.avcodec, AVCODEC).symbols,
    avutil: Deno.dlopen(sonames.avutil, AVUTIL).symbols,
    swscale: Deno.dlopen(sonames.swscale, SWSCALE).symbols,
  };
  const name = libraries.avutil.av_version_info();
  return {
    ...libraries,
    release,
    /** FFmpeg's own name for its version: `7.1.1-1+b1`. */
    version: name === null ? "unknown" : Deno.UnsafePointerView.getCString(name),
    loaded: [
      check(sonames.avcodec, avcodec, libraries.avcodec.avcodec_version()),
      check(sonames.avutil, avutil, libraries.avutil.avutil_version()),
      check(sonames.swscale, swscale, libraries.swscale.swscale_version()),
    ] as readonly Loaded[],
  };
}

/** The three libraries of one release, and what they say of themselves. */
export type Ffmpeg = ReturnType<typeof load> & {
  /** Used in place of what this project does by itself or by FFmpeg. */
  readonly kernels?: Kernels;
};

function loadWithFiles(release: Release) {
  const ffmpeg = load(release);
  const soname = `libavformat.so.${release.avcodec}`;
  const avformat = Deno.dlopen(soname, AVFORMAT).symbols;
  const loaded = check(soname, release.avcodec, avformat.avformat_version());
  return { ...ffmpeg, avformat, loaded: [...ffmpeg.loaded, loaded] as readonly Loaded[] };
}

/** The libraries that open a file and decode it. */
export type FfmpegWithFiles = ReturnType<typeof loadWithFiles>;

/**
 * Loads the newest release of FFmpeg that this project knows and that is here as a whole. It is
 * never unloaded.
 *
 * @throws {Error} where there is none, with the releases that would do and what the newest one that
 * is here in part lacks
 */
export function loadFfmpeg(): Ffmpeg {
  return newest(load);
}

/** As `loadFfmpeg`, with libavformat. */
export function loadFfmpegWithFiles(): FfmpegWithFiles {
  return newest(loadWithFiles);
}

function newest<T>(load: (release: Release) => T): T {
  let lack: string | undefined;
  for (const release of RELEASES) {
    try {
      return load(release);
    } catch (error) {
      const { message } = error as Error;
      // Deno says "Could not open library: Could not open library: libavcodec.so.62: ...".
      const reason = message.replace(/^(Could not open library: )+/, "");
      // A release without libavcodec is simply not here.
      if (!reason.startsWith(`libavcodec.so.${release.avcodec}: cannot open`)) lack ??= reason;
    }
  }
  throw new Error(
    lack === undefined
      ? `FFmpeg: no libavcodec that can be loaded; known are ${knownReleases()}`
      : lack.startsWith("FFmpeg: ")
      ? lack
      : `FFmpeg: ${lack}; known are ${knownReleases()}`,
  );
}
