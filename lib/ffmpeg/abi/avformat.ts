/**
 * libavformat: files, and the coded frames in them (libavformat/avformat.h).
 *
 * @module
 */

/** The functions of libavformat that this project calls. */
export const AVFORMAT = {
  avformat_version: { parameters: [], result: "u32" },
  avformat_open_input: { parameters: ["buffer", "buffer", "pointer", "pointer"], result: "i32" },
  avformat_find_stream_info: { parameters: ["pointer", "pointer"], result: "i32" },
  avformat_close_input: { parameters: ["buffer"], result: "void" },
  av_find_best_stream: {
    parameters: ["pointer", "i32", "i32", "i32", "buffer", "i32"],
    result: "i32",
  },
  /** An AVRational by value: numerator, denominator. */
  av_guess_frame_rate: {
    parameters: ["pointer", "pointer", "pointer"],
    result: { struct: ["i32", "i32"] },
  },
  /** Until FFmpeg 7. */
  av_stream_get_side_data: {
    parameters: ["pointer", "i32", "buffer"],
    result: "pointer",
    optional: true,
  },
  av_read_frame: { parameters: ["pointer", "pointer"], result: "i32" },
} as const;

/** enum AVMediaType, of libavutil/avutil.h */
export const AVMEDIA_TYPE_VIDEO = 0;

/** Offsets in AVFormatContext, the same in FFmpeg 5, 6, 7, 8 and 9. */
export const AVFORMATCONTEXT = {
  /** `const AVInputFormat *iformat`, behind the AVClass */
  iformat: 8,
  /** `AVStream **streams`, behind five pointers, `int ctx_flags` and `unsigned nb_streams` */
  streams: 48,
} as const;

/** Offsets in AVInputFormat, the same in FFmpeg 5, 6, 7, 8 and 9. */
export const AVINPUTFORMAT = {
  /** `const char *name`, which begins the struct */
  name: 0,
} as const;

/**
 * Offset of `AVCodecParameters *codecpar` in AVStream, by release of FFmpeg: no function gives it.
 * Each is offsetof() by that release's own header: of 5.1.9, where it is the last member but one;
 * of 6.1.1, 7.1.5, 8.0.1 and 9.0.2, where it follows av_class, index and id.
 */
export const AVSTREAM_CODECPAR = { 5: 208, 6: 16, 7: 16, 8: 16, 9: 16 } as const;

/** Offsets in AVCodecParameters, the same in FFmpeg 7, 8 and 9, of libavcodec/codec_par.h. */
export const AVCODECPARAMETERS = {
  /** `AVPacketSideData *coded_side_data`, `int nb_coded_side_data` */
  codedSideData: 32,
  nbCodedSideData: 40,
} as const;

/** An AVPacketSideData: `uint8_t *data`, `size_t size`, `enum AVPacketSideDataType type`. */
export const AVPACKETSIDEDATA = { data: 0, size: 8, type: 16, bytes: 24 } as const;

/** enum AVPacketSideDataType, of libavcodec/packet.h */
export const AV_PKT_DATA_DISPLAYMATRIX = 5;
