/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The decoder: a stateless V4L2 node whose codec is a process.
 *
 *   core.c	the device, from probe to its last user
 *   node.c	/dev/videoN: files, queues, ioctls
 *   formats.c	what is on OUTPUT and on CAPTURE
 *   controls.c	the stateless parameters of each codec
 *   stream.c	frames on their way between a file of the node and the daemon
 *   session.c	/dev/vpipe-dec: the daemon
 *   debugfs.c	ping and stats
 *   inject.c	decoding without a client
 *
 * Locks, in the order in which they are taken: vdec_ctx.lock (a mutex: one
 * file's queues and formats), vdec_dev.lock (the session and the list of streams),
 * and vdec_stream.lock (frames in the daemon's hands).
 */
#ifndef VPIPE_DEC_H
#define VPIPE_DEC_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <media/v4l2-ctrls.h>
#include <media/v4l2-mem2mem.h>

#include "../compat.h"
#include "../media.h"
#include "../uapi/vpipe-dec.h"

#define VDEC_NAME		"vpipe-dec"

#define VDEC_MIN_SIZE		1
#define VDEC_MAX_SIZE		4096
#define VDEC_DEF_WIDTH		640
#define VDEC_DEF_HEIGHT		480

/* Queues by V4L2_TYPE_IS_CAPTURE(), as VPIPE_DEC_QUEUE_* has them. */
#define VDEC_NUM_QUEUES		2

/* Buffers of a queue: videobuf2 gives no more, and a message has a bit for each. */
#define VDEC_MAX_BUFFERS	BITS_PER_TYPE(u32)

struct vdec_dev;
struct vdec_session;

/**
 * struct vdec_control - a stateless control
 * @cfg:	as the control framework wants it
 * @depth:	bits of a sample by its payload, NULL where it does not say
 */
struct vdec_control {
	struct v4l2_ctrl_config cfg;
	unsigned int (*depth)(const void *payload);
};

/**
 * struct vdec_coded - a format of OUTPUT
 * @fourcc:		V4L2_PIX_FMT_*
 * @ivf:		its name in an IVF file
 * @codec:		VPIPE_DEC_CODEC_*
 * @controls:		its stateless parameters
 * @num_controls:	how many
 */
struct vdec_coded {
	u32 fourcc;
	u32 ivf;
	u32 codec;
	const struct vdec_control *controls;
	unsigned int num_controls;
};

/**
 * struct vdec_raw - a format of CAPTURE, 4:2:0 with interleaved chroma
 * @fourcc:	V4L2_PIX_FMT_*
 * @depth:	bits of a sample
 * @bytes:	of a sample
 * @planes:	buffers of memory: luma and chroma together, or each its own
 */
struct vdec_raw {
	u32 fourcc;
	unsigned int depth;
	unsigned int bytes;
	unsigned int planes;
};

/**
 * struct vdec_ctx - an open file of the node
 * @kref:		counts the file, and each stream that was begun on it
 * @fh:			its handle, with the mem2mem context
 * @dev:		the device
 * @hdl:		the controls of all codecs
 * @ctrls:		the same, in the order of the tables
 * @lock:		of both queues, the formats and @stream
 * @coded:		format of OUTPUT
 * @raw:		format of CAPTURE
 * @width:		coded, of both sides, in pixels
 * @height:		coded, of both sides, in pixels
 * @out_sizeimage:	of an OUTPUT buffer in bytes
 * @colorspace:		as given on OUTPUT
 * @xfer_func:		as given on OUTPUT
 * @ycbcr_enc:		as given on OUTPUT
 * @quantization:	as given on OUTPUT
 * @depth:		bits of a sample, as the controls last said; read and written
 *			without @lock
 * @sequence:		of each queue's next buffer
 * @streaming:		queues that are
 * @stream:		its stream, from the first time that both are
 * @controls:		vdec_frame.controls of each OUTPUT buffer
 */
struct vdec_ctx {
	struct kref kref;
	struct v4l2_fh fh;
	struct vdec_dev *dev;
	struct v4l2_ctrl_handler hdl;
	struct v4l2_ctrl **ctrls;
	struct mutex lock; /* of both queues, the formats and the stream */

	const struct vdec_coded *coded;
	const struct vdec_raw *raw;
	u32 width;
	u32 height;
	u32 out_sizeimage;
	enum v4l2_colorspace colorspace;
	enum v4l2_xfer_func xfer_func;
	enum v4l2_ycbcr_encoding ycbcr_enc;
	enum v4l2_quantization quantization;
	unsigned int depth;

	u32 sequence[VDEC_NUM_QUEUES];
	bool streaming[VDEC_NUM_QUEUES];
	struct vdec_stream *stream;
	u8 *controls[VIDEO_MAX_FRAME];
};

/**
 * struct vdec_frame - an OUTPUT buffer, and the frame that is decoded from it
 * @m2m:		has to come first
 * @entry:		in vdec_stream.waiting or .given
 * @capture:		the buffer for the picture, while it is in one of these
 * @cookie:		by which the daemon answers
 * @begun_ns:		when both buffers were there
 * @read_ns:		when the daemon read it
 * @controls:		memory for the parameters as a message has them
 * @controls_size:	of them in bytes
 * @num_controls:	how many
 */
struct vdec_frame {
	struct v4l2_m2m_buffer m2m;
	struct list_head entry;
	struct vb2_v4l2_buffer *capture;
	u64 cookie;
	u64 begun_ns;
	u64 read_ns;
	u8 *controls;
	u32 controls_size;
	u32 num_controls;
};

/**
 * struct vdec_span - how long something took
 * @total_ns:	of all frames
 * @max_ns:	of one
 */
struct vdec_span {
	u64 total_ns;
	u64 max_ns;
};

/**
 * struct vdec_stats - of one stream, or of all that are over
 * @frames:	answered with a picture
 * @errors:	answered with none, or taken back
 * @in_bytes:	of bitstream
 * @out_bytes:	of pictures
 * @waiting:	of @frames, from when both buffers were there until the daemon read it
 * @working:	from then to the answer
 */
struct vdec_stats {
	u64 frames;
	u64 errors;
	u64 in_bytes;
	u64 out_bytes;
	struct vdec_span waiting;
	struct vdec_span working;
};

/**
 * struct vdec_stream - what a file of the node and the daemon share
 * @kref:	counts @ctx's pointer, and the daemon's file
 * @ctx:	the file of the node, counted
 * @session:	whose it is, for comparing only; under vdec_dev.lock, as @announced
 *		and @opened
 * @entry:	in vdec_dev.streams
 * @id:		not used twice
 * @codec:	for its announcement
 * @announced:	the daemon has been told
 * @opened:	the daemon has its file
 * @lock:	of all below but @read_lock and @message
 * @over:	nothing goes in or out any more
 * @waiting:	frames to be read by the daemon
 * @given:	frames that it has, in the order it got them
 * @cookie:	of the latest frame
 * @start:	the message
 * @starts:	how often @start has been written
 * @started:	@starts when it was last read
 * @mapped:	buffers of each queue the daemon asked for
 * @gone:	those of them that it must be told to unmap
 * @progress:	jiffies of the latest answer, or of the first frame after idling
 * @watchdog:	for a daemon that never answers
 * @stats:	for debugfs
 * @wait:	for the daemon
 * @read_lock:	one reader at a time
 * @message:	where its message is put together
 */
struct vdec_stream {
	struct kref kref;
	struct vdec_ctx *ctx;
	const struct vdec_session *session;
	struct list_head entry;
	u32 id;
	u32 codec;
	bool announced;
	bool opened;

	spinlock_t lock; /* of frames and messages */
	bool over;
	struct list_head waiting;
	struct list_head given;
	u64 cookie;
	struct vpipe_dec_start start;
	u32 starts;
	u32 started;
	u32 mapped[VDEC_NUM_QUEUES];
	u32 gone[VDEC_NUM_QUEUES];
	unsigned long progress;
	struct delayed_work watchdog;
	struct vdec_stats stats;
	wait_queue_head_t wait;

	struct mutex read_lock; /* of message */
	u8 *message;
};

/**
 * struct vdec_session - the daemon, while it has /dev/vpipe-dec open
 * @dev:	the device, counted
 * @ended:	the device is gone; under vdec_dev.lock, as the next four
 * @codecs:	VPIPE_DEC_CODEC_*, 0 before its HELLO
 * @ping:	cookie of the latest ping, 0 when it was read
 * @pong:	cookie of the latest answer
 * @pong_ns:	when it came
 * @wait:	for the daemon
 */
struct vdec_session {
	struct vdec_dev *dev;
	bool ended;
	u32 codecs;
	u64 ping;
	u64 pong;
	u64 pong_ns;
	wait_queue_head_t wait;
};

/**
 * struct vdec_dev - the device, from probe until its last user is gone
 * @media:	counts the users: the bound driver, the node, its files, each
 *		request and the session
 * @vfd:	the node
 * @m2m_dev:	for its queues; it never runs a job
 * @misc:	/dev/vpipe-dec
 * @debugfs:	folder
 * @lock:	of all below
 * @session:	the daemon, or NULL
 * @streams:	all that have not been freed; one may have no user any more
 * @streams_ever: number of the latest stream
 * @pings:	cookie of the latest ping
 * @ponged:	for whoever pings
 * @stats:	of the streams that were freed
 */
struct vdec_dev {
	struct vpipe_media media;
	struct video_device vfd;
	struct v4l2_m2m_dev *m2m_dev;
	struct miscdevice misc;
	struct dentry *debugfs;

	spinlock_t lock; /* of the session and the list of streams */
	struct vdec_session *session;
	struct list_head streams;
	u32 streams_ever;
	u64 pings;
	wait_queue_head_t ponged;
	struct vdec_stats stats;
};

/* core.c */
extern unsigned int vdec_timeout_ms;

/* node.c */
int vdec_register_node(struct vdec_dev *dev);
struct vdec_ctx *vdec_ctx_open(struct vdec_dev *dev);
void vdec_ctx_close(struct vdec_ctx *ctx);
void vdec_ctx_put(struct vdec_ctx *ctx);

static inline struct vdec_ctx *vdec_file_to_ctx(struct file *file)
{
	return container_of(vpipe_file_to_fh(file), struct vdec_ctx, fh);
}

static inline struct vdec_frame *vdec_to_frame(struct vb2_v4l2_buffer *vbuf)
{
	return container_of(vbuf, struct vdec_frame, m2m.vb);
}

/* formats.c */
void vdec_formats_init(struct vdec_ctx *ctx);
int vdec_formats_set_out(struct vdec_ctx *ctx, struct v4l2_pix_format_mplane *pix);
void vdec_formats_settle(struct vdec_ctx *ctx);
unsigned int vdec_planes(const struct vdec_ctx *ctx, bool capture, struct vpipe_dec_plane *planes);
int vdec_enum_fmt_out(struct file *file, void *priv, struct v4l2_fmtdesc *f);
int vdec_enum_fmt_cap(struct file *file, void *priv, struct v4l2_fmtdesc *f);
int vdec_enum_framesizes(struct file *file, void *priv, struct v4l2_frmsizeenum *fsize);
int vdec_g_fmt(struct file *file, void *priv, struct v4l2_format *f);
int vdec_try_fmt(struct file *file, void *priv, struct v4l2_format *f);
int vdec_s_fmt_out(struct file *file, void *priv, struct v4l2_format *f);
int vdec_s_fmt_cap(struct file *file, void *priv, struct v4l2_format *f);

/* controls.c */
extern const struct vdec_coded vdec_coded[];
extern const unsigned int vdec_num_coded;
int vdec_controls_init(struct vdec_ctx *ctx);
void vdec_controls_depth(struct vdec_ctx *ctx);
size_t vdec_controls_max(struct vdec_ctx *ctx);
void vdec_controls_pack(struct vdec_ctx *ctx, struct vdec_frame *frame);

/* stream.c */
int vdec_stream_begin(struct vdec_ctx *ctx);
void vdec_stream_pair(struct vdec_ctx *ctx);
void vdec_stream_take_back(struct vdec_ctx *ctx);
void vdec_stream_forget_buffer(struct vdec_ctx *ctx, struct vb2_buffer *vb);
void vdec_stream_end(struct vdec_stream *stream);
void vdec_stream_put(struct vdec_stream *stream);
int vdec_stream_open_file(struct vdec_stream *stream);

/* session.c */
int vdec_session_register(struct vdec_dev *dev);
void vdec_session_unregister(struct vdec_dev *dev);
int vdec_session_ping(struct vdec_dev *dev, u64 *round_trip_ns);

/* inject.c */
extern const struct file_operations vdec_inject_fops;

/* debugfs.c */
void vdec_debugfs_init(struct vdec_dev *dev);

#endif /* VPIPE_DEC_H */
