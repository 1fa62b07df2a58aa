/**
 * The tools by name, each of which runs when it is loaded.
 *
 * @module
 */

/** What loads a tool; the names are those of the Makefile. */
export const TOOLS: Readonly<Record<string, () => Promise<unknown>>> = {
  "bench-fixture": () => import("../../tools/bench-fixture.ts"),
  "bench-report": () => import("../../tools/bench-report.ts"),
  "capture-dmabuf": () => import("../../tools/capture-dmabuf.ts"),
  "capture-m2m": () => import("../../tools/capture-m2m.ts"),
  "capture-mmap": () => import("../../tools/capture-mmap.ts"),
  "capture-read": () => import("../../tools/capture-read.ts"),
  "capture-userptr": () => import("../../tools/capture-userptr.ts"),
  check: () => import("../../tools/check.ts"),
  "cv-ref": () => import("../../tools/cv-ref.ts"),
  "decode-file": () => import("../../tools/decode-file.ts"),
  "decoder-daemon": () => import("../../daemon/decoder-daemon.ts"),
  "dump-pgm": () => import("../../tools/dump-pgm.ts"),
  "fixture-feed": () => import("../../tools/fixture-feed.ts"),
  "loop-write": () => import("../../tools/loop-write.ts"),
  "meta-drain": () => import("../../tools/meta-drain.ts"),
  "pgm-diff": () => import("../../tools/pgm-diff.ts"),
};
