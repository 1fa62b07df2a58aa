/**
 * A call for faults to be injected into, and those that every module has.
 *
 * @module
 */
import { EBUSY, EINVAL, ENODEV } from "../../../lib/sys/errno.ts";
import { File, O_NONBLOCK, O_WRONLY } from "../../../lib/sys/file.ts";
import { tryIoctl } from "../../../lib/sys/ioctl.ts";
import { addressOf, cString, libc } from "../../../lib/sys/libc.ts";
import type { Ioctl } from "../../../lib/uapi/ioctl_number.ts";
import * as v4l2 from "../../../lib/uapi/videodev2.ts";
import type { Driver, Module } from "../../harness/modules.ts";
import { expectEqual } from "../../harness/suite.ts";
import { orErrno, raw } from "./libc.ts";

/** Makes a call, with or without a fault in it; passes on its result or negated errno. */
export type Inject = (call: () => number) => number;

/** One call. */
export interface Trial {
  readonly name: string;
  /** How often the kernel may ask for memory in it; undefined: as often as it likes. */
  readonly most?: number;
  /** Errnos that a fault may give, beside ENOMEM. */
  readonly errnos?: readonly number[];
  /** Sets up from nothing, makes the call through `inject`, leaves nothing behind. */
  run(inject: Inject): void;
}

/** An argument that is a number. */
export const int = (value: number) => new Uint8Array(Int32Array.of(value).buffer);

/** An ioctl, to be made later. */
export const call =
  (file: { readonly fd: number }, { request }: Ioctl, argument: Uint8Array<ArrayBuffer>) => () =>
    tryIoctl(file.fd, request, argument);

/** Argument of VIDIOC_REQBUFS. */
export const buffersOf = (type: number, memory: number, count = 2) =>
  v4l2.v4l2_requestbuffers.alloc({ type, memory, count }).bytes;

/** open(2) of a node. */
export const opening = (path: string, flags: number): Trial => ({
  name: `open ${path}`,
  run(inject) {
    const name = cString(path);
    const fd = inject(() => orErrno(libc.open(name, flags, 0)));
    if (fd >= 0) libc.close(fd);
  },
});

/** What the kernel makes of a device without memory for its name, and of no memory for a number. */
const REGISTRATION = [EINVAL, EBUSY];

/** The driver's probe, called by binding the device to it. */
function bindTrial(driver: Driver): Trial {
  const name = cString(driver.name);
  return {
    name: "probe",
    errnos: REGISTRATION,
    run(inject) {
      driver.unbind();
      using file = File.open(`${driver.folder}/bind`, O_WRONLY);
      const result = inject(() =>
        orErrno(raw.write(file.fd, addressOf(name), BigInt(driver.name.length)))
      );
      expectEqual("device bound", driver.isBound(), result >= 0);
      if (result < 0) driver.bind();
    },
  };
}

/**
 * Loading the module.
 *
 * @param moduleName as the kernel has it
 * @param module its file
 */
export function loadTrial(driver: Module, moduleName: string, module: string): Trial {
  const image = Deno.readFileSync(module);
  const name = cString(moduleName);
  const none = cString("");
  const insert = () => orErrno(raw.init_module(image, BigInt(image.length), none));
  const remove = () => orErrno(raw.delete_module(name, O_NONBLOCK));
  return {
    name: "load",
    // ENODEV: no device could be probed, so the module does not stay.
    errnos: [ENODEV, ...REGISTRATION],
    run(inject) {
      if (driver.isLoaded()) expectEqual("delete_module", remove(), 0);
      const result = inject(insert);
      expectEqual("module loaded", driver.isLoaded(), result >= 0);
      if (result < 0) expectEqual("init_module without a fault", insert(), 0);
    },
  };
}

/**
 * Coming and going of a module and its device.
 *
 * @param name of the module, as the kernel has it
 * @param module its file
 */
export const moduleTrials = (driver: Driver, name: string, module: string): Trial[] => [
  bindTrial(driver),
  loadTrial(driver, name, module),
];
