// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A reader's list of frames, and how they reach its buffers: shown where the memory
 * can be shared, copied otherwise, in either case by the reader itself.
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/uaccess.h>

#include "loop.h"

/* How a frame reaches a buffer. */
enum loop_way {
	LOOP_NOT_YET,		/* there is no buffer for it */
	LOOP_NEVER,		/* there will not be: all are memory of the writer's */
	LOOP_SHOW,		/* the buffer is the frame's memory */
	LOOP_BIND,		/* it will be from now on */
	LOOP_COPY,
};

void loop_reader_init(struct loop_reader *reader)
{
	INIT_LIST_HEAD(&reader->entry);
	INIT_LIST_HEAD(&reader->bufs);
	init_waitqueue_head(&reader->wait);
}

static bool loop_reader_takes(const struct loop_reader *reader)
{
	return !list_empty(&reader->entry);
}

/*
 * The list
 */

static void loop_reader_add(struct loop_reader *reader, struct loop_frame *frame)
{
	if (reader->stale)
		return;

	/* With more than one frame it has been told already. */
	reader->wake |= !reader->count;
	reader->list[(reader->first + reader->count++) % LOOP_MAX_BUFFERS] = frame;
	reader->still = false;
	frame->refs++;
}

static void loop_readers_wake(struct loop_dev *dev)
{
	struct loop_reader *reader;

	list_for_each_entry(reader, &dev->readers, entry) {
		if (!reader->wake)
			continue;
		reader->wake = false;
		wake_up(&reader->wait);
	}
}

static void loop_wake_work(struct work_struct *work)
{
	struct loop_dev *dev = container_of(work, struct loop_dev, wake_work);

	spin_lock(&dev->frames_lock);
	loop_readers_wake(dev);
	spin_unlock(&dev->frames_lock);
}

void loop_readers_init(struct loop_dev *dev)
{
	INIT_LIST_HEAD(&dev->readers);
	INIT_WORK(&dev->wake_work, loop_wake_work);
}

/* A frame for all. The writer wakes one thread, however many they are. */
void loop_readers_add(struct loop_dev *dev, struct loop_frame *frame)
{
	struct loop_reader *reader;

	list_for_each_entry(reader, &dev->readers, entry)
		loop_reader_add(reader, frame);
	if (list_is_singular(&dev->readers))
		loop_readers_wake(dev);
	else if (!list_empty(&dev->readers))
		queue_work(system_dfl_wq, &dev->wake_work);
}

static struct loop_frame *loop_reader_first(struct loop_reader *reader)
{
	return reader->list[reader->first];
}

static struct loop_frame *loop_reader_pop(struct loop_reader *reader)
{
	struct loop_frame *frame = loop_reader_first(reader);

	reader->first = (reader->first + 1) % LOOP_MAX_BUFFERS;
	reader->count--;

	return frame;
}

static void loop_reader_lose(struct loop_dev *dev, struct loop_reader *reader)
{
	dev->stats.lost++;
	loop_frame_put(dev, loop_reader_pop(reader));
}

/* Frames up to @number. The difference outlasts the number's coming round. */
void loop_reader_drop(struct loop_dev *dev, struct loop_reader *reader, u32 number)
{
	while (reader->count && (s32)(loop_reader_first(reader)->number - number) <= 0)
		loop_reader_lose(dev, reader);
}

/* There has been no frame for long. */
void loop_reader_show_still(struct loop_dev *dev, struct loop_reader *reader)
{
	if (reader->count || reader->stale)
		return;
	reader->still = true;
	wake_up(&reader->wait);
}

/* From now on the file gets frames. */
void loop_reader_start(struct loop_file *file)
{
	struct loop_reader *reader = &file->reader;
	struct loop_dev *dev = file->dev;

	spin_lock(&dev->frames_lock);
	reader->base = dev->next;
	list_add_tail(&reader->entry, &dev->readers);
	if (dev->last) {
		reader->base = dev->last->number;
		loop_reader_add(reader, dev->last);
	} else if (dev->keep_last && dev->still) {
		reader->base--;
		reader->still = true;
	}
	spin_unlock(&dev->frames_lock);
	loop_still_schedule(dev);
}

/* From now on it gets none; whoever waits for one is told. */
void loop_reader_stop(struct loop_file *file)
{
	struct loop_reader *reader = &file->reader;
	struct loop_dev *dev = file->dev;

	spin_lock(&dev->frames_lock);
	list_del_init(&reader->entry);
	while (reader->count)
		loop_frame_put(dev, loop_reader_pop(reader));
	reader->still = false;
	spin_unlock(&dev->frames_lock);
	wake_up_all(&reader->wait);
}

/* The format has changed: its buffers are of no use any more. */
void loop_reader_end(struct loop_file *file)
{
	struct loop_reader *reader = &file->reader;
	struct loop_dev *dev = file->dev;

	spin_lock(&dev->frames_lock);
	reader->stale = true;
	reader->still = false;
	while (reader->count)
		loop_frame_put(dev, loop_reader_pop(reader));
	spin_unlock(&dev->frames_lock);
	vb2_queue_error(&file->cap);
	wake_up_all(&reader->wait);
}

/*
 * Which frame goes where
 */

/* A reader may keep some of the writer's buffers, but not its last two. */
unsigned int loop_most_lent(const struct loop_dev *dev)
{
	return dev->buffers > 2 ? dev->buffers - 2 : 0;
}

static bool loop_may_bind(const struct loop_frame *frame, struct loop_buf *buf)
{
	const struct vb2_buffer *out = &frame->vbuf.vb2_buf;

	return out->memory == VB2_MEMORY_MMAP && buf->view && !buf->own && !buf->copies &&
	       PAGE_ALIGN(vb2_plane_size((struct vb2_buffer *)out, 0)) >=
	       PAGE_ALIGN(vb2_plane_size(&buf->vbuf.vb2_buf, 0));
}

static enum loop_way loop_choose(struct loop_dev *dev, struct loop_reader *reader,
				 const struct loop_frame *frame, struct loop_buf **chosen)
{
	const struct loop_memory *memory = &dev->memory[frame->vbuf.vb2_buf.index];
	enum loop_way way = LOOP_NEVER;
	struct loop_buf *buf;

	list_for_each_entry(buf, &reader->bufs, entry) {
		if (!memory->key ||
		    (buf->shown != memory->key && !loop_is_memory(buf, memory)))
			continue;
		*chosen = buf;
		if (buf->shown || frame->imports || dev->lent < loop_most_lent(dev))
			return LOOP_SHOW;
		return LOOP_NOT_YET;
	}

	list_for_each_entry(buf, &reader->bufs, entry) {
		if (loop_is_writers(dev, buf))
			continue;
		if (!buf->shown && loop_may_bind(frame, buf)) {
			*chosen = buf;
			return LOOP_BIND;
		}
		/* Rather one that shows no other memory. */
		if (way == LOOP_NEVER || ((*chosen)->shown && !buf->shown)) {
			*chosen = buf;
			way = LOOP_COPY;
		}
	}

	return way;
}

/* The first frame that can be had, after losing those that never can. */
static enum loop_way loop_match(struct loop_dev *dev, struct loop_reader *reader,
				struct loop_buf **buf)
{
	enum loop_way way;

	lockdep_assert_held(&dev->frames_lock);
	while (reader->count && !list_empty(&reader->bufs)) {
		way = loop_choose(dev, reader, loop_reader_first(reader), buf);
		if (way != LOOP_NEVER)
			return way;
		loop_reader_lose(dev, reader);
	}

	return LOOP_NOT_YET;
}

/*
 * Delivering
 */

/* Gives the buffer to its user with a frame of @bytes, or as broken. */
static void loop_complete(struct loop_buf *buf, u32 sequence, u64 timestamp, u32 bytes)
{
	struct vb2_v4l2_buffer *vbuf = &buf->vbuf;
	struct vb2_buffer *vb = &vbuf->vb2_buf;

	if (bytes > vb2_plane_size(vb, 0))
		bytes = 0;
	vbuf->sequence = sequence;
	vbuf->field = V4L2_FIELD_NONE;
	vb->timestamp = timestamp;
	vb2_set_plane_payload(vb, 0, bytes);
	vb2_buffer_done(vb, bytes ? VB2_BUF_STATE_DONE : VB2_BUF_STATE_ERROR);
}

static u32 loop_sequence(const struct loop_dev *dev, const struct loop_reader *reader,
			 const struct loop_frame *frame)
{
	return dev->stamps == VPIPE_LOOP_STAMPS_WRITER ? frame->given :
							 frame->number - reader->base;
}

static u32 loop_copy_frame(struct loop_frame *frame, struct loop_buf *buf, u32 bytes)
{
	if (bytes > vb2_plane_size(&buf->vbuf.vb2_buf, 0) || loop_copy_in(buf, frame, bytes))
		return 0;

	return bytes;
}

/* Copies the picture for times without frames. */
static void loop_deliver_still(struct loop_file *file, struct loop_buf *buf, u32 sequence)
{
	struct loop_dev *dev = file->dev;
	struct loop_still *still = loop_still_get(dev);
	u32 bytes;

	loop_buf_own(dev, buf, false);
	bytes = loop_copy_still(dev, buf, still);
	if (bytes) {
		spin_lock(&dev->frames_lock);
		loop_count_copy(dev, bytes);
		spin_unlock(&dev->frames_lock);
	}
	loop_still_put(still);
	loop_complete(buf, sequence, ktime_get_ns(), bytes);
}

static struct loop_buf *loop_still_buf(struct loop_dev *dev, struct loop_reader *reader)
{
	struct loop_buf *buf;

	if (!reader->still || !loop_has_still(dev))
		return NULL;

	list_for_each_entry(buf, &reader->bufs, entry)
		if (!loop_is_writers(dev, buf))
			return buf;

	return NULL;
}

/* Fills one of the file's queued buffers, if there are a frame and a buffer for it. */
static void loop_deliver(struct loop_file *file)
{
	struct loop_reader *reader = &file->reader;
	struct loop_dev *dev = file->dev;
	struct loop_frame *frame;
	struct loop_buf *buf;
	enum loop_way way;
	u32 sequence, bytes;
	u64 timestamp;

	lockdep_assert_held(&file->lock);
	spin_lock(&dev->frames_lock);
	way = loop_match(dev, reader, &buf);
	if (way == LOOP_NOT_YET) {
		buf = loop_still_buf(dev, reader);
		sequence = dev->next - 1 - reader->base;
		if (buf) {
			reader->still = false;
			list_del(&buf->entry);
		}
		spin_unlock(&dev->frames_lock);
		if (buf)
			loop_deliver_still(file, buf, sequence);
		return;
	}

	frame = loop_reader_pop(reader);
	list_del(&buf->entry);
	sequence = loop_sequence(dev, reader, frame);
	timestamp = frame->timestamp;
	bytes = vb2_get_plane_payload(&frame->vbuf.vb2_buf, 0);
	if (way == LOOP_COPY) {
		frame->copying++;
		if (buf->copies)
			buf->copies--;
	} else {
		dev->stats.shared++;
		buf->lent = frame;
		list_add_tail(&buf->borrow, &frame->borrowers);
		if (way == LOOP_BIND) {
			buf->shown = dev->memory[frame->vbuf.vb2_buf.index].key;
			list_add_tail(&buf->binding, &dev->bindings);
			buf->moving = true;
		} else if (!buf->shown && !frame->imports++) {
			dev->lent++;
		}
	}
	spin_unlock(&dev->frames_lock);

	switch (way) {
	case LOOP_BIND:
		loop_view_show(buf->view, vb2_plane_vaddr(&frame->vbuf.vb2_buf, 0));
		spin_lock(&dev->frames_lock);
		loop_moved(dev, buf);
		spin_unlock(&dev->frames_lock);
		break;
	case LOOP_COPY:
		loop_buf_own(dev, buf, false);
		bytes = loop_copy_frame(frame, buf, bytes);
		spin_lock(&dev->frames_lock);
		loop_frame_copied(dev, frame, bytes);
		spin_unlock(&dev->frames_lock);
		break;
	default:
		break;
	}
	loop_complete(buf, sequence, timestamp, bytes);
}

/* VIDIOC_DQBUF would give a frame, or an error; or read(2) would. */
bool loop_reader_ready(struct loop_file *file)
{
	struct loop_reader *reader = &file->reader;
	struct loop_dev *dev = file->dev;
	struct loop_buf *buf;
	bool ready;

	spin_lock(&dev->frames_lock);
	if (reader->stale || !loop_reader_takes(reader))
		ready = true;
	else if (reader->reading)
		ready = reader->count || (reader->still && loop_has_still(dev));
	else
		ready = loop_match(dev, reader, &buf) != LOOP_NOT_YET ||
			loop_still_buf(dev, reader);
	spin_unlock(&dev->frames_lock);

	return ready;
}

/* Lets go of the file meanwhile. */
static int loop_wait_ready(struct loop_file *file, bool nonblocking)
{
	int ret;

	if (loop_reader_ready(file))
		return 0;
	if (nonblocking)
		return -EAGAIN;

	mutex_unlock(&file->lock);
	ret = wait_event_interruptible(file->reader.wait, loop_reader_ready(file));
	mutex_lock(&file->lock);

	return ret;
}

/* As vb2_dqbuf(), which it ends in, of a CAPTURE queue. */
int loop_dequeue(struct loop_file *file, struct v4l2_buffer *b, bool nonblocking)
{
	int ret;

	for (;;) {
		loop_deliver(file);
		ret = vb2_dqbuf(&file->cap, b, true);
		if (ret != -EAGAIN)
			return ret;
		ret = loop_wait_ready(file, nonblocking);
		if (ret)
			return ret;
	}
}

/*
 * read(2)
 */

/* Makes room for a frame that does not fit the caller's memory, or cannot be put there now. */
static int loop_rest_reserve(struct loop_reader *reader, size_t bytes)
{
	if (reader->rest_room >= bytes)
		return 0;

	kvfree(reader->rest);
	reader->rest = kvmalloc(bytes, GFP_KERNEL);
	reader->rest_room = reader->rest ? bytes : 0;

	return reader->rest ? 0 : -ENOMEM;
}

static ssize_t loop_read_rest(struct loop_file *file, char __user *to, size_t count)
{
	struct loop_reader *reader = &file->reader;
	size_t bytes = min(count, reader->rest_size - reader->rest_at);

	if (copy_to_user(to, reader->rest + reader->rest_at, bytes))
		return -EFAULT;
	reader->rest_at += bytes;
	spin_lock(&file->dev->frames_lock);
	loop_count_copy(file->dev, bytes);
	spin_unlock(&file->dev->frames_lock);

	return bytes;
}

/*
 * Straight to the caller's memory, as long as all of it is there: whoever holds a frame
 * must not wait for the caller's page faults. Its pages were made ready before.
 */
static bool loop_read_at_once(struct loop_frame *frame, char __user *to, size_t bytes)
{
	const void *from;
	bool done;

	from = loop_access_begin(&frame->vbuf.vb2_buf);
	if (!from)
		return false;
	pagefault_disable();
	done = !__copy_to_user_inatomic(to, from, bytes);
	pagefault_enable();
	loop_access_end(&frame->vbuf.vb2_buf);

	return done;
}

static ssize_t loop_read_frame(struct loop_file *file, struct loop_frame *frame, char __user *to,
			       size_t count)
{
	struct loop_reader *reader = &file->reader;
	size_t bytes = vb2_get_plane_payload(&frame->vbuf.vb2_buf, 0);
	struct loop_dev *dev = file->dev;
	ssize_t ret = bytes;

	if (count < bytes || !loop_read_at_once(frame, to, bytes)) {
		ret = loop_rest_reserve(reader, bytes) ?:
		      loop_copy_out(frame, reader->rest, bytes);
		if (!ret) {
			reader->rest_size = bytes;
			reader->rest_at = 0;
		}
	}
	spin_lock(&dev->frames_lock);
	loop_frame_copied(dev, frame, ret < 0 ? 0 : bytes);
	spin_unlock(&dev->frames_lock);

	return ret ?: loop_read_rest(file, to, count);
}

static ssize_t loop_read_still(struct loop_file *file, char __user *to, size_t count)
{
	struct loop_still *still = loop_still_get(file->dev);
	struct loop_reader *reader = &file->reader;
	ssize_t ret;

	reader->rest_size = 0;
	reader->rest_at = 0;
	ret = loop_rest_reserve(reader, still ? still->bytesused : READ_ONCE(file->dev->sizeimage));
	if (!ret && !still) {
		reader->rest_size = loop_black(file->dev, reader->rest, reader->rest_room);
	} else if (!ret) {
		reader->rest_size = still->bytesused;
		memcpy(reader->rest, still->data, still->bytesused);
	}
	loop_still_put(still);
	if (!ret && !reader->rest_size)
		ret = -EAGAIN;

	return ret ?: loop_read_rest(file, to, count);
}

static ssize_t loop_read_locked(struct loop_file *file, char __user *to, size_t count,
				bool nonblocking)
{
	struct loop_reader *reader = &file->reader;
	struct loop_dev *dev = file->dev;
	struct loop_frame *frame = NULL;
	ssize_t ret;
	bool still;

	ret = loop_start_reading(file);
	if (ret)
		return ret;

	for (;;) {
		if (reader->stale)
			return -EIO;
		if (reader->rest_at < reader->rest_size)
			return loop_read_rest(file, to, count);

		ret = loop_wait_ready(file, nonblocking);
		if (ret)
			return ret;

		/* What cannot be written to is found out when it is. */
		fault_in_writeable(to, min_t(size_t, count, READ_ONCE(dev->sizeimage)));
		spin_lock(&dev->frames_lock);
		if (reader->count) {
			frame = loop_reader_pop(reader);
			frame->copying++;
		}
		still = !frame && reader->still;
		if (still)
			reader->still = false;
		spin_unlock(&dev->frames_lock);

		if (frame)
			return loop_read_frame(file, frame, to, count);
		if (still) {
			ret = loop_read_still(file, to, count);
			if (ret != -EAGAIN)
				return ret;
		}
	}
}

/* A frame, or as much of it as fits and the rest by the next call. */
ssize_t loop_read(struct file *filp, char __user *to, size_t count, loff_t *offset)
{
	struct loop_file *file = loop_to_file(filp);
	ssize_t ret;

	if (!loop_has_side(file, true))
		return -EINVAL;
	if (!count)
		return 0;

	if (mutex_lock_interruptible(&file->lock))
		return -ERESTARTSYS;
	ret = loop_read_locked(file, to, count, filp->f_flags & O_NONBLOCK);
	mutex_unlock(&file->lock);

	return ret;
}
