// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * How frames reach a reader's buffers: shown where the memory can be shown, copied
 * otherwise, in either case by the reader itself.
 */
#include "loop.h"
#include "trace.h"

/* The reader is done with what the buffer shows. Nobody sees it when this returns. */
void vloop_buf_return(struct vloop_dev *dev, struct vloop_buf *buf)
{
	struct vloop_view *view = buf->shown;

	if (view) {
		buf->shown = NULL;
		vloop_reader_of(buf)->shown--;
		vloop_view_clear(view);
	}
	spin_lock(&dev->frames_lock);
	if (view)
		view->taken = false;
	vloop_lent_back(dev, buf);
	spin_unlock(&dev->frames_lock);
	if (view)
		vloop_view_put(view);
}

void vloop_buf_unready(struct vloop_buf *buf)
{
	if (buf->ready && buf->vaddr)
		vloop_access_end(&buf->vbuf.vb2_buf);
	buf->ready = false;
	buf->vaddr = NULL;
}

/**
 * struct vloop_pair - a frame and the buffer that it goes to
 * @buf:	the buffer
 * @entry:	of the reader's list; its frame may be the writer's again
 * @told:	of the frame
 * @sequence:	that the reader has for it
 * @copier:	of the frame, where it is copied
 */
struct vloop_pair {
	struct vloop_buf *buf;
	struct vloop_entry entry;
	struct vloop_told told;
	u32 sequence;
	struct vloop_copier copier;
};

/* Gives the buffer to its user with a frame of @bytes, or as broken. */
static void vloop_complete(const struct vloop_pair *pair, u32 bytes)
{
	struct vb2_v4l2_buffer *vbuf = &pair->buf->vbuf;
	struct vb2_buffer *vb = &vbuf->vb2_buf;

	vbuf->sequence = pair->sequence;
	vbuf->field = V4L2_FIELD_NONE;
	vbuf->flags = (vbuf->flags & ~VLOOP_COPIED_FLAGS) | pair->told.flags;
	vbuf->timecode = pair->told.timecode;
	vb->timestamp = pair->entry.timestamp;
	vb2_set_plane_payload(vb, 0, bytes);
	trace_vloop_delivered(vb2_get_drv_priv(vb->vb2_queue), pair->entry.number, vb->index,
			      pair->sequence, pair->entry.timestamp, bytes);
	vb2_buffer_done(vb, bytes ? VB2_BUF_STATE_DONE : VB2_BUF_STATE_ERROR);
}

static bool vloop_fits_in(const struct vloop_pair *pair)
{
	return pair->told.bytes <= vb2_plane_size(&pair->buf->vbuf.vb2_buf, 0);
}

/* Returns the frame's size, or 0 if it could not be copied. */
static u32 vloop_copy_to(struct vloop_pair *pair)
{
	struct vloop_buf *buf = pair->buf;
	u32 bytes = pair->told.bytes;

	if (!buf->vaddr || !vloop_fits_in(pair) ||
	    vloop_copier_copy(&pair->copier, buf->vaddr, bytes))
		return 0;

	return bytes;
}

/* A page is seen as a whole: what the writer has behind a frame is not for readers. */
static void vloop_clear_rest(struct vloop_frame *frame)
{
	size_t rest = PAGE_ALIGN(frame->told.bytes) - frame->told.bytes;

	if (frame->vb)
		memset(vb2_plane_vaddr(frame->vb, 0) + frame->told.bytes, 0, rest);
}

static void vloop_show_in(struct vloop_buf *buf, struct vloop_frame *frame)
{
	struct vloop_view *view = vloop_view_at(buf);

	lockdep_assert_held(&view->dev->frames_lock);
	vloop_clear_rest(frame);
	view->taken = true;
	vloop_view_set(view, frame);
	vloop_view_get(view);
	buf->shown = view;
	vloop_reader_of(buf)->shown++;
}

/* Whoever got the buffer's own memory since the view was chosen sees the frame there. */
static void vloop_is_shown_in(struct vloop_buf *buf)
{
	vloop_view_zap(buf->shown);
	if (READ_ONCE(buf->own))
		vloop_view_keep(buf->shown);
}

/* Returns the frame's size, or 0 if it could not be copied. */
static u32 vloop_show_copy_in(struct vloop_dev *dev, struct vloop_pair *pair)
{
	struct vloop_buf *buf = pair->buf;
	struct vloop_view *view = vloop_view_at(buf);
	struct vloop_frame *copy = NULL;

	if (pair->told.bytes <= view->dbuf->size)
		copy = vloop_copier_frame(&pair->copier);
	spin_lock(&dev->frames_lock);
	if (copy) {
		vloop_show_in(buf, copy);
		vloop_frame_put(dev, copy);
	} else {
		view->taken = false;
	}
	spin_unlock(&dev->frames_lock);
	if (!copy)
		return 0;
	vloop_is_shown_in(buf);

	return pair->told.bytes;
}

/* Lends or shows it, or prepares for a copy. Takes the reference of the reader's list over. */
static void vloop_give(struct vloop_dev *dev, struct vloop_pair *pair,
		       enum vloop_delivery delivery)
{
	struct vloop_view *view = vloop_view_at(pair->buf);
	struct vloop_frame *frame = pair->entry.frame;

	lockdep_assert_held(&dev->frames_lock);
	if (delivery == VLOOP_LEND) {
		vloop_lend(dev, pair->buf, frame);
		dev->stats.shared += vloop_fits_in(pair);
	} else if (delivery == VLOOP_SHOW) {
		vloop_show_in(pair->buf, frame);
		dev->stats.shared += !!frame->vb;
	} else {
		if (view)
			vloop_view_was_spared(view);
		/* The frame comes later, without the lock. */
		if (delivery == VLOOP_SHOW_COPY)
			view->taken = true;
		vloop_copier_take(&pair->copier, dev, frame);
		return;
	}
	vloop_frame_put(dev, frame);
}

/* Takes a frame and a buffer for it from their lists. */
static enum vloop_delivery vloop_take_pair(struct vloop_file *file, struct vloop_pair *pair)
{
	struct vloop_reader *reader = &file->reader;
	struct vloop_dev *dev = file->dev;
	enum vloop_delivery delivery;
	struct vloop_buf *buf;

	spin_lock(&dev->frames_lock);
	delivery = vloop_match(dev, reader, &buf);
	/* First of all the reader's own memory, which may take long: no frame waits for it. */
	while (delivery == VLOOP_COPY && !buf->ready) {
		list_del(&buf->entry);
		spin_unlock(&dev->frames_lock);
		buf->vaddr = vloop_access_begin(&buf->vbuf.vb2_buf);
		buf->ready = true;
		spin_lock(&dev->frames_lock);
		list_add(&buf->entry, &reader->bufs);
		delivery = vloop_match(dev, reader, &buf);
	}
	if (delivery != VLOOP_NOT_YET) {
		list_del_init(&buf->entry);
		pair->buf = buf;
		pair->entry = vloop_reader_pop(reader);
		pair->told = pair->entry.frame->told;
		pair->sequence = vloop_reader_sequence(dev, reader, &pair->entry);
		/* What is about to be the writer's is not shown any more. */
		if (delivery == VLOOP_SHOW && pair->entry.frame->going)
			delivery = VLOOP_SHOW_COPY;
		vloop_give(dev, pair, delivery);
	}
	spin_unlock(&dev->frames_lock);

	return delivery;
}

/* The copy was told to stop: the buffer is for another frame. */
static void vloop_lose_pair(struct vloop_file *file, const struct vloop_pair *pair)
{
	struct vloop_dev *dev = file->dev;

	spin_lock(&dev->frames_lock);
	list_add(&pair->buf->entry, &file->reader.bufs);
	vloop_reader_lost(file, &pair->entry, &pair->told, pair->sequence);
	spin_unlock(&dev->frames_lock);
}

/* Fills one of the file's queued buffers, if there are a frame and a buffer for it. */
static void vloop_deliver(struct vloop_file *file)
{
	struct vloop_dev *dev = file->dev;
	enum vloop_delivery delivery;
	struct vloop_pair pair;
	u32 bytes;

	lockdep_assert_held(&file->lock);
	delivery = vloop_take_pair(file, &pair);
	if (delivery == VLOOP_NOT_YET)
		return;

	bytes = pair.told.bytes;
	if (delivery == VLOOP_LEND) {
		if (!vloop_fits_in(&pair))
			bytes = 0;
	} else if (delivery == VLOOP_SHOW) {
		vloop_is_shown_in(pair.buf);
	} else {
		vloop_copier_begin(&pair.copier);
		bytes = delivery == VLOOP_COPY ? vloop_copy_to(&pair) :
						 vloop_show_copy_in(dev, &pair);
		if (!vloop_copier_end(&pair.copier, bytes) && !bytes) {
			vloop_lose_pair(file, &pair);
			return;
		}
	}
	vloop_buf_unready(pair.buf);
	vloop_complete(&pair, bytes);
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
 * Without the lock, for which the caller can be killed as well when it wants it again: another
 * program that has the same file may be in a call that waits for its memory.
 */
int vloop_wait_ready(struct vloop_file *file)
{
	/* Another thread may take what there is again and again. */
	if (vloop_reader_ready(file))
		return signal_pending(current) ? -ERESTARTSYS : 0;

	return vpipe_wait_event(&file->calls, file->reader.wait, vloop_reader_ready(file));
}

/* As vb2_dqbuf(), which it ends in, of a CAPTURE queue; does not wait. */
int vloop_dequeue(struct vloop_file *file, struct v4l2_buffer *b)
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
		if (!vloop_reader_ready(file))
			return -EAGAIN;
	}
}
