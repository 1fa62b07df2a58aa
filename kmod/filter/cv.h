/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef VPIPE_CV_H
#define VPIPE_CV_H

#include <linux/types.h>

struct vpipe_rect {
	s32 left;
	s32 top;
	s32 width;
	s32 height;
};

/**
 * struct vpipe_params - what to do to one frame
 * @src_sequence:	VPIPE_CID_SRC_SEQUENCE
 * @algo:		VPIPE_ALGO_*
 * @threshold:		VPIPE_CID_THRESHOLD
 * @roi:		as asked for, not clamped
 */
struct vpipe_params {
	u32 src_sequence;
	u32 algo;
	u8 threshold;
	struct vpipe_rect roi;
};

/**
 * struct vpipe_result - what became of one frame
 * @roi:	the ROI in force, clamped to the frame
 * @white:	pixels of the ROI set to 255
 * @black:	pixels of the ROI set to 0
 * @crc:	CRC-32 of the frame written
 * @copy_ns:	time spent on rows that are only copied
 * @filter_ns:	time spent on rows that cross the ROI
 * @crc_ns:	time spent on the CRC
 */
struct vpipe_result {
	struct vpipe_rect roi;
	u64 white;
	u64 black;
	u32 crc;
	u64 copy_ns;
	u64 filter_ns;
	u64 crc_ns;
};

/**
 * vpipe_cv_run() - Filter one GREY frame, without padding between rows
 * @dst:	@width * @height bytes to write
 * @src:	@width * @height bytes to read, not overlapping @dst
 * @width:	in pixels
 * @height:	in pixels
 * @params:	what to do
 * @result:	what became of it
 *
 * Context: Process context, may sleep.
 */
void vpipe_cv_run(u8 *dst, const u8 *src, u32 width, u32 height,
		  const struct vpipe_params *params, struct vpipe_result *result);

#endif /* VPIPE_CV_H */
