// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The stateless parameters of each codec, as the V4L2 specification has them.
 * The values live in the control handler alone; each frame takes a copy of its
 * codec's with it.
 */
#include "dec.h"

static unsigned int vpdec_h264_depth(const void *payload)
{
	const struct v4l2_ctrl_h264_sps *sps = payload;

	return sps->bit_depth_luma_minus8 + 8;
}

static unsigned int vpdec_h264_references(const void *payload)
{
	const struct v4l2_ctrl_h264_sps *sps = payload;

	return min_t(unsigned int, sps->max_num_ref_frames, V4L2_H264_NUM_DPB_ENTRIES);
}

/* What CAPTURE can be: 4:2:0, or luma alone, of 8 or 10 bits. */
static bool vpdec_depth_valid(unsigned int depth)
{
	return depth == 8 || depth == 10;
}

static bool vpdec_h264_valid(const void *payload)
{
	const struct v4l2_ctrl_h264_sps *sps = payload;

	return sps->chroma_format_idc <= 1 && vpdec_depth_valid(vpdec_h264_depth(sps)) &&
	       (!sps->chroma_format_idc ||
		sps->bit_depth_chroma_minus8 == sps->bit_depth_luma_minus8);
}

static unsigned int vpdec_hevc_depth(const void *payload)
{
	const struct v4l2_ctrl_hevc_sps *sps = payload;

	return sps->bit_depth_luma_minus8 + 8;
}

static unsigned int vpdec_hevc_references(const void *payload)
{
	const struct v4l2_ctrl_hevc_sps *sps = payload;

	return min_t(unsigned int, sps->sps_max_dec_pic_buffering_minus1,
		     V4L2_HEVC_DPB_ENTRIES_NUM_MAX);
}

static bool vpdec_hevc_valid(const void *payload)
{
	const struct v4l2_ctrl_hevc_sps *sps = payload;

	return sps->chroma_format_idc <= 1 && vpdec_depth_valid(vpdec_hevc_depth(sps)) &&
	       (!sps->chroma_format_idc ||
		sps->bit_depth_chroma_minus8 == sps->bit_depth_luma_minus8);
}

static unsigned int vpdec_vp9_depth(const void *payload)
{
	const struct v4l2_ctrl_vp9_frame *frame = payload;

	return frame->bit_depth;
}

static bool vpdec_vp9_valid(const void *payload)
{
	const struct v4l2_ctrl_vp9_frame *frame = payload;
	const u32 halved = V4L2_VP9_FRAME_FLAG_X_SUBSAMPLING | V4L2_VP9_FRAME_FLAG_Y_SUBSAMPLING;

	return (frame->flags & halved) == halved && vpdec_depth_valid(frame->bit_depth);
}

/* Of codecs that have no more. */
static unsigned int vpdec_8_bits(const void *payload)
{
	return 8;
}

static const struct vpdec_control vpdec_h264_controls[] = {
	{
		.cfg.id = V4L2_CID_STATELESS_H264_SPS,
		.depth = vpdec_h264_depth,
		.references = vpdec_h264_references,
		.valid = vpdec_h264_valid,
	},
	{ .cfg.id = V4L2_CID_STATELESS_H264_PPS },
	{ .cfg.id = V4L2_CID_STATELESS_H264_SCALING_MATRIX },
	{ .cfg.id = V4L2_CID_STATELESS_H264_PRED_WEIGHTS },
	{ .cfg.id = V4L2_CID_STATELESS_H264_SLICE_PARAMS },
	{ .cfg.id = V4L2_CID_STATELESS_H264_DECODE_PARAMS },
	{
		.cfg.id = V4L2_CID_STATELESS_H264_DECODE_MODE,
		.cfg.min = V4L2_STATELESS_H264_DECODE_MODE_SLICE_BASED,
		.cfg.max = V4L2_STATELESS_H264_DECODE_MODE_FRAME_BASED,
		.cfg.def = V4L2_STATELESS_H264_DECODE_MODE_FRAME_BASED,
	},
	{
		.cfg.id = V4L2_CID_STATELESS_H264_START_CODE,
		.cfg.min = V4L2_STATELESS_H264_START_CODE_NONE,
		.cfg.max = V4L2_STATELESS_H264_START_CODE_ANNEX_B,
		.cfg.def = V4L2_STATELESS_H264_START_CODE_ANNEX_B,
	},
};

static const struct vpdec_control vpdec_hevc_controls[] = {
	{
		.cfg.id = V4L2_CID_STATELESS_HEVC_SPS,
		.depth = vpdec_hevc_depth,
		.references = vpdec_hevc_references,
		.valid = vpdec_hevc_valid,
	},
	{ .cfg.id = V4L2_CID_STATELESS_HEVC_PPS },
	{
		.cfg.id = V4L2_CID_STATELESS_HEVC_SLICE_PARAMS,
		.cfg.dims = { VPDEC_MAX_HEVC_SLICES },
	},
	{ .cfg.id = V4L2_CID_STATELESS_HEVC_SCALING_MATRIX },
	{ .cfg.id = V4L2_CID_STATELESS_HEVC_DECODE_PARAMS },
	{
		.cfg.id = V4L2_CID_STATELESS_HEVC_DECODE_MODE,
		.cfg.min = V4L2_STATELESS_HEVC_DECODE_MODE_SLICE_BASED,
		.cfg.max = V4L2_STATELESS_HEVC_DECODE_MODE_FRAME_BASED,
		.cfg.def = V4L2_STATELESS_HEVC_DECODE_MODE_FRAME_BASED,
	},
	{
		.cfg.id = V4L2_CID_STATELESS_HEVC_START_CODE,
		.cfg.min = V4L2_STATELESS_HEVC_START_CODE_NONE,
		.cfg.max = V4L2_STATELESS_HEVC_START_CODE_ANNEX_B,
		.cfg.def = V4L2_STATELESS_HEVC_START_CODE_ANNEX_B,
	},
};

static const struct vpdec_control vpdec_vp9_controls[] = {
	{
		.cfg.id = V4L2_CID_STATELESS_VP9_FRAME,
		.depth = vpdec_vp9_depth,
		.valid = vpdec_vp9_valid,
	},
	{ .cfg.id = V4L2_CID_STATELESS_VP9_COMPRESSED_HDR },
};

static const struct vpdec_control vpdec_vp8_controls[] = {
	{ .cfg.id = V4L2_CID_STATELESS_VP8_FRAME, .depth = vpdec_8_bits },
};

/* 4:2:0 */
static bool vpdec_mpeg2_valid(const void *payload)
{
	const struct v4l2_ctrl_mpeg2_sequence *sequence = payload;

	return sequence->chroma_format == 1;
}

static const struct vpdec_control vpdec_mpeg2_controls[] = {
	{
		.cfg.id = V4L2_CID_STATELESS_MPEG2_SEQUENCE,
		.depth = vpdec_8_bits,
		.valid = vpdec_mpeg2_valid,
	},
	{ .cfg.id = V4L2_CID_STATELESS_MPEG2_PICTURE },
	{ .cfg.id = V4L2_CID_STATELESS_MPEG2_QUANTISATION },
};

#if VPIPE_HAS_AV1
static unsigned int vpdec_av1_depth(const void *payload)
{
	const struct v4l2_ctrl_av1_sequence *sequence = payload;

	return sequence->bit_depth;
}

/* The Main profile: the others have other chroma, or more bits. */
static bool vpdec_av1_valid(const void *payload)
{
	const struct v4l2_ctrl_av1_sequence *sequence = payload;
	const u32 halved = V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_X |
			   V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_Y;

	if (!(sequence->flags & V4L2_AV1_SEQUENCE_FLAG_MONO_CHROME) &&
	    (sequence->flags & halved) != halved)
		return false;

	return !sequence->seq_profile && vpdec_depth_valid(sequence->bit_depth);
}

/* Up to Linux 6.12 the core's own has no subsampling, and is refused like any other such. */
static const struct v4l2_ctrl_av1_sequence vpdec_av1_default = {
	.bit_depth = 8,
	.flags = V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_X | V4L2_AV1_SEQUENCE_FLAG_SUBSAMPLING_Y,
};

static const struct vpdec_control vpdec_av1_controls[] = {
	{
		.cfg.id = V4L2_CID_STATELESS_AV1_SEQUENCE,
		.cfg.p_def.p_const = &vpdec_av1_default,
		.depth = vpdec_av1_depth,
		.valid = vpdec_av1_valid,
	},
	{ .cfg.id = V4L2_CID_STATELESS_AV1_FRAME },
	{
		.cfg.id = V4L2_CID_STATELESS_AV1_TILE_GROUP_ENTRY,
		.cfg.dims = { V4L2_AV1_MAX_TILE_COUNT },
	},
	{ .cfg.id = V4L2_CID_STATELESS_AV1_FILM_GRAIN },
};
#endif

const struct vpdec_out_fmt vpdec_stateless_fmts[VPDEC_NUM_STATELESS] = {
	{
		.fourcc = V4L2_PIX_FMT_VP9_FRAME,
		.codec = VPIPE_DEC_CODEC_VP9,
		.references = 8,
		.controls = vpdec_vp9_controls,
		.num_controls = ARRAY_SIZE(vpdec_vp9_controls),
	},
#if VPIPE_HAS_AV1
	{
		.fourcc = V4L2_PIX_FMT_AV1_FRAME,
		.codec = VPIPE_DEC_CODEC_AV1,
		.references = V4L2_AV1_TOTAL_REFS_PER_FRAME,
		.controls = vpdec_av1_controls,
		.num_controls = ARRAY_SIZE(vpdec_av1_controls),
	},
#endif
	{
		.fourcc = V4L2_PIX_FMT_H264_SLICE,
		.codec = VPIPE_DEC_CODEC_H264,
		.controls = vpdec_h264_controls,
		.num_controls = ARRAY_SIZE(vpdec_h264_controls),
	},
	{
		.fourcc = V4L2_PIX_FMT_HEVC_SLICE,
		.codec = VPIPE_DEC_CODEC_HEVC,
		.controls = vpdec_hevc_controls,
		.num_controls = ARRAY_SIZE(vpdec_hevc_controls),
	},
	{
		.fourcc = V4L2_PIX_FMT_VP8_FRAME,
		.codec = VPIPE_DEC_CODEC_VP8,
		.references = 3,
		.controls = vpdec_vp8_controls,
		.num_controls = ARRAY_SIZE(vpdec_vp8_controls),
	},
	{
		.fourcc = V4L2_PIX_FMT_MPEG2_SLICE,
		.codec = VPIPE_DEC_CODEC_MPEG2,
		.references = 2,
		.controls = vpdec_mpeg2_controls,
		.num_controls = ARRAY_SIZE(vpdec_mpeg2_controls),
	},
};

static const struct vpdec_control *vpdec_find_control(const struct vpdec_out_fmt *out_fmt, u32 id)
{
	unsigned int i;

	for (i = 0; i < out_fmt->num_controls; i++)
		if (out_fmt->controls[i].cfg.id == id)
			return &out_fmt->controls[i];

	return NULL;
}

/* Also of a codec that is not on OUTPUT now: it may be by and by. */
static bool vpdec_ctrl_valid(const struct vpdec_ctx *ctx, const struct v4l2_ctrl *ctrl)
{
	const struct vpdec_variant *variant = ctx->node->variant;
	const struct vpdec_control *control;
	unsigned int i;

	for (i = 0; i < variant->num_out_fmts; i++) {
		control = vpdec_find_control(&variant->out_fmts[i], ctrl->id);
		if (control)
			return !control->valid || control->valid(ctrl->p_new.p);
	}

	return true;
}

/*
 * A frame's depth decides what CAPTURE can be, so it must not change under its buffers, nor
 * while they are made. Whoever sets controls that have one has vpdec_ctx.lock.
 */
static int vpdec_try_ctrl(struct v4l2_ctrl *ctrl)
{
	struct vpdec_ctx *ctx = container_of(ctrl->handler, struct vpdec_ctx, hdl);
	const struct vpdec_control *control = vpdec_find_control(READ_ONCE(ctx->out_fmt), ctrl->id);

	if (!vpdec_ctrl_valid(ctx, ctrl))
		return -EINVAL;
	if (!control || !control->depth || !ctx->fh.m2m_ctx)
		return 0;

	if (control->depth(ctrl->p_new.p) != READ_ONCE(ctx->depth) &&
	    vpipe_has_buffers(v4l2_m2m_get_dst_vq(ctx->fh.m2m_ctx)))
		return -EBUSY;

	return 0;
}

/* The formats follow when they are next looked at: see vpdec_formats_settle(). */
static int vpdec_s_ctrl(struct v4l2_ctrl *ctrl)
{
	struct vpdec_ctx *ctx = container_of(ctrl->handler, struct vpdec_ctx, hdl);
	const struct vpdec_control *control = vpdec_find_control(READ_ONCE(ctx->out_fmt), ctrl->id);

	if (control && control->depth)
		WRITE_ONCE(ctx->depth, control->depth(ctrl->p_new.p));
	if (control && control->references)
		WRITE_ONCE(ctx->references, control->references(ctrl->p_new.p));

	return 0;
}

static const struct v4l2_ctrl_ops vpdec_ctrl_ops = {
	.try_ctrl = vpdec_try_ctrl,
	.s_ctrl = vpdec_s_ctrl,
};

int vpdec_controls_init(struct vpdec_ctx *ctx)
{
	const struct vpdec_variant *variant = ctx->node->variant;
	struct v4l2_ctrl_handler *hdl = &ctx->hdl;
	unsigned int count = 0, n = 0, i, j;

	for (i = 0; i < variant->num_out_fmts; i++)
		count += variant->out_fmts[i].num_controls;

	ctx->ctrls = kcalloc(count, sizeof(*ctx->ctrls), GFP_KERNEL);
	if (!ctx->ctrls)
		return -ENOMEM;

	v4l2_ctrl_handler_init(hdl, count);
	for (i = 0; i < variant->num_out_fmts; i++) {
		for (j = 0; j < variant->out_fmts[i].num_controls; j++) {
			struct v4l2_ctrl_config cfg = variant->out_fmts[i].controls[j].cfg;

			cfg.ops = &vpdec_ctrl_ops;
			ctx->ctrls[n++] = v4l2_ctrl_new_custom(hdl, &cfg, NULL);
		}
	}
	/* The codec has its references in memory of its own. */
	if (variant->stateful)
		v4l2_ctrl_new_std(hdl, NULL, V4L2_CID_MIN_BUFFERS_FOR_CAPTURE, 1, 1, 1, 1);
	if (hdl->error)
		return hdl->error;

	ctx->fh.ctrl_handler = hdl;

	return 0;
}

/* Those of the codec on OUTPUT. */
static struct v4l2_ctrl **vpdec_ctrls(struct vpdec_ctx *ctx)
{
	struct v4l2_ctrl **ctrls = ctx->ctrls;
	const struct vpdec_out_fmt *out_fmt;

	/* A format without any may be in no table: inject's are not. */
	if (!ctx->out_fmt->num_controls)
		return ctrls;
	for (out_fmt = ctx->node->variant->out_fmts; out_fmt != ctx->out_fmt; out_fmt++)
		ctrls += out_fmt->num_controls;

	return ctrls;
}

/* Bits of a sample, and pictures that are kept, as the controls of the codec on OUTPUT have it. */
void vpdec_controls_settle(struct vpdec_ctx *ctx)
{
	struct v4l2_ctrl **ctrls = vpdec_ctrls(ctx);
	unsigned int i;

	mutex_lock(ctx->hdl.lock);
	WRITE_ONCE(ctx->references, ctx->out_fmt->references);
	for (i = 0; i < ctx->out_fmt->num_controls; i++) {
		const struct vpdec_control *control = &ctx->out_fmt->controls[i];

		if (control->depth)
			WRITE_ONCE(ctx->depth, control->depth(ctrls[i]->p_cur.p));
		if (control->references)
			WRITE_ONCE(ctx->references, control->references(ctrls[i]->p_cur.p));
	}
	mutex_unlock(ctx->hdl.lock);
}

/* Bytes of a control's value, at most. */
u32 vpdec_ctrl_max(const struct v4l2_ctrl *ctrl)
{
	return (ctrl->is_dyn_array ? ctrl->dims[0] : ctrl->elems) * ctrl->elem_size;
}

/* Bytes that a codec's controls take in a message, at most. */
size_t vpdec_controls_max(struct vpdec_ctx *ctx)
{
	struct v4l2_ctrl **ctrls = vpdec_ctrls(ctx);
	size_t size = 0;
	unsigned int i;

	for (i = 0; i < ctx->out_fmt->num_controls; i++)
		size += sizeof(struct vpipe_dec_control) + ALIGN(vpdec_ctrl_max(ctrls[i]), 8);

	return size;
}

/* Copies the current values; a request's are current while its buffer is begun. */
void vpdec_controls_pack(struct vpdec_ctx *ctx, struct vpdec_frame *frame)
{
	struct v4l2_ctrl **ctrls = vpdec_ctrls(ctx);
	u8 *begin = ctx->controls[frame->m2m.vb.vb2_buf.index];
	u8 *to = begin;
	unsigned int i;

	/* One lock for all of them: they share a handler. */
	mutex_lock(ctx->hdl.lock);
	for (i = 0; i < ctx->out_fmt->num_controls; i++) {
		const struct v4l2_ctrl *ctrl = ctrls[i];
		u32 size = ctrl->elems * ctrl->elem_size;
		struct vpipe_dec_control head = { .id = ctrl->id, .size = size };

		memcpy(to, &head, sizeof(head));
		to += sizeof(head);
		memcpy(to, ctrl->p_cur.p, size);
		memset(to + size, 0, ALIGN(size, 8) - size);
		to += ALIGN(size, 8);
	}
	mutex_unlock(ctx->hdl.lock);

	frame->num_controls = ctx->out_fmt->num_controls;
	frame->controls_size = to - begin;
}
