/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vpipe.ko, inside: the mem2mem node that filters GREY frames, and its metadata.
 *
 * core.c	the module and its device
 * node.c	/dev/videoN: files and the table of ioctls
 * formats.c	the one format of both sides
 * queue.c	buffers of both queues
 * controls.c	what to do to a frame
 * job.c	one frame through the filter
 * cv.c	pixels
 * crc.c	CRC-32
 * delay.c	pauses in a frame's stages, for calibration
 * meta.c	/dev/vpipe-meta
 * trace.h	trace events
 *
 * Locks, the outer ones first: vpipe_ctx.waiting, which MEDIA_REQUEST_IOC_QUEUE only tries; that
 * of the media device's requests, req_queue_mutex; vpipe_ctx.lock; that of the file's control
 * handler. vpipe_meta_file.lock, and inside it vpipe_meta.lock, a spinlock, which a job takes
 * without any other.
 */
#ifndef VPIPE_FILTER_H
#define VPIPE_FILTER_H

#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include <media/v4l2-ctrls.h>
#include <media/v4l2-fh.h>
#include <media/v4l2-mem2mem.h>
#include <media/videobuf2-v4l2.h>

#include "../compat.h"
#include "../media.h"
#include "../memory.h"
#include "../uapi/vpipe.h"
#include "../video.h"
#include "cv.h"
#include "meta.h"

#define VPIPE_NAME	"vpipe"
#define VPIPE_CARD	"vpipe mem2mem"

/* Of a buffer of the largest frame there is. */
#define VPIPE_MAX_BYTES	PAGE_ALIGN(VPIPE_MAX_SIZE * VPIPE_MAX_SIZE)

/**
 * struct vpipe_format - a pixel format
 * @fourcc:		V4L2_PIX_FMT_*
 * @bytes:		of one pixel
 */
struct vpipe_format {
	u32 fourcc;
	u32 bytes;
};

/**
 * struct vpipe_dev - the device, from probe until its last user is gone
 * @media:	counts the users: the bound driver, the node, and each request
 * @node:	runs one job at a time
 * @priorities:	of its files
 * @meta:	where entries are published
 * @seq:	frames published; only the running job touches it
 * @files:	opened so far
 */
struct vpipe_dev {
	struct vpipe_media media;
	struct vpipe_m2m node;
	struct v4l2_prio_state priorities;
	struct vpipe_meta *meta;
	u64 seq;
	atomic_t files;
};

enum vpipe_ctrl {
	VPIPE_CTRL_SRC_SEQUENCE,
	VPIPE_CTRL_ALGO,
	VPIPE_CTRL_ROI_LEFT,
	VPIPE_CTRL_ROI_TOP,
	VPIPE_CTRL_ROI_WIDTH,
	VPIPE_CTRL_ROI_HEIGHT,
	VPIPE_CTRL_THRESHOLD,
	VPIPE_NUM_CTRLS
};

/**
 * struct vpipe_ctx - an open file of the node
 * @fh:			its handle, with the mem2mem context
 * @dev:		the device
 * @number:		of the file, in trace events
 * @priority:		as it was said
 * @hdl:		its controls
 * @leaving:	what frees this once nobody uses those
 * @ctrls:		the same, by enum vpipe_ctrl
 * @waiting:		held by the call that may wait, see ../media.h
 * @calls:		that wait for a buffer or an event
 * @lock:		what videobuf2 calls the queue lock
 * @format:		of both sides, as are @width, @height and @colors
 * @width:		in pixels
 * @height:		in pixels
 * @colors:		as given on OUTPUT
 * @out_sequence:	of the next OUTPUT buffer
 * @cap_sequence:	of the next CAPTURE buffer
 * @running:		jobs begun and not left yet, of this file
 * @work:		runs a job that the caller of VIDIOC_QBUF need not wait for
 */
struct vpipe_ctx {
	struct v4l2_fh fh;
	struct vpipe_dev *dev;
	u32 number;
	enum v4l2_priority priority;
	struct v4l2_ctrl_handler hdl;
	struct vpipe_leaving leaving;
	struct v4l2_ctrl *ctrls[VPIPE_NUM_CTRLS];
	struct mutex waiting; /* one call at a time that may wait */
	atomic_t calls;
	struct mutex lock; /* of both queues, and of the format */

	const struct vpipe_format *format;
	u32 width;
	u32 height;
	struct vpipe_colors colors;

	u32 out_sequence;
	u32 cap_sequence;
	atomic_t running;
	struct work_struct work;
};

/**
 * struct vpipe_buffer - a buffer of either queue
 * @m2m:	has to come first
 * @map:	of what is imported, see memory.h
 */
struct vpipe_buffer {
	struct v4l2_m2m_buffer m2m;
	struct iosys_map map;
};

/**
 * struct vpipe_out_buffer - an OUTPUT buffer
 * @buf:	has to come first
 * @params:	the controls when it was queued
 * @queued_ns:	when the driver got it
 */
struct vpipe_out_buffer {
	struct vpipe_buffer buf;
	struct vpipe_params params;
	u64 queued_ns;
};

static inline struct vpipe_ctx *file_to_ctx(struct file *file)
{
	return container_of(vpipe_file_to_fh(file), struct vpipe_ctx, fh);
}

static inline struct vpipe_out_buffer *to_out_buffer(struct vb2_v4l2_buffer *vbuf)
{
	return container_of(vbuf, struct vpipe_out_buffer, buf.m2m.vb);
}

static inline u32 vpipe_sizeimage(const struct vpipe_ctx *ctx)
{
	return ctx->width * ctx->height * ctx->format->bytes;
}

/* node.c */
extern const struct v4l2_file_operations vpipe_fops;
extern const struct v4l2_ioctl_ops vpipe_ioctl_ops;

/* formats.c */
void vpipe_formats_init(struct vpipe_ctx *ctx);
int vpipe_enum_fmt(struct file *file, void *priv, struct v4l2_fmtdesc *f);
int vpipe_enum_framesizes(struct file *file, void *priv, struct v4l2_frmsizeenum *fsize);
int vpipe_g_fmt(struct file *file, void *priv, struct v4l2_format *f);
int vpipe_try_fmt(struct file *file, void *priv, struct v4l2_format *f);
int vpipe_s_fmt(struct file *file, void *priv, struct v4l2_format *f);

/* queue.c */
void vpipe_queues_memory_init(void);
int vpipe_init_queues(void *priv, struct vb2_queue *src_vq, struct vb2_queue *dst_vq);
int vpipe_req_validate(struct media_request *req);

/* controls.c */
int vpipe_init_ctrls(struct vpipe_ctx *ctx);
void vpipe_snapshot(struct vpipe_ctx *ctx, struct vpipe_params *params);

/* job.c */
extern const struct v4l2_m2m_ops vpipe_m2m_ops;
void vpipe_work(struct work_struct *work);

#endif /* VPIPE_FILTER_H */
