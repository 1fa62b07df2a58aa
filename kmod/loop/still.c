// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What readers get while there is no frame: the last one, where it is kept, or the
 * time-out image, again after each frame interval. An image that nobody has set is
 * black.
 */
#include <linux/jiffies.h>

#include "loop.h"

/* What is black, and unless they are still good the pictures of others. */
void loop_still_forget(struct loop_dev *dev, bool black_alone)
{
	spin_lock(&dev->frames_lock);
	loop_set_frame(dev, &dev->black, NULL);
	if (!black_alone) {
		loop_set_frame(dev, &dev->last, NULL);
		loop_set_frame(dev, &dev->image, NULL);
	}
	spin_unlock(&dev->frames_lock);
}

/* What is to be shown now, if anything. */
static struct loop_frame *loop_still(const struct loop_dev *dev)
{
	if (dev->keep_last && dev->last)
		return dev->last;

	return dev->image ?: dev->black;
}

/* Made when it is first needed. */
static void loop_still_blacken(struct loop_dev *dev)
{
	struct loop_frame *frame = NULL;

	mutex_lock(&dev->lock);
	if (!READ_ONCE(dev->black))
		frame = loop_black(dev);
	if (frame) {
		spin_lock(&dev->frames_lock);
		loop_set_frame(dev, &dev->black, frame);
		spin_unlock(&dev->frames_lock);
	}
	mutex_unlock(&dev->lock);
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

static bool loop_still_is_due(struct loop_dev *dev, unsigned long *interval)
{
	unsigned long due = dev->frame_time + dev->timeout;

	if (!time_before(jiffies, due))
		return true;
	*interval = due - jiffies;

	return false;
}

static void loop_still_tick(struct work_struct *work)
{
	struct loop_dev *dev = container_of(to_delayed_work(work), struct loop_dev, still_work);
	unsigned long interval = loop_still_interval(dev);
	struct loop_reader *reader;
	struct loop_frame *frame;

	if (!READ_ONCE(dev->image))
		loop_still_blacken(dev);
	spin_lock(&dev->frames_lock);
	if (!dev->timeout || list_empty(&dev->readers)) {
		spin_unlock(&dev->frames_lock);
		return;
	}

	frame = loop_still(dev);
	if (loop_still_is_due(dev, &interval) && frame) {
		dev->next++;
		/* The writer's clock: later than what came before, by as little as counts. */
		dev->clock = dev->stamps == VPIPE_LOOP_STAMPS_NODE || !dev->clock ?
			     ktime_get_ns() : dev->clock + NSEC_PER_USEC;
		list_for_each_entry(reader, &dev->readers, entry)
			loop_reader_show_still(dev, reader, frame);
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
	loop_still_forget(dev, false);
}
