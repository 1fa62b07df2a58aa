// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What the daemon says of a stateful stream: pictures, formats, and the end of drains.
 */
#include <media/v4l2-event.h>
#include <media/videobuf2-v4l2.h>

#include "dec.h"

static int vpdec_told_picture(struct vpdec_stream *stream, const struct vpipe_dec_picture *picture)
{
	const struct vpdec_source *source = &stream->sources[picture->source % VPDEC_SOURCES];
	u64 cookie = picture->header.cookie;
	struct vb2_v4l2_buffer *capture;
	struct vpdec_frame *frame;
	unsigned int i;
	int ret;

	if (picture->status > VPIPE_DEC_CORRUPT || !cookie ||
	    cookie > stream->empties)
		return -EINVAL;
	ret = vpdec_stream_source(stream, picture->source);
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
	ret = vpdec_set_payload(&capture->vb2_buf, picture->bytesused);
	if (ret)
		return ret;

	capture->vb2_buf.timestamp = source->timestamp;
	capture->field = V4L2_FIELD_NONE;
	capture->flags = (capture->flags & ~VPDEC_SOURCE_FLAGS) | source->flags;
	if (source->flags & V4L2_BUF_FLAG_TIMECODE)
		capture->timecode = source->timecode;
	/* Nothing else counts it while pictures come. */
	capture->sequence = stream->ctx->sequence[VPIPE_DEC_QUEUE_CAPTURE]++;
	for (i = 0; i < capture->vb2_buf.num_planes; i++)
		stream->stats.out_bytes += vb2_get_plane_payload(&capture->vb2_buf, i);
	stream->progress = jiffies;
	list_del(&frame->entry);
	vpdec_picture_done(stream, capture, picture->status == VPIPE_DEC_OK ? VB2_BUF_STATE_DONE :
									      VB2_BUF_STATE_ERROR);

	return 0;
}

static bool vpdec_format_valid(const struct vpipe_dec_format *format)
{
	return format->width >= VPDEC_MIN_SIZE && format->width <= VPDEC_MAX_SIZE &&
	       format->height >= VPDEC_MIN_SIZE && format->height <= VPDEC_MAX_SIZE &&
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

static const struct v4l2_event vpdec_source_change = {
	.type = V4L2_EVENT_SOURCE_CHANGE,
	.u.src_change.changes = V4L2_EVENT_SRC_CH_RESOLUTION,
};

/*
 * A client waits for the format of a stream, and where there is none it would for ever. If
 * the stream begins with damage it hears of the format that it gave itself, as there may
 * be pictures yet. If these are of no format that there is, or the daemon is not able to
 * decode them, it hears that: whether the stream is to end.
 */
static bool vpdec_told_failed(struct vpdec_stream *stream, u32 status)
{
	struct vpdec_ctx *ctx = stream->ctx;

	if (stream->format_told)
		return false;
	/* Behind a seek nobody waits, and what comes next may be decoded again. */
	if (status == VPIPE_DEC_MISMATCH || status == VPIPE_DEC_FAILED)
		return !READ_ONCE(ctx->depth) ||
		       !READ_ONCE(ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE]);
	if (status == VPIPE_DEC_CORRUPT && !READ_ONCE(ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE])) {
		stream->format_told = true;
		stream->setting_up = true;
		v4l2_event_queue_fh(&ctx->fh, &vpdec_source_change);
	}

	return false;
}

static void vpdec_tell_change(struct vpdec_ctx *ctx)
{
	struct vpdec_stream *stream = ctx->stream;

	spin_lock(&stream->lock);
	stream->setting_up = true;
	spin_unlock(&stream->lock);
	v4l2_event_queue_fh(&ctx->fh, &vpdec_source_change);
}

/* CAPTURE streams, and what it has is not for the pictures that come. */
void vpdec_halt_for_change(struct vpdec_ctx *ctx)
{
	vpdec_tell_change(ctx);
	vpdec_recall(ctx);
	if (ctx->halt != VPDEC_CHANGING) {
		ctx->halt = VPDEC_CHANGING;
		ctx->last_due = true;
	}
	vpdec_feed(ctx);
}

/*
 * The client hears of every first format, unless CAPTURE is streaming in just that:
 * nothing is to be done then.
 */
static void vpdec_change(struct vpdec_ctx *ctx, const struct vpipe_dec_format *format)
{
	bool changed = vpdec_formats_follow(ctx, format);

	if (!changed && ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE] && ctx->halt == VPDEC_RUNNING) {
		vpdec_write_capture(ctx);
		vpdec_feed(ctx);
		return;
	}

	if (ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE])
		vpdec_halt_for_change(ctx);
	else
		vpdec_tell_change(ctx);
}

/*
 * CAPTURE is as the client asked and has set up. What the daemon told meanwhile comes
 * true now: returns whether CAPTURE has to be set up again.
 */
bool vpdec_end_setup(struct vpdec_ctx *ctx)
{
	struct vpdec_stream *stream = ctx->stream;
	struct vpipe_dec_format format;
	bool due;

	spin_lock(&stream->lock);
	due = stream->format_due && !stream->over;
	format = stream->format;
	stream->format_due = false;
	stream->setting_up = false;
	spin_unlock(&stream->lock);

	return due && vpdec_formats_follow(ctx, &format);
}

static int vpdec_told_format(struct vpdec_stream *stream, const struct vpipe_dec_format *format)
{
	int ret;

	if (!vpdec_format_valid(format))
		return -EINVAL;
	ret = vpdec_stream_source(stream, format->header.cookie);
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
void vpdec_end_drain(struct vpdec_ctx *ctx)
{
	static const struct v4l2_event event = { .type = V4L2_EVENT_EOS };

	vpdec_recall(ctx);
	ctx->drained = false;
	ctx->halt = VPDEC_DRAINED;
	ctx->last_due = true;
	v4l2_event_queue_fh(&ctx->fh, &event);
	vpdec_feed(ctx);
}

static int vpdec_told_drained(struct vpdec_stream *stream, const struct vpipe_dec_header *drained)
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
static void vpdec_drained(struct vpdec_ctx *ctx)
{
	if (ctx->halt == VPDEC_CHANGING || !ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE])
		ctx->drained = true;
	else
		vpdec_end_drain(ctx);
}

/*
 * A FORMAT and a DRAINED, which come in this order, reach the client. What it is about to
 * set CAPTURE up for stays as it was told until it starts CAPTURE.
 */
static void vpdec_settle(struct vpdec_stream *stream)
{
	struct vpdec_ctx *ctx = stream->ctx;
	struct vpipe_dec_format format;
	bool changes, drained;

	lockdep_assert_held(&ctx->lock);
	spin_lock(&stream->lock);
	changes = stream->format_due && !stream->setting_up && !stream->over;
	drained = stream->drained_due && !stream->over;
	format = stream->format;
	if (changes)
		stream->format_due = false;
	stream->drained_due = false;
	spin_unlock(&stream->lock);
	if (ctx->stream == stream && changes)
		vpdec_change(ctx, &format);
	if (ctx->stream == stream && drained)
		vpdec_drained(ctx);
}

static void vpdec_stateful_settle_work(struct work_struct *work)
{
	struct vpdec_stream *stream = container_of(work, struct vpdec_stream, settle);

	/* A client can have it for as long as it likes, waiting for a fence: that is no hang. */
	while (!mutex_trylock(&stream->ctx->lock))
		schedule_timeout_idle(1);
	vpdec_settle(stream);
	mutex_unlock(&stream->ctx->lock);
	vpdec_stream_put(stream);
}

/* At once, where the client is in no call that has its lock; the daemon does not wait. */
static void vpdec_stateful_settle(struct vpdec_stream *stream)
{
	if (mutex_trylock(&stream->ctx->lock)) {
		vpdec_settle(stream);
		mutex_unlock(&stream->ctx->lock);
		return;
	}

	kref_get(&stream->kref);
	if (!queue_work(vpdec_wq, &stream->settle))
		vpdec_stream_put(stream);
}

void vpdec_stateful_take_back(struct vpdec_stream *stream)
{
	struct vpdec_frame *frame, *next;

	lockdep_assert_held(&stream->lock);
	list_splice_tail_init(&stream->empty, &stream->lent);
	list_for_each_entry_safe(frame, next, &stream->lent, entry) {
		list_del(&frame->entry);
		vpdec_frame_fail(stream, frame);
	}
}

const struct vpdec_stateful_ops vpdec_stateful_ops = {
	.format = vpdec_told_format,
	.picture = vpdec_told_picture,
	.drained = vpdec_told_drained,
	.failed = vpdec_told_failed,
	.take_back = vpdec_stateful_take_back,
	.settle = vpdec_stateful_settle,
	.settle_work = vpdec_stateful_settle_work,
};
