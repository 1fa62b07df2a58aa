// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The two queues of each file.
 */
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>

#include "loop.h"

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
		WRITE_ONCE(file->reader.stale, false);
	mutex_unlock(&dev->lock);

	if (!*num_planes) {
		/* Those that are there are of this very request: there was no memory for all. */
		*num_planes = 1;
		sizes[0] = sizeimage;
		*num_buffers = clamp(*num_buffers, least, dev->config.max_buffers);
		return 0;
	}

	/* Who creates buffers one by one gets what is asked for. */
	if (*num_planes != 1 || sizes[0] < sizeimage || sizes[0] > vloop_max_sizeimage())
		return -EINVAL;
	if (there >= dev->config.max_buffers)
		return -ENOBUFS;
	*num_buffers = min(there + *num_buffers, dev->config.max_buffers) - there;

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
		if (!file->gives_image)
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
		if (!file->gives_image)
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

static bool vloop_is_lent(struct vloop_dev *dev, struct vb2_buffer *vb)
{
	bool lent;

	spin_lock(&dev->frames_lock);
	lent = vloop_is_writers(dev, vloop_to_buf(vb));
	spin_unlock(&dev->frames_lock);

	return lent;
}

static int vloop_buf_prepare(struct vb2_buffer *vb)
{
	struct vloop_file *file = vb2_get_drv_priv(vb->vb2_queue);
	struct vloop_dev *dev = file->dev;
	u32 sizeimage = READ_ONCE(dev->sizeimage);

	if (!vpipe_memory_suffices(vb))
		return -EINVAL;
	if (vloop_is_capture(vb->vb2_queue)) {
		if (vb2_plane_size(vb, 0) < sizeimage)
			return -EINVAL;
		/* Nothing is copied to the writer's own, whatever uses that. */
		return vloop_is_lent(dev, vb) ? 0 : vpipe_memory_wait(vb);
	}
	if (!vpipe_memory_is_readable(vb))
		return -EACCES;

	/*
	 * Nothing stands for the whole buffer, also where its size is left to the dma-buf: no frame
	 * is empty. And videobuf2 forgets how much write(2) has put there.
	 */
	if (!vb2_get_plane_payload(vb, 0))
		vb2_set_plane_payload(vb, 0,
				      vb2_fileio_is_active(vb->vb2_queue) && !dev->format->bytes ?
				      file->written : vb2_plane_size(vb, 0));
	if (vb2_get_plane_payload(vb, 0) > sizeimage) {
		/* The memory may be larger than the frame, and that be taken for its size. */
		if (!dev->format->bytes)
			return -EINVAL;
		vb2_set_plane_payload(vb, 0, sizeimage);
	}

	return vpipe_memory_wait(vb);
}

static void vloop_write_buf(struct vloop_file *file, struct vb2_buffer *vb)
{
	if (file->gives_image)
		vloop_take_image(file->dev, vb);
	else
		vloop_publish(file->dev, vb);
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
		vloop_write_buf(file, vb);
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

	if (!file->gives_image) {
		spin_lock(&dev->frames_lock);
		WRITE_ONCE(dev->streaming, true);
		dev->written = 0;
		spin_unlock(&dev->frames_lock);
	}
	list_for_each_entry_safe(frame, next, &file->early, entry) {
		list_del(&frame->entry);
		vloop_write_buf(file, frame->vb);
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
	else if (!file->gives_image)
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

int vloop_init_queue(struct vloop_file *file, struct vb2_queue *q, u32 type)
{
	unsigned int io_modes = VB2_MMAP | VB2_USERPTR | VB2_DMABUF;
	bool capture = V4L2_TYPE_IS_CAPTURE(type);

	q->ops = &vloop_vb2_ops;
	q->buf_struct_size = capture ? sizeof(struct vloop_buf) : sizeof(struct vloop_out);

	return vpipe_queue_init(q, type, capture ? io_modes : io_modes | VB2_WRITE, &vloop_memops,
				file, &file->lock);
}
