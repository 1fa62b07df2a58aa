// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The node has one format, of its frames. A writer sets it; where there is none, a
 * reader may. Whoever still has buffers of the old one is told.
 */
#include <linux/align.h>
#include <linux/minmax.h>
#include <linux/sizes.h>

#include <media/v4l2-common.h>
#include <media/v4l2-event.h>

#include "loop.h"

/* A compressed frame is seldom larger than its pixels are. */
#define LOOP_COMPRESSED_DEPTH	12
#define LOOP_MIN_COMPRESSED	SZ_64K

#define LOOP_MIN_INTERVAL_MS	1
#define LOOP_MAX_INTERVAL_S	1000

/* Black is that of video's limited range. */
static const struct loop_format loop_formats[] = {
	{ V4L2_PIX_FMT_GREY, .bytes = 1, .depth = 8, .align_x = 1, .align_y = 1 },
	{ V4L2_PIX_FMT_YUYV, .bytes = 2, .depth = 16, .align_x = 2, .align_y = 1,
	  .black = { 16, 128, 16, 128 } },
	{ V4L2_PIX_FMT_UYVY, .bytes = 2, .depth = 16, .align_x = 2, .align_y = 1,
	  .black = { 128, 16, 128, 16 } },
	{ V4L2_PIX_FMT_NV12, .bytes = 1, .depth = 12, .align_x = 2, .align_y = 2,
	  .black = { 16, 16, 16, 16 }, .chroma = 128 },
	{ V4L2_PIX_FMT_YUV420, .bytes = 1, .depth = 12, .align_x = 2, .align_y = 2,
	  .black = { 16, 16, 16, 16 }, .chroma = 128 },
	{ V4L2_PIX_FMT_RGB24, .bytes = 3, .depth = 24, .align_x = 1, .align_y = 1 },
	{ V4L2_PIX_FMT_BGR24, .bytes = 3, .depth = 24, .align_x = 1, .align_y = 1 },
	{ V4L2_PIX_FMT_MJPEG, .depth = LOOP_COMPRESSED_DEPTH, .align_x = 1, .align_y = 1 },
	{ V4L2_PIX_FMT_H264, .depth = LOOP_COMPRESSED_DEPTH, .align_x = 1, .align_y = 1 },
};

static const struct loop_format *loop_find_format(u32 fourcc)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(loop_formats); i++)
		if (loop_formats[i].fourcc == fourcc)
			return &loop_formats[i];

	return NULL;
}

static u32 loop_sizeimage(const struct loop_format *format, u32 width, u32 height)
{
	u32 size = width * height / 8 * format->depth + width * height % 8 * format->depth / 8;

	return format->bytes ? size : max_t(u32, size, LOOP_MIN_COMPRESSED);
}

void loop_formats_init(struct loop_dev *dev)
{
	dev->format = &loop_formats[0];
	dev->width = VPIPE_LOOP_DEF_WIDTH;
	dev->height = VPIPE_LOOP_DEF_HEIGHT;
	dev->sizeimage = loop_sizeimage(dev->format, dev->width, dev->height);
	dev->colorspace = V4L2_COLORSPACE_SRGB;
	dev->interval = (struct v4l2_fract){ 1, 30 };
}

/*
 * Fills @data with a black picture, if there is such a thing and @room is enough. Returns
 * its size, or 0.
 */
u32 loop_black(struct loop_dev *dev, u8 *data, size_t room)
{
	const struct loop_format *format;
	u32 size = 0, first, i;

	mutex_lock(&dev->lock);
	format = dev->format;
	if (format->bytes && dev->sizeimage <= room) {
		size = dev->sizeimage;
		first = dev->width * dev->height * format->bytes;
		for (i = 0; i < first; i++)
			data[i] = format->black[i % sizeof(format->black)];
		memset(data + first, format->chroma, size - first);
	}
	mutex_unlock(&dev->lock);

	return size;
}

/* The format cannot be chosen by readers while somebody writes. */
static bool loop_format_is_fixed(struct loop_dev *dev, u32 type)
{
	lockdep_assert_held(&dev->lock);

	return V4L2_TYPE_IS_CAPTURE(type) && dev->writer;
}

int loop_enum_fmt(struct file *file, void *priv, struct v4l2_fmtdesc *f)
{
	struct loop_dev *dev = video_drvdata(file);
	int ret = -EINVAL;

	if (!loop_has_side(loop_to_file(file), V4L2_TYPE_IS_CAPTURE(f->type)))
		return -EINVAL;

	mutex_lock(&dev->lock);
	if (loop_format_is_fixed(dev, f->type)) {
		if (!f->index) {
			f->pixelformat = dev->format->fourcc;
			ret = 0;
		}
	} else if (f->index < ARRAY_SIZE(loop_formats)) {
		f->pixelformat = loop_formats[f->index].fourcc;
		ret = 0;
	}
	mutex_unlock(&dev->lock);

	return ret;
}

/*
 * Whether frames of that format come with what another file writes. Programs that take the
 * largest size there is would fail otherwise.
 */
static bool loop_is_written(struct file *file, const struct loop_format *format)
{
	struct loop_dev *dev = video_drvdata(file);

	lockdep_assert_held(&dev->lock);

	return dev->writer && dev->writer != loop_to_file(file) && dev->format == format;
}

int loop_enum_framesizes(struct file *file, void *priv, struct v4l2_frmsizeenum *fsize)
{
	const struct loop_format *format = loop_find_format(fsize->pixel_format);
	struct loop_dev *dev = video_drvdata(file);
	bool written;

	if (fsize->index || !format)
		return -EINVAL;

	mutex_lock(&dev->lock);
	written = loop_is_written(file, format);
	if (written) {
		fsize->type = V4L2_FRMSIZE_TYPE_DISCRETE;
		fsize->discrete.width = dev->width;
		fsize->discrete.height = dev->height;
	}
	mutex_unlock(&dev->lock);
	if (written)
		return 0;

	fsize->type = V4L2_FRMSIZE_TYPE_STEPWISE;
	fsize->stepwise = (struct v4l2_frmsize_stepwise){
		.min_width = format->align_x,
		.max_width = VPIPE_LOOP_MAX_SIZE,
		.step_width = format->align_x,
		.min_height = format->align_y,
		.max_height = VPIPE_LOOP_MAX_SIZE,
		.step_height = format->align_y,
	};
	if (format->align_x == 1 && format->align_y == 1)
		fsize->type = V4L2_FRMSIZE_TYPE_CONTINUOUS;

	return 0;
}

int loop_enum_frameintervals(struct file *file, void *priv, struct v4l2_frmivalenum *fival)
{
	const struct loop_format *format = loop_find_format(fival->pixel_format);
	struct loop_dev *dev = video_drvdata(file);
	bool written;

	if (fival->index || !format ||
	    fival->width < format->align_x || fival->width > VPIPE_LOOP_MAX_SIZE ||
	    fival->height < format->align_y || fival->height > VPIPE_LOOP_MAX_SIZE ||
	    fival->width % format->align_x || fival->height % format->align_y)
		return -EINVAL;

	mutex_lock(&dev->lock);
	written = loop_is_written(file, format) && fival->width == dev->width &&
		  fival->height == dev->height;
	if (written) {
		fival->type = V4L2_FRMIVAL_TYPE_DISCRETE;
		fival->discrete = dev->interval;
	}
	mutex_unlock(&dev->lock);
	if (written)
		return 0;

	fival->type = V4L2_FRMIVAL_TYPE_CONTINUOUS;
	fival->stepwise.min = (struct v4l2_fract){ LOOP_MIN_INTERVAL_MS, 1000 };
	fival->stepwise.max = (struct v4l2_fract){ LOOP_MAX_INTERVAL_S, 1 };
	fival->stepwise.step = (struct v4l2_fract){ 1, 1 };

	return 0;
}

static void loop_get_fmt(struct loop_dev *dev, struct v4l2_pix_format *pix)
{
	pix->width = dev->width;
	pix->height = dev->height;
	pix->pixelformat = dev->format->fourcc;
	pix->field = V4L2_FIELD_NONE;
	pix->bytesperline = dev->width * dev->format->bytes;
	pix->sizeimage = dev->sizeimage;
	pix->colorspace = dev->colorspace;
	pix->xfer_func = dev->xfer_func;
	pix->ycbcr_enc = dev->ycbcr_enc;
	pix->quantization = dev->quantization;
}

static const struct loop_format *loop_adjust_fmt(struct v4l2_pix_format *pix)
{
	const struct loop_format *format = loop_find_format(pix->pixelformat) ?: &loop_formats[0];

	pix->width = clamp_t(u32, round_down(pix->width, format->align_x), format->align_x,
			     VPIPE_LOOP_MAX_SIZE);
	pix->height = clamp_t(u32, round_down(pix->height, format->align_y), format->align_y,
			      VPIPE_LOOP_MAX_SIZE);
	pix->pixelformat = format->fourcc;
	pix->field = V4L2_FIELD_NONE;
	pix->bytesperline = pix->width * format->bytes;
	pix->sizeimage = loop_sizeimage(format, pix->width, pix->height);
	if (pix->colorspace == V4L2_COLORSPACE_DEFAULT)
		pix->colorspace = V4L2_COLORSPACE_SRGB;

	return format;
}

int loop_g_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct loop_dev *dev = video_drvdata(file);

	if (!loop_has_side(loop_to_file(file), V4L2_TYPE_IS_CAPTURE(f->type)))
		return -EINVAL;

	mutex_lock(&dev->lock);
	loop_get_fmt(dev, &f->fmt.pix);
	mutex_unlock(&dev->lock);

	return 0;
}

int loop_try_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct loop_dev *dev = video_drvdata(file);

	if (!loop_has_side(loop_to_file(file), V4L2_TYPE_IS_CAPTURE(f->type)))
		return -EINVAL;

	mutex_lock(&dev->lock);
	if (loop_format_is_fixed(dev, f->type))
		loop_get_fmt(dev, &f->fmt.pix);
	else
		loop_adjust_fmt(&f->fmt.pix);
	mutex_unlock(&dev->lock);

	return 0;
}

static bool loop_has_readers(struct loop_dev *dev)
{
	struct loop_file *file;

	list_for_each_entry(file, &dev->files, entry)
		if (file->capturer)
			return true;

	return false;
}

/* Those who have buffers of the old format. */
static void loop_tell_readers(struct loop_dev *dev)
{
	static const struct v4l2_event event = {
		.type = V4L2_EVENT_SOURCE_CHANGE,
		.u.src_change.changes = V4L2_EVENT_SRC_CH_RESOLUTION,
	};
	struct loop_file *file;

	list_for_each_entry(file, &dev->files, entry) {
		v4l2_event_queue_fh(&file->fh, &event);
		if (file->capturer)
			loop_reader_end(file);
	}
}

static void loop_set_fmt(struct loop_dev *dev, const struct loop_format *format,
			 const struct v4l2_pix_format *pix)
{
	bool same = dev->format == format && dev->width == pix->width &&
		    dev->height == pix->height;

	WRITE_ONCE(dev->format, format);
	dev->width = pix->width;
	dev->height = pix->height;
	dev->sizeimage = pix->sizeimage;
	dev->colorspace = pix->colorspace;
	dev->xfer_func = pix->xfer_func;
	dev->ycbcr_enc = pix->ycbcr_enc;
	dev->quantization = pix->quantization;
	if (same)
		return;

	loop_still_forget(dev);
	loop_tell_readers(dev);
}

int loop_s_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct loop_dev *dev = video_drvdata(file);
	struct v4l2_pix_format *pix = &f->fmt.pix;
	struct loop_file *self = loop_to_file(file);
	const struct loop_format *format;
	int ret = 0;

	if (!loop_has_side(loop_to_file(file), V4L2_TYPE_IS_CAPTURE(f->type)))
		return -EINVAL;

	mutex_lock(&dev->lock);
	if (V4L2_TYPE_IS_OUTPUT(f->type)) {
		format = loop_adjust_fmt(pix);
		if (dev->writer)
			ret = -EBUSY;
		else
			loop_set_fmt(dev, format, pix);
	} else if (self->capturer) {
		ret = -EBUSY;
	} else if (dev->writer || loop_has_readers(dev)) {
		loop_get_fmt(dev, pix);
	} else {
		format = loop_adjust_fmt(pix);
		loop_set_fmt(dev, format, pix);
	}
	mutex_unlock(&dev->lock);

	return ret;
}

int loop_g_parm(struct file *file, void *priv, struct v4l2_streamparm *parm)
{
	struct loop_dev *dev = video_drvdata(file);
	struct v4l2_fract interval;

	if (!loop_has_side(loop_to_file(file), V4L2_TYPE_IS_CAPTURE(parm->type)))
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

static bool loop_interval_is_valid(const struct v4l2_fract *interval)
{
	u64 ms = (u64)interval->numerator * 1000;

	return interval->numerator && interval->denominator &&
	       ms >= (u64)interval->denominator * LOOP_MIN_INTERVAL_MS &&
	       interval->numerator <= (u64)interval->denominator * LOOP_MAX_INTERVAL_S;
}

int loop_s_parm(struct file *file, void *priv, struct v4l2_streamparm *parm)
{
	struct loop_dev *dev = video_drvdata(file);
	bool output = V4L2_TYPE_IS_OUTPUT(parm->type);
	struct v4l2_fract interval = output ? parm->parm.output.timeperframe :
					      parm->parm.capture.timeperframe;

	if (!loop_has_side(loop_to_file(file), V4L2_TYPE_IS_CAPTURE(parm->type)))
		return -EINVAL;

	mutex_lock(&dev->lock);
	if (!loop_format_is_fixed(dev, parm->type) && loop_interval_is_valid(&interval))
		dev->interval = interval;
	mutex_unlock(&dev->lock);

	return loop_g_parm(file, priv, parm);
}
