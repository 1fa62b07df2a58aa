// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * /dev/videoN: its files, the two queues of each, its ioctls.
 *
 * videobuf2's helpers for ioctls want one queue a node; here each file has two, so
 * these find the queue and its owner first.
 */
#include <linux/compat.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include <media/v4l2-event.h>
#include <media/v4l2-ioctl.h>

#include "loop.h"

/*
 * Whether the node has that side for this file: of an exclusive one a file keeps the side
 * that it has used, and before that it has the one that a writer leaves it.
 */
bool loop_has_side(struct loop_file *file, bool capture)
{
	struct loop_dev *dev = file->dev;

	if (!dev->exclusive)
		return true;
	if (READ_ONCE(file->side) != LOOP_NEITHER)
		return capture == (READ_ONCE(file->side) == LOOP_CAPTURE);

	return capture == READ_ONCE(dev->streaming);
}

/* Locked; none where the node does not have that side for this file. */
static struct vb2_queue *loop_lock_queue(struct file *filp, u32 type)
{
	struct loop_file *file = loop_to_file(filp);
	bool capture = V4L2_TYPE_IS_CAPTURE(type);

	if (!loop_has_side(file, capture))
		return NULL;

	mutex_lock(&file->lock);

	return capture ? &file->cap : &file->out;
}

/*
 * Who has what
 */

static int loop_claim_writer(struct loop_file *file)
{
	struct loop_dev *dev = file->dev;
	int ret = 0;

	mutex_lock(&dev->lock);
	if (!dev->writer)
		dev->writer = file;
	else if (dev->writer != file)
		ret = -EBUSY;
	if (!ret)
		WRITE_ONCE(file->side, LOOP_OUTPUT);
	mutex_unlock(&dev->lock);

	return ret;
}

/*
 * A node that streams to one file at a time tells a second one EBUSY, and programs
 * count on it. Here each process has that for itself.
 */
static int loop_claim_reader(struct loop_file *file)
{
	struct pid *process = task_tgid(current);
	struct loop_dev *dev = file->dev;
	struct loop_file *other;
	int ret = 0;

	mutex_lock(&dev->lock);
	list_for_each_entry(other, &dev->files, entry)
		if (other != file && other->capturer == process)
			ret = -EBUSY;
	if (!ret && !file->capturer)
		file->capturer = get_pid(process);
	if (!ret)
		WRITE_ONCE(file->side, LOOP_CAPTURE);
	mutex_unlock(&dev->lock);

	return ret;
}

/* For buffers: read(2) is a use of its own. */
static int loop_claim(struct file *filp, struct vb2_queue *q)
{
	struct loop_file *file = loop_to_file(filp);

	if (!(filp->f_mode & (loop_is_capture(q) ? FMODE_READ : FMODE_WRITE)))
		return -EACCES;
	if (!loop_is_capture(q))
		return loop_claim_writer(file);
	if (file->reader.reading)
		return -EBUSY;

	return loop_claim_reader(file);
}

/*
 * Without buffers the queue is nobody's. How many there are is told here: videobuf2 counts them
 * in memory that it frees, so only who has the queue's lock can ask it.
 */
static void loop_unclaim(struct loop_file *file, struct vb2_queue *q)
{
	struct loop_dev *dev = file->dev;

	if (READ_ONCE(dev->writer) == file && !loop_is_capture(q)) {
		spin_lock(&dev->frames_lock);
		WRITE_ONCE(dev->buffers, vpipe_num_buffers(q));
		spin_unlock(&dev->frames_lock);
	}
	if (vb2_is_busy(q) || (loop_is_capture(q) && file->reader.reading))
		return;

	mutex_lock(&dev->lock);
	if (loop_is_capture(q)) {
		put_pid(file->capturer);
		file->capturer = NULL;
	} else if (dev->writer == file) {
		loop_memory_forget_all(dev);
		dev->writer = NULL;
	}
	mutex_unlock(&dev->lock);
}

/* read(2) is used from now on, and nothing else. */
int loop_start_reading(struct loop_file *file)
{
	int ret;

	lockdep_assert_held(&file->lock);
	if (file->reader.reading)
		return 0;
	if (vb2_is_busy(&file->cap) || vb2_is_busy(&file->out))
		return -EBUSY;

	ret = loop_claim_reader(file);
	if (ret)
		return ret;
	file->reader.reading = true;
	file->reader.stale = false;
	loop_reader_start(file);

	return 0;
}

/*
 * Queues
 */

/*
 * How many buffers REQBUFS gives at least. A reader that has one for each of the writer's
 * needs no copies, see view.c.
 */
static unsigned int loop_least_buffers(struct loop_dev *dev, struct vb2_queue *q)
{
	unsigned int least = VPIPE_LOOP_MIN_OUTPUT;

	lockdep_assert_held(&dev->lock);
	if (loop_is_capture(q)) {
		least = 1;
		if (q->memory == VB2_MEMORY_MMAP && dev->writer)
			least = max(least, READ_ONCE(dev->buffers));
	}

	return least;
}

static int loop_queue_setup(struct vb2_queue *q, unsigned int *num_buffers,
			    unsigned int *num_planes, unsigned int sizes[],
			    struct device *alloc_devs[])
{
	struct loop_file *file = vb2_get_drv_priv(q);
	unsigned int there = vpipe_num_buffers(q);
	struct loop_dev *dev = file->dev;
	unsigned int least;
	u32 sizeimage;

	mutex_lock(&dev->lock);
	sizeimage = dev->sizeimage;
	least = loop_least_buffers(dev, q);
	if (loop_is_capture(q) && !there)
		file->reader.stale = false;
	mutex_unlock(&dev->lock);

	if (!*num_planes) {
		/* Those that are there are of this very request: there was no memory for all. */
		*num_planes = 1;
		sizes[0] = sizeimage;
		*num_buffers = clamp(*num_buffers, least, loop_max_buffers);
		return 0;
	}

	/* Who creates buffers one by one gets what is asked for. */
	if (*num_planes != 1 || sizes[0] < sizeimage)
		return -EINVAL;
	if (there >= loop_max_buffers)
		return -ENOBUFS;
	*num_buffers = min(there + *num_buffers, loop_max_buffers) - there;

	return 0;
}

/*
 * Also called for another dma-buf in the same buffer. A window to frames is for the readers
 * of its node, and for nobody else.
 */
static int loop_buf_init(struct vb2_buffer *vb)
{
	struct loop_file *file = vb2_get_drv_priv(vb->vb2_queue);
	struct loop_dev *dev = file->dev;

	if (loop_is_capture(vb->vb2_queue)) {
		struct loop_buf *buf = loop_to_buf(vb);

		if (vb->memory == VB2_MEMORY_DMABUF &&
		    !loop_view_may_be_queued(vb->planes[0].dbuf, dev))
			return -EINVAL;
		INIT_LIST_HEAD(&buf->borrow);
	} else {
		if (vb->memory == VB2_MEMORY_DMABUF && loop_view_of(vb->planes[0].dbuf))
			return -EINVAL;
		loop_memory_note(dev, vb);
	}

	return 0;
}

static void loop_buf_cleanup(struct vb2_buffer *vb)
{
	struct loop_file *file = vb2_get_drv_priv(vb->vb2_queue);
	struct loop_dev *dev = file->dev;
	struct loop_view *view;

	if (!loop_is_capture(vb->vb2_queue)) {
		loop_memory_forget(dev, vb->index);
		return;
	}
	loop_buf_return(dev, loop_to_buf(vb));
	view = loop_to_buf(vb)->view;
	loop_to_buf(vb)->view = NULL;
	/* Those who still map it see its own memory, which stays. */
	if (view)
		loop_view_put(view);
}

static int loop_buf_out_validate(struct vb2_buffer *vb)
{
	to_vb2_v4l2_buffer(vb)->field = V4L2_FIELD_NONE;

	return 0;
}

static int loop_buf_prepare(struct vb2_buffer *vb)
{
	struct loop_file *file = vb2_get_drv_priv(vb->vb2_queue);
	struct loop_dev *dev = file->dev;
	u32 sizeimage = READ_ONCE(dev->sizeimage);

	if (!vpipe_memory_suffices(vb))
		return -EINVAL;
	if (loop_is_capture(vb->vb2_queue))
		return vb2_plane_size(vb, 0) < sizeimage ? -EINVAL : 0;

	/* videobuf2 forgets how much write(2) has put there. */
	if (vb2_fileio_is_active(vb->vb2_queue) && !vb2_get_plane_payload(vb, 0))
		vb2_set_plane_payload(vb, 0, dev->format->bytes ? sizeimage : file->written);
	if (vb2_get_plane_payload(vb, 0) <= sizeimage)
		return 0;
	/* The memory may be larger than the frame, and that be taken for its size. */
	if (!dev->format->bytes)
		return -EINVAL;
	vb2_set_plane_payload(vb, 0, sizeimage);

	return 0;
}

static void loop_buf_queue(struct vb2_buffer *vb)
{
	struct loop_file *file = vb2_get_drv_priv(vb->vb2_queue);
	struct loop_dev *dev = file->dev;

	if (loop_is_capture(vb->vb2_queue)) {
		spin_lock(&dev->frames_lock);
		list_add_tail(&loop_to_buf(vb)->entry, &file->reader.bufs);
		spin_unlock(&dev->frames_lock);
		wake_up(&file->reader.wait);
	} else if (vb2_start_streaming_called(vb->vb2_queue)) {
		loop_publish(dev, vb);
	} else {
		loop_to_out(vb)->frame.vb = vb;
		list_add_tail(&loop_to_out(vb)->frame.entry, &file->early);
	}
}

static int loop_start_capture(struct loop_file *file)
{
	struct loop_reader *reader = &file->reader;
	struct loop_dev *dev = file->dev;
	struct loop_buf *buf, *next;

	if (!reader->stale) {
		file->cap.timestamp_flags = READ_ONCE(dev->stamps) == VPIPE_LOOP_STAMPS_NODE ?
					    V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC :
					    V4L2_BUF_FLAG_TIMESTAMP_COPY;
		loop_reader_start(file);
		return 0;
	}

	list_for_each_entry_safe(buf, next, &reader->bufs, entry) {
		list_del(&buf->entry);
		vb2_buffer_done(&buf->vbuf.vb2_buf, VB2_BUF_STATE_QUEUED);
	}

	return -EIO;
}

static int loop_start_output(struct loop_file *file)
{
	struct loop_frame *frame, *next;
	struct loop_dev *dev = file->dev;

	spin_lock(&dev->frames_lock);
	dev->streaming = true;
	dev->written = 0;
	spin_unlock(&dev->frames_lock);
	list_for_each_entry_safe(frame, next, &file->early, entry) {
		list_del(&frame->entry);
		loop_publish(dev, frame->vb);
	}

	return 0;
}

static int loop_start_streaming(struct vb2_queue *q, unsigned int count)
{
	struct loop_file *file = vb2_get_drv_priv(q);

	return loop_is_capture(q) ? loop_start_capture(file) : loop_start_output(file);
}

/*
 * What the reader has is its own from now on, where it has memory for it: who takes a picture
 * stops, then looks at it.
 */
static void loop_stop_capture(struct loop_file *file)
{
	struct loop_buf *buf, *next;
	struct vb2_buffer *vb;
	unsigned int i;

	loop_reader_stop(file);
	for (i = 0; i < LOOP_MAX_BUFFERS; i++) {
		vb = vb2_get_buffer(&file->cap, i);
		if (!vb)
			continue;
		buf = loop_to_buf(vb);
		if (buf->shown)
			loop_view_keep(buf->shown);
		loop_buf_return(file->dev, buf);
	}
	list_for_each_entry_safe(buf, next, &file->reader.bufs, entry) {
		list_del(&buf->entry);
		loop_buf_unready(buf);
		vb2_buffer_done(&buf->vbuf.vb2_buf, VB2_BUF_STATE_ERROR);
	}
}

static void loop_stop_streaming(struct vb2_queue *q)
{
	struct loop_file *file = vb2_get_drv_priv(q);

	if (loop_is_capture(q))
		loop_stop_capture(file);
	else
		loop_take_back(file->dev);
}

static const struct vb2_ops loop_vb2_ops = {
	.queue_setup = loop_queue_setup,
	.buf_init = loop_buf_init,
	.buf_cleanup = loop_buf_cleanup,
	.buf_out_validate = loop_buf_out_validate,
	.buf_prepare = loop_buf_prepare,
	.buf_queue = loop_buf_queue,
	.start_streaming = loop_start_streaming,
	.stop_streaming = loop_stop_streaming,
	VPIPE_VB2_WAIT_OPS
};

static int loop_init_queue(struct loop_file *file, struct vb2_queue *q, u32 type)
{
	bool capture = V4L2_TYPE_IS_CAPTURE(type);

	q->type = type;
	q->io_modes = VB2_MMAP | VB2_USERPTR | VB2_DMABUF;
	if (!capture)
		q->io_modes |= VB2_WRITE;
	q->drv_priv = file;
	q->buf_struct_size = capture ? sizeof(struct loop_buf) : sizeof(struct loop_out);
	q->ops = &loop_vb2_ops;
	q->mem_ops = &loop_memops.ops;
	q->timestamp_flags = V4L2_BUF_FLAG_TIMESTAMP_COPY;
	q->lock = &file->lock;

	return vb2_queue_init(q);
}

/*
 * Ioctls
 */

/*
 * Not of the core's: what the node can changes with the writer, and the core wants
 * device_caps to stay.
 */
static int loop_querycap(struct file *filp, struct v4l2_capability __user *to)
{
	struct loop_dev *dev = video_drvdata(filp);
	struct v4l2_capability cap = {
		.driver = LOOP_NAME,
		.version = VPIPE_KERNEL_VERSION,
		.device_caps = dev->vfd.device_caps,
	};

	strscpy(cap.card, dev->vfd.name, sizeof(cap.card));
	snprintf(cap.bus_info, sizeof(cap.bus_info), "platform:" LOOP_NAME "-%03u", dev->number);
	if (!loop_has_side(loop_to_file(filp), true))
		cap.device_caps &= ~V4L2_CAP_VIDEO_CAPTURE;
	else if (!loop_has_side(loop_to_file(filp), false))
		cap.device_caps &= ~V4L2_CAP_VIDEO_OUTPUT;
	cap.device_caps |= V4L2_CAP_EXT_PIX_FORMAT;
	cap.capabilities = cap.device_caps | V4L2_CAP_DEVICE_CAPS;

	return copy_to_user(to, &cap, sizeof(cap)) ? -EFAULT : 0;
}

/*
 * Who opened the node for reading alone changes nothing that others see. By their numbers: some
 * structures of 32-bit programs have another size.
 */
static bool loop_is_for_writers(unsigned int cmd)
{
	if (_IOC_TYPE(cmd) != 'V')
		return false;

	switch (_IOC_NR(cmd)) {
	case _IOC_NR(VIDIOC_S_CTRL):
	case _IOC_NR(VIDIOC_S_EXT_CTRLS):
	case _IOC_NR(VIDIOC_S_PRIORITY):
		return true;
	default:
		return false;
	}
}

static long loop_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	if (cmd == VIDIOC_QUERYCAP)
		return loop_querycap(filp, (void __user *)arg);
	if (loop_is_for_writers(cmd) && !(filp->f_mode & FMODE_WRITE))
		return -EACCES;

	return video_ioctl2(filp, cmd, arg);
}

#ifdef CONFIG_COMPAT
/* For what V4L2 does not know; structures are the same for all. */
static long loop_compat_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	return loop_ioctl(filp, cmd, (unsigned long)compat_ptr(arg));
}
#endif

/* Programs that look for cameras are told when one comes or goes. */
static void loop_caps_changed(struct loop_dev *dev)
{
	if (dev->exclusive)
		kobject_uevent(&dev->vfd.dev.kobj, KOBJ_CHANGE);
}

static int loop_reqbufs(struct file *filp, void *priv, struct v4l2_requestbuffers *rb)
{
	struct vb2_queue *q = loop_lock_queue(filp, rb->type);
	struct loop_file *file = loop_to_file(filp);
	int ret;

	if (!q)
		return -EINVAL;

	ret = loop_claim(filp, q);
	if (!ret) {
		ret = vb2_reqbufs(q, rb);
		loop_unclaim(file, q);
	}
	mutex_unlock(q->lock);

	return ret;
}

static int loop_create_bufs(struct file *filp, void *priv, struct v4l2_create_buffers *create)
{
	struct vb2_queue *q = loop_lock_queue(filp, create->format.type);
	struct loop_file *file = loop_to_file(filp);
	int ret;

	if (!q)
		return -EINVAL;

	ret = loop_claim(filp, q);
	if (!ret) {
		ret = vb2_create_bufs(q, create);
		loop_unclaim(file, q);
	}
	mutex_unlock(q->lock);

	return ret;
}

/* Where the buffer lies in the file, if the call went well. */
static int loop_tell_buf(struct vb2_queue *q, struct v4l2_buffer *b, int ret)
{
	if (!ret && loop_is_capture(q) && b->memory == V4L2_MEMORY_MMAP)
		b->m.offset += LOOP_CAPTURE_OFFSET;

	return ret;
}

/* A reader that queues a buffer is done with what is in it, whatever becomes of that. */
static struct vb2_buffer *loop_begin_queueing(struct loop_file *file, struct vb2_queue *q,
					      const struct v4l2_buffer *b)
{
	struct vb2_buffer *vb = vb2_get_buffer(q, b->index);

	/* A prepared one has been returned before, and the rest is told with VIDIOC_QBUF. */
	if (!vb || vb->state != VB2_BUF_STATE_DEQUEUED)
		return NULL;
	if (loop_is_capture(q))
		loop_buf_return(file->dev, loop_to_buf(vb));

	return vb;
}

static int loop_querybuf(struct file *filp, void *priv, struct v4l2_buffer *b)
{
	struct vb2_queue *q = loop_lock_queue(filp, b->type);
	int ret;

	if (!q)
		return -EINVAL;

	ret = vb2_querybuf(q, b);
	mutex_unlock(q->lock);

	return loop_tell_buf(q, b, ret);
}

static int loop_prepare_buf(struct file *filp, void *priv, struct v4l2_buffer *b)
{
	struct vb2_queue *q = loop_lock_queue(filp, b->type);
	int ret;

	if (!q)
		return -EINVAL;

	loop_begin_queueing(loop_to_file(filp), q, b);
	ret = vb2_prepare_buf(q, NULL, b);
	mutex_unlock(q->lock);

	return loop_tell_buf(q, b, ret);
}

static int loop_qbuf(struct file *filp, void *priv, struct v4l2_buffer *b)
{
	struct vb2_queue *q = loop_lock_queue(filp, b->type);
	struct vb2_buffer *vb;
	int ret;

	if (!q)
		return -EINVAL;

	vb = loop_begin_queueing(loop_to_file(filp), q, b);
	if (vb && !loop_is_capture(q))
		loop_to_out(vb)->given = b->sequence;
	ret = vb2_qbuf(q, NULL, b);
	/* Another thread may have asked for a buffer before there was any to be given back. */
	if (!ret && !loop_is_capture(q) && (q->waiting_in_dqbuf || waitqueue_active(&q->done_wq)))
		loop_relieve(loop_to_file(filp));
	mutex_unlock(q->lock);
	/* Without readers it is done already; programs do not expect that of this call. */
	if (!ret && b->flags & V4L2_BUF_FLAG_DONE)
		b->flags ^= V4L2_BUF_FLAG_DONE | V4L2_BUF_FLAG_QUEUED;

	return loop_tell_buf(q, b, ret);
}

static int loop_dqbuf(struct file *filp, void *priv, struct v4l2_buffer *b)
{
	struct vb2_queue *q = loop_lock_queue(filp, b->type);
	bool nonblocking = filp->f_flags & O_NONBLOCK;
	int ret;

	if (!q)
		return -EINVAL;

	if (loop_is_capture(q)) {
		ret = loop_dequeue(loop_to_file(filp), b, nonblocking);
	} else {
		loop_relieve(loop_to_file(filp));
		ret = vb2_dqbuf(q, b, nonblocking);
	}
	mutex_unlock(q->lock);

	return loop_tell_buf(q, b, ret);
}

/* Whoever has the dma-buf sees the buffer's own memory alone. */
static int loop_expbuf(struct file *filp, void *priv, struct v4l2_exportbuffer *eb)
{
	struct vb2_queue *q = loop_lock_queue(filp, eb->type);
	struct vb2_buffer *vb;
	int ret;

	if (!q)
		return -EINVAL;

	ret = vb2_expbuf(q, eb);
	vb = ret || !loop_is_capture(q) ? NULL : vb2_get_buffer(q, eb->index);
	if (vb) {
		WRITE_ONCE(loop_to_buf(vb)->own, true);
		if (loop_to_buf(vb)->view)
			loop_view_keep(loop_to_buf(vb)->view);
	}
	mutex_unlock(q->lock);

	return ret;
}

static int loop_stream(struct file *filp, enum v4l2_buf_type type,
		       int (*call)(struct vb2_queue *q, enum v4l2_buf_type type))
{
	struct vb2_queue *q = loop_lock_queue(filp, type);
	int ret;

	if (!q)
		return -EINVAL;

	ret = call(q, type);
	mutex_unlock(q->lock);
	if (!ret && !loop_is_capture(q))
		loop_caps_changed(video_drvdata(filp));

	return ret;
}

static int loop_streamon(struct file *filp, void *priv, enum v4l2_buf_type type)
{
	return loop_stream(filp, type, vb2_streamon);
}

static int loop_streamoff(struct file *filp, void *priv, enum v4l2_buf_type type)
{
	return loop_stream(filp, type, vb2_streamoff);
}

static int loop_enum_input(struct file *filp, void *priv, struct v4l2_input *input)
{
	struct loop_dev *dev = video_drvdata(filp);

	if (!loop_has_side(loop_to_file(filp), true))
		return -ENOTTY;
	if (input->index)
		return -EINVAL;

	strscpy(input->name, "Loopback", sizeof(input->name));
	input->type = V4L2_INPUT_TYPE_CAMERA;
	input->status = READ_ONCE(dev->streaming) ? 0 : V4L2_IN_ST_NO_SIGNAL;

	return 0;
}

static int loop_enum_output(struct file *filp, void *priv, struct v4l2_output *output)
{
	if (!loop_has_side(loop_to_file(filp), false))
		return -ENOTTY;
	if (output->index)
		return -EINVAL;

	strscpy(output->name, "Loopback", sizeof(output->name));
	output->type = V4L2_OUTPUT_TYPE_ANALOG;

	return 0;
}

static int loop_g_input(struct file *filp, void *priv, unsigned int *i)
{
	*i = 0;

	return loop_has_side(loop_to_file(filp), true) ? 0 : -ENOTTY;
}

static int loop_s_input(struct file *filp, void *priv, unsigned int i)
{
	if (!loop_has_side(loop_to_file(filp), true))
		return -ENOTTY;

	return i ? -EINVAL : 0;
}

static int loop_g_output(struct file *filp, void *priv, unsigned int *i)
{
	*i = 0;

	return loop_has_side(loop_to_file(filp), false) ? 0 : -ENOTTY;
}

static int loop_s_output(struct file *filp, void *priv, unsigned int i)
{
	if (!loop_has_side(loop_to_file(filp), false))
		return -ENOTTY;

	return i ? -EINVAL : 0;
}

static int loop_subscribe_event(struct v4l2_fh *fh, const struct v4l2_event_subscription *sub)
{
	struct loop_file *file = container_of(fh, struct loop_file, fh);

	if (sub->type == V4L2_EVENT_SOURCE_CHANGE && loop_has_side(file, true))
		return v4l2_src_change_event_subscribe(fh, sub);

	return v4l2_ctrl_subscribe_event(fh, sub);
}

static long loop_private_ioctl(struct file *filp, void *priv, bool valid_prio, unsigned int cmd,
			       void *arg)
{
	if (cmd != VPIPE_LOOP_IOC_SHARE)
		return -ENOTTY;
	if (!(filp->f_mode & FMODE_READ))
		return -EACCES;

	return loop_memory_share(video_drvdata(filp), arg);
}

const struct v4l2_ioctl_ops loop_ioctl_ops = {
	.vidioc_enum_fmt_vid_cap = loop_enum_fmt,
	.vidioc_enum_fmt_vid_out = loop_enum_fmt,
	.vidioc_enum_framesizes = loop_enum_framesizes,
	.vidioc_enum_frameintervals = loop_enum_frameintervals,
	.vidioc_g_fmt_vid_cap = loop_g_fmt,
	.vidioc_g_fmt_vid_out = loop_g_fmt,
	.vidioc_try_fmt_vid_cap = loop_try_fmt,
	.vidioc_try_fmt_vid_out = loop_try_fmt,
	.vidioc_s_fmt_vid_cap = loop_s_fmt,
	.vidioc_s_fmt_vid_out = loop_s_fmt,
	.vidioc_g_parm = loop_g_parm,
	.vidioc_s_parm = loop_s_parm,

	.vidioc_enum_input = loop_enum_input,
	.vidioc_g_input = loop_g_input,
	.vidioc_s_input = loop_s_input,
	.vidioc_enum_output = loop_enum_output,
	.vidioc_g_output = loop_g_output,
	.vidioc_s_output = loop_s_output,

	.vidioc_reqbufs = loop_reqbufs,
	.vidioc_create_bufs = loop_create_bufs,
	.vidioc_querybuf = loop_querybuf,
	.vidioc_prepare_buf = loop_prepare_buf,
	.vidioc_qbuf = loop_qbuf,
	.vidioc_dqbuf = loop_dqbuf,
	.vidioc_expbuf = loop_expbuf,
	.vidioc_streamon = loop_streamon,
	.vidioc_streamoff = loop_streamoff,

	.vidioc_log_status = v4l2_ctrl_log_status,
	.vidioc_subscribe_event = loop_subscribe_event,
	.vidioc_unsubscribe_event = v4l2_event_unsubscribe,
	.vidioc_default = loop_private_ioctl,
};

/*
 * Files
 */

static int loop_open(struct file *filp)
{
	struct loop_dev *dev = video_drvdata(filp);
	struct loop_file *file;
	int ret;

	if (!loop_may_open())
		return -EACCES;

	file = kzalloc(sizeof(*file), GFP_KERNEL);
	if (!file)
		return -ENOMEM;

	file->dev = dev;
	ret = loop_file_controls_init(file);
	if (ret)
		goto free_controls;
	mutex_init(&file->lock);
	INIT_LIST_HEAD(&file->early);
	loop_reader_init(&file->reader);
	ret = loop_init_queue(file, &file->out, V4L2_BUF_TYPE_VIDEO_OUTPUT);
	if (ret)
		goto free;
	ret = loop_init_queue(file, &file->cap, V4L2_BUF_TYPE_VIDEO_CAPTURE);
	if (ret)
		goto free;

	v4l2_fh_init(&file->fh, &dev->vfd);
	file->fh.ctrl_handler = &file->hdl;
	vpipe_fh_add(&file->fh, filp);
	mutex_lock(&dev->lock);
	list_add_tail(&file->entry, &dev->files);
	mutex_unlock(&dev->lock);

	return 0;

free:
	mutex_destroy(&file->lock);
free_controls:
	v4l2_ctrl_handler_free(&file->hdl);
	kfree(file);

	return ret;
}

static int loop_release(struct file *filp)
{
	struct loop_file *file = loop_to_file(filp);
	struct loop_dev *dev = file->dev;
	bool streaming;

	mutex_lock(&file->lock);
	streaming = vb2_is_streaming(&file->out);
	vb2_queue_release(&file->out);
	if (file->reader.reading)
		loop_reader_stop(file);
	vb2_queue_release(&file->cap);
	file->reader.reading = false;
	loop_unclaim(file, &file->out);
	loop_unclaim(file, &file->cap);
	mutex_unlock(&file->lock);

	mutex_lock(&dev->lock);
	list_del(&file->entry);
	mutex_unlock(&dev->lock);
	if (streaming)
		loop_caps_changed(dev);

	vpipe_fh_del(&file->fh, filp);
	v4l2_fh_exit(&file->fh);
	v4l2_ctrl_handler_free(&file->hdl);
	kvfree(file->reader.rest);
	mutex_destroy(&file->lock);
	kfree(file);

	return 0;
}

/*
 * What is larger than a frame has to be one, or the writer means frames of another format
 * than it got.
 */
static bool loop_is_too_much(const struct loop_file *file, size_t count)
{
	struct loop_dev *dev = file->dev;

	return count > READ_ONCE(dev->sizeimage) &&
	       (!READ_ONCE(dev->format)->bytes || file->replaced);
}

/* A whole frame at once, or in parts where all frames have one size. */
static ssize_t loop_write(struct file *filp, const char __user *from, size_t count, loff_t *offset)
{
	struct loop_file *file = loop_to_file(filp);
	struct loop_dev *dev = file->dev;
	bool began;
	ssize_t ret;

	if (!loop_has_side(file, false))
		return -EINVAL;
	if (!count)
		return 0;
	if (mutex_lock_interruptible(&file->lock))
		return -ERESTARTSYS;

	ret = vb2_is_busy(&file->cap) ? -EBUSY : loop_claim_writer(file);
	if (!ret && loop_is_too_much(file, count)) {
		loop_unclaim(file, &file->out);
		ret = -EINVAL;
	}
	if (!ret) {
		file->written = count;
		if (vb2_fileio_is_active(&file->out) &&
		    file->out.queued_count == vpipe_num_buffers(&file->out))
			loop_relieve(file);
		began = !vb2_fileio_is_active(&file->out);
		if (began)
			file->out.fileio_write_immediately = !dev->format->bytes;
		ret = vb2_write(&file->out, from, count, offset, filp->f_flags & O_NONBLOCK);
		began &= vb2_fileio_is_active(&file->out);
		loop_unclaim(file, &file->out);
		if (began)
			loop_caps_changed(dev);
	}
	mutex_unlock(&file->lock);
	if (ret > 0) {
		spin_lock(&dev->frames_lock);
		loop_count_copy(dev, ret);
		spin_unlock(&dev->frames_lock);
	}

	return ret;
}

static __poll_t loop_poll_output(struct loop_file *file, struct file *filp, poll_table *wait)
{
	struct loop_file *writer;

	if (vb2_is_busy(&file->out)) {
		if (file->out.queued_count == vpipe_num_buffers(&file->out) ||
		    !vb2_fileio_is_active(&file->out))
			loop_relieve(file);
		return vb2_core_poll(&file->out, filp, wait);
	}

	writer = READ_ONCE(file->dev->writer);

	return writer && writer != file ? EPOLLERR : EPOLLOUT | EPOLLWRNORM;
}

static __poll_t loop_poll_capture(struct loop_file *file)
{
	struct loop_reader *reader = &file->reader;

	if (!vb2_is_busy(&file->cap)) {
		/* A writer that is asked for both directions does not mean to read. */
		if (!reader->reading && READ_ONCE(file->dev->writer) == file)
			return 0;
		if (loop_start_reading(file))
			return EPOLLERR;
	} else if (!vb2_is_streaming(&file->cap) || file->cap.error ||
		   file->cap.waiting_for_buffers) {
		return EPOLLERR;
	}
	if (reader->reading && reader->stale)
		return EPOLLERR;

	return loop_reader_ready(file) ? EPOLLIN | EPOLLRDNORM : 0;
}

static __poll_t loop_poll(struct file *filp, poll_table *wait)
{
	struct loop_file *file = loop_to_file(filp);
	__poll_t asked = poll_requested_events(wait);
	__poll_t events = 0;

	/* All that may be asked for later: now is the only time to say where to wait. */
	poll_wait(filp, &file->fh.wait, wait);
	poll_wait(filp, &file->reader.wait, wait);
	poll_wait(filp, &file->out.done_wq, wait);

	if (v4l2_event_pending(&file->fh))
		events |= EPOLLPRI;
	mutex_lock(&file->lock);
	if (asked & (EPOLLOUT | EPOLLWRNORM) && loop_has_side(file, false))
		events |= loop_poll_output(file, filp, wait);
	if (asked & (EPOLLIN | EPOLLRDNORM) && loop_has_side(file, true))
		events |= loop_poll_capture(file);
	mutex_unlock(&file->lock);

	return events;
}

static int loop_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct loop_file *file = loop_to_file(filp);

	if ((loff_t)vma->vm_pgoff << PAGE_SHIFT < LOOP_CAPTURE_OFFSET)
		return vb2_mmap(&file->out, vma);

	return loop_capture_mmap(file, vma);
}

const struct v4l2_file_operations loop_fops = {
	.owner = THIS_MODULE,
	.open = loop_open,
	.release = loop_release,
	.read = loop_read,
	.write = loop_write,
	.poll = loop_poll,
	.unlocked_ioctl = loop_ioctl,
#ifdef CONFIG_COMPAT
	.compat_ioctl32 = loop_compat_ioctl,
#endif
	.mmap = loop_mmap,
};
