// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The daemon's memory for pictures, as its HELLO has it: what streams have of it, and that no user
 * has more than half.
 */
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/uaccess.h>

#include "dec.h"

/* Bytes that the references of a file's pictures take, and the one in work. */
u64 vpdec_least_memory(const struct vpdec_ctx *ctx)
{
	struct vpipe_dec_plane planes[VPIPE_DEC_MAX_PLANES];
	unsigned int count = vpdec_planes(ctx, true, planes), i;
	u64 bytes = 0;

	for (i = 0; i < count; i++)
		bytes += planes[i].sizeimage;

	return bytes * (READ_ONCE(ctx->references) + 1);
}

static u64 vpdec_has_memory(const struct vpdec_stream *stream)
{
	return max(stream->least_memory, stream->told_memory);
}

/* What others leave to a stream of a file. */
struct vpdec_left {
	u64 all;
	u64 own;
};

static struct vpdec_left vpdec_memory_left(const struct vpdec_session *session,
					   const struct vpdec_ctx *ctx,
					   const struct vpdec_stream *stream)
{
	struct vpdec_left left = { .all = session->memory, .own = session->memory / 2 };
	const struct vpdec_stream *other;

	lockdep_assert_held(&ctx->dev->lock);
	if (!session->memory)
		return (struct vpdec_left){ .all = U64_MAX, .own = U64_MAX };
	list_for_each_entry(other, &session->streams, served) {
		u64 has = other == stream ? 0 : vpdec_has_memory(other);

		left.all -= min(left.all, has);
		if (uid_eq(other->ctx->owner, ctx->owner))
			left.own -= min(left.own, has);
	}
	if (ctx->unlimited)
		left.own = left.all;

	return left;
}

/* EBUSY: others have too much of it. EDQUOT: this user has. What a stream has it may keep. */
static int vpdec_may_have(const struct vpdec_left *left, const struct vpdec_stream *stream,
			  u64 bytes)
{
	if (bytes <= vpdec_has_memory(stream))
		return 0;
	if (bytes > left->all)
		return -EBUSY;

	return bytes > left->own ? -EDQUOT : 0;
}

int vpdec_take_least_memory(const struct vpdec_session *session, const struct vpdec_ctx *ctx,
			    struct vpdec_stream *stream, u64 bytes)
{
	struct vpdec_left left = vpdec_memory_left(session, ctx, stream);
	int ret = vpdec_may_have(&left, stream, bytes);

	if (!ret)
		stream->least_memory = bytes;

	return ret;
}

/* The same, and EPIPE: the daemon does not serve the stream any more. */
static int vpdec_tell_memory(struct vpdec_stream *stream, struct vpipe_dec_memory *arg)
{
	const struct vpdec_session *session = stream->ctx->dev->session;
	struct vpdec_left left;
	int ret;

	lockdep_assert_held(&stream->ctx->dev->lock);
	if (!session || list_empty(&stream->served))
		return -EPIPE;
	left = vpdec_memory_left(session, stream->ctx, stream);
	arg->available = min(left.all, left.own);
	ret = vpdec_may_have(&left, stream, arg->wanted);
	if (!ret)
		stream->told_memory = arg->wanted;

	return ret;
}

long vpdec_stream_memory(struct vpdec_stream *stream, struct vpipe_dec_memory __user *to)
{
	struct vpdec_dev *dev = stream->ctx->dev;
	struct vpipe_dec_memory memory;
	int ret;

	if (copy_from_user(&memory, to, sizeof(memory)))
		return -EFAULT;
	spin_lock(&dev->lock);
	ret = vpdec_tell_memory(stream, &memory);
	spin_unlock(&dev->lock);

	return copy_to_user(to, &memory, sizeof(memory)) ? -EFAULT : ret;
}
