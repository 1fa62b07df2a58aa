// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Which buffers the daemon may have the dma-bufs of, has, and is to let go of.
 */
#include <linux/dma-buf.h>
#include <linux/uaccess.h>

#include <uapi/linux/dma-buf.h>

#include <media/videobuf2-v4l2.h>

#include "dec.h"

static unsigned int vpdec_queue_index(const struct vb2_queue *vq)
{
	return V4L2_TYPE_IS_CAPTURE(vq->type) ? VPIPE_DEC_QUEUE_CAPTURE : VPIPE_DEC_QUEUE_OUTPUT;
}

static void vpdec_stream_forget(struct vpdec_stream *stream, unsigned int queue, u32 indices)
{
	spin_lock(&stream->lock);
	stream->gone[queue] |= stream->mapped[queue] & indices;
	stream->mapped[queue] &= ~indices;
	spin_unlock(&stream->lock);
	wake_up_interruptible(&stream->wait);
}

/* The memory of a buffer goes: the daemon is to unmap it, if it ever asked. */
void vpdec_stream_forget_buffer(struct vpdec_ctx *ctx, struct vb2_buffer *vb)
{
	struct vpdec_stream *stream = ctx->stream;
	unsigned int queue = vpdec_queue_index(vb->vb2_queue);

	if (!stream || vb->index >= VPDEC_MAX_BUFFERS)
		return;

	vpdec_stream_forget(stream, queue, BIT(vb->index));
}

/* Of imported buffers, those that videobuf2 has dropped by itself. */
void vpdec_stream_forget_dropped(struct vpdec_ctx *ctx, struct vb2_queue *vq)
{
	u32 dropped = 0;
	unsigned int i;

	lockdep_assert_held(&ctx->lock);
	if (!vq || !ctx->stream)
		return;
	for (i = 0; i < VPDEC_MAX_BUFFERS; i++) {
		const struct vb2_buffer *vb = vb2_get_buffer(vq, i);

		if (vb && !vb->planes[0].mem_priv)
			dropped |= BIT(i);
	}
	if (dropped)
		vpdec_stream_forget(ctx->stream, vpdec_queue_index(vq), dropped);
}

static struct vb2_buffer *vpdec_find_in(const struct list_head *list, unsigned int queue, u32 index)
{
	const struct vpdec_frame *frame;

	list_for_each_entry(frame, list, entry) {
		struct vb2_v4l2_buffer *vbuf = (struct vb2_v4l2_buffer *)&frame->m2m.vb;

		if (queue == VPIPE_DEC_QUEUE_CAPTURE)
			vbuf = frame->capture;
		else if (vbuf == frame->capture)
			continue;
		if (vbuf && vbuf->vb2_buf.index == index)
			return &vbuf->vb2_buf;
	}

	return NULL;
}

/*
 * A buffer that the daemon has, or is about to read of. As long as it is in one of these
 * lists videobuf2 leaves it and its memory alone, whatever the client does.
 */
static struct vb2_buffer *vpdec_find_buffer(const struct vpdec_stream *stream, unsigned int queue,
					    u32 index)
{
	const struct list_head *const lists[] = {
		&stream->given, &stream->lent, &stream->waiting, &stream->empty,
	};
	struct vb2_buffer *vb;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		vb = vpdec_find_in(lists[i], queue, index);
		if (vb)
			return vb;
	}

	return NULL;
}

/* EPIPE, ESTALE, EINVAL, ENOMEM. */
static struct dma_buf *vpdec_export(struct vpdec_stream *stream, struct vpipe_dec_buffer *arg)
{
	struct dma_buf *dbuf;
	struct vb2_buffer *vb;

	lockdep_assert_held(&stream->lock);
	if (stream->over)
		return ERR_PTR(-EPIPE);
	if (arg->queue >= VPDEC_NUM_QUEUES || arg->index >= VPDEC_MAX_BUFFERS)
		return ERR_PTR(-EINVAL);
	vb = vpdec_find_buffer(stream, arg->queue, arg->index);
	if (!vb)
		return ERR_PTR(-ESTALE);
	if (arg->plane >= vb->num_planes)
		return ERR_PTR(-EINVAL);
	dbuf = vpdec_memory_get(stream->ctx, vb, arg->plane);
	if (!dbuf)
		return ERR_PTR(-ENOMEM);

	arg->flags = vb->memory == VB2_MEMORY_DMABUF ? VPIPE_DEC_BUFFER_IMPORTED : 0;
	arg->size = vb2_plane_size(vb, arg->plane);
	stream->mapped[arg->queue] |= BIT(arg->index);

	return dbuf;
}

static long vpdec_stream_access(const void __user *from)
{
	struct vpipe_dec_access access;
	enum dma_data_direction direction;
	struct dma_buf *dbuf;
	long ret;

	if (copy_from_user(&access, from, sizeof(access)))
		return -EFAULT;
	if (access.flags & ~(u32)DMA_BUF_SYNC_VALID_FLAGS_MASK)
		return -EINVAL;
	switch (access.flags & DMA_BUF_SYNC_RW) {
	case DMA_BUF_SYNC_READ:
		direction = DMA_FROM_DEVICE;
		break;
	case DMA_BUF_SYNC_WRITE:
		direction = DMA_TO_DEVICE;
		break;
	case DMA_BUF_SYNC_RW:
		direction = DMA_BIDIRECTIONAL;
		break;
	default:
		return -EINVAL;
	}

	dbuf = dma_buf_get(access.fd);
	if (IS_ERR(dbuf))
		return PTR_ERR(dbuf);
	/* Some exporters have an error for an end without the beginning that was left out. */
	ret = 0;
	if (access.flags & DMA_BUF_SYNC_END)
		dma_buf_end_cpu_access(dbuf, direction);
	else
		ret = vpipe_dmabuf_begin_now(dbuf, direction);
	dma_buf_put(dbuf);

	return ret;
}

long vpdec_stream_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vpdec_stream *stream = file->private_data;
	struct vpipe_dec_buffer buffer;
	struct dma_buf *dbuf;

	if (cmd == VPIPE_DEC_IOC_MEMORY)
		return vpdec_stream_memory(stream, (void __user *)arg);
	if (cmd == VPIPE_DEC_IOC_ACCESS)
		return vpdec_stream_access((void __user *)arg);
	if (cmd != VPIPE_DEC_IOC_BUFFER)
		return -ENOTTY;
	if (copy_from_user(&buffer, (void __user *)arg, sizeof(buffer)))
		return -EFAULT;

	spin_lock(&stream->lock);
	dbuf = vpdec_export(stream, &buffer);
	spin_unlock(&stream->lock);
	if (IS_ERR(dbuf))
		return PTR_ERR(dbuf);
	buffer.fd = dma_buf_fd(dbuf, O_CLOEXEC);
	if (buffer.fd < 0) {
		dma_buf_put(dbuf);
		return buffer.fd;
	}

	/* The descriptor is the caller's already: it goes with the process. */
	return copy_to_user((void __user *)arg, &buffer, sizeof(buffer)) ? -EFAULT : 0;
}
