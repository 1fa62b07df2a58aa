/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Trace events of the filter: vpipe:vpipe_queued and vpipe:vpipe_run of an OUTPUT buffer,
 * vpipe:vpipe_done of the CAPTURE buffer that became of it.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vpipe

#if !defined(VPIPE_FILTER_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VPIPE_FILTER_TRACE_H

#include "../frame_trace.h"

VPIPE_FRAME_CLASS(vpipe_frame);
VPIPE_FRAME_EVENT(vpipe_frame, vpipe_queued);
VPIPE_FRAME_EVENT(vpipe_frame, vpipe_run);
VPIPE_FRAME_EVENT(vpipe_frame, vpipe_done);

#endif /* VPIPE_FILTER_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
