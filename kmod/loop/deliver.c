// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * How frames reach a reader's buffers: shown where the memory can be shown, copied
 * otherwise, in either case by the reader itself.
 */
#include "loop.h"
#include "trace.h"

/* In poll or in a call, of one file. */
#define VLOOP_MAX_WAITING	256

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
	trace_vloop_delivered(vb2_get_drv_priv(vb->vb2_queue), entry->number, vb->index, sequence,
			      entry->timestamp, bytes);
	vb2_buffer_done(vb, bytes ? VB2_BUF_STATE_DONE : VB2_BUF_STATE_ERROR);
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

	if (frame->bytes > view->dbuf->size)
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
static enum vloop_delivery vloop_take_pair(struct vloop_file *file, struct vloop_entry *entry,
					   struct vloop_buf **buf, u32 *sequence)
{
	struct vloop_reader *reader = &file->reader;
	struct vloop_dev *dev = file->dev;
	struct vloop_view *view;
	enum vloop_delivery delivery;

	spin_lock(&dev->frames_lock);
	delivery = vloop_match(dev, reader, buf);
	/* First of all the reader's own memory, which may take long: no frame waits for it. */
	while (delivery == VLOOP_COPY && !(*buf)->ready) {
		list_del(&(*buf)->entry);
		spin_unlock(&dev->frames_lock);
		(*buf)->vaddr = vloop_access_begin(&(*buf)->vbuf.vb2_buf);
		(*buf)->ready = true;
		spin_lock(&dev->frames_lock);
		list_add(&(*buf)->entry, &reader->bufs);
		delivery = vloop_match(dev, reader, buf);
	}
	if (delivery != VLOOP_NOT_YET) {
		*entry = vloop_reader_pop(reader);
		list_del_init(&(*buf)->entry);
		*sequence = vloop_reader_sequence(dev, reader, entry);
		view = vloop_view_at(*buf);
		if (delivery == VLOOP_LEND)
			vloop_lend(dev, *buf, entry->frame);
		else if (delivery != VLOOP_SHOW && view)
			vloop_view_was_spared(view);
		entry->frame->copying++;
	}
	spin_unlock(&dev->frames_lock);

	return delivery;
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

/*
 * Whether all wait for this reader that may: its writer has to wake them, and a file can be in any
 * number of polls, of any number of threads.
 */
bool vloop_is_crowded(struct vloop_reader *reader)
{
	struct wait_queue_entry *entry;
	unsigned int waiting = 0;
	unsigned long flags;

	spin_lock_irqsave(&reader->wait.lock, flags);
	list_for_each_entry(entry, &reader->wait.head, entry)
		waiting++;
	spin_unlock_irqrestore(&reader->wait.lock, flags);

	return waiting >= VLOOP_MAX_WAITING;
}

/* Lets go of the file meanwhile. */
int vloop_wait_ready(struct vloop_file *file, bool nonblocking)
{
	int ret;

	if (vloop_reader_ready(file))
		return 0;
	if (nonblocking)
		return -EAGAIN;
	if (vloop_is_crowded(&file->reader))
		return -EBUSY;

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
		/* There will be none any more, though videobuf2 may not have heard of that yet. */
		if (READ_ONCE(file->reader.stale))
			return -EIO;
		ret = vloop_wait_ready(file, nonblocking);
		if (ret)
			return ret;
	}
}
