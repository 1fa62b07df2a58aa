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

static unsigned int vdec_queue_index(const struct vb2_queue *vq)
{
	return V4L2_TYPE_IS_CAPTURE(vq->type) ? VPIPE_DEC_QUEUE_CAPTURE : VPIPE_DEC_QUEUE_OUTPUT;
}

static struct vpipe_dec_header vdec_header(const struct vdec_stream *stream, u16 type, u32 size)
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
static void vdec_frame_done(struct vdec_frame *frame, enum vb2_buffer_state state)
{
	struct vb2_v4l2_buffer *own = &frame->m2m.vb;

	/* OUTPUT completes the request, and who waits for that then fetches CAPTURE. */
	if (frame->capture && !frame->more)
		v4l2_m2m_buf_done(frame->capture, state);
	if (own != frame->capture)
		v4l2_m2m_buf_done(own, state);
}

void vdec_no_payload(struct vb2_buffer *vb)
{
	unsigned int i;

	for (i = 0; i < vb->num_planes; i++)
		vb2_set_plane_payload(vb, i, 0);
}

void vdec_frame_fail(struct vdec_frame *frame)
{
	if (frame->capture && !frame->more)
		vdec_no_payload(&frame->capture->vb2_buf);
	vdec_frame_done(frame, VB2_BUF_STATE_ERROR);
}

static void vdec_take_frames_back(struct vdec_stream *stream, struct list_head *list)
{
	struct vdec_frame *frame, *next;

	lockdep_assert_held(&stream->lock);
	list_for_each_entry_safe(frame, next, list, entry) {
		list_del(&frame->entry);
		stream->stats.errors++;
		vdec_frame_fail(frame);
	}
}

/* All frames: none is in the daemon's hands any more. */
void vdec_stream_take_back(struct vdec_stream *stream)
{
	/* The daemon's come first: they were queued first. */
	vdec_take_frames_back(stream, &stream->given);
	vdec_take_frames_back(stream, &stream->waiting);
	if (stream->held) {
		vdec_no_payload(&stream->held->vb2_buf);
		v4l2_m2m_buf_done(stream->held, VB2_BUF_STATE_ERROR);
		stream->held = NULL;
	}
}

/* Lets go of everything, for good; whose buffers they are is told by their error flag. */
static void vdec_stream_give_up(struct vdec_stream *stream)
{
	struct v4l2_m2m_ctx *m2m_ctx = stream->ctx->fh.m2m_ctx;

	lockdep_assert_held(&stream->lock);
	if (stream->over)
		return;
	stream->over = true;
	vdec_stream_take_back(stream);
	/* A client that waits for pictures would wait in vain. */
	if (stream->ctx->node->kind->stateful) {
		vdec_stateful_take_back(stream);
		vb2_queue_error(v4l2_m2m_get_src_vq(m2m_ctx));
		vb2_queue_error(v4l2_m2m_get_dst_vq(m2m_ctx));
	}
	wake_up_interruptible_all(&stream->wait);
}

void vdec_stream_stop(struct vdec_stream *stream)
{
	spin_lock(&stream->lock);
	vdec_stream_give_up(stream);
	spin_unlock(&stream->lock);
}

/* One that the daemon has the file of is its burden until that is closed. */
void vdec_stream_end(struct vdec_stream *stream)
{
	struct vdec_dev *dev = stream->ctx->dev;

	vdec_stream_stop(stream);
	spin_lock(&dev->lock);
	if (!stream->opened)
		list_del_init(&stream->served);
	spin_unlock(&dev->lock);
}

/*
 * Whether it is the daemon's turn: once the client has been told to make CAPTURE
 * ready, it can do nothing without a buffer for its pictures.
 */
static bool vdec_stream_busy(const struct vdec_stream *stream)
{
	if (!list_empty(&stream->waiting) || !list_empty(&stream->empty))
		return true;
	if (list_empty(&stream->given) && !stream->drain)
		return false;

	return !stream->ctx->node->kind->stateful || !stream->format_told ||
	       !list_empty(&stream->lent);
}

/* Something is about to be there for the daemon to do, or it has done something. */
void vdec_stream_expect(struct vdec_stream *stream)
{
	lockdep_assert_held(&stream->lock);
	if (!vdec_stream_busy(stream))
		stream->progress = jiffies;
	/* Does nothing while it is on its way. */
	schedule_delayed_work(&stream->watchdog, msecs_to_jiffies(READ_ONCE(vdec_timeout_ms)));
}

/*
 * What its time counts from. A stream that nobody has taken up waits for a thread, as
 * long as the daemon does anything at all.
 */
static unsigned long vdec_stream_since(const struct vdec_stream *stream)
{
	unsigned long alive = READ_ONCE(stream->ctx->dev->alive);

	return !stream->taken && time_after(alive, stream->progress) ? alive : stream->progress;
}

/*
 * One look per time-out, not one timer per frame: as long as answers come, it
 * just looks again.
 */
static void vdec_watch(struct work_struct *work)
{
	struct vdec_stream *stream = container_of(to_delayed_work(work), struct vdec_stream,
						  watchdog);
	unsigned long timeout = msecs_to_jiffies(READ_ONCE(vdec_timeout_ms));
	bool stuck = false;

	spin_lock(&stream->lock);
	if (vdec_stream_busy(stream)) {
		unsigned long deadline = vdec_stream_since(stream) + timeout;

		stuck = time_after_eq(jiffies, deadline);
		if (!stuck)
			schedule_delayed_work(&stream->watchdog, deadline - jiffies);
	}
	spin_unlock(&stream->lock);

	if (stuck) {
		pr_warn_ratelimited("stream %u: the daemon gave no answer for %u ms\n",
				    stream->id, jiffies_to_msecs(timeout));
		vdec_stream_end(stream);
	}
}

/* Takes over a frame, or gives it back where the stream is over. */
void vdec_stream_submit(struct vdec_stream *stream, struct vdec_frame *frame)
{
	lockdep_assert_held(&stream->lock);
	if (stream->over) {
		stream->stats.errors++;
		vdec_frame_fail(frame);
		return;
	}

	vdec_stream_expect(stream);
	frame->cookie = ++stream->cookie;
	list_add_tail(&frame->entry, &stream->waiting);
	wake_up_interruptible(&stream->wait);
}

static void vdec_stream_forget(struct vdec_stream *stream, unsigned int queue, u32 indices)
{
	spin_lock(&stream->lock);
	stream->gone[queue] |= stream->mapped[queue] & indices;
	stream->mapped[queue] &= ~indices;
	spin_unlock(&stream->lock);
	wake_up_interruptible(&stream->wait);
}

/* The memory of a buffer goes: the daemon is to unmap it, if it ever asked. */
void vdec_stream_forget_buffer(struct vdec_ctx *ctx, struct vb2_buffer *vb)
{
	struct vdec_stream *stream = ctx->stream;
	unsigned int queue = vdec_queue_index(vb->vb2_queue);

	if (!stream || vb->index >= VDEC_MAX_BUFFERS)
		return;

	vdec_stream_forget(stream, queue, BIT(vb->index));
}

/* Of imported buffers, those that videobuf2 has dropped by itself. */
void vdec_stream_forget_dropped(struct vdec_ctx *ctx, struct vb2_queue *vq)
{
	u32 dropped = 0;
	unsigned int i;

	lockdep_assert_held(&ctx->lock);
	if (!vq || !ctx->stream)
		return;
	for (i = 0; i < VDEC_MAX_BUFFERS; i++) {
		const struct vb2_buffer *vb = vb2_get_buffer(vq, i);

		if (vb && !vb->planes[0].mem_priv)
			dropped |= BIT(i);
	}
	if (dropped)
		vdec_stream_forget(ctx->stream, vdec_queue_index(vq), dropped);
}

/*
 * Messages to the daemon
 */

/* A message, and what becomes of the stream when it has been read. */
struct vdec_peek {
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
static u16 vdec_next_type(const struct vdec_stream *stream)
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

static void vdec_peek_free(struct vdec_stream *stream, struct vdec_peek *peek)
{
	struct vpipe_dec_free *msg = (void *)stream->message;

	peek->queue = stream->gone[VPIPE_DEC_QUEUE_OUTPUT] ? VPIPE_DEC_QUEUE_OUTPUT :
							     VPIPE_DEC_QUEUE_CAPTURE;
	peek->indices = stream->gone[peek->queue];
	peek->size = sizeof(*msg);
	*msg = (struct vpipe_dec_free){
		.header = vdec_header(stream, peek->type, peek->size),
		.queue = peek->queue,
		.indices = peek->indices,
	};
}

static void vdec_peek_start(struct vdec_stream *stream, struct vdec_peek *peek)
{
	peek->count = stream->starts;
	peek->size = sizeof(stream->start);
	memcpy(stream->message, &stream->start, peek->size);
}

static void vdec_peek_capture(struct vdec_stream *stream, struct vdec_peek *peek)
{
	struct vpipe_dec_capture *msg = (void *)stream->message;

	peek->count = stream->captures;
	peek->size = sizeof(*msg);
	*msg = stream->capture;
	msg->header = vdec_header(stream, peek->type, peek->size);
}

static void vdec_peek_empty(struct vdec_stream *stream, struct vdec_peek *peek)
{
	const struct vdec_frame *frame = list_first_entry(&stream->empty, struct vdec_frame,
							  entry);
	struct vpipe_dec_empty *msg = (void *)stream->message;

	peek->cookie = frame->cookie;
	peek->size = sizeof(*msg);
	*msg = (struct vpipe_dec_empty){
		.header = vdec_header(stream, peek->type, peek->size),
		.index = frame->m2m.vb.vb2_buf.index,
	};
	msg->header.cookie = frame->cookie;
}

static struct vpipe_dec_header vdec_frame_header(const struct vdec_stream *stream,
						 const struct vdec_peek *peek)
{
	struct vpipe_dec_header header = vdec_header(stream, peek->type, peek->size);

	header.cookie = peek->cookie;

	return header;
}

static void vdec_peek_decode(struct vdec_stream *stream, struct vdec_peek *peek)
{
	const struct vdec_frame *frame = list_first_entry(&stream->waiting, struct vdec_frame,
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
		msg->header = vdec_frame_header(stream, peek);
		return;
	}
	peek->size = sizeof(*msg) + frame->controls_size;
	msg->header = vdec_frame_header(stream, peek);
	msg->num_controls = frame->num_controls;
	msg->output_index = vb->index;
	msg->bytesused = vb->planes[0].bytesused;
	msg->flags = frame->more ? VPIPE_DEC_MORE : 0;
	memcpy(msg + 1, stream->ctx->controls[vb->index], frame->controls_size);
}

static void vdec_peek_drain(struct vdec_stream *stream, struct vdec_peek *peek)
{
	struct vpipe_dec_header *msg = (void *)stream->message;

	peek->cookie = stream->drain;
	peek->size = sizeof(*msg);
	*msg = vdec_header(stream, peek->type, peek->size);
	msg->cookie = peek->cookie;
}

static bool vdec_peek(struct vdec_stream *stream, struct vdec_peek *peek)
{
	peek->type = vdec_next_type(stream);
	switch (peek->type) {
	case VPIPE_DEC_MSG_FREE:
		vdec_peek_free(stream, peek);
		return true;
	case VPIPE_DEC_MSG_START:
		vdec_peek_start(stream, peek);
		return true;
	case VPIPE_DEC_MSG_CAPTURE:
		vdec_peek_capture(stream, peek);
		return true;
	case VPIPE_DEC_MSG_EMPTY:
		vdec_peek_empty(stream, peek);
		return true;
	case VPIPE_DEC_MSG_DECODE:
		vdec_peek_decode(stream, peek);
		return true;
	case VPIPE_DEC_MSG_DRAIN:
		vdec_peek_drain(stream, peek);
		return true;
	}

	return false;
}

/* Unless it was taken back meanwhile: then it was read for nothing. */
static void vdec_move(struct list_head *from, struct list_head *to, u64 cookie)
{
	struct vdec_frame *frame = list_first_entry_or_null(from, struct vdec_frame, entry);

	if (!frame || frame->cookie != cookie)
		return;

	frame->read_ns = ktime_get_ns();
	list_move_tail(&frame->entry, to);
}

static void vdec_was_read(struct vdec_stream *stream, const struct vdec_peek *peek)
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
		vdec_move(&stream->empty, &stream->lent, peek->cookie);
		break;
	case VPIPE_DEC_MSG_DECODE:
		vdec_move(&stream->waiting, &stream->given, peek->cookie);
		break;
	case VPIPE_DEC_MSG_DRAIN:
		stream->draining = stream->drain == peek->cookie;
		break;
	}
	spin_unlock(&stream->lock);
}

static bool vdec_stream_readable(struct vdec_stream *stream)
{
	bool readable;

	spin_lock(&stream->lock);
	readable = stream->over || vdec_next_type(stream);
	spin_unlock(&stream->lock);

	return readable;
}

static ssize_t vdec_read_message(struct vdec_stream *stream, char __user *to, size_t count)
{
	struct vdec_peek peek = {};
	bool over, found;

	spin_lock(&stream->lock);
	over = stream->over;
	found = !over && vdec_peek(stream, &peek);
	spin_unlock(&stream->lock);

	if (over)
		return 0;
	if (!found)
		return -EAGAIN;
	if (peek.size > count)
		return -EMSGSIZE;
	if (copy_to_user(to, stream->message, peek.size))
		return -EFAULT;
	vdec_was_read(stream, &peek);
	vdec_daemon_lives(stream->ctx->dev);

	return peek.size;
}

static ssize_t vdec_stream_read(struct file *file, char __user *to, size_t count, loff_t *ppos)
{
	struct vdec_stream *stream = file->private_data;
	ssize_t ret;

	for (;;) {
		ret = mutex_lock_interruptible(&stream->read_lock);
		if (ret)
			return ret;
		ret = vdec_read_message(stream, to, count);
		mutex_unlock(&stream->read_lock);
		if (ret != -EAGAIN || file->f_flags & O_NONBLOCK)
			return ret;

		ret = wait_event_interruptible(stream->wait, vdec_stream_readable(stream));
		if (ret)
			return ret;
	}
}

/*
 * Answers
 */

int vdec_set_payload(struct vb2_buffer *capture, const u32 *bytesused)
{
	unsigned int i;

	for (i = 0; i < VPIPE_DEC_MAX_PLANES; i++)
		if (bytesused[i] > (i < capture->num_planes ? vb2_plane_size(capture, i) : 0))
			return -EINVAL;
	for (i = 0; i < capture->num_planes; i++)
		vb2_set_plane_payload(capture, i, bytesused[i]);

	return 0;
}

static bool vdec_holds_cookie(const struct list_head *list, u64 cookie)
{
	const struct vdec_frame *frame;

	list_for_each_entry(frame, list, entry)
		if (frame->cookie == cookie)
			return true;

	return false;
}

/* Whether there is such a frame since the latest start: 0, ESTALE or EINVAL. */
int vdec_stream_source(struct vdec_stream *stream, u64 cookie)
{
	lockdep_assert_held(&stream->lock);
	if (!cookie || cookie > stream->cookie)
		return -EINVAL;

	return cookie < stream->first ? -ESTALE : 0;
}

static void vdec_span_add(struct vdec_span *span, u64 ns)
{
	span->total_ns += ns;
	span->max_ns = max(span->max_ns, ns);
}

static void vdec_count(struct vdec_stats *stats, struct vdec_frame *frame, u32 codec_ns)
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
	vdec_span_add(&stats->waiting, frame->read_ns - frame->begun_ns);
	vdec_span_add(&stats->working, now_ns - frame->read_ns);
	vdec_span_add(&stats->beyond, beyond_ns);
	stats->classes[vdec_class(beyond_ns)]++;
}

static int vdec_answer(struct vdec_stream *stream, const struct vpipe_dec_done *done)
{
	u64 cookie = done->header.cookie;
	struct vdec_frame *frame;
	bool good, picture;
	int ret;

	if (done->status > VPIPE_DEC_FAILED)
		return -EINVAL;

	frame = list_first_entry_or_null(&stream->given, struct vdec_frame, entry);
	if (!frame || frame->cookie != cookie) {
		if (!cookie || cookie > stream->cookie ||
		    vdec_holds_cookie(&stream->given, cookie) ||
		    vdec_holds_cookie(&stream->waiting, cookie))
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
		ret = vdec_set_payload(&frame->capture->vb2_buf, done->bytesused);
		if (ret)
			return ret;
	}

	if (good)
		vdec_count(&stream->stats, frame, done->codec_ns);
	list_del(&frame->entry);
	stream->progress = jiffies;
	if (good) {
		vdec_frame_done(frame, VB2_BUF_STATE_DONE);
	} else {
		stream->stats.errors++;
		if (picture)
			vdec_frame_done(frame, VB2_BUF_STATE_ERROR);
		else
			vdec_frame_fail(frame);
		if (stream->ctx->node->kind->stateful && vdec_stateful_failed(stream, done->status))
			vdec_stream_give_up(stream);
	}

	return 0;
}

/* What the daemon may write; all of it begins with a header. */
union vdec_message {
	struct vpipe_dec_header header;
	struct vpipe_dec_done done;
	struct vpipe_dec_format format;
	struct vpipe_dec_picture picture;
	u8 bytes[VDEC_MAX_WRITE];
};

/* Of each what there is to be of it at least, in bytes, and who has it. */
static int vdec_message_check(const union vdec_message *msg, size_t count, bool stateful)
{
	switch (msg->header.type) {
	case VPIPE_DEC_MSG_DONE:
		return vdec_message_size(msg, count, sizeof(msg->done));
	case VPIPE_DEC_MSG_FORMAT:
		return stateful ? vdec_message_size(msg, count, sizeof(msg->format)) : -EINVAL;
	case VPIPE_DEC_MSG_PICTURE:
		return stateful ? vdec_message_size(msg, count, sizeof(msg->picture)) : -EINVAL;
	case VPIPE_DEC_MSG_DRAINED:
		return stateful ? vdec_message_size(msg, count, sizeof(msg->header)) : -EINVAL;
	}

	return -EINVAL;
}

/*
 * None of these waits for anything, nor for a lock that a client may hold while it waits
 * for something: a daemon serves others too, and may be told to end.
 */
static int vdec_take_message(struct vdec_stream *stream, const union vdec_message *msg)
{
	lockdep_assert_held(&stream->lock);
	if (stream->over)
		return -EPIPE;
	switch (msg->header.type) {
	case VPIPE_DEC_MSG_FORMAT:
		return vdec_stateful_format(stream, &msg->format);
	case VPIPE_DEC_MSG_PICTURE:
		return vdec_stateful_picture(stream, &msg->picture);
	case VPIPE_DEC_MSG_DRAINED:
		return vdec_stateful_drained(stream, &msg->header);
	}

	return vdec_answer(stream, &msg->done);
}

static ssize_t vdec_stream_write(struct file *file, const char __user *from, size_t count,
				 loff_t *ppos)
{
	struct vdec_stream *stream = file->private_data;
	union vdec_message msg = {};
	int ret;

	ret = vdec_copy_message(&msg, from, count);
	if (ret)
		return ret;
	if (msg.header.stream != stream->id)
		return -EINVAL;
	ret = vdec_message_check(&msg, count, stream->ctx->node->kind->stateful);
	if (ret)
		return ret;

	spin_lock(&stream->lock);
	ret = vdec_take_message(stream, &msg);
	spin_unlock(&stream->lock);
	if (ret)
		return ret;
	if (msg.header.type == VPIPE_DEC_MSG_FORMAT || msg.header.type == VPIPE_DEC_MSG_DRAINED)
		vdec_stateful_settle(stream);
	vdec_daemon_lives(stream->ctx->dev);

	return count;
}

static __poll_t vdec_stream_poll(struct file *file, struct poll_table_struct *wait)
{
	struct vdec_stream *stream = file->private_data;
	__poll_t events = EPOLLOUT | EPOLLWRNORM;

	poll_wait(file, &stream->wait, wait);
	if (vdec_stream_readable(stream))
		events |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(stream->over))
		events |= EPOLLHUP;

	return events;
}

/*
 * Buffers
 */

static struct vb2_buffer *vdec_find_in(const struct list_head *list, unsigned int queue, u32 index)
{
	const struct vdec_frame *frame;

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
static struct vb2_buffer *vdec_find_buffer(const struct vdec_stream *stream, unsigned int queue,
					   u32 index)
{
	const struct list_head *const lists[] = {
		&stream->given, &stream->lent, &stream->waiting, &stream->empty,
	};
	struct vb2_buffer *vb;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		vb = vdec_find_in(lists[i], queue, index);
		if (vb)
			return vb;
	}

	return NULL;
}

/* EPIPE, ESTALE, EINVAL, ENOMEM. */
static struct dma_buf *vdec_export(struct vdec_stream *stream, struct vpipe_dec_buffer *arg)
{
	struct dma_buf *dbuf;
	struct vb2_buffer *vb;

	lockdep_assert_held(&stream->lock);
	if (stream->over)
		return ERR_PTR(-EPIPE);
	if (arg->queue >= VDEC_NUM_QUEUES || arg->index >= VDEC_MAX_BUFFERS)
		return ERR_PTR(-EINVAL);
	vb = vdec_find_buffer(stream, arg->queue, arg->index);
	if (!vb)
		return ERR_PTR(-ESTALE);
	if (arg->plane >= vb->num_planes)
		return ERR_PTR(-EINVAL);
	dbuf = vdec_memory_get(stream->ctx, vb, arg->plane);
	if (!dbuf)
		return ERR_PTR(-ENOMEM);

	arg->flags = vb->memory == VB2_MEMORY_DMABUF ? VPIPE_DEC_BUFFER_IMPORTED : 0;
	arg->size = vb2_plane_size(vb, arg->plane);
	stream->mapped[arg->queue] |= BIT(arg->index);

	return dbuf;
}

static long vdec_stream_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vdec_stream *stream = file->private_data;
	struct vpipe_dec_buffer buffer;
	struct dma_buf *dbuf;

	if (cmd != VPIPE_DEC_IOC_BUFFER)
		return -ENOTTY;
	if (copy_from_user(&buffer, (void __user *)arg, sizeof(buffer)))
		return -EFAULT;

	spin_lock(&stream->lock);
	dbuf = vdec_export(stream, &buffer);
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

static void vdec_add_span(struct vdec_span *sum, const struct vdec_span *span)
{
	sum->total_ns += span->total_ns;
	sum->max_ns = max(sum->max_ns, span->max_ns);
}

static void vdec_add_stats(struct vdec_stats *sum, const struct vdec_stats *stats)
{
	unsigned int i;

	sum->frames += stats->frames;
	sum->errors += stats->errors;
	sum->in_bytes += stats->in_bytes;
	sum->out_bytes += stats->out_bytes;
	vdec_add_span(&sum->waiting, &stats->waiting);
	vdec_add_span(&sum->working, &stats->working);
	vdec_add_span(&sum->beyond, &stats->beyond);
	for (i = 0; i < VDEC_CLASSES; i++)
		sum->classes[i] += stats->classes[i];
}

static void vdec_stream_destroy(struct vdec_stream *stream)
{
	cancel_delayed_work_sync(&stream->watchdog);
	vdec_ctx_put(stream->ctx);
	mutex_destroy(&stream->read_lock);
	kvfree(stream->sources);
	kvfree(stream->message);
	kfree(stream);
}

static void vdec_stream_free(struct kref *kref)
{
	struct vdec_stream *stream = container_of(kref, struct vdec_stream, kref);
	struct vdec_dev *dev = stream->ctx->dev;

	spin_lock(&dev->lock);
	list_del(&stream->entry);
	list_del_init(&stream->served);
	vdec_add_stats(&dev->stats, &stream->stats);
	spin_unlock(&dev->lock);

	vdec_stream_destroy(stream);
}

void vdec_stream_put(struct vdec_stream *stream)
{
	kref_put(&stream->kref, vdec_stream_free);
}

static int vdec_stream_release(struct inode *inode, struct file *file)
{
	struct vdec_stream *stream = file->private_data;
	struct vdec_dev *dev = stream->ctx->dev;

	vdec_stream_stop(stream);
	spin_lock(&dev->lock);
	list_del_init(&stream->served);
	spin_unlock(&dev->lock);
	vdec_stream_put(stream);

	return 0;
}

static const struct file_operations vdec_stream_fops = {
	.owner = THIS_MODULE,
	.read = vdec_stream_read,
	.write = vdec_stream_write,
	.poll = vdec_stream_poll,
	.unlocked_ioctl = vdec_stream_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = vdec_stream_release,
};

/* Takes over the caller's count of the stream, unless it fails. */
int vdec_stream_open_file(struct vdec_stream *stream)
{
	return anon_inode_getfd("[vpipe-dec]", &vdec_stream_fops, stream,
				O_RDWR | O_CLOEXEC | O_NONBLOCK);
}

static struct vdec_stream *vdec_stream_alloc(struct vdec_ctx *ctx)
{
	struct vdec_stream *stream;

	stream = kzalloc(sizeof(*stream), GFP_KERNEL);
	if (!stream)
		return NULL;

	stream->message = kvmalloc(VPIPE_DEC_MAX_MESSAGE, GFP_KERNEL);
	if (ctx->node->kind->stateful)
		stream->sources = kvcalloc(VDEC_SOURCES, sizeof(*stream->sources), GFP_KERNEL);
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
	INIT_DELAYED_WORK(&stream->watchdog, vdec_watch);
	INIT_WORK(&stream->settle, vdec_stateful_settle_work);

	return stream;
}

/* EBUSY: the daemon has as many streams as it serves. EDQUOT: one user has so many. */
static int vdec_session_takes(const struct vdec_session *session, const struct vdec_ctx *ctx)
{
	const struct vdec_stream *stream;
	unsigned int all = 0, own = 0;

	list_for_each_entry(stream, &session->streams, served) {
		all++;
		own += uid_eq(stream->ctx->owner, ctx->owner);
	}
	if (all >= session->max_streams)
		return -EBUSY;

	return own >= READ_ONCE(vdec_user_streams) && !ctx->unlimited ? -EDQUOT : 0;
}

/* Makes sure that there is a daemon for the file's stream; @new is for one without. */
static int vdec_stream_announce(struct vdec_ctx *ctx, struct vdec_stream *new)
{
	struct vdec_dev *dev = ctx->dev;
	struct vdec_session *session = dev->session;
	int ret;

	lockdep_assert_held(&dev->lock);
	if (!session || !session->codecs)
		return -ENOTCONN;
	if (!(session->codecs & ctx->coded->codec))
		return -EOPNOTSUPP;
	if (!new)
		return 0;
	ret = vdec_session_takes(session, ctx);
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
void vdec_stream_write_start(struct vdec_stream *stream)
{
	struct vdec_ctx *ctx = stream->ctx;
	struct vpipe_dec_start start = {
		.header = vdec_header(stream, VPIPE_DEC_MSG_START, sizeof(start)),
		.codec = ctx->coded->codec,
		.width = ctx->width,
		.height = ctx->height,
	};

	if (ctx->node->kind->stateful) {
		start.flags = VPIPE_DEC_STATEFUL;
	} else {
		start.pixelformat = ctx->raw->fourcc;
		start.num_planes = vdec_planes(ctx, true, start.planes);
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
int vdec_stream_begin(struct vdec_ctx *ctx)
{
	struct vdec_stream *old = ctx->stream, *new = NULL;
	int ret;

	lockdep_assert_held(&ctx->lock);

	/*
	 * One that is over had its daemon die, or give up on it. It stays until there is
	 * another: a queue may still stream.
	 */
	if (!old || READ_ONCE(old->over)) {
		new = vdec_stream_alloc(ctx);
		if (!new)
			return -ENOMEM;
	}

	spin_lock(&ctx->dev->lock);
	ret = vdec_stream_announce(ctx, new);
	spin_unlock(&ctx->dev->lock);
	if (!new)
		return ret;
	if (ret)
		vdec_stream_destroy(new);
	else if (old)
		vdec_stream_put(old);

	return ret;
}
