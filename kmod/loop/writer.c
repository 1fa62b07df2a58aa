// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Frames on their way from the writer to the readers' lists, and their buffers on
 * the way back.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>

#include "loop.h"
#include "trace.h"

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
	vloop_readers_drop(dev, newest ? frame->told.number - 1 : frame->told.number);
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
	vloop_views_replace(dev, frame, copy);
	if (copy)
		vloop_frame_put(dev, copy);
	if (frame->copying)
		vloop_copiers_watch(dev);
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
	bool going = false;

	if (list_empty(&dev->held))
		return NULL;

	newest = list_last_entry(&dev->held, struct vloop_frame, entry);
	list_for_each_entry(frame, &dev->held, entry) {
		/* It comes as soon as its last copy is made, or was told to stop. */
		if (frame->going) {
			going = true;
			continue;
		}
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

	return going ? NULL : copied ?: shown ?: lent;
}

/* The writer asks for a buffer: it gets one. */
void vloop_relieve(struct vloop_file *file)
{
	struct vloop_dev *dev = file->dev;
	struct vloop_frame *frame;
	bool newest;

	lockdep_assert_held(&file->lock);
	if (file->gives_image || !vb2_is_streaming(&file->out) ||
	    !list_empty(&file->out.done_list))
		return;

	spin_lock(&dev->frames_lock);
	frame = vloop_victim(dev);
	if (frame) {
		newest = list_is_last(&frame->entry, &dev->held);
		vloop_take(dev, frame, newest);
	}
	spin_unlock(&dev->frames_lock);
}

/* VIDIOC_DQBUF would give a buffer, or an error, or there is a frame for vloop_relieve(). */
static bool vloop_is_relieved(struct vloop_file *file)
{
	struct vloop_dev *dev = file->dev;
	struct vb2_queue *q = &file->out;
	bool relieved;

	if (!list_empty(&q->done_list) || q->error || !vb2_is_streaming(q))
		return true;
	if (file->gives_image)
		return false;

	spin_lock(&dev->frames_lock);
	relieved = vloop_victim(dev);
	spin_unlock(&dev->frames_lock);

	return relieved;
}

/* Without the lock, see vloop_wait_ready(). */
int vloop_wait_relieved(struct vloop_file *file)
{
	if (vloop_is_relieved(file))
		return signal_pending(current) ? -ERESTARTSYS : 0;

	return vpipe_wait_event(&file->calls, file->out.done_wq, vloop_is_relieved(file));
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

/* The writer stops: it gets all its buffers. What is waited for are copies that go on. */
void vloop_take_back(struct vloop_dev *dev)
{
	struct vloop_frame *frame;

	spin_lock(&dev->frames_lock);
	WRITE_ONCE(dev->streaming, false);
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
	frame->told.timestamp = frame->vb->timestamp;
	if (dev->stamps == VPIPE_LOOP_STAMPS_NODE)
		frame->told.timestamp = now;
	else if (!frame->told.timestamp)
		/* The first one's may be just that; then there is no clock but the time since. */
		frame->told.timestamp = now - dev->began;
	dev->clock = frame->told.timestamp;
	frame->told.number = dev->next++;
	if (vb2_fileio_is_active(frame->vb->vb2_queue))
		frame->told.writer_sequence = dev->written;
	vbuf->sequence = dev->written++;
	vbuf->field = V4L2_FIELD_NONE;
}

/* A buffer that the writer has queued. */
void vloop_publish(struct vloop_dev *dev, struct vb2_buffer *vb)
{
	struct vb2_v4l2_buffer *vbuf = to_vb2_v4l2_buffer(vb);
	struct vloop_frame *frame = &vloop_to_out(vb)->frame;
	struct vloop_frame *copy;
	bool image_wanted;

	INIT_LIST_HEAD(&frame->views);
	INIT_LIST_HEAD(&frame->borrowers);
	INIT_LIST_HEAD(&frame->copiers);
	frame->vb = vb;
	frame->going = false;
	frame->copying = 0;
	frame->told.bytes = vb2_get_plane_payload(vb, 0);
	frame->told.flags = vbuf->flags & VLOOP_COPIED_FLAGS;
	frame->told.timecode = vbuf->timecode;
	frame->told.writer_sequence = vloop_to_out(vb)->writer_sequence;

	spin_lock(&dev->frames_lock);
	vloop_stamp(dev, frame);
	WRITE_ONCE(dev->buffers, vpipe_num_buffers(vb->vb2_queue));
	dev->frame_time = jiffies;
	WRITE_ONCE(dev->placeholder_time, jiffies);
	dev->stats.frames++;
	trace_vloop_published(vb2_get_drv_priv(vb->vb2_queue), frame->told.number, vb->index,
			      vbuf->sequence, frame->told.timestamp, frame->told.bytes);
	list_add_tail(&frame->entry, &dev->held);
	/* This function's own. */
	frame->refs = 1;
	vloop_readers_add(dev, frame);
	if (dev->keep_last || dev->sustain) {
		frame->refs++;
		vloop_set_frame(dev, &dev->last, frame);
	}
	image_wanted = dev->image_wanted;
	dev->image_wanted = false;
	spin_unlock(&dev->frames_lock);

	/* The image is kept for long: the writer's buffer is to come back in its turn. */
	copy = image_wanted ? vloop_frame_copy(dev, frame) : NULL;

	spin_lock(&dev->frames_lock);
	if (copy)
		vloop_set_frame(dev, &dev->image, copy);
	vloop_frame_put(dev, frame);
	spin_unlock(&dev->frames_lock);
}

/* A buffer of the time-out image, which is all that becomes of it. */
void vloop_take_image(struct vloop_dev *dev, struct vb2_buffer *vb)
{
	struct vb2_v4l2_buffer *vbuf = to_vb2_v4l2_buffer(vb);
	struct vloop_frame *frame = &vloop_to_out(vb)->frame;
	struct vloop_frame *copy;

	frame->vb = vb;
	frame->told.bytes = vb2_get_plane_payload(vb, 0);
	frame->told.flags = vbuf->flags & VLOOP_COPIED_FLAGS;
	frame->told.timecode = vbuf->timecode;
	vbuf->field = V4L2_FIELD_NONE;

	copy = vloop_frame_copy(dev, frame);
	if (copy) {
		spin_lock(&dev->frames_lock);
		vloop_set_frame(dev, &dev->image, copy);
		spin_unlock(&dev->frames_lock);
	}
	vb2_buffer_done(vb, copy ? VB2_BUF_STATE_DONE : VB2_BUF_STATE_ERROR);
}

/* @why is keep_last or sustain: the frame is kept while there is one of them. */
void vloop_keep_last(struct vloop_dev *dev, bool *why, bool keep)
{
	spin_lock(&dev->frames_lock);
	WRITE_ONCE(*why, keep);
	if (!dev->keep_last && !dev->sustain)
		vloop_set_frame(dev, &dev->last, NULL);
	spin_unlock(&dev->frames_lock);
}
