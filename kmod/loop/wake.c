// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Telling readers that there is a frame. Very many can wait for each, and no frame waits for that:
 * where there are more readers than one it is a worker's, without the lock of the frames.
 */
#include "loop.h"

/* One that is to be woken, the one whose turn was longest ago. */
static struct vloop_reader *vloop_reader_to_wake(struct vloop_dev *dev)
{
	struct vloop_reader *reader;

	list_for_each_entry(reader, &dev->readers, entry) {
		if (!reader->wake)
			continue;
		reader->wake = false;
		list_move_tail(&reader->entry, &dev->readers);
		return reader;
	}

	return NULL;
}

/* Who has a frame and was not told. */
void vloop_wake_readers(struct vloop_dev *dev)
{
	struct vloop_reader *reader;

	lockdep_assert_held(&dev->frames_lock);
	if (list_is_singular(&dev->readers)) {
		reader = vloop_reader_to_wake(dev);
		if (reader)
			wake_up(&reader->wait);
	} else if (!list_empty(&dev->readers)) {
		queue_work(system_dfl_wq, &dev->wake_work);
	}
}

/* All of them: something that they wait for may have come. */
void vloop_wake_all_readers(struct vloop_dev *dev)
{
	struct vloop_reader *reader;

	lockdep_assert_held(&dev->frames_lock);
	list_for_each_entry(reader, &dev->readers, entry)
		reader->wake = true;
	vloop_wake_readers(dev);
}

/*
 * A reader stays as long as this goes on, see vloop_waking_settle(), so it has an end, however fast
 * frames come.
 */
static void vloop_wake_work(struct work_struct *work)
{
	struct vloop_dev *dev = container_of(work, struct vloop_dev, wake_work);
	struct vloop_reader *reader = NULL;
	unsigned int turns;

	spin_lock(&dev->frames_lock);
	for (turns = dev->stats.readers; turns; turns--) {
		reader = vloop_reader_to_wake(dev);
		if (!reader)
			break;
		spin_unlock(&dev->frames_lock);
		wake_up(&reader->wait);
		spin_lock(&dev->frames_lock);
	}
	if (reader && !list_empty(&dev->readers))
		queue_work(system_dfl_wq, &dev->wake_work);
	spin_unlock(&dev->frames_lock);
}

void vloop_waking_init(struct vloop_dev *dev)
{
	INIT_WORK(&dev->wake_work, vloop_wake_work);
}

/* A reader has stopped for good, and goes. */
void vloop_waking_settle(struct vloop_dev *dev)
{
	flush_work(&dev->wake_work);
}

void vloop_waking_exit(struct vloop_dev *dev)
{
	cancel_work_sync(&dev->wake_work);
}
