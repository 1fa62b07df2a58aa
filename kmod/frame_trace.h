/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What a trace event says of a frame that is in a buffer. The header of a module's events is
 * read several times over, each time with another meaning of these macros.
 */
#ifndef VPIPE_FRAME_TRACE_H
#define VPIPE_FRAME_TRACE_H

#include <linux/tracepoint.h>

#include <media/videobuf2-v4l2.h>

/* Of all planes. */
static inline u32 vpipe_bytesused(struct vb2_buffer *vb)
{
	u32 bytes = 0;
	unsigned int i;

	for (i = 0; i < vb->num_planes; i++)
		bytes += vb2_get_plane_payload(vb, i);

	return bytes;
}

/* @minor is the node's, as v4l2:v4l2_qbuf has it; @stream is one of the module's. */
#define VPIPE_FRAME_CLASS(name)							\
	DECLARE_EVENT_CLASS(name,						\
		TP_PROTO(int minor, u32 stream, struct vb2_v4l2_buffer *vbuf),	\
		TP_ARGS(minor, stream, vbuf),					\
		TP_STRUCT__entry(						\
			__field(int, minor)					\
			__field(u32, stream)					\
			__field(u32, index)					\
			__field(u32, sequence)					\
			__field(u64, timestamp)					\
			__field(u32, bytesused)					\
		),								\
		TP_fast_assign(							\
			__entry->minor = minor;					\
			__entry->stream = stream;				\
			__entry->index = vbuf->vb2_buf.index;			\
			__entry->sequence = vbuf->sequence;			\
			__entry->timestamp = vbuf->vb2_buf.timestamp;		\
			__entry->bytesused = vpipe_bytesused(&vbuf->vb2_buf);	\
		),								\
		TP_printk("minor=%d stream=%u index=%u sequence=%u timestamp=%llu bytesused=%u", \
			  __entry->minor, __entry->stream, __entry->index,	\
			  __entry->sequence, __entry->timestamp, __entry->bytesused) \
	)

#define VPIPE_FRAME_EVENT(class, name)						\
	DEFINE_EVENT(class, name,						\
		     TP_PROTO(int minor, u32 stream, struct vb2_v4l2_buffer *vbuf), \
		     TP_ARGS(minor, stream, vbuf))

#endif /* VPIPE_FRAME_TRACE_H */
