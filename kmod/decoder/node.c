// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * /dev/videoN: what both kinds of node have in common, files and ioctls.
 */
#include <linux/slab.h>

#include <media/v4l2-event.h>
#include <media/v4l2-ioctl.h>
#include <media/videobuf2-v4l2.h>

#include "dec.h"

/*
 * Ioctls
 */

int vpdec_querycap(struct file *file, void *priv, struct v4l2_capability *cap)
{
	strscpy(cap->driver, VPDEC_NAME, sizeof(cap->driver));
	strscpy(cap->card, vpdec_file_to_ctx(file)->node->variant->card, sizeof(cap->card));

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

static struct v4l2_fh *vpdec_turn_of(struct vb2_queue *vq, struct mutex **waiting)
{
	struct vpdec_ctx *ctx = vb2_get_drv_priv(vq);

	*waiting = &ctx->waiting;
	return &ctx->fh;
}

/* The same of what comes with a request. */
static int vpdec_req_validate_in_turn(struct media_request *req)
{
	struct media_request_object *obj;
	int ret;

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

int vpdec_req_validate(struct media_request *req)
{
	return vpipe_request_validate(req, vpdec_turn_of, vpdec_req_validate_in_turn);
}

/*
 * Freeing buffers also ends the requests that they are queued with, which takes the
 * control handler's lock. videobuf2 would take it with mmap_lock held, for which an
 * mmap() waits with the process's own mmap_lock held, for which again
 * VIDIOC_G_EXT_CTRLS may wait with the handler's lock held. So they end before, unless the call is
 * one that changes nothing.
 */
int vpdec_reqbufs(struct file *file, void *priv, struct v4l2_requestbuffers *rb)
{
	struct v4l2_m2m_ctx *m2m_ctx = vpdec_file_to_ctx(file)->fh.m2m_ctx;
	struct vb2_queue *vq = v4l2_m2m_get_vq(m2m_ctx, rb->type);

	if (vq && !vb2_is_streaming(vq) && !(rb->count && vq->waiting_in_dqbuf) &&
	    !vb2_verify_memory_type(vq, rb->memory, rb->type))
		v4l2_m2m_streamoff(file, m2m_ctx, rb->type);

	return v4l2_m2m_ioctl_reqbufs(file, priv, rb);
}

/*
 * Files
 */

static void vpdec_ctx_leave(struct vpipe_leaving *leaving)
{
	struct vpdec_ctx *ctx = container_of(leaving, struct vpdec_ctx, leaving);

	v4l2_ctrl_handler_free(&ctx->hdl);
	vpdec_ctx_put(ctx);
}

/* An open file, and what inject has in place of one. */
struct vpdec_ctx *vpdec_ctx_open(const struct vpdec_node *node)
{
	struct vpdec_ctx *ctx;
	int ret;

	ctx = vpdec_ctx_alloc(node);
	if (!ctx)
		return ERR_PTR(-ENOMEM);

	ctx->leaving.free = vpdec_ctx_leave;
	vpdec_formats_init(ctx);

	v4l2_fh_init(&ctx->fh, (struct video_device *)&node->m2m.vfd);
	ret = vpdec_controls_init(ctx);
	if (ret)
		goto free;

	ctx->fh.m2m_ctx = v4l2_m2m_ctx_init(node->m2m.dev, ctx, vpdec_init_queues);
	if (IS_ERR(ctx->fh.m2m_ctx)) {
		ret = PTR_ERR(ctx->fh.m2m_ctx);
		goto free;
	}

	return ctx;

free:
	v4l2_fh_exit(&ctx->fh);
	vpdec_ctx_leave(&ctx->leaving);

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
	vpipe_controls_leave(&ctx->dev->media, &ctx->hdl, &ctx->leaving);
}

static int vpdec_open(struct file *file)
{
	struct vpdec_node *node = video_drvdata(file);
	struct vpdec_ctx *ctx;
	int ret;

	ret = vpipe_media_wait(&node->dev->media, &node->m2m.vfd);
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

static long vpdec_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vpdec_node *node = video_drvdata(file);
	struct vpdec_ctx *ctx = vpdec_file_to_ctx(file);

	switch (cmd) {
	case VIDIOC_G_PRIORITY:
		return vpipe_get_priority(&node->priorities, (u32 __user *)arg);
	case VIDIOC_S_PRIORITY:
		return vpipe_set_priority(&node->priorities, &ctx->priority, &ctx->lock,
					  (const u32 __user *)arg);
	}
	/* By their numbers: some structures of 32-bit programs have another size. */
	switch (_IOC_NR(cmd)) {
	case _IOC_NR(VIDIOC_G_EXT_CTRLS):
	case _IOC_NR(VIDIOC_S_EXT_CTRLS):
	case _IOC_NR(VIDIOC_TRY_EXT_CTRLS):
		return vpdec_ext_ctrls(file, cmd, arg);
	}

	return vpipe_ioctl_in_turn(file, &ctx->waiting, &ctx->calls, cmd, arg);
}

static const struct v4l2_file_operations vpdec_fops = {
	.owner = THIS_MODULE,
	.open = vpdec_open,
	.release = vpdec_release,
	.poll = vpipe_m2m_poll,
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

int vpdec_register_node(struct vpdec_node *node)
{
	const struct vpdec_variant *variant = node->variant;
	struct video_device *vfd = &node->m2m.vfd;

	strscpy(vfd->name, variant->name, sizeof(vfd->name));
	vfd->fops = &vpdec_fops;
	vfd->ioctl_ops = variant->ioctl_ops;
	vfd->device_caps = V4L2_CAP_VIDEO_M2M_MPLANE | V4L2_CAP_STREAMING;

	return vpipe_m2m_register(&node->m2m, &node->dev->media, &vpdec_m2m_ops,
				  MEDIA_ENT_F_PROC_VIDEO_DECODER, node);
}
