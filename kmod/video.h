/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What the modules' nodes, queues and formats have in common.
 */
#ifndef VPIPE_VIDEO_H
#define VPIPE_VIDEO_H

#include <linux/mutex.h>
#include <linux/uaccess.h>
#include <linux/videodev2.h>
#include <linux/wait.h>

#include <media/v4l2-dev.h>
#include <media/v4l2-device.h>
#include <media/v4l2-event.h>
#include <media/v4l2-fh.h>
#include <media/v4l2-ioctl.h>
#include <media/videobuf2-v4l2.h>

#include "memory.h"

/*
 * Its name, operations and capabilities are set, and where it matters what is done when
 * its number is free again. A node has both directions' ioctls, and is part of what its
 * v4l2_device frees.
 */
static inline int vpipe_video_register(struct video_device *vfd, struct v4l2_device *v4l2_dev,
				       void *drvdata, int number)
{
	vfd->vfl_dir = VFL_DIR_M2M;
	vfd->release = vfd->release ?: video_device_release_empty;
	vfd->v4l2_dev = v4l2_dev;
	video_set_drvdata(vfd, drvdata);

	return video_register_device(vfd, VFL_TYPE_VIDEO, number);
}

/*
 * Each file works for itself. So a priority is told to the others, as V4L2 has it, and
 * checked when it is to change, but by nothing else: by the core's, which a device's nodes
 * share, one client would keep all others from setting formats and streaming. @own is the file's,
 * under @lock.
 */
static inline long vpipe_set_priority(struct v4l2_prio_state *all, enum v4l2_priority *own,
				      struct mutex *lock, const u32 __user *from)
{
	u32 priority;
	int ret;

	if (get_user(priority, from))
		return -EFAULT;
	if (mutex_lock_interruptible(lock))
		return -ERESTARTSYS;
	ret = v4l2_prio_check(all, *own) ?: v4l2_prio_change(all, own, priority);
	mutex_unlock(lock);

	return ret;
}

static inline long vpipe_get_priority(struct v4l2_prio_state *all, u32 __user *to)
{
	return put_user((u32)v4l2_prio_max(all), to);
}

/*
 * To events of which there is one, and no other id has any. The core takes each id for another
 * subscription: memory that nobody bounds, and a list that is gone through with the node's lock
 * by whoever tells something.
 */
static inline int vpipe_subscribe_event(struct v4l2_fh *fh,
					const struct v4l2_event_subscription *sub,
					const struct v4l2_subscribed_event_ops *ops)
{
	return sub->id ? -EINVAL : v4l2_event_subscribe(fh, sub, 1, ops);
}

static inline int vpipe_subscribe_source_change(struct v4l2_fh *fh,
						const struct v4l2_event_subscription *sub)
{
	return sub->id ? -EINVAL : v4l2_src_change_event_subscribe(fh, sub);
}

/*
 * How many may wait in one place, and in all calls of a file. Others have to wake them, and a file
 * can be in any number of polls, of any number of threads.
 */
#define VPIPE_MAX_WAITING	256

/* Whether all wait there that may. Polls of a file ask one at a time, so that no more come. */
static inline bool vpipe_is_crowded(wait_queue_head_t *wait)
{
	struct wait_queue_entry *entry;
	unsigned int waiting = 0;
	unsigned long flags;

	spin_lock_irqsave(&wait->lock, flags);
	list_for_each_entry(entry, &wait->head, entry)
		waiting++;
	spin_unlock_irqrestore(&wait->lock, flags);

	return waiting >= VPIPE_MAX_WAITING;
}

/* One call of a file that may wait, among @calls; it does not where it is @sure. EBUSY. */
static inline int vpipe_wait_begin(atomic_t *calls, wait_queue_head_t *wait, bool sure)
{
	if (atomic_inc_return(calls) <= VPIPE_MAX_WAITING && (sure || !vpipe_is_crowded(wait)))
		return 0;
	atomic_dec(calls);

	return -EBUSY;
}

static inline void vpipe_wait_end(atomic_t *calls)
{
	atomic_dec(calls);
}

/* As wait_event_interruptible(), and EBUSY. */
#define vpipe_wait_event(calls, wq, condition)				\
({									\
	wait_queue_head_t *__wait = &(wq);				\
	atomic_t *__calls = (calls);					\
	int __waited = vpipe_wait_begin(__calls, __wait, false);	\
									\
	if (!__waited) {						\
		__waited = wait_event_interruptible(*__wait, condition); \
		vpipe_wait_end(__calls);				\
	}								\
	__waited;							\
})

/* VIDIOC_DQEVENT, which waits in the core: also where another thread gets what is there. */
static inline long vpipe_dqevent(struct file *file, atomic_t *calls, unsigned int cmd,
				 unsigned long arg)
{
	struct v4l2_fh *fh = vpipe_file_to_fh(file);
	long ret;

	if (file->f_flags & O_NONBLOCK)
		return video_ioctl2(file, cmd, arg);
	ret = vpipe_wait_begin(calls, &fh->wait, v4l2_event_pending(fh));
	if (ret)
		return ret;
	ret = video_ioctl2(file, cmd, arg);
	vpipe_wait_end(calls);

	return ret;
}

/* Its operations and the size of its buffers are set. */
static inline int vpipe_queue_init(struct vb2_queue *q, u32 type, unsigned int io_modes,
				   const struct vpipe_memory *memory, void *drv_priv,
				   struct mutex *lock)
{
	q->type = type;
	q->io_modes = io_modes;
	q->mem_ops = &memory->ops;
	q->drv_priv = drv_priv;
	q->timestamp_flags = V4L2_BUF_FLAG_TIMESTAMP_COPY;
	q->lock = lock;

	return vb2_queue_init(q);
}

/* Every size from @min to @max in either direction. */
static inline void vpipe_fill_framesizes(struct v4l2_frmsizeenum *fsize, u32 type, u32 min, u32 max)
{
	fsize->type = type;
	fsize->stepwise = (struct v4l2_frmsize_stepwise){
		.min_width = min,
		.max_width = max,
		.step_width = 1,
		.min_height = min,
		.max_height = max,
		.step_height = 1,
	};
}

/**
 * struct vpipe_colors - what samples mean, as V4L2 has it; 0 where nobody says
 * @colorspace:	V4L2_COLORSPACE_*
 * @xfer_func:	V4L2_XFER_FUNC_*
 * @ycbcr_enc:	V4L2_YCBCR_ENC_*
 * @quantization: V4L2_QUANTIZATION_*
 */
struct vpipe_colors {
	u32 colorspace;
	u32 xfer_func;
	u32 ycbcr_enc;
	u32 quantization;
};

/* Of a single-planar or multi-planar format, or whatever else has the four. */
#define vpipe_read_colors(from) ({			\
	__auto_type _from = (from);			\
							\
	(struct vpipe_colors){				\
		.colorspace = _from->colorspace,	\
		.xfer_func = _from->xfer_func,		\
		.ycbcr_enc = _from->ycbcr_enc,		\
		.quantization = _from->quantization,	\
	};						\
})

#define vpipe_write_colors(to, colors) do {		\
	__auto_type _to = (to);				\
	const struct vpipe_colors *_colors = (colors);	\
							\
	_to->colorspace = _colors->colorspace;		\
	_to->xfer_func = _colors->xfer_func;		\
	_to->ycbcr_enc = _colors->ycbcr_enc;		\
	_to->quantization = _colors->quantization;	\
} while (0)

#endif /* VPIPE_VIDEO_H */
