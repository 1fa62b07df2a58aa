// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * /sys/kernel/debug/vpipe-loop/videoN/stats: a line for each counter, its name and
 * its value.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "loop.h"

static struct dentry *vloop_debugfs;

static int vloop_stats_show(struct seq_file *m, void *unused)
{
	struct vloop_dev *dev = m->private;
	struct vloop_stats stats = vloop_read_stats(dev);

	seq_printf(m, "frames %llu\ncopies %llu\nbytes_copied %llu\nshared %llu\nlost %llu\n",
		   stats.frames, stats.copies, stats.bytes, stats.shared, stats.lost);
	seq_printf(m, "readers %u\nwriter %u\n", stats.readers, READ_ONCE(dev->streaming));

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vloop_stats);

void vloop_debugfs_init(struct vloop_dev *dev)
{
	if (!vloop_debugfs)
		vloop_debugfs = debugfs_create_dir(VLOOP_NAME, NULL);
	dev->debugfs = debugfs_create_dir(video_device_node_name(&dev->vfd), vloop_debugfs);
	debugfs_create_file("stats", 0400, dev->debugfs, dev, &vloop_stats_fops);
}

void vloop_debugfs_exit(void)
{
	debugfs_remove(vloop_debugfs);
}
