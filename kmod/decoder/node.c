// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * /dev/videoN, the stateless decoder node: its files, their queues, its ioctls.
 */
#include <linux/slab.h>

#include <media/v4l2-event.h>
#include <media/v4l2-ioctl.h>
#include <media/videobuf2-v4l2.h>
#include <media/videobuf2-vmalloc.h>

#include "dec.h"

/*
 * Queues
 */

static bool vdec_is_capture(const struct vb2_queue *vq)
{
	return V4L2_TYPE_IS_CAPTURE(vq->type);
}

static int vdec_queue_setup(struct vb2_queue *vq, unsigned int *num_buffers,
			    unsigned int *num_planes, unsigned int sizes[],
			    struct device *alloc_devs[])
{
	struct vdec_ctx *ctx = vb2_get_drv_priv(vq);
	struct vpipe_dec_plane planes[VPIPE_DEC_MAX_PLANES];
	unsigned int count, i;

	vdec_formats_settle(ctx);
	count = vdec_planes(ctx, vdec_is_capture(vq), planes);
	if (*num_planes) {
		if (*num_planes != count)
			return -EINVAL;
		for (i = 0; i < count; i++)
			if (sizes[i] < planes[i].sizeimage)
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
static int vdec_buf_init(struct vb2_buffer *vb)
{
	struct vdec_ctx *ctx = vb2_get_drv_priv(vb->vb2_queue);
	struct vdec_frame *frame;
	size_t size;

	vdec_stream_forget_buffer(ctx, vb);
	if (vdec_is_capture(vb->vb2_queue))
		return 0;

	size = vdec_controls_max(ctx);
	if (WARN_ON_ONCE(size > VPIPE_DEC_MAX_MESSAGE - sizeof(struct vpipe_dec_decode)))
		return -EINVAL;

	frame = vdec_to_frame(to_vb2_v4l2_buffer(vb));
	kvfree(ctx->controls[vb->index]);
	frame->controls = kvmalloc(size, GFP_KERNEL);
	ctx->controls[vb->index] = frame->controls;

	return frame->controls ? 0 : -ENOMEM;
}

static void vdec_buf_cleanup(struct vb2_buffer *vb)
{
	struct vdec_ctx *ctx = vb2_get_drv_priv(vb->vb2_queue);

	vdec_stream_forget_buffer(ctx, vb);
	if (vdec_is_capture(vb->vb2_queue))
		return;

	kvfree(ctx->controls[vb->index]);
	ctx->controls[vb->index] = NULL;
}

static int vdec_buf_out_validate(struct vb2_buffer *vb)
{
	to_vb2_v4l2_buffer(vb)->field = V4L2_FIELD_NONE;

	return 0;
}

static int vdec_buf_prepare(struct vb2_buffer *vb)
{
	struct vdec_ctx *ctx = vb2_get_drv_priv(vb->vb2_queue);
	struct vpipe_dec_plane planes[VPIPE_DEC_MAX_PLANES];
	unsigned int count, i;

	/* A buffer of bitstream may be of any size. */
	if (!vdec_is_capture(vb->vb2_queue))
		return vb->planes[0].data_offset ? -EINVAL : 0;

	count = vdec_planes(ctx, true, planes);
	if (vb->num_planes != count)
		return -EINVAL;
	for (i = 0; i < count; i++)
		if (vb2_plane_size(vb, i) < planes[i].sizeimage)
			return -EINVAL;

	return 0;
}

static void vdec_buf_queue(struct vb2_buffer *vb)
{
	struct vdec_ctx *ctx = vb2_get_drv_priv(vb->vb2_queue);

	v4l2_m2m_buf_queue(ctx->fh.m2m_ctx, to_vb2_v4l2_buffer(vb));
	vdec_stream_pair(ctx);
}

static void vdec_buf_request_complete(struct vb2_buffer *vb)
{
	struct vdec_ctx *ctx = vb2_get_drv_priv(vb->vb2_queue);

	v4l2_ctrl_request_complete(vb->req_obj.req, &ctx->hdl);
}

/* Those that had no other half yet. */
static void vdec_return_queued(struct vdec_ctx *ctx, struct vb2_queue *vq,
			       enum vb2_buffer_state state)
{
	struct v4l2_m2m_ctx *m2m_ctx = ctx->fh.m2m_ctx;
	struct vb2_v4l2_buffer *vbuf;

	for (;;) {
		vbuf = vdec_is_capture(vq) ? v4l2_m2m_dst_buf_remove(m2m_ctx) :
					     v4l2_m2m_src_buf_remove(m2m_ctx);
		if (!vbuf)
			return;

		if (state == VB2_BUF_STATE_ERROR)
			v4l2_ctrl_request_complete(vbuf->vb2_buf.req_obj.req, &ctx->hdl);
		v4l2_m2m_buf_done(vbuf, state);
	}
}

static int vdec_start_streaming(struct vb2_queue *vq, unsigned int count)
{
	struct vdec_ctx *ctx = vb2_get_drv_priv(vq);
	bool capture = vdec_is_capture(vq);
	int ret;

	ctx->sequence[capture] = 0;
	ctx->streaming[capture] = true;
	ret = vdec_stream_begin(ctx);
	if (ret) {
		ctx->streaming[capture] = false;
		vdec_return_queued(ctx, vq, VB2_BUF_STATE_QUEUED);
		return ret;
	}
	vdec_stream_pair(ctx);

	return 0;
}

static void vdec_stop_streaming(struct vb2_queue *vq)
{
	struct vdec_ctx *ctx = vb2_get_drv_priv(vq);

	ctx->streaming[vdec_is_capture(vq)] = false;
	vdec_stream_take_back(ctx);
	vdec_return_queued(ctx, vq, VB2_BUF_STATE_ERROR);
}

static const struct vb2_ops vdec_vb2_ops = {
	.queue_setup = vdec_queue_setup,
	.buf_init = vdec_buf_init,
	.buf_cleanup = vdec_buf_cleanup,
	.buf_out_validate = vdec_buf_out_validate,
	.buf_prepare = vdec_buf_prepare,
	.buf_queue = vdec_buf_queue,
	.buf_request_complete = vdec_buf_request_complete,
	.start_streaming = vdec_start_streaming,
	.stop_streaming = vdec_stop_streaming,
	VPIPE_VB2_WAIT_OPS
};

static int vdec_init_queue(struct vdec_ctx *ctx, struct vb2_queue *vq, u32 type, u32 struct_size)
{
	vq->type = type;
	vq->io_modes = VB2_MMAP | VB2_DMABUF;
	vq->drv_priv = ctx;
	vq->buf_struct_size = struct_size;
	vq->ops = &vdec_vb2_ops;
	vq->mem_ops = &vb2_vmalloc_memops;
	vq->timestamp_flags = V4L2_BUF_FLAG_TIMESTAMP_COPY;
	vq->lock = &ctx->lock;

	return vb2_queue_init(vq);
}

static int vdec_init_queues(void *priv, struct vb2_queue *src_vq, struct vb2_queue *dst_vq)
{
	int ret;

	/* A whole frame says all that is needed: parameters beside it are welcome. */
	src_vq->supports_requests = true;
	ret = vdec_init_queue(priv, src_vq, V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE,
			      sizeof(struct vdec_frame));
	if (ret)
		return ret;

	return vdec_init_queue(priv, dst_vq, V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE,
			       sizeof(struct v4l2_m2m_buffer));
}

/*
 * Ioctls
 */

static int vdec_querycap(struct file *file, void *priv, struct v4l2_capability *cap)
{
	strscpy(cap->driver, VDEC_NAME, sizeof(cap->driver));
	strscpy(cap->card, "vpipe stateless decoder", sizeof(cap->card));

	return 0;
}

/*
 * Freeing buffers also ends the requests that they are queued with, which takes the
 * control handler's lock. videobuf2 would take it with mmap_lock held, for which an
 * mmap() waits with the process's own mmap_lock held, for which again
 * VIDIOC_G_EXT_CTRLS may wait with the handler's lock held. So they end before.
 */
static int vdec_reqbufs(struct file *file, void *priv, struct v4l2_requestbuffers *rb)
{
	struct v4l2_m2m_ctx *m2m_ctx = vdec_file_to_ctx(file)->fh.m2m_ctx;
	struct vb2_queue *vq = v4l2_m2m_get_vq(m2m_ctx, rb->type);

	if (vq && !vb2_is_streaming(vq))
		v4l2_m2m_streamoff(file, m2m_ctx, rb->type);

	return v4l2_m2m_ioctl_reqbufs(file, priv, rb);
}

static const struct v4l2_ioctl_ops vdec_ioctl_ops = {
	.vidioc_querycap = vdec_querycap,

	.vidioc_enum_framesizes = vdec_enum_framesizes,
	.vidioc_enum_fmt_vid_out = vdec_enum_fmt_out,
	.vidioc_g_fmt_vid_out_mplane = vdec_g_fmt,
	.vidioc_try_fmt_vid_out_mplane = vdec_try_fmt,
	.vidioc_s_fmt_vid_out_mplane = vdec_s_fmt_out,
	.vidioc_enum_fmt_vid_cap = vdec_enum_fmt_cap,
	.vidioc_g_fmt_vid_cap_mplane = vdec_g_fmt,
	.vidioc_try_fmt_vid_cap_mplane = vdec_try_fmt,
	.vidioc_s_fmt_vid_cap_mplane = vdec_s_fmt_cap,

	.vidioc_reqbufs = vdec_reqbufs,
	.vidioc_create_bufs = v4l2_m2m_ioctl_create_bufs,
	VPIPE_IOCTL_REMOVE_BUFS
	.vidioc_querybuf = v4l2_m2m_ioctl_querybuf,
	.vidioc_prepare_buf = v4l2_m2m_ioctl_prepare_buf,
	.vidioc_qbuf = v4l2_m2m_ioctl_qbuf,
	.vidioc_dqbuf = v4l2_m2m_ioctl_dqbuf,
	.vidioc_expbuf = v4l2_m2m_ioctl_expbuf,
	.vidioc_streamon = v4l2_m2m_ioctl_streamon,
	.vidioc_streamoff = v4l2_m2m_ioctl_streamoff,

	.vidioc_decoder_cmd = v4l2_m2m_ioctl_stateless_decoder_cmd,
	.vidioc_try_decoder_cmd = v4l2_m2m_ioctl_stateless_try_decoder_cmd,

	.vidioc_subscribe_event = v4l2_ctrl_subscribe_event,
	.vidioc_unsubscribe_event = v4l2_event_unsubscribe,
};

/*
 * Files
 */

static void vdec_ctx_free(struct kref *kref)
{
	struct vdec_ctx *ctx = container_of(kref, struct vdec_ctx, kref);
	struct vdec_dev *dev = ctx->dev;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ctx->controls); i++)
		kvfree(ctx->controls[i]);
	mutex_destroy(&ctx->lock);
	kfree(ctx->ctrls);
	kfree(ctx);
	v4l2_device_put(&dev->media.v4l2_dev);
}

void vdec_ctx_put(struct vdec_ctx *ctx)
{
	kref_put(&ctx->kref, vdec_ctx_free);
}

/* An open file, and what inject has in place of one. */
struct vdec_ctx *vdec_ctx_open(struct vdec_dev *dev)
{
	struct vdec_ctx *ctx;
	int ret;

	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL);
	if (!ctx)
		return ERR_PTR(-ENOMEM);

	kref_init(&ctx->kref);
	ctx->dev = dev;
	v4l2_device_get(&dev->media.v4l2_dev);
	mutex_init(&ctx->lock);
	vdec_formats_init(ctx);

	v4l2_fh_init(&ctx->fh, &dev->vfd);
	ret = vdec_controls_init(ctx);
	if (ret)
		goto free;

	ctx->fh.m2m_ctx = v4l2_m2m_ctx_init(dev->m2m_dev, ctx, vdec_init_queues);
	if (IS_ERR(ctx->fh.m2m_ctx)) {
		ret = PTR_ERR(ctx->fh.m2m_ctx);
		goto free;
	}

	return ctx;

free:
	v4l2_fh_exit(&ctx->fh);
	v4l2_ctrl_handler_free(&ctx->hdl);
	vdec_ctx_put(ctx);

	return ERR_PTR(ret);
}

void vdec_ctx_close(struct vdec_ctx *ctx)
{
	struct v4l2_m2m_ctx *m2m_ctx = ctx->fh.m2m_ctx;
	struct vdec_stream *stream;

	/* From here on the daemon gets no buffer from the queues, and answers none. */
	mutex_lock(&ctx->lock);
	v4l2_m2m_streamoff(NULL, m2m_ctx, V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE);
	v4l2_m2m_streamoff(NULL, m2m_ctx, V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE);
	stream = ctx->stream;
	ctx->stream = NULL;
	mutex_unlock(&ctx->lock);
	if (stream) {
		vdec_stream_end(stream);
		vdec_stream_put(stream);
	}

	v4l2_m2m_ctx_release(m2m_ctx);
	v4l2_fh_exit(&ctx->fh);
	v4l2_ctrl_handler_free(&ctx->hdl);
	vdec_ctx_put(ctx);
}

static int vdec_open(struct file *file)
{
	struct vdec_ctx *ctx = vdec_ctx_open(video_drvdata(file));

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	vpipe_fh_add(&ctx->fh, file);

	return 0;
}

static int vdec_release(struct file *file)
{
	struct vdec_ctx *ctx = vdec_file_to_ctx(file);

	vpipe_fh_del(&ctx->fh, file);
	vdec_ctx_close(ctx);

	return 0;
}

static const struct v4l2_file_operations vdec_fops = {
	.owner = THIS_MODULE,
	.open = vdec_open,
	.release = vdec_release,
	.poll = v4l2_m2m_fop_poll,
	.unlocked_ioctl = video_ioctl2,
	.mmap = v4l2_m2m_fop_mmap,
};

int vdec_register_node(struct vdec_dev *dev)
{
	struct video_device *vfd = &dev->vfd;

	strscpy(vfd->name, VDEC_NAME, sizeof(vfd->name));
	vfd->vfl_dir = VFL_DIR_M2M;
	vfd->fops = &vdec_fops;
	vfd->ioctl_ops = &vdec_ioctl_ops;
	vfd->device_caps = V4L2_CAP_VIDEO_M2M_MPLANE | V4L2_CAP_STREAMING;
	vfd->release = video_device_release_empty;
	vfd->v4l2_dev = &dev->media.v4l2_dev;
	video_set_drvdata(vfd, dev);

	return video_register_device(vfd, VFL_TYPE_VIDEO, -1);
}
