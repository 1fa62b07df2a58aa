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
#include <linux/ktime.h>

#include <media/v4l2-event.h>
#include <media/v4l2-ioctl.h>
#include <media/videobuf2-v4l2.h>

#include "dec.h"

#define VDEC_SOURCE_FLAGS	(V4L2_BUF_FLAG_TIMECODE | V4L2_BUF_FLAG_TSTAMP_SRC_MASK)

static const struct vdec_coded vdec_stateful_coded[] = {
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

/*
 * Buffers on their way to the daemon
 */

static void vdec_note_source(struct vdec_stream *stream, const struct vdec_frame *frame)
{
	const struct vb2_v4l2_buffer *output = &frame->m2m.vb;

	stream->sources[frame->cookie % VDEC_SOURCES] = (struct vdec_source){
		.cookie = frame->cookie,
		.timestamp = output->vb2_buf.timestamp,
		.flags = output->flags & VDEC_SOURCE_FLAGS,
		.timecode = output->timecode,
	};
}

static void vdec_give(struct vdec_ctx *ctx, struct vb2_v4l2_buffer *output)
{
	struct vdec_stream *stream = ctx->stream;
	struct vdec_frame *frame = vdec_to_frame(output);

	output->sequence = ctx->sequence[VPIPE_DEC_QUEUE_OUTPUT]++;
	frame->capture = NULL;
	frame->more = false;
	frame->fails = false;
	frame->num_controls = 0;
	frame->controls_size = 0;
	frame->begun_ns = ktime_get_ns();
	vdec_memory_share(ctx, &output->vb2_buf);

	spin_lock(&stream->lock);
	frame->cookie = stream->cookie + 1;
	vdec_note_source(stream, frame);
	vdec_stream_submit(stream, frame);
	spin_unlock(&stream->lock);
}

static void vdec_lend(struct vdec_ctx *ctx, struct vb2_v4l2_buffer *capture)
{
	struct vdec_stream *stream = ctx->stream;
	struct vdec_frame *frame = vdec_to_frame(capture);

	frame->capture = capture;
	frame->more = false;
	frame->fails = false;
	vdec_memory_share(ctx, &capture->vb2_buf);

	spin_lock(&stream->lock);
	if (stream->over || !vdec_buf_fits(ctx, &capture->vb2_buf)) {
		vdec_frame_fail(frame);
	} else {
		vdec_stream_expect(stream);
		frame->cookie = ++stream->empties;
		list_add_tail(&frame->entry, &stream->empty);
		wake_up_interruptible(&stream->wait);
	}
	spin_unlock(&stream->lock);
}

/* Marks the end of what comes on CAPTURE for now, as soon as there is a buffer for it. */
static void vdec_give_last(struct vdec_ctx *ctx)
{
	struct vb2_v4l2_buffer *last;

	if (!ctx->last_due)
		return;
	last = v4l2_m2m_dst_buf_remove(ctx->fh.m2m_ctx);
	if (!last)
		return;

	vdec_no_payload(&last->vb2_buf);
	last->vb2_buf.timestamp = 0;
	last->field = V4L2_FIELD_NONE;
	last->sequence = ctx->sequence[VPIPE_DEC_QUEUE_CAPTURE]++;
	last->flags |= V4L2_BUF_FLAG_LAST;
	ctx->last_due = false;
	if (ctx->halt == VDEC_DRAINED)
		ctx->draining = false;
	v4l2_m2m_buf_done(last, VB2_BUF_STATE_DONE);
}

/* What CAPTURE is like now is not for the pictures that come. */
static bool vdec_format_due(struct vdec_stream *stream)
{
	bool due;

	spin_lock(&stream->lock);
	due = stream->format_due;
	spin_unlock(&stream->lock);

	return due;
}

/* Hands over all that the daemon can do something with. */
static void vdec_feed(struct vdec_ctx *ctx)
{
	struct v4l2_m2m_ctx *m2m_ctx = ctx->fh.m2m_ctx;
	struct vb2_v4l2_buffer *vbuf;

	lockdep_assert_held(&ctx->lock);
	if (ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE])
		vdec_give_last(ctx);
	if (!ctx->streaming[VPIPE_DEC_QUEUE_OUTPUT])
		return;

	if (ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE] && ctx->halt == VDEC_RUNNING &&
	    !vdec_format_due(ctx->stream))
		while ((vbuf = v4l2_m2m_dst_buf_remove(m2m_ctx)))
			vdec_lend(ctx, vbuf);
	if (!ctx->draining && ctx->halt != VDEC_DRAINED)
		while ((vbuf = v4l2_m2m_src_buf_remove(m2m_ctx)))
			vdec_give(ctx, vbuf);
}

/* CAPTURE buffers of the daemon wait in the queue again. */
static void vdec_recall(struct vdec_ctx *ctx)
{
	struct vdec_stream *stream = ctx->stream;
	struct vdec_frame *frame, *next;

	spin_lock(&stream->lock);
	stream->captured = stream->captures;
	list_splice_tail_init(&stream->empty, &stream->lent);
	list_for_each_entry_safe(frame, next, &stream->lent, entry) {
		list_del(&frame->entry);
		v4l2_m2m_buf_queue(ctx->fh.m2m_ctx, &frame->m2m.vb);
	}
	spin_unlock(&stream->lock);
}

/* CAPTURE is as the pictures are: from here on the daemon gets its buffers. */
static void vdec_write_capture(struct vdec_ctx *ctx)
{
	struct vdec_stream *stream = ctx->stream;
	struct vpipe_dec_capture capture = {
		.pixelformat = ctx->raw->fourcc,
		.width = ctx->width,
		.height = ctx->height,
	};

	capture.num_planes = vdec_planes(ctx, true, capture.planes);
	vdec_recall(ctx);

	spin_lock(&stream->lock);
	if (!stream->format_due) {
		stream->capture = capture;
		stream->captures++;
	}
	spin_unlock(&stream->lock);
	wake_up_interruptible(&stream->wait);
}

static void vdec_forget_drain(struct vdec_ctx *ctx)
{
	struct vdec_stream *stream = ctx->stream;

	ctx->draining = false;
	ctx->drained = false;
	if (ctx->halt == VDEC_DRAINED) {
		ctx->halt = VDEC_RUNNING;
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
 * What the daemon says
 */

/* Under the stream's lock. */
int vdec_stateful_picture(struct vdec_stream *stream, const struct vpipe_dec_picture *picture)
{
	const struct vdec_source *source = &stream->sources[picture->source % VDEC_SOURCES];
	u64 cookie = picture->header.cookie;
	struct vb2_v4l2_buffer *capture;
	struct vdec_frame *frame;
	unsigned int i;
	int ret;

	if (picture->status > VPIPE_DEC_CORRUPT || picture->reserved || !cookie ||
	    cookie > stream->empties)
		return -EINVAL;
	ret = vdec_stream_source(stream, picture->source);
	if (ret)
		return ret;
	if (source->cookie != picture->source)
		return -EINVAL;

	list_for_each_entry(frame, &stream->lent, entry)
		if (frame->cookie == cookie)
			goto found;
	list_for_each_entry(frame, &stream->empty, entry)
		if (frame->cookie == cookie)
			return -EINVAL;

	return -ESTALE;

found:
	capture = &frame->m2m.vb;
	ret = vdec_set_payload(&capture->vb2_buf, picture->bytesused);
	if (ret)
		return ret;

	capture->vb2_buf.timestamp = source->timestamp;
	capture->field = V4L2_FIELD_NONE;
	capture->flags = (capture->flags & ~VDEC_SOURCE_FLAGS) | source->flags;
	if (source->flags & V4L2_BUF_FLAG_TIMECODE)
		capture->timecode = source->timecode;
	/* Nothing else counts it while pictures come. */
	capture->sequence = stream->ctx->sequence[VPIPE_DEC_QUEUE_CAPTURE]++;
	for (i = 0; i < capture->vb2_buf.num_planes; i++)
		stream->stats.out_bytes += vb2_get_plane_payload(&capture->vb2_buf, i);
	stream->progress = jiffies;
	list_del(&frame->entry);
	v4l2_m2m_buf_done(capture, picture->status == VPIPE_DEC_OK ? VB2_BUF_STATE_DONE :
								     VB2_BUF_STATE_ERROR);

	return 0;
}

static bool vdec_format_valid(const struct vpipe_dec_format *format)
{
	return format->width >= VDEC_MIN_SIZE && format->width <= VDEC_MAX_SIZE &&
	       format->height >= VDEC_MIN_SIZE && format->height <= VDEC_MAX_SIZE &&
	       format->visible_width && format->visible_height &&
	       format->left < format->width && format->top < format->height &&
	       format->visible_width <= format->width - format->left &&
	       format->visible_height <= format->height - format->top &&
	       format->depth >= 8 && format->depth <= 10 && !format->reserved &&
	       format->colorspace < V4L2_COLORSPACE_LAST &&
	       format->xfer_func < V4L2_XFER_FUNC_LAST &&
	       format->ycbcr_enc < V4L2_YCBCR_ENC_LAST &&
	       format->quantization <= V4L2_QUANTIZATION_LIM_RANGE;
}

static const struct v4l2_event vdec_source_change = {
	.type = V4L2_EVENT_SOURCE_CHANGE,
	.u.src_change.changes = V4L2_EVENT_SRC_CH_RESOLUTION,
};

/*
 * A client waits for the format of a stream, and where there is none it would for ever. If
 * the stream begins with damage it hears of the format that it gave itself, as there may
 * be pictures yet. If these are of no format that there is, or the daemon is not able to
 * decode them, it hears that: whether the stream is to end. Under the stream's lock.
 */
bool vdec_stateful_failed(struct vdec_stream *stream, u32 status)
{
	struct vdec_ctx *ctx = stream->ctx;

	if (stream->format_told)
		return false;
	if (status == VPIPE_DEC_MISMATCH || status == VPIPE_DEC_FAILED)
		return true;
	if (status == VPIPE_DEC_CORRUPT && !READ_ONCE(ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE])) {
		stream->format_told = true;
		v4l2_event_queue_fh(&ctx->fh, &vdec_source_change);
	}

	return false;
}

/* CAPTURE streams, and what it has is not for the pictures that come. */
static void vdec_halt_for_change(struct vdec_ctx *ctx)
{
	v4l2_event_queue_fh(&ctx->fh, &vdec_source_change);
	vdec_recall(ctx);
	if (ctx->halt != VDEC_CHANGING) {
		ctx->halt = VDEC_CHANGING;
		ctx->last_due = true;
	}
	vdec_feed(ctx);
}

/*
 * The client hears of every first format, unless CAPTURE is streaming in just that:
 * nothing is to be done then.
 */
static void vdec_change(struct vdec_ctx *ctx, const struct vpipe_dec_format *format)
{
	bool changed = vdec_formats_follow(ctx, format);

	if (!changed && ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE] && ctx->halt == VDEC_RUNNING) {
		vdec_write_capture(ctx);
		vdec_feed(ctx);
		return;
	}

	if (ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE])
		vdec_halt_for_change(ctx);
	else
		v4l2_event_queue_fh(&ctx->fh, &vdec_source_change);
}

/* Under the stream's lock. */
int vdec_stateful_format(struct vdec_stream *stream, const struct vpipe_dec_format *format)
{
	int ret;

	if (!vdec_format_valid(format))
		return -EINVAL;
	ret = vdec_stream_source(stream, format->header.cookie);
	if (ret)
		return ret;
	/* What OUTPUT had does not count while it has none. */
	if (!stream->flowing)
		return -ESTALE;

	stream->progress = jiffies;
	stream->format = *format;
	stream->format_told = true;
	stream->format_due = true;
	/* No CAPTURE from before it is to be read behind it. */
	stream->captured = stream->captures;

	return 0;
}

/* All that was to come is there. */
static void vdec_end_drain(struct vdec_ctx *ctx)
{
	static const struct v4l2_event event = { .type = V4L2_EVENT_EOS };

	vdec_recall(ctx);
	ctx->drained = false;
	ctx->halt = VDEC_DRAINED;
	ctx->last_due = true;
	v4l2_event_queue_fh(&ctx->fh, &event);
	vdec_feed(ctx);
}

/* Under the stream's lock. */
int vdec_stateful_drained(struct vdec_stream *stream, const struct vpipe_dec_header *drained)
{
	if (!drained->cookie || drained->cookie > stream->cookie)
		return -EINVAL;
	if (stream->drain != drained->cookie || !stream->draining)
		return -ESTALE;

	stream->progress = jiffies;
	stream->drain = 0;
	stream->drained_due = true;

	return 0;
}

/* What came before may have had no picture: its end comes when CAPTURE is ready. */
static void vdec_drained(struct vdec_ctx *ctx)
{
	if (ctx->halt == VDEC_CHANGING || !ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE])
		ctx->drained = true;
	else
		vdec_end_drain(ctx);
}

/* A FORMAT and a DRAINED, which come in this order, reach the client. */
static void vdec_settle(struct vdec_stream *stream)
{
	struct vdec_ctx *ctx = stream->ctx;
	struct vpipe_dec_format format;
	bool changes, drained;

	lockdep_assert_held(&ctx->lock);
	spin_lock(&stream->lock);
	changes = stream->format_due && !stream->over;
	drained = stream->drained_due && !stream->over;
	format = stream->format;
	stream->format_due = false;
	stream->drained_due = false;
	spin_unlock(&stream->lock);
	if (ctx->stream == stream && changes)
		vdec_change(ctx, &format);
	if (ctx->stream == stream && drained)
		vdec_drained(ctx);
}

void vdec_stateful_settle_work(struct work_struct *work)
{
	struct vdec_stream *stream = container_of(work, struct vdec_stream, settle);

	mutex_lock(&stream->ctx->lock);
	vdec_settle(stream);
	mutex_unlock(&stream->ctx->lock);
	vdec_stream_put(stream);
}

/* At once, where the client is in no call that has its lock; the daemon does not wait. */
void vdec_stateful_settle(struct vdec_stream *stream)
{
	if (mutex_trylock(&stream->ctx->lock)) {
		vdec_settle(stream);
		mutex_unlock(&stream->ctx->lock);
		return;
	}

	kref_get(&stream->kref);
	if (!queue_work(vdec_wq, &stream->settle))
		vdec_stream_put(stream);
}

/* CAPTURE buffers, under the stream's lock. */
void vdec_stateful_take_back(struct vdec_stream *stream)
{
	struct vdec_frame *frame, *next;

	lockdep_assert_held(&stream->lock);
	list_splice_tail_init(&stream->empty, &stream->lent);
	list_for_each_entry_safe(frame, next, &stream->lent, entry) {
		list_del(&frame->entry);
		vdec_frame_fail(frame);
	}
}

/*
 * Queues
 */

static void vdec_stateful_queue(struct vb2_buffer *vb)
{
	struct vdec_ctx *ctx = vb2_get_drv_priv(vb->vb2_queue);

	v4l2_m2m_buf_queue(ctx->fh.m2m_ctx, to_vb2_v4l2_buffer(vb));
	vdec_feed(ctx);
}

/* Whether each CAPTURE buffer can take pictures as they are now. */
static bool vdec_capture_fits(struct vdec_ctx *ctx)
{
	struct vb2_queue *vq = v4l2_m2m_get_dst_vq(ctx->fh.m2m_ctx);
	struct vb2_buffer *vb;
	unsigned int i;

	for (i = 0; i < VDEC_MAX_BUFFERS; i++) {
		vb = vb2_get_buffer(vq, i);
		/* What is imported is looked at when it is queued. */
		if (vb && vb->planes[0].mem_priv && !vdec_buf_fits(ctx, vb))
			return false;
	}

	return true;
}

/*
 * What the client has not fetched yet does not end anything any more. Which buffer that
 * is, the buffers say: one with the flag may be freed without this driver's hearing of it.
 */
static void vdec_unmark_last(struct vdec_ctx *ctx)
{
	struct vb2_queue *vq = v4l2_m2m_get_dst_vq(ctx->fh.m2m_ctx);
	struct vb2_buffer *vb;
	unsigned int i;

	for (i = 0; i < VDEC_MAX_BUFFERS; i++) {
		vb = vb2_get_buffer(vq, i);
		if (vb && vb->state == VB2_BUF_STATE_DONE)
			to_vb2_v4l2_buffer(vb)->flags &= ~V4L2_BUF_FLAG_LAST;
	}
	vb2_clear_last_buffer_dequeued(vq);
}

/* CAPTURE is ready: it goes on with what it has. */
static void vdec_resume_capture(struct vdec_ctx *ctx)
{
	vdec_unmark_last(ctx);
	ctx->last_due = false;
	ctx->halt = VDEC_RUNNING;
	if (ctx->drained) {
		vdec_end_drain(ctx);
		return;
	}
	if (ctx->streaming[VPIPE_DEC_QUEUE_OUTPUT])
		vdec_write_capture(ctx);
	vdec_feed(ctx);
}

static int vdec_stateful_start(struct vb2_queue *vq, unsigned int count)
{
	struct vdec_ctx *ctx = vb2_get_drv_priv(vq);
	bool capture = vdec_is_capture(vq);
	int ret;

	ret = vdec_start_queue(vq);
	if (ret)
		return ret;

	/* A stream that is new, where the daemon is another one, has no start yet. */
	if (!capture || (ctx->streaming[VPIPE_DEC_QUEUE_OUTPUT] && !ctx->stream->starts))
		vdec_stream_write_start(ctx->stream);
	if (capture && !vdec_capture_fits(ctx)) {
		ctx->halt = VDEC_RUNNING;
		vdec_halt_for_change(ctx);
	} else if (capture ||
		   (ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE] && ctx->halt != VDEC_CHANGING)) {
		vdec_resume_capture(ctx);
	} else {
		vdec_feed(ctx);
	}

	return 0;
}

static void vdec_stateful_stop(struct vb2_queue *vq)
{
	struct vdec_ctx *ctx = vb2_get_drv_priv(vq);
	struct vdec_stream *stream = ctx->stream;
	bool capture = vdec_is_capture(vq);

	ctx->streaming[capture] = false;
	if (stream) {
		spin_lock(&stream->lock);
		if (capture) {
			vdec_stateful_take_back(stream);
		} else {
			vdec_stream_take_back(stream);
			stream->flowing = false;
			stream->format_due = false;
		}
		spin_unlock(&stream->lock);
	}
	/* A drain goes on behind a change, for which CAPTURE has to stop. */
	if (!capture || ctx->halt != VDEC_CHANGING)
		vdec_forget_drain(ctx);
	if (capture)
		ctx->last_due = false;
	vdec_return_queued(ctx, vq, VB2_BUF_STATE_ERROR);
}

static const struct vb2_ops vdec_stateful_vb2_ops = {
	VDEC_VB2_OPS
	.buf_queue = vdec_stateful_queue,
	.start_streaming = vdec_stateful_start,
	.stop_streaming = vdec_stateful_stop,
};

/*
 * Ioctls
 */

/*
 * The document wants both queues streaming, and the command ignored else. GStreamer
 * gives it for a stream of few frames before it has CAPTURE ready, and would wait for
 * the last buffer for ever: frames that are there already are worth a drain.
 */
static bool vdec_may_drain(const struct vdec_ctx *ctx)
{
	if (!ctx->streaming[VPIPE_DEC_QUEUE_OUTPUT])
		return false;

	return ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE] ||
	       ctx->sequence[VPIPE_DEC_QUEUE_OUTPUT];
}

static int vdec_cmd_stop(struct vdec_ctx *ctx)
{
	struct vdec_stream *stream = ctx->stream;

	if (ctx->draining)
		return -EBUSY;
	if (ctx->halt == VDEC_DRAINED || !vdec_may_drain(ctx))
		return 0;

	ctx->draining = true;
	spin_lock(&stream->lock);
	vdec_stream_expect(stream);
	stream->drain = ++stream->cookie;
	stream->draining = false;
	spin_unlock(&stream->lock);
	wake_up_interruptible(&stream->wait);

	return 0;
}

static int vdec_cmd_start(struct vdec_ctx *ctx)
{
	if (ctx->draining && ctx->halt != VDEC_CHANGING)
		return -EBUSY;
	if (ctx->halt == VDEC_RUNNING || !ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE])
		return 0;
	/* Pictures are larger now than CAPTURE's buffers. */
	if (!vdec_capture_fits(ctx))
		return -EINVAL;

	vdec_resume_capture(ctx);

	return 0;
}

/* Until both queues were stopped every call says so. */
static bool vdec_failed(const struct vdec_ctx *ctx)
{
	return ctx->stream && READ_ONCE(ctx->stream->over) &&
	       (ctx->streaming[VPIPE_DEC_QUEUE_OUTPUT] ||
		ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE]);
}

static int vdec_stateful_cmd(struct file *file, void *priv, struct v4l2_decoder_cmd *cmd)
{
	struct vdec_ctx *ctx = vdec_file_to_ctx(file);
	int ret;

	ret = v4l2_m2m_ioctl_try_decoder_cmd(file, priv, cmd);
	if (ret)
		return ret;

	mutex_lock(&ctx->lock);
	if (vdec_failed(ctx))
		ret = -EIO;
	else
		ret = cmd->cmd == V4L2_DEC_CMD_STOP ? vdec_cmd_stop(ctx) : vdec_cmd_start(ctx);
	mutex_unlock(&ctx->lock);

	return ret;
}

/* A picture is written whole, and where it is to be seen is told beside it. */
static int vdec_g_selection(struct file *file, void *priv, struct v4l2_selection *sel)
{
	struct vdec_ctx *ctx = vdec_file_to_ctx(file);

	if (sel->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
		return -EINVAL;

	mutex_lock(&ctx->lock);
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
static int vdec_s_selection(struct file *file, void *priv, struct v4l2_selection *sel)
{
	if (sel->target != V4L2_SEL_TGT_CROP && sel->target != V4L2_SEL_TGT_COMPOSE)
		return -EINVAL;

	return vdec_g_selection(file, priv, sel);
}

static int vdec_subscribe_event(struct v4l2_fh *fh, const struct v4l2_event_subscription *sub)
{
	switch (sub->type) {
	case V4L2_EVENT_EOS:
		return v4l2_event_subscribe(fh, sub, 0, NULL);
	case V4L2_EVENT_SOURCE_CHANGE:
		return v4l2_src_change_event_subscribe(fh, sub);
	default:
		return v4l2_ctrl_subscribe_event(fh, sub);
	}
}

static const struct v4l2_ioctl_ops vdec_stateful_ioctl_ops = {
	VDEC_IOCTLS,
	.vidioc_g_selection = vdec_g_selection,
	.vidioc_s_selection = vdec_s_selection,
	.vidioc_decoder_cmd = vdec_stateful_cmd,
	.vidioc_try_decoder_cmd = v4l2_m2m_ioctl_try_decoder_cmd,
	.vidioc_subscribe_event = vdec_subscribe_event,
};

const struct vdec_kind vdec_stateful = {
	.name = VDEC_STATEFUL_NAME,
	.card = "vpipe stateful decoder",
	.stateful = true,
	.coded = vdec_stateful_coded,
	.num_coded = ARRAY_SIZE(vdec_stateful_coded),
	/* Programs take a node for no decoder that lists what they do not know: all but AV1. */
	.num_listed = ARRAY_SIZE(vdec_stateful_coded) - 1,
	.coded_flags = V4L2_FMT_FLAG_COMPRESSED | V4L2_FMT_FLAG_DYN_RESOLUTION,
	.vb2_ops = &vdec_stateful_vb2_ops,
	.ioctl_ops = &vdec_stateful_ioctl_ops,
};
