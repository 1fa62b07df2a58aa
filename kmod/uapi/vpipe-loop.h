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
 * Controls, of the node: every open file sees the same values, but for LEND_IMPORTS. Setting
 * one is EACCES for a file that reads or is not open for writing, and EBUSY, unless it is an
 * administrator's (CAP_SYS_ADMIN), while another file writes.
 *
 * STAMPS:	menu, VPIPE_LOOP_STAMPS_*. A writer's timestamp of 0, as far as it
 *		counts, means what has gone by since its first frame.
 * KEEP_LAST:	boolean. A reader that starts gets the last frame at once, and
 *		the last frame is what readers get after TIMEOUT.
 * TIMEOUT:	milliseconds, 0..3600000, 0 (the default) for never: where the
 *		writer is silent or gone for so long, readers get the time-out image,
 *		again after each frame interval.
 * TIMEOUT_IMAGE:	button: the next frame becomes the time-out image, until the
 *		format changes. Before, the image is black; where the format is
 *		compressed, or the order of its bytes is not documented (YYUV), there is none.
 * LEND_IMPORTS:	boolean, of the open file. Whether readers may map (for reading) the
 *		dma-bufs that this writer imports, for as long as they like, see SHARE.
 */
#define VPIPE_LOOP_CID_BASE		(V4L2_CID_USER_BASE + 0x1f40)
#define VPIPE_LOOP_CID_STAMPS		(VPIPE_LOOP_CID_BASE + 0)
#define VPIPE_LOOP_CID_KEEP_LAST	(VPIPE_LOOP_CID_BASE + 1)
#define VPIPE_LOOP_CID_TIMEOUT		(VPIPE_LOOP_CID_BASE + 2)
#define VPIPE_LOOP_CID_TIMEOUT_IMAGE	(VPIPE_LOOP_CID_BASE + 3)
#define VPIPE_LOOP_CID_LEND_IMPORTS	(VPIPE_LOOP_CID_BASE + 4)

/**
 * struct vpipe_loop_share - a window for a reader
 * @index:	in: of the OUTPUT buffer
 * @flags:	in: of the descriptor: O_CLOEXEC, or 0
 * @fd:		out: a descriptor of a dma-buf
 * @count:	out: how many OUTPUT buffers the writer has
 * @size:	out: of the dma-buf in bytes
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
 * A dma-buf in which a reader sees frames without a copy. It can be mapped for reading, and
 * nothing else: no device can attach to it, no other driver have it. A reader that queues
 * some of these (one for each OUTPUT buffer, say) as DMABUF on its CAPTURE side sees a frame
 * there from VIDIOC_DQBUF until it queues the buffer again, or stops. At other times there
 * is nothing (SIGBUS). It may keep the frames for as long as it likes: where the writer needs
 * the memory, they become copies.
 *
 * Where the writer imported its buffers and has set LEND_IMPORTS it is a window to buffer
 * @index itself, which is there for good and shows the frames of this buffer alone. Of these
 * a reader can have its share of the writer's buffers but two at a time; of what it keeps
 * beyond that the oldest may be written to, and any where the writer has no other buffer. Where
 * there are more readers than buffers to share, each can have one, and the oldest that any of them
 * keeps may be written to.
 *
 * EAGAIN: there is no writer with buffers, or it has not used this one yet. EACCES: it has
 * imported the buffer, and does not lend it. EINVAL: no such buffer, or one that is the
 * writer's own memory (USERPTR).
 */
#define VPIPE_LOOP_IOC_SHARE	_IOWR('V', BASE_VIDIOC_PRIVATE + 0, struct vpipe_loop_share)

#endif /* _UAPI_VPIPE_LOOP_H */
