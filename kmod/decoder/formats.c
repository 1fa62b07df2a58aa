// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What is on OUTPUT, a table of each kind of node, and on CAPTURE, the table below.
 * CAPTURE follows OUTPUT: in size and colour space, and in the depth that the
 * stream's controls give, or on the stateful node the daemon.
 */
#include <linux/minmax.h>

#include <media/v4l2-rect.h>

#include "dec.h"

#define VPDEC_MIN_BITSTREAM	SZ_64K

/* Whole cache lines, so that no two rows share one. */
#define VPDEC_ALIGN_LINE		64

static const struct vpdec_cap_fmt vpdec_cap_fmts[] = {
	{ .fourcc = V4L2_PIX_FMT_NV12, .depth = 8, .bytes = 1, .chroma = 1, .planes = 1 },
	{ .fourcc = V4L2_PIX_FMT_NV12M, .depth = 8, .bytes = 1, .chroma = 1, .planes = 2 },
	{ .fourcc = V4L2_PIX_FMT_YUV420, .depth = 8, .bytes = 1, .chroma = 2, .planes = 1 },
	{ .fourcc = V4L2_PIX_FMT_YUV420M, .depth = 8, .bytes = 1, .chroma = 2, .planes = 3 },
	{ .fourcc = V4L2_PIX_FMT_P010, .depth = 10, .bytes = 2, .chroma = 1, .planes = 1 },
};

static const struct vpdec_out_fmt *vpdec_find_out_fmt(const struct vpdec_ctx *ctx, u32 fourcc)
{
	const struct vpdec_variant *variant = ctx->node->variant;
	unsigned int i;

	for (i = 0; i < variant->num_out_fmts; i++)
		if (variant->out_fmts[i].fourcc == fourcc)
			return &variant->out_fmts[i];

	return NULL;
}

/*
 * Whether pictures can be decoded to it: whatever is above 8 bits takes 16. Before a
 * stateful stream has said which there are, it is whatever the codec may have; but libavcodec,
 * which chooses then, looks for the last chroma half a row early where the height is odd, and
 * so is to choose another.
 */
static bool vpdec_holds(const struct vpdec_ctx *ctx, const struct vpdec_cap_fmt *cap_fmt)
{
	unsigned int depth = READ_ONCE(ctx->depth);

	if (!depth)
		return cap_fmt->depth <= READ_ONCE(ctx->out_fmt)->max_depth &&
		       (cap_fmt->chroma == 1 || cap_fmt->planes > 1 ||
			READ_ONCE(ctx->height) % 2 == 0);

	return (cap_fmt->depth > 8) == (depth > 8);
}

static const struct vpdec_cap_fmt *vpdec_first_cap_fmt(const struct vpdec_ctx *ctx)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vpdec_cap_fmts); i++)
		if (vpdec_holds(ctx, &vpdec_cap_fmts[i]))
			return &vpdec_cap_fmts[i];

	return &vpdec_cap_fmts[0];
}

static const struct vpdec_cap_fmt *vpdec_find_cap_fmt(const struct vpdec_ctx *ctx, u32 fourcc)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vpdec_cap_fmts); i++)
		if (vpdec_cap_fmts[i].fourcc == fourcc && vpdec_holds(ctx, &vpdec_cap_fmts[i]))
			return &vpdec_cap_fmts[i];

	return NULL;
}

/*
 * The controls may have given another depth since. They cannot change the format
 * themselves: they are set under the handler's lock, which is taken with
 * vpdec_ctx.lock held. Nor do they give another while CAPTURE has buffers.
 */
void vpdec_formats_settle(struct vpdec_ctx *ctx)
{
	lockdep_assert_held(&ctx->lock);
	if (!vpdec_holds(ctx, ctx->cap_fmt) &&
	    !vpipe_has_buffers(v4l2_m2m_get_dst_vq(ctx->fh.m2m_ctx)))
		ctx->cap_fmt = vpdec_first_cap_fmt(ctx);
}

/*
 * In one memory the lines of each chroma are half as long as those of luma, which is all that
 * a format says: so it is luma that is padded until theirs are whole cache lines.
 */
static unsigned int vpdec_cap_planes(const struct vpdec_cap_fmt *cap_fmt, u32 width, u32 height,
				     struct vpipe_dec_plane *planes)
{
	u32 luma = ALIGN(width * cap_fmt->bytes, VPDEC_ALIGN_LINE * cap_fmt->chroma);
	u32 chroma = luma / cap_fmt->chroma;
	unsigned int i;

	planes[0].bytesperline = luma;
	planes[0].sizeimage = luma * height;
	for (i = 1; i <= cap_fmt->chroma; i++) {
		struct vpipe_dec_plane *plane = &planes[min(i, cap_fmt->planes - 1)];

		if (cap_fmt->planes > 1)
			plane->bytesperline = chroma;
		plane->sizeimage += chroma * DIV_ROUND_UP(height, 2);
	}

	return cap_fmt->planes;
}

/* Planes of memory of a buffer of one queue, and what each is. */
unsigned int vpdec_planes(const struct vpdec_ctx *ctx, bool capture, struct vpipe_dec_plane *planes)
{
	memset(planes, 0, VPIPE_DEC_MAX_PLANES * sizeof(*planes));
	if (capture)
		return vpdec_cap_planes(ctx->cap_fmt, ctx->width, ctx->height, planes);

	planes[0].sizeimage = ctx->out_sizeimage;

	return 1;
}

/* The most bytes that a plane of a queue's buffer can need, whatever comes. */
u32 vpdec_max_sizeimage(bool capture)
{
	struct vpipe_dec_plane planes[VPIPE_DEC_MAX_PLANES];
	unsigned int i;
	u32 most = 0;

	if (!capture)
		return VPDEC_MAX_BITSTREAM;
	for (i = 0; i < ARRAY_SIZE(vpdec_cap_fmts); i++) {
		memset(planes, 0, sizeof(planes));
		vpdec_cap_planes(&vpdec_cap_fmts[i], VPDEC_MAX_SIZE, VPDEC_MAX_SIZE, planes);
		most = max(most, planes[0].sizeimage);
	}

	return most;
}

static u32 vpdec_out_sizeimage(u32 width, u32 height)
{
	/* A coded frame is seldom larger than its pixels are. */
	return max_t(u32, VPDEC_MIN_BITSTREAM, width * height * 3 / 2);
}

static void vpdec_set_size(struct vpdec_ctx *ctx, u32 width, u32 height)
{
	ctx->width = width;
	WRITE_ONCE(ctx->height, height);
	ctx->visible = (struct v4l2_rect){ .width = width, .height = height };
}

void vpdec_formats_init(struct vpdec_ctx *ctx)
{
	ctx->out_fmt = &ctx->node->variant->out_fmts[0];
	ctx->cap_fmt = &vpdec_cap_fmts[0];
	ctx->references = ctx->out_fmt->references;
	ctx->depth = ctx->node->variant->stateful ? 0 : vpdec_cap_fmts[0].depth;
	ctx->field = V4L2_FIELD_NONE;
	vpdec_set_size(ctx, VPDEC_DEF_WIDTH, VPDEC_DEF_HEIGHT);
	ctx->out_sizeimage = vpdec_out_sizeimage(ctx->width, ctx->height);
}

int vpdec_enum_fmt_out(struct file *file, void *priv, struct v4l2_fmtdesc *f)
{
	const struct vpdec_variant *variant = vpdec_file_to_ctx(file)->node->variant;

	if (f->index >= (READ_ONCE(vpdec_list_av1) ? variant->num_out_fmts : variant->num_listed))
		return -EINVAL;

	f->pixelformat = variant->out_fmts[f->index].fourcc;
	f->flags = variant->out_fmt_flags;
	/* The core warns of what it has no name for, unless it is given one. */
	if (f->index >= variant->num_listed)
		strscpy(f->description, "AV1", sizeof(f->description));

	return 0;
}

int vpdec_enum_fmt_cap(struct file *file, void *priv, struct v4l2_fmtdesc *f)
{
	const struct vpdec_ctx *ctx = vpdec_file_to_ctx(file);
	unsigned int i, nth = 0;

	for (i = 0; i < ARRAY_SIZE(vpdec_cap_fmts); i++) {
		if (!vpdec_holds(ctx, &vpdec_cap_fmts[i]) || nth++ < f->index)
			continue;
		f->pixelformat = vpdec_cap_fmts[i].fourcc;
		return 0;
	}

	return -EINVAL;
}

int vpdec_enum_framesizes(struct file *file, void *priv, struct v4l2_frmsizeenum *fsize)
{
	const struct vpdec_ctx *ctx = vpdec_file_to_ctx(file);
	u32 fourcc = fsize->pixel_format;

	if (fsize->index || (!vpdec_find_out_fmt(ctx, fourcc) && !vpdec_find_cap_fmt(ctx, fourcc)))
		return -EINVAL;

	vpipe_fill_framesizes(fsize, V4L2_FRMSIZE_TYPE_CONTINUOUS, VPDEC_MIN_SIZE,
			      VPDEC_MAX_SIZE);

	return 0;
}

/*
 * Colours as they are told back to whoever gives them. With bitstream to decode they are
 * no more than a hint, and those that have a part missing are kept, but not told: GStreamer
 * takes what it is told back of single colour spaces for all that the node can decode, and
 * plays no stream of others; V4L2 has no name for all of them.
 */
static struct vpipe_colors vpdec_given_colors(const struct vpdec_ctx *ctx,
					      struct vpipe_colors given)
{
	static const struct vpipe_colors none;

	if (!ctx->node->variant->stateful)
		given.colorspace = given.colorspace ?: V4L2_COLORSPACE_REC709;
	else if (!given.colorspace || !given.xfer_func || !given.ycbcr_enc || !given.quantization)
		given = none;

	return given;
}

/* OUTPUT has what it was given; CAPTURE what the stream says, and that where it says none. */
static void vpdec_get_colors(const struct vpdec_ctx *ctx, bool capture,
			     struct v4l2_pix_format_mplane *pix)
{
	const struct vpipe_colors *told = &ctx->told, *given = &ctx->colors;
	struct vpipe_colors colors;

	if (capture && ctx->depth) {
		colors.colorspace = told->colorspace ?: given->colorspace ?: V4L2_COLORSPACE_REC709;
		colors.xfer_func = told->xfer_func ?: given->xfer_func;
		colors.ycbcr_enc = told->ycbcr_enc ?: given->ycbcr_enc;
		colors.quantization = told->quantization ?: given->quantization;
	} else {
		colors = vpdec_given_colors(ctx, *given);
	}
	vpipe_write_colors(pix, &colors);
}

static void vpdec_fill_planes(struct v4l2_pix_format_mplane *pix,
			      const struct vpdec_cap_fmt *cap_fmt)
{
	struct vpipe_dec_plane planes[VPIPE_DEC_MAX_PLANES] = {};
	unsigned int i;

	pix->num_planes = vpdec_cap_planes(cap_fmt, pix->width, pix->height, planes);
	for (i = 0; i < pix->num_planes; i++) {
		pix->plane_fmt[i].bytesperline = planes[i].bytesperline;
		pix->plane_fmt[i].sizeimage = planes[i].sizeimage;
	}
}

int vpdec_g_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct vpdec_ctx *ctx = vpdec_file_to_ctx(file);
	struct v4l2_pix_format_mplane *pix = &f->fmt.pix_mp;

	if (mutex_lock_interruptible(&ctx->lock))
		return -ERESTARTSYS;
	vpdec_formats_settle(ctx);
	pix->width = ctx->width;
	pix->height = ctx->height;
	vpdec_get_colors(ctx, V4L2_TYPE_IS_CAPTURE(f->type), pix);
	if (V4L2_TYPE_IS_CAPTURE(f->type)) {
		pix->field = V4L2_FIELD_NONE;
		pix->pixelformat = ctx->cap_fmt->fourcc;
		vpdec_fill_planes(pix, ctx->cap_fmt);
	} else {
		pix->field = ctx->field;
		pix->pixelformat = ctx->out_fmt->fourcc;
		pix->num_planes = 1;
		pix->plane_fmt[0].sizeimage = ctx->out_sizeimage;
	}
	mutex_unlock(&ctx->lock);

	return 0;
}

static const struct vpdec_out_fmt *vpdec_adjust_out(const struct vpdec_ctx *ctx,
						    struct v4l2_pix_format_mplane *pix)
{
	const struct vpdec_out_fmt *out_fmt = vpdec_find_out_fmt(ctx, pix->pixelformat) ?:
					      &ctx->node->variant->out_fmts[0];
	struct vpipe_colors colors = vpdec_given_colors(ctx, vpipe_read_colors(pix));
	u32 sizeimage = pix->plane_fmt[0].sizeimage;

	pix->width = clamp_t(u32, pix->width, VPDEC_MIN_SIZE, VPDEC_MAX_SIZE);
	pix->height = clamp_t(u32, pix->height, VPDEC_MIN_SIZE, VPDEC_MAX_SIZE);
	pix->pixelformat = out_fmt->fourcc;
	/* Which fields there are the bitstream says: whatever the client takes them for. */
	if (pix->field == V4L2_FIELD_ANY || pix->field > V4L2_FIELD_INTERLACED_BT)
		pix->field = V4L2_FIELD_NONE;
	pix->num_planes = 1;
	pix->plane_fmt[0].bytesperline = 0;
	pix->plane_fmt[0].sizeimage = sizeimage ?
		clamp_t(u32, sizeimage, VPDEC_MIN_BITSTREAM, VPDEC_MAX_BITSTREAM) :
		vpdec_out_sizeimage(pix->width, pix->height);
	vpipe_write_colors(pix, &colors);

	return out_fmt;
}

static const struct vpdec_cap_fmt *vpdec_adjust_cap(struct vpdec_ctx *ctx,
						    struct v4l2_pix_format_mplane *pix)
{
	const struct vpdec_cap_fmt *cap_fmt = vpdec_find_cap_fmt(ctx, pix->pixelformat) ?:
					      vpdec_first_cap_fmt(ctx);

	pix->width = ctx->width;
	pix->height = ctx->height;
	pix->pixelformat = cap_fmt->fourcc;
	pix->field = V4L2_FIELD_NONE;
	vpdec_fill_planes(pix, cap_fmt);
	vpdec_get_colors(ctx, true, pix);

	return cap_fmt;
}

int vpdec_try_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct vpdec_ctx *ctx = vpdec_file_to_ctx(file);

	if (mutex_lock_interruptible(&ctx->lock))
		return -ERESTARTSYS;
	if (V4L2_TYPE_IS_CAPTURE(f->type))
		vpdec_adjust_cap(ctx, &f->fmt.pix_mp);
	else
		vpdec_adjust_out(ctx, &f->fmt.pix_mp);
	mutex_unlock(&ctx->lock);

	return 0;
}

/* EBUSY where a queue has buffers. Adjusts what cannot be as it is asked for. */
int vpdec_formats_set_out(struct vpdec_ctx *ctx, struct v4l2_pix_format_mplane *pix)
{
	struct vpipe_colors given = vpipe_read_colors(pix);
	const struct vpdec_out_fmt *out_fmt = vpdec_adjust_out(ctx, pix);

	lockdep_assert_held(&ctx->lock);
	if (vpipe_has_buffers(v4l2_m2m_get_src_vq(ctx->fh.m2m_ctx)) ||
	    vpipe_has_buffers(v4l2_m2m_get_dst_vq(ctx->fh.m2m_ctx)))
		return -EBUSY;

	WRITE_ONCE(ctx->out_fmt, out_fmt);
	if (ctx->node->variant->stateful)
		WRITE_ONCE(ctx->depth, 0);
	else
		vpdec_controls_settle(ctx);
	vpdec_set_size(ctx, pix->width, pix->height);
	ctx->out_sizeimage = pix->plane_fmt[0].sizeimage;
	ctx->field = pix->field;
	ctx->colors = given;
	ctx->told = (struct vpipe_colors){};
	ctx->cap_fmt = vpdec_first_cap_fmt(ctx);

	return 0;
}

/*
 * The stream says what its pictures are like: whether that is anything new. The
 * format that the client chose stays, if it can.
 */
bool vpdec_formats_follow(struct vpdec_ctx *ctx, const struct vpipe_dec_format *format)
{
	struct v4l2_rect visible = {
		.left = format->left,
		.top = format->top,
		.width = format->visible_width,
		.height = format->visible_height,
	};
	struct vpipe_colors told = vpipe_read_colors(format);
	/* What a stream begins with is no change of colours: buffers are ready for any. */
	bool repaints = ctx->depth && memcmp(&ctx->told, &told, sizeof(told));
	bool holds;

	lockdep_assert_held(&ctx->lock);
	WRITE_ONCE(ctx->depth, format->depth);
	holds = vpdec_holds(ctx, ctx->cap_fmt);
	ctx->told = told;
	if (holds && !repaints && ctx->width == format->width && ctx->height == format->height &&
	    v4l2_rect_equal(&ctx->visible, &visible))
		return false;

	if (!holds)
		ctx->cap_fmt = vpdec_first_cap_fmt(ctx);
	ctx->width = format->width;
	WRITE_ONCE(ctx->height, format->height);
	ctx->visible = visible;

	return true;
}

int vpdec_s_fmt_out(struct file *file, void *priv, struct v4l2_format *f)
{
	struct vpdec_ctx *ctx = vpdec_file_to_ctx(file);
	int ret;

	if (mutex_lock_interruptible(&ctx->lock))
		return -ERESTARTSYS;
	ret = vpdec_formats_set_out(ctx, &f->fmt.pix_mp);
	mutex_unlock(&ctx->lock);

	return ret;
}

int vpdec_s_fmt_cap(struct file *file, void *priv, struct v4l2_format *f)
{
	struct vpdec_ctx *ctx = vpdec_file_to_ctx(file);
	const struct vpdec_cap_fmt *cap_fmt;
	int ret = -EBUSY;

	if (mutex_lock_interruptible(&ctx->lock))
		return -ERESTARTSYS;
	cap_fmt = vpdec_adjust_cap(ctx, &f->fmt.pix_mp);
	if (!vpipe_has_buffers(v4l2_m2m_get_dst_vq(ctx->fh.m2m_ctx))) {
		ctx->cap_fmt = cap_fmt;
		ret = 0;
	}
	mutex_unlock(&ctx->lock);

	return ret;
}
