// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The buffers of both queues.
 */
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/ktime.h>

#include "filter.h"
#include "trace.h"

static int vpipe_queue_setup(struct vb2_queue *vq, unsigned int *num_buffers,
			     unsigned int *num_planes, unsigned int sizes[],
			     struct device *alloc_devs[])
{
	u32 size = vpipe_sizeimage(vb2_get_drv_priv(vq));

	if (*num_planes)
		return *num_planes != 1 || sizes[0] < size || sizes[0] > VPIPE_MAX_BYTES ?
		       -EINVAL : 0;

	*num_planes = 1;
	sizes[0] = size;

	return 0;
}

static int vpipe_buf_out_validate(struct vb2_buffer *vb)
{
	struct vb2_v4l2_buffer *vbuf = to_vb2_v4l2_buffer(vb);

	if (vbuf->field == V4L2_FIELD_ANY)
		vbuf->field = V4L2_FIELD_NONE;

	return vbuf->field == V4L2_FIELD_NONE ? 0 : -EINVAL;
}

/*
 * Mapping an imported buffer leaves its caches alone. This side reads OUTPUT buffers, and
 * writes CAPTURE buffers and reads them for the CRC.
 */
static enum dma_data_direction vpipe_cpu_access(struct vb2_buffer *vb)
{
	return V4L2_TYPE_IS_OUTPUT(vb->type) ? DMA_FROM_DEVICE : DMA_BIDIRECTIONAL;
}

/*
 * Without dma_buf_begin_cpu_access() in a request: it would wait for what another thread has
 * given the buffer since its fences were looked at.
 */
static int vpipe_begin_cpu_access(struct vb2_buffer *vb)
{
	enum dma_data_direction direction = vpipe_cpu_access(vb);

	return vb->req_obj.req ? vpipe_memory_begin_now(vb, direction) :
				 vpipe_memory_begin(vb, direction);
}

static int vpipe_buf_prepare(struct vb2_buffer *vb)
{
	struct vpipe_ctx *ctx = vb2_get_drv_priv(vb->vb2_queue);
	u32 size = vpipe_sizeimage(ctx);
	int ret;

	if (vb2_plane_size(vb, 0) < size || !vpipe_memory_suffices(vb))
		return -EINVAL;

	if (V4L2_TYPE_IS_OUTPUT(vb->type)) {
		/* videobuf2 leaves 0 if neither bytesused nor length was given. */
		if (!vb2_get_plane_payload(vb, 0))
			vb2_set_plane_payload(vb, 0, size);
		if (vb2_get_plane_payload(vb, 0) < size)
			return -EINVAL;

		/* Before VIDIOC_STREAMON, VIDIOC_QBUF does not get to buf_queue. */
		if (!vb2_start_streaming_called(vb->vb2_queue))
			vpipe_snapshot(ctx, &to_out_buffer(to_vb2_v4l2_buffer(vb))->params);
	}

	if (vb->memory != VB2_MEMORY_DMABUF)
		return 0;
	if (V4L2_TYPE_IS_CAPTURE(vb->type) ? !vpipe_memory_is_writable(vb) :
					     !vpipe_memory_is_readable(vb))
		return -EACCES;
	if (vb->req_obj.req) {
		/* Mapping takes time in proportion to the whole. */
		if (vb->planes[0].dbuf->size > VPIPE_MAX_BYTES)
			return -EINVAL;
		if (!vpipe_memory_is_idle(vb))
			return -EBUSY;
	}
	ret = vpipe_memory_map(vb);
	if (ret)
		return ret;

	return vpipe_begin_cpu_access(vb);
}

static void vpipe_buf_finish(struct vb2_buffer *vb)
{
	vpipe_memory_end(vb, vpipe_cpu_access(vb));
}

/*
 * VIDIOC_REMOVE_BUFS takes a buffer that was prepared and never queued, and does not
 * finish it.
 */
static void vpipe_buf_cleanup(struct vb2_buffer *vb)
{
	if (vb->prepared)
		vpipe_buf_finish(vb);
}

static void vpipe_buf_queue(struct vb2_buffer *vb)
{
	struct vb2_v4l2_buffer *vbuf = to_vb2_v4l2_buffer(vb);
	struct vpipe_ctx *ctx = vb2_get_drv_priv(vb->vb2_queue);

	if (V4L2_TYPE_IS_OUTPUT(vb->type)) {
		struct vpipe_out_buffer *buf = to_out_buffer(vbuf);

		/* After it, the buffer may have been prepared long ago. */
		if (vb2_start_streaming_called(vb->vb2_queue))
			vpipe_snapshot(ctx, &buf->params);
		buf->queued_ns = ktime_get_ns();
		vbuf->sequence = ctx->out_sequence++;
		trace_vpipe_queued(ctx->dev->node.vfd.minor, ctx->number, vbuf);
	}

	v4l2_m2m_buf_queue(ctx->fh.m2m_ctx, vbuf);
}

static void vpipe_buf_request_complete(struct vb2_buffer *vb)
{
	struct vpipe_ctx *ctx = vb2_get_drv_priv(vb->vb2_queue);

	v4l2_ctrl_request_complete(vb->req_obj.req, &ctx->hdl);
}

static int vpipe_start_streaming(struct vb2_queue *vq, unsigned int count)
{
	struct vpipe_ctx *ctx = vb2_get_drv_priv(vq);

	if (V4L2_TYPE_IS_CAPTURE(vq->type))
		ctx->cap_sequence = 0;

	return 0;
}

static void vpipe_stop_streaming(struct vb2_queue *vq)
{
	struct vpipe_ctx *ctx = vb2_get_drv_priv(vq);

	vpipe_m2m_return_queued(ctx->fh.m2m_ctx, vq, &ctx->hdl, VB2_BUF_STATE_ERROR);
	/* Not when it starts: what was queued before that comes first. */
	if (V4L2_TYPE_IS_OUTPUT(vq->type))
		ctx->out_sequence = 0;
}

static const struct vb2_ops vpipe_vb2_ops = {
	.queue_setup = vpipe_queue_setup,
	.buf_out_validate = vpipe_buf_out_validate,
	.buf_prepare = vpipe_buf_prepare,
	.buf_finish = vpipe_buf_finish,
	.buf_cleanup = vpipe_buf_cleanup,
	.buf_queue = vpipe_buf_queue,
	.buf_request_complete = vpipe_buf_request_complete,
	.start_streaming = vpipe_start_streaming,
	.stop_streaming = vpipe_stop_streaming,
	VPIPE_VB2_WAIT_OPS
};

static struct vpipe_memory vpipe_memops __ro_after_init;

void __init vpipe_queues_memory_init(void)
{
	vpipe_memory_init(&vpipe_memops, &vb2_vmalloc_memops, vpipe_vmalloc_users,
			  offsetof(struct vpipe_buffer, map));
}

int vpipe_init_queues(void *priv, struct vb2_queue *src_vq, struct vb2_queue *dst_vq)
{
	struct vpipe_ctx *ctx = priv;
	int ret;

	src_vq->ops = &vpipe_vb2_ops;
	src_vq->buf_struct_size = sizeof(struct vpipe_out_buffer);
	src_vq->supports_requests = true;
	ret = vpipe_queue_init(src_vq, V4L2_BUF_TYPE_VIDEO_OUTPUT,
			       VB2_MMAP | VB2_USERPTR | VB2_DMABUF, &vpipe_memops, ctx, &ctx->lock);
	if (ret)
		return ret;

	dst_vq->ops = &vpipe_vb2_ops;
	dst_vq->buf_struct_size = sizeof(struct vpipe_buffer);

	return vpipe_queue_init(dst_vq, V4L2_BUF_TYPE_VIDEO_CAPTURE, VB2_MMAP | VB2_DMABUF,
				&vpipe_memops, ctx, &ctx->lock);
}

static struct v4l2_fh *vpipe_turn_of(struct vb2_queue *vq, struct mutex **waiting)
{
	struct vpipe_ctx *ctx = vb2_get_drv_priv(vq);

	*waiting = &ctx->waiting;
	return &ctx->fh;
}

/* Nothing may wait for a program's own memory either, which may never be there. */
static int vpipe_req_validate_in_turn(struct media_request *req)
{
	struct media_request_object *obj;

	list_for_each_entry(obj, &req->objects, list)
		if (vb2_request_object_is_buffer(obj) &&
		    container_of(obj, struct vb2_buffer, req_obj)->memory == VB2_MEMORY_USERPTR)
			return -EINVAL;

	return vb2_request_validate(req);
}

int vpipe_req_validate(struct media_request *req)
{
	return vpipe_request_validate(req, vpipe_turn_of, vpipe_req_validate_in_turn);
}
