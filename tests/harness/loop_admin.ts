/**
 * The device by which nodes of the loopback module are added and removed.
 *
 * @module
 */
import { errno } from "../../lib/sys/errno.ts";
import { File, O_RDONLY } from "../../lib/sys/file.ts";
import * as ctl from "../../lib/uapi/vpipe_loop_ctl.ts";

/** There with `compat=1`. */
export const ADMIN = "/dev/v4l2loopback";

/** The two generations of numbers. */
export const GENERATIONS = {
  "0.15": {
    add: ctl.V4L2LOOPBACK_CTL_ADD,
    remove: ctl.V4L2LOOPBACK_CTL_REMOVE,
    query: ctl.V4L2LOOPBACK_CTL_QUERY,
  },
  "before 0.14": {
    add: ctl.V4L2LOOPBACK_CTL_ADD_legacy,
    remove: ctl.V4L2LOOPBACK_CTL_REMOVE_legacy,
    query: ctl.V4L2LOOPBACK_CTL_QUERY_legacy,
  },
} as const;

/** What a node is to be. */
export type Config = Parameters<typeof ctl.v4l2_loopback_config.alloc>[0];

/** /dev/v4l2loopback; calls give their result, or the negated errno. */
export class Admin implements Disposable {
  readonly #file = File.open(ADMIN, O_RDONLY);
  readonly #calls;

  constructor(readonly calls: typeof GENERATIONS[keyof typeof GENERATIONS] = GENERATIONS["0.15"]) {
    // The library's takes memory, and here the argument may be a number.
    const { symbols } = Deno.dlopen("libc.so.6", {
      ioctl: { parameters: ["i32", "u32", "usize"], result: "i32" },
    });
    this.#calls = symbols;
  }

  call(request: number, argument: number | Uint8Array<ArrayBuffer>): number {
    const value = typeof argument === "number"
      ? BigInt(argument)
      : Deno.UnsafePointer.value(Deno.UnsafePointer.of(argument));
    const result = this.#calls.ioctl(this.#file.fd, request, value);
    return result < 0 ? -errno() : result;
  }

  /** @returns N of its /dev/videoN */
  add(config: Config): number {
    const { bytes } = ctl.v4l2_loopback_config.alloc({
      output_nr: -1,
      announce_all_caps: -1,
      ...config,
    });
    return this.call(this.calls.add.request, bytes);
  }

  remove(nr: number): number {
    return this.call(this.calls.remove.request, nr);
  }

  query(nr: number) {
    const config = ctl.v4l2_loopback_config.alloc({ output_nr: nr });
    const result = this.call(this.calls.query.request, config.bytes);
    return { result, config };
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
