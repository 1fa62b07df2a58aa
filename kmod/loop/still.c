// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What readers get while there is no frame: the last one, where it is kept, or the
 * time-out image, again after each frame interval. An image that nobody has set is
 * black.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/overflow.h>

#include "loop.h"

static struct loop_still *loop_still_alloc(u32 bytes)
{
	struct loop_still *still;

	still = kvmalloc(struct_size(still, data, bytes), GFP_KERNEL);
	if (!still)
		return NULL;

	kref_init(&still->kref);
	still->bytesused = bytes;

	return still;
}

static void loop_still_free(struct kref *kref)
{
	kvfree(container_of(kref, struct loop_still, kref));
}

void loop_still_put(struct loop_still *still)
{
	if (still)
		kref_put(&still->kref, loop_still_free);
}

/* A copy of a frame that stays until this returns. */
struct loop_still *loop_still_copy(struct loop_dev *dev, struct loop_frame *frame)
{
	u32 bytes = vb2_get_plane_payload(&frame->vbuf.vb2_buf, 0);
	struct loop_still *still = loop_still_alloc(bytes);

	if (!still)
		return NULL;

	if (loop_copy_out(frame, still->data, bytes)) {
		loop_still_put(still);
		return NULL;
	}
	spin_lock(&dev->frames_lock);
	loop_count_copy(dev, bytes);
	spin_unlock(&dev->frames_lock);

	return still;
}

bool loop_has_still(const struct loop_dev *dev)
{
	lockdep_assert_held(&dev->frames_lock);

	return dev->image || READ_ONCE(dev->format)->bytes || (dev->keep_last && dev->still);
}

/* What is to be shown now; none for black. The caller puts it. */
struct loop_still *loop_still_get(struct loop_dev *dev)
{
	struct loop_still *still;

	spin_lock(&dev->frames_lock);
	still = dev->keep_last && dev->still ? dev->still : dev->image;
	if (still)
		kref_get(&still->kref);
	spin_unlock(&dev->frames_lock);

	return still;
}

/* Replaces what *@place holds. */
void loop_still_set(struct loop_dev *dev, struct loop_still **place, struct loop_still *still)
{
	struct loop_still *old;

	spin_lock(&dev->frames_lock);
	old = *place;
	*place = still;
	spin_unlock(&dev->frames_lock);
	loop_still_put(old);
}

/* Both are of the old format. */
void loop_still_forget(struct loop_dev *dev)
{
	loop_still_set(dev, &dev->still, NULL);
	loop_still_set(dev, &dev->image, NULL);
}

static unsigned long loop_still_interval(struct loop_dev *dev)
{
	const struct v4l2_fract *interval = &dev->interval;
	unsigned long ms;

	mutex_lock(&dev->lock);
	ms = div_u64((u64)interval->numerator * 1000, interval->denominator);
	mutex_unlock(&dev->lock);

	return max(1UL, msecs_to_jiffies(clamp(ms, 1UL, 10000UL)));
}

static void loop_still_tick(struct work_struct *work)
{
	struct loop_dev *dev = container_of(to_delayed_work(work), struct loop_dev, still_work);
	unsigned long interval = loop_still_interval(dev);
	unsigned long timeout, due;
	struct loop_reader *reader;

	spin_lock(&dev->frames_lock);
	timeout = dev->timeout;
	if (!timeout || list_empty(&dev->readers)) {
		spin_unlock(&dev->frames_lock);
		return;
	}

	due = dev->frame_time + timeout;
	if (time_before(jiffies, due)) {
		interval = due - jiffies;
	} else {
		dev->next++;
		list_for_each_entry(reader, &dev->readers, entry)
			loop_reader_show_still(dev, reader);
	}
	spin_unlock(&dev->frames_lock);

	queue_delayed_work(system_dfl_wq, &dev->still_work, interval);
}

/* There may be something to show from now on. */
void loop_still_schedule(struct loop_dev *dev)
{
	if (READ_ONCE(dev->timeout))
		mod_delayed_work(system_dfl_wq, &dev->still_work, 0);
}

void loop_still_init(struct loop_dev *dev)
{
	INIT_DELAYED_WORK(&dev->still_work, loop_still_tick);
	dev->frame_time = jiffies;
}

void loop_still_exit(struct loop_dev *dev)
{
	cancel_delayed_work_sync(&dev->still_work);
	loop_still_put(dev->still);
	loop_still_put(dev->image);
}
