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

#define VPDEC_SOURCE_FLAGS	(V4L2_BUF_FLAG_TIMECODE | V4L2_BUF_FLAG_TSTAMP_SRC_MASK)

static const struct vpdec_coded vpdec_stateful_coded[] = {
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

static void vpdec_note_source(struct vpdec_stream *stream, const struct vpdec_frame *frame)
{
	const struct vb2_v4l2_buffer *output = &frame->m2m.vb;

	stream->sources[frame->cookie % VPDEC_SOURCES] = (struct vpdec_source){
		.cookie = frame->cookie,
		.timestamp = output->vb2_buf.timestamp,
		.flags = output->flags & VPDEC_SOURCE_FLAGS,
		.timecode = output->timecode,
	};
}

static void vpdec_give(struct vpdec_ctx *ctx, struct vb2_v4l2_buffer *output)
{
	struct vpdec_stream *stream = ctx->stream;
	struct vpdec_frame *frame = vpdec_to_frame(output);

	output->sequence = ctx->sequence[VPIPE_DEC_QUEUE_OUTPUT]++;
	frame->capture = NULL;
	frame->more = false;
	frame->fails = false;
	frame->num_controls = 0;
	frame->controls_size = 0;
	frame->begun_ns = ktime_get_ns();
	vpdec_memory_share(ctx, &output->vb2_buf);

	spin_lock(&stream->lock);
	frame->cookie = stream->cookie + 1;
	vpdec_note_source(stream, frame);
	vpdec_stream_submit(stream, frame);
	spin_unlock(&stream->lock);
}

static void vpdec_lend(struct vpdec_ctx *ctx, struct vb2_v4l2_buffer *capture)
{
	struct vpdec_stream *stream = ctx->stream;
	struct vpdec_frame *frame = vpdec_to_frame(capture);

	frame->capture = capture;
	frame->more = false;
	frame->fails = false;
	vpdec_memory_share(ctx, &capture->vb2_buf);

	spin_lock(&stream->lock);
	if (stream->over || !vpdec_buf_fits(ctx, &capture->vb2_buf)) {
		vpdec_frame_fail(frame);
	} else {
		vpdec_stream_expect(stream);
		frame->cookie = ++stream->empties;
		list_add_tail(&frame->entry, &stream->empty);
		wake_up_interruptible(&stream->wait);
	}
	spin_unlock(&stream->lock);
}

/* Marks the end of what comes on CAPTURE for now, as soon as there is a buffer for it. */
static void vpdec_give_last(struct vpdec_ctx *ctx)
{
	struct vb2_v4l2_buffer *last;

	if (!ctx->last_due)
		return;
	last = v4l2_m2m_dst_buf_remove(ctx->fh.m2m_ctx);
	if (!last)
		return;

	vpdec_no_payload(&last->vb2_buf);
	last->vb2_buf.timestamp = 0;
	last->field = V4L2_FIELD_NONE;
	last->sequence = ctx->sequence[VPIPE_DEC_QUEUE_CAPTURE]++;
	last->flags |= V4L2_BUF_FLAG_LAST;
	ctx->last_due = false;
	if (ctx->halt == VPDEC_DRAINED)
		ctx->draining = false;
	v4l2_m2m_buf_done(last, VB2_BUF_STATE_DONE);
}

/* What CAPTURE is like now is not for the pictures that come. */
static bool vpdec_format_due(struct vpdec_stream *stream)
{
	bool due;

	spin_lock(&stream->lock);
	due = stream->format_due;
	spin_unlock(&stream->lock);

	return due;
}

/* Hands over all that the daemon can do something with. */
static void vpdec_feed(struct vpdec_ctx *ctx)
{
	struct v4l2_m2m_ctx *m2m_ctx = ctx->fh.m2m_ctx;
	struct vb2_v4l2_buffer *vbuf;

	lockdep_assert_held(&ctx->lock);
	if (ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE])
		vpdec_give_last(ctx);
	if (!ctx->streaming[VPIPE_DEC_QUEUE_OUTPUT])
		return;

	if (ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE] && ctx->halt == VPDEC_RUNNING &&
	    !vpdec_format_due(ctx->stream))
		while ((vbuf = v4l2_m2m_dst_buf_remove(m2m_ctx)))
			vpdec_lend(ctx, vbuf);
	if (!ctx->draining && ctx->halt != VPDEC_DRAINED)
		while ((vbuf = v4l2_m2m_src_buf_remove(m2m_ctx)))
			vpdec_give(ctx, vbuf);
}

/* CAPTURE buffers of the daemon wait in the queue again. */
static void vpdec_recall(struct vpdec_ctx *ctx)
{
	struct vpdec_stream *stream = ctx->stream;
	struct vpdec_frame *frame, *next;

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
static void vpdec_write_capture(struct vpdec_ctx *ctx)
{
	struct vpdec_stream *stream = ctx->stream;
	struct vpipe_dec_capture capture = {
		.pixelformat = ctx->raw->fourcc,
		.width = ctx->width,
		.height = ctx->height,
	};

	capture.num_planes = vpdec_planes(ctx, true, capture.planes);
	vpdec_recall(ctx);

	spin_lock(&stream->lock);
	if (!stream->format_due) {
		stream->capture = capture;
		stream->captures++;
	}
	spin_unlock(&stream->lock);
	wake_up_interruptible(&stream->wait);
}

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
 * What the daemon says
 */

/* Under the stream's lock. */
int vpdec_stateful_picture(struct vpdec_stream *stream, const struct vpipe_dec_picture *picture)
{
	const struct vpdec_source *source = &stream->sources[picture->source % VPDEC_SOURCES];
	u64 cookie = picture->header.cookie;
	struct vb2_v4l2_buffer *capture;
	struct vpdec_frame *frame;
	unsigned int i;
	int ret;

	if (picture->status > VPIPE_DEC_CORRUPT || picture->reserved || !cookie ||
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
	v4l2_m2m_buf_done(capture, picture->status == VPIPE_DEC_OK ? VB2_BUF_STATE_DONE :
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
 * decode them, it hears that: whether the stream is to end. Under the stream's lock.
 */
bool vpdec_stateful_failed(struct vpdec_stream *stream, u32 status)
{
	struct vpdec_ctx *ctx = stream->ctx;

	if (stream->format_told)
		return false;
	if (status == VPIPE_DEC_MISMATCH || status == VPIPE_DEC_FAILED)
		return true;
	if (status == VPIPE_DEC_CORRUPT && !READ_ONCE(ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE])) {
		stream->format_told = true;
		v4l2_event_queue_fh(&ctx->fh, &vpdec_source_change);
	}

	return false;
}

/* CAPTURE streams, and what it has is not for the pictures that come. */
static void vpdec_halt_for_change(struct vpdec_ctx *ctx)
{
	v4l2_event_queue_fh(&ctx->fh, &vpdec_source_change);
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
		v4l2_event_queue_fh(&ctx->fh, &vpdec_source_change);
}

/* Under the stream's lock. */
int vpdec_stateful_format(struct vpdec_stream *stream, const struct vpipe_dec_format *format)
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
static void vpdec_end_drain(struct vpdec_ctx *ctx)
{
	static const struct v4l2_event event = { .type = V4L2_EVENT_EOS };

	vpdec_recall(ctx);
	ctx->drained = false;
	ctx->halt = VPDEC_DRAINED;
	ctx->last_due = true;
	v4l2_event_queue_fh(&ctx->fh, &event);
	vpdec_feed(ctx);
}

/* Under the stream's lock. */
int vpdec_stateful_drained(struct vpdec_stream *stream, const struct vpipe_dec_header *drained)
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

/* A FORMAT and a DRAINED, which come in this order, reach the client. */
static void vpdec_settle(struct vpdec_stream *stream)
{
	struct vpdec_ctx *ctx = stream->ctx;
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
		vpdec_change(ctx, &format);
	if (ctx->stream == stream && drained)
		vpdec_drained(ctx);
}

void vpdec_stateful_settle_work(struct work_struct *work)
{
	struct vpdec_stream *stream = container_of(work, struct vpdec_stream, settle);

	mutex_lock(&stream->ctx->lock);
	vpdec_settle(stream);
	mutex_unlock(&stream->ctx->lock);
	vpdec_stream_put(stream);
}

/* At once, where the client is in no call that has its lock; the daemon does not wait. */
void vpdec_stateful_settle(struct vpdec_stream *stream)
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

/* CAPTURE buffers, under the stream's lock. */
void vpdec_stateful_take_back(struct vpdec_stream *stream)
{
	struct vpdec_frame *frame, *next;

	lockdep_assert_held(&stream->lock);
	list_splice_tail_init(&stream->empty, &stream->lent);
	list_for_each_entry_safe(frame, next, &stream->lent, entry) {
		list_del(&frame->entry);
		vpdec_frame_fail(frame);
	}
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

static int vpdec_stateful_start(struct vb2_queue *vq, unsigned int count)
{
	struct vpdec_ctx *ctx = vb2_get_drv_priv(vq);
	bool capture = vpdec_is_capture(vq);
	int ret;

	ret = vpdec_start_queue(vq);
	if (ret)
		return ret;

	/* A stream that is new, where the daemon is another one, has no start yet. */
	if (!capture || (ctx->streaming[VPIPE_DEC_QUEUE_OUTPUT] && !ctx->stream->starts))
		vpdec_stream_write_start(ctx->stream);
	if (capture && !vpdec_capture_fits(ctx)) {
		ctx->halt = VPDEC_RUNNING;
		vpdec_halt_for_change(ctx);
	} else if (capture ||
		   (ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE] && ctx->halt != VPDEC_CHANGING)) {
		vpdec_resume_capture(ctx);
	} else {
		vpdec_feed(ctx);
	}

	return 0;
}

static void vpdec_stateful_stop(struct vb2_queue *vq)
{
	struct vpdec_ctx *ctx = vb2_get_drv_priv(vq);
	struct vpdec_stream *stream = ctx->stream;
	bool capture = vpdec_is_capture(vq);

	ctx->streaming[capture] = false;
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
	vpdec_return_queued(ctx, vq, VB2_BUF_STATE_ERROR);
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

static int vpdec_cmd_stop(struct vpdec_ctx *ctx)
{
	struct vpdec_stream *stream = ctx->stream;

	if (ctx->draining)
		return -EBUSY;
	if (ctx->halt == VPDEC_DRAINED || !vpdec_may_drain(ctx))
		return 0;

	ctx->draining = true;
	spin_lock(&stream->lock);
	vpdec_stream_expect(stream);
	stream->drain = ++stream->cookie;
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

	vpdec_resume_capture(ctx);

	return 0;
}

/* Until both queues were stopped every call says so. */
static bool vpdec_failed(const struct vpdec_ctx *ctx)
{
	return ctx->stream && READ_ONCE(ctx->stream->over) &&
	       (ctx->streaming[VPIPE_DEC_QUEUE_OUTPUT] ||
		ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE]);
}

static int vpdec_stateful_cmd(struct file *file, void *priv, struct v4l2_decoder_cmd *cmd)
{
	struct vpdec_ctx *ctx = vpdec_file_to_ctx(file);
	int ret;

	ret = v4l2_m2m_ioctl_try_decoder_cmd(file, priv, cmd);
	if (ret)
		return ret;

	mutex_lock(&ctx->lock);
	if (vpdec_failed(ctx))
		ret = -EIO;
	else
		ret = cmd->cmd == V4L2_DEC_CMD_STOP ? vpdec_cmd_stop(ctx) : vpdec_cmd_start(ctx);
	mutex_unlock(&ctx->lock);

	return ret;
}

/* A picture is written whole, and where it is to be seen is told beside it. */
static int vpdec_g_selection(struct file *file, void *priv, struct v4l2_selection *sel)
{
	struct vpdec_ctx *ctx = vpdec_file_to_ctx(file);

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
		return v4l2_event_subscribe(fh, sub, 0, NULL);
	case V4L2_EVENT_SOURCE_CHANGE:
		return v4l2_src_change_event_subscribe(fh, sub);
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

const struct vpdec_kind vpdec_stateful = {
	.name = VPDEC_STATEFUL_NAME,
	.card = "vpipe stateful decoder",
	.stateful = true,
	.coded = vpdec_stateful_coded,
	.num_coded = ARRAY_SIZE(vpdec_stateful_coded),
	/* Programs take a node for no decoder that lists what they do not know: all but AV1. */
	.num_listed = ARRAY_SIZE(vpdec_stateful_coded) - 1,
	.coded_flags = V4L2_FMT_FLAG_COMPRESSED | V4L2_FMT_FLAG_DYN_RESOLUTION,
	.vb2_ops = &vpdec_stateful_vb2_ops,
	.ioctl_ops = &vpdec_stateful_ioctl_ops,
};
