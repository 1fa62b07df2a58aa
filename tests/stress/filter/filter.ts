/**
 * The filter as a whole: its nodes, loading and binding it, and whether it works.
 *
 * @module
 */
import { patterns } from "../../../lib/image/patterns.ts";
import { filter } from "../../harness/nodes.ts";
import { CheckedStream } from "./stream.ts";

/** The platform driver in sysfs. */
export const DRIVER = filter.folder;

export const videoNode = () => filter.videoNode();
export const mediaNode = () => filter.mediaNode();
export const unload = () => filter.unload();
export const load = (module: string) => filter.load(module);
export const unbind = () => filter.unbind();
export const bind = () => filter.bind();
export const isBound = () => filter.isBound();
export const isLoaded = () => filter.isLoaded();

/** Fails unless a frame comes through as the reference has it. */
export async function expectWorking(): Promise<void> {
  using stream = new CheckedStream(videoNode(), patterns.noise(320, 200), 100, 1);
  await stream.frame();
}
