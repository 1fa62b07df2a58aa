// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A reader's list of frames, and how they reach its buffers: shown where the memory
 * can be shown, copied otherwise, in either case by the reader itself.
 */
#include <linux/ktime.h>

#include "loop.h"

/* How a frame reaches a buffer. */
enum loop_way {
	LOOP_NOT_YET,		/* there is no buffer for it */
	LOOP_NEVER,		/* there will not be: all are memory of the writer's */
	LOOP_LEND,		/* the buffer is the frame's memory */
	LOOP_SHOW,		/* its view shows the frame */
	LOOP_SHOW_COPY,		/* its view shows a copy of the frame */
	LOOP_COPY,		/* to the buffer's memory */
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

static struct loop_entry *loop_reader_at(struct loop_reader *reader, unsigned int i)
{
	return &reader->list[(reader->first + i) % LOOP_MAX_BUFFERS];
}

struct loop_entry loop_reader_pop(struct loop_reader *reader)
{
	struct loop_entry entry = *loop_reader_at(reader, 0);

	reader->first = (reader->first + 1) % LOOP_MAX_BUFFERS;
	reader->count--;

	return entry;
}

static void loop_reader_lose(struct loop_dev *dev, struct loop_reader *reader)
{
	struct loop_entry entry = loop_reader_pop(reader);

	if (!entry.still)
		dev->stats.lost++;
	loop_frame_put(dev, entry.frame);
}

static void loop_reader_forget(struct loop_dev *dev, struct loop_reader *reader)
{
	while (reader->count)
		loop_frame_put(dev, loop_reader_pop(reader).frame);
}

static void loop_reader_add(struct loop_dev *dev, struct loop_reader *reader,
			    struct loop_entry entry)
{
	if (reader->stale)
		return;

	/* What stands for a frame is of no use once there is one. */
	while (reader->count && loop_reader_at(reader, 0)->still)
		loop_reader_lose(dev, reader);
	if (reader->count == LOOP_MAX_BUFFERS)
		loop_reader_lose(dev, reader);
	/* With more than one frame it has been told already. */
	reader->wake |= !reader->count;
	*loop_reader_at(reader, reader->count++) = entry;
	entry.frame->refs++;
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
	struct loop_entry entry = {
		.frame = frame,
		.number = frame->number,
		.timestamp = frame->timestamp,
	};
	struct loop_reader *reader;

	list_for_each_entry(reader, &dev->readers, entry)
		loop_reader_add(dev, reader, entry);
	if (list_is_singular(&dev->readers))
		loop_readers_wake(dev);
	else if (!list_empty(&dev->readers))
		queue_work(system_dfl_wq, &dev->wake_work);
}

/* Those who wait for @frame wait for the copy instead, or where there is none lose it. */
void loop_readers_replace(struct loop_dev *dev, struct loop_frame *frame,
			  struct loop_frame *by)
{
	struct loop_reader *reader;
	struct loop_entry entry;
	unsigned int i;

	lockdep_assert_held(&dev->frames_lock);
	list_for_each_entry(reader, &dev->readers, entry) {
		for (i = reader->count; i; i--) {
			entry = *loop_reader_at(reader, 0);
			if (entry.frame == frame && !by) {
				loop_reader_lose(dev, reader);
				continue;
			}
			/* Round once: the order stays. */
			loop_reader_pop(reader);
			if (entry.frame == frame) {
				entry.frame = by;
				by->refs++;
				loop_frame_put(dev, frame);
			}
			*loop_reader_at(reader, reader->count++) = entry;
		}
	}
}

/* Frames up to @number. The difference outlasts the number's coming round. */
void loop_readers_drop(struct loop_dev *dev, u32 number)
{
	struct loop_reader *reader;

	lockdep_assert_held(&dev->frames_lock);
	list_for_each_entry(reader, &dev->readers, entry)
		while (reader->count && (s32)(loop_reader_at(reader, 0)->number - number) <= 0)
			loop_reader_lose(dev, reader);
}

/* There has been no frame for long: the reader gets this one, in its place. */
void loop_reader_show_still(struct loop_dev *dev, struct loop_reader *reader,
			    struct loop_frame *frame)
{
	struct loop_entry entry = {
		.frame = frame,
		.number = dev->next - 1,
		.timestamp = dev->clock,
		.still = true,
	};

	if (reader->count && !loop_reader_at(reader, 0)->still)
		return;
	loop_reader_add(dev, reader, entry);
	reader->wake = false;
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
		struct loop_entry entry = {
			.frame = dev->last,
			.number = --reader->base,
			.timestamp = dev->last->timestamp,
			.still = !dev->last->vb,
		};

		loop_reader_add(dev, reader, entry);
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
	loop_reader_forget(dev, reader);
	spin_unlock(&dev->frames_lock);
	wake_up_all(&reader->wait);
}

/* The format has changed: its buffers are of no use any more. */
void loop_reader_end(struct loop_file *file)
{
	struct loop_reader *reader = &file->reader;
	struct loop_dev *dev = file->dev;

	/* First: who finds it stale is to find the error, too. */
	if (!reader->reading)
		vb2_queue_error(&file->cap);
	spin_lock(&dev->frames_lock);
	reader->stale = true;
	loop_reader_forget(dev, reader);
	spin_unlock(&dev->frames_lock);
	wake_up_all(&reader->wait);
}

/*
 * Which frame goes where
 */

/*
 * A reader's share of what can be lent: its part of the most, and one in any case.
 */
static unsigned int loop_lent_share(struct loop_dev *dev, const struct loop_reader *self)
{
	unsigned int sharing = !self->lent;
	struct loop_reader *reader;

	list_for_each_entry(reader, &dev->readers, entry)
		sharing += !!reader->lent;

	return max(loop_most_lent(dev) / sharing, 1U);
}

/* The oldest frame that only readers have who have more than their share is the writer's. */
static bool loop_end_excess(struct loop_dev *dev, unsigned int share)
{
	struct loop_frame *frame;
	struct loop_buf *buf, *next;
	bool excess;

	list_for_each_entry(frame, &dev->held, entry) {
		excess = !list_empty(&frame->borrowers);
		list_for_each_entry(buf, &frame->borrowers, borrow)
			excess &= loop_reader_of(buf)->lent > share;
		if (!excess)
			continue;
		frame->refs++;
		list_for_each_entry_safe(buf, next, &frame->borrowers, borrow)
			loop_lent_back(dev, buf);
		loop_frame_put(dev, frame);
		return true;
	}

	return false;
}

static bool loop_may_lend(struct loop_dev *dev, const struct loop_reader *reader,
			  const struct loop_frame *frame)
{
	unsigned int share = loop_lent_share(dev, reader), lent = 0;
	struct loop_frame *held;

	if (!list_empty(&frame->borrowers))
		return true;
	if (reader->lent >= share)
		return false;

	list_for_each_entry(held, &dev->held, entry)
		lent += !list_empty(&held->borrowers);

	return lent < loop_most_lent(dev) || loop_end_excess(dev, share);
}

/*
 * Whether a view can show the frame itself. Every reader has a share of the writer's
 * buffers, what the writer can spare and one at least; a frame that somebody looks at
 * already costs nothing.
 */
static bool loop_may_show(struct loop_dev *dev, struct loop_reader *reader,
			  const struct loop_frame *frame, struct loop_view *view)
{
	const struct vb2_buffer *vb = frame->vb;

	if (!vb)
		return true;
	/* What is in the buffer behind a short frame is the writer's alone. */
	if (vb->memory != VB2_MEMORY_MMAP || !READ_ONCE(dev->format)->bytes ||
	    frame->bytes != vb2_plane_size((struct vb2_buffer *)vb, 0))
		return false;
	if (list_empty(&frame->views) && reader->shown >= loop_most_lent(dev))
		return false;

	return !loop_view_is_spared(view);
}

/* The view that the buffer has. */
static struct loop_view *loop_view_at(const struct loop_buf *buf)
{
	if (buf->vbuf.vb2_buf.memory == VB2_MEMORY_DMABUF)
		return loop_view_of(buf->vbuf.vb2_buf.planes[0].dbuf);

	/* Pairs with the release in loop_map_view(), which does not have loop_file.lock. */
	return smp_load_acquire(&buf->view);
}

/* The one that it can show frames in. */
static struct loop_view *loop_view_in(const struct loop_buf *buf)
{
	return READ_ONCE(buf->own) ? NULL : loop_view_at(buf);
}

/* Programs look at all of a buffer that they mapped. */
static bool loop_fits(const struct loop_frame *frame, const struct loop_view *view, bool window)
{
	return window ? frame->bytes <= loop_view_size(view) :
			PAGE_ALIGN(frame->bytes) == loop_view_size(view);
}

static enum loop_way loop_choose_for(struct loop_dev *dev, struct loop_reader *reader,
				     const struct loop_frame *frame, struct loop_buf *buf)
{
	bool window = buf->vbuf.vb2_buf.memory == VB2_MEMORY_DMABUF;
	struct loop_view *view = loop_view_in(buf);

	if (!view)
		return loop_is_writers(dev, buf) ? LOOP_NEVER : LOOP_COPY;
	if (loop_view_imported(view) || (window && !loop_view_is_free(view)))
		return LOOP_NEVER;
	if (loop_fits(frame, view, window) && loop_may_show(dev, reader, frame, view))
		return LOOP_SHOW;

	return window ? LOOP_SHOW_COPY : LOOP_COPY;
}

static enum loop_way loop_choose(struct loop_dev *dev, struct loop_reader *reader,
				 const struct loop_frame *frame, struct loop_buf **chosen)
{
	struct loop_buf *buf;
	enum loop_way way;

	list_for_each_entry(buf, &reader->bufs, entry) {
		if (!frame->vb || !loop_is_memory(buf, &dev->memory[frame->vb->index]))
			continue;
		*chosen = buf;
		return !frame->going && loop_may_lend(dev, reader, frame) ? LOOP_LEND :
									    LOOP_NOT_YET;
	}

	list_for_each_entry(buf, &reader->bufs, entry) {
		way = loop_choose_for(dev, reader, frame, buf);
		*chosen = buf;
		if (way != LOOP_NEVER)
			return way;
	}

	return LOOP_NEVER;
}

/* The first frame that can be had, after losing those that never can. */
static enum loop_way loop_match(struct loop_dev *dev, struct loop_reader *reader,
				struct loop_buf **buf)
{
	enum loop_way way;

	lockdep_assert_held(&dev->frames_lock);
	while (reader->count && !list_empty(&reader->bufs)) {
		way = loop_choose(dev, reader, loop_reader_at(reader, 0)->frame, buf);
		if (way != LOOP_NEVER)
			return way;
		loop_reader_lose(dev, reader);
	}

	return LOOP_NOT_YET;
}

/*
 * Delivering
 */

/* The reader is done with what the buffer shows. Nobody sees it when this returns. */
void loop_buf_return(struct loop_dev *dev, struct loop_buf *buf)
{
	struct loop_view *view = buf->shown;

	if (view) {
		buf->shown = NULL;
		loop_reader_of(buf)->shown--;
		loop_view_show(view, NULL);
		loop_view_put(view);
	}
	spin_lock(&dev->frames_lock);
	loop_lent_back(dev, buf);
	spin_unlock(&dev->frames_lock);
}

void loop_buf_unready(struct loop_buf *buf)
{
	if (buf->ready && buf->vaddr)
		loop_access_end(&buf->vbuf.vb2_buf);
	buf->ready = false;
	buf->vaddr = NULL;
}

/* Gives the buffer to its user with a frame of @bytes, or as broken. */
static void loop_complete(struct loop_buf *buf, const struct loop_entry *entry, u32 sequence,
			  u32 bytes)
{
	struct vb2_v4l2_buffer *vbuf = &buf->vbuf;
	struct vb2_buffer *vb = &vbuf->vb2_buf;

	vbuf->sequence = sequence;
	vbuf->field = V4L2_FIELD_NONE;
	vbuf->flags = (vbuf->flags & ~LOOP_COPIED_FLAGS) | entry->frame->flags;
	vbuf->timecode = entry->frame->timecode;
	vb->timestamp = entry->timestamp;
	vb2_set_plane_payload(vb, 0, bytes);
	vb2_buffer_done(vb, bytes ? VB2_BUF_STATE_DONE : VB2_BUF_STATE_ERROR);
}

static u32 loop_sequence(const struct loop_dev *dev, const struct loop_reader *reader,
			 const struct loop_entry *entry)
{
	return dev->stamps == VPIPE_LOOP_STAMPS_WRITER && !entry->still ?
	       entry->frame->given : entry->number - reader->base;
}

/* Returns the frame's size, or 0 if it could not be copied. */
static u32 loop_copy_to(struct loop_buf *buf, struct loop_frame *frame)
{
	if (!buf->vaddr || frame->bytes > vb2_plane_size(&buf->vbuf.vb2_buf, 0) ||
	    loop_copy_out(frame, buf->vaddr, frame->bytes))
		return 0;

	return frame->bytes;
}

/* A page is seen as a whole: what the writer has behind a frame is not for readers. */
static void loop_clear_rest(struct loop_frame *frame)
{
	size_t rest = PAGE_ALIGN(frame->bytes) - frame->bytes;

	if (frame->vb)
		memset(vb2_plane_vaddr(frame->vb, 0) + frame->bytes, 0, rest);
}

/*
 * The same where it could not be shown: it is about to be the writer's. Whoever got the buffer's
 * own memory since the view was chosen sees the frame there.
 */
static u32 loop_show_in(struct loop_buf *buf, struct loop_frame *frame)
{
	struct loop_view *view = loop_view_at(buf);

	if (frame->bytes > loop_view_size(view))
		return 0;
	loop_clear_rest(frame);
	if (!loop_view_show(view, frame))
		return 0;
	loop_view_get(view);
	buf->shown = view;
	loop_reader_of(buf)->shown++;
	if (READ_ONCE(buf->own))
		loop_view_keep(view);

	return frame->bytes;
}

static u32 loop_show_copy_in(struct loop_dev *dev, struct loop_buf *buf,
			     struct loop_frame *frame)
{
	struct loop_frame *copy = loop_frame_copy(dev, frame);
	u32 bytes;

	if (!copy)
		return 0;
	bytes = loop_show_in(buf, copy);
	loop_frame_put_unlocked(dev, copy);

	return bytes;
}

/* Takes a frame and a buffer for it from their lists. */
static enum loop_way loop_take_pair(struct loop_file *file, struct loop_entry *entry,
				    struct loop_buf **buf, u32 *sequence)
{
	struct loop_reader *reader = &file->reader;
	struct loop_dev *dev = file->dev;
	struct loop_view *view;
	enum loop_way way;

	spin_lock(&dev->frames_lock);
	way = loop_match(dev, reader, buf);
	/* First of all the reader's own memory, which may take long: no frame waits for it. */
	while (way == LOOP_COPY && !(*buf)->ready) {
		list_del(&(*buf)->entry);
		spin_unlock(&dev->frames_lock);
		(*buf)->vaddr = loop_access_begin(&(*buf)->vbuf.vb2_buf);
		(*buf)->ready = true;
		spin_lock(&dev->frames_lock);
		list_add(&(*buf)->entry, &reader->bufs);
		way = loop_match(dev, reader, buf);
	}
	if (way != LOOP_NOT_YET) {
		*entry = loop_reader_pop(reader);
		list_del_init(&(*buf)->entry);
		*sequence = loop_sequence(dev, reader, entry);
		view = loop_view_at(*buf);
		if (way == LOOP_LEND)
			loop_lend(dev, *buf, entry->frame);
		else if (way != LOOP_SHOW && view)
			loop_view_was_spared(view);
		entry->frame->copying++;
	}
	spin_unlock(&dev->frames_lock);

	return way;
}

/* Fills one of the file's queued buffers, if there are a frame and a buffer for it. */
static void loop_deliver(struct loop_file *file)
{
	struct loop_dev *dev = file->dev;
	u32 sequence, bytes, copied = 0;
	struct loop_entry entry;
	struct loop_buf *buf;
	bool shared = false;

	lockdep_assert_held(&file->lock);
	switch (loop_take_pair(file, &entry, &buf, &sequence)) {
	case LOOP_LEND:
		bytes = entry.frame->bytes;
		if (bytes > vb2_plane_size(&buf->vbuf.vb2_buf, 0))
			bytes = 0;
		shared = bytes;
		break;
	case LOOP_SHOW:
		bytes = loop_show_in(buf, entry.frame);
		shared = bytes && entry.frame->vb;
		if (!bytes)
			bytes = loop_show_copy_in(dev, buf, entry.frame);
		break;
	case LOOP_SHOW_COPY:
		bytes = loop_show_copy_in(dev, buf, entry.frame);
		break;
	case LOOP_COPY:
		bytes = loop_copy_to(buf, entry.frame);
		copied = bytes;
		break;
	default:
		return;
	}

	loop_buf_unready(buf);
	loop_complete(buf, &entry, sequence, bytes);
	spin_lock(&dev->frames_lock);
	dev->stats.shared += shared;
	loop_frame_copied(dev, entry.frame, copied);
	spin_unlock(&dev->frames_lock);
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
		ready = reader->count;
	else
		ready = loop_match(dev, reader, &buf) != LOOP_NOT_YET;
	spin_unlock(&dev->frames_lock);

	return ready;
}

/* Lets go of the file meanwhile. */
int loop_wait_ready(struct loop_file *file, bool nonblocking)
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
