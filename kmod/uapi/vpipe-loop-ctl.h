/* SPDX-License-Identifier: MIT */
/*
 * What programs know of v4l2loopback: /dev/v4l2loopback, by which nodes come and go while the
 * module is loaded, and each node's controls, event and attributes.
 *
 * Names, numbers and layout are those that v4l2loopback has published. Numbers of its releases
 * before 0.14 are taken as well.
 */
#ifndef _UAPI_VPIPE_LOOP_CTL_H
#define _UAPI_VPIPE_LOOP_CTL_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include <linux/v4l2-controls.h>
#include <linux/videodev2.h>

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

/*
 * Controls, of the node; who may set them is said in vpipe-loop.h, whose controls are beside
 * these.
 *
 * keep_format:	boolean. The format stays: whoever asks for another one, writers too, is given
 *		this one, and it is all that is listed. Readers have it before a writer comes,
 *		and a node with exclusive_caps is a capture device then, to which a writer may
 *		come nevertheless. Frame intervals are still the writer's to set.
 * sustain_framerate: boolean. Where a frame is late by half the frame interval readers get the
 *		last one again, and after each interval once more, until TIMEOUT. So it is kept,
 *		as by VPIPE_LOOP_CID_KEEP_LAST.
 * timeout:	milliseconds, 0..100000: VPIPE_LOOP_CID_TIMEOUT by another name. What is more
 *		than that there is 100000 here.
 * timeout_image_io: button. What is written to the node by the files that are opened for writing
 *		from now on, until one of them sets a format or has buffers, becomes the
 *		time-out image and is not shown before that is due. Such a file is beside the
 *		writer. Where there is a writer or a reader it gets the format that there is.
 *		A file that presses it, then sets a format or has buffers itself has taken it
 *		back.
 */
#define V4L2LOOPBACK_CID_BASE			(V4L2_CID_USER_BASE | 0xf000)
#define V4L2LOOPBACK_CID_KEEP_FORMAT		(V4L2LOOPBACK_CID_BASE + 0)
#define V4L2LOOPBACK_CID_SUSTAIN_FRAMERATE	(V4L2LOOPBACK_CID_BASE + 1)
#define V4L2LOOPBACK_CID_TIMEOUT		(V4L2LOOPBACK_CID_BASE + 2)
#define V4L2LOOPBACK_CID_TIMEOUT_IMAGE_IO	(V4L2LOOPBACK_CID_BASE + 3)

/*
 * An event: how many readers there are has changed, so a writer can do without making frames that
 * nobody looks at. With V4L2_EVENT_SUB_FL_SEND_INITIAL it comes at once, too.
 */
#define V4L2_EVENT_PRI_CLIENT_USAGE	(V4L2_EVENT_PRIVATE_START + 0x08e00000 + 1)

/**
 * struct v4l2_event_client_usage - in v4l2_event.u
 * @count:	of readers
 */
struct v4l2_event_client_usage {
	__u32 count;
};

/*
 * Attributes, /sys/class/video4linux/videoN/NAME, a line each.
 *
 * format:	"YUYV:640x480@30": the format, and frames a second, "@30000/1001" where that is
 *		no whole number. Empty where nobody has said what it will be. Root may write
 *		"@N" or "@N/D" at any time, which sets the frame interval. EINVAL: another text,
 *		or an interval beyond 1 ms to 1000 s.
 * buffers:	that the writer has
 * max_openers:	most open files, 0 where there is no limit. Root may write to it. EINVAL: another
 *		text, or fewer than are open.
 * state:	"capture" while a writer streams or the format is kept, else "output"
 *
 * Not of v4l2loopback, counted since the node was made:
 *
 * frames:	handed over by writers
 * lost:	frames that a reader lost, summed over the readers
 * copied:	copies made of frames, by a CPU in the kernel
 * readers:	how many there are now
 */

#endif /* _UAPI_VPIPE_LOOP_CTL_H */
