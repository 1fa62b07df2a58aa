// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Frames on their way from the writer to the readers' lists, and their buffers on
 * the way back.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>

#include "loop.h"

/* Frames that are copied to a buffer before it may show the writer's memory again. */
#define LOOP_COPIES_AFTER_MOVE	32

void loop_frames_init(struct loop_dev *dev)
{
	spin_lock_init(&dev->frames_lock);
	loop_readers_init(dev);
	INIT_LIST_HEAD(&dev->held);
	INIT_LIST_HEAD(&dev->bindings);
	init_waitqueue_head(&dev->idle);
}

void loop_count_copy(struct loop_dev *dev, size_t bytes)
{
	lockdep_assert_held(&dev->frames_lock);
	dev->stats.copies++;
	dev->stats.bytes += bytes;
}

/* One that nobody refers to any more is the writer's. */
void loop_frame_put(struct loop_dev *dev, struct loop_frame *frame)
{
	lockdep_assert_held(&dev->frames_lock);
	if (--frame->refs)
		return;

	list_del_init(&frame->entry);
	vb2_buffer_done(&frame->vbuf.vb2_buf, VB2_BUF_STATE_DONE);
}

/* A copy of @bytes of it was made; none if it failed. */
void loop_frame_copied(struct loop_dev *dev, struct loop_frame *frame, u32 bytes)
{
	lockdep_assert_held(&dev->frames_lock);
	if (bytes)
		loop_count_copy(dev, bytes);
	if (!--frame->copying)
		wake_up(&dev->idle);
	loop_frame_put(dev, frame);
}

/*
 * Borrowing: CAPTURE buffers that show a frame's memory
 */

static void loop_borrow_end(struct loop_dev *dev, struct loop_buf *buf)
{
	struct loop_frame *frame = buf->lent;
	struct loop_reader *reader;

	lockdep_assert_held(&dev->frames_lock);
	buf->lent = NULL;
	list_del_init(&buf->borrow);
	if (!buf->shown && !--frame->imports && dev->lent-- >= loop_most_lent(dev))
		list_for_each_entry(reader, &dev->readers, entry)
			wake_up(&reader->wait);
	loop_frame_put(dev, frame);
}

/* From here on the buffer may go away. */
void loop_moved(struct loop_dev *dev, struct loop_buf *buf)
{
	lockdep_assert_held(&dev->frames_lock);
	buf->moving = false;
	wake_up_all(&dev->idle);
}

/*
 * Makes a buffer show its own memory, with the frame in it that its user has. @moving
 * is set, so that nobody takes the buffer or the frame away.
 */
static void loop_move(struct loop_dev *dev, struct loop_buf *buf)
{
	struct vb2_buffer *vb = &buf->vbuf.vb2_buf;
	u32 bytes = 0;

	if (buf->lent) {
		bytes = min(vb2_get_plane_payload(&buf->lent->vbuf.vb2_buf, 0),
			    vb2_plane_size(vb, 0));
		if (loop_copy_out(buf->lent, vb2_plane_vaddr(vb, 0), bytes))
			bytes = 0;
	}
	loop_view_show(buf->view, NULL);

	spin_lock(&dev->frames_lock);
	if (bytes)
		loop_count_copy(dev, bytes);
	if (buf->lent)
		loop_borrow_end(dev, buf);
	buf->shown = NULL;
	list_del_init(&buf->binding);
	buf->copies = LOOP_COPIES_AFTER_MOVE;
	loop_moved(dev, buf);
	spin_unlock(&dev->frames_lock);
}

static bool loop_is_moving(struct loop_dev *dev, const struct loop_buf *buf)
{
	bool moving;

	spin_lock(&dev->frames_lock);
	moving = buf->moving;
	spin_unlock(&dev->frames_lock);

	return moving;
}

/* For the reader itself, whose buffer does not go away meanwhile. */
static void loop_await_move(struct loop_dev *dev, struct loop_buf *buf)
	__must_hold(&dev->frames_lock)
{
	while (buf->moving) {
		spin_unlock(&dev->frames_lock);
		wait_event(dev->idle, !loop_is_moving(dev, buf));
		spin_lock(&dev->frames_lock);
	}
}

/* The reader is done with what the buffer shows. */
void loop_buf_return(struct loop_dev *dev, struct loop_buf *buf)
{
	spin_lock(&dev->frames_lock);
	loop_await_move(dev, buf);
	if (buf->lent)
		loop_borrow_end(dev, buf);
	spin_unlock(&dev->frames_lock);
}

/* The reader keeps the buffer, and the writer its memory: from now on, or @always. */
void loop_buf_own(struct loop_dev *dev, struct loop_buf *buf, bool always)
{
	spin_lock(&dev->frames_lock);
	loop_await_move(dev, buf);
	buf->own |= always;
	if (buf->shown) {
		buf->moving = true;
		spin_unlock(&dev->frames_lock);
		loop_move(dev, buf);
		return;
	}
	if (buf->lent)
		loop_borrow_end(dev, buf);
	spin_unlock(&dev->frames_lock);
}

/* Nothing shows it any more, and nobody is about to stop showing it. */
static bool loop_is_unbound(struct loop_dev *dev, const void *key, struct loop_buf **found)
{
	struct loop_buf *buf;
	bool bound = false;

	*found = NULL;
	spin_lock(&dev->frames_lock);
	list_for_each_entry(buf, &dev->bindings, binding) {
		if (buf->shown != key)
			continue;
		bound = true;
		if (buf->moving)
			continue;
		buf->moving = true;
		*found = buf;
		break;
	}
	spin_unlock(&dev->frames_lock);

	return !bound || *found;
}

/* The memory of an OUTPUT buffer goes: frames in it were taken back before. */
void loop_unbind(struct loop_dev *dev, const void *key)
{
	struct loop_buf *buf;

	for (;;) {
		wait_event(dev->idle, loop_is_unbound(dev, key, &buf));
		if (!buf)
			return;
		loop_move(dev, buf);
	}
}

/*
 * Taking frames back
 */

static struct loop_buf *loop_movable(struct loop_frame *frame)
{
	struct loop_buf *buf;

	list_for_each_entry(buf, &frame->borrowers, borrow)
		if (buf->shown && !buf->moving)
			return buf;

	return NULL;
}

/* Makes readers keep a copy of what they borrow. Lets go of the lock meanwhile. */
static void loop_move_borrowers(struct loop_dev *dev, struct loop_frame *frame)
	__must_hold(&dev->frames_lock)
{
	struct loop_buf *buf;

	lockdep_assert_held(&dev->frames_lock);
	frame->refs++;
	while ((buf = loop_movable(frame))) {
		buf->moving = true;
		spin_unlock(&dev->frames_lock);
		loop_move(dev, buf);
		spin_lock(&dev->frames_lock);
	}
	loop_frame_put(dev, frame);
}

static void loop_drop_until(struct loop_dev *dev, u32 number)
{
	struct loop_reader *reader;

	list_for_each_entry(reader, &dev->readers, entry)
		loop_reader_drop(dev, reader, number);
}

/*
 * The frame that is missed least, the oldest of those that wait for slow readers, else are
 * just being copied, else can be copied for their readers. Not the newest one, where there
 * are others.
 */
static struct loop_frame *loop_victim(struct loop_dev *dev, const struct loop_frame *newest)
{
	struct loop_frame *frame, *copied = NULL, *shown = NULL;

	list_for_each_entry(frame, &dev->held, entry) {
		if (frame == newest && dev->buffers > 1)
			continue;
		if (list_empty(&frame->borrowers) && !frame->copying)
			return frame;
		if (!copied && list_empty(&frame->borrowers))
			copied = frame;
		if (!shown && !frame->imports)
			shown = frame;
	}

	return copied ?: shown;
}

/* The writer is about to wait for a buffer: it gets one. */
static void loop_relieve(struct loop_dev *dev, const struct loop_frame *newest)
	__must_hold(&dev->frames_lock)
{
	struct loop_frame *frame;
	unsigned int held = 0;

	lockdep_assert_held(&dev->frames_lock);
	list_for_each_entry(frame, &dev->held, entry)
		held++;
	if (held < dev->buffers)
		return;

	frame = loop_victim(dev, newest);
	if (!frame)
		return;
	frame->refs++;
	loop_drop_until(dev, frame->number);
	loop_move_borrowers(dev, frame);
	loop_frame_put(dev, frame);
}

/*
 * Publishing
 */

static void loop_stamp(struct loop_dev *dev, struct loop_frame *frame)
{
	struct vb2_v4l2_buffer *vbuf = &frame->vbuf;

	frame->timestamp = vbuf->vb2_buf.timestamp;
	if (!frame->timestamp || dev->stamps == VPIPE_LOOP_STAMPS_NODE)
		frame->timestamp = ktime_get_ns();
	frame->number = dev->next++;
	vbuf->sequence = dev->written++;
	vbuf->field = V4L2_FIELD_NONE;
}

/* Of a writer with so many @buffers. */
void loop_publish(struct loop_dev *dev, struct loop_frame *frame, unsigned int buffers)
{
	struct loop_frame *last = NULL;

	if (READ_ONCE(dev->grab)) {
		WRITE_ONCE(dev->grab, false);
		loop_still_set(dev, &dev->image, loop_still_copy(dev, frame));
	}

	spin_lock(&dev->frames_lock);
	loop_stamp(dev, frame);
	dev->buffers = buffers;
	dev->frame_time = jiffies;
	dev->stats.frames++;
	INIT_LIST_HEAD(&frame->borrowers);
	list_add_tail(&frame->entry, &dev->held);
	/* This function's own. */
	frame->refs = 1;
	loop_readers_add(dev, frame);
	if (dev->keep_last) {
		last = dev->last;
		dev->last = frame;
		frame->refs++;
	}
	if (last)
		loop_frame_put(dev, last);
	loop_frame_put(dev, frame);
	loop_relieve(dev, frame);
	spin_unlock(&dev->frames_lock);
}

/* Nobody has anything to do with it in this moment. */
static bool loop_is_settled(struct loop_dev *dev, const struct loop_frame *frame)
{
	struct loop_buf *buf;
	bool settled;

	spin_lock(&dev->frames_lock);
	settled = !frame->copying;
	list_for_each_entry(buf, &frame->borrowers, borrow)
		settled &= !buf->moving;
	spin_unlock(&dev->frames_lock);

	return settled;
}

static void loop_release_imports(struct loop_dev *dev, struct loop_frame *frame)
{
	struct loop_buf *buf, *next;

	list_for_each_entry_safe(buf, next, &frame->borrowers, borrow)
		if (!buf->shown)
			loop_borrow_end(dev, buf);
}

/* The writer stops: it gets all its buffers. */
void loop_take_back(struct loop_dev *dev)
{
	struct loop_frame *frame = READ_ONCE(dev->last);

	/* The writer cannot fill it while it stops. */
	if (frame)
		loop_still_set(dev, &dev->still, loop_still_copy(dev, frame));

	spin_lock(&dev->frames_lock);
	dev->streaming = false;
	loop_drop_until(dev, dev->next - 1);
	if (dev->last)
		loop_frame_put(dev, dev->last);
	dev->last = NULL;

	while (!list_empty(&dev->held)) {
		frame = list_first_entry(&dev->held, struct loop_frame, entry);
		frame->refs++;
		loop_release_imports(dev, frame);
		loop_move_borrowers(dev, frame);
		spin_unlock(&dev->frames_lock);
		wait_event(dev->idle, loop_is_settled(dev, frame));
		spin_lock(&dev->frames_lock);
		loop_frame_put(dev, frame);
	}
	spin_unlock(&dev->frames_lock);
}

void loop_keep_last(struct loop_dev *dev, bool keep)
{
	spin_lock(&dev->frames_lock);
	dev->keep_last = keep;
	if (!keep && dev->last) {
		loop_frame_put(dev, dev->last);
		dev->last = NULL;
	}
	spin_unlock(&dev->frames_lock);
	if (!keep)
		loop_still_set(dev, &dev->still, NULL);
}
