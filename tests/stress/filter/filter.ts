/**
 * Whether the filter works.
 *
 * @module
 */
import { patterns } from "../../../lib/image/patterns.ts";
import { filter } from "../../harness/nodes.ts";
import { CheckedStream } from "./stream.ts";

/** Fails unless a frame comes through as the reference has it. */
export async function expectWorking(): Promise<void> {
  using stream = new CheckedStream(filter.videoNode(), patterns.noise(320, 200), 100, 1);
  await stream.frame();
}
