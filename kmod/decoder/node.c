// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * /dev/videoN: what both kinds of node have in common, files and their queues.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <media/v4l2-event.h>
#include <media/v4l2-ioctl.h>
#include <media/videobuf2-v4l2.h>

#include "dec.h"

/*
 * Queues
 */

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

	if (!vpipe_memory_suffices(vb) || vpipe_memory_is_window(vb))
		return -EINVAL;
	/* A buffer of bitstream may be of any size, but not what is in it. */
	if (!vpdec_is_capture(vb->vb2_queue))
		return vb->planes[0].data_offset ||
		       vb2_get_plane_payload(vb, 0) > VPDEC_MAX_BITSTREAM ? -EINVAL : 0;

	/*
	 * The stream may have changed since the buffer was allocated, and the client may
	 * not know yet: it gets the last buffer of the old format when CAPTURE streams.
	 */
	if (ctx->node->kind->stateful &&
	    (ctx->halt == VPDEC_CHANGING || !ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE]))
		return 0;

	return vpdec_buf_fits(ctx, vb) ? 0 : -EINVAL;
}

/* Those that the daemon has never been told of. */
void vpdec_return_queued(struct vpdec_ctx *ctx, struct vb2_queue *vq, enum vb2_buffer_state state)
{
	struct v4l2_m2m_ctx *m2m_ctx = ctx->fh.m2m_ctx;
	struct vb2_v4l2_buffer *vbuf;

	for (;;) {
		vbuf = vpdec_is_capture(vq) ? v4l2_m2m_dst_buf_remove(m2m_ctx) :
					      v4l2_m2m_src_buf_remove(m2m_ctx);
		if (!vbuf)
			return;

		if (state == VB2_BUF_STATE_ERROR)
			v4l2_ctrl_request_complete(vbuf->vb2_buf.req_obj.req, &ctx->hdl);
		v4l2_m2m_buf_done(vbuf, state);
	}
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
		vpdec_return_queued(ctx, vq, VB2_BUF_STATE_QUEUED);
	else
		ctx->streaming[capture] = true;

	return ret;
}

static int vpdec_init_queue(struct vpdec_ctx *ctx, struct vb2_queue *vq, u32 type)
{
	vq->type = type;
	vq->io_modes = VB2_MMAP | VB2_DMABUF;
	vq->drv_priv = ctx;
	vq->buf_struct_size = sizeof(struct vpdec_frame);
	vq->ops = ctx->node->kind->vb2_ops;
	vq->mem_ops = &vpdec_memops.ops;
	vq->timestamp_flags = V4L2_BUF_FLAG_TIMESTAMP_COPY;
	vq->lock = &ctx->lock;

	return vb2_queue_init(vq);
}

static int vpdec_init_queues(void *priv, struct vb2_queue *src_vq, struct vb2_queue *dst_vq)
{
	struct vpdec_ctx *ctx = priv;
	int ret;

	if (!ctx->node->kind->stateful) {
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

/*
 * Ioctls
 */

int vpdec_querycap(struct file *file, void *priv, struct v4l2_capability *cap)
{
	strscpy(cap->driver, VPDEC_NAME, sizeof(cap->driver));
	strscpy(cap->card, vpdec_file_to_ctx(file)->node->kind->card, sizeof(cap->card));

	return 0;
}

/*
 * videobuf2 lets go of a plane that it cannot import, and of the buffer's others, without
 * buf_cleanup(): the daemon is told here.
 */
static int vpdec_queued(struct file *file, const struct v4l2_buffer *buf, int ret)
{
	struct vpdec_ctx *ctx = vpdec_file_to_ctx(file);

	if (ret)
		vpdec_stream_forget_dropped(ctx, v4l2_m2m_get_vq(ctx->fh.m2m_ctx, buf->type));

	return ret;
}

int vpdec_qbuf(struct file *file, void *priv, struct v4l2_buffer *buf)
{
	return vpdec_queued(file, buf, v4l2_m2m_ioctl_qbuf(file, priv, buf));
}

int vpdec_prepare_buf(struct file *file, void *priv, struct v4l2_buffer *buf)
{
	return vpdec_queued(file, buf, v4l2_m2m_ioctl_prepare_buf(file, priv, buf));
}

/* The same of what comes with a request, which is one frame with its parameters. */
int vpdec_req_validate(struct media_request *req)
{
	struct media_request_object *obj;
	int ret;

	if (vb2_request_buffer_cnt(req) > 1)
		return -EINVAL;
	ret = vb2_request_validate(req);
	if (!ret)
		return 0;
	list_for_each_entry(obj, &req->objects, list) {
		struct vpdec_ctx *ctx;
		struct vb2_queue *vq;

		if (!vb2_request_object_is_buffer(obj))
			continue;
		vq = container_of(obj, struct vb2_buffer, req_obj)->vb2_queue;
		ctx = vb2_get_drv_priv(vq);
		mutex_lock(&ctx->lock);
		vpdec_stream_forget_dropped(ctx, vq);
		mutex_unlock(&ctx->lock);
	}

	return ret;
}

/*
 * Freeing buffers also ends the requests that they are queued with, which takes the
 * control handler's lock. videobuf2 would take it with mmap_lock held, for which an
 * mmap() waits with the process's own mmap_lock held, for which again
 * VIDIOC_G_EXT_CTRLS may wait with the handler's lock held. So they end before.
 */
int vpdec_reqbufs(struct file *file, void *priv, struct v4l2_requestbuffers *rb)
{
	struct v4l2_m2m_ctx *m2m_ctx = vpdec_file_to_ctx(file)->fh.m2m_ctx;
	struct vb2_queue *vq = v4l2_m2m_get_vq(m2m_ctx, rb->type);

	if (vq && !vb2_is_streaming(vq))
		v4l2_m2m_streamoff(file, m2m_ctx, rb->type);

	return v4l2_m2m_ioctl_reqbufs(file, priv, rb);
}

/*
 * Files
 */

static void vpdec_ctx_free(struct kref *kref)
{
	struct vpdec_ctx *ctx = container_of(kref, struct vpdec_ctx, kref);
	struct vpdec_dev *dev = ctx->dev;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ctx->controls); i++)
		kvfree(ctx->controls[i]);
	mutex_destroy(&ctx->lock);
	kfree(ctx->ctrls);
	kfree(ctx);
	v4l2_device_put(&dev->media.v4l2_dev);
}

void vpdec_ctx_put(struct vpdec_ctx *ctx)
{
	kref_put(&ctx->kref, vpdec_ctx_free);
}

/* An open file, and what inject has in place of one. */
struct vpdec_ctx *vpdec_ctx_open(const struct vpdec_node *node)
{
	struct vpdec_dev *dev = node->dev;
	struct vpdec_ctx *ctx;
	int ret;

	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL);
	if (!ctx)
		return ERR_PTR(-ENOMEM);

	kref_init(&ctx->kref);
	ctx->dev = dev;
	ctx->node = node;
	ctx->owner = current_euid();
	ctx->unlimited = capable(CAP_SYS_RESOURCE);
	v4l2_device_get(&dev->media.v4l2_dev);
	mutex_init(&ctx->lock);
	vpdec_formats_init(ctx);

	v4l2_fh_init(&ctx->fh, (struct video_device *)&node->vfd);
	ret = vpdec_controls_init(ctx);
	if (ret)
		goto free;

	ctx->fh.m2m_ctx = v4l2_m2m_ctx_init(node->m2m_dev, ctx, vpdec_init_queues);
	if (IS_ERR(ctx->fh.m2m_ctx)) {
		ret = PTR_ERR(ctx->fh.m2m_ctx);
		goto free;
	}

	return ctx;

free:
	v4l2_fh_exit(&ctx->fh);
	v4l2_ctrl_handler_free(&ctx->hdl);
	vpdec_ctx_put(ctx);

	return ERR_PTR(ret);
}

void vpdec_ctx_close(struct vpdec_ctx *ctx)
{
	struct v4l2_m2m_ctx *m2m_ctx = ctx->fh.m2m_ctx;
	struct vpdec_stream *stream;

	/* From here on the daemon gets no buffer from the queues, and answers none. */
	mutex_lock(&ctx->lock);
	v4l2_m2m_streamoff(NULL, m2m_ctx, V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE);
	v4l2_m2m_streamoff(NULL, m2m_ctx, V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE);
	stream = ctx->stream;
	ctx->stream = NULL;
	mutex_unlock(&ctx->lock);
	if (stream) {
		vpdec_stream_end(stream);
		vpdec_stream_put(stream);
	}

	v4l2_m2m_ctx_release(m2m_ctx);
	v4l2_fh_exit(&ctx->fh);
	v4l2_ctrl_handler_free(&ctx->hdl);
	vpdec_ctx_put(ctx);
}

static int vpdec_open(struct file *file)
{
	struct vpdec_node *node = video_drvdata(file);
	struct vpdec_ctx *ctx;
	int ret;

	ret = vpipe_media_wait(&node->dev->media, &node->vfd);
	if (ret)
		return ret;
	ctx = vpdec_ctx_open(node);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	v4l2_prio_open(&node->priorities, &ctx->priority);
	vpipe_fh_add(&ctx->fh, file);

	return 0;
}

static int vpdec_release(struct file *file)
{
	struct vpdec_node *node = video_drvdata(file);
	struct vpdec_ctx *ctx = vpdec_file_to_ctx(file);

	vpipe_fh_del(&ctx->fh, file);
	v4l2_prio_close(&node->priorities, ctx->priority);
	vpdec_ctx_close(ctx);

	return 0;
}

/*
 * Each file decodes for itself. So a priority is told to the others, as V4L2 has it, and
 * checked when it is to change, but by nothing else: by the core's, which both nodes share,
 * one client would keep all others from streaming.
 */
static long vpdec_g_priority(struct file *file, u32 __user *to)
{
	struct vpdec_node *node = video_drvdata(file);

	return put_user((u32)v4l2_prio_max(&node->priorities), to);
}

static long vpdec_s_priority(struct file *file, const u32 __user *from)
{
	struct vpdec_node *node = video_drvdata(file);
	struct vpdec_ctx *ctx = vpdec_file_to_ctx(file);
	u32 priority;
	int ret;

	if (get_user(priority, from))
		return -EFAULT;

	mutex_lock(&ctx->lock);
	ret = v4l2_prio_check(&node->priorities, ctx->priority);
	if (!ret)
		ret = v4l2_prio_change(&node->priorities, &ctx->priority, priority);
	mutex_unlock(&ctx->lock);

	return ret;
}

static long vpdec_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case VIDIOC_G_PRIORITY:
		return vpdec_g_priority(file, (u32 __user *)arg);
	case VIDIOC_S_PRIORITY:
		return vpdec_s_priority(file, (const u32 __user *)arg);
	}
	/* By their numbers: some structures of 32-bit programs have another size. */
	switch (_IOC_NR(cmd)) {
	case _IOC_NR(VIDIOC_G_EXT_CTRLS):
	case _IOC_NR(VIDIOC_S_EXT_CTRLS):
	case _IOC_NR(VIDIOC_TRY_EXT_CTRLS):
		return vpdec_ext_ctrls(file, cmd, arg);
	}

	return video_ioctl2(file, cmd, arg);
}

static const struct v4l2_file_operations vpdec_fops = {
	.owner = THIS_MODULE,
	.open = vpdec_open,
	.release = vpdec_release,
	.poll = v4l2_m2m_fop_poll,
	.unlocked_ioctl = vpdec_ioctl,
	.mmap = v4l2_m2m_fop_mmap,
};

static void vpdec_device_run(void *priv)
{
	WARN_ON_ONCE(1);
}

/* See stateless.c: frames do not wait for each other. */
static int vpdec_job_ready(void *priv)
{
	return 0;
}

static const struct v4l2_m2m_ops vpdec_m2m_ops = {
	.device_run = vpdec_device_run,
	.job_ready = vpdec_job_ready,
};

/* Both of the node and of its part in the media graph. */
int vpdec_register_node(struct vpdec_node *node)
{
	const struct vpdec_kind *kind = node->kind;
	struct video_device *vfd = &node->vfd;
	int ret;

	node->m2m_dev = v4l2_m2m_init(&vpdec_m2m_ops);
	if (IS_ERR(node->m2m_dev)) {
		ret = PTR_ERR(node->m2m_dev);
		node->m2m_dev = NULL;
		return ret;
	}

	strscpy(vfd->name, kind->name, sizeof(vfd->name));
	vfd->vfl_dir = VFL_DIR_M2M;
	vfd->fops = &vpdec_fops;
	vfd->ioctl_ops = kind->ioctl_ops;
	vfd->device_caps = V4L2_CAP_VIDEO_M2M_MPLANE | V4L2_CAP_STREAMING;
	vfd->release = video_device_release_empty;
	vfd->v4l2_dev = &node->dev->media.v4l2_dev;
	video_set_drvdata(vfd, node);

	ret = video_register_device(vfd, VFL_TYPE_VIDEO, -1);
	if (ret)
		return ret;

	ret = v4l2_m2m_register_media_controller(node->m2m_dev, vfd,
						 MEDIA_ENT_F_PROC_VIDEO_DECODER);
	if (ret) {
		video_unregister_device(vfd);
		vpipe_wake_all(vfd);
	}

	return ret;
}

void vpdec_unregister_node(struct vpdec_node *node)
{
	video_unregister_device(&node->vfd);
	v4l2_m2m_unregister_media_controller(node->m2m_dev);
}
