// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * read(2): a frame from the reader's list straight to the caller's memory.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/uaccess.h>

#include "loop.h"
#include "trace.h"

/* Makes room for a frame that does not fit the caller's memory, or cannot be put there now. */
static int vloop_rest_reserve(struct vloop_reader *reader, size_t bytes)
{
	if (reader->rest_room >= bytes)
		return 0;

	kvfree(reader->rest);
	reader->rest = kvmalloc(bytes, GFP_KERNEL | __GFP_NOWARN);
	reader->rest_room = reader->rest ? bytes : 0;

	return reader->rest ? 0 : -ENOMEM;
}

/* After an error the next call begins with another frame. */
static ssize_t vloop_read_rest(struct vloop_file *file, char __user *to, size_t count)
{
	struct vloop_reader *reader = &file->reader;
	size_t bytes = min(count, reader->rest_size - reader->rest_at);

	if (copy_to_user(to, reader->rest + reader->rest_at, bytes)) {
		reader->rest_at = reader->rest_size;
		return -EFAULT;
	}
	reader->rest_at += bytes;
	spin_lock(&file->dev->frames_lock);
	vloop_count_copy(file->dev, bytes);
	spin_unlock(&file->dev->frames_lock);

	return bytes;
}

/*
 * Straight to the caller's memory, as long as all of it is there: whoever holds a frame
 * must not wait for the caller's page faults. Its pages were made ready before.
 */
static bool vloop_read_at_once(struct vloop_frame *frame, char __user *to, size_t bytes)
{
	const void *from;
	bool done;

	from = vloop_frame_begin(frame);
	if (!from)
		return false;
	pagefault_disable();
	done = !__copy_to_user_inatomic(to, from, bytes);
	pagefault_enable();
	vloop_frame_end(frame);

	return done;
}

static ssize_t vloop_read_frame(struct vloop_file *file, const struct vloop_entry *entry,
				u32 sequence, char __user *to, size_t count)
{
	struct vloop_reader *reader = &file->reader;
	struct vloop_frame *frame = entry->frame;
	struct vloop_dev *dev = file->dev;
	size_t bytes = frame->bytes;
	ssize_t ret = bytes;

	if (count < bytes || !vloop_read_at_once(frame, to, bytes)) {
		ret = vloop_rest_reserve(reader, bytes) ?:
		      vloop_copy_out(frame, reader->rest, bytes);
		if (!ret) {
			reader->rest_size = bytes;
			reader->rest_at = 0;
		}
	}
	trace_vloop_delivered(file, entry->number, -1, sequence, entry->timestamp,
			      ret < 0 ? 0 : bytes);
	spin_lock(&dev->frames_lock);
	vloop_frame_copied(dev, frame, ret < 0 ? 0 : bytes);
	spin_unlock(&dev->frames_lock);

	return ret ?: vloop_read_rest(file, to, count);
}

/* read(2) is used from now on, and nothing else. */
int vloop_start_reading(struct vloop_file *file)
{
	int ret;

	lockdep_assert_held(&file->lock);
	if (file->reader.reading)
		return 0;
	if (vb2_is_busy(&file->cap) || vb2_is_busy(&file->out))
		return -EBUSY;

	ret = vloop_claim_reader(file);
	if (ret)
		return ret;
	file->reader.reading = true;
	file->reader.stale = false;
	vloop_reader_start(file);

	return 0;
}

/* The next read begins anew, with frames of the new format. */
static void vloop_read_again(struct vloop_file *file)
{
	struct vloop_reader *reader = &file->reader;

	vloop_reader_stop(file);
	reader->rest_size = 0;
	reader->rest_at = 0;
	reader->stale = false;
	vloop_reader_start(file);
}

static ssize_t vloop_read_locked(struct vloop_file *file, char __user *to, size_t count,
				 bool nonblocking)
{
	struct vloop_reader *reader = &file->reader;
	struct vloop_dev *dev = file->dev;
	struct vloop_entry entry = {};
	u32 sequence = 0;
	ssize_t ret;

	ret = vloop_start_reading(file);
	if (ret)
		return ret;

	while (!entry.frame) {
		if (reader->stale) {
			vloop_read_again(file);
			return -EIO;
		}
		if (reader->rest_at < reader->rest_size)
			return vloop_read_rest(file, to, count);

		ret = vloop_wait_ready(file, nonblocking);
		if (ret)
			return ret;

		/* What cannot be written to is found out when it is. */
		fault_in_writeable(to, min_t(size_t, count, READ_ONCE(dev->sizeimage)));
		spin_lock(&dev->frames_lock);
		if (reader->count) {
			entry = vloop_reader_pop(reader);
			sequence = vloop_reader_sequence(dev, reader, &entry);
			entry.frame->copying++;
		}
		spin_unlock(&dev->frames_lock);
	}

	return vloop_read_frame(file, &entry, sequence, to, count);
}

/* A frame, or as much of it as fits and the rest by the next call. */
ssize_t vloop_read(struct file *filp, char __user *to, size_t count, loff_t *offset)
{
	struct vloop_file *file = vloop_to_file(filp);
	ssize_t ret;

	if (!vloop_has_side(file, true))
		return -EINVAL;
	if (!count)
		return 0;

	if (mutex_lock_interruptible(&file->lock))
		return -ERESTARTSYS;
	ret = vloop_read_locked(file, to, count, filp->f_flags & O_NONBLOCK);
	mutex_unlock(&file->lock);

	return ret;
}
