// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Controls. They are the node's, and all files see the same; but for one, by which a
 * writer says what may be done with its memory.
 */
#include <linux/jiffies.h>

#include "loop.h"

#define LOOP_MAX_TIMEOUT_MS	3600000

static const char * const loop_stamps_menu[] = {
	[VPIPE_LOOP_STAMPS_TIMESTAMP] = "Timestamp of Writer",
	[VPIPE_LOOP_STAMPS_WRITER] = "All of Writer",
	[VPIPE_LOOP_STAMPS_NODE] = "All of Node",
	NULL
};

static int loop_s_ctrl(struct v4l2_ctrl *ctrl)
{
	struct loop_dev *dev = container_of(ctrl->handler, struct loop_dev, hdl);

	switch (ctrl->id) {
	case VPIPE_LOOP_CID_STAMPS:
		WRITE_ONCE(dev->stamps, ctrl->val);
		break;
	case VPIPE_LOOP_CID_KEEP_LAST:
		loop_keep_last(dev, ctrl->val);
		break;
	case VPIPE_LOOP_CID_TIMEOUT:
		WRITE_ONCE(dev->timeout, msecs_to_jiffies(ctrl->val));
		loop_still_schedule(dev);
		break;
	case VPIPE_LOOP_CID_TIMEOUT_IMAGE:
		WRITE_ONCE(dev->grab, true);
		break;
	}

	return 0;
}

static int loop_s_file_ctrl(struct v4l2_ctrl *ctrl)
{
	struct loop_file *file = container_of(ctrl->handler, struct loop_file, hdl);

	WRITE_ONCE(file->lends, ctrl->val);

	return 0;
}

static const struct v4l2_ctrl_ops loop_file_ctrl_ops = {
	.s_ctrl = loop_s_file_ctrl,
};

static const struct v4l2_ctrl_ops loop_ctrl_ops = {
	.s_ctrl = loop_s_ctrl,
};

static const struct v4l2_ctrl_config loop_ctrl_configs[] = {
	{
		.ops = &loop_ctrl_ops,
		.id = VPIPE_LOOP_CID_STAMPS,
		.name = "Sequence and Timestamp",
		.type = V4L2_CTRL_TYPE_MENU,
		.max = VPIPE_LOOP_STAMPS_NODE,
		.def = VPIPE_LOOP_STAMPS_TIMESTAMP,
		.qmenu = loop_stamps_menu,
	}, {
		.ops = &loop_ctrl_ops,
		.id = VPIPE_LOOP_CID_KEEP_LAST,
		.name = "Keep Last Frame",
		.type = V4L2_CTRL_TYPE_BOOLEAN,
		.max = 1,
		.step = 1,
	}, {
		.ops = &loop_ctrl_ops,
		.id = VPIPE_LOOP_CID_TIMEOUT,
		.name = "Timeout",
		.type = V4L2_CTRL_TYPE_INTEGER,
		.max = LOOP_MAX_TIMEOUT_MS,
		.step = 1,
	}, {
		.ops = &loop_ctrl_ops,
		.id = VPIPE_LOOP_CID_TIMEOUT_IMAGE,
		.name = "Timeout Image",
		.type = V4L2_CTRL_TYPE_BUTTON,
	},
};

int loop_controls_init(struct loop_dev *dev)
{
	struct v4l2_ctrl_handler *hdl = &dev->hdl;
	unsigned int i;

	v4l2_ctrl_handler_init(hdl, ARRAY_SIZE(loop_ctrl_configs));
	for (i = 0; i < ARRAY_SIZE(loop_ctrl_configs); i++)
		v4l2_ctrl_new_custom(hdl, &loop_ctrl_configs[i], NULL);

	return hdl->error;
}

static const struct v4l2_ctrl_config loop_lend_config = {
	.ops = &loop_file_ctrl_ops,
	.id = VPIPE_LOOP_CID_LEND_IMPORTS,
	.name = "Lend Imported Buffers",
	.type = V4L2_CTRL_TYPE_BOOLEAN,
	.max = 1,
	.step = 1,
};

int loop_file_controls_init(struct loop_file *file)
{
	struct v4l2_ctrl_handler *hdl = &file->hdl;

	v4l2_ctrl_handler_init(hdl, ARRAY_SIZE(loop_ctrl_configs) + 1);
	v4l2_ctrl_new_custom(hdl, &loop_lend_config, NULL);
	v4l2_ctrl_add_handler(hdl, &file->dev->hdl, NULL, false);

	return hdl->error;
}
