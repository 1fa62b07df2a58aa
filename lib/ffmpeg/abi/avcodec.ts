/**
 * libavcodec: codec contexts and packets (libavcodec/avcodec.h, packet.h).
 *
 * AVCodecContext differs between FFmpeg 5, 6, 7 and 8: it is set up by its options (av_opt_set) and
 * by functions alone. Of AVCodec and AVPacket only the first members are used, which do not differ.
 *
 * @module
 */

/** The functions of libavcodec that this project calls. */
export const AVCODEC = {
  avcodec_version: { parameters: [], result: "u32" },
  avcodec_find_decoder_by_name: { parameters: ["buffer"], result: "pointer" },
  avcodec_alloc_context3: { parameters: ["pointer"], result: "pointer" },
  avcodec_free_context: { parameters: ["buffer"], result: "void" },
  avcodec_parameters_to_context: { parameters: ["pointer", "pointer"], result: "i32" },
  avcodec_open2: { parameters: ["pointer", "pointer", "pointer"], result: "i32" },
  avcodec_flush_buffers: { parameters: ["pointer"], result: "void" },
  avcodec_send_packet: { parameters: ["pointer", "pointer"], result: "i32" },
  avcodec_receive_frame: { parameters: ["pointer", "pointer"], result: "i32" },
  avcodec_default_get_buffer2: { parameters: ["pointer", "pointer", "i32"], result: "i32" },
  /** Where that function lies: Deno gives a static of type pointer as its address. */
  address_of_default_get_buffer2: { name: "avcodec_default_get_buffer2", type: "pointer" },
  av_packet_alloc: { parameters: [], result: "pointer" },
  av_packet_free: { parameters: ["buffer"], result: "void" },
  av_packet_unref: { parameters: ["pointer"], result: "void" },
  av_new_packet: { parameters: ["pointer", "i32"], result: "i32" },
  av_packet_new_side_data: { parameters: ["pointer", "i32", "usize"], result: "pointer" },
} as const;

/** Zero bytes that a bitstream must have behind it, because readers run ahead. */
export const AV_INPUT_BUFFER_PADDING_SIZE = 64;

/** Offsets in AVCodec, the same in FFmpeg 5, 6, 7, 8 and 9. */
export const AVCODEC_STRUCT = {
  /** `const char *name`, which begins the struct */
  name: 0,
} as const;

/** Offsets in AVPacket, the same in FFmpeg 5, 6, 7, 8 and 9. */
export const AVPACKET = {
  /** `AVBufferRef *buf`, which begins the struct */
  buf: 0,
  /** `int64_t pts` */
  pts: 8,
  /** `uint8_t *data` */
  data: 24,
  /** `int size` */
  size: 32,
  /** `int stream_index` */
  streamIndex: 36,
  /** `int flags` */
  flags: 40,
  /** Bytes of AVPacket that this project looks at. */
  end: 44,
} as const;

/** enum AVPacketSideDataType, of libavcodec/packet.h: what decoders do not look at. */
export const AV_PKT_DATA_H263_MB_INFO = 3;

/** Of AVPacket.flags: a part of it is missing. */
export const AV_PKT_FLAG_CORRUPT = 1 << 1;
