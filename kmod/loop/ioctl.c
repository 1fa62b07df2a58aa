// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The ioctls of /dev/videoN.
 *
 * videobuf2's helpers for ioctls want one queue a node; here each file has two, so
 * these find the queue and its owner first.
 */
#include <linux/compat.h>

#include <media/v4l2-event.h>
#include <media/v4l2-ioctl.h>

#include "../uapi/vpipe-loop-ctl.h"
#include "loop.h"

/*
 * Locked; EINVAL where the node does not have that side for this file. Another program that has
 * the same file may be in a call that waits for its memory.
 */
static struct vb2_queue *vloop_lock_queue(struct file *filp, u32 type)
{
	struct vloop_file *file = vloop_to_file(filp);
	bool capture = V4L2_TYPE_IS_CAPTURE(type);

	if (!vloop_has_side(file, capture))
		return ERR_PTR(-EINVAL);
	if (mutex_lock_interruptible(&file->lock))
		return ERR_PTR(-ERESTARTSYS);

	return capture ? &file->cap : &file->out;
}

/*
 * Not of the core's: what the node can changes with the writer, and the core wants
 * device_caps to stay.
 */
static int vloop_querycap(struct file *filp, struct v4l2_capability __user *to)
{
	struct vloop_dev *dev = video_drvdata(filp);
	struct v4l2_capability cap = {
		.version = VPIPE_KERNEL_VERSION,
		.device_caps = dev->vfd.device_caps,
	};

	strscpy(cap.driver, vloop_compat ? "v4l2 loopback" : VLOOP_NAME, sizeof(cap.driver));
	strscpy(cap.card, dev->vfd.name, sizeof(cap.card));
	snprintf(cap.bus_info, sizeof(cap.bus_info), "platform:" VLOOP_NAME "-%03u", dev->number);
	if (dev->config.exclusive)
		cap.device_caps &= vloop_has_side(vloop_to_file(filp), true) ?
				   ~V4L2_CAP_VIDEO_OUTPUT : ~V4L2_CAP_VIDEO_CAPTURE;
	cap.device_caps |= V4L2_CAP_EXT_PIX_FORMAT;
	cap.capabilities = cap.device_caps | V4L2_CAP_DEVICE_CAPS;

	return copy_to_user(to, &cap, sizeof(cap)) ? -EFAULT : 0;
}

/*
 * Who opened the node for reading alone changes nothing that others see, and whoever tells an event
 * has to wake all that wait for it. By their numbers: some structures of 32-bit programs have
 * another size.
 */
static int vloop_may_call(struct file *filp, unsigned int cmd)
{
	if (_IOC_TYPE(cmd) != 'V')
		return 0;

	switch (_IOC_NR(cmd)) {
	case _IOC_NR(VIDIOC_S_CTRL):
	case _IOC_NR(VIDIOC_S_EXT_CTRLS):
		return vloop_may_control(filp);
	case _IOC_NR(VIDIOC_S_PRIORITY):
		return filp->f_mode & FMODE_WRITE ? 0 : -EACCES;
	default:
		return 0;
	}
}

long vloop_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct vloop_file *file = vloop_to_file(filp);
	struct vloop_dev *dev = file->dev;
	int ret = vloop_may_call(filp, cmd);

	if (ret)
		return ret;

	switch (cmd) {
	case VIDIOC_QUERYCAP:
		return vloop_querycap(filp, (void __user *)arg);
	case VIDIOC_G_PRIORITY:
		return vpipe_get_priority(&dev->priorities, (u32 __user *)arg);
	case VIDIOC_S_PRIORITY:
		return vpipe_set_priority(&dev->priorities, &file->priority, &file->lock,
					  (const u32 __user *)arg);
	}
	if (_IOC_TYPE(cmd) == 'V' && _IOC_NR(cmd) == _IOC_NR(VIDIOC_DQEVENT))
		return vpipe_dqevent(filp, &file->calls, cmd, arg);

	return video_ioctl2(filp, cmd, arg);
}

#ifdef CONFIG_COMPAT
/* For what V4L2 does not know; structures are the same for all. */
long vloop_compat_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	return vloop_ioctl(filp, cmd, (unsigned long)compat_ptr(arg));
}
#endif

/*
 * By either of the two calls a queue gets its buffers, for which its side has to be claimed; but
 * not by who creates none, and only asks what there could be.
 */
static int vloop_get_buffers(struct file *filp, u32 type, struct v4l2_requestbuffers *rb,
			     struct v4l2_create_buffers *create)
{
	struct vb2_queue *q = vloop_lock_queue(filp, type);
	int ret;

	if (IS_ERR(q))
		return PTR_ERR(q);

	ret = create && !create->count ? 0 : vloop_claim(filp, q);
	if (!ret) {
		ret = rb ? vb2_reqbufs(q, rb) : vb2_create_bufs(q, create);
		vloop_unclaim(vloop_to_file(filp), q);
	}
	mutex_unlock(q->lock);

	return ret;
}

static int vloop_reqbufs(struct file *filp, void *priv, struct v4l2_requestbuffers *rb)
{
	return vloop_get_buffers(filp, rb->type, rb, NULL);
}

static int vloop_create_bufs(struct file *filp, void *priv, struct v4l2_create_buffers *create)
{
	int ret = vloop_get_buffers(filp, create->format.type, NULL, create);

	vpipe_tell_max_buffers(create, vloop_to_file(filp)->dev->config.max_buffers);

	return ret;
}

/* Where the buffer lies in the file, if the call went well. */
static int vloop_tell_buf(struct vb2_queue *q, struct v4l2_buffer *b, int ret)
{
	if (!ret && vloop_is_capture(q) && b->memory == V4L2_MEMORY_MMAP)
		b->m.offset += VLOOP_CAPTURE_OFFSET;

	return ret;
}

/* A reader that queues a buffer is done with what is in it, whatever becomes of that. */
static struct vb2_buffer *vloop_begin_queueing(struct vloop_file *file, struct vb2_queue *q,
					       const struct v4l2_buffer *b)
{
	struct vb2_buffer *vb = vb2_get_buffer(q, b->index);

	/* A prepared one has been returned before, and the rest is told with VIDIOC_QBUF. */
	if (!vb || vb->state != VB2_BUF_STATE_DEQUEUED)
		return NULL;
	if (vloop_is_capture(q))
		vloop_buf_return(file->dev, vloop_to_buf(vb));

	return vb;
}

static int vloop_querybuf(struct file *filp, void *priv, struct v4l2_buffer *b)
{
	struct vb2_queue *q = vloop_lock_queue(filp, b->type);
	int ret;

	if (IS_ERR(q))
		return PTR_ERR(q);

	ret = vb2_querybuf(q, b);
	mutex_unlock(q->lock);

	return vloop_tell_buf(q, b, ret);
}

static int vloop_prepare_buf(struct file *filp, void *priv, struct v4l2_buffer *b)
{
	struct vb2_queue *q = vloop_lock_queue(filp, b->type);
	int ret;

	if (IS_ERR(q))
		return PTR_ERR(q);

	vloop_begin_queueing(vloop_to_file(filp), q, b);
	ret = vb2_prepare_buf(q, NULL, b);
	mutex_unlock(q->lock);

	return vloop_tell_buf(q, b, ret);
}

static int vloop_qbuf(struct file *filp, void *priv, struct v4l2_buffer *b)
{
	struct vb2_queue *q = vloop_lock_queue(filp, b->type);
	struct vb2_buffer *vb;
	int ret;

	if (IS_ERR(q))
		return PTR_ERR(q);

	vb = vloop_begin_queueing(vloop_to_file(filp), q, b);
	if (vb && !vloop_is_capture(q))
		vloop_to_out(vb)->writer_sequence = b->sequence;
	ret = vb2_qbuf(q, NULL, b);
	/*
	 * Another thread may have asked for a buffer before there was any to be given back, and
	 * asks again. Only who waits can say whether that is for a buffer, and still.
	 */
	if (!ret && !vloop_is_capture(q))
		wake_up(&q->done_wq);
	mutex_unlock(q->lock);
	/* Without readers it is done already; programs do not expect that of this call. */
	if (!ret && b->flags & V4L2_BUF_FLAG_DONE)
		b->flags ^= V4L2_BUF_FLAG_DONE | V4L2_BUF_FLAG_QUEUED;

	return vloop_tell_buf(q, b, ret);
}

static int vloop_dqbuf(struct file *filp, void *priv, struct v4l2_buffer *b)
{
	struct vloop_file *file = vloop_to_file(filp);
	bool capture = V4L2_TYPE_IS_CAPTURE(b->type);
	struct vb2_queue *q;
	int ret;

	do {
		q = vloop_lock_queue(filp, b->type);
		if (IS_ERR(q))
			return PTR_ERR(q);

		if (capture) {
			ret = vloop_dequeue(file, b);
		} else {
			vloop_relieve(file);
			ret = vb2_dqbuf(q, b, true);
		}
		mutex_unlock(q->lock);
		if (ret != -EAGAIN || filp->f_flags & O_NONBLOCK)
			return vloop_tell_buf(q, b, ret);

		ret = capture ? vloop_wait_ready(file) : vloop_wait_relieved(file);
	} while (!ret);

	return ret;
}

/* Whoever has the dma-buf sees the buffer's own memory alone. */
static int vloop_expbuf(struct file *filp, void *priv, struct v4l2_exportbuffer *eb)
{
	struct vb2_queue *q = vloop_lock_queue(filp, eb->type);
	struct vb2_buffer *vb;
	int ret;

	if (IS_ERR(q))
		return PTR_ERR(q);

	ret = vb2_expbuf(q, eb);
	vb = ret || !vloop_is_capture(q) ? NULL : vb2_get_buffer(q, eb->index);
	if (vb) {
		WRITE_ONCE(vloop_to_buf(vb)->own, true);
		if (vloop_to_buf(vb)->view)
			vloop_view_keep(vloop_to_buf(vb)->view);
	}
	mutex_unlock(q->lock);

	return ret;
}

static int vloop_stream(struct file *filp, enum v4l2_buf_type type,
			int (*call)(struct vb2_queue *q, enum v4l2_buf_type type))
{
	struct vb2_queue *q = vloop_lock_queue(filp, type);
	bool streamed;
	int ret;

	if (IS_ERR(q))
		return PTR_ERR(q);

	streamed = vb2_is_streaming(q);
	ret = call(q, type);
	streamed ^= vb2_is_streaming(q);
	mutex_unlock(q->lock);
	/* Anybody may say it again, or stop what never began. */
	if (streamed && !vloop_is_capture(q))
		vloop_caps_changed(video_drvdata(filp));

	return ret;
}

static int vloop_streamon(struct file *filp, void *priv, enum v4l2_buf_type type)
{
	return vloop_stream(filp, type, vb2_streamon);
}

static int vloop_streamoff(struct file *filp, void *priv, enum v4l2_buf_type type)
{
	return vloop_stream(filp, type, vb2_streamoff);
}

static int vloop_enum_input(struct file *filp, void *priv, struct v4l2_input *input)
{
	struct vloop_dev *dev = video_drvdata(filp);

	if (!vloop_has_side(vloop_to_file(filp), true))
		return -ENOTTY;
	if (input->index)
		return -EINVAL;

	strscpy(input->name, "Loopback", sizeof(input->name));
	input->type = V4L2_INPUT_TYPE_CAMERA;
	input->status = vloop_is_camera(dev) ? 0 : V4L2_IN_ST_NO_SIGNAL;

	return 0;
}

static int vloop_enum_output(struct file *filp, void *priv, struct v4l2_output *output)
{
	if (!vloop_has_side(vloop_to_file(filp), false))
		return -ENOTTY;
	if (output->index)
		return -EINVAL;

	strscpy(output->name, "Loopback", sizeof(output->name));
	output->type = V4L2_OUTPUT_TYPE_ANALOG;

	return 0;
}

static int vloop_g_input(struct file *filp, void *priv, unsigned int *i)
{
	*i = 0;

	return vloop_has_side(vloop_to_file(filp), true) ? 0 : -ENOTTY;
}

static int vloop_s_input(struct file *filp, void *priv, unsigned int i)
{
	if (!vloop_has_side(vloop_to_file(filp), true))
		return -ENOTTY;

	return i ? -EINVAL : 0;
}

static int vloop_g_output(struct file *filp, void *priv, unsigned int *i)
{
	*i = 0;

	return vloop_has_side(vloop_to_file(filp), false) ? 0 : -ENOTTY;
}

static int vloop_s_output(struct file *filp, void *priv, unsigned int i)
{
	if (!vloop_has_side(vloop_to_file(filp), false))
		return -ENOTTY;

	return i ? -EINVAL : 0;
}

static int vloop_usage_add(struct v4l2_subscribed_event *sev, unsigned int elems)
{
	if (sev->flags & V4L2_EVENT_SUB_FL_SEND_INITIAL)
		vloop_usage_tell_first(container_of(sev->fh, struct vloop_file, fh));

	return 0;
}

static const struct v4l2_subscribed_event_ops vloop_usage_ops = {
	.add = vloop_usage_add,
};

static int vloop_subscribe_event(struct v4l2_fh *fh, const struct v4l2_event_subscription *sub)
{
	struct vloop_file *file = container_of(fh, struct vloop_file, fh);

	if (sub->type == V4L2_EVENT_SOURCE_CHANGE && vloop_has_side(file, true))
		return vpipe_subscribe_source_change(fh, sub);
	if (sub->type == V4L2_EVENT_PRI_CLIENT_USAGE)
		return vpipe_subscribe_event(fh, sub, &vloop_usage_ops);

	return v4l2_ctrl_subscribe_event(fh, sub);
}

static long vloop_private_ioctl(struct file *filp, void *priv, bool valid_prio, unsigned int cmd,
				void *arg)
{
	if (cmd != VPIPE_LOOP_IOC_SHARE)
		return -ENOTTY;
	if (!(filp->f_mode & FMODE_READ))
		return -EACCES;

	return vloop_memory_share(video_drvdata(filp), arg);
}

const struct v4l2_ioctl_ops vloop_ioctl_ops = {
	.vidioc_enum_fmt_vid_cap = vloop_enum_fmt,
	.vidioc_enum_fmt_vid_out = vloop_enum_fmt,
	.vidioc_enum_framesizes = vloop_enum_framesizes,
	.vidioc_enum_frameintervals = vloop_enum_frameintervals,
	.vidioc_g_fmt_vid_cap = vloop_g_fmt,
	.vidioc_g_fmt_vid_out = vloop_g_fmt,
	.vidioc_try_fmt_vid_cap = vloop_try_fmt,
	.vidioc_try_fmt_vid_out = vloop_try_fmt,
	.vidioc_s_fmt_vid_cap = vloop_s_fmt,
	.vidioc_s_fmt_vid_out = vloop_s_fmt,
	.vidioc_g_parm = vloop_g_parm,
	.vidioc_s_parm = vloop_s_parm,

	.vidioc_enum_input = vloop_enum_input,
	.vidioc_g_input = vloop_g_input,
	.vidioc_s_input = vloop_s_input,
	.vidioc_enum_output = vloop_enum_output,
	.vidioc_g_output = vloop_g_output,
	.vidioc_s_output = vloop_s_output,

	.vidioc_reqbufs = vloop_reqbufs,
	.vidioc_create_bufs = vloop_create_bufs,
	.vidioc_querybuf = vloop_querybuf,
	.vidioc_prepare_buf = vloop_prepare_buf,
	.vidioc_qbuf = vloop_qbuf,
	.vidioc_dqbuf = vloop_dqbuf,
	.vidioc_expbuf = vloop_expbuf,
	.vidioc_streamon = vloop_streamon,
	.vidioc_streamoff = vloop_streamoff,

	.vidioc_subscribe_event = vloop_subscribe_event,
	.vidioc_unsubscribe_event = v4l2_event_unsubscribe,
	.vidioc_default = vloop_private_ioctl,
};
