// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A frame's memory and who refers to it: lists, copies, views, and the CAPTURE buffers
 * that it is lent to.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "loop.h"

/* How long copies that nobody refers to are kept for the next ones. */
#define VLOOP_SPARE_MS	1000

/* How many of other sizes than the next one's: of compressed frames each has its own. */
#define VLOOP_MAX_SPARES	4

static void vloop_frame_free(struct vloop_frame *frame)
{
	vfree(frame->data);
	kfree(frame);
}

static struct vloop_frame *vloop_frame_reuse(struct vloop_dev *dev, u32 bytes)
{
	struct vloop_frame *frame, *found = NULL, *oldest = NULL;
	unsigned int spares = 0;

	spin_lock(&dev->frames_lock);
	list_for_each_entry(frame, &dev->spare, entry) {
		spares++;
		if (frame->room != PAGE_ALIGN(bytes))
			continue;
		found = frame;
		break;
	}
	if (!found && spares >= VLOOP_MAX_SPARES)
		oldest = list_last_entry(&dev->spare, struct vloop_frame, entry);
	if (found || oldest)
		list_del_init(found ? &found->entry : &oldest->entry);
	spin_unlock(&dev->frames_lock);
	if (oldest)
		vloop_frame_free(oldest);

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
	INIT_LIST_HEAD(&frame->copiers);

	return frame;
}

/* Memory of the node for a frame of @bytes, referred to by the caller. */
struct vloop_frame *vloop_frame_alloc(struct vloop_dev *dev, u32 bytes)
{
	struct vloop_frame *frame = vloop_frame_reuse(dev, bytes) ?: vloop_frame_make(bytes);

	if (!frame)
		return NULL;

	frame->refs = 1;
	frame->told = (struct vloop_told){ .bytes = bytes };
	/* Readers may map it: what was there before is not theirs. */
	memset(frame->data + bytes, 0, frame->room - bytes);

	return frame;
}

/* Of an OUTPUT buffer. None where there is no memory, or the buffer's cannot be had. */
struct vloop_frame *vloop_frame_copy(struct vloop_dev *dev, struct vloop_frame *frame)
{
	struct vloop_frame *copy = vloop_frame_alloc(dev, frame->told.bytes);
	const void *from;

	if (!copy)
		return NULL;
	from = vloop_access_begin(frame->vb);
	if (!from) {
		vloop_frame_put_unlocked(dev, copy);
		return NULL;
	}
	memcpy(copy->data, from, frame->told.bytes);
	vloop_access_end(frame->vb);
	copy->told = frame->told;
	spin_lock(&dev->frames_lock);
	vloop_count_copy(dev, frame->told.bytes);
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
	INIT_LIST_HEAD(&dev->held);
	INIT_LIST_HEAD(&dev->spare);
	init_waitqueue_head(&dev->idle);
	INIT_DELAYED_WORK(&dev->spare_work, vloop_spare_work);
}

void vloop_frames_exit(struct vloop_dev *dev)
{
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

struct vloop_stats vloop_read_stats(struct vloop_dev *dev)
{
	struct vloop_stats stats;

	spin_lock(&dev->frames_lock);
	stats = dev->stats;
	spin_unlock(&dev->frames_lock);

	return stats;
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

	lockdep_assert_held(&dev->frames_lock);
	if (!frame)
		return;
	buf->lent = NULL;
	list_del_init(&buf->borrow);
	vloop_reader_of(buf)->lent--;
	/* Others may have been waiting for it to be lent again. */
	vloop_wake_all_readers(dev);
	vloop_frame_put(dev, frame);
}
