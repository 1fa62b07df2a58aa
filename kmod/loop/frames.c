// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Frames on their way from the writer to the readers' lists, and their buffers on
 * the way back.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "loop.h"

/* How long copies that nobody refers to are kept for the next ones. */
#define LOOP_SPARE_MS	1000

/*
 * Memory
 */

static void loop_frame_free(struct loop_frame *frame)
{
	vfree(frame->data);
	kfree(frame);
}

static struct loop_frame *loop_frame_reuse(struct loop_dev *dev, u32 bytes)
{
	struct loop_frame *frame, *found = NULL;

	spin_lock(&dev->frames_lock);
	list_for_each_entry(frame, &dev->spare, entry) {
		if (frame->room != PAGE_ALIGN(bytes))
			continue;
		list_del_init(&frame->entry);
		found = frame;
		break;
	}
	spin_unlock(&dev->frames_lock);

	return found;
}

static struct loop_frame *loop_frame_make(u32 bytes)
{
	struct loop_frame *frame;

	frame = kzalloc(sizeof(*frame), GFP_KERNEL);
	if (!frame)
		return NULL;

	frame->room = PAGE_ALIGN(bytes);
	frame->data = __vmalloc(frame->room, GFP_KERNEL | __GFP_NOWARN);
	if (!frame->data) {
		kfree(frame);
		return NULL;
	}
	INIT_LIST_HEAD(&frame->entry);
	INIT_LIST_HEAD(&frame->views);
	INIT_LIST_HEAD(&frame->borrowers);

	return frame;
}

/* Memory of the node for a frame of @bytes, referred to by the caller. */
struct loop_frame *loop_frame_alloc(struct loop_dev *dev, u32 bytes)
{
	struct loop_frame *frame = loop_frame_reuse(dev, bytes) ?: loop_frame_make(bytes);

	if (!frame)
		return NULL;

	frame->refs = 1;
	frame->bytes = bytes;
	/* Readers may map it: what was there before is not theirs. */
	memset(frame->data + bytes, 0, frame->room - bytes);

	return frame;
}

/* None where there is no memory, or the frame's cannot be had. */
struct loop_frame *loop_frame_copy(struct loop_dev *dev, struct loop_frame *frame)
{
	struct loop_frame *copy = loop_frame_alloc(dev, frame->bytes);

	if (!copy)
		return NULL;
	if (loop_copy_out(frame, copy->data, frame->bytes)) {
		loop_frame_put_unlocked(dev, copy);
		return NULL;
	}
	copy->number = frame->number;
	copy->timestamp = frame->timestamp;
	copy->given = frame->given;
	copy->flags = frame->flags;
	copy->timecode = frame->timecode;
	spin_lock(&dev->frames_lock);
	loop_count_copy(dev, frame->bytes);
	spin_unlock(&dev->frames_lock);

	return copy;
}

static void loop_spare_work(struct work_struct *work)
{
	struct loop_dev *dev = container_of(to_delayed_work(work), struct loop_dev, spare_work);
	struct loop_frame *frame, *next;
	LIST_HEAD(list);

	spin_lock(&dev->frames_lock);
	list_splice_init(&dev->spare, &list);
	spin_unlock(&dev->frames_lock);
	list_for_each_entry_safe(frame, next, &list, entry)
		loop_frame_free(frame);
}

void loop_frames_init(struct loop_dev *dev)
{
	spin_lock_init(&dev->frames_lock);
	loop_readers_init(dev);
	INIT_LIST_HEAD(&dev->held);
	INIT_LIST_HEAD(&dev->spare);
	init_waitqueue_head(&dev->idle);
	INIT_DELAYED_WORK(&dev->spare_work, loop_spare_work);
}

void loop_frames_exit(struct loop_dev *dev)
{
	cancel_work_sync(&dev->wake_work);
	cancel_delayed_work_sync(&dev->spare_work);
	loop_spare_work(&dev->spare_work.work);
}

/* A copy is kept for the next one, an OUTPUT buffer is the writer's. */
void loop_frame_put(struct loop_dev *dev, struct loop_frame *frame)
{
	lockdep_assert_held(&dev->frames_lock);
	if (--frame->refs)
		return;

	if (!frame->vb) {
		list_add(&frame->entry, &dev->spare);
		queue_delayed_work(system_dfl_wq, &dev->spare_work,
				   msecs_to_jiffies(LOOP_SPARE_MS));
		return;
	}
	list_del_init(&frame->entry);
	if (list_empty(&dev->held))
		wake_up(&dev->idle);
	vb2_buffer_done(frame->vb, VB2_BUF_STATE_DONE);
}

void loop_frame_put_unlocked(struct loop_dev *dev, struct loop_frame *frame)
{
	spin_lock(&dev->frames_lock);
	loop_frame_put(dev, frame);
	spin_unlock(&dev->frames_lock);
}

/* Replaces what *@place refers to. Takes the caller's reference to @frame over. */
void loop_set_frame(struct loop_dev *dev, struct loop_frame **place, struct loop_frame *frame)
{
	struct loop_frame *old = *place;

	lockdep_assert_held(&dev->frames_lock);
	*place = frame;
	if (old)
		loop_frame_put(dev, old);
}

void loop_count_copy(struct loop_dev *dev, size_t bytes)
{
	lockdep_assert_held(&dev->frames_lock);
	dev->stats.copies++;
	dev->stats.bytes += bytes;
}

/* A copy of @bytes of it was made; none if it failed. */
void loop_frame_copied(struct loop_dev *dev, struct loop_frame *frame, u32 bytes)
{
	lockdep_assert_held(&dev->frames_lock);
	if (bytes)
		loop_count_copy(dev, bytes);
	frame->copying--;
	loop_frame_put(dev, frame);
}

/*
 * Lending: CAPTURE buffers that are the dma-buf of a frame. Nobody can take that from
 * their readers.
 */

/*
 * Frames that are lent at most: the writer has one to fill and one to queue. One in any case,
 * which a writer with fewer buffers has back when it asks.
 */
unsigned int loop_most_lent(const struct loop_dev *dev)
{
	return dev->buffers > 3 ? dev->buffers - 2 : 1;
}

void loop_lend(struct loop_dev *dev, struct loop_buf *buf, struct loop_frame *frame)
{
	lockdep_assert_held(&dev->frames_lock);
	buf->lent = frame;
	frame->refs++;
	list_add_tail(&buf->borrow, &frame->borrowers);
	loop_reader_of(buf)->lent++;
}

void loop_lent_back(struct loop_dev *dev, struct loop_buf *buf)
{
	struct loop_frame *frame = buf->lent;
	struct loop_reader *reader;

	lockdep_assert_held(&dev->frames_lock);
	if (!frame)
		return;
	buf->lent = NULL;
	list_del_init(&buf->borrow);
	loop_reader_of(buf)->lent--;
	/* Others may have been waiting for it to be lent again. */
	list_for_each_entry(reader, &dev->readers, entry)
		wake_up(&reader->wait);
	loop_frame_put(dev, frame);
}

/*
 * Giving buffers back
 */

static bool loop_is_shown(const struct loop_frame *frame)
{
	return !list_empty(&frame->views) || !list_empty(&frame->borrowers);
}

static bool loop_is_kept(const struct loop_dev *dev, const struct loop_frame *frame)
{
	return frame == dev->last || frame == dev->image;
}

static void loop_end_lending(struct loop_dev *dev, struct loop_frame *frame)
{
	struct loop_buf *buf, *next;

	list_for_each_entry_safe(buf, next, &frame->borrowers, borrow)
		loop_lent_back(dev, buf);
}

/*
 * Gives the writer a frame's buffer, or has those who are just copying it do so. Who looks at
 * it, and the node itself, get a copy; so do those who wait for it, if it is the newest one;
 * those whom it is lent to keep the memory, and what comes to be there.
 * Where there is no memory for that they lose it. Lets go of the lock meanwhile.
 */
static void loop_take(struct loop_dev *dev, struct loop_frame *frame, bool newest)
	__must_hold(&dev->frames_lock)
{
	struct loop_frame *copy = NULL;

	lockdep_assert_held(&dev->frames_lock);
	frame->going = true;
	frame->refs++;
	loop_end_lending(dev, frame);
	loop_readers_drop(dev, newest ? frame->number - 1 : frame->number);
	if (frame->refs > 1 + frame->copying) {
		spin_unlock(&dev->frames_lock);
		copy = loop_frame_copy(dev, frame);
		spin_lock(&dev->frames_lock);
	}

	/* Several may refer to the copy, or by now nobody. */
	loop_readers_replace(dev, frame, copy);
	if (frame == dev->last) {
		if (copy)
			copy->refs++;
		loop_set_frame(dev, &dev->last, copy);
	}
	if (frame == dev->image) {
		if (copy)
			copy->refs++;
		loop_set_frame(dev, &dev->image, copy);
	}
	loop_views_move(dev, frame, copy);
	if (copy)
		loop_frame_put(dev, copy);
	loop_frame_put(dev, frame);
}

/*
 * The frame that is missed least: the oldest of those that wait for slow readers, else one
 * that can be copied for those who have it, else the oldest that is lent: a writer may use
 * fewer buffers than it has. Not the newest one, where there are others.
 */
static struct loop_frame *loop_victim(struct loop_dev *dev)
{
	struct loop_frame *frame, *newest, *copied = NULL, *shown = NULL, *lent = NULL;

	if (list_empty(&dev->held))
		return NULL;

	newest = list_last_entry(&dev->held, struct loop_frame, entry);
	list_for_each_entry(frame, &dev->held, entry) {
		/* It comes as soon as its last copy is made. */
		if (frame->going)
			return NULL;
		if (!list_empty(&frame->borrowers)) {
			lent = lent ?: frame;
			continue;
		}
		if (frame != newest && !loop_is_shown(frame) && !loop_is_kept(dev, frame)) {
			if (!frame->copying)
				return frame;
			copied = copied ?: frame;
		} else if (!shown) {
			shown = frame;
		}
	}

	return copied ?: shown ?: lent;
}

/* The writer asks for a buffer: it gets one. */
void loop_relieve(struct loop_file *file)
{
	struct loop_dev *dev = file->dev;
	struct loop_frame *frame;
	bool newest;

	lockdep_assert_held(&file->lock);
	if (!vb2_is_streaming(&file->out) || !list_empty(&file->out.done_list))
		return;

	spin_lock(&dev->frames_lock);
	frame = loop_victim(dev);
	if (frame) {
		newest = list_is_last(&frame->entry, &dev->held);
		loop_take(dev, frame, newest);
	}
	spin_unlock(&dev->frames_lock);
}

static struct loop_frame *loop_next_to_take(struct loop_dev *dev)
{
	struct loop_frame *frame;

	list_for_each_entry(frame, &dev->held, entry)
		if (!frame->going)
			return frame;

	return NULL;
}

static bool loop_is_idle(struct loop_dev *dev)
{
	bool idle;

	spin_lock(&dev->frames_lock);
	idle = list_empty(&dev->held);
	spin_unlock(&dev->frames_lock);

	return idle;
}

/* The writer stops: it gets all its buffers. What is waited for are copies by the kernel. */
void loop_take_back(struct loop_dev *dev)
{
	struct loop_frame *frame;

	spin_lock(&dev->frames_lock);
	dev->streaming = false;
	while ((frame = loop_next_to_take(dev)))
		loop_take(dev, frame, false);
	spin_unlock(&dev->frames_lock);
	wait_event(dev->idle, loop_is_idle(dev));
}

/*
 * Publishing
 */

static void loop_stamp(struct loop_dev *dev, struct loop_frame *frame)
{
	struct vb2_v4l2_buffer *vbuf = to_vb2_v4l2_buffer(frame->vb);
	u64 now = ktime_get_ns();

	if (!dev->written)
		dev->began = now;
	frame->timestamp = frame->vb->timestamp;
	if (dev->stamps == VPIPE_LOOP_STAMPS_NODE)
		frame->timestamp = now;
	else if (!frame->timestamp)
		/* The first one's may be just that; then there is no clock but the time since. */
		frame->timestamp = now - dev->began;
	dev->clock = frame->timestamp;
	frame->number = dev->next++;
	if (vb2_fileio_is_active(frame->vb->vb2_queue))
		frame->given = dev->written;
	vbuf->sequence = dev->written++;
	vbuf->field = V4L2_FIELD_NONE;
}

/* A buffer that the writer has queued. */
void loop_publish(struct loop_dev *dev, struct vb2_buffer *vb)
{
	struct vb2_v4l2_buffer *vbuf = to_vb2_v4l2_buffer(vb);
	struct loop_frame *frame = &loop_to_out(vb)->frame;
	struct loop_frame *copy;
	bool grab;

	INIT_LIST_HEAD(&frame->views);
	INIT_LIST_HEAD(&frame->borrowers);
	frame->vb = vb;
	frame->going = false;
	frame->copying = 0;
	frame->bytes = vb2_get_plane_payload(vb, 0);
	frame->flags = vbuf->flags & LOOP_COPIED_FLAGS;
	frame->timecode = vbuf->timecode;
	frame->given = loop_to_out(vb)->given;

	spin_lock(&dev->frames_lock);
	loop_stamp(dev, frame);
	WRITE_ONCE(dev->buffers, vpipe_num_buffers(vb->vb2_queue));
	dev->frame_time = jiffies;
	dev->stats.frames++;
	list_add_tail(&frame->entry, &dev->held);
	/* This function's own. */
	frame->refs = 1;
	loop_readers_add(dev, frame);
	if (dev->keep_last) {
		frame->refs++;
		loop_set_frame(dev, &dev->last, frame);
	}
	grab = dev->grab;
	dev->grab = false;
	spin_unlock(&dev->frames_lock);

	/* The image is kept for long: the writer's buffer is to come back in its turn. */
	copy = grab ? loop_frame_copy(dev, frame) : NULL;

	spin_lock(&dev->frames_lock);
	if (copy)
		loop_set_frame(dev, &dev->image, copy);
	loop_frame_put(dev, frame);
	spin_unlock(&dev->frames_lock);
}

void loop_keep_last(struct loop_dev *dev, bool keep)
{
	spin_lock(&dev->frames_lock);
	dev->keep_last = keep;
	if (!keep)
		loop_set_frame(dev, &dev->last, NULL);
	spin_unlock(&dev->frames_lock);
}
