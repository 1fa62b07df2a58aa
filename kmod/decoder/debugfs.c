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

static int vdec_ping_show(struct seq_file *m, void *unused)
{
	u64 ns;
	int ret = vdec_session_ping(m->private, &ns);

	if (ret)
		return ret;
	seq_printf(m, "%llu\n", ns);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vdec_ping);

/* Into which class of a histogram a time falls. */
unsigned int vdec_class(u64 ns)
{
	u64 us8 = div_u64(ns << VDEC_CLASSES_LOG2, NSEC_PER_USEC);
	unsigned int octave = 0;

	/* Below two times the first power they are linear. */
	while (us8 >> octave >= 2 << VDEC_CLASSES_LOG2)
		octave++;

	return min_t(unsigned int, (octave << VDEC_CLASSES_LOG2) + (us8 >> octave),
		     VDEC_CLASSES - 1);
}

/* The middle of the class that half of all are in or below. */
static u64 vdec_median_ns(const struct vdec_stats *stats)
{
	unsigned int i, octave;
	u64 below = 0, us16;

	for (i = 0; i < VDEC_CLASSES; i++) {
		below += stats->classes[i];
		if (below && below * 2 >= stats->frames)
			break;
	}
	if (i == VDEC_CLASSES)
		return 0;

	octave = i < 2 << VDEC_CLASSES_LOG2 ? 0 : (i >> VDEC_CLASSES_LOG2) - 1;
	us16 = (2 * (u64)(i - (octave << VDEC_CLASSES_LOG2)) + 1) << octave;

	return us16 * NSEC_PER_USEC >> (VDEC_CLASSES_LOG2 + 1);
}

static void vdec_show_span(struct seq_file *m, const char *name, const struct vdec_span *span,
			   u64 frames)
{
	seq_printf(m, " %s_mean_ns %llu %s_max_ns %llu", name,
		   frames ? div64_u64(span->total_ns, frames) : 0, name, span->max_ns);
}

static void vdec_show_sums(struct seq_file *m, const struct vdec_stats *stats)
{
	seq_printf(m, "frames %llu errors %llu in_bytes %llu out_bytes %llu",
		   stats->frames, stats->errors, stats->in_bytes, stats->out_bytes);
	vdec_show_span(m, "waiting", &stats->waiting, stats->frames);
	vdec_show_span(m, "working", &stats->working, stats->frames);
	vdec_show_span(m, "beyond", &stats->beyond, stats->frames);
	seq_printf(m, " beyond_p50_ns %llu", vdec_median_ns(stats));
	seq_putc(m, '\n');
}

static void vdec_show_stream(struct seq_file *m, const struct vdec_stream *stream)
{
	seq_printf(m, "stream %u codec %u %ux%u %.4s %s ", stream->id, stream->start.codec,
		   stream->start.width, stream->start.height,
		   (const char *)&stream->start.pixelformat, stream->over ? "over" : "open");
	vdec_show_sums(m, &stream->stats);
}

static int vdec_stats_show(struct seq_file *m, void *unused)
{
	struct vdec_dev *dev = m->private;
	struct vdec_stream *stream;

	spin_lock(&dev->lock);
	list_for_each_entry(stream, &dev->streams, entry) {
		spin_lock(&stream->lock);
		vdec_show_stream(m, stream);
		spin_unlock(&stream->lock);
	}
	seq_puts(m, "gone ");
	vdec_show_sums(m, &dev->stats);
	spin_unlock(&dev->lock);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(vdec_stats);

void vdec_debugfs_init(struct vdec_dev *dev)
{
	dev->debugfs = debugfs_create_dir(VDEC_NAME, NULL);
	debugfs_create_file("ping", 0400, dev->debugfs, dev, &vdec_ping_fops);
	debugfs_create_file("stats", 0400, dev->debugfs, dev, &vdec_stats_fops);
	debugfs_create_file("inject", 0600, dev->debugfs, dev, &vdec_inject_fops);
}
