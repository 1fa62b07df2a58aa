/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Trace events of the decoder: vpipe_dec:vpdec_decode of an OUTPUT buffer that the daemon has
 * read of, vpipe_dec:vpdec_done of a CAPTURE buffer that the client has again.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vpipe_dec

#if !defined(VPIPE_DEC_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VPIPE_DEC_TRACE_H

#include "../frame_trace.h"

VPIPE_FRAME_CLASS(vpdec_frame);
VPIPE_FRAME_EVENT(vpdec_frame, vpdec_decode);
VPIPE_FRAME_EVENT(vpdec_frame, vpdec_done);

#endif /* VPIPE_DEC_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
