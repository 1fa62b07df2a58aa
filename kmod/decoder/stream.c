// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A stream: buffers of one file of a node on their way to the daemon and back.
 *
 * What is in the daemon's hands can be taken back at any time. It may then still
 * be writing to a buffer that the client has again; but that same thread of it
 * has to read the next frame before that buffer can have another.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/anon_inodes.h>
#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/ktime.h>
#include <linux/uaccess.h>

#include <media/videobuf2-v4l2.h>

#include "dec.h"

static unsigned int vpdec_queue_index(const struct vb2_queue *vq)
{
	return V4L2_TYPE_IS_CAPTURE(vq->type) ? VPIPE_DEC_QUEUE_CAPTURE : VPIPE_DEC_QUEUE_OUTPUT;
}

static struct vpipe_dec_header vpdec_header(const struct vpdec_stream *stream, u16 type, u32 size)
{
	return (struct vpipe_dec_header) {
		.version = VPIPE_DEC_VERSION,
		.type = type,
		.size = size,
		.stream = stream->id,
	};
}

/*
 * Frames
 */

/* Under the stream's lock or before it had them. */
static void vpdec_frame_done(struct vpdec_frame *frame, enum vb2_buffer_state state)
{
	struct vb2_v4l2_buffer *own = &frame->m2m.vb;

	/* OUTPUT completes the request, and who waits for that then fetches CAPTURE. */
	if (frame->capture && !frame->more)
		v4l2_m2m_buf_done(frame->capture, state);
	if (own != frame->capture)
		v4l2_m2m_buf_done(own, state);
}

void vpdec_no_payload(struct vb2_buffer *vb)
{
	unsigned int i;

	for (i = 0; i < vb->num_planes; i++)
		vb2_set_plane_payload(vb, i, 0);
}

void vpdec_frame_fail(struct vpdec_frame *frame)
{
	if (frame->capture && !frame->more)
		vpdec_no_payload(&frame->capture->vb2_buf);
	vpdec_frame_done(frame, VB2_BUF_STATE_ERROR);
}

static void vpdec_take_frames_back(struct vpdec_stream *stream, struct list_head *list)
{
	struct vpdec_frame *frame, *next;

	lockdep_assert_held(&stream->lock);
	list_for_each_entry_safe(frame, next, list, entry) {
		list_del(&frame->entry);
		stream->stats.errors++;
		vpdec_frame_fail(frame);
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
		v4l2_m2m_buf_done(stream->held, VB2_BUF_STATE_ERROR);
		stream->held = NULL;
	}
}

/* Lets go of everything, for good; whose buffers they are is told by their error flag. */
static void vpdec_stream_give_up(struct vpdec_stream *stream)
{
	struct v4l2_m2m_ctx *m2m_ctx = stream->ctx->fh.m2m_ctx;

	lockdep_assert_held(&stream->lock);
	if (stream->over)
		return;
	stream->over = true;
	vpdec_stream_take_back(stream);
	/* A client that waits for pictures would wait in vain. */
	if (stream->ctx->node->kind->stateful) {
		vpdec_stateful_take_back(stream);
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

	return !stream->ctx->node->kind->stateful || !stream->format_told ||
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
static void vpdec_watch(struct work_struct *work)
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
		vpdec_frame_fail(frame);
		return;
	}

	vpdec_stream_expect(stream);
	frame->cookie = ++stream->cookie;
	list_add_tail(&frame->entry, &stream->waiting);
	wake_up_interruptible(&stream->wait);
}

static void vpdec_stream_forget(struct vpdec_stream *stream, unsigned int queue, u32 indices)
{
	spin_lock(&stream->lock);
	stream->gone[queue] |= stream->mapped[queue] & indices;
	stream->mapped[queue] &= ~indices;
	spin_unlock(&stream->lock);
	wake_up_interruptible(&stream->wait);
}

/* The memory of a buffer goes: the daemon is to unmap it, if it ever asked. */
void vpdec_stream_forget_buffer(struct vpdec_ctx *ctx, struct vb2_buffer *vb)
{
	struct vpdec_stream *stream = ctx->stream;
	unsigned int queue = vpdec_queue_index(vb->vb2_queue);

	if (!stream || vb->index >= VPDEC_MAX_BUFFERS)
		return;

	vpdec_stream_forget(stream, queue, BIT(vb->index));
}

/* Of imported buffers, those that videobuf2 has dropped by itself. */
void vpdec_stream_forget_dropped(struct vpdec_ctx *ctx, struct vb2_queue *vq)
{
	u32 dropped = 0;
	unsigned int i;

	lockdep_assert_held(&ctx->lock);
	if (!vq || !ctx->stream)
		return;
	for (i = 0; i < VPDEC_MAX_BUFFERS; i++) {
		const struct vb2_buffer *vb = vb2_get_buffer(vq, i);

		if (vb && !vb->planes[0].mem_priv)
			dropped |= BIT(i);
	}
	if (dropped)
		vpdec_stream_forget(ctx->stream, vpdec_queue_index(vq), dropped);
}

/*
 * Messages to the daemon
 */

/* A message, and what becomes of the stream when it has been read. */
struct vpdec_peek {
	u32 size;
	u16 type;
	unsigned int queue;
	u32 indices;
	u32 count;
	u64 cookie;
};

/*
 * What is to be read next, or 0: buffers go before others take their place, frames
 * need a start, pictures a format and buffers.
 */
static u16 vpdec_next_type(const struct vpdec_stream *stream)
{
	lockdep_assert_held(&stream->lock);
	if (stream->gone[VPIPE_DEC_QUEUE_OUTPUT] || stream->gone[VPIPE_DEC_QUEUE_CAPTURE])
		return VPIPE_DEC_MSG_FREE;
	if (stream->started != stream->starts)
		return VPIPE_DEC_MSG_START;
	if (stream->captured != stream->captures)
		return VPIPE_DEC_MSG_CAPTURE;
	if (!list_empty(&stream->empty))
		return VPIPE_DEC_MSG_EMPTY;
	if (!list_empty(&stream->waiting))
		return VPIPE_DEC_MSG_DECODE;
	if (stream->drain && !stream->draining)
		return VPIPE_DEC_MSG_DRAIN;

	return 0;
}

static void vpdec_peek_free(struct vpdec_stream *stream, struct vpdec_peek *peek)
{
	struct vpipe_dec_free *msg = (void *)stream->message;

	peek->queue = stream->gone[VPIPE_DEC_QUEUE_OUTPUT] ? VPIPE_DEC_QUEUE_OUTPUT :
							     VPIPE_DEC_QUEUE_CAPTURE;
	peek->indices = stream->gone[peek->queue];
	peek->size = sizeof(*msg);
	*msg = (struct vpipe_dec_free){
		.header = vpdec_header(stream, peek->type, peek->size),
		.queue = peek->queue,
		.indices = peek->indices,
	};
}

static void vpdec_peek_start(struct vpdec_stream *stream, struct vpdec_peek *peek)
{
	peek->count = stream->starts;
	peek->size = sizeof(stream->start);
	memcpy(stream->message, &stream->start, peek->size);
}

static void vpdec_peek_capture(struct vpdec_stream *stream, struct vpdec_peek *peek)
{
	struct vpipe_dec_capture *msg = (void *)stream->message;

	peek->count = stream->captures;
	peek->size = sizeof(*msg);
	*msg = stream->capture;
	msg->header = vpdec_header(stream, peek->type, peek->size);
}

static void vpdec_peek_empty(struct vpdec_stream *stream, struct vpdec_peek *peek)
{
	const struct vpdec_frame *frame = list_first_entry(&stream->empty, struct vpdec_frame,
							   entry);
	struct vpipe_dec_empty *msg = (void *)stream->message;

	peek->cookie = frame->cookie;
	peek->size = sizeof(*msg);
	*msg = (struct vpipe_dec_empty){
		.header = vpdec_header(stream, peek->type, peek->size),
		.index = frame->m2m.vb.vb2_buf.index,
	};
	msg->header.cookie = frame->cookie;
}

static struct vpipe_dec_header vpdec_frame_header(const struct vpdec_stream *stream,
						  const struct vpdec_peek *peek)
{
	struct vpipe_dec_header header = vpdec_header(stream, peek->type, peek->size);

	header.cookie = peek->cookie;

	return header;
}

static void vpdec_peek_decode(struct vpdec_stream *stream, struct vpdec_peek *peek)
{
	const struct vpdec_frame *frame = list_first_entry(&stream->waiting, struct vpdec_frame,
							   entry);
	const struct vb2_buffer *vb = &frame->m2m.vb.vb2_buf;
	struct vpipe_dec_decode *msg = (void *)stream->message;

	peek->cookie = frame->cookie;
	*msg = (struct vpipe_dec_decode) {
		.timestamp_ns = vb->timestamp,
	};
	if (frame->capture)
		msg->capture_index = frame->capture->vb2_buf.index;
	/* The daemon is not to keep what came before one that fails. */
	if (frame->fails || &frame->m2m.vb == frame->capture) {
		peek->size = sizeof(*msg);
		msg->flags = VPIPE_DEC_FINISH;
		msg->header = vpdec_frame_header(stream, peek);
		return;
	}
	peek->size = sizeof(*msg) + frame->controls_size;
	msg->header = vpdec_frame_header(stream, peek);
	msg->num_controls = frame->num_controls;
	msg->output_index = vb->index;
	msg->bytesused = vb->planes[0].bytesused;
	msg->flags = frame->more ? VPIPE_DEC_MORE : 0;
	memcpy(msg + 1, stream->ctx->controls[vb->index], frame->controls_size);
}

static void vpdec_peek_drain(struct vpdec_stream *stream, struct vpdec_peek *peek)
{
	struct vpipe_dec_header *msg = (void *)stream->message;

	peek->cookie = stream->drain;
	peek->size = sizeof(*msg);
	*msg = vpdec_header(stream, peek->type, peek->size);
	msg->cookie = peek->cookie;
}

static bool vpdec_peek(struct vpdec_stream *stream, struct vpdec_peek *peek)
{
	peek->type = vpdec_next_type(stream);
	switch (peek->type) {
	case VPIPE_DEC_MSG_FREE:
		vpdec_peek_free(stream, peek);
		return true;
	case VPIPE_DEC_MSG_START:
		vpdec_peek_start(stream, peek);
		return true;
	case VPIPE_DEC_MSG_CAPTURE:
		vpdec_peek_capture(stream, peek);
		return true;
	case VPIPE_DEC_MSG_EMPTY:
		vpdec_peek_empty(stream, peek);
		return true;
	case VPIPE_DEC_MSG_DECODE:
		vpdec_peek_decode(stream, peek);
		return true;
	case VPIPE_DEC_MSG_DRAIN:
		vpdec_peek_drain(stream, peek);
		return true;
	}

	return false;
}

/* Unless it was taken back meanwhile: then it was read for nothing. */
static void vpdec_move(struct list_head *from, struct list_head *to, u64 cookie)
{
	struct vpdec_frame *frame = list_first_entry_or_null(from, struct vpdec_frame, entry);

	if (!frame || frame->cookie != cookie)
		return;

	frame->read_ns = ktime_get_ns();
	list_move_tail(&frame->entry, to);
}

static void vpdec_was_read(struct vpdec_stream *stream, const struct vpdec_peek *peek)
{
	spin_lock(&stream->lock);
	stream->progress = jiffies;
	stream->taken = true;
	switch (peek->type) {
	case VPIPE_DEC_MSG_FREE:
		stream->gone[peek->queue] &= ~peek->indices;
		break;
	case VPIPE_DEC_MSG_START:
		stream->started = peek->count;
		break;
	case VPIPE_DEC_MSG_CAPTURE:
		stream->captured = peek->count;
		break;
	case VPIPE_DEC_MSG_EMPTY:
		vpdec_move(&stream->empty, &stream->lent, peek->cookie);
		break;
	case VPIPE_DEC_MSG_DECODE:
		vpdec_move(&stream->waiting, &stream->given, peek->cookie);
		break;
	case VPIPE_DEC_MSG_DRAIN:
		stream->draining = stream->drain == peek->cookie;
		break;
	}
	spin_unlock(&stream->lock);
}

static bool vpdec_stream_readable(struct vpdec_stream *stream)
{
	bool readable;

	spin_lock(&stream->lock);
	readable = stream->over || vpdec_next_type(stream);
	spin_unlock(&stream->lock);

	return readable;
}

static ssize_t vpdec_read_message(struct vpdec_stream *stream, char __user *to, size_t count)
{
	struct vpdec_peek peek = {};
	bool over, found;

	spin_lock(&stream->lock);
	over = stream->over;
	found = !over && vpdec_peek(stream, &peek);
	spin_unlock(&stream->lock);

	if (over)
		return 0;
	if (!found)
		return -EAGAIN;
	if (peek.size > count)
		return -EMSGSIZE;
	if (copy_to_user(to, stream->message, peek.size))
		return -EFAULT;
	vpdec_was_read(stream, &peek);
	vpdec_daemon_lives(stream->ctx->dev);

	return peek.size;
}

static ssize_t vpdec_stream_read(struct file *file, char __user *to, size_t count, loff_t *ppos)
{
	struct vpdec_stream *stream = file->private_data;
	ssize_t ret;

	for (;;) {
		ret = mutex_lock_interruptible(&stream->read_lock);
		if (ret)
			return ret;
		ret = vpdec_read_message(stream, to, count);
		mutex_unlock(&stream->read_lock);
		if (ret != -EAGAIN || file->f_flags & O_NONBLOCK)
			return ret;

		ret = wait_event_interruptible(stream->wait, vpdec_stream_readable(stream));
		if (ret)
			return ret;
	}
}

/*
 * Answers
 */

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

static bool vpdec_holds_cookie(const struct list_head *list, u64 cookie)
{
	const struct vpdec_frame *frame;

	list_for_each_entry(frame, list, entry)
		if (frame->cookie == cookie)
			return true;

	return false;
}

/* Whether there is such a frame since the latest start: 0, ESTALE or EINVAL. */
int vpdec_stream_source(struct vpdec_stream *stream, u64 cookie)
{
	lockdep_assert_held(&stream->lock);
	if (!cookie || cookie > stream->cookie)
		return -EINVAL;

	return cookie < stream->first ? -ESTALE : 0;
}

static void vpdec_span_add(struct vpdec_span *span, u64 ns)
{
	span->total_ns += ns;
	span->max_ns = max(span->max_ns, ns);
}

static void vpdec_count(struct vpdec_stats *stats, struct vpdec_frame *frame, u32 codec_ns)
{
	u64 now_ns = ktime_get_ns();
	u64 all_ns = now_ns - frame->begun_ns;
	u64 beyond_ns = all_ns - min_t(u64, codec_ns, all_ns);
	unsigned int i;

	stats->frames++;
	if (&frame->m2m.vb != frame->capture)
		stats->in_bytes += vb2_get_plane_payload(&frame->m2m.vb.vb2_buf, 0);
	if (frame->capture && !frame->more)
		for (i = 0; i < frame->capture->vb2_buf.num_planes; i++)
			stats->out_bytes += vb2_get_plane_payload(&frame->capture->vb2_buf, i);
	vpdec_span_add(&stats->waiting, frame->read_ns - frame->begun_ns);
	vpdec_span_add(&stats->working, now_ns - frame->read_ns);
	vpdec_span_add(&stats->beyond, beyond_ns);
	stats->classes[vpdec_class(beyond_ns)]++;
}

static int vpdec_answer(struct vpdec_stream *stream, const struct vpipe_dec_done *done)
{
	u64 cookie = done->header.cookie;
	struct vpdec_frame *frame;
	bool good, picture;
	int ret;

	if (done->status > VPIPE_DEC_FAILED)
		return -EINVAL;

	frame = list_first_entry_or_null(&stream->given, struct vpdec_frame, entry);
	if (!frame || frame->cookie != cookie) {
		if (!cookie || cookie > stream->cookie ||
		    vpdec_holds_cookie(&stream->given, cookie) ||
		    vpdec_holds_cookie(&stream->waiting, cookie))
			return -EINVAL;
		return -ESTALE;
	}

	picture = frame->capture && !frame->more;
	if (!picture && memchr_inv(done->bytesused, 0, sizeof(done->bytesused)))
		return -EINVAL;
	good = done->status == VPIPE_DEC_OK && !frame->fails;
	/* One that is patched up is better than none; its buffer says what it is. */
	picture = picture && !frame->fails &&
		  (good || (done->status == VPIPE_DEC_CORRUPT && done->bytesused[0]));
	if (picture) {
		ret = vpdec_set_payload(&frame->capture->vb2_buf, done->bytesused);
		if (ret)
			return ret;
	}

	if (good)
		vpdec_count(&stream->stats, frame, done->codec_ns);
	list_del(&frame->entry);
	stream->progress = jiffies;
	if (good) {
		vpdec_frame_done(frame, VB2_BUF_STATE_DONE);
	} else {
		stream->stats.errors++;
		if (picture)
			vpdec_frame_done(frame, VB2_BUF_STATE_ERROR);
		else
			vpdec_frame_fail(frame);
		if (stream->ctx->node->kind->stateful &&
		    vpdec_stateful_failed(stream, done->status))
			vpdec_stream_give_up(stream);
	}

	return 0;
}

/* What the daemon may write; all of it begins with a header. */
union vpdec_message {
	struct vpipe_dec_header header;
	struct vpipe_dec_done done;
	struct vpipe_dec_format format;
	struct vpipe_dec_picture picture;
	u8 bytes[VPDEC_MAX_WRITE];
};

/* Of each what there is to be of it at least, in bytes, and who has it. */
static int vpdec_message_check(const union vpdec_message *msg, size_t count, bool stateful)
{
	switch (msg->header.type) {
	case VPIPE_DEC_MSG_DONE:
		return vpdec_message_size(msg, count, sizeof(msg->done));
	case VPIPE_DEC_MSG_FORMAT:
		return stateful ? vpdec_message_size(msg, count, sizeof(msg->format)) : -EINVAL;
	case VPIPE_DEC_MSG_PICTURE:
		return stateful ? vpdec_message_size(msg, count, sizeof(msg->picture)) : -EINVAL;
	case VPIPE_DEC_MSG_DRAINED:
		return stateful ? vpdec_message_size(msg, count, sizeof(msg->header)) : -EINVAL;
	}

	return -EINVAL;
}

/*
 * None of these waits for anything, nor for a lock that a client may hold while it waits
 * for something: a daemon serves others too, and may be told to end.
 */
static int vpdec_take_message(struct vpdec_stream *stream, const union vpdec_message *msg)
{
	lockdep_assert_held(&stream->lock);
	if (stream->over)
		return -EPIPE;
	switch (msg->header.type) {
	case VPIPE_DEC_MSG_FORMAT:
		return vpdec_stateful_format(stream, &msg->format);
	case VPIPE_DEC_MSG_PICTURE:
		return vpdec_stateful_picture(stream, &msg->picture);
	case VPIPE_DEC_MSG_DRAINED:
		return vpdec_stateful_drained(stream, &msg->header);
	}

	return vpdec_answer(stream, &msg->done);
}

static ssize_t vpdec_stream_write(struct file *file, const char __user *from, size_t count,
				  loff_t *ppos)
{
	struct vpdec_stream *stream = file->private_data;
	union vpdec_message msg = {};
	int ret;

	ret = vpdec_copy_message(&msg, from, count);
	if (ret)
		return ret;
	if (msg.header.stream != stream->id)
		return -EINVAL;
	ret = vpdec_message_check(&msg, count, stream->ctx->node->kind->stateful);
	if (ret)
		return ret;

	spin_lock(&stream->lock);
	ret = vpdec_take_message(stream, &msg);
	spin_unlock(&stream->lock);
	if (ret)
		return ret;
	if (msg.header.type == VPIPE_DEC_MSG_FORMAT || msg.header.type == VPIPE_DEC_MSG_DRAINED)
		vpdec_stateful_settle(stream);
	vpdec_daemon_lives(stream->ctx->dev);

	return count;
}

static __poll_t vpdec_stream_poll(struct file *file, struct poll_table_struct *wait)
{
	struct vpdec_stream *stream = file->private_data;
	__poll_t events = EPOLLOUT | EPOLLWRNORM;

	poll_wait(file, &stream->wait, wait);
	if (vpdec_stream_readable(stream))
		events |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(stream->over))
		events |= EPOLLHUP;

	return events;
}

/*
 * Buffers
 */

static struct vb2_buffer *vpdec_find_in(const struct list_head *list, unsigned int queue, u32 index)
{
	const struct vpdec_frame *frame;

	list_for_each_entry(frame, list, entry) {
		struct vb2_v4l2_buffer *vbuf = (struct vb2_v4l2_buffer *)&frame->m2m.vb;

		if (queue == VPIPE_DEC_QUEUE_CAPTURE)
			vbuf = frame->capture;
		else if (vbuf == frame->capture)
			continue;
		if (vbuf && vbuf->vb2_buf.index == index)
			return &vbuf->vb2_buf;
	}

	return NULL;
}

/*
 * A buffer that the daemon has, or is about to read of. As long as it is in one of these
 * lists videobuf2 leaves it and its memory alone, whatever the client does.
 */
static struct vb2_buffer *vpdec_find_buffer(const struct vpdec_stream *stream, unsigned int queue,
					    u32 index)
{
	const struct list_head *const lists[] = {
		&stream->given, &stream->lent, &stream->waiting, &stream->empty,
	};
	struct vb2_buffer *vb;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		vb = vpdec_find_in(lists[i], queue, index);
		if (vb)
			return vb;
	}

	return NULL;
}

/* EPIPE, ESTALE, EINVAL, ENOMEM. */
static struct dma_buf *vpdec_export(struct vpdec_stream *stream, struct vpipe_dec_buffer *arg)
{
	struct dma_buf *dbuf;
	struct vb2_buffer *vb;

	lockdep_assert_held(&stream->lock);
	if (stream->over)
		return ERR_PTR(-EPIPE);
	if (arg->queue >= VPDEC_NUM_QUEUES || arg->index >= VPDEC_MAX_BUFFERS)
		return ERR_PTR(-EINVAL);
	vb = vpdec_find_buffer(stream, arg->queue, arg->index);
	if (!vb)
		return ERR_PTR(-ESTALE);
	if (arg->plane >= vb->num_planes)
		return ERR_PTR(-EINVAL);
	dbuf = vpdec_memory_get(stream->ctx, vb, arg->plane);
	if (!dbuf)
		return ERR_PTR(-ENOMEM);

	arg->flags = vb->memory == VB2_MEMORY_DMABUF ? VPIPE_DEC_BUFFER_IMPORTED : 0;
	arg->size = vb2_plane_size(vb, arg->plane);
	stream->mapped[arg->queue] |= BIT(arg->index);

	return dbuf;
}

static long vpdec_stream_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vpdec_stream *stream = file->private_data;
	struct vpipe_dec_buffer buffer;
	struct dma_buf *dbuf;

	if (cmd != VPIPE_DEC_IOC_BUFFER)
		return -ENOTTY;
	if (copy_from_user(&buffer, (void __user *)arg, sizeof(buffer)))
		return -EFAULT;

	spin_lock(&stream->lock);
	dbuf = vpdec_export(stream, &buffer);
	spin_unlock(&stream->lock);
	if (IS_ERR(dbuf))
		return PTR_ERR(dbuf);
	buffer.fd = dma_buf_fd(dbuf, O_CLOEXEC);
	if (buffer.fd < 0) {
		dma_buf_put(dbuf);
		return buffer.fd;
	}

	/* The descriptor is the caller's already: it goes with the process. */
	return copy_to_user((void __user *)arg, &buffer, sizeof(buffer)) ? -EFAULT : 0;
}

/*
 * From the first time that both queues stream until nobody has it any more
 */

static void vpdec_add_span(struct vpdec_span *sum, const struct vpdec_span *span)
{
	sum->total_ns += span->total_ns;
	sum->max_ns = max(sum->max_ns, span->max_ns);
}

static void vpdec_add_stats(struct vpdec_stats *sum, const struct vpdec_stats *stats)
{
	unsigned int i;

	sum->frames += stats->frames;
	sum->errors += stats->errors;
	sum->in_bytes += stats->in_bytes;
	sum->out_bytes += stats->out_bytes;
	vpdec_add_span(&sum->waiting, &stats->waiting);
	vpdec_add_span(&sum->working, &stats->working);
	vpdec_add_span(&sum->beyond, &stats->beyond);
	for (i = 0; i < VPDEC_CLASSES; i++)
		sum->classes[i] += stats->classes[i];
}

static void vpdec_stream_destroy(struct vpdec_stream *stream)
{
	cancel_delayed_work_sync(&stream->watchdog);
	vpdec_ctx_put(stream->ctx);
	mutex_destroy(&stream->read_lock);
	kvfree(stream->sources);
	kvfree(stream->message);
	kfree(stream);
}

static void vpdec_stream_free(struct kref *kref)
{
	struct vpdec_stream *stream = container_of(kref, struct vpdec_stream, kref);
	struct vpdec_dev *dev = stream->ctx->dev;

	spin_lock(&dev->lock);
	list_del(&stream->entry);
	list_del_init(&stream->served);
	vpdec_add_stats(&dev->stats, &stream->stats);
	spin_unlock(&dev->lock);

	vpdec_stream_destroy(stream);
}

void vpdec_stream_put(struct vpdec_stream *stream)
{
	kref_put(&stream->kref, vpdec_stream_free);
}

static int vpdec_stream_release(struct inode *inode, struct file *file)
{
	struct vpdec_stream *stream = file->private_data;
	struct vpdec_dev *dev = stream->ctx->dev;

	vpdec_stream_stop(stream);
	spin_lock(&dev->lock);
	list_del_init(&stream->served);
	spin_unlock(&dev->lock);
	vpdec_stream_put(stream);

	return 0;
}

static const struct file_operations vpdec_stream_fops = {
	.owner = THIS_MODULE,
	.read = vpdec_stream_read,
	.write = vpdec_stream_write,
	.poll = vpdec_stream_poll,
	.unlocked_ioctl = vpdec_stream_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = vpdec_stream_release,
};

/* Takes over the caller's count of the stream, unless it fails. */
int vpdec_stream_open_file(struct vpdec_stream *stream)
{
	return anon_inode_getfd("[vpipe-dec]", &vpdec_stream_fops, stream,
				O_RDWR | O_CLOEXEC | O_NONBLOCK);
}

static struct vpdec_stream *vpdec_stream_alloc(struct vpdec_ctx *ctx)
{
	struct vpdec_stream *stream;

	stream = kzalloc(sizeof(*stream), GFP_KERNEL);
	if (!stream)
		return NULL;

	stream->message = kvmalloc(VPIPE_DEC_MAX_MESSAGE, GFP_KERNEL);
	if (ctx->node->kind->stateful)
		stream->sources = kvcalloc(VPDEC_SOURCES, sizeof(*stream->sources), GFP_KERNEL);
	if (!stream->message || (ctx->node->kind->stateful && !stream->sources)) {
		kvfree(stream->sources);
		kvfree(stream->message);
		kfree(stream);
		return NULL;
	}

	kref_init(&stream->kref);
	kref_get(&ctx->kref);
	stream->ctx = ctx;
	spin_lock_init(&stream->lock);
	mutex_init(&stream->read_lock);
	init_waitqueue_head(&stream->wait);
	INIT_LIST_HEAD(&stream->served);
	INIT_LIST_HEAD(&stream->waiting);
	INIT_LIST_HEAD(&stream->given);
	INIT_LIST_HEAD(&stream->empty);
	INIT_LIST_HEAD(&stream->lent);
	INIT_DELAYED_WORK(&stream->watchdog, vpdec_watch);
	INIT_WORK(&stream->settle, vpdec_stateful_settle_work);

	return stream;
}

/* EBUSY: the daemon has as many streams as it serves. EDQUOT: one user has so many. */
static int vpdec_session_takes(const struct vpdec_session *session, const struct vpdec_ctx *ctx)
{
	const struct vpdec_stream *stream;
	unsigned int all = 0, own = 0;

	list_for_each_entry(stream, &session->streams, served) {
		all++;
		own += uid_eq(stream->ctx->owner, ctx->owner);
	}
	if (all >= session->max_streams)
		return -EBUSY;

	return own >= READ_ONCE(vpdec_user_streams) && !ctx->unlimited ? -EDQUOT : 0;
}

/* Makes sure that there is a daemon for the file's stream; @new is for one without. */
static int vpdec_stream_announce(struct vpdec_ctx *ctx, struct vpdec_stream *new)
{
	struct vpdec_dev *dev = ctx->dev;
	struct vpdec_session *session = dev->session;
	int ret;

	lockdep_assert_held(&dev->lock);
	if (!session || !session->codecs)
		return -ENOTCONN;
	if (!(session->codecs & ctx->coded->codec))
		return -EOPNOTSUPP;
	if (!new)
		return 0;
	ret = vpdec_session_takes(session, ctx);
	if (ret)
		return ret;

	list_add_tail(&new->served, &session->streams);
	new->codec = ctx->coded->codec;
	new->id = ++dev->streams_ever;
	list_add_tail(&new->entry, &dev->streams);
	ctx->stream = new;
	wake_up_interruptible(&session->wait);

	return 0;
}

/* Frames that come from here on begin anew. */
void vpdec_stream_write_start(struct vpdec_stream *stream)
{
	struct vpdec_ctx *ctx = stream->ctx;
	struct vpipe_dec_start start = {
		.header = vpdec_header(stream, VPIPE_DEC_MSG_START, sizeof(start)),
		.codec = ctx->coded->codec,
		.width = ctx->width,
		.height = ctx->height,
	};

	if (ctx->node->kind->stateful) {
		start.flags = VPIPE_DEC_STATEFUL;
	} else {
		start.pixelformat = ctx->raw->fourcc;
		start.num_planes = vpdec_planes(ctx, true, start.planes);
	}

	spin_lock(&stream->lock);
	stream->start = start;
	stream->starts++;
	stream->first = stream->cookie + 1;
	stream->flowing = true;
	stream->format_told = false;
	stream->format_due = false;
	stream->drained_due = false;
	spin_unlock(&stream->lock);
	wake_up_interruptible(&stream->wait);
}

/*
 * A queue is about to stream: makes sure that there is a stream.
 *
 * ENOTCONN: there is no daemon. EOPNOTSUPP: it lacks the codec. EBUSY, EDQUOT: it has
 * streams enough, of all or of this user. ENOMEM.
 */
int vpdec_stream_begin(struct vpdec_ctx *ctx)
{
	struct vpdec_stream *old = ctx->stream, *new = NULL;
	int ret;

	lockdep_assert_held(&ctx->lock);

	/*
	 * One that is over had its daemon die, or give up on it. It stays until there is
	 * another: a queue may still stream.
	 */
	if (!old || READ_ONCE(old->over)) {
		new = vpdec_stream_alloc(ctx);
		if (!new)
			return -ENOMEM;
	}

	spin_lock(&ctx->dev->lock);
	ret = vpdec_stream_announce(ctx, new);
	spin_unlock(&ctx->dev->lock);
	if (!new)
		return ret;
	if (ret)
		vpdec_stream_destroy(new);
	else if (old)
		vpdec_stream_put(old);

	return ret;
}
