// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What readers get while there is no frame: the last one, where it is kept, or the
 * time-out image, again after each frame interval. An image that nobody has set is
 * black. Where the rate is sustained they get the last one until then, too.
 */
#include <linux/jiffies.h>

#include "loop.h"

/* How late it may be seen that there was a frame between two of them. */
#define VLOOP_LOOK_MS	100

/* What is black, and unless they are still good the pictures of others. */
void vloop_placeholder_forget(struct vloop_dev *dev, bool black_alone)
{
	spin_lock(&dev->frames_lock);
	vloop_set_frame(dev, &dev->black, NULL);
	if (!black_alone) {
		vloop_set_frame(dev, &dev->last, NULL);
		vloop_set_frame(dev, &dev->image, NULL);
	}
	spin_unlock(&dev->frames_lock);
}

/*
 * What is to be shown now, if anything. @wait becomes the time until there may be something where
 * there is nothing yet. A frame is late by half an interval.
 */
static struct vloop_frame *vloop_placeholder(const struct vloop_dev *dev, unsigned long interval,
					     unsigned long *wait)
{
	unsigned long late = dev->sustain ? interval + DIV_ROUND_UP(interval, 2) : ULONG_MAX;
	unsigned long timeout = dev->timeout ?: ULONG_MAX;
	unsigned long silence = jiffies - dev->frame_time;
	unsigned long next = READ_ONCE(dev->placeholder_time);

	if (time_before(jiffies, next)) {
		*wait = min(*wait, next - jiffies);
		return NULL;
	}
	if (silence >= timeout && !(dev->keep_last && dev->last))
		return dev->image ?: dev->black;
	if (silence >= min(late, timeout))
		return dev->last;
	*wait = min(late, timeout) - silence;

	return NULL;
}

static bool vloop_is_full_range(const struct vloop_dev *dev)
{
	u32 quantization = dev->colors.quantization;

	if (quantization == V4L2_QUANTIZATION_DEFAULT)
		quantization = V4L2_MAP_QUANTIZATION_DEFAULT(false, dev->colors.colorspace,
							     dev->colors.ycbcr_enc);

	return quantization == V4L2_QUANTIZATION_FULL_RANGE;
}

/* A black picture, referred to by the caller; none where there is no such thing. */
static struct vloop_frame *vloop_black(struct vloop_dev *dev)
{
	struct vloop_frame *frame;

	lockdep_assert_held(&dev->lock);
	if (!vloop_is_drawable(dev->format))
		return NULL;
	frame = vloop_frame_alloc(dev, dev->sizeimage);
	if (!frame)
		return NULL;

	vloop_draw_black(dev->format, vloop_is_full_range(dev), dev->bytesperline, dev->height,
			 frame->data, frame->told.bytes);

	return frame;
}

/* Made when it is first needed. */
static void vloop_placeholder_blacken(struct vloop_dev *dev)
{
	struct vloop_frame *frame = NULL;

	mutex_lock(&dev->lock);
	if (!READ_ONCE(dev->black))
		frame = vloop_black(dev);
	if (frame) {
		spin_lock(&dev->frames_lock);
		vloop_set_frame(dev, &dev->black, frame);
		spin_unlock(&dev->frames_lock);
	}
	mutex_unlock(&dev->lock);
}

static void vloop_placeholder_tick(struct work_struct *work)
{
	struct vloop_dev *dev = container_of(to_delayed_work(work), struct vloop_dev,
					     placeholder_work);
	struct vloop_frame *frame;
	unsigned long interval;
	unsigned long wait;

	if (READ_ONCE(dev->timeout) && !READ_ONCE(dev->image))
		vloop_placeholder_blacken(dev);
	/* Or another interval would be overlooked, see vloop_set_valid_interval(). */
	mutex_lock(&dev->lock);
	interval = vloop_interval_jiffies(&dev->interval);
	wait = min(interval, msecs_to_jiffies(VLOOP_LOOK_MS));
	spin_lock(&dev->frames_lock);
	if ((!dev->timeout && !dev->sustain) || list_empty(&dev->readers)) {
		spin_unlock(&dev->frames_lock);
		mutex_unlock(&dev->lock);
		return;
	}

	/* Of 32 bits, what is long over looks like what is to come. */
	if (!time_in_range(dev->placeholder_time, jiffies, jiffies + interval))
		WRITE_ONCE(dev->placeholder_time, jiffies);
	frame = vloop_placeholder(dev, interval, &wait);
	if (frame) {
		WRITE_ONCE(dev->placeholder_time, jiffies + interval);
		dev->next++;
		/* The writer's clock: later than what came before, by as little as counts. */
		dev->clock = dev->stamps == VPIPE_LOOP_STAMPS_NODE || !dev->clock ?
			     ktime_get_ns() : dev->clock + NSEC_PER_USEC;
		vloop_readers_show_placeholder(dev, frame);
	}
	spin_unlock(&dev->frames_lock);
	mutex_unlock(&dev->lock);

	queue_delayed_work(system_dfl_wq, &dev->placeholder_work, wait);
}

void vloop_placeholder_init(struct vloop_dev *dev)
{
	INIT_DELAYED_WORK(&dev->placeholder_work, vloop_placeholder_tick);
	dev->frame_time = jiffies;
	WRITE_ONCE(dev->placeholder_time, jiffies);
}

void vloop_placeholder_exit(struct vloop_dev *dev)
{
	cancel_delayed_work_sync(&dev->placeholder_work);
	vloop_placeholder_forget(dev, false);
}
