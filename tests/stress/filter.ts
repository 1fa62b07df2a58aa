/**
 * The filter as a whole: its nodes, loading and binding it, and whether it works.
 *
 * @module
 */
import { ENOENT, SysError } from "../../lib/sys/errno.ts";
import { patterns } from "../../lib/image/patterns.ts";
import { FILTER_NAME } from "../../lib/vpipe/filter.ts";
import { succeed } from "../check/processes.ts";
import { CheckedStream } from "./stream.ts";

/** The platform driver in sysfs. */
export const DRIVER = `/sys/bus/platform/drivers/${FILTER_NAME}`;

const DEVICE = `${DRIVER}/${FILTER_NAME}`;

/** The one entry of a sysfs folder with such a name, as a device node. */
function node(folder: string, name: RegExp): string {
  try {
    for (const entry of Deno.readDirSync(folder)) {
      if (name.test(entry.name)) return `/dev/${entry.name}`;
    }
  } catch (error) {
    // The folder comes and goes with the device.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  throw new SysError(folder, `find ${name.source}`, ENOENT);
}

/**
 * The filter's video node, as it is numbered now.
 *
 * @throws {SysError} ENOENT where there is none
 */
export const videoNode = () => node(`${DEVICE}/video4linux`, /^video\d+$/);

/**
 * The media device that requests come from.
 *
 * @throws {SysError} ENOENT where there is none
 */
export const mediaNode = () => node(DEVICE, /^media\d+$/);

export const unload = () => succeed("rmmod", [FILTER_NAME]);
export const load = (module: string) => succeed("insmod", [module]);

/** Takes the device from the driver: as an unplugged one, for whoever has it open. */
export function unbind(): void {
  Deno.writeTextFileSync(`${DRIVER}/unbind`, FILTER_NAME);
}

export function bind(): void {
  Deno.writeTextFileSync(`${DRIVER}/bind`, FILTER_NAME);
}

/** Whether there is something at `path`. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

export const isBound = () => exists(DEVICE);
export const isLoaded = () => exists(`/sys/module/${FILTER_NAME}`);

/** Loads the module and binds the device, as far as something went wrong that left them off. */
export async function restore(module: string): Promise<void> {
  if (!isLoaded()) await load(module);
  if (!isBound()) bind();
}

/** Fails unless a frame comes through as the reference has it. */
export async function expectWorking(): Promise<void> {
  using stream = new CheckedStream(videoNode(), patterns.noise(320, 200), 100, 1);
  await stream.frame();
}
