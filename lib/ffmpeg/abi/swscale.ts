/**
 * libswscale: from one pixel layout to another (libswscale/swscale.h).
 *
 * @module
 */

/** The functions of libswscale that this project calls. */
export const SWSCALE = {
  swscale_version: { parameters: [], result: "u32" },
  sws_getContext: {
    parameters: [
      "i32",
      "i32",
      "i32",
      "i32",
      "i32",
      "i32",
      "i32",
      "pointer",
      "pointer",
      "pointer",
    ],
    result: "pointer",
  },
  sws_getCoefficients: { parameters: ["i32"], result: "pointer" },
  sws_getColorspaceDetails: {
    parameters: [
      "pointer",
      "buffer",
      "buffer",
      "buffer",
      "buffer",
      "buffer",
      "buffer",
      "buffer",
    ],
    result: "i32",
  },
  sws_setColorspaceDetails: {
    parameters: ["pointer", "pointer", "i32", "pointer", "i32", "i32", "i32", "i32"],
    result: "i32",
  },
  sws_freeContext: { parameters: ["pointer"], result: "void" },
  sws_scale: {
    parameters: ["pointer", "pointer", "pointer", "i32", "i32", "buffer", "buffer"],
    result: "i32",
  },
} as const;

export const SWS_BICUBIC = 4;
/** The matrix of BT.601. */
export const SWS_CS_DEFAULT = 5;
