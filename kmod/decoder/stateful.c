// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The stateful node, as Documentation/userspace-api/media/v4l/dev-decoder.rst has it:
 * bitstream goes in on OUTPUT, pictures come out on CAPTURE in display order. What is
 * on OUTPUT goes to the daemon at once, and so do the CAPTURE buffers, to be filled.
 *
 * CAPTURE halts where pictures become different and where a drain ends. Its last
 * buffer, which is always an empty one, is the next that the client queues or has
 * queued and the daemon has not filled.
 */
#include <media/v4l2-event.h>
#include <media/v4l2-ioctl.h>
#include <media/videobuf2-v4l2.h>

#include "dec.h"

static const struct vpdec_out_fmt vpdec_stateful_fmts[] = {
	{ .fourcc = V4L2_PIX_FMT_H264, .codec = VPIPE_DEC_CODEC_H264, .max_depth = 10 },
	{ .fourcc = V4L2_PIX_FMT_HEVC, .codec = VPIPE_DEC_CODEC_HEVC, .max_depth = 10 },
	{ .fourcc = V4L2_PIX_FMT_VP9, .codec = VPIPE_DEC_CODEC_VP9, .max_depth = 10 },
	{ .fourcc = V4L2_PIX_FMT_VP8, .codec = VPIPE_DEC_CODEC_VP8, .max_depth = 8 },
	{ .fourcc = V4L2_PIX_FMT_MPEG1, .codec = VPIPE_DEC_CODEC_MPEG1, .max_depth = 8 },
	{ .fourcc = V4L2_PIX_FMT_MPEG2, .codec = VPIPE_DEC_CODEC_MPEG2, .max_depth = 8 },
	{ .fourcc = V4L2_PIX_FMT_MPEG4, .codec = VPIPE_DEC_CODEC_MPEG4, .max_depth = 8 },
	{ .fourcc = V4L2_PIX_FMT_H263, .codec = VPIPE_DEC_CODEC_H263, .max_depth = 8 },
	/* Last: see num_listed. */
	{ .fourcc = V4L2_PIX_FMT_AV1, .codec = VPIPE_DEC_CODEC_AV1, .max_depth = 10 },
};

static void vpdec_forget_drain(struct vpdec_ctx *ctx)
{
	struct vpdec_stream *stream = ctx->stream;

	ctx->draining = false;
	ctx->drained = false;
	if (ctx->halt == VPDEC_DRAINED) {
		ctx->halt = VPDEC_RUNNING;
		ctx->last_due = false;
	}
	if (!stream)
		return;

	spin_lock(&stream->lock);
	stream->drain = 0;
	stream->drained_due = false;
	spin_unlock(&stream->lock);
}

/*
 * Queues
 */

static void vpdec_stateful_queue(struct vb2_buffer *vb)
{
	struct vpdec_ctx *ctx = vb2_get_drv_priv(vb->vb2_queue);

	v4l2_m2m_buf_queue(ctx->fh.m2m_ctx, to_vb2_v4l2_buffer(vb));
	vpdec_feed(ctx);
}

/* Whether each CAPTURE buffer can take pictures as they are now. */
static bool vpdec_capture_fits(struct vpdec_ctx *ctx)
{
	struct vb2_queue *vq = v4l2_m2m_get_dst_vq(ctx->fh.m2m_ctx);
	struct vb2_buffer *vb;
	unsigned int i;

	for (i = 0; i < VPDEC_MAX_BUFFERS; i++) {
		vb = vb2_get_buffer(vq, i);
		/* What is imported is looked at when it is queued. */
		if (vb && vb->planes[0].mem_priv && !vpdec_buf_fits(ctx, vb))
			return false;
	}

	return true;
}

/*
 * What the client has not fetched yet does not end anything any more. Which buffer that
 * is, the buffers say: one with the flag may be freed without this driver's hearing of it.
 */
static void vpdec_unmark_last(struct vpdec_ctx *ctx)
{
	struct vb2_queue *vq = v4l2_m2m_get_dst_vq(ctx->fh.m2m_ctx);
	struct vb2_buffer *vb;
	unsigned int i;

	for (i = 0; i < VPDEC_MAX_BUFFERS; i++) {
		vb = vb2_get_buffer(vq, i);
		if (vb && vb->state == VB2_BUF_STATE_DONE)
			to_vb2_v4l2_buffer(vb)->flags &= ~V4L2_BUF_FLAG_LAST;
	}
	vb2_clear_last_buffer_dequeued(vq);
}

/* CAPTURE is ready: it goes on with what it has. */
static void vpdec_resume_capture(struct vpdec_ctx *ctx)
{
	vpdec_unmark_last(ctx);
	ctx->last_due = false;
	ctx->halt = VPDEC_RUNNING;
	if (ctx->drained) {
		vpdec_end_drain(ctx);
		return;
	}
	if (ctx->streaming[VPIPE_DEC_QUEUE_OUTPUT])
		vpdec_write_capture(ctx);
	vpdec_feed(ctx);
}

/* The client has set CAPTURE up, which may be for other pictures than there are by now. */
static void vpdec_begin_capture(struct vpdec_ctx *ctx)
{
	if (vpdec_end_setup(ctx) || !vpdec_capture_fits(ctx)) {
		ctx->halt = VPDEC_RUNNING;
		vpdec_halt_for_change(ctx);
	} else {
		vpdec_resume_capture(ctx);
	}
}

static int vpdec_stateful_start(struct vb2_queue *vq, unsigned int count)
{
	struct vpdec_ctx *ctx = vb2_get_drv_priv(vq);
	bool capture = vpdec_is_capture(vq);
	int ret;

	ret = vpdec_start_queue(vq);
	if (ret)
		return ret;

	if (!capture)
		vpdec_stream_write_start(ctx->stream);
	if (capture)
		vpdec_begin_capture(ctx);
	else if (ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE] && ctx->halt != VPDEC_CHANGING)
		vpdec_resume_capture(ctx);
	else
		vpdec_feed(ctx);

	return 0;
}

static void vpdec_stateful_stop(struct vb2_queue *vq)
{
	struct vpdec_ctx *ctx = vb2_get_drv_priv(vq);
	struct vpdec_stream *stream = ctx->stream;
	bool capture = vpdec_is_capture(vq);

	WRITE_ONCE(ctx->streaming[capture], false);
	if (stream) {
		spin_lock(&stream->lock);
		if (capture) {
			vpdec_stateful_take_back(stream);
		} else {
			vpdec_stream_take_back(stream);
			stream->flowing = false;
			stream->format_due = false;
		}
		spin_unlock(&stream->lock);
	}
	/* A drain goes on behind a change, for which CAPTURE has to stop. */
	if (!capture || ctx->halt != VPDEC_CHANGING)
		vpdec_forget_drain(ctx);
	if (capture)
		ctx->last_due = false;
	/* Those that the daemon has never been told of. */
	vpipe_m2m_return_queued(ctx->fh.m2m_ctx, vq, &ctx->hdl, VB2_BUF_STATE_ERROR);
}

static const struct vb2_ops vpdec_stateful_vb2_ops = {
	VPDEC_VB2_OPS
	.buf_queue = vpdec_stateful_queue,
	.start_streaming = vpdec_stateful_start,
	.stop_streaming = vpdec_stateful_stop,
};

/*
 * Ioctls
 */

/*
 * The document wants both queues streaming, and the command ignored else. GStreamer
 * gives it for a stream of few frames before it has CAPTURE ready, and would wait for
 * the last buffer for ever: frames that are there already are worth a drain.
 */
static bool vpdec_may_drain(const struct vpdec_ctx *ctx)
{
	if (!ctx->streaming[VPIPE_DEC_QUEUE_OUTPUT])
		return false;

	return ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE] ||
	       ctx->sequence[VPIPE_DEC_QUEUE_OUTPUT];
}

int vpdec_drain(struct vpdec_ctx *ctx)
{
	struct vpdec_stream *stream = ctx->stream;

	if (ctx->draining)
		return -EBUSY;
	if (ctx->halt == VPDEC_DRAINED || !vpdec_may_drain(ctx))
		return 0;

	ctx->draining = true;
	spin_lock(&stream->lock);
	vpdec_stream_expect(stream);
	/* With no frame since the last one it is that again: cookies are of frames, see sources. */
	if (!stream->cookie || stream->drain_ever != stream->cookie)
		stream->drain_ever = ++stream->cookie;
	stream->drain = stream->drain_ever;
	stream->draining = false;
	spin_unlock(&stream->lock);
	wake_up_interruptible(&stream->wait);

	return 0;
}

static int vpdec_cmd_start(struct vpdec_ctx *ctx)
{
	if (ctx->draining && ctx->halt != VPDEC_CHANGING)
		return -EBUSY;
	if (ctx->halt == VPDEC_RUNNING || !ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE])
		return 0;
	/* Pictures are larger now than CAPTURE's buffers. */
	if (!vpdec_capture_fits(ctx))
		return -EINVAL;

	vpdec_begin_capture(ctx);

	return 0;
}

static int vpdec_stateful_cmd(struct file *file, void *priv, struct v4l2_decoder_cmd *cmd)
{
	struct vpdec_ctx *ctx = vpdec_file_to_ctx(file);
	int ret;

	ret = v4l2_m2m_ioctl_try_decoder_cmd(file, priv, cmd);
	if (ret)
		return ret;

	if (mutex_lock_interruptible(&ctx->lock))
		return -ERESTARTSYS;
	if (vpdec_stream_failed(ctx))
		ret = -EIO;
	else
		ret = cmd->cmd == V4L2_DEC_CMD_STOP ? vpdec_drain(ctx) : vpdec_cmd_start(ctx);
	mutex_unlock(&ctx->lock);

	return ret;
}

/* A picture is written whole, and where it is to be seen is told beside it. */
static int vpdec_g_selection(struct file *file, void *priv, struct v4l2_selection *sel)
{
	struct vpdec_ctx *ctx = vpdec_file_to_ctx(file);

	if (sel->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
		return -EINVAL;

	if (mutex_lock_interruptible(&ctx->lock))
		return -ERESTARTSYS;
	switch (sel->target) {
	case V4L2_SEL_TGT_CROP_BOUNDS:
	case V4L2_SEL_TGT_COMPOSE_BOUNDS:
	case V4L2_SEL_TGT_COMPOSE_PADDED:
		sel->r = (struct v4l2_rect){ .width = ctx->width, .height = ctx->height };
		break;
	case V4L2_SEL_TGT_CROP:
	case V4L2_SEL_TGT_CROP_DEFAULT:
	case V4L2_SEL_TGT_COMPOSE:
	case V4L2_SEL_TGT_COMPOSE_DEFAULT:
		sel->r = ctx->visible;
		break;
	default:
		mutex_unlock(&ctx->lock);
		return -EINVAL;
	}
	mutex_unlock(&ctx->lock);

	return 0;
}

/* The stream alone decides: whatever is asked for becomes that. */
static int vpdec_s_selection(struct file *file, void *priv, struct v4l2_selection *sel)
{
	if (sel->target != V4L2_SEL_TGT_CROP && sel->target != V4L2_SEL_TGT_COMPOSE)
		return -EINVAL;

	return vpdec_g_selection(file, priv, sel);
}

static int vpdec_subscribe_event(struct v4l2_fh *fh, const struct v4l2_event_subscription *sub)
{
	switch (sub->type) {
	case V4L2_EVENT_EOS:
		return vpipe_subscribe_event(fh, sub, NULL);
	case V4L2_EVENT_SOURCE_CHANGE:
		return vpipe_subscribe_source_change(fh, sub);
	default:
		return v4l2_ctrl_subscribe_event(fh, sub);
	}
}

static const struct v4l2_ioctl_ops vpdec_stateful_ioctl_ops = {
	VPDEC_IOCTLS,
	.vidioc_g_selection = vpdec_g_selection,
	.vidioc_s_selection = vpdec_s_selection,
	.vidioc_decoder_cmd = vpdec_stateful_cmd,
	.vidioc_try_decoder_cmd = v4l2_m2m_ioctl_try_decoder_cmd,
	.vidioc_subscribe_event = vpdec_subscribe_event,
};

const struct vpdec_variant vpdec_stateful = {
	.name = VPDEC_STATEFUL_NAME,
	.card = "vpipe stateful decoder",
	.stateful = &vpdec_stateful_ops,
	.out_fmts = vpdec_stateful_fmts,
	.num_out_fmts = ARRAY_SIZE(vpdec_stateful_fmts),
	/* Programs take a node for no decoder that lists what they do not know: all but AV1. */
	.num_listed = ARRAY_SIZE(vpdec_stateful_fmts) - 1,
	.out_fmt_flags = V4L2_FMT_FLAG_COMPRESSED | V4L2_FMT_FLAG_DYN_RESOLUTION,
	.vb2_ops = &vpdec_stateful_vb2_ops,
	.ioctl_ops = &vpdec_stateful_ioctl_ops,
};
