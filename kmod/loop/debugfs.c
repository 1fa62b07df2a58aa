// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * /sys/kernel/debug/vpipe-loop/videoN/stats: a line for each counter, its name and
 * its value.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "loop.h"

static struct dentry *loop_debugfs;

static int loop_stats_show(struct seq_file *m, void *unused)
{
	struct loop_dev *dev = m->private;
	struct loop_reader *reader;
	unsigned int readers = 0;
	struct loop_stats stats;
	bool writer;

	spin_lock(&dev->frames_lock);
	stats = dev->stats;
	list_for_each_entry(reader, &dev->readers, entry)
		readers++;
	writer = dev->streaming;
	spin_unlock(&dev->frames_lock);

	seq_printf(m, "frames %llu\ncopies %llu\nbytes_copied %llu\nshared %llu\nlost %llu\n",
		   stats.frames, stats.copies, stats.bytes, stats.shared, stats.lost);
	seq_printf(m, "readers %u\nwriter %u\n", readers, writer);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(loop_stats);

void loop_debugfs_init(struct loop_dev *dev)
{
	if (!loop_debugfs)
		loop_debugfs = debugfs_create_dir(LOOP_NAME, NULL);
	dev->debugfs = debugfs_create_dir(video_device_node_name(&dev->vfd), loop_debugfs);
	debugfs_create_file("stats", 0400, dev->debugfs, dev, &loop_stats_fops);
}

void loop_debugfs_exit(void)
{
	debugfs_remove(loop_debugfs);
}
