/**
 * libavutil: frames and what is beside their pictures, options, error texts (libavutil/frame.h,
 * video_enc_params.h, motion_vector.h, opt.h, error.h, imgutils.h).
 *
 * Only what is the same from FFmpeg 5 to 9 is used: functions, and the first members of AVFrame.
 *
 * @module
 */

/** The functions of libavutil that this project calls. */
export const AVUTIL = {
  avutil_version: { parameters: [], result: "u32" },
  av_version_info: { parameters: [], result: "pointer" },
  av_log_set_level: { parameters: ["i32"], result: "void" },
  av_strerror: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  av_opt_set: { parameters: ["pointer", "buffer", "buffer", "i32"], result: "i32" },
  av_opt_get_int: { parameters: ["pointer", "buffer", "i32", "buffer"], result: "i32" },
  av_opt_get_image_size: {
    parameters: ["pointer", "buffer", "i32", "buffer", "buffer"],
    result: "i32",
  },
  av_frame_alloc: { parameters: [], result: "pointer" },
  av_frame_free: { parameters: ["buffer"], result: "void" },
  av_frame_ref: { parameters: ["pointer", "pointer"], result: "i32" },
  av_frame_unref: { parameters: ["pointer"], result: "void" },
  av_frame_apply_cropping: { parameters: ["pointer", "i32"], result: "i32" },
  av_frame_get_buffer: { parameters: ["pointer", "i32"], result: "i32" },
  av_frame_get_side_data: { parameters: ["pointer", "i32"], result: "pointer" },
  av_frame_side_data_name: { parameters: ["i32"], result: "pointer" },
  av_buffer_is_writable: { parameters: ["pointer"], result: "i32" },
  av_get_pix_fmt: { parameters: ["buffer"], result: "i32" },
  av_get_pix_fmt_name: { parameters: ["i32"], result: "pointer" },
  av_pix_fmt_desc_get: { parameters: ["i32"], result: "pointer" },
  av_crc_get_table: { parameters: ["i32"], result: "pointer" },
  av_crc: { parameters: ["pointer", "u32", "buffer", "usize"], result: "u32" },
  av_image_get_buffer_size: { parameters: ["i32", "i32", "i32", "i32"], result: "i32" },
  av_image_copy: {
    parameters: ["buffer", "buffer", "buffer", "buffer", "i32", "i32", "i32"],
    result: "void",
  },
  av_image_copy_from: {
    name: "av_image_copy",
    parameters: ["buffer", "buffer", "pointer", "pointer", "i32", "i32", "i32"],
    result: "void",
  },
  av_image_copy_plane: {
    parameters: ["pointer", "i32", "pointer", "i32", "i32", "i32"],
    result: "void",
  },
} as const;

export const AV_LOG_QUIET = -8;
export const AV_LOG_VERBOSE = 40;
export const AV_OPT_SEARCH_CHILDREN = 1 << 0;

/** enum AVCRCId, of libavutil/crc.h: the CRC-32 of zlib. */
export const AV_CRC_32_IEEE_LE = 4;

/** AVERROR(EAGAIN): the decoder wants its next packet. */
export const AVERROR_EAGAIN = -11;
/** AVERROR(ENOMEM) */
export const AVERROR_ENOMEM = -12;
/** The end of a file, or of what a decoder held back: FFERRTAG('E', 'O', 'F', ' '). */
export const AVERROR_EOF = -0x20464f45;

/** Of av_frame_apply_cropping: to the sample, whatever that does to alignment. */
export const AV_FRAME_CROP_UNALIGNED = 1 << 0;

/** enum AVColorRange, of libavutil/pixfmt.h */
export const AVCOL_RANGE_UNSPECIFIED = 0;
export const AVCOL_RANGE_JPEG = 2;

/** Offsets in AVPixFmtDescriptor, of libavutil/pixdesc.h, the same in FFmpeg 5, 6, 7, 8 and 9. */
export const AVPIXFMTDESCRIPTOR = {
  /** `uint8_t nb_components`, behind the name */
  nbComponents: 8,
  /** `uint8_t log2_chroma_w`, `uint8_t log2_chroma_h` */
  log2ChromaW: 9,
  log2ChromaH: 10,
  /** `AVComponentDescriptor comp[4]` */
  comp: 24,
  /** `uint64_t flags` */
  flags: 16,
} as const;
/** Offsets in AVComponentDescriptor, the same in FFmpeg 5, 6, 7, 8 and 9, and its size. */
export const AVCOMPONENTDESCRIPTOR = {
  plane: 0,
  /** Bytes from one sample to the next. */
  step: 4,
  bytes: 20,
} as const;
export const AV_PIX_FMT_FLAG_PAL = 1 << 1;
export const AV_PIX_FMT_FLAG_BITSTREAM = 1 << 2;
export const AV_PIX_FMT_FLAG_HWACCEL = 1 << 3;
export const AV_PIX_FMT_FLAG_RGB = 1 << 5;

/**
 * Offsets in AVFrame, the same in FFmpeg 5, 6, 7, 8 and 9: where `int key_frame` went, the alignment
 * of what follows it took its place.
 */
export const AVFRAME = {
  /** `uint8_t *data[8]`, which begins the struct */
  data: 0,
  /** `int linesize[8]` */
  linesize: 64,
  width: 104,
  height: 108,
  format: 116,
  /** `int64_t pts` */
  pts: 136,
  /** Bytes of AVFrame that this project looks at. */
  size: 380,
} as const;

/**
 * Offsets in AVFrame of `int flags` and `int decode_error_flags`, by release of FFmpeg. Each is
 * offsetof() by that release's own header: of 5.1.9, 7.1.5 and 9.0.2; 6 has all members of 5, and 8
 * those of 9. Behind `flags` come the five enumerations of colour.
 */
export const AVFRAME_ERRORS = {
  5: { flags: 316, decodeErrorFlags: 376 },
  6: { flags: 316, decodeErrorFlags: 376 },
  7: { flags: 292, decodeErrorFlags: 344 },
  8: { flags: 276, decodeErrorFlags: 320 },
  9: { flags: 276, decodeErrorFlags: 320 },
} as const;

/** Of AVFrame.flags: the picture may be wrong. */
export const AV_FRAME_FLAG_CORRUPT = 1 << 0;

/** Of enum AVFrameSideDataType, whose numbers moved from release to release: by av_frame_side_data_name. */
export const SIDE_DATA_NAMES = {
  motionVectors: "Motion vectors",
  encodingParameters: "Video encoding parameters",
} as const;

/** Offsets in AVFrameSideData, of libavutil/frame.h. */
export const AVFRAMESIDEDATA = {
  /** `uint8_t *data` */
  data: 8,
  /** `size_t size` */
  size: 16,
} as const;

/** Offsets in AVVideoEncParams, of libavutil/video_enc_params.h: a header, then blocks. */
export const AVVIDEOENCPARAMS = {
  /** `unsigned int nb_blocks` */
  blocks: 0,
  /** `size_t blocks_offset`, `size_t block_size` */
  blocksOffset: 8,
  blockSize: 16,
  /** `int32_t qp`: of the whole picture */
  qp: 28,
} as const;

/** Offsets in AVVideoBlockParams, of libavutil/video_enc_params.h. */
export const AVVIDEOBLOCKPARAMS = { x: 0, y: 4, width: 8, height: 12, deltaQp: 16 } as const;

/** Offsets in AVMotionVector, of libavutil/motion_vector.h, and its size. */
export const AVMOTIONVECTOR = {
  /** `int32_t source`: below 0 for what was shown before, above for what will be */
  source: 0,
  /** `uint8_t w`, `uint8_t h` */
  width: 4,
  height: 5,
  /** `int16_t dst_x`, `int16_t dst_y` */
  toX: 10,
  toY: 12,
  /** `int32_t motion_x`, `int32_t motion_y`, in units of 1 / `uint16_t motion_scale` pixels */
  motionX: 24,
  motionY: 28,
  motionScale: 32,
  bytes: 40,
} as const;
