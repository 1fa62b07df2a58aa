/**
 * What kernel headers say, a module a header.
 *
 * @module
 */
export * from "./dma_buf.ts";
export * from "./dma_heap.ts";
export * from "./drm.ts";
export * from "./drm_mode.ts";
export * from "./ioctl_number.ts";
export * from "./media.ts";
export * from "./perf_event.ts";
export * from "./struct.ts";
export * from "./udmabuf.ts";
export * from "./v4l2_controls_av1.ts";
export * from "./v4l2_controls_h264.ts";
export * from "./v4l2_controls_hevc.ts";
export * from "./v4l2_controls_mpeg2.ts";
export * from "./v4l2_controls_vp8.ts";
export * from "./v4l2_controls_vp9.ts";
export * from "./videodev2.ts";
export * from "./vpipe.ts";
export * from "./vpipe_dec.ts";
export * from "./vpipe_loop.ts";
export * from "./vpipe_loop_ctl.ts";
