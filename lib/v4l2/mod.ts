/**
 * V4L2 devices, their queues of buffers, and clients of decoders.
 *
 * @module
 */
export type { Chroma, Control, Sequence } from "../codec/access_unit.ts";
export type { Codec, CodecName } from "../codec/codecs.ts";
export type { Rectangle } from "../image/rectangle.ts";
export * from "./cameras.ts";
export * from "./compound_controls.ts";
export type { ControlDescription, MenuItem } from "./controls.ts";
export type { Explain } from "./decoder/explain.ts";
export type { PictureFormat } from "./decoder/picture_buffers.ts";
export * from "./decoder/stateful_stream.ts";
export * from "./decoder/stateless_stream.ts";
export * from "./device.ts";
export type { FormatDescription, FrameIntervals, FrameSizes, Range } from "./enumerate.ts";
export * from "./events.ts";
export * from "./find.ts";
export type { Format, PlaneFormat, WantedFormat } from "./format.ts";
export * from "./frame_interval.ts";
export * from "./media.ts";
export type { Exported } from "./queue/buffer_memory.ts";
export * from "./queue/mplane_queue.ts";
export * from "./queue/queue.ts";
export * from "./selection.ts";
