// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Messages of a stream to the daemon: what there is to read.
 */
#include <linux/ktime.h>
#include <linux/uaccess.h>

#include <media/videobuf2-v4l2.h>

#include "../message.h"
#include "dec.h"
#include "trace.h"

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
static struct vpdec_frame *vpdec_move(struct list_head *from, struct list_head *to, u64 cookie)
{
	struct vpdec_frame *frame = list_first_entry_or_null(from, struct vpdec_frame, entry);

	if (!frame || frame->cookie != cookie)
		return NULL;

	frame->read_ns = ktime_get_ns();
	list_move_tail(&frame->entry, to);

	return frame;
}

static void vpdec_taken(struct vpdec_stream *stream, const struct vpdec_peek *peek)
{
	struct vpdec_frame *frame;

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
		frame = vpdec_move(&stream->waiting, &stream->given, peek->cookie);
		if (frame && &frame->m2m.vb != frame->capture)
			trace_vpdec_decode(stream->ctx->node->m2m.vfd.minor, stream->id,
					   &frame->m2m.vb);
		break;
	case VPIPE_DEC_MSG_DRAIN:
		stream->draining = stream->drain == peek->cookie;
		break;
	}
	spin_unlock(&stream->lock);
}

bool vpdec_stream_readable(void *reader)
{
	struct vpdec_stream *stream = reader;
	bool readable;

	spin_lock(&stream->lock);
	readable = stream->over || vpdec_next_type(stream);
	spin_unlock(&stream->lock);

	return readable;
}

static ssize_t vpdec_stream_take(void *reader, char __user *to, size_t count)
{
	struct vpdec_stream *stream = reader;
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
	vpdec_taken(stream, &peek);
	vpdec_daemon_lives(stream->ctx->dev);

	return peek.size;
}

ssize_t vpdec_stream_read(struct file *file, char __user *to, size_t count, loff_t *ppos)
{
	struct vpdec_stream *stream = file->private_data;

	return vpipe_read_messages(file, to, count, &stream->read_lock, &stream->wait,
				   vpdec_stream_take, vpdec_stream_readable);
}
