/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vpipe-loop.ko, inside.
 *
 * A frame is an OUTPUT buffer of the writer. Publishing it puts a reference on the
 * list of each reader; it is copied, or shown, when its reader asks for it, in that
 * reader's time. The writer has the buffer again once nobody refers to it. Where it asks
 * for one and there is none it takes the frame that is missed least: those who look at it
 * get a copy, those who only wait for it lose it.
 *
 * core.c	the module and its parameters
 * admin.c	nodes made and removed for programs that know v4l2loopback
 * nodes.c	the nodes there are
 * node.c	files
 * ioctl.c	ioctls
 * sysfs.c	a node's attributes
 * controls.c	what users may set
 * claim.c	who has it open, who writes, and who reads
 * queue.c	the two queues of a file
 * formats.c	formats, sizes and intervals
 * layout.c	pixel formats: how frames of each lie in memory
 * writer.c	frames from the writer to the lists of the readers, and back
 * reader.c	a reader's list of frames
 * match.c	which of them goes to which buffer
 * deliver.c	and how it gets there
 * read.c	the same to read(2)
 * placeholder.c	what readers get while there is no frame
 * wake.c	who waits for a frame is told of it
 * usage.c	and writers of their readers
 * frame.c	a frame's memory, and who refers to it
 * copier.c	copies by readers, which the writer does not wait for
 * cpu_access.c	where the kernel sees memory
 * share.c	which memory is the writer's: VPIPE_LOOP_IOC_SHARE
 * view.c	mappings of readers that show the writer's memory
 * mmap.c	mmap(2) of CAPTURE buffers
 * debugfs.c	counters
 * trace.h	trace events
 *
 * Locks, the outer ones first: that of the nodes; that of a control handler, the node's before
 * a file's, which has its controls; vloop_file.lock; vloop_dev.lock; the core's of all video
 * devices; a process's mmap_lock; vb2_queue.mmap_lock;
 * vloop_dev.frames_lock, a spinlock. There is no media device, and so no req_queue_mutex.
 */
#ifndef VLOOP_H
#define VLOOP_H

#include <linux/bits.h>
#include <linux/completion.h>
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
#include "../memory.h"
#include "../uapi/vpipe-loop.h"
#include "../video.h"

#define VLOOP_NAME	"vpipe-loop"

/* As many as V4L2 has numbers for. */
#define VLOOP_MAX_NODES		256

/* Of a queue. */
#define VLOOP_MAX_BUFFERS	32

/* Bytes of a line, with what the writer has behind it. */
#define VLOOP_MAX_LINE		(VPIPE_LOOP_MAX_SIZE * 4)

/* Where CAPTURE buffers lie in the file, behind those of OUTPUT. */
#define VLOOP_CAPTURE_OFFSET	BIT_ULL(30)

struct dma_buf;
struct vloop_file;
struct vloop_view;

/* What of a writer's buffer goes to the readers' with its frame. */
#define VLOOP_COPIED_FLAGS	(V4L2_BUF_FLAG_KEYFRAME | V4L2_BUF_FLAG_PFRAME | \
				 V4L2_BUF_FLAG_BFRAME | V4L2_BUF_FLAG_TIMECODE | \
				 V4L2_BUF_FLAG_TSTAMP_SRC_MASK)

/**
 * struct vloop_format - a pixel format
 * @fourcc:	V4L2_PIX_FMT_*
 * @pixels:	of a group; a line has whole ones
 * @bytes:	of a group in the first plane, 0 where it is compressed
 * @across:	pixels side by side for which the planes behind the first have one sample of each
 *		colour, 0 where there are none
 * @down:	pixels one below the other for which they have one
 * @black:	bytes of a group that is black, of limited and of full range; none where it cannot
 *		be drawn
 */
struct vloop_format {
	u32 fourcc;
	u8 pixels;
	u8 bytes;
	u8 across;
	u8 down;
	const char *black[2];
};

/**
 * struct vloop_told - what readers are told of a frame
 * @number:	of the frame, counted by the node
 * @timestamp:	in ns
 * @writer_sequence:	sequence number that the writer queued it with
 * @flags:	V4L2_BUF_FLAG_*, of the writer's
 * @timecode:	of the writer's
 * @bytes:	its size
 */
struct vloop_told {
	u32 number;
	u64 timestamp;
	u32 writer_sequence;
	u32 flags;
	struct v4l2_timecode timecode;
	u32 bytes;
};

/**
 * struct vloop_frame - what a writer hands over
 * @entry:	in vloop_dev.held while it is an OUTPUT buffer, in vloop_file.early before
 *		STREAMON, in vloop_dev.spare where it is a copy that nobody refers to
 * @vb:		the OUTPUT buffer; none: it is in @data
 * @views:	that show it, by vloop_view.entry
 * @borrowers:	CAPTURE buffers that are its dma-buf, by vloop_buf.borrow
 * @refs:	readers' lists, copies, views and borrowers that refer to it
 * @copiers:	those who copy it and can be told to stop, by vloop_copier.entry
 * @copying:	how many copy it
 * @going:	the writer has asked for it: nobody gets it any more
 * @told:	what its readers are told of it
 * @data:	memory of its own
 * @room:	size of @data in bytes
 *
 * Under vloop_dev.frames_lock, but for what does not change.
 */
struct vloop_frame {
	struct list_head entry;
	struct vb2_buffer *vb;
	struct list_head views;
	struct list_head borrowers;
	struct list_head copiers;
	unsigned int refs;
	unsigned int copying;
	bool going;
	struct vloop_told told;
	void *data;
	size_t room;
};

/**
 * struct vloop_copier - a copy that a reader makes of a frame
 * @dev:	the frame's node
 * @frame:	that is copied: one of its references and of @copying, as long as @entry is in
 *		its list
 * @entry:	in @frame->copiers, under vloop_dev.frames_lock. Who takes it from there has told
 *		the copier to stop, and has let go of the frame in its place
 * @told:	of the frame
 * @dbuf:	that its memory is, referred to, which the CPU has to ask for; none: the node's own
 * @map:	of @dbuf, the copier's own
 * @began:	@dbuf was asked for
 * @lock:	of @from, held while a piece is copied
 * @from:	the frame's memory; none: it is not to be had, or no more
 * @at:		what has been copied
 * @seen:	@at at the last look, under vloop_dev.frames_lock, as @stands
 * @stands:	it was the same at the look before
 */
struct vloop_copier {
	struct vloop_dev *dev;
	struct vloop_frame *frame;
	struct list_head entry;
	struct vloop_told told;
	struct dma_buf *dbuf;
	struct iosys_map map;
	bool began;
	spinlock_t lock; /* of from */
	const void *from;
	u32 at;
	u32 seen;
	bool stands;
};

/**
 * struct vloop_out - an OUTPUT buffer
 * @vbuf:	the buffer
 * @map:	of what is imported, see ../memory.h
 * @frame:	what is in it while it is queued
 * @writer_sequence:	sequence number that it was queued with
 */
struct vloop_out {
	struct vb2_v4l2_buffer vbuf;
	struct iosys_map map;
	struct vloop_frame frame;
	u32 writer_sequence;
};

/**
 * struct vloop_buf - a CAPTURE buffer
 * @vbuf:	the buffer
 * @map:	of what is imported, see ../memory.h
 * @entry:	in vloop_reader.bufs
 * @view:	its user's read-only mapping, where it has one; a reference
 * @shown:	the view that shows the frame in it, until it is queued again; a reference
 * @lent:	the frame that it is the memory of, until it is queued again
 * @borrow:	in @lent->borrowers
 * @own:	somebody may write to it, or has it as a dma-buf: it shows no other memory
 * @ready:	its memory was made ready for a copy, @vaddr is the result
 * @vaddr:	where to copy to
 *
 * @lent and @borrow are under vloop_dev.frames_lock, the others under vloop_file.lock.
 */
struct vloop_buf {
	struct vb2_v4l2_buffer vbuf;
	struct iosys_map map;
	struct list_head entry;
	struct vloop_view *view;
	struct vloop_view *shown;
	struct vloop_frame *lent;
	struct list_head borrow;
	bool own;
	bool ready;
	void *vaddr;
};

/* How a frame reaches a buffer. */
enum vloop_delivery {
	VLOOP_NOT_YET,		/* there is no buffer for it */
	VLOOP_NEVER,		/* there will not be: all are memory of the writer's */
	VLOOP_LEND,		/* the buffer is the frame's memory */
	VLOOP_SHOW,		/* its view shows the frame */
	VLOOP_SHOW_COPY,		/* its view shows a copy of the frame */
	VLOOP_COPY,		/* to the buffer's memory */
};

/**
 * struct vloop_entry - a frame that waits for a reader
 * @frame:	referred to
 * @number:	of the frame, counted by the node
 * @timestamp:	in ns
 * @placeholder:	it stands for one that did not come
 */
struct vloop_entry {
	struct vloop_frame *frame;
	u32 number;
	u64 timestamp;
	bool placeholder;
};

/**
 * struct vloop_reader - what a file has to read
 * @entry:	in vloop_dev.readers, while it takes frames
 * @wait:	woken for a new frame, a queued buffer, and the end
 * @bufs:	queued CAPTURE buffers
 * @list:	frames to read: a ring, the oldest at @first
 * @first:	index of the oldest
 * @count:	of frames in @list
 * @base:	number of the frame that is this reader's number 0
 * @shown:	views of it that show a frame
 * @lent:	buffers of it that are a frame's memory
 * @wake:	there is a frame and nobody has told it
 * @reading:	it uses read(2)
 * @stale:	the format has changed under its buffers
 * @rest:	of a frame that read(2) has given a part of; under vloop_file.lock, as
 *		@rest_size, @rest_at and @rest_room
 * @rest_size:	of that frame
 * @rest_at:	how much of it has been read
 * @rest_room:	size of the memory at @rest
 */
struct vloop_reader {
	struct list_head entry;
	wait_queue_head_t wait;
	struct list_head bufs;
	struct vloop_entry list[VLOOP_MAX_BUFFERS];
	unsigned int first;
	unsigned int count;
	u32 base;
	unsigned int shown;
	unsigned int lent;
	bool wake;
	bool reading;
	bool stale;
	u8 *rest;
	size_t rest_size;
	size_t rest_at;
	size_t rest_room;
};

/* The side of a node that a file has used, and keeps. */
enum vloop_side {
	VLOOP_NEITHER,
	VLOOP_OUTPUT,
	VLOOP_CAPTURE,
};

/**
 * struct vloop_file - an open file
 * @fh:		its handle
 * @hdl:	its controls, and the node's
 * @lends:	memory that it imports goes to readers as it is
 * @dev:	its node
 * @number:	of the file, in trace events
 * @entry:	in vloop_dev.files
 * @priority:	as it was said
 * @poll_lock:	held by who says in poll where it waits
 * @calls:	that wait for a frame, a buffer or an event
 * @lock:	of both queues
 * @out:	OUTPUT
 * @cap:	CAPTURE
 * @early:	OUTPUT buffers queued before STREAMON
 * @written:	bytes of the write(2) that is being done
 * @replaced:	it asked for a format that there is not
 * @chose:	it has set the format from the CAPTURE side
 * @gave:	it has set the format from the OUTPUT side
 * @asked_image: it asked that another one gives the time-out image
 * @gives_image: what it writes becomes the time-out image, and nothing else
 * @side:	that it has used
 * @told_readers: how many there are, as it was told last, under vloop_dev.lock
 * @capturer:	the process that has CAPTURE buffers or reads, under vloop_dev.lock
 * @reader:	what it has to read
 */
struct vloop_file {
	struct v4l2_fh fh;
	struct v4l2_ctrl_handler hdl;
	struct vloop_dev *dev;
	u32 number;
	struct list_head entry;
	enum v4l2_priority priority;
	struct mutex poll_lock; /* one poll at a time says where it waits */
	atomic_t calls;
	struct mutex lock; /* of both queues */
	struct vb2_queue out;
	struct vb2_queue cap;
	struct list_head early;
	u32 written;
	bool lends;
	bool replaced;
	bool chose;
	bool gave;
	bool asked_image;
	bool gives_image;
	enum vloop_side side;
	u32 told_readers;
	struct pid *capturer;
	struct vloop_reader reader;
};

/**
 * struct vloop_stats - counted since the node was made
 * @frames:	handed over by writers
 * @copies:	made of frames, by a CPU in here
 * @bytes:	so copied
 * @shared:	frames that reached a reader without a copy
 * @lost:	frames that a reader lost, summed over the readers
 * @readers:	those that take frames, now
 */
struct vloop_stats {
	u64 frames;
	u64 copies;
	u64 bytes;
	u64 shared;
	u64 lost;
	unsigned int readers;
};

/**
 * struct vloop_memory - that of one OUTPUT buffer
 * @key:	the dma-buf, or what videobuf2 allocated
 * @dbuf:	the dma-buf, referred to
 */
struct vloop_memory {
	const void *key;
	struct dma_buf *dbuf;
};

/**
 * struct vloop_config - what a node is to be
 * @nr:		N of its /dev/videoN, -1 for the next free one
 * @label:	its name; empty: one with its number
 * @exclusive:	it has one capability at a time
 * @min_width:	in pixels, as are the following
 * @max_width:	largest width
 * @min_height:	smallest height
 * @max_height:	largest height
 * @max_buffers: of a queue
 * @max_openers: most open files, 0 for no limit
 * @debug:	what the kernel logs of it, 0 to 3
 */
struct vloop_config {
	int nr;
	char label[32];
	bool exclusive;
	u32 min_width;
	u32 max_width;
	u32 min_height;
	u32 max_height;
	u32 max_buffers;
	u32 max_openers;
	int debug;
};

/**
 * struct vloop_dev - a node
 * @v4l2_dev:	counts the users
 * @vfd:	the node
 * @hdl:	its controls
 * @debugfs:	its folder
 * @number:	of the node among the module's
 * @config:	what it was made as
 * @unregistered: its number is another node's to have
 * @priorities:	of its files
 * @lock:	of @files, @opened, @openers, @gone, @writer, @imager, @image_io, @keep_format,
 *		@config.max_openers, and the frames' format and interval
 * @files:	open ones
 * @opened:	files so far
 * @openers:	how many of these are open
 * @gone:	it is being removed: nobody opens it any more
 * @writer:	the file that has OUTPUT buffers
 * @imager:	the same of those that give the time-out image
 * @image_io:	whoever opens it next for writing gives the time-out image
 * @keep_format: the format stays as it is
 * @format:	of the frames, as are @width, @height, @bytesperline, @sizeimage, @colors
 *		and @interval
 * @width:	in pixels
 * @height:	in pixels
 * @bytesperline: of the first plane
 * @sizeimage:	in bytes
 * @colors:	as given on OUTPUT
 * @interval:	between frames, in seconds
 * @frames_lock: of frames and readers: @readers, @held, @spare, @streaming, @memory, @buffers,
 *		@next, @written, @began, @clock, @last, @image, @black, @image_wanted, @stamps,
 *		@keep_last, @sustain, @timeout, @frame_time, @placeholder_time and @stats
 * @readers:	those that take frames
 * @held:	OUTPUT buffers that somebody refers to, the oldest first
 * @spare:	copies that nobody refers to
 * @idle:	woken when the writer has its last buffer again
 * @streaming:	the writer streams
 * @memory:	of the OUTPUT buffers, by index
 * @buffers:	of the writer
 * @next:	number of the next frame
 * @written:	frames since the writer's STREAMON
 * @began:	time of the first of these, in ns
 * @clock:	timestamp that readers were given last, in ns
 * @last:	frame that is kept, referred to
 * @image:	what is shown after the time-out, referred to
 * @black:	the same where nobody has set an image, referred to
 * @image_wanted:	the next frame becomes @image
 * @stamps:	VPIPE_LOOP_STAMPS_*
 * @keep_last:	the last frame is kept
 * @sustain:	the last frame is kept, and shown again where the next one is late
 * @timeouts:	the two controls that set @timeout
 * @timeout:	in jiffies, 0 for none
 * @frame_time:	when there was a frame last, in jiffies
 * @placeholder_time: before which there is no other placeholder, in jiffies
 * @wake_work:	tells readers that there is a frame
 * @usage_work:	tells files how many readers there are
 * @placeholder_work:	gives readers a picture when there is no frame
 * @spare_work:	frees what is in @spare
 * @copiers_work: tells copies to stop that the writer waits for
 * @stats:	counters
 */
struct vloop_dev {
	struct v4l2_device v4l2_dev;
	struct video_device vfd;
	struct v4l2_ctrl_handler hdl;
	struct dentry *debugfs;
	unsigned int number;
	struct vloop_config config;
	struct completion unregistered;
	struct v4l2_prio_state priorities;

	struct mutex lock; /* of files, writer, format and interval */
	struct list_head files;
	u32 opened;
	unsigned int openers;
	bool gone;
	struct vloop_file *writer;
	struct vloop_file *imager;
	bool image_io;
	bool keep_format;
	const struct vloop_format *format;
	u32 width;
	u32 height;
	u32 bytesperline;
	u32 sizeimage;
	struct vpipe_colors colors;
	struct v4l2_fract interval;

	spinlock_t frames_lock; /* of frames and readers */
	struct list_head readers;
	struct list_head held;
	struct list_head spare;
	wait_queue_head_t idle;
	bool streaming;
	struct vloop_memory memory[VLOOP_MAX_BUFFERS];
	unsigned int buffers;
	u32 next;
	u32 written;
	u64 began;
	u64 clock;
	struct vloop_frame *last;
	struct vloop_frame *image;
	struct vloop_frame *black;
	bool image_wanted;
	u32 stamps;
	bool keep_last;
	bool sustain;
	struct v4l2_ctrl *timeouts[2];
	unsigned long timeout;
	unsigned long frame_time;
	unsigned long placeholder_time;
	struct work_struct wake_work;
	struct work_struct usage_work;
	struct delayed_work placeholder_work;
	struct delayed_work spare_work;
	struct delayed_work copiers_work;
	struct vloop_stats stats;
};

static inline struct vloop_out *vloop_to_out(struct vb2_buffer *vb)
{
	return container_of(to_vb2_v4l2_buffer(vb), struct vloop_out, vbuf);
}

static inline struct vloop_buf *vloop_to_buf(struct vb2_buffer *vb)
{
	return container_of(to_vb2_v4l2_buffer(vb), struct vloop_buf, vbuf);
}

static inline struct vloop_file *vloop_to_file(struct file *file)
{
	return container_of(vpipe_file_to_fh(file), struct vloop_file, fh);
}

/* Where the node has the file that has OUTPUT buffers for what this one writes. */
static inline struct vloop_file **vloop_output_owner(const struct vloop_file *file)
{
	return file->gives_image ? &file->dev->imager : &file->dev->writer;
}

static inline bool vloop_is_capture(const struct vb2_queue *vq)
{
	return V4L2_TYPE_IS_CAPTURE(vq->type);
}

static inline struct vloop_entry *vloop_reader_at(struct vloop_reader *reader, unsigned int i)
{
	return &reader->list[(reader->first + i) % VLOOP_MAX_BUFFERS];
}

static inline bool vloop_reader_takes(const struct vloop_reader *reader)
{
	return !list_empty(&reader->entry);
}

static inline struct vloop_reader *vloop_reader_of(const struct vloop_buf *buf)
{
	struct vloop_file *file = vb2_get_drv_priv(buf->vbuf.vb2_buf.vb2_queue);

	return &file->reader;
}

/* core.c */
extern bool vloop_compat;
extern unsigned int vloop_max_readers;
extern bool vloop_show_mmap;
bool vloop_may_open(void);

/* admin.c */
void vloop_admin_init(const struct vloop_config *defaults);
void vloop_admin_exit(void);

/* nodes.c */
int vloop_nodes_add(const struct vloop_config *config, bool exact);
int vloop_nodes_remove(int nr);
int vloop_nodes_query(int nr, struct vloop_config *config);
void vloop_nodes_exit(void);

/* node.c */
extern const struct v4l2_file_operations vloop_fops;

/* ioctl.c */
extern const struct v4l2_ioctl_ops vloop_ioctl_ops;
long vloop_ioctl(struct file *filp, unsigned int cmd, unsigned long arg);
long vloop_compat_ioctl(struct file *filp, unsigned int cmd, unsigned long arg);

/* sysfs.c */
extern const struct attribute_group *vloop_attribute_groups[];

/* claim.c */
int vloop_enter(struct vloop_file *file, bool writes);
void vloop_leave(struct vloop_file *file);
int vloop_close_node(struct vloop_dev *dev);
int vloop_set_max_openers(struct vloop_dev *dev, unsigned int most);
bool vloop_is_camera(const struct vloop_dev *dev);
bool vloop_has_side(struct vloop_file *file, bool capture);
void vloop_end_image_io(struct vloop_file *file, bool capture);
int vloop_claim_writer(struct vloop_file *file);
int vloop_claim_reader(struct vloop_file *file);
int vloop_claim(struct file *filp, struct vb2_queue *q);
int vloop_may_control(struct file *filp);
void vloop_unclaim(struct vloop_file *file, struct vb2_queue *q);
void vloop_caps_changed(struct vloop_dev *dev);

/* queue.c */
int vloop_init_queue(struct vloop_file *file, struct vb2_queue *q, u32 type);

/* formats.c */
bool vloop_config_is_valid(const struct vloop_config *config);
void vloop_formats_init(struct vloop_dev *dev);
int vloop_enum_fmt(struct file *file, void *priv, struct v4l2_fmtdesc *f);
int vloop_enum_framesizes(struct file *file, void *priv, struct v4l2_frmsizeenum *fsize);
int vloop_enum_frameintervals(struct file *file, void *priv, struct v4l2_frmivalenum *fival);
int vloop_g_fmt(struct file *file, void *priv, struct v4l2_format *f);
int vloop_try_fmt(struct file *file, void *priv, struct v4l2_format *f);
int vloop_s_fmt(struct file *file, void *priv, struct v4l2_format *f);
int vloop_g_parm(struct file *file, void *priv, struct v4l2_streamparm *parm);
int vloop_s_parm(struct file *file, void *priv, struct v4l2_streamparm *parm);
int vloop_set_interval(struct vloop_dev *dev, const struct v4l2_fract *interval);
int vloop_format_text(struct vloop_dev *dev, char *text);

/* layout.c */
const struct vloop_format *vloop_format_at(u32 index);
const struct vloop_format *vloop_find_format(u32 fourcc);
u32 vloop_least_line(const struct vloop_format *format, u32 width);
u32 vloop_sizeimage(const struct vloop_format *format, u32 bytesperline, u32 height);
u32 vloop_compressed_size(u32 width, u32 height);
u32 vloop_max_sizeimage(void);
bool vloop_is_drawable(const struct vloop_format *format);
void vloop_draw_black(const struct vloop_format *format, bool full_range, u32 bytesperline,
		      u32 lines, void *frame, u32 size);

/* controls.c */
int vloop_controls_init(struct vloop_dev *dev);
int vloop_file_controls_init(struct vloop_file *file);

/* writer.c */
void vloop_publish(struct vloop_dev *dev, struct vb2_buffer *vb);
void vloop_take_image(struct vloop_dev *dev, struct vb2_buffer *vb);
void vloop_relieve(struct vloop_file *file);
int vloop_wait_relieved(struct vloop_file *file);
void vloop_take_back(struct vloop_dev *dev);
void vloop_keep_last(struct vloop_dev *dev, bool *why, bool keep);

/* reader.c */
void vloop_reader_init(struct vloop_reader *reader);
void vloop_reader_start(struct vloop_file *file);
void vloop_reader_stop(struct vloop_file *file);
void vloop_reader_end(struct vloop_file *file);
void vloop_reader_drop(struct vloop_dev *dev, struct vloop_reader *reader);
void vloop_reader_lost(struct vloop_file *file, const struct vloop_entry *entry,
		       const struct vloop_told *told, u32 sequence);
struct vloop_entry vloop_reader_pop(struct vloop_reader *reader);
u32 vloop_reader_sequence(const struct vloop_dev *dev, const struct vloop_reader *reader,
			  const struct vloop_entry *entry);
void vloop_readers_show_placeholder(struct vloop_dev *dev, struct vloop_frame *frame);
void vloop_readers_add(struct vloop_dev *dev, struct vloop_frame *frame);
void vloop_readers_replace(struct vloop_dev *dev, struct vloop_frame *frame,
			   struct vloop_frame *by);
void vloop_readers_drop(struct vloop_dev *dev, u32 number);

/* wake.c */
void vloop_wake_readers(struct vloop_dev *dev);
void vloop_wake_all_readers(struct vloop_dev *dev);
void vloop_waking_init(struct vloop_dev *dev);
void vloop_waking_settle(struct vloop_dev *dev);
void vloop_waking_exit(struct vloop_dev *dev);

/* usage.c */
void vloop_usage_init(struct vloop_dev *dev);
void vloop_usage_exit(struct vloop_dev *dev);
void vloop_usage_tell_first(struct vloop_file *file);
void vloop_usage_changed(struct vloop_dev *dev);

/* match.c */
struct vloop_view *vloop_view_at(const struct vloop_buf *buf);
enum vloop_delivery vloop_match(struct vloop_dev *dev, struct vloop_reader *reader,
				struct vloop_buf **buf);

/* deliver.c */
bool vloop_reader_ready(struct vloop_file *file);
int vloop_wait_ready(struct vloop_file *file);
int vloop_dequeue(struct vloop_file *file, struct v4l2_buffer *b);
void vloop_buf_return(struct vloop_dev *dev, struct vloop_buf *buf);
void vloop_buf_unready(struct vloop_buf *buf);

/* read.c */
int vloop_start_reading(struct vloop_file *file);
ssize_t vloop_read(struct file *filp, char __user *to, size_t count, loff_t *offset);

/* placeholder.c */
void vloop_placeholder_init(struct vloop_dev *dev);
void vloop_placeholder_exit(struct vloop_dev *dev);
void vloop_placeholder_forget(struct vloop_dev *dev, bool black_alone);

static inline unsigned long vloop_interval_jiffies(const struct v4l2_fract *interval)
{
	unsigned long ms = div_u64((u64)interval->numerator * 1000, interval->denominator);

	return max(1UL, msecs_to_jiffies(ms));
}

/* There may be something to show from now on. */
static inline void vloop_placeholder_schedule(struct vloop_dev *dev)
{
	if (!READ_ONCE(dev->timeout) && !READ_ONCE(dev->sustain))
		return;
	mod_delayed_work(system_dfl_wq, &dev->placeholder_work, 0);
}

/* frame.c */
void vloop_frames_init(struct vloop_dev *dev);
void vloop_frames_exit(struct vloop_dev *dev);
struct vloop_frame *vloop_frame_alloc(struct vloop_dev *dev, u32 bytes);
struct vloop_frame *vloop_frame_copy(struct vloop_dev *dev, struct vloop_frame *frame);
void vloop_frame_put(struct vloop_dev *dev, struct vloop_frame *frame);
void vloop_frame_put_unlocked(struct vloop_dev *dev, struct vloop_frame *frame);
void vloop_count_copy(struct vloop_dev *dev, size_t bytes);
struct vloop_stats vloop_read_stats(struct vloop_dev *dev);
void vloop_set_frame(struct vloop_dev *dev, struct vloop_frame **place, struct vloop_frame *frame);
void vloop_lend(struct vloop_dev *dev, struct vloop_buf *buf, struct vloop_frame *frame);
void vloop_lent_back(struct vloop_dev *dev, struct vloop_buf *buf);
unsigned int vloop_most_lent(const struct vloop_dev *dev);

/* copier.c */
void vloop_copiers_init(struct vloop_dev *dev);
void vloop_copiers_exit(struct vloop_dev *dev);
void vloop_copiers_watch(struct vloop_dev *dev);
void vloop_copier_take(struct vloop_copier *copier, struct vloop_dev *dev,
		       struct vloop_frame *frame);
void vloop_copier_begin(struct vloop_copier *copier);
int vloop_copier_copy(struct vloop_copier *copier, void *to, u32 bytes);
int vloop_copier_to_user(struct vloop_copier *copier, void __user *to, u32 bytes);
struct vloop_frame *vloop_copier_frame(struct vloop_copier *copier);
bool vloop_copier_end_locked(struct vloop_copier *copier, u32 bytes);
bool vloop_copier_end(struct vloop_copier *copier, u32 bytes);

/* cpu_access.c */
extern struct vpipe_memory vloop_memops;
void vloop_memory_init(void);
bool vloop_keep_map_locked(struct vb2_buffer *vb, const struct iosys_map *mapped);
void *vloop_access_begin(struct vb2_buffer *vb);
void vloop_access_end(struct vb2_buffer *vb);

/* share.c */
void vloop_memory_note(struct vloop_dev *dev, const struct vb2_buffer *vb);
void vloop_memory_forget(struct vloop_dev *dev, unsigned int index);
void vloop_memory_forget_all(struct vloop_dev *dev);
bool vloop_is_memory(const struct vloop_buf *buf, const struct vloop_memory *memory);
bool vloop_is_writers(const struct vloop_dev *dev, const struct vloop_buf *buf);
long vloop_memory_share(struct vloop_dev *dev, struct vpipe_loop_share *share);

/**
 * struct vloop_view - a window
 * @dev:	its node
 * @dbuf:	what is mapped
 * @own:	memory of the MMAP buffer that it belongs to
 * @keep:	keeps @own
 * @imported:	memory of somebody else that it is for good: nothing else is ever shown
 * @mappings:	of it, in all processes
 * @entry:	in @frame->views
 * @frame:	that it shows, referred to
 * @turn:	of the frames that it has shown
 * @clearing:	its reader is done with @frame, which may still be mapped
 * @taken:	a buffer has it to show a frame, or will have: a window can be queued in many
 * @copies:	frames to copy before the writer's memory is shown again
 *
 * From @entry on all are under vloop_dev.frames_lock.
 */
struct vloop_view {
	struct vloop_dev *dev;
	struct dma_buf *dbuf;
	void *own;
	struct dma_buf *keep;
	struct dma_buf *imported;
	atomic_t mappings;
	struct list_head entry;
	struct vloop_frame *frame;
	u32 turn;
	bool clearing;
	bool taken;
	unsigned int copies;
};

/* view.c */
struct dma_buf *vloop_view_create(struct vloop_dev *dev, size_t size);
struct dma_buf *vloop_view_import(struct vloop_dev *dev, struct dma_buf *imported);
struct vloop_view *vloop_view_of(const struct dma_buf *dbuf);
struct vloop_view *vloop_view_of_buffer(struct vloop_dev *dev, struct vb2_buffer *vb);
bool vloop_view_may_be_queued(const struct dma_buf *dbuf, const struct vloop_dev *dev);
bool vloop_view_is_spared(const struct vloop_view *view);
void vloop_view_was_spared(struct vloop_view *view);
void vloop_view_get(struct vloop_view *view);
void vloop_view_put(struct vloop_view *view);
void vloop_view_set(struct vloop_view *view, struct vloop_frame *frame);
void vloop_view_zap(struct vloop_view *view);
void vloop_view_clear(struct vloop_view *view);
void vloop_view_keep(struct vloop_view *view);
void vloop_views_replace(struct vloop_dev *dev, struct vloop_frame *frame, struct vloop_frame *by);

/* mmap.c */
int vloop_capture_mmap(struct vloop_file *file, struct vm_area_struct *vma);

/* debugfs.c */
void vloop_debugfs_init(struct vloop_dev *dev);
void vloop_debugfs_exit(void);

#endif /* VLOOP_H */
