// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Controls. Their values live in the control handler alone, and are copied to
 * each OUTPUT buffer.
 */
#include "filter.h"

static const char * const vpipe_algo_menu[] = {
	[VPIPE_ALGO_NONE] = "none",
	[VPIPE_ALGO_THRESHOLD] = "threshold",
};

static const struct v4l2_ctrl_config vpipe_ctrl_configs[VPIPE_NUM_CTRLS] = {
	[VPIPE_CTRL_SRC_SEQUENCE] = {
		.id = VPIPE_CID_SRC_SEQUENCE,
		.name = "Source V4L2 Sequence",
		.type = V4L2_CTRL_TYPE_INTEGER,
		.max = INT_MAX,
		.step = 1,
	},
	[VPIPE_CTRL_ALGO] = {
		.id = VPIPE_CID_ALGO,
		.name = "Algorithm",
		.type = V4L2_CTRL_TYPE_MENU,
		.max = VPIPE_ALGO_THRESHOLD,
		.def = VPIPE_ALGO_NONE,
		.qmenu = vpipe_algo_menu,
	},
	[VPIPE_CTRL_ROI_LEFT] = {
		.id = VPIPE_CID_ROI_LEFT,
		.name = "ROI Left",
		.type = V4L2_CTRL_TYPE_INTEGER,
		.max = VPIPE_MAX_SIZE,
		.step = 1,
	},
	[VPIPE_CTRL_ROI_TOP] = {
		.id = VPIPE_CID_ROI_TOP,
		.name = "ROI Top",
		.type = V4L2_CTRL_TYPE_INTEGER,
		.max = VPIPE_MAX_SIZE,
		.step = 1,
	},
	[VPIPE_CTRL_ROI_WIDTH] = {
		.id = VPIPE_CID_ROI_WIDTH,
		.name = "ROI Width",
		.type = V4L2_CTRL_TYPE_INTEGER,
		.max = VPIPE_MAX_SIZE,
		.step = 1,
		.def = VPIPE_DEF_WIDTH,
	},
	[VPIPE_CTRL_ROI_HEIGHT] = {
		.id = VPIPE_CID_ROI_HEIGHT,
		.name = "ROI Height",
		.type = V4L2_CTRL_TYPE_INTEGER,
		.max = VPIPE_MAX_SIZE,
		.step = 1,
		.def = VPIPE_DEF_HEIGHT,
	},
	[VPIPE_CTRL_THRESHOLD] = {
		.id = VPIPE_CID_THRESHOLD,
		.name = "Threshold",
		.type = V4L2_CTRL_TYPE_INTEGER,
		.max = U8_MAX,
		.step = 1,
		.def = 127,
	},
};

int vpipe_init_ctrls(struct vpipe_ctx *ctx)
{
	struct v4l2_ctrl_handler *hdl = &ctx->hdl;
	int i;

	v4l2_ctrl_handler_init(hdl, VPIPE_NUM_CTRLS);
	for (i = 0; i < VPIPE_NUM_CTRLS; i++)
		ctx->ctrls[i] = v4l2_ctrl_new_custom(hdl, &vpipe_ctrl_configs[i], NULL);
	if (hdl->error)
		return hdl->error;

	/* A ROI set in one call is never seen half. */
	v4l2_ctrl_cluster(4, &ctx->ctrls[VPIPE_CTRL_ROI_LEFT]);
	ctx->fh.ctrl_handler = hdl;

	return 0;
}

void vpipe_snapshot(struct vpipe_ctx *ctx, struct vpipe_params *params)
{
	struct v4l2_ctrl **ctrls = ctx->ctrls;

	/* One lock for all of them: they share a handler. */
	v4l2_ctrl_lock(ctrls[0]);
	params->src_sequence = ctrls[VPIPE_CTRL_SRC_SEQUENCE]->cur.val;
	params->algo = ctrls[VPIPE_CTRL_ALGO]->cur.val;
	params->threshold = ctrls[VPIPE_CTRL_THRESHOLD]->cur.val;
	params->roi.left = ctrls[VPIPE_CTRL_ROI_LEFT]->cur.val;
	params->roi.top = ctrls[VPIPE_CTRL_ROI_TOP]->cur.val;
	params->roi.width = ctrls[VPIPE_CTRL_ROI_WIDTH]->cur.val;
	params->roi.height = ctrls[VPIPE_CTRL_ROI_HEIGHT]->cur.val;
	v4l2_ctrl_unlock(ctrls[0]);
}
