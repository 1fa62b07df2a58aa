// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * /sys/kernel/debug/vpipe-dec/inject: decodes what is written to it, an IVF file,
 * without any V4L2 client: its frames go through the queues of a file of the node
 * that nobody has open, one at a time, 8-bit into NV12. Reading gives the outcome,
 * a line for each frame so far, with the CRC-32 of the picture as it is in memory.
 *
 * A signal ends a write after what it has taken, and the frame goes on being decoded.
 *
 * write(2): EINVAL for what is no IVF, EOPNOTSUPP for its codec, EMSGSIZE for a
 * frame larger than a buffer can be, and whatever VIDIOC_STREAMON says.
 */
#include <linux/crc32.h>
#include <linux/debugfs.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <media/videobuf2-v4l2.h>

#include "dec.h"

/* Source: the IVF header of libvpx, 32 bytes, and its frame header, 12 bytes. */
#define IVF_HEADER	32
#define IVF_VERSION	4
#define IVF_LENGTH	6
#define IVF_FOURCC	8
#define IVF_WIDTH	12
#define IVF_HEIGHT	14
#define IVF_FRAME	12
#define IVF_SIGNATURE	v4l2_fourcc('D', 'K', 'I', 'F')

#define INJECT_OUTCOME	SZ_64K

/**
 * struct vpdec_inject - an open file of inject
 * @dev:	the device
 * @lock:	one write or read at a time
 * @ctx:	from the header on
 * @header:	of the file or of a frame, as far as it has come
 * @filled:	bytes of @header
 * @left:	bytes of the frame that are yet to come, behind its header
 * @bytes:	of the frame that have come
 * @decoding:	the daemon has the frame
 * @frames:	that are done
 * @outcome:	text
 * @length:	of it in bytes
 */
struct vpdec_inject {
	struct vpdec_dev *dev;
	struct mutex lock; /* of all below */
	struct vpdec_ctx *ctx;
	u8 header[IVF_HEADER];
	u32 filled;
	u32 left;
	u32 bytes;
	bool decoding;
	u32 frames;
	char *outcome;
	size_t length;
};

static struct vb2_buffer *inject_buffer(struct vpdec_inject *inject, bool capture)
{
	struct v4l2_m2m_ctx *m2m_ctx = inject->ctx->fh.m2m_ctx;

	return vb2_get_buffer(capture ? v4l2_m2m_get_dst_vq(m2m_ctx) :
					v4l2_m2m_get_src_vq(m2m_ctx), 0);
}

static int inject_start_queue(struct vb2_queue *vq)
{
	unsigned int count = 1;
	int ret;

	ret = vb2_core_reqbufs(vq, VB2_MEMORY_MMAP, 0, &count);
	if (ret)
		return ret;

	return vb2_core_streamon(vq, vq->type);
}

static int inject_start(struct vpdec_inject *inject)
{
	const u8 *header = inject->header;
	struct v4l2_pix_format_mplane pix = {
		.width = get_unaligned_le16(header + IVF_WIDTH),
		.height = get_unaligned_le16(header + IVF_HEIGHT),
	};
	struct vpdec_ctx *ctx;
	unsigned int i;
	int ret;

	if (get_unaligned_le32(header) != IVF_SIGNATURE ||
	    get_unaligned_le16(header + IVF_VERSION) ||
	    get_unaligned_le16(header + IVF_LENGTH) != IVF_HEADER)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(vpdec_stateless_fmts); i++)
		if (vpdec_stateless_fmts[i].ivf == get_unaligned_le32(header + IVF_FOURCC))
			pix.pixelformat = vpdec_stateless_fmts[i].fourcc;
	if (!pix.pixelformat)
		return -EOPNOTSUPP;

	ctx = vpdec_ctx_open(&inject->dev->nodes[0]);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);

	mutex_lock(&ctx->lock);
	ret = vpdec_formats_set_out(ctx, &pix);
	if (!ret)
		ret = inject_start_queue(v4l2_m2m_get_src_vq(ctx->fh.m2m_ctx));
	if (!ret)
		ret = inject_start_queue(v4l2_m2m_get_dst_vq(ctx->fh.m2m_ctx));
	mutex_unlock(&ctx->lock);
	if (ret)
		vpdec_ctx_close(ctx);
	else
		inject->ctx = ctx;

	return ret;
}

static void inject_note(struct vpdec_inject *inject, const struct vb2_buffer *picture, bool failed)
{
	char *to = inject->outcome + inject->length;
	size_t room = INJECT_OUTCOME - inject->length;
	u32 size = picture->planes[0].bytesused;

	if (failed)
		inject->length += scnprintf(to, room, "frame %u error\n", inject->frames);
	else
		inject->length += scnprintf(to, room, "frame %u bytes %u crc32 %08x\n",
					    inject->frames, size,
					    ~crc32_le(~0, vb2_plane_vaddr((void *)picture, 0),
						      size));
	inject->frames++;
}

static int inject_begin(struct vpdec_inject *inject)
{
	struct vpdec_ctx *ctx = inject->ctx;
	struct vb2_buffer *output = inject_buffer(inject, false);
	struct vb2_buffer *picture = inject_buffer(inject, true);
	int ret;

	/* Where videobuf2 takes it from: VIDIOC_QBUF would have put it there. */
	to_vb2_v4l2_buffer(output)->planes[0].bytesused = inject->bytes;
	output->timestamp = (u64)inject->frames * NSEC_PER_USEC;

	mutex_lock(&ctx->lock);
	ret = vpipe_core_qbuf(picture);
	if (!ret)
		ret = vpipe_core_qbuf(output);
	mutex_unlock(&ctx->lock);
	inject->decoding = !ret;

	return ret;
}

/* Waits for the picture of a frame that is being decoded. */
static int inject_end(struct vpdec_inject *inject)
{
	struct vpdec_ctx *ctx = inject->ctx;
	struct vb2_buffer *output, *picture;
	unsigned int index;
	bool failed;
	int ret;

	if (!inject->decoding)
		return 0;

	output = inject_buffer(inject, false);
	picture = inject_buffer(inject, true);
	mutex_lock(&ctx->lock);
	/* The picture comes first: only this waits, and may be interrupted. */
	ret = vb2_core_dqbuf(output->vb2_queue, &index, NULL, false);
	if (!ret) {
		failed = picture->state == VB2_BUF_STATE_ERROR;
		ret = vb2_core_dqbuf(picture->vb2_queue, &index, NULL, false);
	}
	mutex_unlock(&ctx->lock);
	if (ret)
		return ret;
	inject->decoding = false;
	inject_note(inject, picture, failed);

	return 0;
}

static int inject_header(struct vpdec_inject *inject)
{
	if (!inject->ctx)
		return inject_start(inject);

	inject->bytes = 0;
	inject->left = get_unaligned_le32(inject->header);
	if (!inject->left)
		return -EINVAL;

	return inject->left > vb2_plane_size(inject_buffer(inject, false), 0) ? -EMSGSIZE : 0;
}

/* Takes what is next in the file; the number of bytes taken, or an errno. */
static ssize_t inject_take(struct vpdec_inject *inject, const char __user *from, size_t count)
{
	u32 wanted = inject->ctx ? IVF_FRAME : IVF_HEADER;
	u8 *data;
	int ret;

	if (inject->left) {
		data = vb2_plane_vaddr(inject_buffer(inject, false), 0);
		count = min_t(size_t, count, inject->left);
		if (copy_from_user(data + inject->bytes, from, count))
			return -EFAULT;
		inject->bytes += count;
		inject->left -= count;
		ret = inject->left ? 0 : inject_begin(inject);
	} else {
		count = min_t(size_t, count, wanted - inject->filled);
		if (copy_from_user(inject->header + inject->filled, from, count))
			return -EFAULT;
		inject->filled += count;
		if (inject->filled < wanted)
			return count;
		inject->filled = 0;
		ret = inject_header(inject);
	}

	return ret ?: count;
}

/* What would follow belongs to a file that is broken: a new one may begin. */
static void inject_give_up(struct vpdec_inject *inject)
{
	if (inject->ctx)
		vpdec_ctx_close(inject->ctx);
	inject->ctx = NULL;
	inject->filled = 0;
	inject->left = 0;
	inject->decoding = false;
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
	ret = inject_end(inject);
	while (!ret && done < count) {
		ret = inject_take(inject, from + done, count - done);
		if (ret < 0)
			break;
		done += ret;
		ret = inject_end(inject);
	}
	if (ret == -ERESTARTSYS && done)
		ret = 0;
	else if (ret && ret != -ERESTARTSYS)
		inject_give_up(inject);
	mutex_unlock(&inject->lock);

	return ret ?: done;
}

static ssize_t inject_read(struct file *file, char __user *to, size_t count, loff_t *ppos)
{
	struct vpdec_inject *inject = file->private_data;
	ssize_t ret;

	ret = mutex_lock_interruptible(&inject->lock);
	if (ret)
		return ret;
	ret = inject_end(inject);
	if (ret != -ERESTARTSYS)
		ret = simple_read_from_buffer(to, count, ppos, inject->outcome, inject->length);
	mutex_unlock(&inject->lock);

	return ret;
}

static int inject_open(struct inode *inode, struct file *file)
{
	struct vpdec_inject *inject;

	inject = kzalloc(sizeof(*inject), GFP_KERNEL);
	if (!inject)
		return -ENOMEM;

	inject->outcome = kvmalloc(INJECT_OUTCOME, GFP_KERNEL);
	if (!inject->outcome) {
		kfree(inject);
		return -ENOMEM;
	}
	inject->dev = inode->i_private;
	mutex_init(&inject->lock);
	v4l2_device_get(&inject->dev->media.v4l2_dev);
	file->private_data = inject;

	return 0;
}

static int inject_release(struct inode *inode, struct file *file)
{
	struct vpdec_inject *inject = file->private_data;

	if (inject->ctx)
		vpdec_ctx_close(inject->ctx);
	v4l2_device_put(&inject->dev->media.v4l2_dev);
	mutex_destroy(&inject->lock);
	kvfree(inject->outcome);
	kfree(inject);

	return 0;
}

const struct file_operations vpdec_inject_fops = {
	.owner = THIS_MODULE,
	.open = inject_open,
	.read = inject_read,
	.write = inject_write,
	.release = inject_release,
};
