// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Frames in the daemon's hands, and taking them back.
 *
 * What is in the daemon's hands can be taken back at any time. It may then still
 * be writing to a buffer that the client has again; but that same thread of it
 * has to read the next frame before that buffer can have another.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <media/videobuf2-v4l2.h>

#include "dec.h"
#include "trace.h"

/* The client has a CAPTURE buffer again. */
void vpdec_picture_done(const struct vpdec_stream *stream, struct vb2_v4l2_buffer *capture,
			enum vb2_buffer_state state)
{
	trace_vpdec_done(stream->ctx->node->m2m.vfd.minor, stream->id, capture);
	v4l2_m2m_buf_done(capture, state);
}

/* Under the stream's lock or before it had them. */
void vpdec_frame_done(const struct vpdec_stream *stream, struct vpdec_frame *frame,
		      enum vb2_buffer_state state)
{
	struct vb2_v4l2_buffer *own = &frame->m2m.vb;

	/* OUTPUT completes the request, and who waits for that then fetches CAPTURE. */
	if (frame->capture && !frame->more)
		vpdec_picture_done(stream, frame->capture, state);
	if (own != frame->capture)
		v4l2_m2m_buf_done(own, state);
}

void vpdec_no_payload(struct vb2_buffer *vb)
{
	unsigned int i;

	for (i = 0; i < vb->num_planes; i++)
		vb2_set_plane_payload(vb, i, 0);
}

void vpdec_frame_fail(const struct vpdec_stream *stream, struct vpdec_frame *frame)
{
	if (frame->capture && !frame->more)
		vpdec_no_payload(&frame->capture->vb2_buf);
	vpdec_frame_done(stream, frame, VB2_BUF_STATE_ERROR);
}

static void vpdec_take_frames_back(struct vpdec_stream *stream, struct list_head *list)
{
	struct vpdec_frame *frame, *next;

	lockdep_assert_held(&stream->lock);
	list_for_each_entry_safe(frame, next, list, entry) {
		list_del(&frame->entry);
		stream->stats.errors++;
		vpdec_frame_fail(stream, frame);
	}
}

/* All frames: none is in the daemon's hands any more. */
void vpdec_stream_take_back(struct vpdec_stream *stream)
{
	/* The daemon's come first: they were queued first. */
	vpdec_take_frames_back(stream, &stream->given);
	vpdec_take_frames_back(stream, &stream->waiting);
	if (stream->held) {
		vpdec_no_payload(&stream->held->vb2_buf);
		vpdec_picture_done(stream, stream->held, VB2_BUF_STATE_ERROR);
		stream->held = NULL;
	}
}

/* Lets go of everything, for good; whose buffers they are is told by their error flag. */
void vpdec_stream_give_up(struct vpdec_stream *stream)
{
	const struct vpdec_stateful_ops *stateful = stream->ctx->node->variant->stateful;
	struct v4l2_m2m_ctx *m2m_ctx = stream->ctx->fh.m2m_ctx;

	lockdep_assert_held(&stream->lock);
	if (stream->over)
		return;
	WRITE_ONCE(stream->over, true);
	vpdec_stream_take_back(stream);
	/* A client that waits for pictures would wait in vain. */
	if (stateful) {
		stateful->take_back(stream);
		vb2_queue_error(v4l2_m2m_get_src_vq(m2m_ctx));
		vb2_queue_error(v4l2_m2m_get_dst_vq(m2m_ctx));
	}
	wake_up_interruptible_all(&stream->wait);
}

void vpdec_stream_stop(struct vpdec_stream *stream)
{
	spin_lock(&stream->lock);
	vpdec_stream_give_up(stream);
	spin_unlock(&stream->lock);
}

/* One that the daemon has the file of is its burden until that is closed. */
void vpdec_stream_end(struct vpdec_stream *stream)
{
	struct vpdec_dev *dev = stream->ctx->dev;

	vpdec_stream_stop(stream);
	spin_lock(&dev->lock);
	if (!stream->opened)
		list_del_init(&stream->served);
	spin_unlock(&dev->lock);
}

/*
 * Whether it is the daemon's turn: once the client has been told to make CAPTURE
 * ready, it can do nothing without a buffer for its pictures.
 */
static bool vpdec_stream_busy(const struct vpdec_stream *stream)
{
	if (!list_empty(&stream->waiting) || !list_empty(&stream->empty))
		return true;
	if (list_empty(&stream->given) && !stream->drain)
		return false;

	return !stream->ctx->node->variant->stateful || !stream->format_told ||
	       !list_empty(&stream->lent);
}

/* Something is about to be there for the daemon to do, or it has done something. */
void vpdec_stream_expect(struct vpdec_stream *stream)
{
	lockdep_assert_held(&stream->lock);
	if (!vpdec_stream_busy(stream))
		stream->progress = jiffies;
	/* Does nothing while it is on its way. */
	schedule_delayed_work(&stream->watchdog, msecs_to_jiffies(READ_ONCE(vpdec_timeout_ms)));
}

/*
 * What its time counts from. A stream that nobody has taken up waits for a thread, as
 * long as the daemon does anything at all.
 */
static unsigned long vpdec_stream_since(const struct vpdec_stream *stream)
{
	unsigned long alive = READ_ONCE(stream->ctx->dev->alive);

	return !stream->taken && time_after(alive, stream->progress) ? alive : stream->progress;
}

/*
 * One look per time-out, not one timer per frame: as long as answers come, it
 * just looks again.
 */
void vpdec_watch(struct work_struct *work)
{
	struct vpdec_stream *stream = container_of(to_delayed_work(work), struct vpdec_stream,
						   watchdog);
	unsigned long timeout = msecs_to_jiffies(READ_ONCE(vpdec_timeout_ms));
	bool stuck = false;

	spin_lock(&stream->lock);
	if (vpdec_stream_busy(stream)) {
		unsigned long deadline = vpdec_stream_since(stream) + timeout;

		stuck = time_after_eq(jiffies, deadline);
		if (!stuck)
			schedule_delayed_work(&stream->watchdog, deadline - jiffies);
	}
	spin_unlock(&stream->lock);

	if (stuck) {
		pr_warn_ratelimited("stream %u: the daemon gave no answer for %u ms\n",
				    stream->id, jiffies_to_msecs(timeout));
		vpdec_stream_end(stream);
	}
}

/* Takes over a frame, or gives it back where the stream is over. */
void vpdec_stream_submit(struct vpdec_stream *stream, struct vpdec_frame *frame)
{
	lockdep_assert_held(&stream->lock);
	if (stream->over) {
		stream->stats.errors++;
		vpdec_frame_fail(stream, frame);
		return;
	}

	vpdec_stream_expect(stream);
	frame->cookie = ++stream->cookie;
	list_add_tail(&frame->entry, &stream->waiting);
	wake_up_interruptible(&stream->wait);
}

int vpdec_set_payload(struct vb2_buffer *capture, const u32 *bytesused)
{
	unsigned int i;

	for (i = 0; i < VPIPE_DEC_MAX_PLANES; i++)
		if (bytesused[i] > (i < capture->num_planes ? vb2_plane_size(capture, i) : 0))
			return -EINVAL;
	for (i = 0; i < capture->num_planes; i++)
		vb2_set_plane_payload(capture, i, bytesused[i]);

	return 0;
}

/* Whether there is such a frame since the latest start: 0, ESTALE or EINVAL. */
int vpdec_stream_source(struct vpdec_stream *stream, u64 cookie)
{
	lockdep_assert_held(&stream->lock);
	if (!cookie || cookie > stream->cookie)
		return -EINVAL;

	return cookie < stream->first ? -ESTALE : 0;
}
