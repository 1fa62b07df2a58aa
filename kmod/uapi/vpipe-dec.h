/* SPDX-License-Identifier: MIT */
/*
 * vpipe-dec: the bridge between the decoder nodes and the daemon with the codec.
 *
 * /dev/vpipe-dec is the session: one user at a time, a second open gets EBUSY.
 * It begins with a HELLO from the daemon. Each client's stream is announced
 * there and has a file of its own, which VPIPE_DEC_IOC_STREAM opens, so that
 * each can be served by its own thread. Closing the session ends them all.
 *
 * On both kinds of file read(2) gives one whole message, EMSGSIZE where it does
 * not fit, EAGAIN or a wait where there is none; write(2) takes one whole
 * message. poll(2) says POLLIN when there is a message. On the file of a stream
 * that is over read(2) gives 0, write(2) EPIPE and poll(2) POLLHUP.
 *
 * Neither bitstream nor pixels are in a message: both stay in the client's
 * buffers, of which the daemon gets dma-bufs by VPIPE_DEC_IOC_BUFFER.
 *
 * A stream is of one of two kinds, as its START says:
 *
 * - Stateless: each DECODE names an OUTPUT and a CAPTURE buffer, and its DONE says
 *   that the one was decoded into the other, in the order of the DECODEs.
 * - Stateful (VPIPE_DEC_STATEFUL): a DECODE names an OUTPUT buffer alone, and its
 *   DONE says that it is used up. The daemon tells the size of the pictures by
 *   FORMAT, hears by CAPTURE how they are to lie in memory and by EMPTY of buffers
 *   for them, and fills these by PICTURE, in display order. DRAIN is answered by
 *   DRAINED, when every picture of what came before it is out; a client may give it up,
 *   and the next one has its cookie again where no DECODE came between. The order of what
 *   is read: FREE, START, CAPTURE, EMPTY, DECODE, DRAIN, each as far as there is one.
 *
 * All integers are in the machine's byte order, without implicit padding.
 *
 * A message may become longer, and a bit or a reserved field may get a meaning, without
 * another VPIPE_DEC_VERSION. What is reserved is written as 0; EINVAL where it is not.
 * What is written may be longer than the kernel knows, if the rest is 0; E2BIG where it is
 * not. What is read may be longer than the daemon knows, which ignores the rest. By HELLO
 * a daemon learns what a kernel has of @features: EOPNOTSUPP where it lacks one.
 */
#ifndef _UAPI_VPIPE_DEC_H
#define _UAPI_VPIPE_DEC_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VPIPE_DEC_VERSION	5

/* Longest message in bytes, either way. */
#define VPIPE_DEC_MAX_MESSAGE	16384
#define VPIPE_DEC_MAX_PLANES	3

/* From the session to the daemon. */
#define VPIPE_DEC_MSG_OPENED	1	/* struct vpipe_dec_opened */
#define VPIPE_DEC_MSG_PING	2	/* a header: answer with the same cookie */

/* From the daemon to the session. */
#define VPIPE_DEC_MSG_HELLO	64	/* struct vpipe_dec_hello: comes first */
#define VPIPE_DEC_MSG_PONG	65	/* a header */

/* From a stream to the daemon. */
#define VPIPE_DEC_MSG_START	16	/* struct vpipe_dec_start */
#define VPIPE_DEC_MSG_DECODE	17	/* struct vpipe_dec_decode, then controls */
#define VPIPE_DEC_MSG_FREE	18	/* struct vpipe_dec_free */
#define VPIPE_DEC_MSG_CAPTURE	19	/* struct vpipe_dec_capture: stateful */
#define VPIPE_DEC_MSG_EMPTY	20	/* struct vpipe_dec_empty: stateful */
#define VPIPE_DEC_MSG_DRAIN	21	/* a header: stateful */

/* From the daemon to a stream. */
#define VPIPE_DEC_MSG_DONE	80	/* struct vpipe_dec_done */
#define VPIPE_DEC_MSG_FORMAT	81	/* struct vpipe_dec_format: stateful */
#define VPIPE_DEC_MSG_PICTURE	82	/* struct vpipe_dec_picture: stateful */
#define VPIPE_DEC_MSG_DRAINED	83	/* a header: stateful */

/* Codecs, as bits of vpipe_dec_hello.codecs. */
#define VPIPE_DEC_CODEC_VP9	(1U << 0)
#define VPIPE_DEC_CODEC_AV1	(1U << 1)
#define VPIPE_DEC_CODEC_H264	(1U << 2)
#define VPIPE_DEC_CODEC_HEVC	(1U << 3)
#define VPIPE_DEC_CODEC_VP8	(1U << 4)
#define VPIPE_DEC_CODEC_MPEG1	(1U << 5)
#define VPIPE_DEC_CODEC_MPEG2	(1U << 6)
#define VPIPE_DEC_CODEC_MPEG4	(1U << 7)
#define VPIPE_DEC_CODEC_H263	(1U << 8)

#define VPIPE_DEC_QUEUE_OUTPUT	0
#define VPIPE_DEC_QUEUE_CAPTURE	1

/* Values of vpipe_dec_done.status: all but OK set the buffers' error flag. */
#define VPIPE_DEC_OK		0
#define VPIPE_DEC_CORRUPT	1	/* the bitstream is; decoding goes on */
#define VPIPE_DEC_MISMATCH	2	/* size or depth is not that of CAPTURE, or */
					/* stateful: is of no CAPTURE there is */
#define VPIPE_DEC_NO_PICTURE	3	/* the bitstream holds none */
#define VPIPE_DEC_FAILED	4	/* the daemon could not do its part */

/* Bits of vpipe_dec_hello.features: none yet. */

/* Flags of vpipe_dec_start. */
#define VPIPE_DEC_STATEFUL	(1U << 0) /* display order; a CAPTURE tells the rest */
#define VPIPE_DEC_FILE		(1U << 1) /* what is decoded is a file: see vpipe_dec_start */

/*
 * Flags of vpipe_dec_decode, of a picture in several OUTPUT buffers: its slices or
 * fields. All of them name the same CAPTURE buffer.
 */
#define VPIPE_DEC_MORE		(1U << 0) /* more of the picture may follow: keep this */
#define VPIPE_DEC_FINISH	(1U << 1) /* nothing followed: no OUTPUT buffer, only */
					  /* what was kept is to be decoded */

/* Flags of vpipe_dec_buffer. */
#define VPIPE_DEC_BUFFER_IMPORTED	(1U << 0) /* bracket access with VPIPE_DEC_IOC_ACCESS */

/**
 * struct vpipe_dec_header - begins each message (24 bytes)
 * @version:	VPIPE_DEC_VERSION
 * @type:	VPIPE_DEC_MSG_*
 * @size:	of the whole message in bytes
 * @stream:	number of an open file of a node, not used twice; else 0
 * @reserved:	0
 * @cookie:	of one VPIPE_DEC_MSG_DECODE or _PING, for the answer; else 0
 */
struct vpipe_dec_header {
	__u16 version;
	__u16 type;
	__u32 size;
	__u32 stream;
	__u32 reserved;
	__u64 cookie;
};

/**
 * struct vpipe_dec_opened - there is a new stream: open its file (32 bytes)
 * @header:	@stream is the new one
 * @codec:	one of VPIPE_DEC_CODEC_*, or 0 as in START; START may name another
 * @reserved:	0
 */
struct vpipe_dec_opened {
	struct vpipe_dec_header header;
	__u32 codec;
	__u32 reserved;
};

/**
 * struct vpipe_dec_hello - what this daemon can do (48 bytes)
 * @header:	@stream and @cookie are 0
 * @codecs:	VPIPE_DEC_CODEC_*, at least one that the kernel knows
 * @streams:	that it serves at a time, from 1 on: a client beyond that gets EBUSY at
 *		VIDIOC_STREAMON. A stream counts until the daemon has closed its file.
 * @features:	of the protocol that it wants to use; EOPNOTSUPP where one is not known
 * @reserved:	0
 * @memory:	bytes that it has for the pictures of all streams, half of it for those of one
 *		user; 0: any number. A client beyond that gets EBUSY or EDQUOT at
 *		VIDIOC_STREAMON, by what its size and its references take at the least.
 */
struct vpipe_dec_hello {
	struct vpipe_dec_header header;
	__u32 codecs;
	__u32 streams;
	__u32 features;
	__u32 reserved;
	__u64 memory;
};

/**
 * struct vpipe_dec_plane - one plane of a CAPTURE buffer (8 bytes)
 * @bytesperline:	in bytes
 * @sizeimage:		of the plane in bytes
 */
struct vpipe_dec_plane {
	__u32 bytesperline;
	__u32 sizeimage;
};

/**
 * struct vpipe_dec_start - both queues are streaming (72 bytes)
 * @header:	no cookie
 * @codec:	one of VPIPE_DEC_CODEC_*, or 0 with VPIPE_DEC_FILE
 * @pixelformat: V4L2_PIX_FMT_* of CAPTURE
 * @width:	coded, in pixels
 * @height:	coded, in pixels
 * @num_planes:	of a CAPTURE buffer, 1 to 3
 * @flags:	VPIPE_DEC_STATEFUL, VPIPE_DEC_FILE
 * @planes:	@num_planes of them
 *
 * Begins anew: no frame before it is a reference for one behind it, but where only the
 * size is another one: VP9 and AV1 refer across that.
 *
 * On a stateful stream only OUTPUT is streaming. @pixelformat, @num_planes and
 * @planes are 0, and @width and @height what the client thinks. Whatever the daemon
 * has of CAPTURE buffers is no longer valid: a CAPTURE and EMPTYs follow where that
 * queue is streaming too. The first picture wants a FORMAT before it.
 *
 * With VPIPE_DEC_FILE, on a stateful stream, the OUTPUT buffers are the parts of one file:
 * a stream with or without a container, or, where @codec is given, a bare frame. A DECODE
 * of no bytes ends it; all its pictures come then. @codec is 0 where the daemon has to tell
 * what is in it; CORRUPT where it cannot.
 */
struct vpipe_dec_start {
	struct vpipe_dec_header header;
	__u32 codec;
	__u32 pixelformat;
	__u32 width;
	__u32 height;
	__u32 num_planes;
	__u32 flags;
	struct vpipe_dec_plane planes[VPIPE_DEC_MAX_PLANES];
};

/**
 * struct vpipe_dec_capture - CAPTURE of a stateful stream takes pictures (64 bytes)
 * @header:	no cookie
 * @pixelformat: V4L2_PIX_FMT_*
 * @width:	coded, in pixels, as the latest FORMAT had it
 * @height:	coded, in pixels, as the latest FORMAT had it
 * @num_planes:	of a buffer, 1 to 3
 * @planes:	@num_planes of them
 *
 * No buffer that was announced before is valid any more: EMPTYs follow.
 */
struct vpipe_dec_capture {
	struct vpipe_dec_header header;
	__u32 pixelformat;
	__u32 width;
	__u32 height;
	__u32 num_planes;
	struct vpipe_dec_plane planes[VPIPE_DEC_MAX_PLANES];
};

/**
 * struct vpipe_dec_empty - a CAPTURE buffer to be filled (32 bytes)
 * @header:	@cookie is for the PICTURE
 * @index:	of the buffer
 * @reserved:	0
 */
struct vpipe_dec_empty {
	struct vpipe_dec_header header;
	__u32 index;
	__u32 reserved;
};

/**
 * struct vpipe_dec_decode - one frame to decode (56 bytes), then @num_controls
 *			     times struct vpipe_dec_control with its payload
 * @header:		@cookie is for the answer
 * @output_index:	of the buffer with the bitstream; 0 with VPIPE_DEC_FINISH
 * @bytesused:		of it in bytes; 0 with VPIPE_DEC_FINISH
 * @capture_index:	of the buffer for the picture; 0 on a stateful stream
 * @num_controls:	stateless parameters behind this
 * @timestamp_ns:	of the OUTPUT buffer, by which references are named
 * @flags:		VPIPE_DEC_MORE, VPIPE_DEC_FINISH
 * @reserved:		0
 */
struct vpipe_dec_decode {
	struct vpipe_dec_header header;
	__u32 output_index;
	__u32 bytesused;
	__u32 capture_index;
	__u32 num_controls;
	__u64 timestamp_ns;
	__u32 flags;
	__u32 reserved;
};

/**
 * struct vpipe_dec_control - one stateless control of a frame (8 bytes), then its
 *			      payload, filled up with zeroes to 8 bytes
 * @id:		V4L2_CID_STATELESS_*
 * @size:	of the payload in bytes, without what fills it up
 */
struct vpipe_dec_control {
	__u32 id;
	__u32 size;
};

/**
 * struct vpipe_dec_free - buffers are gone: unmap them (32 bytes)
 * @header:	no cookie
 * @queue:	VPIPE_DEC_QUEUE_*
 * @indices:	one bit for each buffer that is gone
 */
struct vpipe_dec_free {
	struct vpipe_dec_header header;
	__u32 queue;
	__u32 indices;
};

/**
 * struct vpipe_dec_done - what became of a frame (48 bytes)
 * @header:	@stream and @cookie of the oldest VPIPE_DEC_MSG_DECODE that was
 *		read and not answered; ESTALE for one that was answered or taken
 *		back since, EINVAL for any other
 * @status:	VPIPE_DEC_OK and so on
 * @codec_ns:	of the time since the DECODE was read, what the codec library took
 *		itself; at most 2^32 - 1
 * @bytesused:	of each CAPTURE plane in bytes, at most its sizeimage; 0 of one that there
 *		is not, on a stateful stream and with VPIPE_DEC_MORE: EINVAL where it is not.
 *		With VPIPE_DEC_CORRUPT that of a picture that was patched up, or 0 where
 *		there is none.
 * @reserved:	0
 *
 * On a stateful stream it comes when all pictures that the OUTPUT buffer gave are out.
 * Any status but VPIPE_DEC_OK sets the error flag of the OUTPUT buffer. Before the first
 * FORMAT behind a START the client waits for one: MISMATCH and FAILED then end the stream,
 * and the client gets EIO; with CORRUPT it hears of the format that it gave itself.
 */
struct vpipe_dec_done {
	struct vpipe_dec_header header;
	__u32 status;
	__u32 codec_ns;
	__u32 bytesused[VPIPE_DEC_MAX_PLANES];
	__u32 reserved;
};

/**
 * struct vpipe_dec_format - what the pictures from here on are like (72 bytes)
 * @header:	@cookie is that of the DECODE they begin with; ESTALE for one from
 *		before the latest START, EINVAL for one that never was
 * @width:	coded, in pixels, 1 to 4096
 * @height:	coded, in pixels, 1 to 4096
 * @left:	of the visible part, in pixels
 * @top:	of the visible part, in pixels
 * @visible_width: in pixels, inside the coded width
 * @visible_height: in pixels, inside the coded height
 * @depth:	bits of a sample, 8 to 10
 * @reserved:	0
 * @colorspace:	V4L2_COLORSPACE_*, as the stream has it; 0 where it does not say, as of the
 *		next three: CAPTURE then has what the client gave on OUTPUT
 * @xfer_func:	V4L2_XFER_FUNC_*
 * @ycbcr_enc:	V4L2_YCBCR_ENC_*
 * @quantization: V4L2_QUANTIZATION_*
 *
 * Sent before the first picture behind a START, and whenever any of this changes.
 * The client learns of it and gets CAPTURE ready. No buffer that the daemon has is
 * valid any more: it waits for a CAPTURE and EMPTYs, and keeps its picture so long.
 */
struct vpipe_dec_format {
	struct vpipe_dec_header header;
	__u32 width;
	__u32 height;
	__u32 left;
	__u32 top;
	__u32 visible_width;
	__u32 visible_height;
	__u32 depth;
	__u32 reserved;
	__u32 colorspace;
	__u32 xfer_func;
	__u32 ycbcr_enc;
	__u32 quantization;
};

/**
 * struct vpipe_dec_picture - a CAPTURE buffer has its picture (48 bytes)
 * @header:	@stream and @cookie of an EMPTY that was read; ESTALE for one that was
 *		taken back since: keep the picture for another buffer
 * @source:	cookie of the DECODE whose picture it is, at most 255 behind the
 *		latest cookie; ESTALE for one from before the latest START, EINVAL for
 *		one that never was
 * @bytesused:	of each plane in bytes, at most its sizeimage; 0 of one that there is not
 * @status:	VPIPE_DEC_OK, or VPIPE_DEC_CORRUPT to set the error flag
 */
struct vpipe_dec_picture {
	struct vpipe_dec_header header;
	__u64 source;
	__u32 bytesused[VPIPE_DEC_MAX_PLANES];
	__u32 status;
};

/**
 * struct vpipe_dec_stream - the file of a stream (8 bytes)
 * @stream:	in, number from struct vpipe_dec_opened
 * @fd:		out, close-on-exec and O_NONBLOCK
 */
struct vpipe_dec_stream {
	__u32 stream;
	__s32 fd;
};

/**
 * struct vpipe_dec_buffer - a dma-buf of one plane of a buffer (24 bytes)
 * @queue:	in, VPIPE_DEC_QUEUE_*
 * @index:	in
 * @plane:	in
 * @flags:	out, VPIPE_DEC_BUFFER_*
 * @fd:		out, close-on-exec
 * @size:	out, of the plane in bytes
 */
struct vpipe_dec_buffer {
	__u32 queue;
	__u32 index;
	__u32 plane;
	__u32 flags;
	__s32 fd;
	__u32 size;
};

/**
 * struct vpipe_dec_memory - what the pictures of a stream take (16 bytes)
 * @wanted:	in, bytes that they take, from now on
 * @available:	out, bytes that other streams leave for them
 */
struct vpipe_dec_memory {
	__u64 wanted;
	__u64 available;
};

/**
 * struct vpipe_dec_access - the CPU is about to use a dma-buf, or has (8 bytes)
 * @fd:		of the dma-buf
 * @flags:	DMA_BUF_SYNC_*, as struct dma_buf_sync has them
 */
struct vpipe_dec_access {
	__s32 fd;
	__u32 flags;
};

/* On the session. ENOENT: no such stream, EBUSY: its file was opened before. */
#define VPIPE_DEC_IOC_STREAM	_IOWR('d', 0x40, struct vpipe_dec_stream)

/*
 * On a stream. EINVAL: no such queue, index or plane. ESTALE: the daemon does not have the
 * buffer, or not any more. ENOMEM: the kernel had none for it. EPIPE: the stream is over.
 * What is mapped stays valid when the buffer goes: unmap it on VPIPE_DEC_MSG_FREE.
 */
#define VPIPE_DEC_IOC_BUFFER	_IOWR('d', 0x41, struct vpipe_dec_buffer)

/*
 * On a stream, before its pictures take more, or when they take less. EBUSY: all streams, or
 * EDQUOT: those of this user have too much of vpipe_dec_hello.memory; nothing changes, and
 * @available says how much there is. EPIPE: the stream is not served any more.
 */
#define VPIPE_DEC_IOC_MEMORY	_IOWR('d', 0x42, struct vpipe_dec_memory)

/*
 * On a stream: as DMA_BUF_IOCTL_SYNC, but that nobody waits for a fence, which is the client's
 * and may never signal. VIDIOC_QBUF has waited for those of then. EINVAL, EBADF; and what the
 * exporter gives.
 */
#define VPIPE_DEC_IOC_ACCESS	_IOW('d', 0x43, struct vpipe_dec_access)

#endif
