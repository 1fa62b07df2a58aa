// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A stream: buffers of one file of a node on their way to the daemon and back, from the
 * first time that both queues stream until nobody has it any more.
 */
#include <linux/slab.h>

#include <media/videobuf2-v4l2.h>

#include "dec.h"

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

static struct vpdec_stream *vpdec_stream_alloc(struct vpdec_ctx *ctx)
{
	const struct vpdec_stateful_ops *stateful = ctx->node->variant->stateful;
	struct vpdec_stream *stream;

	stream = kzalloc(sizeof(*stream), GFP_KERNEL);
	if (!stream)
		return NULL;

	stream->message = kvmalloc(VPIPE_DEC_MAX_MESSAGE, GFP_KERNEL);
	if (stateful)
		stream->sources = kvcalloc(VPDEC_SOURCES, sizeof(*stream->sources), GFP_KERNEL);
	if (!stream->message || (stateful && !stream->sources)) {
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
	if (stateful)
		INIT_WORK(&stream->settle, stateful->settle_work);

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

/*
 * Makes sure that there is a daemon for the file's stream, and memory for its pictures; @new is for
 * a file without a stream.
 */
static int vpdec_stream_announce(struct vpdec_ctx *ctx, struct vpdec_stream *new)
{
	u64 memory = vpdec_least_memory(ctx);
	struct vpdec_dev *dev = ctx->dev;
	struct vpdec_session *session = dev->session;
	int ret;

	lockdep_assert_held(&dev->lock);
	if (!session || !session->codecs)
		return -ENOTCONN;
	if (ctx->out_fmt->codec & ~session->codecs)
		return -EOPNOTSUPP;
	if (!new)
		return vpdec_take_least_memory(session, ctx, ctx->stream, memory);
	ret = vpdec_session_takes(session, ctx);
	if (!ret)
		ret = vpdec_take_least_memory(session, ctx, new, memory);
	if (ret)
		return ret;

	list_add_tail(&new->served, &session->streams);
	new->codec = ctx->out_fmt->codec;
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
		.codec = ctx->out_fmt->codec,
		.width = ctx->width,
		.height = ctx->height,
	};

	if (ctx->node->variant->stateful) {
		start.flags = VPIPE_DEC_STATEFUL;
		if (ctx->out_fmt->file)
			start.flags |= VPIPE_DEC_FILE;
	} else {
		start.pixelformat = ctx->cap_fmt->fourcc;
		start.num_planes = vpdec_planes(ctx, true, start.planes);
	}

	spin_lock(&stream->lock);
	stream->start = start;
	stream->starts++;
	stream->first = stream->cookie + 1;
	stream->flowing = true;
	stream->format_told = false;
	stream->setting_up = false;
	stream->format_due = false;
	stream->drained_due = false;
	spin_unlock(&stream->lock);
	wake_up_interruptible(&stream->wait);
}

/* Of a stateful node: until both queues were stopped every call says so. */
bool vpdec_stream_failed(const struct vpdec_ctx *ctx)
{
	return ctx->node->variant->stateful && ctx->stream && READ_ONCE(ctx->stream->over) &&
	       (ctx->streaming[VPIPE_DEC_QUEUE_OUTPUT] ||
		ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE]);
}

/*
 * A queue is about to stream: makes sure that there is a stream.
 *
 * EIO: the other queue is yet to be stopped. ENOTCONN: there is no daemon. EOPNOTSUPP: it
 * lacks the codec. EBUSY, EDQUOT: it has streams enough, or no memory for more pictures, of all or
 * of this user. ENOMEM.
 */
int vpdec_stream_begin(struct vpdec_ctx *ctx)
{
	struct vpdec_stream *old = ctx->stream, *new = NULL;
	int ret;

	lockdep_assert_held(&ctx->lock);
	if (vpdec_stream_failed(ctx))
		return -EIO;

	/*
	 * One that is over had its daemon die, or give up on it. It stays until there is
	 * another: a queue of a stateless node may still stream.
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
