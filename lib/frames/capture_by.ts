/**
 * A capture by any of the ways that V4L2 has of taking frames.
 *
 * @module
 */
import type { Report, ToolSession } from "../cli/tool.ts";
import { captureDmabufs, type DmabufCapture } from "./capture_dmabufs.ts";
import { captureMapped } from "./capture_mapped.ts";
import { captureUserptr } from "./capture_userptr.ts";
import { readFrames } from "./read_frames.ts";

type Capturing = (values: DmabufCapture, session: ToolSession) => Promise<Report>;

/** By the name of each. With none of them the program does more than taking a frame. */
const WAYS = {
  mmap: captureMapped,
  read: (values, session) => readFrames({ ...values, "no-crc": true }, session),
  userptr: (values, session) => captureUserptr({ ...values, mode: "noreset" }, session),
  dmabuf: captureDmabufs,
} satisfies Record<string, Capturing>;

/** Their names. */
export type IoMethod = keyof typeof WAYS;

export const IO_METHODS = Object.keys(WAYS) as readonly IoMethod[];

/** Captures and records. */
export function captureBy(
  io: IoMethod,
  values: DmabufCapture,
  session: ToolSession,
): Promise<Report> {
  return WAYS[io](values, session);
}
