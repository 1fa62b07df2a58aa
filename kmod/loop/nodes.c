// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The nodes that there are. No bus finds them: they come with the module or are asked for,
 * and go when they are told to, or with it.
 */
#include <linux/debugfs.h>
#include <linux/slab.h>

#include <media/v4l2-ioctl.h>

#include "loop.h"

static DEFINE_MUTEX(vloop_nodes_lock); /* of the nodes there are */
static struct vloop_dev *vloop_nodes[VLOOP_MAX_NODES];

/* Nobody has it open or mapped any more. */
static void vloop_dev_release(struct v4l2_device *v4l2_dev)
{
	struct vloop_dev *dev = container_of(v4l2_dev, struct vloop_dev, v4l2_dev);

	vloop_placeholder_exit(dev);
	vloop_waking_exit(dev);
	vloop_usage_exit(dev);
	vloop_copiers_exit(dev);
	vloop_frames_exit(dev);
	v4l2_ctrl_handler_free(&dev->hdl);
	mutex_destroy(&dev->lock);
	kfree(dev);
}

/* Its number is free, but memory of it may still be mapped. */
static void vloop_vfd_release(struct video_device *vfd)
{
	struct vloop_dev *dev = container_of(vfd, struct vloop_dev, vfd);

	complete(&dev->unregistered);
}

/* All but what others can see. */
static struct vloop_dev *vloop_create(unsigned int number, const struct vloop_config *config)
{
	struct vloop_dev *dev;
	int ret;

	dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return ERR_PTR(-ENOMEM);

	dev->number = number;
	dev->config = *config;
	mutex_init(&dev->lock);
	init_completion(&dev->unregistered);
	INIT_LIST_HEAD(&dev->files);
	INIT_LIST_HEAD(&dev->readers);
	vloop_formats_init(dev);
	vloop_frames_init(dev);
	vloop_copiers_init(dev);
	vloop_waking_init(dev);
	vloop_usage_init(dev);
	vloop_placeholder_init(dev);

	snprintf(dev->v4l2_dev.name, sizeof(dev->v4l2_dev.name), VLOOP_NAME "-%03u", number);
	ret = v4l2_device_register(NULL, &dev->v4l2_dev);
	if (ret) {
		kfree(dev);
		return ERR_PTR(ret);
	}
	/* From here on vloop_dev_release() frees, when the last user is gone. */
	dev->v4l2_dev.release = vloop_dev_release;

	ret = vloop_controls_init(dev);
	if (ret) {
		v4l2_device_unregister(&dev->v4l2_dev);
		v4l2_device_put(&dev->v4l2_dev);
		return ERR_PTR(ret);
	}

	return dev;
}

/* As the core logs calls, which is what its dev_debug in sysfs sets. */
static u16 vloop_dev_debug(int debug)
{
	return (debug > 0 ? V4L2_DEV_DEBUG_IOCTL | V4L2_DEV_DEBUG_FOP : 0) |
	       (debug > 1 ? V4L2_DEV_DEBUG_IOCTL_ARG | V4L2_DEV_DEBUG_CTRL : 0) |
	       (debug > 2 ? V4L2_DEV_DEBUG_STREAMING | V4L2_DEV_DEBUG_POLL : 0);
}

/*
 * With @exact it does not stay where another driver has its number. That is seen when it
 * is there: whoever opens it waits meanwhile, and then has it for good or not at all.
 */
static int vloop_register(struct vloop_dev *dev, bool exact)
{
	struct video_device *vfd = &dev->vfd;
	int ret;

	if (*dev->config.label)
		strscpy(vfd->name, dev->config.label, sizeof(vfd->name));
	else
		snprintf(vfd->name, sizeof(vfd->name), "vpipe loopback %u", dev->number);
	vfd->fops = &vloop_fops;
	vfd->ioctl_ops = &vloop_ioctl_ops;
	vfd->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_VIDEO_OUTPUT |
			   V4L2_CAP_READWRITE | V4L2_CAP_STREAMING;
	vfd->ctrl_handler = &dev->hdl;
	vfd->dev.groups = vloop_attribute_groups;
	vfd->dev_debug = vloop_dev_debug(dev->config.debug);
	vfd->release = vloop_vfd_release;

	mutex_lock(&dev->lock);
	ret = vpipe_video_register(vfd, &dev->v4l2_dev, dev, dev->config.nr);
	if (!ret && exact && vfd->num != dev->config.nr) {
		dev->gone = true;
		ret = -EEXIST;
	}
	mutex_unlock(&dev->lock);

	return ret;
}

/*
 * Nobody has it open. Who has just closed it, or was not let in, has its number for another
 * moment: whoever asks for that next is to get it.
 */
static void vloop_remove(struct vloop_dev *dev)
{
	vloop_nodes[dev->number] = NULL;
	debugfs_remove(dev->debugfs);
	if (video_is_registered(&dev->vfd)) {
		video_unregister_device(&dev->vfd);
		wait_for_completion(&dev->unregistered);
	}
	v4l2_device_unregister(&dev->v4l2_dev);
	v4l2_device_put(&dev->v4l2_dev);
}

/* The one that is /dev/videoN. */
static struct vloop_dev *vloop_find(int nr)
{
	unsigned int i;

	lockdep_assert_held(&vloop_nodes_lock);
	for (i = 0; i < VLOOP_MAX_NODES; i++)
		if (vloop_nodes[i] && vloop_nodes[i]->vfd.num == nr)
			return vloop_nodes[i];

	return NULL;
}

static int vloop_make(const struct vloop_config *config, bool exact)
{
	struct vloop_dev *dev;
	unsigned int number;
	int ret;

	lockdep_assert_held(&vloop_nodes_lock);
	if (exact && vloop_find(config->nr))
		return -EEXIST;
	for (number = 0; number < VLOOP_MAX_NODES; number++)
		if (!vloop_nodes[number])
			break;
	if (number == VLOOP_MAX_NODES)
		return -ENOSPC;

	dev = vloop_create(number, config);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	vloop_nodes[number] = dev;
	ret = vloop_register(dev, exact);
	if (ret) {
		vloop_remove(dev);
		return ret;
	}
	vloop_debugfs_init(dev);
	v4l2_info(&dev->v4l2_dev, "registered as %s\n", video_device_node_name(&dev->vfd));

	return dev->vfd.num;
}

/*
 * Returns N of its /dev/videoN, which is the number that is asked for where that is meant
 * exactly (else EEXIST), and another one where it is a wish that is taken.
 */
int vloop_nodes_add(const struct vloop_config *config, bool exact)
{
	int ret;

	mutex_lock(&vloop_nodes_lock);
	ret = vloop_make(config, exact);
	mutex_unlock(&vloop_nodes_lock);

	return ret;
}

int vloop_nodes_remove(int nr)
{
	struct vloop_dev *dev;
	int ret;

	mutex_lock(&vloop_nodes_lock);
	dev = vloop_find(nr);
	ret = dev ? vloop_close_node(dev) : -ENODEV;
	if (!ret)
		vloop_remove(dev);
	mutex_unlock(&vloop_nodes_lock);

	return ret;
}

int vloop_nodes_query(int nr, struct vloop_config *config)
{
	struct vloop_dev *dev;

	mutex_lock(&vloop_nodes_lock);
	dev = vloop_find(nr);
	if (dev) {
		mutex_lock(&dev->lock);
		*config = dev->config;
		mutex_unlock(&dev->lock);
		config->nr = nr;
		strscpy(config->label, dev->vfd.name, sizeof(config->label));
	}
	mutex_unlock(&vloop_nodes_lock);

	return dev ? 0 : -ENODEV;
}

void vloop_nodes_exit(void)
{
	unsigned int i;

	mutex_lock(&vloop_nodes_lock);
	for (i = 0; i < VLOOP_MAX_NODES; i++)
		if (vloop_nodes[i])
			vloop_remove(vloop_nodes[i]);
	mutex_unlock(&vloop_nodes_lock);
	vloop_debugfs_exit();
}
