// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What the streams count.
 */
#include <linux/ktime.h>
#include <linux/math64.h>

#include <media/videobuf2-v4l2.h>

#include "dec.h"

/* Into which class of a histogram a time falls. */
static unsigned int vpdec_class(u64 ns)
{
	u64 us8 = div_u64(ns << VPDEC_CLASSES_LOG2, NSEC_PER_USEC);
	unsigned int octave = 0;

	/* Below two times the first power they are linear. */
	while (us8 >> octave >= 2 << VPDEC_CLASSES_LOG2)
		octave++;

	return min_t(unsigned int, (octave << VPDEC_CLASSES_LOG2) + (us8 >> octave),
		     VPDEC_CLASSES - 1);
}

/* The middle of the class that half of all are in or below. */
u64 vpdec_median_ns(const struct vpdec_stats *stats)
{
	unsigned int i, octave;
	u64 below = 0, us16;

	for (i = 0; i < VPDEC_CLASSES; i++) {
		below += stats->classes[i];
		if (below && below * 2 >= stats->frames)
			break;
	}
	if (i == VPDEC_CLASSES)
		return 0;

	octave = i < 2 << VPDEC_CLASSES_LOG2 ? 0 : (i >> VPDEC_CLASSES_LOG2) - 1;
	us16 = (2 * (u64)(i - (octave << VPDEC_CLASSES_LOG2)) + 1) << octave;

	return us16 * NSEC_PER_USEC >> (VPDEC_CLASSES_LOG2 + 1);
}

static void vpdec_span_add(struct vpdec_span *span, u64 ns)
{
	span->total_ns += ns;
	span->max_ns = max(span->max_ns, ns);
}

void vpdec_count(struct vpdec_stats *stats, struct vpdec_frame *frame, u32 codec_ns)
{
	u64 now_ns = ktime_get_ns();
	u64 all_ns = now_ns - frame->begun_ns;
	u64 beyond_ns = all_ns - min_t(u64, codec_ns, all_ns);
	unsigned int i;

	stats->frames++;
	if (&frame->m2m.vb != frame->capture)
		stats->in_bytes += vb2_get_plane_payload(&frame->m2m.vb.vb2_buf, 0);
	if (frame->capture && !frame->more)
		for (i = 0; i < frame->capture->vb2_buf.num_planes; i++)
			stats->out_bytes += vb2_get_plane_payload(&frame->capture->vb2_buf, i);
	vpdec_span_add(&stats->waiting, frame->read_ns - frame->begun_ns);
	vpdec_span_add(&stats->working, now_ns - frame->read_ns);
	vpdec_span_add(&stats->beyond, beyond_ns);
	stats->classes[vpdec_class(beyond_ns)]++;
}

static void vpdec_add_span(struct vpdec_span *sum, const struct vpdec_span *span)
{
	sum->total_ns += span->total_ns;
	sum->max_ns = max(sum->max_ns, span->max_ns);
}

void vpdec_add_stats(struct vpdec_stats *sum, const struct vpdec_stats *stats)
{
	unsigned int i;

	sum->frames += stats->frames;
	sum->errors += stats->errors;
	sum->in_bytes += stats->in_bytes;
	sum->out_bytes += stats->out_bytes;
	vpdec_add_span(&sum->waiting, &stats->waiting);
	vpdec_add_span(&sum->working, &stats->working);
	vpdec_add_span(&sum->beyond, &stats->beyond);
	for (i = 0; i < VPDEC_CLASSES; i++)
		sum->classes[i] += stats->classes[i];
}
