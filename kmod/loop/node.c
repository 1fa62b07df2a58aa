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
bool vloop_has_side(struct vloop_file *file, bool capture)
{
	struct vloop_dev *dev = file->dev;

	if (!dev->exclusive)
		return true;
	if (READ_ONCE(file->side) != VLOOP_NEITHER)
		return capture == (READ_ONCE(file->side) == VLOOP_CAPTURE);

	return capture == READ_ONCE(dev->streaming);
}

/* Locked; none where the node does not have that side for this file. */
static struct vb2_queue *vloop_lock_queue(struct file *filp, u32 type)
{
	struct vloop_file *file = vloop_to_file(filp);
	bool capture = V4L2_TYPE_IS_CAPTURE(type);

	if (!vloop_has_side(file, capture))
		return NULL;

	mutex_lock(&file->lock);

	return capture ? &file->cap : &file->out;
}

/*
 * Who has what
 */

static int vloop_claim_writer(struct vloop_file *file)
{
	struct vloop_dev *dev = file->dev;
	int ret = 0;

	mutex_lock(&dev->lock);
	if (!dev->writer)
		dev->writer = file;
	else if (dev->writer != file)
		ret = -EBUSY;
	if (!ret)
		WRITE_ONCE(file->side, VLOOP_OUTPUT);
	mutex_unlock(&dev->lock);

	return ret;
}

/*
 * A node that streams to one file at a time tells a second one EBUSY, and programs
 * count on it. Here each process has that for itself.
 */
static int vloop_claim_reader(struct vloop_file *file)
{
	struct pid *process = task_tgid(current);
	struct vloop_dev *dev = file->dev;
	struct vloop_file *other;
	int ret = 0;

	mutex_lock(&dev->lock);
	list_for_each_entry(other, &dev->files, entry)
		if (other != file && other->capturer == process)
			ret = -EBUSY;
	if (!ret && !file->capturer)
		file->capturer = get_pid(process);
	if (!ret)
		WRITE_ONCE(file->side, VLOOP_CAPTURE);
	mutex_unlock(&dev->lock);

	return ret;
}

/* For buffers: read(2) is a use of its own. */
static int vloop_claim(struct file *filp, struct vb2_queue *q)
{
	struct vloop_file *file = vloop_to_file(filp);

	if (!(filp->f_mode & (vloop_is_capture(q) ? FMODE_READ : FMODE_WRITE)))
		return -EACCES;
	if (!vloop_is_capture(q))
		return vloop_claim_writer(file);
	if (file->reader.reading)
		return -EBUSY;

	return vloop_claim_reader(file);
}

/*
 * Without buffers the queue is nobody's. How many there are is told here: videobuf2 counts them
 * in memory that it frees, so only who has the queue's lock can ask it.
 */
static void vloop_unclaim(struct vloop_file *file, struct vb2_queue *q)
{
	struct vloop_dev *dev = file->dev;

	if (READ_ONCE(dev->writer) == file && !vloop_is_capture(q)) {
		spin_lock(&dev->frames_lock);
		WRITE_ONCE(dev->buffers, vpipe_num_buffers(q));
		spin_unlock(&dev->frames_lock);
	}
	if (vb2_is_busy(q) || (vloop_is_capture(q) && file->reader.reading))
		return;

	mutex_lock(&dev->lock);
	if (vloop_is_capture(q)) {
		put_pid(file->capturer);
		file->capturer = NULL;
	} else if (dev->writer == file) {
		vloop_memory_forget_all(dev);
		dev->writer = NULL;
	}
	mutex_unlock(&dev->lock);
}

/* read(2) is used from now on, and nothing else. */
int vloop_start_reading(struct vloop_file *file)
{
	int ret;

	lockdep_assert_held(&file->lock);
	if (file->reader.reading)
		return 0;
	if (vb2_is_busy(&file->cap) || vb2_is_busy(&file->out))
		return -EBUSY;

	ret = vloop_claim_reader(file);
	if (ret)
		return ret;
	file->reader.reading = true;
	file->reader.stale = false;
	vloop_reader_start(file);

	return 0;
}

/*
 * Queues
 */

/*
 * How many buffers REQBUFS gives at least. A reader that has one for each of the writer's
 * needs no copies, see view.c.
 */
static unsigned int vloop_least_buffers(struct vloop_dev *dev, struct vb2_queue *q)
{
	unsigned int least = VPIPE_LOOP_MIN_OUTPUT;

	lockdep_assert_held(&dev->lock);
	if (vloop_is_capture(q)) {
		least = 1;
		if (q->memory == VB2_MEMORY_MMAP && dev->writer)
			least = max(least, READ_ONCE(dev->buffers));
	}

	return least;
}

static int vloop_queue_setup(struct vb2_queue *q, unsigned int *num_buffers,
			     unsigned int *num_planes, unsigned int sizes[],
			     struct device *alloc_devs[])
{
	struct vloop_file *file = vb2_get_drv_priv(q);
	unsigned int there = vpipe_num_buffers(q);
	struct vloop_dev *dev = file->dev;
	unsigned int least;
	u32 sizeimage;

	mutex_lock(&dev->lock);
	sizeimage = dev->sizeimage;
	least = vloop_least_buffers(dev, q);
	if (vloop_is_capture(q) && !there)
		file->reader.stale = false;
	mutex_unlock(&dev->lock);

	if (!*num_planes) {
		/* Those that are there are of this very request: there was no memory for all. */
		*num_planes = 1;
		sizes[0] = sizeimage;
		*num_buffers = clamp(*num_buffers, least, vloop_max_buffers);
		return 0;
	}

	/* Who creates buffers one by one gets what is asked for. */
	if (*num_planes != 1 || sizes[0] < sizeimage)
		return -EINVAL;
	if (there >= vloop_max_buffers)
		return -ENOBUFS;
	*num_buffers = min(there + *num_buffers, vloop_max_buffers) - there;

	return 0;
}

/*
 * Also called for another dma-buf in the same buffer. A window to frames is for the readers
 * of its node, and for nobody else.
 */
static int vloop_buf_init(struct vb2_buffer *vb)
{
	struct vloop_file *file = vb2_get_drv_priv(vb->vb2_queue);
	struct vloop_dev *dev = file->dev;

	if (vloop_is_capture(vb->vb2_queue)) {
		struct vloop_buf *buf = vloop_to_buf(vb);

		if (vb->memory == VB2_MEMORY_DMABUF &&
		    !vloop_view_may_be_queued(vb->planes[0].dbuf, dev))
			return -EINVAL;
		INIT_LIST_HEAD(&buf->borrow);
	} else {
		if (vb->memory == VB2_MEMORY_DMABUF && vloop_view_of(vb->planes[0].dbuf))
			return -EINVAL;
		vloop_memory_note(dev, vb);
	}

	return 0;
}

static void vloop_buf_cleanup(struct vb2_buffer *vb)
{
	struct vloop_file *file = vb2_get_drv_priv(vb->vb2_queue);
	struct vloop_dev *dev = file->dev;
	struct vloop_view *view;

	if (!vloop_is_capture(vb->vb2_queue)) {
		vloop_memory_forget(dev, vb->index);
		return;
	}
	vloop_buf_return(dev, vloop_to_buf(vb));
	view = vloop_to_buf(vb)->view;
	vloop_to_buf(vb)->view = NULL;
	/* Those who still map it see its own memory, which stays. */
	if (view)
		vloop_view_put(view);
}

static int vloop_buf_out_validate(struct vb2_buffer *vb)
{
	to_vb2_v4l2_buffer(vb)->field = V4L2_FIELD_NONE;

	return 0;
}

static int vloop_buf_prepare(struct vb2_buffer *vb)
{
	struct vloop_file *file = vb2_get_drv_priv(vb->vb2_queue);
	struct vloop_dev *dev = file->dev;
	u32 sizeimage = READ_ONCE(dev->sizeimage);

	if (!vpipe_memory_suffices(vb))
		return -EINVAL;
	if (vloop_is_capture(vb->vb2_queue))
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

static void vloop_buf_queue(struct vb2_buffer *vb)
{
	struct vloop_file *file = vb2_get_drv_priv(vb->vb2_queue);
	struct vloop_dev *dev = file->dev;

	if (vloop_is_capture(vb->vb2_queue)) {
		spin_lock(&dev->frames_lock);
		list_add_tail(&vloop_to_buf(vb)->entry, &file->reader.bufs);
		spin_unlock(&dev->frames_lock);
		wake_up(&file->reader.wait);
	} else if (vb2_start_streaming_called(vb->vb2_queue)) {
		vloop_publish(dev, vb);
	} else {
		vloop_to_out(vb)->frame.vb = vb;
		list_add_tail(&vloop_to_out(vb)->frame.entry, &file->early);
	}
}

static int vloop_start_capture(struct vloop_file *file)
{
	struct vloop_reader *reader = &file->reader;
	struct vloop_dev *dev = file->dev;
	struct vloop_buf *buf, *next;

	if (!reader->stale) {
		file->cap.timestamp_flags = READ_ONCE(dev->stamps) == VPIPE_LOOP_STAMPS_NODE ?
					    V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC :
					    V4L2_BUF_FLAG_TIMESTAMP_COPY;
		vloop_reader_start(file);
		return 0;
	}

	list_for_each_entry_safe(buf, next, &reader->bufs, entry) {
		list_del(&buf->entry);
		vb2_buffer_done(&buf->vbuf.vb2_buf, VB2_BUF_STATE_QUEUED);
	}

	return -EIO;
}

static int vloop_start_output(struct vloop_file *file)
{
	struct vloop_frame *frame, *next;
	struct vloop_dev *dev = file->dev;

	spin_lock(&dev->frames_lock);
	dev->streaming = true;
	dev->written = 0;
	spin_unlock(&dev->frames_lock);
	list_for_each_entry_safe(frame, next, &file->early, entry) {
		list_del(&frame->entry);
		vloop_publish(dev, frame->vb);
	}

	return 0;
}

static int vloop_start_streaming(struct vb2_queue *q, unsigned int count)
{
	struct vloop_file *file = vb2_get_drv_priv(q);

	return vloop_is_capture(q) ? vloop_start_capture(file) : vloop_start_output(file);
}

/*
 * What the reader has is its own from now on, where it has memory for it: who takes a picture
 * stops, then looks at it.
 */
static void vloop_stop_capture(struct vloop_file *file)
{
	struct vloop_buf *buf, *next;
	struct vb2_buffer *vb;
	unsigned int i;

	vloop_reader_stop(file);
	for (i = 0; i < VLOOP_MAX_BUFFERS; i++) {
		vb = vb2_get_buffer(&file->cap, i);
		if (!vb)
			continue;
		buf = vloop_to_buf(vb);
		if (buf->shown)
			vloop_view_keep(buf->shown);
		vloop_buf_return(file->dev, buf);
	}
	list_for_each_entry_safe(buf, next, &file->reader.bufs, entry) {
		list_del(&buf->entry);
		vloop_buf_unready(buf);
		vb2_buffer_done(&buf->vbuf.vb2_buf, VB2_BUF_STATE_ERROR);
	}
}

static void vloop_stop_streaming(struct vb2_queue *q)
{
	struct vloop_file *file = vb2_get_drv_priv(q);

	if (vloop_is_capture(q))
		vloop_stop_capture(file);
	else
		vloop_take_back(file->dev);
}

static const struct vb2_ops vloop_vb2_ops = {
	.queue_setup = vloop_queue_setup,
	.buf_init = vloop_buf_init,
	.buf_cleanup = vloop_buf_cleanup,
	.buf_out_validate = vloop_buf_out_validate,
	.buf_prepare = vloop_buf_prepare,
	.buf_queue = vloop_buf_queue,
	.start_streaming = vloop_start_streaming,
	.stop_streaming = vloop_stop_streaming,
	VPIPE_VB2_WAIT_OPS
};

static int vloop_init_queue(struct vloop_file *file, struct vb2_queue *q, u32 type)
{
	bool capture = V4L2_TYPE_IS_CAPTURE(type);

	q->type = type;
	q->io_modes = VB2_MMAP | VB2_USERPTR | VB2_DMABUF;
	if (!capture)
		q->io_modes |= VB2_WRITE;
	q->drv_priv = file;
	q->buf_struct_size = capture ? sizeof(struct vloop_buf) : sizeof(struct vloop_out);
	q->ops = &vloop_vb2_ops;
	q->mem_ops = &vloop_memops.ops;
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
static int vloop_querycap(struct file *filp, struct v4l2_capability __user *to)
{
	struct vloop_dev *dev = video_drvdata(filp);
	struct v4l2_capability cap = {
		.driver = VLOOP_NAME,
		.version = VPIPE_KERNEL_VERSION,
		.device_caps = dev->vfd.device_caps,
	};

	strscpy(cap.card, dev->vfd.name, sizeof(cap.card));
	snprintf(cap.bus_info, sizeof(cap.bus_info), "platform:" VLOOP_NAME "-%03u", dev->number);
	if (!vloop_has_side(vloop_to_file(filp), true))
		cap.device_caps &= ~V4L2_CAP_VIDEO_CAPTURE;
	else if (!vloop_has_side(vloop_to_file(filp), false))
		cap.device_caps &= ~V4L2_CAP_VIDEO_OUTPUT;
	cap.device_caps |= V4L2_CAP_EXT_PIX_FORMAT;
	cap.capabilities = cap.device_caps | V4L2_CAP_DEVICE_CAPS;

	return copy_to_user(to, &cap, sizeof(cap)) ? -EFAULT : 0;
}

/*
 * Who opened the node for reading alone changes nothing that others see. By their numbers: some
 * structures of 32-bit programs have another size.
 */
static bool vloop_is_for_writers(unsigned int cmd)
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

static long vloop_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	if (cmd == VIDIOC_QUERYCAP)
		return vloop_querycap(filp, (void __user *)arg);
	if (vloop_is_for_writers(cmd) && !(filp->f_mode & FMODE_WRITE))
		return -EACCES;

	return video_ioctl2(filp, cmd, arg);
}

#ifdef CONFIG_COMPAT
/* For what V4L2 does not know; structures are the same for all. */
static long vloop_compat_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	return vloop_ioctl(filp, cmd, (unsigned long)compat_ptr(arg));
}
#endif

/* Programs that look for cameras are told when one comes or goes. */
static void vloop_caps_changed(struct vloop_dev *dev)
{
	if (dev->exclusive)
		kobject_uevent(&dev->vfd.dev.kobj, KOBJ_CHANGE);
}

static int vloop_reqbufs(struct file *filp, void *priv, struct v4l2_requestbuffers *rb)
{
	struct vb2_queue *q = vloop_lock_queue(filp, rb->type);
	struct vloop_file *file = vloop_to_file(filp);
	int ret;

	if (!q)
		return -EINVAL;

	ret = vloop_claim(filp, q);
	if (!ret) {
		ret = vb2_reqbufs(q, rb);
		vloop_unclaim(file, q);
	}
	mutex_unlock(q->lock);

	return ret;
}

static int vloop_create_bufs(struct file *filp, void *priv, struct v4l2_create_buffers *create)
{
	struct vb2_queue *q = vloop_lock_queue(filp, create->format.type);
	struct vloop_file *file = vloop_to_file(filp);
	int ret;

	if (!q)
		return -EINVAL;

	ret = vloop_claim(filp, q);
	if (!ret) {
		ret = vb2_create_bufs(q, create);
		vloop_unclaim(file, q);
	}
	mutex_unlock(q->lock);

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

	if (!q)
		return -EINVAL;

	ret = vb2_querybuf(q, b);
	mutex_unlock(q->lock);

	return vloop_tell_buf(q, b, ret);
}

static int vloop_prepare_buf(struct file *filp, void *priv, struct v4l2_buffer *b)
{
	struct vb2_queue *q = vloop_lock_queue(filp, b->type);
	int ret;

	if (!q)
		return -EINVAL;

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

	if (!q)
		return -EINVAL;

	vb = vloop_begin_queueing(vloop_to_file(filp), q, b);
	if (vb && !vloop_is_capture(q))
		vloop_to_out(vb)->given = b->sequence;
	ret = vb2_qbuf(q, NULL, b);
	/* Another thread may have asked for a buffer before there was any to be given back. */
	if (!ret && !vloop_is_capture(q) && (q->waiting_in_dqbuf || waitqueue_active(&q->done_wq)))
		vloop_relieve(vloop_to_file(filp));
	mutex_unlock(q->lock);
	/* Without readers it is done already; programs do not expect that of this call. */
	if (!ret && b->flags & V4L2_BUF_FLAG_DONE)
		b->flags ^= V4L2_BUF_FLAG_DONE | V4L2_BUF_FLAG_QUEUED;

	return vloop_tell_buf(q, b, ret);
}

static int vloop_dqbuf(struct file *filp, void *priv, struct v4l2_buffer *b)
{
	struct vb2_queue *q = vloop_lock_queue(filp, b->type);
	bool nonblocking = filp->f_flags & O_NONBLOCK;
	int ret;

	if (!q)
		return -EINVAL;

	if (vloop_is_capture(q)) {
		ret = vloop_dequeue(vloop_to_file(filp), b, nonblocking);
	} else {
		vloop_relieve(vloop_to_file(filp));
		ret = vb2_dqbuf(q, b, nonblocking);
	}
	mutex_unlock(q->lock);

	return vloop_tell_buf(q, b, ret);
}

/* Whoever has the dma-buf sees the buffer's own memory alone. */
static int vloop_expbuf(struct file *filp, void *priv, struct v4l2_exportbuffer *eb)
{
	struct vb2_queue *q = vloop_lock_queue(filp, eb->type);
	struct vb2_buffer *vb;
	int ret;

	if (!q)
		return -EINVAL;

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
	int ret;

	if (!q)
		return -EINVAL;

	ret = call(q, type);
	mutex_unlock(q->lock);
	if (!ret && !vloop_is_capture(q))
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
	input->status = READ_ONCE(dev->streaming) ? 0 : V4L2_IN_ST_NO_SIGNAL;

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

static int vloop_subscribe_event(struct v4l2_fh *fh, const struct v4l2_event_subscription *sub)
{
	struct vloop_file *file = container_of(fh, struct vloop_file, fh);

	if (sub->type == V4L2_EVENT_SOURCE_CHANGE && vloop_has_side(file, true))
		return v4l2_src_change_event_subscribe(fh, sub);

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

	.vidioc_log_status = v4l2_ctrl_log_status,
	.vidioc_subscribe_event = vloop_subscribe_event,
	.vidioc_unsubscribe_event = v4l2_event_unsubscribe,
	.vidioc_default = vloop_private_ioctl,
};

/*
 * Files
 */

static int vloop_open(struct file *filp)
{
	struct vloop_dev *dev = video_drvdata(filp);
	struct vloop_file *file;
	int ret;

	if (!vloop_may_open())
		return -EACCES;

	file = kzalloc(sizeof(*file), GFP_KERNEL);
	if (!file)
		return -ENOMEM;

	file->dev = dev;
	ret = vloop_file_controls_init(file);
	if (ret)
		goto free_controls;
	mutex_init(&file->lock);
	INIT_LIST_HEAD(&file->early);
	vloop_reader_init(&file->reader);
	ret = vloop_init_queue(file, &file->out, V4L2_BUF_TYPE_VIDEO_OUTPUT);
	if (ret)
		goto free;
	ret = vloop_init_queue(file, &file->cap, V4L2_BUF_TYPE_VIDEO_CAPTURE);
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

static int vloop_release(struct file *filp)
{
	struct vloop_file *file = vloop_to_file(filp);
	struct vloop_dev *dev = file->dev;
	bool streaming;

	mutex_lock(&file->lock);
	streaming = vb2_is_streaming(&file->out);
	vb2_queue_release(&file->out);
	if (file->reader.reading)
		vloop_reader_stop(file);
	vb2_queue_release(&file->cap);
	file->reader.reading = false;
	vloop_unclaim(file, &file->out);
	vloop_unclaim(file, &file->cap);
	mutex_unlock(&file->lock);

	mutex_lock(&dev->lock);
	list_del(&file->entry);
	mutex_unlock(&dev->lock);
	if (streaming)
		vloop_caps_changed(dev);

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
static bool vloop_is_too_much(const struct vloop_file *file, size_t count)
{
	struct vloop_dev *dev = file->dev;

	return count > READ_ONCE(dev->sizeimage) &&
	       (!READ_ONCE(dev->format)->bytes || file->replaced);
}

/* A whole frame at once, or in parts where all frames have one size. */
static ssize_t vloop_write(struct file *filp, const char __user *from, size_t count, loff_t *offset)
{
	struct vloop_file *file = vloop_to_file(filp);
	struct vloop_dev *dev = file->dev;
	bool began;
	ssize_t ret;

	if (!vloop_has_side(file, false))
		return -EINVAL;
	if (!count)
		return 0;
	if (mutex_lock_interruptible(&file->lock))
		return -ERESTARTSYS;

	ret = vb2_is_busy(&file->cap) ? -EBUSY : vloop_claim_writer(file);
	if (!ret && vloop_is_too_much(file, count)) {
		vloop_unclaim(file, &file->out);
		ret = -EINVAL;
	}
	if (!ret) {
		file->written = count;
		if (vb2_fileio_is_active(&file->out) &&
		    file->out.queued_count == vpipe_num_buffers(&file->out))
			vloop_relieve(file);
		began = !vb2_fileio_is_active(&file->out);
		if (began)
			file->out.fileio_write_immediately = !dev->format->bytes;
		ret = vb2_write(&file->out, from, count, offset, filp->f_flags & O_NONBLOCK);
		began &= vb2_fileio_is_active(&file->out);
		vloop_unclaim(file, &file->out);
		if (began)
			vloop_caps_changed(dev);
	}
	mutex_unlock(&file->lock);
	if (ret > 0) {
		spin_lock(&dev->frames_lock);
		vloop_count_copy(dev, ret);
		spin_unlock(&dev->frames_lock);
	}

	return ret;
}

static __poll_t vloop_poll_output(struct vloop_file *file, struct file *filp, poll_table *wait)
{
	struct vloop_file *writer;

	if (vb2_is_busy(&file->out)) {
		if (file->out.queued_count == vpipe_num_buffers(&file->out) ||
		    !vb2_fileio_is_active(&file->out))
			vloop_relieve(file);
		return vb2_core_poll(&file->out, filp, wait);
	}

	writer = READ_ONCE(file->dev->writer);

	return writer && writer != file ? EPOLLERR : EPOLLOUT | EPOLLWRNORM;
}

static __poll_t vloop_poll_capture(struct vloop_file *file)
{
	struct vloop_reader *reader = &file->reader;

	if (!vb2_is_busy(&file->cap)) {
		/* A writer that is asked for both directions does not mean to read. */
		if (!reader->reading && READ_ONCE(file->dev->writer) == file)
			return 0;
		if (vloop_start_reading(file))
			return EPOLLERR;
	} else if (!vb2_is_streaming(&file->cap) || file->cap.error ||
		   file->cap.waiting_for_buffers) {
		return EPOLLERR;
	}
	if (reader->reading && reader->stale)
		return EPOLLERR;

	return vloop_reader_ready(file) ? EPOLLIN | EPOLLRDNORM : 0;
}

static __poll_t vloop_poll(struct file *filp, poll_table *wait)
{
	struct vloop_file *file = vloop_to_file(filp);
	__poll_t asked = poll_requested_events(wait);
	__poll_t events = 0;

	/* All that may be asked for later: now is the only time to say where to wait. */
	poll_wait(filp, &file->fh.wait, wait);
	poll_wait(filp, &file->reader.wait, wait);
	poll_wait(filp, &file->out.done_wq, wait);

	if (v4l2_event_pending(&file->fh))
		events |= EPOLLPRI;
	mutex_lock(&file->lock);
	if (asked & (EPOLLOUT | EPOLLWRNORM) && vloop_has_side(file, false))
		events |= vloop_poll_output(file, filp, wait);
	if (asked & (EPOLLIN | EPOLLRDNORM) && vloop_has_side(file, true))
		events |= vloop_poll_capture(file);
	mutex_unlock(&file->lock);

	return events;
}

static int vloop_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct vloop_file *file = vloop_to_file(filp);

	if ((loff_t)vma->vm_pgoff << PAGE_SHIFT < VLOOP_CAPTURE_OFFSET)
		return vb2_mmap(&file->out, vma);

	return vloop_capture_mmap(file, vma);
}

const struct v4l2_file_operations vloop_fops = {
	.owner = THIS_MODULE,
	.open = vloop_open,
	.release = vloop_release,
	.read = vloop_read,
	.write = vloop_write,
	.poll = vloop_poll,
	.unlocked_ioctl = vloop_ioctl,
#ifdef CONFIG_COMPAT
	.compat_ioctl32 = vloop_compat_ioctl,
#endif
	.mmap = vloop_mmap,
};
