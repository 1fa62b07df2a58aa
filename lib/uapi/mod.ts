/**
 * What kernel headers say, a module a header.
 *
 * @module
 */
export * from "./ioctl_number.ts";
export * from "./struct.ts";
export * from "./videodev2.ts";
