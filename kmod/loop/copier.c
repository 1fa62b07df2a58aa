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

static void vloop_copier_enlist(struct vloop_copier *copier, const void *from)
{
	lockdep_assert_held(&copier->dev->frames_lock);
	copier->from = from;
	copier->seen = U32_MAX;
	list_add_tail(&copier->entry, &copier->frame->copiers);
}

/* Takes the caller's reference to @frame over. */
void vloop_copier_take(struct vloop_copier *copier, struct vloop_dev *dev,
		       struct vloop_frame *frame)
{
	lockdep_assert_held(&dev->frames_lock);
	*copier = (struct vloop_copier) {
		.dev = dev,
		.frame = frame,
		.told = frame->told,
		.bracketed = frame->vb && frame->vb->memory == VB2_MEMORY_DMABUF,
	};
	spin_lock_init(&copier->lock);
	INIT_LIST_HEAD(&copier->entry);
	frame->copying++;
	if (!copier->bracketed)
		vloop_copier_enlist(copier, frame->vb ? vb2_plane_vaddr(frame->vb, 0) :
							frame->data);
}

/* A dma-buf takes its time, and must not go meanwhile. */
void vloop_copier_begin(struct vloop_copier *copier)
{
	const void *from;

	if (!copier->bracketed)
		return;
	from = vloop_access_begin(copier->frame->vb);
	if (!from)
		return;
	spin_lock(&copier->dev->frames_lock);
	vloop_copier_enlist(copier, from);
	spin_unlock(&copier->dev->frames_lock);
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

/*
 * Lets go of the frame, of which @bytes were copied, none if that failed. False where it was
 * told to stop. May let go of the lock meanwhile.
 */
bool vloop_copier_end_locked(struct vloop_copier *copier, u32 bytes)
	__must_hold(&copier->dev->frames_lock)
{
	struct vloop_frame *frame = copier->frame;
	struct vloop_dev *dev = copier->dev;

	lockdep_assert_held(&dev->frames_lock);
	if (bytes)
		vloop_count_copy(dev, bytes);
	if (!frame)
		return false;

	if (!list_empty(&copier->entry)) {
		list_del_init(&copier->entry);
		if (copier->bracketed) {
			spin_unlock(&dev->frames_lock);
			vloop_access_end(frame->vb);
			spin_lock(&dev->frames_lock);
		}
	}
	frame->copying--;
	vloop_frame_put(dev, frame);

	return true;
}

bool vloop_copier_end(struct vloop_copier *copier, u32 bytes)
{
	bool ended;

	spin_lock(&copier->dev->frames_lock);
	ended = vloop_copier_end_locked(copier, bytes);
	spin_unlock(&copier->dev->frames_lock);

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

/* Returns how many of the frame's were. They do not look at the frame any more. */
static unsigned int vloop_copiers_stop_of(struct vloop_frame *frame)
{
	struct vloop_copier *copier, *next;
	unsigned int stopped = 0;

	list_for_each_entry_safe(copier, next, &frame->copiers, entry) {
		if (!copier->stands)
			continue;
		list_del_init(&copier->entry);
		copier->frame = NULL;
		spin_lock(&copier->lock);
		copier->from = NULL;
		spin_unlock(&copier->lock);
		stopped++;
	}

	return stopped;
}

/* Of the first frame that has any. Lets go of the lock meanwhile. */
static bool vloop_copiers_stop(struct vloop_dev *dev)
	__must_hold(&dev->frames_lock)
{
	unsigned int stopped = 0, i;
	struct vloop_frame *frame;

	list_for_each_entry(frame, &dev->held, entry) {
		stopped = frame->going ? vloop_copiers_stop_of(frame) : 0;
		if (stopped)
			break;
	}
	if (!stopped)
		return false;

	spin_unlock(&dev->frames_lock);
	for (i = 0; i < stopped; i++)
		vloop_access_end(frame->vb);
	spin_lock(&dev->frames_lock);
	frame->copying -= stopped;
	for (i = 0; i < stopped; i++)
		vloop_frame_put(dev, frame);

	return true;
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
