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
#define VLOOP_SPARE_MS	1000

/*
 * Memory
 */

static void vloop_frame_free(struct vloop_frame *frame)
{
	vfree(frame->data);
	kfree(frame);
}

static struct vloop_frame *vloop_frame_reuse(struct vloop_dev *dev, u32 bytes)
{
	struct vloop_frame *frame, *found = NULL;

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

static struct vloop_frame *vloop_frame_make(u32 bytes)
{
	struct vloop_frame *frame;

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
struct vloop_frame *vloop_frame_alloc(struct vloop_dev *dev, u32 bytes)
{
	struct vloop_frame *frame = vloop_frame_reuse(dev, bytes) ?: vloop_frame_make(bytes);

	if (!frame)
		return NULL;

	frame->refs = 1;
	frame->bytes = bytes;
	/* Readers may map it: what was there before is not theirs. */
	memset(frame->data + bytes, 0, frame->room - bytes);

	return frame;
}

/* None where there is no memory, or the frame's cannot be had. */
struct vloop_frame *vloop_frame_copy(struct vloop_dev *dev, struct vloop_frame *frame)
{
	struct vloop_frame *copy = vloop_frame_alloc(dev, frame->bytes);

	if (!copy)
		return NULL;
	if (vloop_copy_out(frame, copy->data, frame->bytes)) {
		vloop_frame_put_unlocked(dev, copy);
		return NULL;
	}
	copy->number = frame->number;
	copy->timestamp = frame->timestamp;
	copy->given = frame->given;
	copy->flags = frame->flags;
	copy->timecode = frame->timecode;
	spin_lock(&dev->frames_lock);
	vloop_count_copy(dev, frame->bytes);
	spin_unlock(&dev->frames_lock);

	return copy;
}

static void vloop_spare_work(struct work_struct *work)
{
	struct vloop_dev *dev = container_of(to_delayed_work(work), struct vloop_dev, spare_work);
	struct vloop_frame *frame, *next;
	LIST_HEAD(list);

	spin_lock(&dev->frames_lock);
	list_splice_init(&dev->spare, &list);
	spin_unlock(&dev->frames_lock);
	list_for_each_entry_safe(frame, next, &list, entry)
		vloop_frame_free(frame);
}

void vloop_frames_init(struct vloop_dev *dev)
{
	spin_lock_init(&dev->frames_lock);
	vloop_readers_init(dev);
	INIT_LIST_HEAD(&dev->held);
	INIT_LIST_HEAD(&dev->spare);
	init_waitqueue_head(&dev->idle);
	INIT_DELAYED_WORK(&dev->spare_work, vloop_spare_work);
}

void vloop_frames_exit(struct vloop_dev *dev)
{
	cancel_work_sync(&dev->wake_work);
	cancel_delayed_work_sync(&dev->spare_work);
	vloop_spare_work(&dev->spare_work.work);
}

/* A copy is kept for the next one, an OUTPUT buffer is the writer's. */
void vloop_frame_put(struct vloop_dev *dev, struct vloop_frame *frame)
{
	lockdep_assert_held(&dev->frames_lock);
	if (--frame->refs)
		return;

	if (!frame->vb) {
		list_add(&frame->entry, &dev->spare);
		queue_delayed_work(system_dfl_wq, &dev->spare_work,
				   msecs_to_jiffies(VLOOP_SPARE_MS));
		return;
	}
	list_del_init(&frame->entry);
	if (list_empty(&dev->held))
		wake_up(&dev->idle);
	vb2_buffer_done(frame->vb, VB2_BUF_STATE_DONE);
}

void vloop_frame_put_unlocked(struct vloop_dev *dev, struct vloop_frame *frame)
{
	spin_lock(&dev->frames_lock);
	vloop_frame_put(dev, frame);
	spin_unlock(&dev->frames_lock);
}

/* Replaces what *@place refers to. Takes the caller's reference to @frame over. */
void vloop_set_frame(struct vloop_dev *dev, struct vloop_frame **place, struct vloop_frame *frame)
{
	struct vloop_frame *old = *place;

	lockdep_assert_held(&dev->frames_lock);
	*place = frame;
	if (old)
		vloop_frame_put(dev, old);
}

void vloop_count_copy(struct vloop_dev *dev, size_t bytes)
{
	lockdep_assert_held(&dev->frames_lock);
	dev->stats.copies++;
	dev->stats.bytes += bytes;
}

/* A copy of @bytes of it was made; none if it failed. */
void vloop_frame_copied(struct vloop_dev *dev, struct vloop_frame *frame, u32 bytes)
{
	lockdep_assert_held(&dev->frames_lock);
	if (bytes)
		vloop_count_copy(dev, bytes);
	frame->copying--;
	vloop_frame_put(dev, frame);
}

/*
 * Lending: CAPTURE buffers that are the dma-buf of a frame. Nobody can take that from
 * their readers.
 */

/*
 * Frames that are lent at most: the writer has one to fill and one to queue. One in any case,
 * which a writer with fewer buffers has back when it asks.
 */
unsigned int vloop_most_lent(const struct vloop_dev *dev)
{
	return dev->buffers > 3 ? dev->buffers - 2 : 1;
}

void vloop_lend(struct vloop_dev *dev, struct vloop_buf *buf, struct vloop_frame *frame)
{
	lockdep_assert_held(&dev->frames_lock);
	buf->lent = frame;
	frame->refs++;
	list_add_tail(&buf->borrow, &frame->borrowers);
	vloop_reader_of(buf)->lent++;
}

void vloop_lent_back(struct vloop_dev *dev, struct vloop_buf *buf)
{
	struct vloop_frame *frame = buf->lent;
	struct vloop_reader *reader;

	lockdep_assert_held(&dev->frames_lock);
	if (!frame)
		return;
	buf->lent = NULL;
	list_del_init(&buf->borrow);
	vloop_reader_of(buf)->lent--;
	/* Others may have been waiting for it to be lent again. */
	list_for_each_entry(reader, &dev->readers, entry)
		wake_up(&reader->wait);
	vloop_frame_put(dev, frame);
}

/*
 * Giving buffers back
 */

static bool vloop_is_shown(const struct vloop_frame *frame)
{
	return !list_empty(&frame->views) || !list_empty(&frame->borrowers);
}

static bool vloop_is_kept(const struct vloop_dev *dev, const struct vloop_frame *frame)
{
	return frame == dev->last || frame == dev->image;
}

static void vloop_end_lending(struct vloop_dev *dev, struct vloop_frame *frame)
{
	struct vloop_buf *buf, *next;

	list_for_each_entry_safe(buf, next, &frame->borrowers, borrow)
		vloop_lent_back(dev, buf);
}

/*
 * Gives the writer a frame's buffer, or has those who are just copying it do so. Who looks at
 * it, and the node itself, get a copy; so do those who wait for it, if it is the newest one;
 * those whom it is lent to keep the memory, and what comes to be there.
 * Where there is no memory for that they lose it. Lets go of the lock meanwhile.
 */
static void vloop_take(struct vloop_dev *dev, struct vloop_frame *frame, bool newest)
	__must_hold(&dev->frames_lock)
{
	struct vloop_frame *copy = NULL;

	lockdep_assert_held(&dev->frames_lock);
	frame->going = true;
	frame->refs++;
	vloop_end_lending(dev, frame);
	vloop_readers_drop(dev, newest ? frame->number - 1 : frame->number);
	if (frame->refs > 1 + frame->copying) {
		spin_unlock(&dev->frames_lock);
		copy = vloop_frame_copy(dev, frame);
		spin_lock(&dev->frames_lock);
	}

	/* Several may refer to the copy, or by now nobody. */
	vloop_readers_replace(dev, frame, copy);
	if (frame == dev->last) {
		if (copy)
			copy->refs++;
		vloop_set_frame(dev, &dev->last, copy);
	}
	if (frame == dev->image) {
		if (copy)
			copy->refs++;
		vloop_set_frame(dev, &dev->image, copy);
	}
	vloop_views_move(dev, frame, copy);
	if (copy)
		vloop_frame_put(dev, copy);
	vloop_frame_put(dev, frame);
}

/*
 * The frame that is missed least: the oldest of those that wait for slow readers, else one
 * that can be copied for those who have it, else the oldest that is lent: a writer may use
 * fewer buffers than it has. Not the newest one, where there are others.
 */
static struct vloop_frame *vloop_victim(struct vloop_dev *dev)
{
	struct vloop_frame *frame, *newest, *copied = NULL, *shown = NULL, *lent = NULL;

	if (list_empty(&dev->held))
		return NULL;

	newest = list_last_entry(&dev->held, struct vloop_frame, entry);
	list_for_each_entry(frame, &dev->held, entry) {
		/* It comes as soon as its last copy is made. */
		if (frame->going)
			return NULL;
		if (!list_empty(&frame->borrowers)) {
			lent = lent ?: frame;
			continue;
		}
		if (frame != newest && !vloop_is_shown(frame) && !vloop_is_kept(dev, frame)) {
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
void vloop_relieve(struct vloop_file *file)
{
	struct vloop_dev *dev = file->dev;
	struct vloop_frame *frame;
	bool newest;

	lockdep_assert_held(&file->lock);
	if (!vb2_is_streaming(&file->out) || !list_empty(&file->out.done_list))
		return;

	spin_lock(&dev->frames_lock);
	frame = vloop_victim(dev);
	if (frame) {
		newest = list_is_last(&frame->entry, &dev->held);
		vloop_take(dev, frame, newest);
	}
	spin_unlock(&dev->frames_lock);
}

static struct vloop_frame *vloop_next_to_take(struct vloop_dev *dev)
{
	struct vloop_frame *frame;

	list_for_each_entry(frame, &dev->held, entry)
		if (!frame->going)
			return frame;

	return NULL;
}

static bool vloop_is_idle(struct vloop_dev *dev)
{
	bool idle;

	spin_lock(&dev->frames_lock);
	idle = list_empty(&dev->held);
	spin_unlock(&dev->frames_lock);

	return idle;
}

/* The writer stops: it gets all its buffers. What is waited for are copies by the kernel. */
void vloop_take_back(struct vloop_dev *dev)
{
	struct vloop_frame *frame;

	spin_lock(&dev->frames_lock);
	dev->streaming = false;
	while ((frame = vloop_next_to_take(dev)))
		vloop_take(dev, frame, false);
	spin_unlock(&dev->frames_lock);
	wait_event(dev->idle, vloop_is_idle(dev));
}

/*
 * Publishing
 */

static void vloop_stamp(struct vloop_dev *dev, struct vloop_frame *frame)
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
void vloop_publish(struct vloop_dev *dev, struct vb2_buffer *vb)
{
	struct vb2_v4l2_buffer *vbuf = to_vb2_v4l2_buffer(vb);
	struct vloop_frame *frame = &vloop_to_out(vb)->frame;
	struct vloop_frame *copy;
	bool grab;

	INIT_LIST_HEAD(&frame->views);
	INIT_LIST_HEAD(&frame->borrowers);
	frame->vb = vb;
	frame->going = false;
	frame->copying = 0;
	frame->bytes = vb2_get_plane_payload(vb, 0);
	frame->flags = vbuf->flags & VLOOP_COPIED_FLAGS;
	frame->timecode = vbuf->timecode;
	frame->given = vloop_to_out(vb)->given;

	spin_lock(&dev->frames_lock);
	vloop_stamp(dev, frame);
	WRITE_ONCE(dev->buffers, vpipe_num_buffers(vb->vb2_queue));
	dev->frame_time = jiffies;
	dev->stats.frames++;
	list_add_tail(&frame->entry, &dev->held);
	/* This function's own. */
	frame->refs = 1;
	vloop_readers_add(dev, frame);
	if (dev->keep_last) {
		frame->refs++;
		vloop_set_frame(dev, &dev->last, frame);
	}
	grab = dev->grab;
	dev->grab = false;
	spin_unlock(&dev->frames_lock);

	/* The image is kept for long: the writer's buffer is to come back in its turn. */
	copy = grab ? vloop_frame_copy(dev, frame) : NULL;

	spin_lock(&dev->frames_lock);
	if (copy)
		vloop_set_frame(dev, &dev->image, copy);
	vloop_frame_put(dev, frame);
	spin_unlock(&dev->frames_lock);
}

void vloop_keep_last(struct vloop_dev *dev, bool keep)
{
	spin_lock(&dev->frames_lock);
	dev->keep_last = keep;
	if (!keep)
		vloop_set_frame(dev, &dev->last, NULL);
	spin_unlock(&dev->frames_lock);
}
