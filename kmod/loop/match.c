// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Which frame goes to which of a reader's buffers, and how.
 */
#include "loop.h"

/* A reader's share of what can be lent: none where there are more readers than that. */
static unsigned int vloop_lent_share(struct vloop_dev *dev, const struct vloop_reader *self)
{
	unsigned int sharing = !self->lent;
	struct vloop_reader *reader;

	list_for_each_entry(reader, &dev->readers, entry)
		sharing += !!reader->lent;

	return vloop_most_lent(dev) / sharing;
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
	/* One in any case: where there is no share, another reader's oldest. */
	if (reader->lent >= max(share, 1U))
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
	    frame->told.bytes != vb2_plane_size((struct vb2_buffer *)vb, 0))
		return false;
	if (list_empty(&frame->views) && reader->shown >= vloop_most_lent(dev))
		return false;

	return !vloop_view_is_spared(view);
}

/* The view that the buffer has. */
struct vloop_view *vloop_view_at(const struct vloop_buf *buf)
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
	return window ? frame->told.bytes <= view->dbuf->size :
			PAGE_ALIGN(frame->told.bytes) == view->dbuf->size;
}

static enum vloop_delivery vloop_choose_for(struct vloop_dev *dev, struct vloop_reader *reader,
					    const struct vloop_frame *frame, struct vloop_buf *buf)
{
	bool window = buf->vbuf.vb2_buf.memory == VB2_MEMORY_DMABUF;
	struct vloop_view *view = vloop_view_in(buf);

	if (!view)
		return vloop_is_writers(dev, buf) ? VLOOP_NEVER : VLOOP_COPY;
	if (view->imported || (window && view->taken))
		return VLOOP_NEVER;
	if (vloop_fits(frame, view, window) && vloop_may_show(dev, reader, frame, view))
		return VLOOP_SHOW;

	return window ? VLOOP_SHOW_COPY : VLOOP_COPY;
}

static enum vloop_delivery vloop_choose(struct vloop_dev *dev, struct vloop_reader *reader,
					const struct vloop_frame *frame, struct vloop_buf **chosen)
{
	struct vloop_buf *buf;
	enum vloop_delivery delivery;

	list_for_each_entry(buf, &reader->bufs, entry) {
		if (!frame->vb || !vloop_is_memory(buf, &dev->memory[frame->vb->index]))
			continue;
		*chosen = buf;
		return !frame->going && vloop_may_lend(dev, reader, frame) ? VLOOP_LEND :
									     VLOOP_NOT_YET;
	}

	list_for_each_entry(buf, &reader->bufs, entry) {
		delivery = vloop_choose_for(dev, reader, frame, buf);
		*chosen = buf;
		if (delivery != VLOOP_NEVER)
			return delivery;
	}

	return VLOOP_NEVER;
}

/* The first frame that can be had, after losing those that never can. */
enum vloop_delivery vloop_match(struct vloop_dev *dev, struct vloop_reader *reader,
				struct vloop_buf **buf)
{
	enum vloop_delivery delivery;

	lockdep_assert_held(&dev->frames_lock);
	while (reader->count && !list_empty(&reader->bufs)) {
		delivery = vloop_choose(dev, reader, vloop_reader_at(reader, 0)->frame, buf);
		if (delivery != VLOOP_NEVER)
			return delivery;
		vloop_reader_drop(dev, reader);
	}

	return VLOOP_NOT_YET;
}
