// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * /sys/kernel/debug/vpipe-dec/inject: decodes what is written to it without any V4L2
 * client. The daemon tells what it is, a stream with or without a container, and takes
 * it apart. Beside it there is a file for each codec, such as inject-vp9, which takes a
 * bare frame too. Reading ends what was written, and gives a line for each picture, in
 * display order, then `error` where not all of it could be decoded.
 *
 * Both go through the queues of a file of the stateful node that nobody has open, one
 * buffer of each. A signal ends a write after what it has taken, and the read that waits
 * for a picture.
 *
 * write(2): whatever VIDIOC_STREAMON says. Both: EIO where the daemon is gone.
 */
#include <linux/crc32.h>
#include <linux/debugfs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <media/videobuf2-v4l2.h>

#include "dec.h"

/* Of 32 bits, by Fowler, Noll and Vo. */
#define FNV_OFFSET	0x811c9dc5
#define FNV_PRIME	0x01000193

#define INJECT_LINE	96

static const struct vpdec_inject_kind {
	const char *name;
	struct vpdec_out_fmt out_fmt;
} vpdec_inject_kinds[] = {
#define INJECT(_name, _codec) \
	{ .name = _name, .out_fmt = { .codec = _codec, .max_depth = 10, .file = true } }
	INJECT("inject", 0),
	INJECT("inject-vp9", VPIPE_DEC_CODEC_VP9),
	INJECT("inject-av1", VPIPE_DEC_CODEC_AV1),
	INJECT("inject-h264", VPIPE_DEC_CODEC_H264),
	INJECT("inject-hevc", VPIPE_DEC_CODEC_HEVC),
	INJECT("inject-vp8", VPIPE_DEC_CODEC_VP8),
	INJECT("inject-mpeg1", VPIPE_DEC_CODEC_MPEG1),
	INJECT("inject-mpeg2", VPIPE_DEC_CODEC_MPEG2),
	INJECT("inject-mpeg4", VPIPE_DEC_CODEC_MPEG4),
	INJECT("inject-h263", VPIPE_DEC_CODEC_H263),
#undef INJECT
};

/**
 * struct vpdec_inject - an open file of inject
 * @dev:	the device
 * @out_fmt:	what is written
 * @lock:	one write or read at a time
 * @ctx:	from the first byte to the last picture
 * @filled:	bytes in the OUTPUT buffer
 * @given:	the daemon has it
 * @ended:	it was told that there is no more, and pictures come
 * @lent:	it has the CAPTURE buffer
 * @cap_fmt:	of the pictures, as CAPTURE was last set up
 * @width:	of them in pixels
 * @height:	of them in lines
 * @bytesperline: of them
 * @pictures:	so far
 * @line:	about the latest of them
 * @length:	of it in bytes
 * @at:		where the next read begins
 */
struct vpdec_inject {
	struct vpdec_dev *dev;
	const struct vpdec_out_fmt *out_fmt;
	struct mutex lock; /* of all below */
	struct vpdec_ctx *ctx;
	u32 filled;
	bool given;
	bool ended;
	bool lent;
	const struct vpdec_cap_fmt *cap_fmt;
	u32 width;
	u32 height;
	u32 bytesperline;
	u32 pictures;
	char line[INJECT_LINE];
	size_t length;
	size_t at;
};

static struct vb2_queue *inject_queue(struct vpdec_inject *inject, bool capture)
{
	struct v4l2_m2m_ctx *m2m_ctx = inject->ctx->fh.m2m_ctx;

	return capture ? v4l2_m2m_get_dst_vq(m2m_ctx) : v4l2_m2m_get_src_vq(m2m_ctx);
}

static struct vb2_buffer *inject_buffer(struct vpdec_inject *inject, bool capture)
{
	return vb2_get_buffer(inject_queue(inject, capture), 0);
}

/* A queue with one buffer, for what the stream is like now. */
static int inject_start_queue(struct vpdec_inject *inject, bool capture)
{
	struct vpipe_dec_plane planes[VPIPE_DEC_MAX_PLANES];
	struct vb2_queue *vq = inject_queue(inject, capture);
	struct vpdec_ctx *ctx = inject->ctx;
	unsigned int count = 1;
	int ret;

	mutex_lock(&ctx->lock);
	vb2_core_streamoff(vq, vq->type);
	ret = vb2_core_reqbufs(vq, VB2_MEMORY_MMAP, 0, &count);
	if (!ret)
		ret = vb2_core_streamon(vq, vq->type);
	vpdec_planes(ctx, true, planes);
	inject->cap_fmt = ctx->cap_fmt;
	inject->width = ctx->width;
	inject->height = ctx->height;
	inject->bytesperline = planes[0].bytesperline;
	mutex_unlock(&ctx->lock);

	return ret;
}

static int inject_queue_buffer(struct vpdec_inject *inject, bool capture)
{
	int ret;

	mutex_lock(&inject->ctx->lock);
	ret = vpipe_core_qbuf(inject_buffer(inject, capture));
	mutex_unlock(&inject->ctx->lock);

	return ret;
}

/* V4L2_BUF_FLAG_*, or an errno. May be interrupted, and called again. */
static int inject_wait_buffer(struct vpdec_inject *inject, bool capture)
{
	struct v4l2_plane planes[VPIPE_DEC_MAX_PLANES];
	struct v4l2_buffer buf = { .m.planes = planes };
	struct vpdec_ctx *ctx = inject->ctx;
	int ret;

	mutex_lock(&ctx->lock);
	ret = vb2_core_dqbuf(inject_queue(inject, capture), NULL, &buf, false);
	if (!ret && READ_ONCE(ctx->stream->over))
		ret = -EIO;
	mutex_unlock(&ctx->lock);

	return ret ?: buf.flags & (V4L2_BUF_FLAG_ERROR | V4L2_BUF_FLAG_LAST);
}

/*
 * What is written
 */

static int inject_start(struct vpdec_inject *inject)
{
	struct vpdec_ctx *ctx = vpdec_ctx_open(&inject->dev->nodes[VPDEC_STATEFUL_NODE]);

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	ctx->out_fmt = inject->out_fmt;
	inject->ctx = ctx;

	return inject_start_queue(inject, false);
}

static int inject_give(struct vpdec_inject *inject)
{
	struct vb2_buffer *output = inject_buffer(inject, false);
	int ret;

	/* Where videobuf2 takes it from: VIDIOC_QBUF would have put it there. */
	to_vb2_v4l2_buffer(output)->planes[0].bytesused = inject->filled;
	ret = inject_queue_buffer(inject, false);
	inject->given = !ret;

	return ret;
}

/* The OUTPUT buffer is empty then: its flags, or an errno. */
static int inject_wait_given(struct vpdec_inject *inject)
{
	int ret;

	if (!inject->given)
		return 0;
	ret = inject_wait_buffer(inject, false);
	if (ret < 0)
		return ret;
	inject->given = false;
	inject->filled = 0;

	return ret;
}

/* Takes what is next; the number of bytes taken, or an errno. */
static ssize_t inject_take(struct vpdec_inject *inject, const char __user *from, size_t count)
{
	struct vb2_buffer *output;
	u32 size;
	int ret;

	ret = inject_wait_given(inject);
	if (ret < 0)
		return ret;
	output = inject_buffer(inject, false);
	size = vb2_plane_size(output, 0);
	count = min_t(size_t, count, size - inject->filled);
	if (copy_from_user(vb2_plane_vaddr(output, 0) + inject->filled, from, count))
		return -EFAULT;
	inject->filled += count;
	ret = inject->filled == size ? inject_give(inject) : 0;

	return ret ?: count;
}

/* Nothing more comes, or what would belongs to a stream that failed. */
static void inject_stop(struct vpdec_inject *inject)
{
	if (inject->ctx)
		vpdec_ctx_close(inject->ctx);
	inject->ctx = NULL;
	inject->filled = 0;
	inject->given = false;
	inject->ended = false;
	inject->lent = false;
	inject->pictures = 0;
}

static ssize_t inject_write(struct file *file, const char __user *from, size_t count,
			    loff_t *ppos)
{
	struct vpdec_inject *inject = file->private_data;
	size_t done = 0;
	ssize_t ret;

	ret = mutex_lock_interruptible(&inject->lock);
	if (ret)
		return ret;
	if (inject->ended)
		inject_stop(inject);
	if (!inject->ctx) {
		inject->length = 0;
		inject->at = 0;
		ret = inject_start(inject);
	}
	while (!ret && done < count) {
		ret = inject_take(inject, from + done, count - done);
		if (ret < 0)
			break;
		done += ret;
		ret = 0;
	}
	if (ret == -ERESTARTSYS && done)
		ret = 0;
	else if (ret && ret != -ERESTARTSYS)
		inject_stop(inject);
	mutex_unlock(&inject->lock);

	return ret ?: done;
}

/*
 * What is read
 */

/* The daemon gets the rest, an empty buffer behind it, and a drain that CAPTURE ends with. */
static int inject_end(struct vpdec_inject *inject)
{
	int ret;

	while (inject->given || inject->filled) {
		if (!inject->given) {
			ret = inject_give(inject);
			if (ret)
				return ret;
		}
		ret = inject_wait_given(inject);
		if (ret < 0)
			return ret;
	}
	ret = inject_give(inject);
	if (ret)
		return ret;
	inject->ended = true;
	mutex_lock(&inject->ctx->lock);
	ret = vpdec_drain(inject->ctx);
	mutex_unlock(&inject->ctx->lock);

	return ret ?: inject_start_queue(inject, true);
}

struct inject_digest {
	u32 crc32;
	u32 fnv1a;
};

static void inject_add(struct inject_digest *digest, const u8 *from, size_t count)
{
	digest->crc32 = crc32_le(digest->crc32, from, count);
	while (count--)
		digest->fnv1a = (digest->fnv1a ^ *from++) * FNV_PRIME;
}

/* Of the samples, luma first, without what lines are padded with. */
static struct inject_digest inject_digest(struct vpdec_inject *inject)
{
	struct inject_digest digest = { .crc32 = ~0, .fnv1a = FNV_OFFSET };
	const u8 *line = vb2_plane_vaddr(inject_buffer(inject, true), 0);
	u32 bytes = inject->cap_fmt->bytes;
	u32 y;

	for (y = 0; y < inject->height; y++, line += inject->bytesperline)
		inject_add(&digest, line, inject->width * bytes);
	for (y = 0; y < DIV_ROUND_UP(inject->height, 2); y++, line += inject->bytesperline)
		inject_add(&digest, line, round_up(inject->width, 2) * bytes);
	digest.crc32 = ~digest.crc32;

	return digest;
}

static void inject_tell_picture(struct vpdec_inject *inject, bool damaged)
{
	struct inject_digest digest = {};

	if (vb2_get_plane_payload(inject_buffer(inject, true), 0))
		digest = inject_digest(inject);
	inject->length = scnprintf(inject->line, sizeof(inject->line),
				   "picture %u %ux%u %.4s crc32 %08x fnv1a %08x%s\n",
				   inject->pictures++, inject->width, inject->height,
				   (const char *)&inject->cap_fmt->fourcc, digest.crc32,
				   digest.fnv1a, damaged ? " damaged" : "");
}

/* All that was to come is there. */
static int inject_tell_end(struct vpdec_inject *inject)
{
	int ret = inject_wait_given(inject);

	if (ret < 0)
		return ret;
	inject_stop(inject);
	inject->length = scnprintf(inject->line, sizeof(inject->line), "%s", ret ? "error\n" : "");

	return 0;
}

static bool inject_changes(struct vpdec_inject *inject)
{
	bool changes;

	mutex_lock(&inject->ctx->lock);
	changes = inject->ctx->halt == VPDEC_CHANGING;
	mutex_unlock(&inject->ctx->lock);

	return changes;
}

/* Makes the line about what comes next; none behind the end. */
static int inject_next(struct vpdec_inject *inject)
{
	int ret;

	if (!inject->ended) {
		ret = inject_end(inject);
		if (ret)
			return ret;
	}
	for (;;) {
		if (!inject->lent) {
			ret = inject_queue_buffer(inject, true);
			if (ret)
				return ret;
			inject->lent = true;
		}
		ret = inject_wait_buffer(inject, true);
		if (ret < 0)
			return ret;
		inject->lent = false;
		if (!(ret & V4L2_BUF_FLAG_LAST)) {
			inject_tell_picture(inject, ret & V4L2_BUF_FLAG_ERROR);
			return 0;
		}
		if (!inject_changes(inject))
			return inject_tell_end(inject);
		ret = inject_start_queue(inject, true);
		if (ret)
			return ret;
	}
}

static ssize_t inject_read(struct file *file, char __user *to, size_t count, loff_t *ppos)
{
	struct vpdec_inject *inject = file->private_data;
	ssize_t ret;

	ret = mutex_lock_interruptible(&inject->lock);
	if (ret)
		return ret;
	if (inject->at == inject->length) {
		inject->at = 0;
		inject->length = 0;
		if (inject->ctx)
			ret = inject_next(inject);
	}
	count = min(count, inject->length - inject->at);
	if (!ret && copy_to_user(to, inject->line + inject->at, count))
		ret = -EFAULT;
	else if (!ret)
		inject->at += count;
	else if (ret != -ERESTARTSYS)
		inject_stop(inject);
	mutex_unlock(&inject->lock);

	return ret ?: count;
}

static const struct vpdec_out_fmt *inject_out_fmt(const struct file *file)
{
	unsigned int i;

	for (i = 1; i < ARRAY_SIZE(vpdec_inject_kinds); i++)
		if (!strcmp(file_dentry(file)->d_name.name, vpdec_inject_kinds[i].name))
			return &vpdec_inject_kinds[i].out_fmt;

	return &vpdec_inject_kinds[0].out_fmt;
}

static int inject_open(struct inode *inode, struct file *file)
{
	struct vpdec_inject *inject;

	inject = kzalloc(sizeof(*inject), GFP_KERNEL);
	if (!inject)
		return -ENOMEM;

	inject->dev = inode->i_private;
	inject->out_fmt = inject_out_fmt(file);
	mutex_init(&inject->lock);
	v4l2_device_get(&inject->dev->media.v4l2_dev);
	file->private_data = inject;

	return 0;
}

static int inject_release(struct inode *inode, struct file *file)
{
	struct vpdec_inject *inject = file->private_data;

	inject_stop(inject);
	v4l2_device_put(&inject->dev->media.v4l2_dev);
	mutex_destroy(&inject->lock);
	kfree(inject);

	return 0;
}

static const struct file_operations vpdec_inject_fops = {
	.owner = THIS_MODULE,
	.open = inject_open,
	.read = inject_read,
	.write = inject_write,
	.release = inject_release,
};

void vpdec_inject_init(struct vpdec_dev *dev)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vpdec_inject_kinds); i++)
		debugfs_create_file(vpdec_inject_kinds[i].name, 0600, dev->debugfs, dev,
				    &vpdec_inject_fops);
}
