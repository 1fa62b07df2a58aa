// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Controls. They are the node's, and all files see the same; but for two: by one a writer says
 * what may be done with its memory, and of the other the node remembers who has pressed it. Those
 * of v4l2loopback are beside the node's own.
 */
#include <linux/jiffies.h>

#include "../uapi/vpipe-loop-ctl.h"
#include "loop.h"

#define VLOOP_MAX_TIMEOUT_MS	3600000

/* Of v4l2loopback's. */
#define VLOOP_MAX_COMPAT_TIMEOUT_MS	100000

static const char * const vloop_stamps_menu[] = {
	[VPIPE_LOOP_STAMPS_TIMESTAMP] = "Timestamp of Writer",
	[VPIPE_LOOP_STAMPS_WRITER] = "All of Writer",
	[VPIPE_LOOP_STAMPS_NODE] = "All of Node",
	NULL
};

/* The two time-outs are one: what one of them is set to, the other one is as far as it can be. */
static int vloop_try_ctrl(struct v4l2_ctrl *ctrl)
{
	struct vloop_dev *dev = container_of(ctrl->handler, struct vloop_dev, hdl);
	struct v4l2_ctrl *own = dev->timeouts[0], *compat = dev->timeouts[1];

	if (ctrl != own)
		return 0;
	if (compat->is_new && !own->is_new)
		own->val = compat->val;
	compat->val = min(own->val, VLOOP_MAX_COMPAT_TIMEOUT_MS);

	return 0;
}

static int vloop_s_ctrl(struct v4l2_ctrl *ctrl)
{
	struct vloop_dev *dev = container_of(ctrl->handler, struct vloop_dev, hdl);

	switch (ctrl->id) {
	case VPIPE_LOOP_CID_STAMPS:
		WRITE_ONCE(dev->stamps, ctrl->val);
		break;
	case VPIPE_LOOP_CID_KEEP_LAST:
		vloop_keep_last(dev, &dev->keep_last, ctrl->val);
		break;
	case V4L2LOOPBACK_CID_SUSTAIN_FRAMERATE:
		vloop_keep_last(dev, &dev->sustain, ctrl->val);
		vloop_placeholder_schedule(dev);
		break;
	case V4L2LOOPBACK_CID_KEEP_FORMAT:
		mutex_lock(&dev->lock);
		WRITE_ONCE(dev->keep_format, ctrl->val);
		mutex_unlock(&dev->lock);
		vloop_caps_changed(dev);
		break;
	case VPIPE_LOOP_CID_TIMEOUT:
		WRITE_ONCE(dev->timeout, msecs_to_jiffies(ctrl->val));
		vloop_placeholder_schedule(dev);
		break;
	case VPIPE_LOOP_CID_TIMEOUT_IMAGE:
		spin_lock(&dev->frames_lock);
		dev->image_wanted = true;
		spin_unlock(&dev->frames_lock);
		break;
	}

	return 0;
}

static int vloop_s_file_ctrl(struct v4l2_ctrl *ctrl)
{
	struct vloop_file *file = container_of(ctrl->handler, struct vloop_file, hdl);

	switch (ctrl->id) {
	case VPIPE_LOOP_CID_LEND_IMPORTS:
		WRITE_ONCE(file->lends, ctrl->val);
		break;
	case V4L2LOOPBACK_CID_TIMEOUT_IMAGE_IO:
		mutex_lock(&file->dev->lock);
		file->dev->image_io = true;
		WRITE_ONCE(file->asked_image, true);
		mutex_unlock(&file->dev->lock);
		break;
	}

	return 0;
}

static const struct v4l2_ctrl_ops vloop_file_ctrl_ops = {
	.s_ctrl = vloop_s_file_ctrl,
};

static const struct v4l2_ctrl_ops vloop_ctrl_ops = {
	.try_ctrl = vloop_try_ctrl,
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
		.name = "Time-Out",
		.type = V4L2_CTRL_TYPE_INTEGER,
		.max = VLOOP_MAX_TIMEOUT_MS,
		.step = 1,
	}, {
		.ops = &vloop_ctrl_ops,
		.id = VPIPE_LOOP_CID_TIMEOUT_IMAGE,
		.name = "Time-Out Image",
		.type = V4L2_CTRL_TYPE_BUTTON,
	}, {
		.ops = &vloop_ctrl_ops,
		.id = V4L2LOOPBACK_CID_KEEP_FORMAT,
		.name = "keep_format",
		.type = V4L2_CTRL_TYPE_BOOLEAN,
		.max = 1,
		.step = 1,
	}, {
		.ops = &vloop_ctrl_ops,
		.id = V4L2LOOPBACK_CID_SUSTAIN_FRAMERATE,
		.name = "sustain_framerate",
		.type = V4L2_CTRL_TYPE_BOOLEAN,
		.max = 1,
		.step = 1,
	}, {
		.ops = &vloop_ctrl_ops,
		.id = V4L2LOOPBACK_CID_TIMEOUT,
		.name = "timeout",
		.type = V4L2_CTRL_TYPE_INTEGER,
		.max = VLOOP_MAX_COMPAT_TIMEOUT_MS,
		.step = 1,
	},
};

int vloop_controls_init(struct vloop_dev *dev)
{
	struct v4l2_ctrl_handler *hdl = &dev->hdl;
	unsigned int i;

	v4l2_ctrl_handler_init(hdl, ARRAY_SIZE(vloop_ctrl_configs));
	for (i = 0; i < ARRAY_SIZE(vloop_ctrl_configs); i++)
		v4l2_ctrl_new_custom(hdl, &vloop_ctrl_configs[i], NULL);
	if (hdl->error)
		return hdl->error;

	dev->timeouts[0] = v4l2_ctrl_find(hdl, VPIPE_LOOP_CID_TIMEOUT);
	dev->timeouts[1] = v4l2_ctrl_find(hdl, V4L2LOOPBACK_CID_TIMEOUT);
	v4l2_ctrl_cluster(ARRAY_SIZE(dev->timeouts), dev->timeouts);

	return 0;
}

static const struct v4l2_ctrl_config vloop_file_ctrl_configs[] = {
	{
		.ops = &vloop_file_ctrl_ops,
		.id = VPIPE_LOOP_CID_LEND_IMPORTS,
		.name = "Lend Imported Buffers",
		.type = V4L2_CTRL_TYPE_BOOLEAN,
		.max = 1,
		.step = 1,
	}, {
		.ops = &vloop_file_ctrl_ops,
		.id = V4L2LOOPBACK_CID_TIMEOUT_IMAGE_IO,
		.name = "timeout_image_io",
		.type = V4L2_CTRL_TYPE_BUTTON,
	},
};

int vloop_file_controls_init(struct vloop_file *file)
{
	struct v4l2_ctrl_handler *hdl = &file->hdl;
	unsigned int i;

	v4l2_ctrl_handler_init(hdl, ARRAY_SIZE(vloop_ctrl_configs) +
				    ARRAY_SIZE(vloop_file_ctrl_configs));
	for (i = 0; i < ARRAY_SIZE(vloop_file_ctrl_configs); i++)
		v4l2_ctrl_new_custom(hdl, &vloop_file_ctrl_configs[i], NULL);
	v4l2_ctrl_add_handler(hdl, &file->dev->hdl, NULL, false);

	return hdl->error;
}
