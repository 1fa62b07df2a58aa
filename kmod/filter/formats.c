// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Frames leave in the size they came in, so both sides share one format.
 */
#include "filter.h"

static const struct vpipe_format vpipe_formats[] = {
	{ .fourcc = V4L2_PIX_FMT_GREY, .bytes = 1 },
};

void vpipe_formats_init(struct vpipe_ctx *ctx)
{
	ctx->format = &vpipe_formats[0];
	ctx->width = VPIPE_DEF_WIDTH;
	ctx->height = VPIPE_DEF_HEIGHT;
	ctx->colors.colorspace = V4L2_COLORSPACE_SRGB;
	ctx->colors.quantization = V4L2_QUANTIZATION_FULL_RANGE;
}

static const struct vpipe_format *vpipe_find_format(u32 fourcc)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(vpipe_formats); i++)
		if (vpipe_formats[i].fourcc == fourcc)
			return &vpipe_formats[i];

	return NULL;
}

int vpipe_enum_fmt(struct file *file, void *priv, struct v4l2_fmtdesc *f)
{
	if (f->index >= ARRAY_SIZE(vpipe_formats))
		return -EINVAL;

	f->pixelformat = vpipe_formats[f->index].fourcc;

	return 0;
}

int vpipe_enum_framesizes(struct file *file, void *priv, struct v4l2_frmsizeenum *fsize)
{
	if (fsize->index || !vpipe_find_format(fsize->pixel_format))
		return -EINVAL;

	vpipe_fill_framesizes(fsize, V4L2_FRMSIZE_TYPE_STEPWISE, VPIPE_MIN_SIZE, VPIPE_MAX_SIZE);

	return 0;
}

int vpipe_g_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct vpipe_ctx *ctx = file_to_ctx(file);
	struct v4l2_pix_format *pix = &f->fmt.pix;

	if (mutex_lock_interruptible(&ctx->lock))
		return -ERESTARTSYS;
	pix->width = ctx->width;
	pix->height = ctx->height;
	pix->pixelformat = ctx->format->fourcc;
	pix->field = V4L2_FIELD_NONE;
	pix->bytesperline = ctx->width * ctx->format->bytes;
	pix->sizeimage = vpipe_sizeimage(ctx);
	vpipe_write_colors(pix, &ctx->colors);
	mutex_unlock(&ctx->lock);

	return 0;
}

static const struct vpipe_format *vpipe_adjust_fmt(const struct vpipe_ctx *ctx,
						   struct v4l2_format *f)
{
	struct v4l2_pix_format *pix = &f->fmt.pix;
	const struct vpipe_format *format = vpipe_find_format(pix->pixelformat) ?:
					    &vpipe_formats[0];

	pix->width = clamp_t(u32, pix->width, VPIPE_MIN_SIZE, VPIPE_MAX_SIZE);
	pix->height = clamp_t(u32, pix->height, VPIPE_MIN_SIZE, VPIPE_MAX_SIZE);
	pix->pixelformat = format->fourcc;
	pix->field = V4L2_FIELD_NONE;
	pix->bytesperline = pix->width * format->bytes;
	pix->sizeimage = pix->bytesperline * pix->height;

	/* Pixels keep their meaning on the way: CAPTURE says what OUTPUT said. */
	if (V4L2_TYPE_IS_CAPTURE(f->type))
		vpipe_write_colors(pix, &ctx->colors);
	else if (pix->colorspace == V4L2_COLORSPACE_DEFAULT)
		pix->colorspace = V4L2_COLORSPACE_SRGB;

	return format;
}

int vpipe_try_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct vpipe_ctx *ctx = file_to_ctx(file);

	if (mutex_lock_interruptible(&ctx->lock))
		return -ERESTARTSYS;
	vpipe_adjust_fmt(ctx, f);
	mutex_unlock(&ctx->lock);

	return 0;
}

/*
 * Frames leave in the size they came in, so both sides share one format, and
 * setting it on either sets it on both. That must not pull it away from under
 * the buffers of the other side.
 */
int vpipe_s_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct vpipe_ctx *ctx = file_to_ctx(file);
	struct v4l2_pix_format *pix = &f->fmt.pix;
	const struct vpipe_format *format;
	struct vb2_queue *own, *other;
	int ret = -EBUSY;
	bool changes;

	own = v4l2_m2m_get_vq(ctx->fh.m2m_ctx, f->type);
	other = V4L2_TYPE_IS_OUTPUT(f->type) ? v4l2_m2m_get_dst_vq(ctx->fh.m2m_ctx) :
					       v4l2_m2m_get_src_vq(ctx->fh.m2m_ctx);

	if (mutex_lock_interruptible(&ctx->lock))
		return -ERESTARTSYS;
	format = vpipe_adjust_fmt(ctx, f);
	changes = format != ctx->format || pix->width != ctx->width || pix->height != ctx->height;
	if (vb2_is_busy(own) || (vb2_is_busy(other) && changes))
		goto unlock;

	ctx->format = format;
	ctx->width = pix->width;
	ctx->height = pix->height;
	ctx->colors = vpipe_read_colors(pix);
	ret = 0;

unlock:
	mutex_unlock(&ctx->lock);

	return ret;
}
