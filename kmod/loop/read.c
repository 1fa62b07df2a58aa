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
 * Straight to the caller's memory, as long as all of it is there: whoever holds a frame must not
 * wait for the caller's page faults. Its pages were made ready before. Else to @rest.
 */
static ssize_t vloop_read_copy(struct vloop_reader *reader, struct vloop_copier *copier,
			       char __user *to, size_t count)
{
	size_t bytes = copier->told.bytes;
	int ret;

	if (count >= bytes && !vloop_copier_to_user(copier, to, bytes))
		return bytes;

	ret = vloop_rest_reserve(reader, bytes) ?: vloop_copier_copy(copier, reader->rest, bytes);
	if (!ret) {
		reader->rest_size = bytes;
		reader->rest_at = 0;
	}

	return ret;
}

/* 0: the frame, or what is left of it, is in @rest. ESTALE where the copy was told to stop. */
static ssize_t vloop_read_frame(struct vloop_file *file, const struct vloop_entry *entry,
				u32 sequence, struct vloop_copier *copier, char __user *to,
				size_t count)
{
	u32 bytes = copier->told.bytes;
	ssize_t ret;

	vloop_copier_begin(copier);
	ret = vloop_read_copy(&file->reader, copier, to, count);
	if (!vloop_copier_end(copier, ret < 0 ? 0 : bytes) && ret < 0) {
		spin_lock(&file->dev->frames_lock);
		vloop_reader_lost(file, entry, &copier->told, sequence);
		spin_unlock(&file->dev->frames_lock);
		return -ESTALE;
	}
	trace_vloop_delivered(file, entry->number, -1, sequence, entry->timestamp,
			      ret < 0 ? 0 : bytes);

	return ret;
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
	WRITE_ONCE(file->reader.stale, false);
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

/* Does not wait for a frame. */
static ssize_t vloop_read_locked(struct vloop_file *file, char __user *to, size_t count)
{
	struct vloop_reader *reader = &file->reader;
	struct vloop_dev *dev = file->dev;
	struct vloop_copier copier;
	struct vloop_entry entry;
	u32 sequence = 0;
	ssize_t ret;

	ret = vloop_start_reading(file);
	if (ret)
		return ret;

	for (;;) {
		if (reader->stale) {
			vloop_read_again(file);
			return -EIO;
		}
		if (reader->rest_at < reader->rest_size)
			return vloop_read_rest(file, to, count);

		if (!vloop_reader_ready(file))
			return -EAGAIN;

		/* What cannot be written to is found out when it is. */
		fault_in_writeable(to, min_t(size_t, count, READ_ONCE(dev->sizeimage)));
		entry.frame = NULL;
		spin_lock(&dev->frames_lock);
		if (reader->count) {
			entry = vloop_reader_pop(reader);
			sequence = vloop_reader_sequence(dev, reader, &entry);
			vloop_copier_take(&copier, dev, entry.frame);
		}
		spin_unlock(&dev->frames_lock);
		if (!entry.frame)
			continue;

		ret = vloop_read_frame(file, &entry, sequence, &copier, to, count);
		if (ret != -ESTALE)
			return ret ?: vloop_read_rest(file, to, count);
	}
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

	do {
		if (mutex_lock_interruptible(&file->lock))
			return -ERESTARTSYS;
		ret = vloop_read_locked(file, to, count);
		mutex_unlock(&file->lock);
		if (ret != -EAGAIN || filp->f_flags & O_NONBLOCK)
			return ret;

		ret = vloop_wait_ready(file);
	} while (!ret);

	return ret;
}
