// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * How many readers there are, told by an event. The writer hears it at once; other files, of which
 * there may be very many with as many who wait in each, from a worker.
 */
#include <media/v4l2-event.h>

#include "../uapi/vpipe-loop-ctl.h"
#include "loop.h"

static void vloop_usage_queue(struct vloop_file *file)
{
	struct v4l2_event event = { .type = V4L2_EVENT_PRI_CLIENT_USAGE };
	struct v4l2_event_client_usage usage = { .count = file->told_readers };

	memcpy(event.u.data, &usage, sizeof(usage));
	v4l2_event_queue_fh(&file->fh, &event);
}

static void vloop_usage_tell(struct vloop_file *file)
{
	u32 readers = vloop_read_stats(file->dev).readers;

	lockdep_assert_held(&file->dev->lock);
	if (file->told_readers == readers)
		return;
	file->told_readers = readers;
	vloop_usage_queue(file);
}

/* Whoever asks to hear it, also if it knows. */
void vloop_usage_tell_first(struct vloop_file *file)
{
	struct vloop_dev *dev = file->dev;

	mutex_lock(&dev->lock);
	file->told_readers = vloop_read_stats(dev).readers;
	vloop_usage_queue(file);
	mutex_unlock(&dev->lock);
}

/* A turn for each file there is, the one whose turn was longest ago. */
static void vloop_usage_work(struct work_struct *work)
{
	struct vloop_dev *dev = container_of(work, struct vloop_dev, usage_work);
	struct vloop_file *file;
	unsigned int turns;

	mutex_lock(&dev->lock);
	for (turns = dev->openers; turns && !list_empty(&dev->files); turns--) {
		file = list_first_entry(&dev->files, struct vloop_file, entry);
		list_move_tail(&file->entry, &dev->files);
		vloop_usage_tell(file);
		mutex_unlock(&dev->lock);
		cond_resched();
		mutex_lock(&dev->lock);
	}
	mutex_unlock(&dev->lock);
}

/* One more reads, or one less. */
void vloop_usage_changed(struct vloop_dev *dev)
{
	mutex_lock(&dev->lock);
	if (dev->writer)
		vloop_usage_tell(dev->writer);
	mutex_unlock(&dev->lock);
	queue_work(system_dfl_wq, &dev->usage_work);
}

void vloop_usage_init(struct vloop_dev *dev)
{
	INIT_WORK(&dev->usage_work, vloop_usage_work);
}

void vloop_usage_exit(struct vloop_dev *dev)
{
	cancel_work_sync(&dev->usage_work);
}
