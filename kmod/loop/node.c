// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * /dev/videoN: its files.
 */
#include <linux/slab.h>

#include <media/v4l2-event.h>

#include "loop.h"

static int vloop_open(struct file *filp)
{
	struct vloop_dev *dev = video_drvdata(filp);
	struct vloop_file *file;
	int ret;

	if (!vloop_may_open())
		return -EACCES;

	file = kzalloc(sizeof(*file), GFP_KERNEL);
	if (!file)
		return -ENOMEM;

	file->dev = dev;
	ret = vloop_file_controls_init(file);
	if (ret)
		goto free_controls;
	mutex_init(&file->lock);
	mutex_init(&file->poll_lock);
	INIT_LIST_HEAD(&file->early);
	vloop_reader_init(&file->reader);
	ret = vloop_init_queue(file, &file->out, V4L2_BUF_TYPE_VIDEO_OUTPUT);
	if (ret)
		goto free;
	ret = vloop_init_queue(file, &file->cap, V4L2_BUF_TYPE_VIDEO_CAPTURE);
	if (ret)
		goto free;

	v4l2_fh_init(&file->fh, &dev->vfd);
	file->fh.ctrl_handler = &file->hdl;
	ret = vloop_enter(file, filp->f_mode & FMODE_WRITE);
	if (ret)
		goto exit_fh;
	v4l2_prio_open(&dev->priorities, &file->priority);
	vpipe_fh_add(&file->fh, filp);

	return 0;

exit_fh:
	v4l2_fh_exit(&file->fh);
free:
	mutex_destroy(&file->poll_lock);
	mutex_destroy(&file->lock);
free_controls:
	v4l2_ctrl_handler_free(&file->hdl);
	kfree(file);

	return ret;
}

static int vloop_release(struct file *filp)
{
	struct vloop_file *file = vloop_to_file(filp);
	struct vloop_dev *dev = file->dev;
	bool streaming;

	mutex_lock(&file->lock);
	streaming = vb2_is_streaming(&file->out);
	vb2_queue_release(&file->out);
	if (file->reader.reading)
		vloop_reader_stop(file);
	vb2_queue_release(&file->cap);
	file->reader.reading = false;
	vloop_unclaim(file, &file->out);
	vloop_unclaim(file, &file->cap);
	mutex_unlock(&file->lock);

	/* Before it leaves: then the node may go. */
	if (streaming)
		vloop_caps_changed(dev);
	vloop_leave(file);
	vloop_waking_settle(file->dev);

	vpipe_fh_del(&file->fh, filp);
	v4l2_prio_close(&dev->priorities, file->priority);
	v4l2_fh_exit(&file->fh);
	v4l2_ctrl_handler_free(&file->hdl);
	kvfree(file->reader.rest);
	mutex_destroy(&file->poll_lock);
	mutex_destroy(&file->lock);
	kfree(file);

	return 0;
}

/*
 * What is larger than a frame has to be one, or the writer means frames of another format
 * than it got.
 */
static bool vloop_is_too_much(const struct vloop_file *file, size_t count)
{
	struct vloop_dev *dev = file->dev;

	return count > READ_ONCE(dev->sizeimage) &&
	       (!READ_ONCE(dev->format)->bytes || file->replaced);
}

/* A whole frame at once, or in parts where all frames have one size. */
static ssize_t vloop_write(struct file *filp, const char __user *from, size_t count, loff_t *offset)
{
	struct vloop_file *file = vloop_to_file(filp);
	struct vloop_dev *dev = file->dev;
	bool began;
	ssize_t ret;

	if (!vloop_has_side(file, false))
		return -EINVAL;
	if (!count)
		return 0;
	if (mutex_lock_interruptible(&file->lock))
		return -ERESTARTSYS;

	/* Another thread's frame is on its way, and nothing of it changes. */
	ret = vb2_is_busy(&file->cap) || file->out.waiting_in_dqbuf ? -EBUSY :
								     vloop_claim_writer(file);
	if (!ret && vloop_is_too_much(file, count)) {
		vloop_unclaim(file, &file->out);
		ret = -EINVAL;
	}
	if (!ret) {
		file->written = count;
		if (vb2_fileio_is_active(&file->out) &&
		    file->out.queued_count == vpipe_num_buffers(&file->out))
			vloop_relieve(file);
		began = !vb2_fileio_is_active(&file->out);
		if (began)
			file->out.fileio_write_immediately = !dev->format->bytes;
		ret = vb2_write(&file->out, from, count, offset, filp->f_flags & O_NONBLOCK);
		began &= vb2_fileio_is_active(&file->out);
		vloop_unclaim(file, &file->out);
		if (began)
			vloop_caps_changed(dev);
	}
	mutex_unlock(&file->lock);
	if (ret > 0) {
		spin_lock(&dev->frames_lock);
		vloop_count_copy(dev, ret);
		spin_unlock(&dev->frames_lock);
	}

	return ret;
}

static __poll_t vloop_poll_output(struct vloop_file *file, struct file *filp, poll_table *wait)
{
	struct vloop_file *owner;

	if (vb2_is_busy(&file->out)) {
		if (file->out.queued_count == vpipe_num_buffers(&file->out) ||
		    !vb2_fileio_is_active(&file->out))
			vloop_relieve(file);
		return vb2_core_poll(&file->out, filp, wait);
	}

	owner = READ_ONCE(*vloop_output_owner(file));

	return owner && owner != file ? EPOLLERR : EPOLLOUT | EPOLLWRNORM;
}

static __poll_t vloop_poll_capture(struct vloop_file *file)
{
	struct vloop_reader *reader = &file->reader;

	if (!vb2_is_busy(&file->cap)) {
		/* A writer that is asked for both directions does not mean to read. */
		if (!reader->reading && READ_ONCE(*vloop_output_owner(file)) == file)
			return 0;
		if (vloop_start_reading(file))
			return EPOLLERR;
	} else if (!vb2_is_streaming(&file->cap) || file->cap.error ||
		   file->cap.waiting_for_buffers) {
		return EPOLLERR;
	}
	if (reader->reading && reader->stale)
		return EPOLLERR;
	/* What is left of a frame, which read(2) gives first. */
	if (reader->rest_at < reader->rest_size)
		return EPOLLIN | EPOLLRDNORM;

	return vloop_reader_ready(file) ? EPOLLIN | EPOLLRDNORM : 0;
}

/*
 * Where all that may be asked for later is told of: now is the only time to say that. One at a
 * time, or more might wait than may. False: it does not.
 */
static bool vloop_poll_wait(struct vloop_file *file, struct file *filp, poll_table *wait)
{
	bool crowded;

	if (!wait || !wait->_qproc)
		return true;
	if (mutex_lock_killable(&file->poll_lock))
		return false;
	crowded = vpipe_is_crowded(&file->reader.wait);
	if (!crowded) {
		poll_wait(filp, &file->fh.wait, wait);
		poll_wait(filp, &file->reader.wait, wait);
		poll_wait(filp, &file->out.done_wq, wait);
	}
	mutex_unlock(&file->poll_lock);

	return !crowded;
}

static __poll_t vloop_poll(struct file *filp, poll_table *wait)
{
	struct vloop_file *file = vloop_to_file(filp);
	__poll_t asked = poll_requested_events(wait);
	/* What a file is not open for it does not begin by being asked. */
	bool output = asked & (EPOLLOUT | EPOLLWRNORM) && filp->f_mode & FMODE_WRITE;
	bool capture = asked & (EPOLLIN | EPOLLRDNORM) && filp->f_mode & FMODE_READ;
	bool sides = output || capture;
	__poll_t events = 0;

	if (!vloop_poll_wait(file, filp, wait))
		return EPOLLERR;
	if (v4l2_event_pending(&file->fh))
		events |= EPOLLPRI;
	/* Who shares the file may hold that for long, and is not the one that is to be killed. */
	if (mutex_lock_killable(&file->lock))
		return EPOLLERR;
	output = output && vloop_has_side(file, false);
	capture = capture && vloop_has_side(file, true);
	if (output)
		events |= vloop_poll_output(file, filp, wait);
	if (capture)
		events |= vloop_poll_capture(file);
	/* Nobody tells of a side that the node does not have. */
	if (sides && !output && !capture)
		events |= EPOLLERR;
	mutex_unlock(&file->lock);

	return events;
}

static int vloop_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct vloop_file *file = vloop_to_file(filp);

	if ((loff_t)vma->vm_pgoff << PAGE_SHIFT < VLOOP_CAPTURE_OFFSET)
		return vb2_mmap(&file->out, vma);

	return vloop_capture_mmap(file, vma);
}

const struct v4l2_file_operations vloop_fops = {
	.owner = THIS_MODULE,
	.open = vloop_open,
	.release = vloop_release,
	.read = vloop_read,
	.write = vloop_write,
	.poll = vloop_poll,
	.unlocked_ioctl = vloop_ioctl,
#ifdef CONFIG_COMPAT
	.compat_ioctl32 = vloop_compat_ioctl,
#endif
	.mmap = vloop_mmap,
};
