// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A reader's list of frames, and how they reach its buffers: shown where the memory
 * can be shown, copied otherwise, in either case by the reader itself.
 */
#include <linux/ktime.h>

#include "loop.h"

/* How a frame reaches a buffer. */
enum vloop_way {
	VLOOP_NOT_YET,		/* there is no buffer for it */
	VLOOP_NEVER,		/* there will not be: all are memory of the writer's */
	VLOOP_LEND,		/* the buffer is the frame's memory */
	VLOOP_SHOW,		/* its view shows the frame */
	VLOOP_SHOW_COPY,		/* its view shows a copy of the frame */
	VLOOP_COPY,		/* to the buffer's memory */
};

void vloop_reader_init(struct vloop_reader *reader)
{
	INIT_LIST_HEAD(&reader->entry);
	INIT_LIST_HEAD(&reader->bufs);
	init_waitqueue_head(&reader->wait);
}

static bool vloop_reader_takes(const struct vloop_reader *reader)
{
	return !list_empty(&reader->entry);
}

/*
 * The list
 */

static struct vloop_entry *vloop_reader_at(struct vloop_reader *reader, unsigned int i)
{
	return &reader->list[(reader->first + i) % VLOOP_MAX_BUFFERS];
}

struct vloop_entry vloop_reader_pop(struct vloop_reader *reader)
{
	struct vloop_entry entry = *vloop_reader_at(reader, 0);

	reader->first = (reader->first + 1) % VLOOP_MAX_BUFFERS;
	reader->count--;

	return entry;
}

static void vloop_reader_lose(struct vloop_dev *dev, struct vloop_reader *reader)
{
	struct vloop_entry entry = vloop_reader_pop(reader);

	if (!entry.still)
		dev->stats.lost++;
	vloop_frame_put(dev, entry.frame);
}

static void vloop_reader_forget(struct vloop_dev *dev, struct vloop_reader *reader)
{
	while (reader->count)
		vloop_frame_put(dev, vloop_reader_pop(reader).frame);
}

static void vloop_reader_add(struct vloop_dev *dev, struct vloop_reader *reader,
			     struct vloop_entry entry)
{
	if (reader->stale)
		return;

	/* What stands for a frame is of no use once there is one. */
	while (reader->count && vloop_reader_at(reader, 0)->still)
		vloop_reader_lose(dev, reader);
	if (reader->count == VLOOP_MAX_BUFFERS)
		vloop_reader_lose(dev, reader);
	/* With more than one frame it has been told already. */
	reader->wake |= !reader->count;
	*vloop_reader_at(reader, reader->count++) = entry;
	entry.frame->refs++;
}

static void vloop_readers_wake(struct vloop_dev *dev)
{
	struct vloop_reader *reader;

	list_for_each_entry(reader, &dev->readers, entry) {
		if (!reader->wake)
			continue;
		reader->wake = false;
		wake_up(&reader->wait);
	}
}

static void vloop_wake_work(struct work_struct *work)
{
	struct vloop_dev *dev = container_of(work, struct vloop_dev, wake_work);

	spin_lock(&dev->frames_lock);
	vloop_readers_wake(dev);
	spin_unlock(&dev->frames_lock);
}

void vloop_readers_init(struct vloop_dev *dev)
{
	INIT_LIST_HEAD(&dev->readers);
	INIT_WORK(&dev->wake_work, vloop_wake_work);
}

/* A frame for all. The writer wakes one thread, however many they are. */
void vloop_readers_add(struct vloop_dev *dev, struct vloop_frame *frame)
{
	struct vloop_entry entry = {
		.frame = frame,
		.number = frame->number,
		.timestamp = frame->timestamp,
	};
	struct vloop_reader *reader;

	list_for_each_entry(reader, &dev->readers, entry)
		vloop_reader_add(dev, reader, entry);
	if (list_is_singular(&dev->readers))
		vloop_readers_wake(dev);
	else if (!list_empty(&dev->readers))
		queue_work(system_dfl_wq, &dev->wake_work);
}

/* Those who wait for @frame wait for the copy instead, or where there is none lose it. */
void vloop_readers_replace(struct vloop_dev *dev, struct vloop_frame *frame,
			   struct vloop_frame *by)
{
	struct vloop_reader *reader;
	struct vloop_entry entry;
	unsigned int i;

	lockdep_assert_held(&dev->frames_lock);
	list_for_each_entry(reader, &dev->readers, entry) {
		for (i = reader->count; i; i--) {
			entry = *vloop_reader_at(reader, 0);
			if (entry.frame == frame && !by) {
				vloop_reader_lose(dev, reader);
				continue;
			}
			/* Round once: the order stays. */
			vloop_reader_pop(reader);
			if (entry.frame == frame) {
				entry.frame = by;
				by->refs++;
				vloop_frame_put(dev, frame);
			}
			*vloop_reader_at(reader, reader->count++) = entry;
		}
	}
}

/* Frames up to @number. The difference outlasts the number's coming round. */
void vloop_readers_drop(struct vloop_dev *dev, u32 number)
{
	struct vloop_reader *reader;

	lockdep_assert_held(&dev->frames_lock);
	list_for_each_entry(reader, &dev->readers, entry)
		while (reader->count && (s32)(vloop_reader_at(reader, 0)->number - number) <= 0)
			vloop_reader_lose(dev, reader);
}

/* There has been no frame for long: the reader gets this one, in its place. */
void vloop_reader_show_still(struct vloop_dev *dev, struct vloop_reader *reader,
			     struct vloop_frame *frame)
{
	struct vloop_entry entry = {
		.frame = frame,
		.number = dev->next - 1,
		.timestamp = dev->clock,
		.still = true,
	};

	if (reader->count && !vloop_reader_at(reader, 0)->still)
		return;
	vloop_reader_add(dev, reader, entry);
	reader->wake = false;
	wake_up(&reader->wait);
}

/* From now on the file gets frames. */
void vloop_reader_start(struct vloop_file *file)
{
	struct vloop_reader *reader = &file->reader;
	struct vloop_dev *dev = file->dev;

	spin_lock(&dev->frames_lock);
	reader->base = dev->next;
	list_add_tail(&reader->entry, &dev->readers);
	if (dev->last) {
		struct vloop_entry entry = {
			.frame = dev->last,
			.number = --reader->base,
			.timestamp = dev->last->timestamp,
			.still = !dev->last->vb,
		};

		vloop_reader_add(dev, reader, entry);
	}
	spin_unlock(&dev->frames_lock);
	vloop_still_schedule(dev);
}

/* From now on it gets none; whoever waits for one is told. */
void vloop_reader_stop(struct vloop_file *file)
{
	struct vloop_reader *reader = &file->reader;
	struct vloop_dev *dev = file->dev;

	spin_lock(&dev->frames_lock);
	list_del_init(&reader->entry);
	vloop_reader_forget(dev, reader);
	spin_unlock(&dev->frames_lock);
	wake_up_all(&reader->wait);
}

/* The format has changed: its buffers are of no use any more. */
void vloop_reader_end(struct vloop_file *file)
{
	struct vloop_reader *reader = &file->reader;
	struct vloop_dev *dev = file->dev;

	/* First: who finds it stale is to find the error, too. */
	if (!reader->reading)
		vb2_queue_error(&file->cap);
	spin_lock(&dev->frames_lock);
	reader->stale = true;
	vloop_reader_forget(dev, reader);
	spin_unlock(&dev->frames_lock);
	wake_up_all(&reader->wait);
}

/*
 * Which frame goes where
 */

/*
 * A reader's share of what can be lent: its part of the most, and one in any case.
 */
static unsigned int vloop_lent_share(struct vloop_dev *dev, const struct vloop_reader *self)
{
	unsigned int sharing = !self->lent;
	struct vloop_reader *reader;

	list_for_each_entry(reader, &dev->readers, entry)
		sharing += !!reader->lent;

	return max(vloop_most_lent(dev) / sharing, 1U);
}

/* The oldest frame that only readers have who have more than their share is the writer's. */
static bool vloop_end_excess(struct vloop_dev *dev, unsigned int share)
{
	struct vloop_frame *frame;
	struct vloop_buf *buf, *next;
	bool excess;

	list_for_each_entry(frame, &dev->held, entry) {
		excess = !list_empty(&frame->borrowers);
		list_for_each_entry(buf, &frame->borrowers, borrow)
			excess &= vloop_reader_of(buf)->lent > share;
		if (!excess)
			continue;
		frame->refs++;
		list_for_each_entry_safe(buf, next, &frame->borrowers, borrow)
			vloop_lent_back(dev, buf);
		vloop_frame_put(dev, frame);
		return true;
	}

	return false;
}

static bool vloop_may_lend(struct vloop_dev *dev, const struct vloop_reader *reader,
			   const struct vloop_frame *frame)
{
	unsigned int share = vloop_lent_share(dev, reader), lent = 0;
	struct vloop_frame *held;

	if (!list_empty(&frame->borrowers))
		return true;
	if (reader->lent >= share)
		return false;

	list_for_each_entry(held, &dev->held, entry)
		lent += !list_empty(&held->borrowers);

	return lent < vloop_most_lent(dev) || vloop_end_excess(dev, share);
}

/*
 * Whether a view can show the frame itself. Every reader has a share of the writer's
 * buffers, what the writer can spare and one at least; a frame that somebody looks at
 * already costs nothing.
 */
static bool vloop_may_show(struct vloop_dev *dev, struct vloop_reader *reader,
			   const struct vloop_frame *frame, struct vloop_view *view)
{
	const struct vb2_buffer *vb = frame->vb;

	if (!vb)
		return true;
	/* What is in the buffer behind a short frame is the writer's alone. */
	if (vb->memory != VB2_MEMORY_MMAP || !READ_ONCE(dev->format)->bytes ||
	    frame->bytes != vb2_plane_size((struct vb2_buffer *)vb, 0))
		return false;
	if (list_empty(&frame->views) && reader->shown >= vloop_most_lent(dev))
		return false;

	return !vloop_view_is_spared(view);
}

/* The view that the buffer has. */
static struct vloop_view *vloop_view_at(const struct vloop_buf *buf)
{
	if (buf->vbuf.vb2_buf.memory == VB2_MEMORY_DMABUF)
		return vloop_view_of(buf->vbuf.vb2_buf.planes[0].dbuf);

	/* Pairs with the release in vloop_map_view(), which does not have vloop_file.lock. */
	return smp_load_acquire(&buf->view);
}

/* The one that it can show frames in. */
static struct vloop_view *vloop_view_in(const struct vloop_buf *buf)
{
	return READ_ONCE(buf->own) ? NULL : vloop_view_at(buf);
}

/* Programs look at all of a buffer that they mapped. */
static bool vloop_fits(const struct vloop_frame *frame, const struct vloop_view *view, bool window)
{
	return window ? frame->bytes <= vloop_view_size(view) :
			PAGE_ALIGN(frame->bytes) == vloop_view_size(view);
}

static enum vloop_way vloop_choose_for(struct vloop_dev *dev, struct vloop_reader *reader,
				       const struct vloop_frame *frame, struct vloop_buf *buf)
{
	bool window = buf->vbuf.vb2_buf.memory == VB2_MEMORY_DMABUF;
	struct vloop_view *view = vloop_view_in(buf);

	if (!view)
		return vloop_is_writers(dev, buf) ? VLOOP_NEVER : VLOOP_COPY;
	if (vloop_view_imported(view) || (window && !vloop_view_is_free(view)))
		return VLOOP_NEVER;
	if (vloop_fits(frame, view, window) && vloop_may_show(dev, reader, frame, view))
		return VLOOP_SHOW;

	return window ? VLOOP_SHOW_COPY : VLOOP_COPY;
}

static enum vloop_way vloop_choose(struct vloop_dev *dev, struct vloop_reader *reader,
				   const struct vloop_frame *frame, struct vloop_buf **chosen)
{
	struct vloop_buf *buf;
	enum vloop_way way;

	list_for_each_entry(buf, &reader->bufs, entry) {
		if (!frame->vb || !vloop_is_memory(buf, &dev->memory[frame->vb->index]))
			continue;
		*chosen = buf;
		return !frame->going && vloop_may_lend(dev, reader, frame) ? VLOOP_LEND :
									     VLOOP_NOT_YET;
	}

	list_for_each_entry(buf, &reader->bufs, entry) {
		way = vloop_choose_for(dev, reader, frame, buf);
		*chosen = buf;
		if (way != VLOOP_NEVER)
			return way;
	}

	return VLOOP_NEVER;
}

/* The first frame that can be had, after losing those that never can. */
static enum vloop_way vloop_match(struct vloop_dev *dev, struct vloop_reader *reader,
				  struct vloop_buf **buf)
{
	enum vloop_way way;

	lockdep_assert_held(&dev->frames_lock);
	while (reader->count && !list_empty(&reader->bufs)) {
		way = vloop_choose(dev, reader, vloop_reader_at(reader, 0)->frame, buf);
		if (way != VLOOP_NEVER)
			return way;
		vloop_reader_lose(dev, reader);
	}

	return VLOOP_NOT_YET;
}

/*
 * Delivering
 */

/* The reader is done with what the buffer shows. Nobody sees it when this returns. */
void vloop_buf_return(struct vloop_dev *dev, struct vloop_buf *buf)
{
	struct vloop_view *view = buf->shown;

	if (view) {
		buf->shown = NULL;
		vloop_reader_of(buf)->shown--;
		vloop_view_show(view, NULL);
		vloop_view_put(view);
	}
	spin_lock(&dev->frames_lock);
	vloop_lent_back(dev, buf);
	spin_unlock(&dev->frames_lock);
}

void vloop_buf_unready(struct vloop_buf *buf)
{
	if (buf->ready && buf->vaddr)
		vloop_access_end(&buf->vbuf.vb2_buf);
	buf->ready = false;
	buf->vaddr = NULL;
}

/* Gives the buffer to its user with a frame of @bytes, or as broken. */
static void vloop_complete(struct vloop_buf *buf, const struct vloop_entry *entry, u32 sequence,
			   u32 bytes)
{
	struct vb2_v4l2_buffer *vbuf = &buf->vbuf;
	struct vb2_buffer *vb = &vbuf->vb2_buf;

	vbuf->sequence = sequence;
	vbuf->field = V4L2_FIELD_NONE;
	vbuf->flags = (vbuf->flags & ~VLOOP_COPIED_FLAGS) | entry->frame->flags;
	vbuf->timecode = entry->frame->timecode;
	vb->timestamp = entry->timestamp;
	vb2_set_plane_payload(vb, 0, bytes);
	vb2_buffer_done(vb, bytes ? VB2_BUF_STATE_DONE : VB2_BUF_STATE_ERROR);
}

static u32 vloop_sequence(const struct vloop_dev *dev, const struct vloop_reader *reader,
			  const struct vloop_entry *entry)
{
	return dev->stamps == VPIPE_LOOP_STAMPS_WRITER && !entry->still ?
	       entry->frame->given : entry->number - reader->base;
}

/* Returns the frame's size, or 0 if it could not be copied. */
static u32 vloop_copy_to(struct vloop_buf *buf, struct vloop_frame *frame)
{
	if (!buf->vaddr || frame->bytes > vb2_plane_size(&buf->vbuf.vb2_buf, 0) ||
	    vloop_copy_out(frame, buf->vaddr, frame->bytes))
		return 0;

	return frame->bytes;
}

/* A page is seen as a whole: what the writer has behind a frame is not for readers. */
static void vloop_clear_rest(struct vloop_frame *frame)
{
	size_t rest = PAGE_ALIGN(frame->bytes) - frame->bytes;

	if (frame->vb)
		memset(vb2_plane_vaddr(frame->vb, 0) + frame->bytes, 0, rest);
}

/*
 * The same where it could not be shown: it is about to be the writer's. Whoever got the buffer's
 * own memory since the view was chosen sees the frame there.
 */
static u32 vloop_show_in(struct vloop_buf *buf, struct vloop_frame *frame)
{
	struct vloop_view *view = vloop_view_at(buf);

	if (frame->bytes > vloop_view_size(view))
		return 0;
	vloop_clear_rest(frame);
	if (!vloop_view_show(view, frame))
		return 0;
	vloop_view_get(view);
	buf->shown = view;
	vloop_reader_of(buf)->shown++;
	if (READ_ONCE(buf->own))
		vloop_view_keep(view);

	return frame->bytes;
}

static u32 vloop_show_copy_in(struct vloop_dev *dev, struct vloop_buf *buf,
			      struct vloop_frame *frame)
{
	struct vloop_frame *copy = vloop_frame_copy(dev, frame);
	u32 bytes;

	if (!copy)
		return 0;
	bytes = vloop_show_in(buf, copy);
	vloop_frame_put_unlocked(dev, copy);

	return bytes;
}

/* Takes a frame and a buffer for it from their lists. */
static enum vloop_way vloop_take_pair(struct vloop_file *file, struct vloop_entry *entry,
				      struct vloop_buf **buf, u32 *sequence)
{
	struct vloop_reader *reader = &file->reader;
	struct vloop_dev *dev = file->dev;
	struct vloop_view *view;
	enum vloop_way way;

	spin_lock(&dev->frames_lock);
	way = vloop_match(dev, reader, buf);
	/* First of all the reader's own memory, which may take long: no frame waits for it. */
	while (way == VLOOP_COPY && !(*buf)->ready) {
		list_del(&(*buf)->entry);
		spin_unlock(&dev->frames_lock);
		(*buf)->vaddr = vloop_access_begin(&(*buf)->vbuf.vb2_buf);
		(*buf)->ready = true;
		spin_lock(&dev->frames_lock);
		list_add(&(*buf)->entry, &reader->bufs);
		way = vloop_match(dev, reader, buf);
	}
	if (way != VLOOP_NOT_YET) {
		*entry = vloop_reader_pop(reader);
		list_del_init(&(*buf)->entry);
		*sequence = vloop_sequence(dev, reader, entry);
		view = vloop_view_at(*buf);
		if (way == VLOOP_LEND)
			vloop_lend(dev, *buf, entry->frame);
		else if (way != VLOOP_SHOW && view)
			vloop_view_was_spared(view);
		entry->frame->copying++;
	}
	spin_unlock(&dev->frames_lock);

	return way;
}

/* Fills one of the file's queued buffers, if there are a frame and a buffer for it. */
static void vloop_deliver(struct vloop_file *file)
{
	struct vloop_dev *dev = file->dev;
	u32 sequence, bytes, copied = 0;
	struct vloop_entry entry;
	struct vloop_buf *buf;
	bool shared = false;

	lockdep_assert_held(&file->lock);
	switch (vloop_take_pair(file, &entry, &buf, &sequence)) {
	case VLOOP_LEND:
		bytes = entry.frame->bytes;
		if (bytes > vb2_plane_size(&buf->vbuf.vb2_buf, 0))
			bytes = 0;
		shared = bytes;
		break;
	case VLOOP_SHOW:
		bytes = vloop_show_in(buf, entry.frame);
		shared = bytes && entry.frame->vb;
		if (!bytes)
			bytes = vloop_show_copy_in(dev, buf, entry.frame);
		break;
	case VLOOP_SHOW_COPY:
		bytes = vloop_show_copy_in(dev, buf, entry.frame);
		break;
	case VLOOP_COPY:
		bytes = vloop_copy_to(buf, entry.frame);
		copied = bytes;
		break;
	default:
		return;
	}

	vloop_buf_unready(buf);
	vloop_complete(buf, &entry, sequence, bytes);
	spin_lock(&dev->frames_lock);
	dev->stats.shared += shared;
	vloop_frame_copied(dev, entry.frame, copied);
	spin_unlock(&dev->frames_lock);
}

/* VIDIOC_DQBUF would give a frame, or an error; or read(2) would. */
bool vloop_reader_ready(struct vloop_file *file)
{
	struct vloop_reader *reader = &file->reader;
	struct vloop_dev *dev = file->dev;
	struct vloop_buf *buf;
	bool ready;

	spin_lock(&dev->frames_lock);
	if (reader->stale || !vloop_reader_takes(reader))
		ready = true;
	else if (reader->reading)
		ready = reader->count;
	else
		ready = vloop_match(dev, reader, &buf) != VLOOP_NOT_YET;
	spin_unlock(&dev->frames_lock);

	return ready;
}

/* Lets go of the file meanwhile. */
int vloop_wait_ready(struct vloop_file *file, bool nonblocking)
{
	int ret;

	if (vloop_reader_ready(file))
		return 0;
	if (nonblocking)
		return -EAGAIN;

	mutex_unlock(&file->lock);
	ret = wait_event_interruptible(file->reader.wait, vloop_reader_ready(file));
	mutex_lock(&file->lock);

	return ret;
}

/* As vb2_dqbuf(), which it ends in, of a CAPTURE queue. */
int vloop_dequeue(struct vloop_file *file, struct v4l2_buffer *b, bool nonblocking)
{
	int ret;

	for (;;) {
		vloop_deliver(file);
		ret = vb2_dqbuf(&file->cap, b, true);
		if (ret != -EAGAIN)
			return ret;
		ret = vloop_wait_ready(file, nonblocking);
		if (ret)
			return ret;
	}
}
