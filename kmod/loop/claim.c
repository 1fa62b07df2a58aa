// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Who has what of a node: files open it while it is there, one of them writes, and each
 * process reads with one, or with compat=1 with any.
 */
#include <linux/capability.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>

#include "loop.h"

/* Who comes to give the time-out image, of an exclusive node too, has the OUTPUT side. */
int vloop_enter(struct vloop_file *file, bool writes)
{
	struct vloop_dev *dev = file->dev;
	u32 most = dev->config.max_openers;
	int ret = 0;

	mutex_lock(&dev->lock);
	if (dev->gone) {
		ret = -ENODEV;
	} else if (most && dev->openers >= most) {
		ret = -EBUSY;
	} else {
		dev->openers++;
		file->number = ++dev->opened;
		file->told_readers = vloop_read_stats(dev).readers;
		file->gives_image = dev->image_io && writes;
		WRITE_ONCE(file->side, file->gives_image ? VLOOP_OUTPUT : VLOOP_NEITHER);
		list_add_tail(&file->entry, &dev->files);
	}
	mutex_unlock(&dev->lock);

	return ret;
}

void vloop_leave(struct vloop_file *file)
{
	struct vloop_dev *dev = file->dev;

	mutex_lock(&dev->lock);
	list_del(&file->entry);
	dev->openers--;
	mutex_unlock(&dev->lock);
}

/* From now on nobody opens the node. EBUSY where somebody has. */
int vloop_close_node(struct vloop_dev *dev)
{
	int ret = 0;

	mutex_lock(&dev->lock);
	if (dev->openers)
		ret = -EBUSY;
	else
		dev->gone = true;
	mutex_unlock(&dev->lock);

	return ret;
}

/* Not fewer than there are. */
int vloop_set_max_openers(struct vloop_dev *dev, unsigned int most)
{
	int ret = 0;

	mutex_lock(&dev->lock);
	if (most && most < dev->openers)
		ret = -EINVAL;
	else
		dev->config.max_openers = most;
	mutex_unlock(&dev->lock);

	return ret;
}

/* Whether it is one to programs that look for cameras. */
bool vloop_is_camera(const struct vloop_dev *dev)
{
	return READ_ONCE(dev->streaming) || READ_ONCE(dev->keep_format);
}

/*
 * Whether the node has that side for this file: of an exclusive one a file keeps the side
 * that it has used, and before that it has the one that a writer leaves it. Where the format is
 * kept that is a reader's also before a writer comes, which can do so all the same.
 */
bool vloop_has_side(struct vloop_file *file, bool capture)
{
	struct vloop_dev *dev = file->dev;

	if (!dev->config.exclusive)
		return true;
	if (READ_ONCE(file->side) != VLOOP_NEITHER)
		return capture == (READ_ONCE(file->side) == VLOOP_CAPTURE);

	return capture ? vloop_is_camera(dev) : !READ_ONCE(dev->streaming);
}

/* Who gives the time-out image is there, or who asked for that goes on without. */
void vloop_end_image_io(struct vloop_file *file, bool capture)
{
	lockdep_assert_held(&file->dev->lock);
	if (file->asked_image || (file->gives_image && !capture))
		file->dev->image_io = false;
	WRITE_ONCE(file->asked_image, false);
}

/*
 * What is the file's stays so until its own next call. write(2) asks for each frame, which is
 * neither to wait for those who ask other things of the node, nor to end what others have asked
 * for since.
 */
int vloop_claim_writer(struct vloop_file *file)
{
	struct vloop_file **owner = vloop_output_owner(file);
	struct vloop_dev *dev = file->dev;
	int ret = 0;

	lockdep_assert_held(&file->lock);
	if (READ_ONCE(*owner) == file && !READ_ONCE(file->asked_image))
		return 0;

	mutex_lock(&dev->lock);
	if (!*owner)
		WRITE_ONCE(*owner, file);
	else if (*owner != file)
		ret = -EBUSY;
	if (!ret) {
		WRITE_ONCE(file->side, VLOOP_OUTPUT);
		vloop_end_image_io(file, false);
	}
	mutex_unlock(&dev->lock);

	return ret;
}

/*
 * A node that streams to one file at a time tells a second one EBUSY, and programs
 * count on it. Here each process has that for itself, but where they look for v4l2loopback, of
 * which each file has a stream; as far as the node has places: each reader costs the writer
 * time, and the kernel memory.
 */
int vloop_claim_reader(struct vloop_file *file)
{
	struct pid *process = task_tgid(current);
	struct vloop_dev *dev = file->dev;
	unsigned int others = 0;
	struct vloop_file *other;
	int ret = 0;

	mutex_lock(&dev->lock);
	list_for_each_entry(other, &dev->files, entry) {
		if (other == file || !other->capturer)
			continue;
		others++;
		if (other->capturer == process && !vloop_compat)
			ret = -EBUSY;
	}
	if (!file->capturer && others >= READ_ONCE(vloop_max_readers))
		ret = -EBUSY;
	if (!ret && !file->capturer)
		file->capturer = get_pid(process);
	if (!ret) {
		WRITE_ONCE(file->side, VLOOP_CAPTURE);
		vloop_end_image_io(file, true);
	}
	mutex_unlock(&dev->lock);

	return ret;
}

/* For buffers: read(2) is a use of its own. */
int vloop_claim(struct file *filp, struct vb2_queue *q)
{
	struct vloop_file *file = vloop_to_file(filp);

	if (!(filp->f_mode & (vloop_is_capture(q) ? FMODE_READ : FMODE_WRITE)))
		return -EACCES;
	if (!vloop_is_capture(q))
		return vloop_claim_writer(file);
	if (file->reader.reading)
		return -EBUSY;

	return vloop_claim_reader(file);
}

/*
 * Controls of the node are the writer's while there is one, and a reader's never. Who may do
 * anything else to the machine may do this.
 */
int vloop_may_control(struct file *filp)
{
	struct vloop_file *file = vloop_to_file(filp);
	struct vloop_dev *dev = file->dev;
	int ret = 0;

	if (!(filp->f_mode & FMODE_WRITE))
		return -EACCES;

	mutex_lock(&dev->lock);
	if (file->capturer)
		ret = -EACCES;
	else if (dev->writer && dev->writer != file && !capable(CAP_SYS_ADMIN))
		ret = -EBUSY;
	mutex_unlock(&dev->lock);

	return ret;
}

/*
 * Without buffers the queue is nobody's. How many there are is told here: videobuf2 counts them
 * in memory that it frees, so only who has the queue's lock can ask it.
 */
void vloop_unclaim(struct vloop_file *file, struct vb2_queue *q)
{
	struct vloop_dev *dev = file->dev;

	if (READ_ONCE(dev->writer) == file && !vloop_is_capture(q)) {
		spin_lock(&dev->frames_lock);
		WRITE_ONCE(dev->buffers, vpipe_num_buffers(q));
		spin_unlock(&dev->frames_lock);
	}
	if (vb2_is_busy(q) || (vloop_is_capture(q) && file->reader.reading))
		return;

	mutex_lock(&dev->lock);
	if (vloop_is_capture(q)) {
		put_pid(file->capturer);
		file->capturer = NULL;
	} else if (dev->writer == file) {
		vloop_memory_forget_all(dev);
		WRITE_ONCE(dev->writer, NULL);
	} else if (dev->imager == file) {
		dev->imager = NULL;
	}
	mutex_unlock(&dev->lock);
}

/* Programs that look for cameras are told when one comes or goes. */
void vloop_caps_changed(struct vloop_dev *dev)
{
	if (dev->config.exclusive)
		kobject_uevent(&dev->vfd.dev.kobj, KOBJ_CHANGE);
}
