// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Copies that readers make, piece by piece. Whoever has a low priority can be kept from going
 * on for as long as others like to run: a copy of a frame that the writer has asked for, and
 * that stands still, is told to stop. Its reader loses the frame.
 */
#include <linux/jiffies.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>

#include "loop.h"

/* Between two looks whether copies that the writer waits for stand still. */
#define VLOOP_PATIENCE_MS	50

/* What is copied without being interrupted: who tells a copy to stop waits for as much. */
#define VLOOP_PIECE		SZ_64K

/* Takes the caller's reference to @frame over. */
void vloop_copier_take(struct vloop_copier *copier, struct vloop_dev *dev,
		       struct vloop_frame *frame)
{
	lockdep_assert_held(&dev->frames_lock);
	*copier = (struct vloop_copier) {
		.dev = dev,
		.frame = frame,
		.told = frame->told,
		.seen = U32_MAX,
	};
	spin_lock_init(&copier->lock);
	if (!frame->vb) {
		copier->from = frame->data;
	} else if (frame->vb->memory != VB2_MEMORY_DMABUF) {
		copier->from = vb2_plane_vaddr(frame->vb, 0);
	} else {
		copier->dbuf = frame->vb->planes[0].dbuf;
		get_dma_buf(copier->dbuf);
	}
	frame->copying++;
	list_add_tail(&copier->entry, &frame->copiers);
}

/* A dma-buf takes its time. The copier has a share of its own: it can be told to stop meanwhile. */
void vloop_copier_begin(struct vloop_copier *copier)
{
	struct iosys_map *map = &copier->map;

	if (!copier->dbuf || dma_buf_vmap_unlocked(copier->dbuf, map))
		return;
	copier->began = !vpipe_dmabuf_begin_now(copier->dbuf, DMA_FROM_DEVICE);
	if (!copier->began || map->is_iomem)
		return;
	spin_lock(&copier->dev->frames_lock);
	if (copier->frame)
		copier->from = map->vaddr;
	spin_unlock(&copier->dev->frames_lock);
}

/* Lets go of its share of the dma-buf. */
static void vloop_copier_finish(struct vloop_copier *copier)
{
	if (!copier->dbuf)
		return;
	if (copier->began)
		dma_buf_end_cpu_access(copier->dbuf, DMA_FROM_DEVICE);
	if (!iosys_map_is_null(&copier->map))
		dma_buf_vunmap_unlocked(copier->dbuf, &copier->map);
	dma_buf_put(copier->dbuf);
}

/* To @to, or where there is none to @user, whose pages are not waited for. */
static int vloop_copier_piece(struct vloop_copier *copier, void *to, void __user *user, u32 bytes)
{
	const void *from;
	int ret = 0;

	spin_lock(&copier->lock);
	from = copier->from ? copier->from + copier->at : NULL;
	if (!from) {
		ret = -EIO;
	} else if (to) {
		memcpy(to + copier->at, from, bytes);
	} else {
		pagefault_disable();
		if (__copy_to_user_inatomic(user + copier->at, from, bytes))
			ret = -EFAULT;
		pagefault_enable();
	}
	spin_unlock(&copier->lock);

	return ret;
}

static int vloop_copier_run(struct vloop_copier *copier, void *to, void __user *user, u32 bytes)
{
	u32 at, piece;
	int ret;

	for (at = 0; at < bytes; at += piece) {
		WRITE_ONCE(copier->at, at);
		piece = min_t(u32, bytes - at, VLOOP_PIECE);
		ret = vloop_copier_piece(copier, to, user, piece);
		if (ret)
			return ret;
	}

	return 0;
}

/* EIO where the frame's memory cannot be had, or no more. */
int vloop_copier_copy(struct vloop_copier *copier, void *to, u32 bytes)
{
	return vloop_copier_run(copier, to, NULL, bytes);
}

/* EFAULT besides where not all of the caller's memory is there. */
int vloop_copier_to_user(struct vloop_copier *copier, void __user *to, u32 bytes)
{
	return vloop_copier_run(copier, NULL, to, bytes);
}

/* All of the frame, in memory of the node. None where there is none, or as above. */
struct vloop_frame *vloop_copier_frame(struct vloop_copier *copier)
{
	struct vloop_frame *copy = vloop_frame_alloc(copier->dev, copier->told.bytes);

	if (!copy)
		return NULL;
	if (vloop_copier_copy(copier, copy->data, copier->told.bytes)) {
		vloop_frame_put_unlocked(copier->dev, copy);
		return NULL;
	}
	copy->told = copier->told;

	return copy;
}

/* Lets go of the frame, unless the copier was told to stop, which has done so. */
static bool vloop_copier_let_go(struct vloop_copier *copier, u32 bytes)
{
	struct vloop_frame *frame = copier->frame;

	lockdep_assert_held(&copier->dev->frames_lock);
	if (bytes)
		vloop_count_copy(copier->dev, bytes);
	if (!frame)
		return false;

	list_del_init(&copier->entry);
	/* Mapping it costs in proportion to its size: that is for the next copies, too. */
	if (!iosys_map_is_null(&copier->map) && vloop_keep_map_locked(frame->vb, &copier->map))
		iosys_map_clear(&copier->map);
	frame->copying--;
	vloop_frame_put(copier->dev, frame);

	return true;
}

/*
 * The end of a copy, of @bytes, none if it failed. False where it was told to stop. May let go of
 * the lock meanwhile.
 */
bool vloop_copier_end_locked(struct vloop_copier *copier, u32 bytes)
	__must_hold(&copier->dev->frames_lock)
{
	bool ended = vloop_copier_let_go(copier, bytes);

	if (copier->dbuf) {
		spin_unlock(&copier->dev->frames_lock);
		vloop_copier_finish(copier);
		spin_lock(&copier->dev->frames_lock);
	}

	return ended;
}

bool vloop_copier_end(struct vloop_copier *copier, u32 bytes)
{
	bool ended;

	spin_lock(&copier->dev->frames_lock);
	ended = vloop_copier_let_go(copier, bytes);
	spin_unlock(&copier->dev->frames_lock);
	vloop_copier_finish(copier);

	return ended;
}

/*
 * Telling copies to stop
 */

/* Whether there are copies that the writer waits for. */
static bool vloop_copiers_look(struct vloop_dev *dev)
{
	struct vloop_copier *copier;
	struct vloop_frame *frame;
	bool waits = false;
	u32 at;

	list_for_each_entry(frame, &dev->held, entry) {
		if (!frame->going || !frame->copying)
			continue;
		waits = true;
		list_for_each_entry(copier, &frame->copiers, entry) {
			at = READ_ONCE(copier->at);
			copier->stands = copier->seen == at;
			copier->seen = at;
		}
	}

	return waits;
}

/* It does not look at the frame any more. */
static void vloop_copier_stop(struct vloop_copier *copier, struct vloop_frame *frame)
{
	list_del_init(&copier->entry);
	copier->frame = NULL;
	spin_lock(&copier->lock);
	copier->from = NULL;
	spin_unlock(&copier->lock);
	frame->copying--;
	vloop_frame_put(copier->dev, frame);
}

/* One of those that stand still, if any. */
static bool vloop_copiers_stop(struct vloop_dev *dev)
{
	struct vloop_copier *copier;
	struct vloop_frame *frame;

	list_for_each_entry(frame, &dev->held, entry) {
		if (!frame->going)
			continue;
		list_for_each_entry(copier, &frame->copiers, entry) {
			if (!copier->stands)
				continue;
			vloop_copier_stop(copier, frame);
			return true;
		}
	}

	return false;
}

static void vloop_copiers_work(struct work_struct *work)
{
	struct vloop_dev *dev = container_of(to_delayed_work(work), struct vloop_dev, copiers_work);

	spin_lock(&dev->frames_lock);
	if (vloop_copiers_look(dev))
		vloop_copiers_watch(dev);
	while (vloop_copiers_stop(dev))
		;
	spin_unlock(&dev->frames_lock);
}

/* The writer waits for copies to end. */
void vloop_copiers_watch(struct vloop_dev *dev)
{
	queue_delayed_work(system_dfl_wq, &dev->copiers_work, msecs_to_jiffies(VLOOP_PATIENCE_MS));
}

void vloop_copiers_init(struct vloop_dev *dev)
{
	INIT_DELAYED_WORK(&dev->copiers_work, vloop_copiers_work);
}

void vloop_copiers_exit(struct vloop_dev *dev)
{
	cancel_delayed_work_sync(&dev->copiers_work);
}
