/**
 * What the checks share: where things are, and the nodes once they are found.
 *
 * @module
 */
import { parse } from "@std/csv";
import { videoNodes } from "../../lib/v4l2/find.ts";
import { exists } from "./modules.ts";
import { Running, succeed } from "./processes.ts";
import { expect, Skip } from "./suite.ts";

export const META = "/dev/vpipe-meta";
export const HEAP = "/dev/dma_heap/system";

const UDMABUF = "/dev/udmabuf";

/** udmabuf's memory can be mapped by a driver since Linux 6.2 (drivers/dma-buf/udmabuf.c). */
function udmabufIsMapped(): boolean {
  const [major, minor] = Deno.osRelease().split(".").map(Number);
  return major > 6 || major === 6 && minor >= 2;
}

/**
 * Where dma-bufs come from: the dma-heap, or where the kernel has none, as Debian's for aarch64,
 * udmabuf. Skips the running check where it has neither, as on Debian's 6.1.
 */
export function heap(): string {
  const sources = udmabufIsMapped() ? [HEAP, UDMABUF] : [HEAP];
  const found = sources.find(exists);
  if (found === undefined) {
    throw new Skip(`this kernel has neither ${HEAP} nor a ${UDMABUF} for drivers`);
  }
  return found;
}

/** The highest rate that vivid has at 640x480 on every kernel from 6.1 on. */
export const FPS = 25;

/** Paths of one run of the suite. */
export class Context implements Disposable {
  /** Scratch files, removed at the end. */
  readonly scratch: string = Deno.makeTempDirSync({ prefix: "vpipe-check-" });

  constructor(
    /** Folder of the tools under test. */
    readonly tools: string,
    /** vpipe.ko */
    readonly module: string,
    readonly fixtures: string,
    /** Folder of the bench scripts. */
    readonly scripts: string,
    /** Where images for the reader are kept. */
    readonly artifacts: string,
  ) {
    Deno.mkdirSync(artifacts, { recursive: true });
  }

  /** vpipe-dec.ko, built beside vpipe.ko. */
  get decoderModule(): string {
    return this.module.replace(/[^/]*$/, "vpipe-dec.ko");
  }

  /** vpipe-loop.ko, built beside vpipe.ko. */
  get loopModule(): string {
    return this.module.replace(/[^/]*$/, "vpipe-loop.ko");
  }

  /** The library of daemon/pixel_functions/example.c, built beside the tools. */
  get kernels(): string {
    return `${this.tools}/../kernels/example.so`;
  }

  tool(name: string): string {
    return `${this.tools}/${name}`;
  }

  /** Runs a tool that has to succeed, and returns its stdout. */
  run(name: string, ...args: (string | number)[]): Promise<string> {
    return succeed(this.tool(name), args.map(String));
  }

  start(name: string, ...args: (string | number)[]): Running {
    return new Running(this.tool(name), args.map(String));
  }

  /** Starts meta-drain and waits until the next frame will be recorded. */
  async drain(csv: string, frames: number, ...options: string[]): Promise<Running> {
    const drain = this.start("meta-drain", META, csv, frames, "--ready", ...options);
    const line = await drain.line();
    if (line !== "ready") {
      const { stderr } = await drain.end();
      expect(false, `meta-drain did not get ready: ${stderr}`);
    }
    return drain;
  }

  /** The filter's node, as it is numbered now. */
  get filter(): string {
    const node = videoNodes().find(({ name }) => name === "vpipe");
    expect(node !== undefined, "no video node named vpipe");
    return node.path;
  }

  /** vivid's first capture node. */
  get vivid(): string {
    const node = videoNodes().find(({ name }) => /^vivid-\d+-vid-cap$/.test(name));
    expect(node !== undefined, "no vivid capture node: is the vivid module there?");
    return node.path;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.scratch, { recursive: true });
  }
}

/** The rows of a CSV file by column name; every row must have all columns. */
export function readCsv(path: string): Record<string, string>[] {
  const text = Deno.readTextFileSync(path);
  expect(text.endsWith("\n"), `${path}: the last row is incomplete`);
  return parse(text, { skipFirstRow: true });
}

/** Those of one that is being written. */
export function rowsSoFar(path: string): Record<string, string>[] {
  const text = Deno.readTextFileSync(path);
  return parse(text.slice(0, text.lastIndexOf("\n") + 1), { skipFirstRow: true });
}

/** V4L2 has AV1 since Linux 6.5. */
export function hasAv1(): boolean {
  const [major, minor] = Deno.osRelease().split(".").map(Number);
  return major > 6 || (major === 6 && minor >= 5);
}
