/* SPDX-License-Identifier: MIT */
/*
 * /dev/v4l2loopback: nodes that come and go while the module is loaded.
 *
 * Names, numbers and layout are those that v4l2loopback has published, for programs
 * that know it. Numbers of its releases before 0.14 are taken as well.
 */
#ifndef _UAPI_VPIPE_LOOP_CTL_H
#define _UAPI_VPIPE_LOOP_CTL_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct v4l2_loopback_config - a node
 * @output_nr:	N of its /dev/videoN; below 0: the next free one
 * @unused:	not looked at
 * @card_label:	its name, with a NUL behind it; empty: one that is made up
 * @min_width:	smallest width in pixels; 0: 1
 * @max_width:	largest one; 0: the module's
 * @min_height:	smallest height in pixels; 0: 1
 * @max_height:	largest one; 0: the module's
 * @max_buffers: most buffers of a queue, raised to VPIPE_LOOP_MIN_OUTPUT; 0 or less: the
 *		module's
 * @max_openers: most open files, 0 in an answer where there is no limit; 0 or less: the
 *		module's
 * @debug:	what is logged, 1 to 3; 0 or less: the module's
 * @announce_all_caps: it is an output and a capture device at once; below 0: it is
 */
struct v4l2_loopback_config {
	__s32 output_nr;
	__s32 unused;
	char card_label[32];
	__u32 min_width;
	__u32 max_width;
	__u32 min_height;
	__u32 max_height;
	__s32 max_buffers;
	__s32 max_openers;
	__s32 debug;
	__s32 announce_all_caps;
};

/* The release of v4l2loopback whose interface this is, major << 16 | minor << 8 | bugfix. */
#define V4L2LOOPBACK_CTL_VERSION	_IOR('~', 0, __u32)

/*
 * Makes a node as it says, or by NULL one as the module's parameters say, and returns its
 * number. EINVAL: a number, a size or a count beyond what there is, a smallest size above the
 * largest, a name without an end. EEXIST: the number is taken. ENOSPC: there are 256.
 */
#define V4L2LOOPBACK_CTL_ADD		_IOW('~', 1, struct v4l2_loopback_config)

/* The argument is the number itself. EBUSY: somebody has it open. ENODEV: no such node. */
#define V4L2LOOPBACK_CTL_REMOVE		_IOW('~', 2, __u32)

/* Fills in what the node of that @output_nr is. ENODEV: no such node. */
#define V4L2LOOPBACK_CTL_QUERY		_IOWR('~', 3, struct v4l2_loopback_config)

/* The same before release 0.14. */
#define V4L2LOOPBACK_CTL_ADD_legacy	0x4C80
#define V4L2LOOPBACK_CTL_REMOVE_legacy	0x4C81
#define V4L2LOOPBACK_CTL_QUERY_legacy	0x4C82

#endif /* _UAPI_VPIPE_LOOP_CTL_H */
