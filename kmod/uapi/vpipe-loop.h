/* SPDX-License-Identifier: MIT */
/*
 * vpipe-loop: userspace interface of the loopback node, beyond V4L2 itself.
 *
 * One program writes frames to the node's OUTPUT side, by write(2), MMAP, USERPTR
 * or DMABUF; any number of programs read them from its CAPTURE side, by read(2),
 * MMAP, USERPTR or DMABUF. The format is the writer's.
 *
 * Layouts are fixed: all integers are native-endian, no implicit padding.
 */
#ifndef _UAPI_VPIPE_LOOP_H
#define _UAPI_VPIPE_LOOP_H

#include <linux/types.h>
#include <linux/v4l2-controls.h>
#include <linux/videodev2.h>

/* Largest frame side in pixels, and the default frame, which is GREY. */
#define VPIPE_LOOP_MAX_SIZE	8192
#define VPIPE_LOOP_DEF_WIDTH	640
#define VPIPE_LOOP_DEF_HEIGHT	480

/*
 * REQBUFS gives an OUTPUT queue at least so many buffers: one that the writer fills, the
 * newest frame, and two that readers are still busy with.
 */
#define VPIPE_LOOP_MIN_OUTPUT	4

/* Where sequence numbers and timestamps of CAPTURE buffers come from. */
#define VPIPE_LOOP_STAMPS_TIMESTAMP	0	/* the writer's timestamp, the node's sequence */
#define VPIPE_LOOP_STAMPS_WRITER	1	/* both as the writer queued them */
#define VPIPE_LOOP_STAMPS_NODE		2	/* both of the node */

/*
 * Controls, of the node: every open file sees the same values.
 *
 * STAMPS:	menu, VPIPE_LOOP_STAMPS_*. A writer's timestamp of 0, as far as it
 *		counts, means the time of its VIDIOC_QBUF (CLOCK_MONOTONIC).
 * KEEP_LAST:	boolean. A reader that starts gets the last frame at once, and
 *		the last frame is what readers get after TIMEOUT.
 * TIMEOUT:	milliseconds, 0..3600000, 0 (the default) for never: where the
 *		writer is silent or gone for so long, readers get the time-out image,
 *		again after each frame interval.
 * TIMEOUT_IMAGE:	button: the next frame becomes the time-out image, until the
 *		format changes. Before, the image is black; where the format is
 *		compressed there is none.
 */
#define VPIPE_LOOP_CID_BASE		(V4L2_CID_USER_BASE + 0x1040)
#define VPIPE_LOOP_CID_STAMPS		(VPIPE_LOOP_CID_BASE + 0)
#define VPIPE_LOOP_CID_KEEP_LAST	(VPIPE_LOOP_CID_BASE + 1)
#define VPIPE_LOOP_CID_TIMEOUT		(VPIPE_LOOP_CID_BASE + 2)
#define VPIPE_LOOP_CID_TIMEOUT_IMAGE	(VPIPE_LOOP_CID_BASE + 3)

/**
 * struct vpipe_loop_share - a buffer of the writer's, for a reader
 * @index:	in: of the OUTPUT buffer
 * @flags:	in: of the descriptor: O_CLOEXEC, or 0
 * @fd:		out: a descriptor of its dma-buf
 * @count:	out: how many OUTPUT buffers the writer has
 * @size:	out: of the buffer in bytes
 * @reserved:	0
 */
struct vpipe_loop_share {
	__u32 index;
	__u32 flags;
	__s32 fd;
	__u32 count;
	__u32 size;
	__u32 reserved[3];
};

/*
 * The memory of OUTPUT buffer @index as a dma-buf. A reader that queues these (and
 * no others) as DMABUF on its CAPTURE side gets each frame in the very memory that
 * the writer filled, without a copy. They are the reader's until it queues them
 * again: it must not write to them, and one that keeps too many gets no more
 * frames until it queues some.
 *
 * Buffers that the writer itself imported are given on as they are, others for
 * reading alone. EAGAIN: there is no writer with buffers, or it has not used this one
 * yet; EINVAL: no such buffer, or one that is the writer's own memory (USERPTR) and has
 * no dma-buf.
 */
#define VPIPE_LOOP_IOC_SHARE	_IOWR('V', BASE_VIDIOC_PRIVATE + 0, struct vpipe_loop_share)

#endif /* _UAPI_VPIPE_LOOP_H */
