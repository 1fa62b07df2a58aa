// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * /dev/vpipe-meta: a ring of what became of the frames, and any number of
 * readers with a cursor each. The publisher waits for nobody.
 */
#include <linux/build_bug.h>
#include <linux/compat.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/minmax.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "../message.h"
#include "meta.h"

/* A power of two: entry numbers are 64 bits wide, and not all can divide those. */
#define RING_ENTRIES	256

static_assert(sizeof(struct vpipe_meta_entry) == 80);
static_assert(sizeof(struct vpipe_meta_entry_v2) == 128);
static_assert(sizeof(struct vpipe_meta_info) == 28);
static_assert(sizeof(struct vpipe_meta_stats) == 32);

/**
 * struct vpipe_meta - the ring
 * @ref:	one for the driver, one for each open file
 * @misc:	/dev/vpipe-meta
 * @wait:	readers
 * @lock:	never held while sleeping or copying to userspace
 * @gone:	the device is: no more entries will come
 * @head:	entries published so far; the next one goes to head % RING_ENTRIES
 * @dropped:	entries that readers lost, summed over readers
 * @ring:	the last RING_ENTRIES of them
 */
struct vpipe_meta {
	struct kref ref;
	struct miscdevice misc;
	wait_queue_head_t wait;

	spinlock_t lock; /* of what follows, and of each open file's cursor */
	bool gone;
	u64 head;
	u64 dropped;
	struct vpipe_meta_entry_v2 ring[RING_ENTRIES];
};

/**
 * struct vpipe_meta_file - an open file
 * @meta:	the ring
 * @lock:	keeps threads from getting the same entry twice
 * @version:	of the entries that read(2) returns
 * @tail:	entries this file has got or lost, as vpipe_meta.head counts them
 */
struct vpipe_meta_file {
	struct vpipe_meta *meta;
	struct mutex lock; /* held by the one read(2) that takes entries */
	u16 version;
	u64 tail;
};

static void vpipe_meta_free(struct kref *ref)
{
	kvfree(container_of(ref, struct vpipe_meta, ref));
}

void vpipe_meta_put(struct vpipe_meta *meta)
{
	kref_put(&meta->ref, vpipe_meta_free);
}

void vpipe_meta_publish(struct vpipe_meta *meta, const struct vpipe_meta_entry_v2 *entry)
{
	spin_lock(&meta->lock);
	meta->ring[meta->head++ % RING_ENTRIES] = *entry;
	spin_unlock(&meta->lock);

	wake_up_interruptible_poll(&meta->wait, EPOLLIN | EPOLLRDNORM);
}

static int vpipe_meta_open(struct inode *inode, struct file *file)
{
	struct vpipe_meta *meta = container_of(file->private_data, struct vpipe_meta, misc);
	struct vpipe_meta_file *reader;

	reader = kzalloc(sizeof(*reader), GFP_KERNEL);
	if (!reader)
		return -ENOMEM;

	kref_get(&meta->ref);
	reader->meta = meta;
	reader->version = VPIPE_META_VERSION_1;
	mutex_init(&reader->lock);

	spin_lock(&meta->lock);
	reader->tail = meta->head;
	spin_unlock(&meta->lock);

	file->private_data = reader;

	return stream_open(inode, file);
}

static int vpipe_meta_release(struct inode *inode, struct file *file)
{
	struct vpipe_meta_file *reader = file->private_data;

	vpipe_meta_put(reader->meta);
	mutex_destroy(&reader->lock);
	kfree(reader);

	return 0;
}

static u16 vpipe_meta_entry_size(u16 version)
{
	return version == VPIPE_META_VERSION_1 ? sizeof(struct vpipe_meta_entry) :
						 sizeof(struct vpipe_meta_entry_v2);
}

/* Whether a reader has something to wake up for. */
static __poll_t vpipe_meta_events(struct vpipe_meta_file *reader)
{
	struct vpipe_meta *meta = reader->meta;
	__poll_t events = 0;

	spin_lock(&meta->lock);
	if (reader->tail != meta->head)
		events |= EPOLLIN | EPOLLRDNORM;
	if (meta->gone)
		events |= EPOLLHUP;
	spin_unlock(&meta->lock);

	return events;
}

/* The entry that is next for this reader, and its number; false if there is none. */
static bool vpipe_meta_peek(struct vpipe_meta_file *reader, struct vpipe_meta_entry_v2 *entry,
			    u64 *number)
{
	struct vpipe_meta *meta = reader->meta;
	u64 oldest;

	spin_lock(&meta->lock);
	if (reader->tail == meta->head) {
		spin_unlock(&meta->lock);
		return false;
	}

	oldest = meta->head > RING_ENTRIES ? meta->head - RING_ENTRIES : 0;
	*number = max(reader->tail, oldest);
	*entry = meta->ring[*number % RING_ENTRIES];
	if (*number != reader->tail)
		entry->v1.flags |= VPIPE_META_F_OVERRUN;
	spin_unlock(&meta->lock);

	return true;
}

/* Only once userspace has the entry: a fault must not lose it. */
static void vpipe_meta_advance(struct vpipe_meta_file *reader, u64 number)
{
	struct vpipe_meta *meta = reader->meta;

	spin_lock(&meta->lock);
	meta->dropped += number - reader->tail;
	reader->tail = number + 1;
	spin_unlock(&meta->lock);
}

/* As many whole entries as there are and as fit. */
static ssize_t vpipe_meta_take(void *file, char __user *buf, size_t count)
{
	struct vpipe_meta_file *reader = file;
	/* Before looking for entries: what is published until then counts. */
	bool gone = vpipe_meta_events(reader) & EPOLLHUP;
	u16 version = READ_ONCE(reader->version);
	u16 size = vpipe_meta_entry_size(version);
	struct vpipe_meta_entry_v2 entry;
	ssize_t done = 0;
	u64 number;

	if (count < size)
		return -EINVAL;

	while (count - done >= size && vpipe_meta_peek(reader, &entry, &number)) {
		entry.v1.version = version;
		entry.v1.entry_size = size;
		if (copy_to_user(buf + done, &entry, size))
			return done ?: -EFAULT;
		vpipe_meta_advance(reader, number);
		done += size;
	}

	return done || gone ? done : -EAGAIN;
}

static bool vpipe_meta_readable(void *reader)
{
	return vpipe_meta_events(reader);
}

static ssize_t vpipe_meta_read(struct file *file, char __user *buf, size_t count, loff_t *ppos)
{
	struct vpipe_meta_file *reader = file->private_data;

	return vpipe_read_messages(file, buf, count, &reader->lock, &reader->meta->wait,
				   vpipe_meta_take, vpipe_meta_readable);
}

static __poll_t vpipe_meta_poll(struct file *file, poll_table *wait)
{
	struct vpipe_meta_file *reader = file->private_data;

	poll_wait(file, &reader->meta->wait, wait);

	return vpipe_meta_events(reader);
}

static int vpipe_meta_query(struct vpipe_meta_file *reader, void __user *arg)
{
	struct vpipe_meta_info info = {
		.version = READ_ONCE(reader->version),
		.ring_entries = RING_ENTRIES,
	};

	info.entry_size = vpipe_meta_entry_size(info.version);

	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static int vpipe_meta_get_stats(struct vpipe_meta_file *reader, void __user *arg)
{
	struct vpipe_meta *meta = reader->meta;
	struct vpipe_meta_stats stats = { };

	spin_lock(&meta->lock);
	stats.published = meta->head;
	stats.dropped = meta->dropped;
	spin_unlock(&meta->lock);

	return copy_to_user(arg, &stats, sizeof(stats)) ? -EFAULT : 0;
}

static int vpipe_meta_set_version(struct vpipe_meta_file *reader, u32 __user *arg)
{
	u32 version;

	if (get_user(version, arg))
		return -EFAULT;
	if (version != VPIPE_META_VERSION_1 && version != VPIPE_META_VERSION_2)
		return -EINVAL;

	WRITE_ONCE(reader->version, version);

	return 0;
}

static long vpipe_meta_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vpipe_meta_file *reader = file->private_data;
	void __user *argp = (void __user *)arg;

	switch (cmd) {
	case VPIPE_META_IOC_QUERY:
		return vpipe_meta_query(reader, argp);
	case VPIPE_META_IOC_GET_STATS:
		return vpipe_meta_get_stats(reader, argp);
	case VPIPE_META_IOC_SET_VERSION:
		return vpipe_meta_set_version(reader, argp);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations vpipe_meta_fops = {
	.owner		= THIS_MODULE,
	.open		= vpipe_meta_open,
	.release	= vpipe_meta_release,
	.read		= vpipe_meta_read,
	.poll		= vpipe_meta_poll,
	.unlocked_ioctl	= vpipe_meta_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

struct vpipe_meta *vpipe_meta_register(void)
{
	struct vpipe_meta *meta;
	int ret;

	meta = kvzalloc(sizeof(*meta), GFP_KERNEL);
	if (!meta)
		return ERR_PTR(-ENOMEM);

	kref_init(&meta->ref);
	init_waitqueue_head(&meta->wait);
	spin_lock_init(&meta->lock);

	meta->misc.minor = MISC_DYNAMIC_MINOR;
	meta->misc.name = "vpipe-meta";
	meta->misc.fops = &vpipe_meta_fops;
	ret = misc_register(&meta->misc);
	if (ret) {
		vpipe_meta_put(meta);
		return ERR_PTR(ret);
	}

	return meta;
}

void vpipe_meta_unregister(struct vpipe_meta *meta)
{
	misc_deregister(&meta->misc);

	spin_lock(&meta->lock);
	meta->gone = true;
	spin_unlock(&meta->lock);

	wake_up_interruptible_poll(&meta->wait, EPOLLHUP);
}
