// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The file of a stream, which the daemon reads from and writes to.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>

#include "dec.h"

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
