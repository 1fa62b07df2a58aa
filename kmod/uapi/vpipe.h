/* SPDX-License-Identifier: MIT */
/*
 * vpipe: userspace interface of the frame filter and its metadata sideband.
 *
 * The filter is a V4L2 mem2mem node (single-plane GREY). Its controls are
 * snapshotted for each OUTPUT buffer when that buffer is queued, or applied
 * to exactly that buffer when they come with its media request. For each
 * frame done, one entry is published on /dev/vpipe-meta; a frame that failed
 * is returned with V4L2_BUF_FLAG_ERROR and publishes none.
 *
 * Layouts are fixed: all integers are native-endian, no implicit padding.
 */
#ifndef _UAPI_VPIPE_H
#define _UAPI_VPIPE_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include <linux/v4l2-controls.h>

/* Largest and smallest frame side in pixels, and the default frame. */
#define VPIPE_MIN_SIZE		1
#define VPIPE_MAX_SIZE		4096
#define VPIPE_DEF_WIDTH		640
#define VPIPE_DEF_HEIGHT	480

/* Values of VPIPE_CID_ALGO and of vpipe_meta_entry.algo_id. */
#define VPIPE_ALGO_NONE		0	/* the frame is copied */
#define VPIPE_ALGO_THRESHOLD	1	/* in the ROI: pixel > threshold ? 255 : 0 */

/*
 * Controls. ROI values are in pixels, 0..4096; a ROI of zero width or height
 * means the whole frame, any other is clamped to the frame.
 */
#define VPIPE_CID_BASE		(V4L2_CID_USER_BASE + 0x1000)
#define VPIPE_CID_SRC_SEQUENCE	(VPIPE_CID_BASE + 0)	/* 0..INT_MAX, echoed */
#define VPIPE_CID_ALGO		(VPIPE_CID_BASE + 1)	/* menu, VPIPE_ALGO_* */
#define VPIPE_CID_ROI_LEFT	(VPIPE_CID_BASE + 2)	/* default 0 */
#define VPIPE_CID_ROI_TOP	(VPIPE_CID_BASE + 3)	/* default 0 */
#define VPIPE_CID_ROI_WIDTH	(VPIPE_CID_BASE + 4)	/* default 640 */
#define VPIPE_CID_ROI_HEIGHT	(VPIPE_CID_BASE + 5)	/* default 480 */
#define VPIPE_CID_THRESHOLD	(VPIPE_CID_BASE + 6)	/* 0..255, default 127 */

#define VPIPE_META_VERSION_1	1
#define VPIPE_META_VERSION_2	2

/* The first entry read after the ring overtook this reader carries this. */
#define VPIPE_META_F_OVERRUN	(1U << 0)

/**
 * struct vpipe_meta_entry - what became of one frame, version 1 (80 bytes)
 * @version:		VPIPE_META_VERSION_1, or _2 for the longer entry below
 * @entry_size:		size of this entry in bytes
 * @flags:		VPIPE_META_F_*
 * @seq:		frame number since the module was loaded, from 1, counting the
 *			frames of all streams; a CAPTURE buffer's own sequence counts
 *			the frames of its stream, from 0
 * @src_v4l2_sequence:	VPIPE_CID_SRC_SEQUENCE as snapshotted for this frame
 * @buffer_index:	index of the CAPTURE buffer
 * @timestamp_ns:	CLOCK_MONOTONIC, in ns, when the frame was done
 * @bytesused:		payload of the CAPTURE buffer in bytes
 * @crc32:		over the payload: reflected 0xedb88320, start ~0, no final
 *			inversion (the kernel's crc32_le(~0, ...))
 * @algo_id:		VPIPE_ALGO_*
 * @algo_status:	0: a frame that failed has no entry
 * @roi_left:		the ROI in force, clamped to the frame, in pixels
 * @roi_top:		see @roi_left
 * @roi_width:		see @roi_left
 * @roi_height:		see @roi_left
 * @algo_value0:	threshold: pixels set to 255, in the ROI; else 0
 * @algo_value1:	threshold: pixels set to 0, in the ROI; else 0
 */
struct vpipe_meta_entry {
	__u16 version;
	__u16 entry_size;
	__u32 flags;
	__u64 seq;
	__u32 src_v4l2_sequence;
	__u32 buffer_index;
	__u64 timestamp_ns;
	__u32 bytesused;
	__u32 crc32;
	__u32 algo_id;
	__u32 algo_status;
	__s32 roi_left;
	__s32 roi_top;
	__s32 roi_width;
	__s32 roi_height;
	__u64 algo_value0;
	__u64 algo_value1;
};

/**
 * struct vpipe_meta_entry_v2 - version 1 and when each stage ended (128 bytes)
 * @v1:			the version 1 entry, with version and entry_size of this one
 * @queued_ns:		the OUTPUT buffer was queued to the driver
 * @run_ns:		the job started: @queued_ns to here is the queue wait
 * @copied_ns:		rows above and below the ROI, or all without algorithm, copied
 * @filtered_ns:	rows of the ROI filtered, with what is left and right of it copied
 * @checksummed_ns:	CRC taken
 * @done_ns:		entry complete; equals v1.timestamp_ns
 *
 * All are CLOCK_MONOTONIC in ns and never decrease from one to the next. The
 * module works through a frame in cache-sized blocks, each copied or filtered
 * and then checksummed, in one pass. So @copied_ns, @filtered_ns and
 * @checksummed_ns lay each stage's summed time end to end from @run_ns:
 * differences are true durations.
 */
struct vpipe_meta_entry_v2 {
	struct vpipe_meta_entry v1;
	__u64 queued_ns;
	__u64 run_ns;
	__u64 copied_ns;
	__u64 filtered_ns;
	__u64 checksummed_ns;
	__u64 done_ns;
};

/**
 * struct vpipe_meta_info - the ring, as this open file sees it
 * @version:		entry version that read(2) returns on this open file
 * @entry_size:		size of such an entry in bytes
 * @ring_entries:	entries kept; a reader further behind is overrun
 * @flags:		0
 * @reserved:		0
 */
struct vpipe_meta_info {
	__u16 version;
	__u16 entry_size;
	__u32 ring_entries;
	__u32 flags;
	__u32 reserved[4];
};

/**
 * struct vpipe_meta_stats - counters since the module was loaded
 * @published:		entries published
 * @dropped:		entries that readers lost to overruns, summed over readers
 * @reserved:		0
 */
struct vpipe_meta_stats {
	__u64 published;
	__u64 dropped;
	__u32 reserved[4];
};

/*
 * VPIPE_META_IOC_QUERY:	fill struct vpipe_meta_info
 * VPIPE_META_IOC_GET_STATS:	fill struct vpipe_meta_stats
 * VPIPE_META_IOC_SET_VERSION:	choose the entry version this open file reads;
 *				EINVAL for a version this module does not know
 */
#define VPIPE_META_IOC_MAGIC		'p'
#define VPIPE_META_IOC_QUERY		_IOR(VPIPE_META_IOC_MAGIC, 0x00, struct vpipe_meta_info)
#define VPIPE_META_IOC_GET_STATS	_IOR(VPIPE_META_IOC_MAGIC, 0x01, struct vpipe_meta_stats)
#define VPIPE_META_IOC_SET_VERSION	_IOW(VPIPE_META_IOC_MAGIC, 0x02, __u32)

#endif /* _UAPI_VPIPE_H */
