// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The node has one format, of its frames. A writer sets it; where there is none, a
 * reader may. Whoever still has buffers of the old one is told.
 */
#include <linux/minmax.h>
#include <linux/sysfs.h>

#include <media/v4l2-common.h>
#include <media/v4l2-event.h>

#include "loop.h"

#define VLOOP_MAX_COMPRESSED	vloop_compressed_size(VPIPE_LOOP_MAX_SIZE, VPIPE_LOOP_MAX_SIZE)

#define VLOOP_MIN_INTERVAL_MS	1
#define VLOOP_MAX_INTERVAL_S	1000

/* Whether there are frames that a node of that kind takes. */
bool vloop_config_is_valid(const struct vloop_config *config)
{
	return config->min_width && config->min_width <= config->max_width &&
	       config->max_width <= VPIPE_LOOP_MAX_SIZE &&
	       config->min_height && config->min_height <= config->max_height &&
	       config->max_height <= VPIPE_LOOP_MAX_SIZE &&
	       config->max_buffers <= VLOOP_MAX_BUFFERS && config->nr < VLOOP_MAX_NODES;
}

static u32 vloop_fit_width(const struct vloop_dev *dev, u32 width)
{
	return clamp(width, dev->config.min_width, dev->config.max_width);
}

static u32 vloop_fit_height(const struct vloop_dev *dev, u32 height)
{
	return clamp(height, dev->config.min_height, dev->config.max_height);
}

void vloop_formats_init(struct vloop_dev *dev)
{
	dev->format = vloop_format_at(0);
	dev->width = vloop_fit_width(dev, VPIPE_LOOP_DEF_WIDTH);
	dev->height = vloop_fit_height(dev, VPIPE_LOOP_DEF_HEIGHT);
	dev->bytesperline = vloop_least_line(dev->format, dev->width);
	dev->sizeimage = vloop_sizeimage(dev->format, dev->bytesperline, dev->height);
	dev->colors.colorspace = V4L2_COLORSPACE_SRGB;
	dev->interval = (struct v4l2_fract){ 1, 30 };
}

/* Who gave is about to write: until it closes, its format is not for readers to choose. */
static bool vloop_others_gave_or_read(struct vloop_dev *dev, const struct vloop_file *self)
{
	struct vloop_file *file;

	lockdep_assert_held(&dev->lock);
	list_for_each_entry(file, &dev->files, entry)
		if (file != self && (file->gave || file->capturer))
			return true;

	return false;
}

/*
 * What readers get cannot be chosen while somebody writes or is about to, or another one reads,
 * nor where a picture is kept for them. What becomes the time-out image is as what they get.
 */
static bool vloop_is_given(struct vloop_dev *dev, const struct vloop_file *self, u32 type)
{
	return (V4L2_TYPE_IS_CAPTURE(type) || self->gives_image) &&
	       (dev->writer || READ_ONCE(dev->last) ||
		(V4L2_TYPE_IS_CAPTURE(type) && READ_ONCE(dev->image)) ||
		vloop_others_gave_or_read(dev, self));
}

/* Nor can it be by anybody while it is kept, or an image that fits it is on its way. */
static bool vloop_format_is_fixed(struct vloop_dev *dev, const struct vloop_file *self, u32 type)
{
	return dev->keep_format || dev->imager || vloop_is_given(dev, self, type);
}

/*
 * There is nothing to be read, and nobody has said what it will be. Programs that look for
 * a codec, which has formats on both sides, pass such a node over.
 */
static bool vloop_is_formless(struct vloop_dev *dev, const struct vloop_file *self, u32 type)
{
	struct vloop_file *file;

	if (V4L2_TYPE_IS_OUTPUT(type) || vloop_format_is_fixed(dev, self, type))
		return false;

	list_for_each_entry(file, &dev->files, entry)
		if (file->capturer || file->chose)
			return false;

	return true;
}

int vloop_enum_fmt(struct file *filp, void *priv, struct v4l2_fmtdesc *f)
{
	struct vloop_file *file = vloop_to_file(filp);
	struct vloop_dev *dev = file->dev;
	const struct vloop_format *format = NULL;

	if (!vloop_has_side(file, V4L2_TYPE_IS_CAPTURE(f->type)))
		return -EINVAL;

	mutex_lock(&dev->lock);
	if (vloop_format_is_fixed(dev, file, f->type))
		format = f->index ? NULL : dev->format;
	else if (!vloop_is_formless(dev, file, f->type))
		format = vloop_format_at(f->index);
	mutex_unlock(&dev->lock);
	if (!format)
		return -EINVAL;
	f->pixelformat = format->fourcc;

	return 0;
}

/*
 * Sizes and intervals have no side: a file gets those of frames that come, but the one that
 * writes them, and where none do all that there are. Programs that take the largest size
 * there is would fail otherwise.
 */
static bool vloop_is_told(struct vloop_dev *dev, const struct vloop_file *self)
{
	return dev->keep_format ||
	       (dev->writer != self &&
		vloop_format_is_fixed(dev, self, V4L2_BUF_TYPE_VIDEO_CAPTURE));
}

int vloop_enum_framesizes(struct file *filp, void *priv, struct v4l2_frmsizeenum *fsize)
{
	const struct vloop_format *format = vloop_find_format(fsize->pixel_format);
	struct vloop_file *file = vloop_to_file(filp);
	struct vloop_dev *dev = file->dev;
	int ret = 0;

	if (fsize->index || !format)
		return -EINVAL;

	mutex_lock(&dev->lock);
	if (!vloop_is_told(dev, file)) {
		fsize->type = V4L2_FRMSIZE_TYPE_CONTINUOUS;
		fsize->stepwise = (struct v4l2_frmsize_stepwise){
			.min_width = dev->config.min_width,
			.max_width = dev->config.max_width,
			.step_width = 1,
			.min_height = dev->config.min_height,
			.max_height = dev->config.max_height,
			.step_height = 1,
		};
	} else if (format == dev->format) {
		fsize->type = V4L2_FRMSIZE_TYPE_DISCRETE;
		fsize->discrete.width = dev->width;
		fsize->discrete.height = dev->height;
	} else {
		ret = -EINVAL;
	}
	mutex_unlock(&dev->lock);

	return ret;
}

int vloop_enum_frameintervals(struct file *filp, void *priv, struct v4l2_frmivalenum *fival)
{
	const struct vloop_format *format = vloop_find_format(fival->pixel_format);
	struct vloop_file *file = vloop_to_file(filp);
	struct vloop_dev *dev = file->dev;
	int ret = 0;

	if (fival->index || !format || fival->width != vloop_fit_width(dev, fival->width) ||
	    fival->height != vloop_fit_height(dev, fival->height))
		return -EINVAL;

	mutex_lock(&dev->lock);
	if (!vloop_is_told(dev, file)) {
		fival->type = V4L2_FRMIVAL_TYPE_CONTINUOUS;
		fival->stepwise.min = (struct v4l2_fract){ VLOOP_MIN_INTERVAL_MS, 1000 };
		fival->stepwise.max = (struct v4l2_fract){ VLOOP_MAX_INTERVAL_S, 1 };
		fival->stepwise.step = (struct v4l2_fract){ 1, 1 };
	} else if (format == dev->format && fival->width == dev->width &&
		   fival->height == dev->height) {
		fival->type = V4L2_FRMIVAL_TYPE_DISCRETE;
		fival->discrete = dev->interval;
	} else {
		ret = -EINVAL;
	}
	mutex_unlock(&dev->lock);

	return ret;
}

static void vloop_get_fmt(struct vloop_dev *dev, struct v4l2_pix_format *pix)
{
	pix->width = dev->width;
	pix->height = dev->height;
	pix->pixelformat = dev->format->fourcc;
	pix->field = V4L2_FIELD_NONE;
	pix->bytesperline = dev->bytesperline;
	pix->sizeimage = dev->sizeimage;
	vpipe_write_colors(pix, &dev->colors);
}

/* Programs change the size of what VIDIOC_G_FMT gave them, and leave the rest as it was. */
static bool vloop_is_left_over(const struct vloop_dev *dev, const struct v4l2_pix_format *pix)
{
	return pix->sizeimage == dev->sizeimage && pix->bytesperline == dev->bytesperline &&
	       (pix->width != dev->width || pix->height != dev->height ||
		pix->pixelformat != dev->format->fourcc);
}

static void vloop_adjust_size(const struct vloop_format *format, struct v4l2_pix_format *pix,
			      bool left_over)
{
	u32 line, size;

	if (!format->bytes) {
		size = vloop_compressed_size(pix->width, pix->height);
		if (!left_over)
			size = clamp_t(u32, pix->sizeimage, size, VLOOP_MAX_COMPRESSED);
		pix->bytesperline = 0;
		pix->sizeimage = size;
		return;
	}

	line = vloop_least_line(format, pix->width);
	/* Who asks for a size without it has nothing behind the lines. */
	if (!left_over && pix->bytesperline > line && pix->bytesperline <= VLOOP_MAX_LINE) {
		size = vloop_sizeimage(format, pix->bytesperline, pix->height);
		if (!pix->sizeimage || pix->sizeimage >= size)
			line = pix->bytesperline;
	}
	pix->bytesperline = line;
	pix->sizeimage = vloop_sizeimage(format, line, pix->height);
}

static const struct vloop_format *vloop_adjust_fmt(struct vloop_dev *dev,
						   struct v4l2_pix_format *pix)
{
	const struct vloop_format *format = vloop_find_format(pix->pixelformat) ?:
					    vloop_format_at(0);
	bool left_over = vloop_is_left_over(dev, pix);

	lockdep_assert_held(&dev->lock);
	pix->width = vloop_fit_width(dev, pix->width);
	pix->height = vloop_fit_height(dev, pix->height);
	pix->pixelformat = format->fourcc;
	pix->field = V4L2_FIELD_NONE;
	vloop_adjust_size(format, pix, left_over);
	if (pix->colorspace == V4L2_COLORSPACE_DEFAULT)
		pix->colorspace = V4L2_COLORSPACE_SRGB;

	return format;
}

int vloop_g_fmt(struct file *filp, void *priv, struct v4l2_format *f)
{
	struct vloop_file *file = vloop_to_file(filp);
	struct vloop_dev *dev = file->dev;

	if (!vloop_has_side(file, V4L2_TYPE_IS_CAPTURE(f->type)))
		return -EINVAL;

	mutex_lock(&dev->lock);
	vloop_get_fmt(dev, &f->fmt.pix);
	mutex_unlock(&dev->lock);

	return 0;
}

int vloop_try_fmt(struct file *filp, void *priv, struct v4l2_format *f)
{
	struct vloop_file *file = vloop_to_file(filp);
	struct vloop_dev *dev = file->dev;
	int ret = 0;

	if (!vloop_has_side(file, V4L2_TYPE_IS_CAPTURE(f->type)))
		return -EINVAL;

	mutex_lock(&dev->lock);
	if (vloop_format_is_fixed(dev, file, f->type))
		vloop_get_fmt(dev, &f->fmt.pix);
	else if (vloop_is_formless(dev, file, f->type))
		ret = -EINVAL;
	else
		vloop_adjust_fmt(dev, &f->fmt.pix);
	mutex_unlock(&dev->lock);

	return ret;
}

/* Those who have buffers of the old format. */
static void vloop_tell_readers(struct vloop_dev *dev)
{
	static const struct v4l2_event event = {
		.type = V4L2_EVENT_SOURCE_CHANGE,
		.u.src_change.changes = V4L2_EVENT_SRC_CH_RESOLUTION,
	};
	struct vloop_file *file;

	list_for_each_entry(file, &dev->files, entry) {
		v4l2_event_queue_fh(&file->fh, &event);
		if (file->capturer)
			vloop_reader_end(file);
	}
}

static void vloop_set_fmt(struct vloop_dev *dev, const struct vloop_format *format,
			  const struct v4l2_pix_format *pix)
{
	bool same = dev->format == format && dev->width == pix->width &&
		    dev->height == pix->height && dev->bytesperline == pix->bytesperline &&
		    dev->sizeimage == pix->sizeimage;

	WRITE_ONCE(dev->format, format);
	dev->width = pix->width;
	dev->height = pix->height;
	dev->bytesperline = pix->bytesperline;
	WRITE_ONCE(dev->sizeimage, pix->sizeimage);
	dev->colors = vpipe_read_colors(pix);
	/* What is black depends on the colours. */
	vloop_placeholder_forget(dev, same);
	if (!same)
		vloop_tell_readers(dev);
}

int vloop_s_fmt(struct file *filp, void *priv, struct v4l2_format *f)
{
	struct v4l2_pix_format *pix = &f->fmt.pix;
	struct vloop_file *file = vloop_to_file(filp);
	struct vloop_dev *dev = file->dev;
	const struct vloop_format *format;
	bool output = V4L2_TYPE_IS_OUTPUT(f->type);
	struct v4l2_pix_format asked = *pix;

	if (!vloop_has_side(file, !output))
		return -EINVAL;

	if (output && !(filp->f_mode & FMODE_WRITE))
		return -EACCES;

	mutex_lock(&dev->lock);
	if (output ? !!*vloop_output_owner(file) : !!file->capturer) {
		mutex_unlock(&dev->lock);
		return -EBUSY;
	}
	vloop_end_image_io(file, !output);
	if (vloop_format_is_fixed(dev, file, f->type)) {
		vloop_get_fmt(dev, pix);
	} else {
		format = vloop_adjust_fmt(dev, pix);
		vloop_set_fmt(dev, format, pix);
		file->chose |= !output;
	}
	if (output) {
		file->replaced = asked.pixelformat != pix->pixelformat ||
				 asked.width != pix->width || asked.height != pix->height;
		file->gave = true;
	}
	mutex_unlock(&dev->lock);

	return 0;
}

int vloop_g_parm(struct file *filp, void *priv, struct v4l2_streamparm *parm)
{
	struct vloop_file *file = vloop_to_file(filp);
	struct vloop_dev *dev = file->dev;
	struct v4l2_fract interval;

	if (!vloop_has_side(file, V4L2_TYPE_IS_CAPTURE(parm->type)))
		return -EINVAL;

	mutex_lock(&dev->lock);
	interval = dev->interval;
	mutex_unlock(&dev->lock);

	if (V4L2_TYPE_IS_OUTPUT(parm->type)) {
		parm->parm.output.capability = V4L2_CAP_TIMEPERFRAME;
		parm->parm.output.timeperframe = interval;
		parm->parm.output.writebuffers = VPIPE_LOOP_MIN_OUTPUT;
	} else {
		parm->parm.capture.capability = V4L2_CAP_TIMEPERFRAME;
		parm->parm.capture.timeperframe = interval;
		parm->parm.capture.readbuffers = 1;
	}

	return 0;
}

static bool vloop_interval_is_valid(const struct v4l2_fract *interval)
{
	u64 ms = (u64)interval->numerator * 1000;

	return interval->numerator && interval->denominator &&
	       ms >= (u64)interval->denominator * VLOOP_MIN_INTERVAL_MS &&
	       interval->numerator <= (u64)interval->denominator * VLOOP_MAX_INTERVAL_S;
}

static int vloop_set_valid_interval(struct vloop_dev *dev, const struct v4l2_fract *interval)
{
	unsigned long change;

	lockdep_assert_held(&dev->lock);
	if (!vloop_interval_is_valid(interval))
		return -EINVAL;

	change = vloop_interval_jiffies(interval) - vloop_interval_jiffies(&dev->interval);
	dev->interval = *interval;
	/* The next picture is so far behind the last one: a long interval is not waited for. */
	spin_lock(&dev->frames_lock);
	if (time_before(jiffies, dev->placeholder_time))
		WRITE_ONCE(dev->placeholder_time, dev->placeholder_time + change);
	spin_unlock(&dev->frames_lock);
	vloop_placeholder_schedule(dev);

	return 0;
}

int vloop_s_parm(struct file *filp, void *priv, struct v4l2_streamparm *parm)
{
	struct vloop_file *file = vloop_to_file(filp);
	struct vloop_dev *dev = file->dev;
	bool output = V4L2_TYPE_IS_OUTPUT(parm->type);
	struct v4l2_fract interval = output ? parm->parm.output.timeperframe :
					      parm->parm.capture.timeperframe;
	int ret = 0;

	if (!vloop_has_side(file, V4L2_TYPE_IS_CAPTURE(parm->type)))
		return -EINVAL;

	if (output && !(filp->f_mode & FMODE_WRITE))
		return -EACCES;

	mutex_lock(&dev->lock);
	if (output && !file->gives_image && dev->writer && dev->writer != file)
		ret = -EBUSY;
	else if (!vloop_is_given(dev, file, parm->type))
		vloop_set_valid_interval(dev, &interval);
	mutex_unlock(&dev->lock);

	return ret ?: vloop_g_parm(filp, priv, parm);
}

/* Whoever may write to the node's attribute may do so at any time. */
int vloop_set_interval(struct vloop_dev *dev, const struct v4l2_fract *interval)
{
	int ret;

	mutex_lock(&dev->lock);
	ret = vloop_set_valid_interval(dev, interval);
	mutex_unlock(&dev->lock);

	return ret;
}

/* A line of text, as v4l2loopback has it; none where nobody has said what the format will be. */
int vloop_format_text(struct vloop_dev *dev, char *text)
{
	__le32 fourcc;
	int at = 0;

	mutex_lock(&dev->lock);
	if (!vloop_is_formless(dev, NULL, V4L2_BUF_TYPE_VIDEO_CAPTURE)) {
		fourcc = cpu_to_le32(dev->format->fourcc);
		at = sysfs_emit(text, "%.4s:%ux%u@%u", (const char *)&fourcc, dev->width,
				dev->height, dev->interval.denominator);
		if (dev->interval.numerator != 1)
			at += sysfs_emit_at(text, at, "/%u", dev->interval.numerator);
		at += sysfs_emit_at(text, at, "\n");
	}
	mutex_unlock(&dev->lock);

	return at;
}
