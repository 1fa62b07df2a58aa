/**
 * V4L2 for Deno: devices, queues, dma-bufs and decoders by FFI, and what a frame loop records.
 *
 * @module
 */
export * as dmabuf from "./dmabuf/mod.ts";
export * as measure from "./measure/mod.ts";
export * as sys from "./sys/mod.ts";
export * as uapi from "./uapi/mod.ts";
export * as v4l2 from "./v4l2/mod.ts";
