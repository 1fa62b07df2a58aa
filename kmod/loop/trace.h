/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Trace events of the loopback node: vpipe_loop:vloop_published of the writer's file,
 * vpipe_loop:vloop_delivered and vpipe_loop:vloop_dropped of a reader's. @frame is the same in
 * all three of one frame; @index is -1 where the file has no buffer for it.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vpipe_loop

#if !defined(VLOOP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VLOOP_TRACE_H

#include <linux/tracepoint.h>

#include "loop.h"

#define VLOOP_FRAME_FORMAT \
	"minor=%d stream=%u frame=%u index=%d sequence=%u timestamp=%llu bytesused=%u"

#define VLOOP_FRAME_CLASS(name)								\
	DECLARE_EVENT_CLASS(name,							\
		TP_PROTO(const struct vloop_file *file, u32 frame, int index,		\
			 u32 sequence, u64 timestamp, u32 bytesused),			\
		TP_ARGS(file, frame, index, sequence, timestamp, bytesused),		\
		TP_STRUCT__entry(							\
			__field(int, minor)						\
			__field(u32, stream)						\
			__field(u32, frame)						\
			__field(int, index)						\
			__field(u32, sequence)						\
			__field(u64, timestamp)						\
			__field(u32, bytesused)						\
		),									\
		TP_fast_assign(								\
			__entry->minor = file->dev->vfd.minor;				\
			__entry->stream = file->number;					\
			__entry->frame = frame;						\
			__entry->index = index;						\
			__entry->sequence = sequence;					\
			__entry->timestamp = timestamp;					\
			__entry->bytesused = bytesused;					\
		),									\
		TP_printk(VLOOP_FRAME_FORMAT,							\
			  __entry->minor, __entry->stream, __entry->frame, __entry->index,\
			  __entry->sequence, __entry->timestamp, __entry->bytesused)	\
	)

VLOOP_FRAME_CLASS(vloop_frame);

#define VLOOP_FRAME_EVENT(name)								\
	DEFINE_EVENT(vloop_frame, name,							\
		     TP_PROTO(const struct vloop_file *file, u32 frame, int index,	\
			      u32 sequence, u64 timestamp, u32 bytesused),		\
		     TP_ARGS(file, frame, index, sequence, timestamp, bytesused))

VLOOP_FRAME_EVENT(vloop_published);
VLOOP_FRAME_EVENT(vloop_delivered);
VLOOP_FRAME_EVENT(vloop_dropped);

#endif /* VLOOP_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
