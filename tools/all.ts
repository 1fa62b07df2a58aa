/**
 * The tools by name, each loaded when it is asked for.
 *
 * @module
 */
import type { Options, Positionals, Tool } from "../lib/cli/tool.ts";

/** Any tool, of whose values nothing is known. */
export type AnyTool = Tool<Positionals, Options>;

/** The names are those of the Makefile. */
export const TOOLS: Readonly<Record<string, () => Promise<AnyTool>>> = {
  "bench-compare": async () => (await import("./bench-compare.ts")).tool,
  "bench-fixture": async () => (await import("./bench-fixture.ts")).tool,
  "bench-report": async () => (await import("./bench-report.ts")).tool,
  "camera-report": async () => (await import("./camera-report.ts")).tool,
  "capture-dmabuf": async () => (await import("./capture-dmabuf.ts")).tool,
  "capture-m2m": async () => (await import("./capture-m2m.ts")).tool,
  "capture-mmap": async () => (await import("./capture-mmap.ts")).tool,
  "capture-read": async () => (await import("./capture-read.ts")).tool,
  "capture-userptr": async () => (await import("./capture-userptr.ts")).tool,
  "check": async () => (await import("./check.ts")).tool,
  "cv-ref": async () => (await import("./cv-ref.ts")).tool,
  "decode-file": async () => (await import("./decode-file.ts")).tool,
  "decoder-daemon": async () => (await import("../daemon/decoder-daemon.ts")).tool,
  "dump-pgm": async () => (await import("./dump-pgm.ts")).tool,
  "fixture-feed": async () => (await import("./fixture-feed.ts")).tool,
  "loop-ctl": async () => (await import("./loop-ctl.ts")).tool,
  "loop-write": async () => (await import("./loop-write.ts")).tool,
  "meta-drain": async () => (await import("./meta-drain.ts")).tool,
  "pgm-diff": async () => (await import("./pgm-diff.ts")).tool,
  "trace-frames": async () => (await import("./trace-frames.ts")).tool,
};
