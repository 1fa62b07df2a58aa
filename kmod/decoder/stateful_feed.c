// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What a stateful node hands to the daemon: bitstream as it comes, and CAPTURE buffers to
 * be filled.
 */
#include <linux/ktime.h>

#include <media/v4l2-event.h>
#include <media/videobuf2-v4l2.h>

#include "dec.h"

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
		vpdec_frame_fail(stream, frame);
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
void vpdec_feed(struct vpdec_ctx *ctx)
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
void vpdec_recall(struct vpdec_ctx *ctx)
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
void vpdec_write_capture(struct vpdec_ctx *ctx)
{
	struct vpdec_stream *stream = ctx->stream;
	struct vpipe_dec_capture capture = {
		.pixelformat = ctx->cap_fmt->fourcc,
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
