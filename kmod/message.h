/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Reading from a file that gives whole messages, none of which is lost.
 */
#ifndef VPIPE_MESSAGE_H
#define VPIPE_MESSAGE_H

#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/wait.h>

/*
 * @take copies what there is, and only then takes it off: bytes, 0 at the end of the file,
 * EAGAIN where there is nothing, or another error. @readable: whether it has something to
 * say. @lock: nobody else gets a message between the look at it and its end.
 */
static inline ssize_t
vpipe_read_messages(struct file *file, char __user *to, size_t count,
		    struct mutex *lock, wait_queue_head_t *wait,
		    ssize_t (*take)(void *reader, char __user *to, size_t count),
		    bool (*readable)(void *reader))
{
	void *reader = file->private_data;
	ssize_t ret;

	for (;;) {
		if (mutex_lock_interruptible(lock))
			return -ERESTARTSYS;
		ret = take(reader, to, count);
		mutex_unlock(lock);
		if (ret != -EAGAIN || file->f_flags & O_NONBLOCK)
			return ret;

		if (wait_event_interruptible(*wait, readable(reader)))
			return -ERESTARTSYS;
	}
}

#endif /* VPIPE_MESSAGE_H */
