// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * /sys/kernel/debug/vpipe-dec: `ping` asks the daemon for a sign of life and gives
 * the round trip in nanoseconds, `stats` has a line for each stream and one for
 * those that are gone, `inject` is in inject.c.
 */
#include <linux/debugfs.h>
#include <linux/math64.h>
#include <linux/seq_file.h>

#include "dec.h"

static int vpdec_ping_show(struct seq_file *m, void *unused)
{
	u64 ns;
	int ret = vpdec_session_ping(m->private, &ns);

	if (ret)
		return ret;
	seq_printf(m, "%llu\n", ns);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vpdec_ping);

static void vpdec_show_span(struct seq_file *m, const char *name, const struct vpdec_span *span,
			    u64 frames)
{
	seq_printf(m, " %s_mean_ns %llu %s_max_ns %llu", name,
		   frames ? div64_u64(span->total_ns, frames) : 0, name, span->max_ns);
}

static void vpdec_show_sums(struct seq_file *m, const struct vpdec_stats *stats)
{
	seq_printf(m, "frames %llu errors %llu in_bytes %llu out_bytes %llu",
		   stats->frames, stats->errors, stats->in_bytes, stats->out_bytes);
	vpdec_show_span(m, "waiting", &stats->waiting, stats->frames);
	vpdec_show_span(m, "working", &stats->working, stats->frames);
	vpdec_show_span(m, "beyond", &stats->beyond, stats->frames);
	seq_printf(m, " beyond_p50_ns %llu", vpdec_median_ns(stats));
	seq_putc(m, '\n');
}

static void vpdec_show_stream(struct seq_file *m, const struct vpdec_stream *stream)
{
	seq_printf(m, "stream %u codec %u %ux%u %.4s %s ", stream->id, stream->start.codec,
		   stream->start.width, stream->start.height,
		   (const char *)&stream->start.pixelformat, stream->over ? "over" : "open");
	vpdec_show_sums(m, &stream->stats);
}

static int vpdec_stats_show(struct seq_file *m, void *unused)
{
	struct vpdec_dev *dev = m->private;
	struct vpdec_stream *stream;

	spin_lock(&dev->lock);
	list_for_each_entry(stream, &dev->streams, entry) {
		spin_lock(&stream->lock);
		vpdec_show_stream(m, stream);
		spin_unlock(&stream->lock);
	}
	seq_puts(m, "gone ");
	vpdec_show_sums(m, &dev->stats);
	spin_unlock(&dev->lock);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vpdec_stats);

void vpdec_debugfs_init(struct vpdec_dev *dev)
{
	dev->debugfs = debugfs_create_dir(VPDEC_NAME, NULL);
	debugfs_create_file("ping", 0400, dev->debugfs, dev, &vpdec_ping_fops);
	debugfs_create_file("stats", 0400, dev->debugfs, dev, &vpdec_stats_fops);
	vpdec_inject_init(dev);
}
