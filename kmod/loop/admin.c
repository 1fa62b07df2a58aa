// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * /dev/v4l2loopback: nodes for programs that ask for them as v4l2loopback's do. Who may is
 * who can open it, which is root, and whom root lets.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/compat.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "../uapi/vpipe-loop-ctl.h"
#include "loop.h"

/* Of v4l2loopback, whose interface this is. */
#define VLOOP_INTERFACE	KERNEL_VERSION(0, 15, 0)

static struct vloop_config vloop_defaults;

static int vloop_read_config(struct vloop_config *config, const struct v4l2_loopback_config *from)
{
	if (strnlen(from->card_label, sizeof(from->card_label)) == sizeof(from->card_label))
		return -EINVAL;

	config->nr = max(from->output_nr, -1);
	strscpy(config->label, from->card_label, sizeof(config->label));
	config->exclusive = !from->announce_all_caps;
	config->min_width = from->min_width ?: config->min_width;
	config->max_width = from->max_width ?: config->max_width;
	config->min_height = from->min_height ?: config->min_height;
	config->max_height = from->max_height ?: config->max_height;
	if (from->max_buffers > 0)
		config->max_buffers = max(from->max_buffers, VPIPE_LOOP_MIN_OUTPUT);
	if (from->max_openers > 0)
		config->max_openers = from->max_openers;
	if (from->debug > 0)
		config->debug = from->debug;

	return vloop_config_is_valid(config) ? 0 : -EINVAL;
}

static long vloop_admin_add(const struct v4l2_loopback_config __user *from)
{
	struct vloop_config config = vloop_defaults;
	struct v4l2_loopback_config wanted;
	int ret;

	if (from) {
		if (copy_from_user(&wanted, from, sizeof(wanted)))
			return -EFAULT;
		ret = vloop_read_config(&config, &wanted);
		if (ret)
			return ret;
	}

	return vloop_nodes_add(&config, config.nr >= 0);
}

static long vloop_admin_query(struct v4l2_loopback_config __user *arg)
{
	struct v4l2_loopback_config answer = { };
	struct vloop_config config;
	s32 nr;
	int ret;

	if (get_user(nr, &arg->output_nr))
		return -EFAULT;
	ret = vloop_nodes_query(nr, &config);
	if (ret)
		return ret;

	answer.output_nr = config.nr;
	answer.unused = config.nr;
	strscpy(answer.card_label, config.label, sizeof(answer.card_label));
	answer.min_width = config.min_width;
	answer.max_width = config.max_width;
	answer.min_height = config.min_height;
	answer.max_height = config.max_height;
	answer.max_buffers = config.max_buffers;
	answer.max_openers = config.max_openers;
	answer.debug = config.debug;
	answer.announce_all_caps = !config.exclusive;

	return copy_to_user(arg, &answer, sizeof(answer)) ? -EFAULT : 0;
}

static long vloop_admin_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case V4L2LOOPBACK_CTL_VERSION:
		return put_user((u32)VLOOP_INTERFACE, (u32 __user *)arg);
	case V4L2LOOPBACK_CTL_ADD:
	case V4L2LOOPBACK_CTL_ADD_legacy:
		return vloop_admin_add((const void __user *)arg);
	case V4L2LOOPBACK_CTL_REMOVE:
	case V4L2LOOPBACK_CTL_REMOVE_legacy:
		return vloop_nodes_remove((int)arg);
	case V4L2LOOPBACK_CTL_QUERY:
	case V4L2LOOPBACK_CTL_QUERY_legacy:
		return vloop_admin_query((void __user *)arg);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations vloop_admin_fops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.unlocked_ioctl = vloop_admin_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice vloop_admin = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "v4l2loopback",
	.fops = &vloop_admin_fops,
	.mode = 0600,
};

static bool vloop_admin_is_there;

/* Its nodes are there, and in use: that it cannot be had is no reason to take them away. */
void vloop_admin_init(const struct vloop_config *defaults)
{
	int ret;

	vloop_defaults = *defaults;
	ret = misc_register(&vloop_admin);
	vloop_admin_is_there = !ret;
	if (ret)
		pr_err("/dev/v4l2loopback: cannot be made (%d)\n", ret);
}

void vloop_admin_exit(void)
{
	if (vloop_admin_is_there)
		misc_deregister(&vloop_admin);
}
