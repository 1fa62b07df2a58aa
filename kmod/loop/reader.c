// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A reader's list of frames.
 */
#include "loop.h"
#include "trace.h"

void vloop_reader_init(struct vloop_reader *reader)
{
	INIT_LIST_HEAD(&reader->entry);
	INIT_LIST_HEAD(&reader->bufs);
	init_waitqueue_head(&reader->wait);
}

struct vloop_entry vloop_reader_pop(struct vloop_reader *reader)
{
	struct vloop_entry entry = *vloop_reader_at(reader, 0);

	reader->first = (reader->first + 1) % VLOOP_MAX_BUFFERS;
	reader->count--;

	return entry;
}

/* That the reader has for it. */
u32 vloop_reader_sequence(const struct vloop_dev *dev, const struct vloop_reader *reader,
			  const struct vloop_entry *entry)
{
	return dev->stamps == VPIPE_LOOP_STAMPS_WRITER && !entry->placeholder ?
	       entry->frame->told.writer_sequence : entry->number - reader->base;
}

/* It does not get what it was to have. */
void vloop_reader_lost(struct vloop_file *file, const struct vloop_entry *entry,
		       const struct vloop_told *told, u32 sequence)
{
	struct vloop_dev *dev = file->dev;

	lockdep_assert_held(&dev->frames_lock);
	if (entry->placeholder)
		return;
	dev->stats.lost++;
	trace_vloop_dropped(file, entry->number, -1, sequence, entry->timestamp, told->bytes);
}

void vloop_reader_drop(struct vloop_dev *dev, struct vloop_reader *reader)
{
	struct vloop_entry entry = vloop_reader_pop(reader);

	vloop_reader_lost(container_of(reader, struct vloop_file, reader), &entry,
			  &entry.frame->told, vloop_reader_sequence(dev, reader, &entry));
	vloop_frame_put(dev, entry.frame);
}

static void vloop_reader_forget(struct vloop_dev *dev, struct vloop_reader *reader)
{
	while (reader->count)
		vloop_frame_put(dev, vloop_reader_pop(reader).frame);
}

static void vloop_reader_add(struct vloop_dev *dev, struct vloop_reader *reader,
			     struct vloop_entry entry)
{
	if (reader->stale)
		return;

	/* What stands for a frame is of no use once there is one. */
	while (reader->count && vloop_reader_at(reader, 0)->placeholder)
		vloop_reader_drop(dev, reader);
	if (reader->count == VLOOP_MAX_BUFFERS)
		vloop_reader_drop(dev, reader);
	/* With more than one frame it has been told already. */
	reader->wake |= !reader->count;
	*vloop_reader_at(reader, reader->count++) = entry;
	entry.frame->refs++;
}

/* A frame for all. */
void vloop_readers_add(struct vloop_dev *dev, struct vloop_frame *frame)
{
	struct vloop_entry entry = {
		.frame = frame,
		.number = frame->told.number,
		.timestamp = frame->told.timestamp,
	};
	struct vloop_reader *reader;

	list_for_each_entry(reader, &dev->readers, entry)
		vloop_reader_add(dev, reader, entry);
	vloop_wake_readers(dev);
}

/*
 * Those who wait for @frame have the copy instead, or where there is none lose it: in either case
 * there may be one now that can be had.
 */
void vloop_readers_replace(struct vloop_dev *dev, struct vloop_frame *frame,
			   struct vloop_frame *by)
{
	struct vloop_reader *reader;
	struct vloop_entry entry;
	unsigned int i;

	lockdep_assert_held(&dev->frames_lock);
	list_for_each_entry(reader, &dev->readers, entry) {
		for (i = reader->count; i; i--) {
			entry = *vloop_reader_at(reader, 0);
			reader->wake |= entry.frame == frame;
			if (entry.frame == frame && !by) {
				vloop_reader_drop(dev, reader);
				continue;
			}
			/* Round once: the order stays. */
			vloop_reader_pop(reader);
			if (entry.frame == frame) {
				entry.frame = by;
				by->refs++;
				vloop_frame_put(dev, frame);
			}
			*vloop_reader_at(reader, reader->count++) = entry;
		}
	}
	vloop_wake_readers(dev);
}

/*
 * Frames up to @number. The difference outlasts the number's coming round. Who waited for one of
 * these has not been told of those behind it.
 */
void vloop_readers_drop(struct vloop_dev *dev, u32 number)
{
	struct vloop_reader *reader;

	lockdep_assert_held(&dev->frames_lock);
	list_for_each_entry(reader, &dev->readers, entry) {
		while (reader->count && (s32)(vloop_reader_at(reader, 0)->number - number) <= 0) {
			vloop_reader_drop(dev, reader);
			reader->wake |= reader->count;
		}
	}
	vloop_wake_readers(dev);
}

/* There has been no frame for long: the readers get this one, in its place. */
void vloop_readers_show_placeholder(struct vloop_dev *dev, struct vloop_frame *frame)
{
	struct vloop_entry entry = {
		.frame = frame,
		.number = dev->next - 1,
		.timestamp = dev->clock,
		.placeholder = true,
	};
	struct vloop_reader *reader;

	list_for_each_entry(reader, &dev->readers, entry)
		if (!reader->count || vloop_reader_at(reader, 0)->placeholder)
			vloop_reader_add(dev, reader, entry);
	vloop_wake_readers(dev);
}

/* What who begins to read is shown: the others have had it, and wait for the next one. */
static struct vloop_frame *vloop_shown(const struct vloop_dev *dev)
{
	bool is_late = dev->timeout && jiffies - dev->frame_time >= dev->timeout;
	struct vloop_frame *image = dev->image ?: dev->black;

	lockdep_assert_held(&dev->frames_lock);
	if (!is_late || (dev->keep_last && dev->last))
		return dev->last;

	return time_before(jiffies, READ_ONCE(dev->placeholder_time)) ? image : NULL;
}

/* From now on the file gets frames. */
void vloop_reader_start(struct vloop_file *file)
{
	struct vloop_reader *reader = &file->reader;
	struct vloop_dev *dev = file->dev;
	struct vloop_frame *shown;

	spin_lock(&dev->frames_lock);
	reader->base = dev->next;
	dev->stats.readers++;
	list_add_tail(&reader->entry, &dev->readers);
	shown = vloop_shown(dev);
	if (shown) {
		struct vloop_entry entry = {
			.frame = shown,
			.number = --reader->base,
			.timestamp = shown == dev->last ? shown->told.timestamp : dev->clock,
			.placeholder = !shown->vb,
		};

		vloop_reader_add(dev, reader, entry);
	}
	spin_unlock(&dev->frames_lock);
	vloop_usage_changed(dev);
	vloop_placeholder_schedule(dev);
}

/* From now on it gets none; whoever waits for one is told. */
void vloop_reader_stop(struct vloop_file *file)
{
	struct vloop_reader *reader = &file->reader;
	struct vloop_dev *dev = file->dev;
	bool took;

	spin_lock(&dev->frames_lock);
	took = vloop_reader_takes(reader);
	if (took) {
		list_del_init(&reader->entry);
		dev->stats.readers--;
	}
	vloop_reader_forget(dev, reader);
	spin_unlock(&dev->frames_lock);
	wake_up_all(&reader->wait);
	if (took)
		vloop_usage_changed(dev);
}

/* The format has changed: its buffers are of no use any more. */
void vloop_reader_end(struct vloop_file *file)
{
	struct vloop_reader *reader = &file->reader;
	struct vloop_dev *dev = file->dev;

	spin_lock(&dev->frames_lock);
	WRITE_ONCE(reader->stale, true);
	vloop_reader_forget(dev, reader);
	spin_unlock(&dev->frames_lock);
	/* Later: VIDIOC_STREAMOFF takes the error back, and VIDIOC_STREAMON is to fail then. */
	if (!reader->reading)
		vb2_queue_error(&file->cap);
	wake_up_all(&reader->wait);
}
