// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The module and its nodes. No bus finds them: they come and go with the module.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "loop.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

#define VLOOP_MAX_DEVICES	32

static unsigned int devices = 1;
module_param(devices, uint, 0444);
MODULE_PARM_DESC(devices, "nodes, 1 to 32 (1)");

static int video_nr[VLOOP_MAX_DEVICES] = { [0 ... VLOOP_MAX_DEVICES - 1] = -1 };
module_param_array(video_nr, int, NULL, 0444);
MODULE_PARM_DESC(video_nr, "number of each node, N of /dev/videoN, -1 for the next free one (-1)");

static char *card_label[VLOOP_MAX_DEVICES];
module_param_array(card_label, charp, NULL, 0444);
MODULE_PARM_DESC(card_label, "name of each node, at most 31 bytes (vpipe loopback N)");

static bool exclusive_caps[VLOOP_MAX_DEVICES];
module_param_array(exclusive_caps, bool, NULL, 0444);
MODULE_PARM_DESC(exclusive_caps, "of each node: a capture device while a writer streams, else an output device (0)");

unsigned int vloop_max_buffers = 8;
module_param_named(max_buffers, vloop_max_buffers, uint, 0444);
MODULE_PARM_DESC(max_buffers, "most buffers of a queue, 4 to 32 (8)");

unsigned int vloop_max_readers = 64;
module_param_named(max_readers, vloop_max_readers, uint, 0644);
MODULE_PARM_DESC(max_readers, "most readers of a node at a time (64)");

bool vloop_show_mmap;
module_param_named(show_mmap, vloop_show_mmap, bool, 0644);
MODULE_PARM_DESC(show_mmap, "readers that only read their mappings see the writer's memory (0)");

/* What stands for everybody; any other number is a group, and nobody's where there is none. */
#define VLOOP_ALL_GROUPS	-1

static int allowed_gid = VLOOP_ALL_GROUPS;
module_param(allowed_gid, int, 0644);
MODULE_PARM_DESC(allowed_gid, "who may open the nodes: processes with this group, or with CAP_SYS_ADMIN; -1 for all (-1)");

/* Whoever is in the group is not asked for more, so nothing is audited. */
bool vloop_may_open(void)
{
	int gid = READ_ONCE(allowed_gid);

	return gid == VLOOP_ALL_GROUPS || in_group_p(make_kgid(&init_user_ns, gid)) ||
	       capable(CAP_SYS_ADMIN);
}

static struct vloop_dev *vloop_devs[VLOOP_MAX_DEVICES];

static void vloop_dev_release(struct v4l2_device *v4l2_dev)
{
	struct vloop_dev *dev = container_of(v4l2_dev, struct vloop_dev, v4l2_dev);

	v4l2_ctrl_handler_free(&dev->hdl);
	mutex_destroy(&dev->map_lock);
	mutex_destroy(&dev->lock);
	kfree(dev);
}

static int vloop_register_node(struct vloop_dev *dev)
{
	struct video_device *vfd = &dev->vfd;
	unsigned int number = dev->number;

	if (card_label[number] && *card_label[number])
		strscpy(vfd->name, card_label[number], sizeof(vfd->name));
	else
		snprintf(vfd->name, sizeof(vfd->name), "vpipe loopback %u", number);
	vfd->fops = &vloop_fops;
	vfd->ioctl_ops = &vloop_ioctl_ops;
	vfd->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_VIDEO_OUTPUT |
			   V4L2_CAP_READWRITE | V4L2_CAP_STREAMING;
	vfd->ctrl_handler = &dev->hdl;

	return vpipe_video_register(vfd, &dev->v4l2_dev, dev, video_nr[number]);
}

/* All but what others can see. */
static struct vloop_dev *vloop_create(unsigned int number)
{
	struct vloop_dev *dev;
	int ret;

	dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return ERR_PTR(-ENOMEM);

	dev->number = number;
	dev->exclusive = exclusive_caps[number];
	mutex_init(&dev->lock);
	mutex_init(&dev->map_lock);
	INIT_LIST_HEAD(&dev->files);
	vloop_formats_init(dev);
	vloop_frames_init(dev);
	vloop_readers_init(dev);
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

static void vloop_remove(struct vloop_dev *dev)
{
	debugfs_remove(dev->debugfs);
	if (video_is_registered(&dev->vfd))
		video_unregister_device(&dev->vfd);
	vloop_placeholder_exit(dev);
	vloop_readers_exit(dev);
	vloop_frames_exit(dev);
	v4l2_device_unregister(&dev->v4l2_dev);
	v4l2_device_put(&dev->v4l2_dev);
}

static void vloop_remove_all(void)
{
	unsigned int i;

	for (i = 0; i < VLOOP_MAX_DEVICES; i++)
		if (vloop_devs[i])
			vloop_remove(vloop_devs[i]);
	vloop_debugfs_exit();
}

static int vloop_create_all(void)
{
	struct vloop_dev *dev;
	unsigned int i;

	for (i = 0; i < devices; i++) {
		dev = vloop_create(i);
		if (IS_ERR(dev)) {
			pr_err("node %u: cannot be made (%ld)\n", i, PTR_ERR(dev));
			return PTR_ERR(dev);
		}
		vloop_devs[i] = dev;
	}

	return 0;
}

/*
 * Programs open a node as soon as it is there, and the module must stay from then on: so
 * only the first one can make it fail.
 */
static int vloop_register_all(void)
{
	struct vloop_dev *dev;
	unsigned int i;
	int ret;

	for (i = 0; i < devices; i++) {
		dev = vloop_devs[i];
		ret = vloop_register_node(dev);
		if (ret) {
			pr_err("node %u: cannot be registered (%d), there are %u\n", i, ret, i);
			return i ? 0 : ret;
		}
		vloop_debugfs_init(dev);
		v4l2_info(&dev->v4l2_dev, "registered as %s\n", video_device_node_name(&dev->vfd));
	}

	return 0;
}

static int __init vloop_init(void)
{
	int ret;

	if (!devices || devices > VLOOP_MAX_DEVICES) {
		pr_err("devices=%u: not 1 to %u\n", devices, VLOOP_MAX_DEVICES);
		return -EINVAL;
	}
	if (vloop_max_buffers < VPIPE_LOOP_MIN_OUTPUT || vloop_max_buffers > VLOOP_MAX_BUFFERS) {
		pr_err("max_buffers=%u: not %u to %u\n", vloop_max_buffers, VPIPE_LOOP_MIN_OUTPUT,
		       VLOOP_MAX_BUFFERS);
		return -EINVAL;
	}

	vloop_memory_init();
	ret = vloop_create_all() ?: vloop_register_all();
	if (ret)
		vloop_remove_all();

	return ret;
}

static void __exit vloop_exit(void)
{
	vloop_remove_all();
}

module_init(vloop_init);
module_exit(vloop_exit);

MODULE_DESCRIPTION("vpipe loopback: frames from one program to many others");
MODULE_INFO(kernels_run, VPIPE_KERNELS_RUN);
MODULE_AUTHOR("The vpipe authors");
MODULE_VERSION(VPIPE_VERSION);
MODULE_LICENSE("Dual MIT/GPL");
VPIPE_IMPORT_NS(DMA_BUF);
