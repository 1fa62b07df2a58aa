/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The decoder: a stateless and a stateful V4L2 node whose codec is a process.
 *
 *   core.c		the device, from probe to its last user
 *   node.c		/dev/videoN: what both kinds of node have in common
 *   ctx.c		an open file of one
 *   queue.c		its queues
 *   stateless.c		one variant: an OUTPUT and a CAPTURE buffer make a frame
 *   stateful.c		the other: bitstream on OUTPUT, pictures in display order on CAPTURE
 *   stateful_feed.c	what it hands to the daemon
 *   stateful_answers.c	what the daemon says
 *   formats.c		what is on OUTPUT and on CAPTURE
 *   controls.c		the stateless parameters of each codec
 *   ext_ctrls.c		the calls that copy them
 *   memory.c		the memory of buffers
 *   stream.c		what a file of a node and the daemon share, and its life
 *   stream_file.c	the daemon's file of it
 *   messages.c		what it reads there
 *   answers.c		what it writes
 *   buffers.c		which dma-bufs it has
 *   frames.c		which frames it has
 *   session.c		/dev/vpipe-dec: the daemon
 *   budget.c		its memory for pictures
 *   protocol.c		what whatever it writes has to look like
 *   stats.c		counters and times
 *   debugfs.c		ping and stats
 *   inject.c		decoding without a client
 *   trace.h		trace events
 *
 * Locks, in the order in which they are taken: vpdec_ctx.waiting, which MEDIA_REQUEST_IOC_QUEUE
 * only tries; req_queue_mutex, the media device's lock of requests, which the core takes for
 * every file that starts, stops or closes; vpdec_ctx.lock
 * (a mutex: one file's queues and formats); the lock of that file's control handler;
 * vpdec_dev.lock (the session and the lists of streams); vpdec_stream.lock (frames in the
 * daemon's hands). Those two are spinlocks. vpdec_stream.read_lock and
 * vpdec_session.read_lock, which keep messages for one reader, come before these two and have
 * nothing to do with the others.
 *
 * The daemon waits for none of the first four: what it says that concerns a queue or a
 * format is noted under the stream's lock, and a worker makes it come true where the
 * file's lock is not free.
 */
#ifndef VPIPE_DEC_H
#define VPIPE_DEC_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <media/v4l2-ctrls.h>
#include <media/v4l2-mem2mem.h>

#include "../compat.h"
#include "../media.h"
#include "../memory.h"
#include "../uapi/vpipe-dec.h"
#include "../video.h"

#define VPDEC_NAME		"vpipe-dec"

#define VPDEC_STATEFUL_NAME	VPDEC_NAME "-stateful"

#define VPDEC_MIN_SIZE		1
#define VPDEC_MAX_SIZE		4096
#define VPDEC_DEF_WIDTH		640
#define VPDEC_DEF_HEIGHT	480

/* Queues by V4L2_TYPE_IS_CAPTURE(), as VPIPE_DEC_QUEUE_* has them. */
#define VPDEC_NUM_QUEUES		2

/* Of a frame, in bytes: the daemon has a copy of it. */
#define VPDEC_MAX_BITSTREAM	SZ_64M

/* Buffers of a queue: videobuf2 gives no more, and a message has a bit for each. */
#define VPDEC_MAX_BUFFERS	BITS_PER_TYPE(u32)

/* OUTPUT buffers back to which a picture may refer: a power of two. */
#define VPDEC_SOURCES		256

/* Streams that a daemon may ask for at a time: some lists of them are walked. */
#define VPDEC_MAX_STREAMS	256

/* Formats of the stateless OUTPUT. */
#define VPDEC_NUM_STATELESS	(5 + VPIPE_HAS_AV1)

/* Of a frame whose client describes them: what fits a message besides its other controls. */
#define VPDEC_MAX_HEVC_SLICES	48

struct vpdec_dev;
struct vpdec_node;
struct vpdec_session;
struct vpdec_stream;

/**
 * struct vpdec_control - a stateless control
 * @cfg:	as the control framework wants it
 * @depth:	bits of a sample by its payload, NULL where it does not say
 * @references:	that a decoder keeps by its payload, NULL likewise
 * @valid:	whether frames like that can be decoded at all, NULL where any can
 */
struct vpdec_control {
	struct v4l2_ctrl_config cfg;
	unsigned int (*depth)(const void *payload);
	unsigned int (*references)(const void *payload);
	bool (*valid)(const void *payload);
};

/**
 * struct vpdec_out_fmt - an output format
 * @fourcc:		V4L2_PIX_FMT_*
 * @codec:		VPIPE_DEC_CODEC_*; 0 where the daemon is to tell
 * @file:		inject: a file in any number of buffers
 * @max_depth:		stateful: bits of a sample that it has at most, as far as CAPTURE can
 * @references:		stateless: pictures that a decoder keeps; 0 where a control says so
 * @controls:		its stateless parameters
 * @num_controls:	how many
 */
struct vpdec_out_fmt {
	u32 fourcc;
	u32 codec;
	bool file;
	unsigned int max_depth;
	unsigned int references;
	const struct vpdec_control *controls;
	unsigned int num_controls;
};

/**
 * struct vpdec_stateful_ops - what a stateful node makes of what the daemon says
 * @format:	the pictures that come are of this format
 * @picture:	a CAPTURE buffer was filled
 * @drained:	a drain has come to its end
 * @failed:	a frame gave no picture; true: the stream is to end
 * @take_back:	gives the client the CAPTURE buffers that the daemon has
 * @settle:	has formats and ends of drains come true, without any lock held
 * @settle_work: the same, as vpdec_stream.settle does it
 *
 * All but @settle and @settle_work are called under the stream's lock.
 */
struct vpdec_stateful_ops {
	int (*format)(struct vpdec_stream *stream, const struct vpipe_dec_format *format);
	int (*picture)(struct vpdec_stream *stream, const struct vpipe_dec_picture *picture);
	int (*drained)(struct vpdec_stream *stream, const struct vpipe_dec_header *drained);
	bool (*failed)(struct vpdec_stream *stream, u32 status);
	void (*take_back)(struct vpdec_stream *stream);
	void (*settle)(struct vpdec_stream *stream);
	void (*settle_work)(struct work_struct *work);
};

/**
 * struct vpdec_variant - what is different between the nodes
 * @name:	of the node, and of its entities
 * @card:	for VIDIOC_QUERYCAP
 * @stateful:	where OUTPUT and CAPTURE are independent of each other, else NULL
 * @out_fmts:	output formats
 * @num_out_fmts:	how many
 * @num_listed:	how many of them are enumerated without being asked for
 * @out_fmt_flags: V4L2_FMT_FLAG_* of them
 * @vb2_ops:	of both queues
 * @ioctl_ops:	of its files
 */
struct vpdec_variant {
	const char *name;
	const char *card;
	const struct vpdec_stateful_ops *stateful;
	const struct vpdec_out_fmt *out_fmts;
	unsigned int num_out_fmts;
	unsigned int num_listed;
	u32 out_fmt_flags;
	const struct vb2_ops *vb2_ops;
	const struct v4l2_ioctl_ops *ioctl_ops;
};

/**
 * struct vpdec_cap_fmt - a capture format, 4:2:0
 * @fourcc:	V4L2_PIX_FMT_*
 * @depth:	bits of a sample
 * @bytes:	of a sample
 * @chroma:	planes of chroma: one of both in turns, or one of each
 * @planes:	buffers of memory: luma and chroma together, or each its own
 */
struct vpdec_cap_fmt {
	u32 fourcc;
	unsigned int depth;
	unsigned int bytes;
	unsigned int chroma;
	unsigned int planes;
};

/**
 * enum vpdec_halt - why CAPTURE of a stateful node gives no pictures
 * @VPDEC_RUNNING:	it does
 * @VPDEC_CHANGING:	they are of another format; CAPTURE has to be made ready for it
 * @VPDEC_DRAINED:	all that was to come is there
 */
enum vpdec_halt { VPDEC_RUNNING, VPDEC_CHANGING, VPDEC_DRAINED };

/**
 * struct vpdec_ctx - an open file of a node
 * @kref:		counts the file, and each stream that was begun on it
 * @fh:			its handle, with the mem2mem context
 * @dev:		the device
 * @node:		whose file it is
 * @owner:		who opened it, or made the namespace for that
 * @unlimited:		may have any number of streams
 * @priority:		as it was said
 * @hdl:		the controls of all codecs
 * @leaving:	what frees this once nobody uses those
 * @ctrls:		the same, in the order of the tables
 * @waiting:		held by the call that may wait, see ../media.h
 * @calls:		that wait for a buffer or an event
 * @lock:		of both queues, the formats and @stream
 * @out_fmt:		output format
 * @cap_fmt:		capture format
 * @width:		coded, of both sides, in pixels
 * @height:		coded, of both sides, in pixels
 * @out_sizeimage:	of an OUTPUT buffer in bytes
 * @field:		as given on OUTPUT: pictures have both fields
 * @colors:		as given on OUTPUT
 * @told:		stateful: as the stream has them
 * @depth:		bits of a sample, as the controls or the stream last said; 0 where a
 *			stateful one has not said yet; read and written without @lock
 * @references:		that the decoder keeps, as far as it is known; likewise
 * @sequence:		of each queue's next buffer
 * @streaming:		queues that are
 * @stream:		its stream, from the first time that both are
 * @controls:		memory for the parameters of each OUTPUT buffer, as a message has
 *			them
 * @exports:		dma-bufs of the planes of each queue's buffers, where the memory is
 *			their own
 * @visible:		stateful: the part of a picture to be seen
 * @halt:		stateful: why nothing is given to the daemon, if so
 * @draining:		stateful: from V4L2_DEC_CMD_STOP until CAPTURE's last buffer
 * @drained:		stateful: it has come to its end, which CAPTURE is not ready for
 * @last_due:		stateful: the next CAPTURE buffer is that last one
 */
struct vpdec_ctx {
	struct kref kref;
	struct v4l2_fh fh;
	struct vpdec_dev *dev;
	const struct vpdec_node *node;
	kuid_t owner;
	bool unlimited;
	enum v4l2_priority priority;
	struct v4l2_ctrl_handler hdl;
	struct vpipe_leaving leaving;
	struct v4l2_ctrl **ctrls;
	struct mutex waiting; /* one call at a time that may wait */
	atomic_t calls;
	struct mutex lock; /* of both queues, the formats and the stream */

	const struct vpdec_out_fmt *out_fmt;
	const struct vpdec_cap_fmt *cap_fmt;
	u32 width;
	u32 height;
	u32 out_sizeimage;
	u32 field;
	struct vpipe_colors colors;
	struct vpipe_colors told;
	unsigned int depth;
	unsigned int references;

	u32 sequence[VPDEC_NUM_QUEUES];
	bool streaming[VPDEC_NUM_QUEUES];
	struct vpdec_stream *stream;
	u8 *controls[VIDEO_MAX_FRAME];
	struct dma_buf *exports[VPDEC_NUM_QUEUES][VPDEC_MAX_BUFFERS][VPIPE_DEC_MAX_PLANES];

	struct v4l2_rect visible;
	enum vpdec_halt halt;
	bool draining;
	bool drained;
	bool last_due;
};

/**
 * struct vpdec_frame - a buffer of either queue, and what it is to the daemon
 * @m2m:		has to come first
 * @entry:		in one list of vpdec_stream
 * @capture:		of an OUTPUT buffer on a stateless node: where its picture goes.
 *			A CAPTURE buffer has itself here when what was kept for it is to
 *			be decoded at last.
 * @more:		@capture stays when this one is done: more may follow for it
 * @fails:		whatever the daemon says: its parameters are not to be had
 * @cookie:		by which the daemon answers
 * @begun_ns:		when all was there that it takes
 * @read_ns:		when the daemon read it
 * @controls_size:	of the parameters in vpdec_ctx.controls, in bytes
 * @num_controls:	how many
 */
struct vpdec_frame {
	struct v4l2_m2m_buffer m2m;
	struct list_head entry;
	struct vb2_v4l2_buffer *capture;
	bool more;
	bool fails;
	u64 cookie;
	u64 begun_ns;
	u64 read_ns;
	u32 controls_size;
	u32 num_controls;
};

#define VPDEC_SOURCE_FLAGS	(V4L2_BUF_FLAG_TIMECODE | V4L2_BUF_FLAG_TSTAMP_SRC_MASK)

/**
 * struct vpdec_source - what a picture takes over from its OUTPUT buffer
 * @cookie:	of the frame
 * @timestamp:	in ns
 * @flags:	V4L2_BUF_FLAG_*, as far as they are copied
 * @timecode:	where @flags say so
 */
struct vpdec_source {
	u64 cookie;
	u64 timestamp;
	u32 flags;
	struct v4l2_timecode timecode;
};

/**
 * struct vpdec_span - how long something took
 * @total_ns:	of all frames
 * @max_ns:	of one
 */
struct vpdec_span {
	u64 total_ns;
	u64 max_ns;
};

/* Classes of a histogram of times: eight for each power of two, from 1 us on. */
#define VPDEC_CLASSES_LOG2	3
#define VPDEC_CLASSES		(24 << VPDEC_CLASSES_LOG2)

/**
 * struct vpdec_stats - of one stream, or of all that are over
 * @frames:	answered with a picture
 * @errors:	answered with a damaged one or with none, or taken back
 * @in_bytes:	of bitstream
 * @out_bytes:	of pictures
 * @waiting:	of @frames, from when both buffers were there until the daemon read it
 * @working:	from then to the answer
 * @beyond:	both, less what the codec library took
 * @classes:	how often @beyond was what
 */
struct vpdec_stats {
	u64 frames;
	u64 errors;
	u64 in_bytes;
	u64 out_bytes;
	struct vpdec_span waiting;
	struct vpdec_span working;
	struct vpdec_span beyond;
	u32 classes[VPDEC_CLASSES];
};

/**
 * struct vpdec_stream - what a file of the node and the daemon share
 * @kref:	counts @ctx's pointer, and the daemon's file
 * @ctx:	the file of the node, counted
 * @announced:	the daemon has been told; under vpdec_dev.lock, as @served and @opened
 * @entry:	in vpdec_dev.streams
 * @served:	in vpdec_session.streams
 * @id:		not used twice
 * @codec:	for its announcement
 * @opened:	the daemon has its file
 * @least_memory: bytes that its pictures take by its formats and controls; under
 *		vpdec_dev.lock, as @told_memory
 * @told_memory: bytes that they take, as the daemon told
 * @lock:	of all below but @settle, @read_lock and @message
 * @over:	nothing goes in or out any more
 * @taken:	the daemon has read a message: somebody there is at it
 * @waiting:	frames to be read by the daemon
 * @given:	frames that it has, in the order it got them
 * @held:	stateless: a CAPTURE buffer whose picture may go on with the next frame
 * @cookie:	of the latest frame or drain
 * @first:	of the first behind the latest start
 * @flowing:	stateful: OUTPUT streams since then
 * @format_told: stateful: the client has heard of a format since then, or is about to
 * @setting_up:	stateful: the client heard of a change, and has not started CAPTURE since
 * @format:	stateful: the latest that the daemon told
 * @format_due:	it is to come true
 * @drained_due: stateful: so is the end of a drain
 * @settle:	has them come true; counts the stream while it is queued
 * @start:	the message
 * @starts:	how often @start has been written
 * @started:	@starts when it was last read
 * @capture:	stateful: the message
 * @captures:	how often @capture has been written
 * @captured:	@captures when it was last read
 * @empty:	stateful: CAPTURE buffers to be read by the daemon
 * @lent:	those that it has
 * @empties:	cookie of the latest of them
 * @drain:	stateful: cookie of the drain that is to be or being done, else 0
 * @draining:	the daemon has read it
 * @drain_ever:	stateful: cookie of the latest drain, whatever became of it
 * @sources:	stateful: by the low bits of their cookies
 * @mapped:	buffers of each queue the daemon asked for
 * @gone:	those of them that it must be told to unmap
 * @progress:	jiffies when the daemon last read or answered, or of what came first
 *		after idling
 * @watchdog:	for a daemon that never answers
 * @stats:	for debugfs
 * @wait:	for the daemon
 * @read_lock:	one reader at a time
 * @message:	where its message is put together
 */
struct vpdec_stream {
	struct kref kref;
	struct vpdec_ctx *ctx;
	struct list_head entry;
	struct list_head served;
	u32 id;
	u32 codec;
	bool announced;
	bool opened;
	u64 least_memory;
	u64 told_memory;

	spinlock_t lock; /* of frames and messages */
	bool over;
	bool taken;
	struct list_head waiting;
	struct list_head given;
	struct vb2_v4l2_buffer *held;
	u64 cookie;
	u64 first;
	bool flowing;
	bool format_told;
	bool setting_up;
	struct vpipe_dec_format format;
	bool format_due;
	bool drained_due;
	struct work_struct settle;
	struct vpipe_dec_start start;
	u32 starts;
	u32 started;
	struct vpipe_dec_capture capture;
	u32 captures;
	u32 captured;
	struct list_head empty;
	struct list_head lent;
	u64 empties;
	u64 drain;
	bool draining;
	u64 drain_ever;
	struct vpdec_source *sources;
	u32 mapped[VPDEC_NUM_QUEUES];
	u32 gone[VPDEC_NUM_QUEUES];
	unsigned long progress;
	struct delayed_work watchdog;
	struct vpdec_stats stats;
	wait_queue_head_t wait;

	struct mutex read_lock; /* of message */
	u8 *message;
};

/**
 * struct vpdec_session - the daemon, while it has /dev/vpipe-dec open
 * @dev:	the device, counted
 * @ended:	the device is gone; under vpdec_dev.lock, as all below but @wait and
 *		@read_lock
 * @codecs:	VPIPE_DEC_CODEC_*, 0 before its HELLO
 * @max_streams: that it serves at a time
 * @memory:	bytes that it has for pictures, 0: any number
 * @streams:	that it has to serve, or is yet to close
 * @ping:	cookie of the latest ping, 0 when it was read
 * @pong:	cookie of the latest answer
 * @pong_ns:	when it came
 * @wait:	for the daemon
 * @read_lock:	one reader at a time
 */
struct vpdec_session {
	struct vpdec_dev *dev;
	bool ended;
	u32 codecs;
	u32 max_streams;
	u64 memory;
	struct list_head streams;
	u64 ping;
	u64 pong;
	u64 pong_ns;
	wait_queue_head_t wait;
	struct mutex read_lock; /* one reader at a time */
};

/**
 * struct vpdec_node - a V4L2 node
 * @m2m:	itself; it never runs a job
 * @dev:	the device
 * @variant:	what it is
 * @priorities:	of its files
 */
struct vpdec_node {
	struct vpipe_m2m m2m;
	struct vpdec_dev *dev;
	const struct vpdec_variant *variant;
	struct v4l2_prio_state priorities;
};

/* Of what is written to a session or a stream, in bytes: newer daemons may have more to say. */
#define VPDEC_MAX_WRITE		256

#define VPDEC_NUM_NODES		2
#define VPDEC_STATEFUL_NODE	1

/**
 * struct vpdec_dev - the device, from probe until its last user is gone
 * @media:	counts the users: the bound driver, the nodes, their files, each
 *		request and the session
 * @nodes:	the stateless one, and the stateful one
 * @misc:	/dev/vpipe-dec
 * @debugfs:	folder
 * @alive:	jiffies when the daemon last did anything; read and written without @lock
 * @lock:	of all below
 * @session:	the daemon, or NULL
 * @streams:	all that have not been freed; one may have no user any more
 * @streams_ever: number of the latest stream
 * @pings:	cookie of the latest ping
 * @ponged:	for whoever pings
 * @stats:	of the streams that were freed
 */
struct vpdec_dev {
	struct vpipe_media media;
	struct vpdec_node nodes[VPDEC_NUM_NODES];
	struct miscdevice misc;
	struct dentry *debugfs;
	unsigned long alive;

	spinlock_t lock; /* of the session and the list of streams */
	struct vpdec_session *session;
	struct list_head streams;
	u32 streams_ever;
	u64 pings;
	wait_queue_head_t ponged;
	struct vpdec_stats stats;
};

/* core.c */
extern unsigned int vpdec_timeout_ms;
extern unsigned int vpdec_user_streams;
extern bool vpdec_list_av1;
extern struct workqueue_struct *vpdec_wq;

/* node.c */
int vpdec_register_node(struct vpdec_node *node);
struct vpdec_ctx *vpdec_ctx_open(const struct vpdec_node *node);
void vpdec_ctx_close(struct vpdec_ctx *ctx);
int vpdec_querycap(struct file *file, void *priv, struct v4l2_capability *cap);
int vpdec_reqbufs(struct file *file, void *priv, struct v4l2_requestbuffers *rb);
int vpdec_qbuf(struct file *file, void *priv, struct v4l2_buffer *buf);
int vpdec_prepare_buf(struct file *file, void *priv, struct v4l2_buffer *buf);
int vpdec_req_validate(struct media_request *req);

/* ctx.c */
struct vpdec_ctx *vpdec_ctx_alloc(const struct vpdec_node *node);
void vpdec_ctx_put(struct vpdec_ctx *ctx);

/* queue.c */
int vpdec_init_queues(void *priv, struct vb2_queue *src_vq, struct vb2_queue *dst_vq);
int vpdec_queue_setup(struct vb2_queue *vq, unsigned int *num_buffers, unsigned int *num_planes,
		      unsigned int sizes[], struct device *alloc_devs[]);
int vpdec_buf_init(struct vb2_buffer *vb);
void vpdec_buf_cleanup(struct vb2_buffer *vb);
int vpdec_buf_out_validate(struct vb2_buffer *vb);
int vpdec_buf_prepare(struct vb2_buffer *vb);
bool vpdec_buf_fits(const struct vpdec_ctx *ctx, struct vb2_buffer *vb);
int vpdec_start_queue(struct vb2_queue *vq);

static inline struct vpdec_ctx *vpdec_file_to_ctx(struct file *file)
{
	return container_of(vpipe_file_to_fh(file), struct vpdec_ctx, fh);
}

static inline struct vpdec_frame *vpdec_to_frame(struct vb2_v4l2_buffer *vbuf)
{
	return container_of(vbuf, struct vpdec_frame, m2m.vb);
}

static inline bool vpdec_is_capture(const struct vb2_queue *vq)
{
	return V4L2_TYPE_IS_CAPTURE(vq->type);
}

/* The daemon did something: who waits for it has reason to. */
static inline void vpdec_daemon_lives(struct vpdec_dev *dev)
{
	unsigned long now = jiffies;

	if (READ_ONCE(dev->alive) != now)
		WRITE_ONCE(dev->alive, now);
}

static inline struct vpipe_dec_header vpdec_header(const struct vpdec_stream *stream, u16 type,
						   u32 size)
{
	return (struct vpipe_dec_header) {
		.version = VPIPE_DEC_VERSION,
		.type = type,
		.size = size,
		.stream = stream->id,
	};
}

/* What both tables of ioctls have. */
#define VPDEC_IOCTLS							\
	.vidioc_querycap = vpdec_querycap,				\
	.vidioc_enum_framesizes = vpdec_enum_framesizes,		\
	.vidioc_enum_fmt_vid_out = vpdec_enum_fmt_out,			\
	.vidioc_g_fmt_vid_out_mplane = vpdec_g_fmt,			\
	.vidioc_try_fmt_vid_out_mplane = vpdec_try_fmt,			\
	.vidioc_s_fmt_vid_out_mplane = vpdec_s_fmt_out,			\
	.vidioc_enum_fmt_vid_cap = vpdec_enum_fmt_cap,			\
	.vidioc_g_fmt_vid_cap_mplane = vpdec_g_fmt,			\
	.vidioc_try_fmt_vid_cap_mplane = vpdec_try_fmt,			\
	.vidioc_s_fmt_vid_cap_mplane = vpdec_s_fmt_cap,			\
	.vidioc_reqbufs = vpdec_reqbufs,				\
	.vidioc_create_bufs = v4l2_m2m_ioctl_create_bufs,		\
	VPIPE_IOCTL_REMOVE_BUFS						\
	.vidioc_querybuf = v4l2_m2m_ioctl_querybuf,			\
	.vidioc_prepare_buf = vpdec_prepare_buf,			\
	.vidioc_qbuf = vpdec_qbuf,					\
	.vidioc_dqbuf = v4l2_m2m_ioctl_dqbuf,				\
	.vidioc_expbuf = v4l2_m2m_ioctl_expbuf,				\
	.vidioc_streamon = v4l2_m2m_ioctl_streamon,			\
	.vidioc_streamoff = v4l2_m2m_ioctl_streamoff,			\
	.vidioc_unsubscribe_event = v4l2_event_unsubscribe

/* What both tables of queue operations have. */
#define VPDEC_VB2_OPS							\
	.queue_setup = vpdec_queue_setup,				\
	.buf_init = vpdec_buf_init,					\
	.buf_cleanup = vpdec_buf_cleanup,				\
	.buf_out_validate = vpdec_buf_out_validate,			\
	.buf_prepare = vpdec_buf_prepare,				\
	VPIPE_VB2_WAIT_OPS

/* stateless.c */
extern const struct vpdec_variant vpdec_stateless;

/* stateful.c */
extern const struct vpdec_variant vpdec_stateful;
int vpdec_drain(struct vpdec_ctx *ctx);

/* stateful_feed.c */
void vpdec_feed(struct vpdec_ctx *ctx);
void vpdec_recall(struct vpdec_ctx *ctx);
void vpdec_write_capture(struct vpdec_ctx *ctx);

/* stateful_answers.c */
extern const struct vpdec_stateful_ops vpdec_stateful_ops;
void vpdec_halt_for_change(struct vpdec_ctx *ctx);
bool vpdec_end_setup(struct vpdec_ctx *ctx);
void vpdec_end_drain(struct vpdec_ctx *ctx);
void vpdec_stateful_take_back(struct vpdec_stream *stream);

/* formats.c */
void vpdec_formats_init(struct vpdec_ctx *ctx);
int vpdec_formats_set_out(struct vpdec_ctx *ctx, struct v4l2_pix_format_mplane *pix);
void vpdec_formats_settle(struct vpdec_ctx *ctx);
bool vpdec_formats_follow(struct vpdec_ctx *ctx, const struct vpipe_dec_format *format);
unsigned int vpdec_planes(const struct vpdec_ctx *ctx, bool capture,
			  struct vpipe_dec_plane *planes);
u32 vpdec_max_sizeimage(bool capture);
int vpdec_enum_fmt_out(struct file *file, void *priv, struct v4l2_fmtdesc *f);
int vpdec_enum_fmt_cap(struct file *file, void *priv, struct v4l2_fmtdesc *f);
int vpdec_enum_framesizes(struct file *file, void *priv, struct v4l2_frmsizeenum *fsize);
int vpdec_g_fmt(struct file *file, void *priv, struct v4l2_format *f);
int vpdec_try_fmt(struct file *file, void *priv, struct v4l2_format *f);
int vpdec_s_fmt_out(struct file *file, void *priv, struct v4l2_format *f);
int vpdec_s_fmt_cap(struct file *file, void *priv, struct v4l2_format *f);

/* controls.c */
extern const struct vpdec_out_fmt vpdec_stateless_fmts[VPDEC_NUM_STATELESS];
int vpdec_controls_init(struct vpdec_ctx *ctx);
void vpdec_controls_settle(struct vpdec_ctx *ctx);
size_t vpdec_controls_max(struct vpdec_ctx *ctx);
void vpdec_controls_pack(struct vpdec_ctx *ctx, struct vpdec_frame *frame);
u32 vpdec_ctrl_max(const struct v4l2_ctrl *ctrl);

/* ext_ctrls.c */
long vpdec_ext_ctrls(struct file *file, unsigned int cmd, unsigned long arg);

/* memory.c */
int vpdec_memory_init(void);
const struct vpipe_memory *vpdec_memory_of(struct vpdec_ctx *ctx, struct vb2_queue *vq, u32 type);
void vpdec_memory_share(struct vpdec_ctx *ctx, struct vb2_buffer *vb);
void vpdec_memory_drop(struct vpdec_ctx *ctx, struct vb2_buffer *vb);
struct dma_buf *vpdec_memory_get(struct vpdec_ctx *ctx, struct vb2_buffer *vb, unsigned int plane);

/* stream.c */
bool vpdec_stream_failed(const struct vpdec_ctx *ctx);
int vpdec_stream_begin(struct vpdec_ctx *ctx);
void vpdec_stream_write_start(struct vpdec_stream *stream);
void vpdec_stream_put(struct vpdec_stream *stream);

/* frames.c */
void vpdec_picture_done(const struct vpdec_stream *stream, struct vb2_v4l2_buffer *capture,
			enum vb2_buffer_state state);
void vpdec_frame_done(const struct vpdec_stream *stream, struct vpdec_frame *frame,
		      enum vb2_buffer_state state);
void vpdec_frame_fail(const struct vpdec_stream *stream, struct vpdec_frame *frame);
void vpdec_no_payload(struct vb2_buffer *vb);
int vpdec_set_payload(struct vb2_buffer *capture, const u32 *bytesused);
int vpdec_stream_source(struct vpdec_stream *stream, u64 cookie);
void vpdec_stream_submit(struct vpdec_stream *stream, struct vpdec_frame *frame);
void vpdec_stream_expect(struct vpdec_stream *stream);
void vpdec_stream_take_back(struct vpdec_stream *stream);
void vpdec_stream_give_up(struct vpdec_stream *stream);
void vpdec_stream_stop(struct vpdec_stream *stream);
void vpdec_stream_end(struct vpdec_stream *stream);
void vpdec_watch(struct work_struct *work);

/* buffers.c */
void vpdec_stream_forget_buffer(struct vpdec_ctx *ctx, struct vb2_buffer *vb);
void vpdec_stream_forget_dropped(struct vpdec_ctx *ctx, struct vb2_queue *vq);
long vpdec_stream_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* messages.c */
bool vpdec_stream_readable(void *reader);
ssize_t vpdec_stream_read(struct file *file, char __user *to, size_t count, loff_t *ppos);

/* answers.c */
ssize_t vpdec_stream_write(struct file *file, const char __user *from, size_t count,
			   loff_t *ppos);

/* stream_file.c */
int vpdec_stream_open_file(struct vpdec_stream *stream);

/* protocol.c */
int vpdec_copy_message(void *to, const char __user *from, size_t count);
int vpdec_message_size(const void *message, size_t count, size_t size);

/* session.c */
int vpdec_session_register(struct vpdec_dev *dev);
void vpdec_session_unregister(struct vpdec_dev *dev);
int vpdec_session_ping(struct vpdec_dev *dev, u64 *round_trip_ns);

/* budget.c */
u64 vpdec_least_memory(const struct vpdec_ctx *ctx);
int vpdec_take_least_memory(const struct vpdec_session *session, const struct vpdec_ctx *ctx,
			    struct vpdec_stream *stream, u64 bytes);
long vpdec_stream_memory(struct vpdec_stream *stream, struct vpipe_dec_memory __user *to);

/* stats.c */
void vpdec_count(struct vpdec_stats *stats, struct vpdec_frame *frame, u32 codec_ns);
void vpdec_add_stats(struct vpdec_stats *sum, const struct vpdec_stats *stats);
u64 vpdec_median_ns(const struct vpdec_stats *stats);

/* inject.c */
void vpdec_inject_init(struct vpdec_dev *dev);

/* debugfs.c */
void vpdec_debugfs_init(struct vpdec_dev *dev);

#endif /* VPIPE_DEC_H */
