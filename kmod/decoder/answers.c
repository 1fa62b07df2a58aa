// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Answers of the daemon: what it writes to a stream.
 */
#include <linux/uaccess.h>

#include <media/videobuf2-v4l2.h>

#include "dec.h"

static bool vpdec_holds_cookie(const struct list_head *list, u64 cookie)
{
	const struct vpdec_frame *frame;

	list_for_each_entry(frame, list, entry)
		if (frame->cookie == cookie)
			return true;

	return false;
}

static int vpdec_take_done(struct vpdec_stream *stream, const struct vpipe_dec_done *done)
{
	const struct vpdec_stateful_ops *stateful = stream->ctx->node->variant->stateful;
	u64 cookie = done->header.cookie;
	struct vpdec_frame *frame;
	bool good, picture;
	int ret;

	if (done->status > VPIPE_DEC_FAILED || done->reserved)
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
		vpdec_frame_done(stream, frame, VB2_BUF_STATE_DONE);
	} else {
		stream->stats.errors++;
		if (picture)
			vpdec_frame_done(stream, frame, VB2_BUF_STATE_ERROR);
		else
			vpdec_frame_fail(stream, frame);
		if (stateful && stateful->failed(stream, done->status))
			vpdec_stream_give_up(stream);
	}

	return 0;
}

/* What the daemon may write; all of it begins with a header. */
union vpdec_answer {
	struct vpipe_dec_header header;
	struct vpipe_dec_done done;
	struct vpipe_dec_format format;
	struct vpipe_dec_picture picture;
	u8 bytes[VPDEC_MAX_WRITE];
};

/* Of each what there is to be of it at least, in bytes, and who has it. */
static int vpdec_answer_check(const union vpdec_answer *msg, size_t count, bool stateful)
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
static int vpdec_take_answer(struct vpdec_stream *stream, const union vpdec_answer *msg)
{
	const struct vpdec_stateful_ops *stateful = stream->ctx->node->variant->stateful;

	lockdep_assert_held(&stream->lock);
	if (stream->over)
		return -EPIPE;
	switch (msg->header.type) {
	case VPIPE_DEC_MSG_FORMAT:
		return stateful->format(stream, &msg->format);
	case VPIPE_DEC_MSG_PICTURE:
		return stateful->picture(stream, &msg->picture);
	case VPIPE_DEC_MSG_DRAINED:
		return stateful->drained(stream, &msg->header);
	}

	return vpdec_take_done(stream, &msg->done);
}

ssize_t vpdec_stream_write(struct file *file, const char __user *from, size_t count,
			   loff_t *ppos)
{
	struct vpdec_stream *stream = file->private_data;
	const struct vpdec_stateful_ops *stateful = stream->ctx->node->variant->stateful;
	union vpdec_answer msg = {};
	int ret;

	ret = vpdec_copy_message(&msg, from, count);
	if (ret)
		return ret;
	if (msg.header.stream != stream->id)
		return -EINVAL;
	ret = vpdec_answer_check(&msg, count, stateful);
	if (ret)
		return ret;

	spin_lock(&stream->lock);
	ret = vpdec_take_answer(stream, &msg);
	spin_unlock(&stream->lock);
	if (ret)
		return ret;
	if (msg.header.type == VPIPE_DEC_MSG_FORMAT || msg.header.type == VPIPE_DEC_MSG_DRAINED)
		stateful->settle(stream);
	vpdec_daemon_lives(stream->ctx->dev);

	return count;
}
