// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * /dev/videoN: a mem2mem node, GREY frames in and filtered GREY frames out.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include <media/v4l2-event.h>
#include <media/v4l2-ioctl.h>

#include "filter.h"

static int vpipe_querycap(struct file *file, void *priv, struct v4l2_capability *cap)
{
	strscpy(cap->driver, VPIPE_NAME, sizeof(cap->driver));
	strscpy(cap->card, VPIPE_CARD, sizeof(cap->card));

	return 0;
}

const struct v4l2_ioctl_ops vpipe_ioctl_ops = {
	.vidioc_querycap = vpipe_querycap,

	.vidioc_enum_framesizes = vpipe_enum_framesizes,
	.vidioc_enum_fmt_vid_out = vpipe_enum_fmt,
	.vidioc_g_fmt_vid_out = vpipe_g_fmt,
	.vidioc_try_fmt_vid_out = vpipe_try_fmt,
	.vidioc_s_fmt_vid_out = vpipe_s_fmt,
	.vidioc_enum_fmt_vid_cap = vpipe_enum_fmt,
	.vidioc_g_fmt_vid_cap = vpipe_g_fmt,
	.vidioc_try_fmt_vid_cap = vpipe_try_fmt,
	.vidioc_s_fmt_vid_cap = vpipe_s_fmt,

	.vidioc_reqbufs = v4l2_m2m_ioctl_reqbufs,
	.vidioc_create_bufs = v4l2_m2m_ioctl_create_bufs,
	VPIPE_IOCTL_REMOVE_BUFS
	.vidioc_querybuf = v4l2_m2m_ioctl_querybuf,
	.vidioc_prepare_buf = v4l2_m2m_ioctl_prepare_buf,
	.vidioc_qbuf = v4l2_m2m_ioctl_qbuf,
	.vidioc_dqbuf = v4l2_m2m_ioctl_dqbuf,
	.vidioc_expbuf = v4l2_m2m_ioctl_expbuf,
	.vidioc_streamon = v4l2_m2m_ioctl_streamon,
	.vidioc_streamoff = v4l2_m2m_ioctl_streamoff,

	.vidioc_subscribe_event = v4l2_ctrl_subscribe_event,
	.vidioc_unsubscribe_event = v4l2_event_unsubscribe,
};

/*
 * Files
 */

static void vpipe_ctx_free(struct vpipe_leaving *leaving)
{
	struct vpipe_ctx *ctx = container_of(leaving, struct vpipe_ctx, leaving);

	v4l2_ctrl_handler_free(&ctx->hdl);
	mutex_destroy(&ctx->lock);
	mutex_destroy(&ctx->waiting);
	kfree(ctx);
}

static int vpipe_open(struct file *file)
{
	struct vpipe_dev *dev = video_drvdata(file);
	struct vpipe_ctx *ctx;
	int ret;

	ret = vpipe_media_wait(&dev->media, &dev->node.vfd);
	if (ret)
		return ret;

	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL);
	if (!ctx)
		return -ENOMEM;

	ctx->dev = dev;
	ctx->number = atomic_inc_return(&dev->files);
	mutex_init(&ctx->waiting);
	mutex_init(&ctx->lock);
	INIT_WORK(&ctx->work, vpipe_work);
	ctx->leaving.free = vpipe_ctx_free;
	vpipe_formats_init(ctx);

	v4l2_fh_init(&ctx->fh, &dev->node.vfd);
	ret = vpipe_init_ctrls(ctx);
	if (ret)
		goto free;

	ctx->fh.m2m_ctx = v4l2_m2m_ctx_init(dev->node.dev, ctx, vpipe_init_queues);
	if (IS_ERR(ctx->fh.m2m_ctx)) {
		ret = PTR_ERR(ctx->fh.m2m_ctx);
		goto free;
	}

	v4l2_prio_open(&dev->priorities, &ctx->priority);
	vpipe_fh_add(&ctx->fh, file);

	return 0;

free:
	v4l2_fh_exit(&ctx->fh);
	vpipe_ctx_free(&ctx->leaving);

	return ret;
}

static long vpipe_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vpipe_ctx *ctx = file_to_ctx(file);

	switch (cmd) {
	case VIDIOC_G_PRIORITY:
		return vpipe_get_priority(&ctx->dev->priorities, (u32 __user *)arg);
	case VIDIOC_S_PRIORITY:
		return vpipe_set_priority(&ctx->dev->priorities, &ctx->priority, &ctx->lock,
					  (const u32 __user *)arg);
	default:
		return vpipe_ioctl_in_turn(file, &ctx->waiting, &ctx->calls, cmd, arg);
	}
}

static int vpipe_release(struct file *file)
{
	struct vpipe_ctx *ctx = file_to_ctx(file);
	struct v4l2_m2m_ctx *m2m_ctx = ctx->fh.m2m_ctx;

	vpipe_fh_del(&ctx->fh, file);
	v4l2_prio_close(&ctx->dev->priorities, ctx->priority);

	/*
	 * v4l2_m2m_ctx_release() waits for a running job, but only until
	 * v4l2_m2m_buf_done_and_job_finish() marks it finished: that function
	 * then goes on to use the context. It may do so in another thread,
	 * that of the m2m core, a worker's, or of another file that got to run
	 * our job. So make sure first that no job of ours can start, and wait
	 * it out.
	 */
	mutex_lock(&ctx->lock);
	v4l2_m2m_streamoff(file, m2m_ctx, V4L2_BUF_TYPE_VIDEO_OUTPUT);
	v4l2_m2m_streamoff(file, m2m_ctx, V4L2_BUF_TYPE_VIDEO_CAPTURE);
	mutex_unlock(&ctx->lock);
	wait_var_event(&ctx->running, !atomic_read(&ctx->running));
	flush_work(&ctx->work);

	v4l2_m2m_ctx_release(m2m_ctx);
	v4l2_fh_exit(&ctx->fh);
	vpipe_controls_leave(&ctx->dev->media, &ctx->hdl, &ctx->leaving);

	return 0;
}

const struct v4l2_file_operations vpipe_fops = {
	.owner = THIS_MODULE,
	.open = vpipe_open,
	.release = vpipe_release,
	.poll = vpipe_m2m_poll,
	.unlocked_ioctl = vpipe_ioctl,
	.mmap = v4l2_m2m_fop_mmap,
};
