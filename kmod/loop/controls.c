// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Controls. They are the node's, and all files see the same; but for one, by which a
 * writer says what may be done with its memory.
 */
#include <linux/jiffies.h>

#include "loop.h"

#define VLOOP_MAX_TIMEOUT_MS	3600000

static const char * const vloop_stamps_menu[] = {
	[VPIPE_LOOP_STAMPS_TIMESTAMP] = "Timestamp of Writer",
	[VPIPE_LOOP_STAMPS_WRITER] = "All of Writer",
	[VPIPE_LOOP_STAMPS_NODE] = "All of Node",
	NULL
};

static int vloop_s_ctrl(struct v4l2_ctrl *ctrl)
{
	struct vloop_dev *dev = container_of(ctrl->handler, struct vloop_dev, hdl);

	switch (ctrl->id) {
	case VPIPE_LOOP_CID_STAMPS:
		WRITE_ONCE(dev->stamps, ctrl->val);
		break;
	case VPIPE_LOOP_CID_KEEP_LAST:
		vloop_keep_last(dev, ctrl->val);
		break;
	case VPIPE_LOOP_CID_TIMEOUT:
		WRITE_ONCE(dev->timeout, msecs_to_jiffies(ctrl->val));
		vloop_placeholder_schedule(dev);
		break;
	case VPIPE_LOOP_CID_TIMEOUT_IMAGE:
		WRITE_ONCE(dev->image_wanted, true);
		break;
	}

	return 0;
}

static int vloop_s_file_ctrl(struct v4l2_ctrl *ctrl)
{
	struct vloop_file *file = container_of(ctrl->handler, struct vloop_file, hdl);

	WRITE_ONCE(file->lends, ctrl->val);

	return 0;
}

static const struct v4l2_ctrl_ops vloop_file_ctrl_ops = {
	.s_ctrl = vloop_s_file_ctrl,
};

static const struct v4l2_ctrl_ops vloop_ctrl_ops = {
	.s_ctrl = vloop_s_ctrl,
};

static const struct v4l2_ctrl_config vloop_ctrl_configs[] = {
	{
		.ops = &vloop_ctrl_ops,
		.id = VPIPE_LOOP_CID_STAMPS,
		.name = "Sequence and Timestamp",
		.type = V4L2_CTRL_TYPE_MENU,
		.max = VPIPE_LOOP_STAMPS_NODE,
		.def = VPIPE_LOOP_STAMPS_TIMESTAMP,
		.qmenu = vloop_stamps_menu,
	}, {
		.ops = &vloop_ctrl_ops,
		.id = VPIPE_LOOP_CID_KEEP_LAST,
		.name = "Keep Last Frame",
		.type = V4L2_CTRL_TYPE_BOOLEAN,
		.max = 1,
		.step = 1,
	}, {
		.ops = &vloop_ctrl_ops,
		.id = VPIPE_LOOP_CID_TIMEOUT,
		.name = "Timeout",
		.type = V4L2_CTRL_TYPE_INTEGER,
		.max = VLOOP_MAX_TIMEOUT_MS,
		.step = 1,
	}, {
		.ops = &vloop_ctrl_ops,
		.id = VPIPE_LOOP_CID_TIMEOUT_IMAGE,
		.name = "Timeout Image",
		.type = V4L2_CTRL_TYPE_BUTTON,
	},
};

int vloop_controls_init(struct vloop_dev *dev)
{
	struct v4l2_ctrl_handler *hdl = &dev->hdl;
	unsigned int i;

	v4l2_ctrl_handler_init(hdl, ARRAY_SIZE(vloop_ctrl_configs));
	for (i = 0; i < ARRAY_SIZE(vloop_ctrl_configs); i++)
		v4l2_ctrl_new_custom(hdl, &vloop_ctrl_configs[i], NULL);

	return hdl->error;
}

static const struct v4l2_ctrl_config vloop_lend_config = {
	.ops = &vloop_file_ctrl_ops,
	.id = VPIPE_LOOP_CID_LEND_IMPORTS,
	.name = "Lend Imported Buffers",
	.type = V4L2_CTRL_TYPE_BOOLEAN,
	.max = 1,
	.step = 1,
};

int vloop_file_controls_init(struct vloop_file *file)
{
	struct v4l2_ctrl_handler *hdl = &file->hdl;

	v4l2_ctrl_handler_init(hdl, ARRAY_SIZE(vloop_ctrl_configs) + 1);
	v4l2_ctrl_new_custom(hdl, &vloop_lend_config, NULL);
	v4l2_ctrl_add_handler(hdl, &file->dev->hdl, NULL, false);

	return hdl->error;
}
