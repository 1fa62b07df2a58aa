/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vpipe-loop.ko, inside.
 *
 * A frame is an OUTPUT buffer of the writer. Publishing it puts a reference on the
 * list of each reader; it is copied, or shown, when its reader asks for it, in that
 * reader's time. The writer has the buffer again once nobody refers to it, and takes
 * it from the slowest where it would have to wait.
 *
 * core.c	the module, its nodes, opening them
 * node.c	ioctls, files, and the two queues of each
 * formats.c	formats, sizes and intervals
 * controls.c	what users may set
 * frames.c	frames from the writer to the lists of the readers, and back
 * reader.c	frames from a reader's list to its buffers, or to read(2)
 * memory.c	which memory is the same, and copying from one to another
 * view.c	MMAP buffers of readers that show the writer's memory
 * still.c	what readers get while there is no frame
 * debugfs.c	counters
 *
 * Locks, the outer ones first: loop_file.lock; loop_dev.lock; a process's mmap_lock;
 * vb2_queue.mmap_lock; loop_view.lock; loop_dev.frames_lock, a spinlock.
 */
#ifndef LOOP_H
#define LOOP_H

#include <linux/bits.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <media/v4l2-ctrls.h>
#include <media/v4l2-device.h>
#include <media/v4l2-fh.h>
#include <media/videobuf2-v4l2.h>

#include "../compat.h"
#include "../uapi/vpipe-loop.h"

#define LOOP_NAME	"vpipe-loop"

/* Of a queue: frames of one that has more would outgrow the readers' lists. */
#define LOOP_MAX_BUFFERS	32

/* Where CAPTURE buffers lie in the file, behind those of OUTPUT. */
#define LOOP_CAPTURE_OFFSET	BIT_ULL(30)

struct dma_buf;
struct loop_file;
struct loop_view;

/**
 * struct loop_format - a pixel format
 * @fourcc:	V4L2_PIX_FMT_*
 * @bytes:	of a pixel of the first plane, 0 where it is compressed
 * @depth:	bits of a pixel of all planes together
 * @align_x:	the width is a multiple of it
 * @align_y:	the height is a multiple of it
 * @black:	what a picture's first plane consists of, four bytes that repeat
 * @chroma:	the byte that the other planes consist of
 */
struct loop_format {
	u32 fourcc;
	u8 bytes;
	u8 depth;
	u8 align_x;
	u8 align_y;
	u8 black[4];
	u8 chroma;
};

/**
 * struct loop_still - a picture that readers get while there is no frame
 * @kref:	its users
 * @bytesused:	its size
 * @data:	its bytes
 */
struct loop_still {
	struct kref kref;
	u32 bytesused;
	u8 data[];
};

/**
 * struct loop_frame - an OUTPUT buffer
 * @vbuf:	the buffer
 * @entry:	in loop_dev.held, or in loop_file.early before STREAMON
 * @borrowers:	CAPTURE buffers that show this frame's memory, by loop_buf.borrow
 * @refs:	readers' lists, copies and borrowers that refer to it; the last one gives the
 *		buffer back
 * @copying:	copies being made of it
 * @imports:	borrowers that are dma-bufs, which cannot be made to let go
 * @number:	of the frame, counted by the node
 * @timestamp:	for readers, in ns
 * @given:	sequence number that the writer queued it with
 * @mapped:	its dma-buf is mapped, see memory.c
 *
 * All but the first and the last two are under loop_dev.frames_lock.
 */
struct loop_frame {
	struct vb2_v4l2_buffer vbuf;
	struct list_head entry;
	struct list_head borrowers;
	unsigned int refs;
	unsigned int copying;
	unsigned int imports;
	u32 number;
	u64 timestamp;
	u32 given;
	bool mapped;
};

/**
 * struct loop_buf - a CAPTURE buffer
 * @vbuf:	the buffer
 * @entry:	in loop_reader.bufs
 * @lent:	the frame that it shows, until it is queued again
 * @borrow:	in @lent->borrowers
 * @view:	its user's read-only mapping, where it has one
 * @shown:	key of the writer's memory that @view shows; none: the buffer's own
 * @binding:	in loop_dev.bindings, while @shown is set
 * @copies:	frames to copy into it before it may show the writer's memory
 * @own:	somebody may write to it, or has it as a dma-buf: it shows no other memory
 * @moving:	what @view shows is being changed: who may free or reuse the buffer waits
 * @mapped:	its dma-buf is mapped, see memory.c
 *
 * All but the first and the last are under loop_dev.frames_lock.
 */
struct loop_buf {
	struct vb2_v4l2_buffer vbuf;
	struct list_head entry;
	struct loop_frame *lent;
	struct list_head borrow;
	struct loop_view *view;
	const void *shown;
	struct list_head binding;
	unsigned int copies;
	bool own;
	bool moving;
	bool mapped;
};

/**
 * struct loop_reader - what a file has to read
 * @entry:	in loop_dev.readers, while it takes frames
 * @wait:	woken for a new frame, a queued buffer, and the end
 * @bufs:	queued CAPTURE buffers
 * @list:	frames to read: a ring, the oldest at @first
 * @first:	index of the oldest
 * @count:	of frames in @list
 * @base:	number of the frame that is this reader's number 0
 * @wake:	there is a frame and nobody has told it
 * @still:	it is to get a picture instead of a frame
 * @reading:	it uses read(2)
 * @stale:	the format has changed under its buffers
 * @rest:	of a frame that read(2) has given a part of; under loop_file.lock, as the
 *		three that follow
 * @rest_size:	of that frame
 * @rest_at:	how much of it has been read
 * @rest_room:	size of the memory at @rest
 */
struct loop_reader {
	struct list_head entry;
	wait_queue_head_t wait;
	struct list_head bufs;
	struct loop_frame *list[LOOP_MAX_BUFFERS];
	unsigned int first;
	unsigned int count;
	u32 base;
	bool wake;
	bool still;
	bool reading;
	bool stale;
	u8 *rest;
	size_t rest_size;
	size_t rest_at;
	size_t rest_room;
};

/**
 * struct loop_file - an open file
 * @fh:		its handle
 * @dev:	its node
 * @entry:	in loop_dev.files
 * @lock:	of both queues
 * @out:	OUTPUT
 * @cap:	CAPTURE
 * @early:	OUTPUT buffers queued before STREAMON
 * @written:	bytes of the write(2) that is being done
 * @capturer:	the process that has CAPTURE buffers or reads, under loop_dev.lock
 * @reader:	what it has to read
 */
struct loop_file {
	struct v4l2_fh fh;
	struct loop_dev *dev;
	struct list_head entry;
	struct mutex lock; /* of both queues */
	struct vb2_queue out;
	struct vb2_queue cap;
	struct list_head early;
	u32 written;
	struct pid *capturer;
	struct loop_reader reader;
};

/**
 * struct loop_stats - counted since the module was loaded
 * @frames:	handed over by writers
 * @copies:	made of frames, by a CPU in here
 * @bytes:	so copied
 * @shared:	frames that reached a reader without a copy
 * @lost:	frames that a reader lost, summed over the readers
 */
struct loop_stats {
	u64 frames;
	u64 copies;
	u64 bytes;
	u64 shared;
	u64 lost;
};

/**
 * struct loop_memory - that of one OUTPUT buffer
 * @key:	the dma-buf, or what videobuf2 allocated
 * @dbuf:	the dma-buf, referred to
 */
struct loop_memory {
	const void *key;
	struct dma_buf *dbuf;
};

/**
 * struct loop_dev - a node
 * @v4l2_dev:	counts the users
 * @vfd:	the node
 * @hdl:	its controls
 * @debugfs:	its folder
 * @number:	of the node among the module's
 * @exclusive:	it has one capability at a time
 * @lock:	of the next twelve
 * @files:	open ones
 * @writer:	the file that has OUTPUT buffers
 * @format:	of the frames, like all up to @interval
 * @width:	in pixels
 * @height:	in pixels
 * @sizeimage:	in bytes
 * @colorspace:	as given on OUTPUT
 * @xfer_func:	as given on OUTPUT
 * @ycbcr_enc:	as given on OUTPUT
 * @quantization: as given on OUTPUT
 * @interval:	between frames, in seconds
 * @frames_lock: of all that follows, and of frames and readers
 * @readers:	those that take frames
 * @held:	frames that somebody refers to, the oldest first
 * @bindings:	CAPTURE buffers that show the writer's memory
 * @idle:	woken when a copy or a move ends
 * @streaming:	the writer streams
 * @memory:	of the OUTPUT buffers, by index
 * @buffers:	of the writer
 * @lent:	frames that are borrowed as dma-bufs
 * @next:	number of the next frame, or still picture
 * @written:	frames since the writer's STREAMON
 * @last:	frame that is kept, referred to
 * @still:	copy of the last frame, where the writer is gone
 * @image:	what is shown after the time-out; none: black
 * @grab:	the next frame becomes @image
 * @stamps:	VPIPE_LOOP_STAMPS_*
 * @keep_last:	the last frame is kept
 * @timeout:	in jiffies, 0 for none
 * @frame_time:	when there was a frame last, in jiffies
 * @wake_work:	tells readers that there is a frame
 * @still_work:	gives readers a picture when there is no frame
 * @stats:	counters
 */
struct loop_dev {
	struct v4l2_device v4l2_dev;
	struct video_device vfd;
	struct v4l2_ctrl_handler hdl;
	struct dentry *debugfs;
	unsigned int number;
	bool exclusive;

	struct mutex lock; /* of the next twelve */
	struct list_head files;
	struct loop_file *writer;
	const struct loop_format *format;
	u32 width;
	u32 height;
	u32 sizeimage;
	enum v4l2_colorspace colorspace;
	enum v4l2_xfer_func xfer_func;
	enum v4l2_ycbcr_encoding ycbcr_enc;
	enum v4l2_quantization quantization;
	struct v4l2_fract interval;

	spinlock_t frames_lock; /* of all that follows, and of frames and readers */
	struct list_head readers;
	struct list_head held;
	struct list_head bindings;
	wait_queue_head_t idle;
	bool streaming;
	struct loop_memory memory[LOOP_MAX_BUFFERS];
	unsigned int buffers;
	unsigned int lent;
	u32 next;
	u32 written;
	struct loop_frame *last;
	struct loop_still *still;
	struct loop_still *image;
	bool grab;
	u32 stamps;
	bool keep_last;
	unsigned long timeout;
	unsigned long frame_time;
	struct work_struct wake_work;
	struct delayed_work still_work;
	struct loop_stats stats;
};

static inline struct loop_frame *loop_to_frame(struct vb2_buffer *vb)
{
	return container_of(to_vb2_v4l2_buffer(vb), struct loop_frame, vbuf);
}

static inline struct loop_buf *loop_to_buf(struct vb2_buffer *vb)
{
	return container_of(to_vb2_v4l2_buffer(vb), struct loop_buf, vbuf);
}

static inline struct loop_file *loop_to_file(struct file *file)
{
	return container_of(vpipe_file_to_fh(file), struct loop_file, fh);
}

static inline bool loop_is_capture(const struct vb2_queue *vq)
{
	return V4L2_TYPE_IS_CAPTURE(vq->type);
}

/* core.c */
extern unsigned int loop_max_buffers;
bool loop_may_open(void);

/* node.c */
extern const struct v4l2_file_operations loop_fops;
extern const struct v4l2_ioctl_ops loop_ioctl_ops;
bool loop_has_side(struct loop_file *file, bool capture);
int loop_start_reading(struct loop_file *file);

/* formats.c */
void loop_formats_init(struct loop_dev *dev);
u32 loop_black(struct loop_dev *dev, u8 *data, size_t room);
int loop_enum_fmt(struct file *file, void *priv, struct v4l2_fmtdesc *f);
int loop_enum_framesizes(struct file *file, void *priv, struct v4l2_frmsizeenum *fsize);
int loop_enum_frameintervals(struct file *file, void *priv, struct v4l2_frmivalenum *fival);
int loop_g_fmt(struct file *file, void *priv, struct v4l2_format *f);
int loop_try_fmt(struct file *file, void *priv, struct v4l2_format *f);
int loop_s_fmt(struct file *file, void *priv, struct v4l2_format *f);
int loop_g_parm(struct file *file, void *priv, struct v4l2_streamparm *parm);
int loop_s_parm(struct file *file, void *priv, struct v4l2_streamparm *parm);

/* controls.c */
int loop_controls_init(struct loop_dev *dev);

/* frames.c */
void loop_frames_init(struct loop_dev *dev);
void loop_publish(struct loop_dev *dev, struct loop_frame *frame, unsigned int buffers);
void loop_take_back(struct loop_dev *dev);
void loop_keep_last(struct loop_dev *dev, bool keep);
void loop_count_copy(struct loop_dev *dev, size_t bytes);
void loop_frame_put(struct loop_dev *dev, struct loop_frame *frame);
void loop_frame_copied(struct loop_dev *dev, struct loop_frame *frame, u32 bytes);
void loop_moved(struct loop_dev *dev, struct loop_buf *buf);
void loop_buf_return(struct loop_dev *dev, struct loop_buf *buf);
void loop_buf_own(struct loop_dev *dev, struct loop_buf *buf, bool always);
void loop_unbind(struct loop_dev *dev, const void *key);

/* reader.c */
void loop_reader_init(struct loop_reader *reader);
void loop_reader_start(struct loop_file *file);
void loop_reader_stop(struct loop_file *file);
void loop_reader_end(struct loop_file *file);
void loop_readers_init(struct loop_dev *dev);
void loop_readers_add(struct loop_dev *dev, struct loop_frame *frame);
void loop_reader_drop(struct loop_dev *dev, struct loop_reader *reader, u32 number);
void loop_reader_show_still(struct loop_dev *dev, struct loop_reader *reader);
bool loop_reader_ready(struct loop_file *file);
unsigned int loop_most_lent(const struct loop_dev *dev);
int loop_dequeue(struct loop_file *file, struct v4l2_buffer *b, bool nonblocking);
ssize_t loop_read(struct file *filp, char __user *to, size_t count, loff_t *offset);

/* memory.c */
extern struct vb2_mem_ops loop_memops;
void loop_memory_init(void);
void *loop_access_begin(struct vb2_buffer *vb);
void loop_access_end(struct vb2_buffer *vb);
int loop_copy_out(struct loop_frame *frame, void *to, u32 bytes);
int loop_copy_in(struct loop_buf *buf, struct loop_frame *frame, u32 bytes);
u32 loop_copy_still(struct loop_dev *dev, struct loop_buf *buf, const struct loop_still *still);
void loop_memory_note(struct loop_dev *dev, const struct vb2_buffer *vb);
void loop_memory_forget(struct loop_dev *dev, unsigned int index);
bool loop_is_memory(const struct loop_buf *buf, const struct loop_memory *memory);
bool loop_is_writers(const struct loop_dev *dev, const struct loop_buf *buf);
long loop_memory_share(struct loop_dev *dev, struct vpipe_loop_share *share);

/* view.c */
int loop_capture_mmap(struct loop_file *file, struct file *filp, struct vm_area_struct *vma);
void loop_view_show(struct loop_view *view, void *memory);
void loop_view_detach(struct loop_dev *dev, struct loop_buf *buf);

/* still.c */
void loop_still_init(struct loop_dev *dev);
void loop_still_exit(struct loop_dev *dev);
void loop_still_forget(struct loop_dev *dev);
void loop_still_schedule(struct loop_dev *dev);
bool loop_has_still(const struct loop_dev *dev);
struct loop_still *loop_still_copy(struct loop_dev *dev, struct loop_frame *frame);
struct loop_still *loop_still_get(struct loop_dev *dev);
void loop_still_put(struct loop_still *still);
void loop_still_set(struct loop_dev *dev, struct loop_still **place, struct loop_still *still);

/* debugfs.c */
void loop_debugfs_init(struct loop_dev *dev);
void loop_debugfs_exit(void);

#endif /* LOOP_H */
