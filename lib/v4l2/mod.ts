/**
 * V4L2 devices, their queues of buffers, and clients of decoders.
 *
 * @module
 */
export * from "./decoder/stateful_stream.ts";
export * from "./device.ts";
export * from "./events.ts";
export * from "./find.ts";
export * from "./media.ts";
export * from "./queue/mplane_queue.ts";
export * from "./queue/queue.ts";
export * from "./selection.ts";
