// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The queues of a file: what both kinds of node have in common.
 */
#include <linux/slab.h>

#include <media/videobuf2-v4l2.h>

#include "dec.h"

int vpdec_queue_setup(struct vb2_queue *vq, unsigned int *num_buffers, unsigned int *num_planes,
		      unsigned int sizes[], struct device *alloc_devs[])
{
	struct vpdec_ctx *ctx = vb2_get_drv_priv(vq);
	struct vpipe_dec_plane planes[VPIPE_DEC_MAX_PLANES];
	unsigned int count, i;

	vpdec_formats_settle(ctx);
	count = vpdec_planes(ctx, vpdec_is_capture(vq), planes);
	if (*num_planes) {
		if (*num_planes != count)
			return -EINVAL;
		for (i = 0; i < count; i++)
			if (sizes[i] < planes[i].sizeimage ||
			    sizes[i] > vpdec_max_sizeimage(vpdec_is_capture(vq)))
				return -EINVAL;
		return 0;
	}

	*num_planes = count;
	for (i = 0; i < count; i++)
		sizes[i] = planes[i].sizeimage;

	return 0;
}

/*
 * The message about a frame has room for its codec's controls from the start. The
 * file has the memory, not the buffer: where a client queues something that is no
 * dma-buf, videobuf2 lets go of the buffer's last one without buf_cleanup().
 */
int vpdec_buf_init(struct vb2_buffer *vb)
{
	struct vpdec_ctx *ctx = vb2_get_drv_priv(vb->vb2_queue);
	size_t size;

	vpdec_stream_forget_buffer(ctx, vb);
	vpdec_memory_drop(ctx, vb);
	if (vpdec_is_capture(vb->vb2_queue))
		return 0;

	size = vpdec_controls_max(ctx);
	if (WARN_ON_ONCE(size > VPIPE_DEC_MAX_MESSAGE - sizeof(struct vpipe_dec_decode)))
		return -EINVAL;

	kvfree(ctx->controls[vb->index]);
	ctx->controls[vb->index] = kvmalloc(size, GFP_KERNEL);

	return ctx->controls[vb->index] ? 0 : -ENOMEM;
}

void vpdec_buf_cleanup(struct vb2_buffer *vb)
{
	struct vpdec_ctx *ctx = vb2_get_drv_priv(vb->vb2_queue);

	vpdec_stream_forget_buffer(ctx, vb);
	vpdec_memory_drop(ctx, vb);
	if (vpdec_is_capture(vb->vb2_queue))
		return;

	kvfree(ctx->controls[vb->index]);
	ctx->controls[vb->index] = NULL;
}

int vpdec_buf_out_validate(struct vb2_buffer *vb)
{
	struct vb2_v4l2_buffer *vbuf = to_vb2_v4l2_buffer(vb);
	u32 field = ((struct vpdec_ctx *)vb2_get_drv_priv(vb->vb2_queue))->field;

	if (field != V4L2_FIELD_ALTERNATE)
		vbuf->field = field;
	else if (vbuf->field != V4L2_FIELD_BOTTOM)
		vbuf->field = V4L2_FIELD_TOP;

	return 0;
}

/* Whether a CAPTURE buffer can take pictures as they are now. */
bool vpdec_buf_fits(const struct vpdec_ctx *ctx, struct vb2_buffer *vb)
{
	struct vpipe_dec_plane planes[VPIPE_DEC_MAX_PLANES];
	unsigned int count = vpdec_planes(ctx, true, planes);
	unsigned int i;

	if (vb->num_planes != count)
		return false;
	for (i = 0; i < count; i++)
		if (vb2_plane_size(vb, i) < planes[i].sizeimage)
			return false;

	return true;
}

int vpdec_buf_prepare(struct vb2_buffer *vb)
{
	struct vpdec_ctx *ctx = vb2_get_drv_priv(vb->vb2_queue);
	int ret;

	if (!vpipe_memory_suffices(vb) || vpipe_memory_is_window(vb))
		return -EINVAL;
	/* The daemon maps it, which takes the right to read whatever is done there. */
	if (!vpipe_memory_is_readable(vb) ||
	    (vpdec_is_capture(vb->vb2_queue) && !vpipe_memory_is_writable(vb)))
		return -EACCES;
	/* A buffer of bitstream may be of any size, but not what is in it. */
	if (!vpdec_is_capture(vb->vb2_queue) &&
	    (vb->planes[0].data_offset || vb2_get_plane_payload(vb, 0) > VPDEC_MAX_BITSTREAM))
		return -EINVAL;

	/* The daemon waits for nobody. */
	if (vb->req_obj.req)
		ret = vpipe_memory_is_idle(vb) ? 0 : -EBUSY;
	else
		ret = vpipe_memory_wait(vb);
	if (ret || !vpdec_is_capture(vb->vb2_queue))
		return ret;

	/*
	 * The stream may have changed since the buffer was allocated, and the client may
	 * not know yet: it gets the last buffer of the old format when CAPTURE streams.
	 */
	if (ctx->node->variant->stateful &&
	    (ctx->halt == VPDEC_CHANGING || !ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE]))
		return 0;

	return vpdec_buf_fits(ctx, vb) ? 0 : -EINVAL;
}

/* Begins a queue's stream with the daemon, or gives back what was queued. */
int vpdec_start_queue(struct vb2_queue *vq)
{
	struct vpdec_ctx *ctx = vb2_get_drv_priv(vq);
	bool capture = vpdec_is_capture(vq);
	int ret;

	ctx->sequence[capture] = 0;
	ret = vpdec_stream_begin(ctx);
	if (ret)
		vpipe_m2m_return_queued(ctx->fh.m2m_ctx, vq, &ctx->hdl,
					VB2_BUF_STATE_QUEUED);
	else
		WRITE_ONCE(ctx->streaming[capture], true);

	return ret;
}

static int vpdec_init_queue(struct vpdec_ctx *ctx, struct vb2_queue *vq, u32 type)
{
	vq->ops = ctx->node->variant->vb2_ops;
	vq->buf_struct_size = sizeof(struct vpdec_frame);

	return vpipe_queue_init(vq, type, VB2_MMAP | VB2_DMABUF, vpdec_memory_of(ctx, vq, type),
				ctx, &ctx->lock);
}

int vpdec_init_queues(void *priv, struct vb2_queue *src_vq, struct vb2_queue *dst_vq)
{
	struct vpdec_ctx *ctx = priv;
	int ret;

	if (!ctx->node->variant->stateful) {
		/* A whole frame says all that is needed: parameters beside it are welcome. */
		src_vq->supports_requests = true;
		/* Slices and fields of a picture may come one by one. */
		src_vq->subsystem_flags |= VB2_V4L2_FL_SUPPORTS_M2M_HOLD_CAPTURE_BUF;
	}
	ret = vpdec_init_queue(ctx, src_vq, V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE);
	if (ret)
		return ret;

	return vpdec_init_queue(ctx, dst_vq, V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE);
}
