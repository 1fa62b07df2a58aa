// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The module: what it is told, and the nodes that come with it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/module.h>

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

static unsigned int max_buffers = 8;
module_param(max_buffers, uint, 0444);
MODULE_PARM_DESC(max_buffers, "most buffers of a queue, 4 to 32 (8)");

unsigned int vloop_max_readers = 64;
module_param_named(max_readers, vloop_max_readers, uint, 0644);
MODULE_PARM_DESC(max_readers, "most readers of a node at a time (64)");

bool vloop_show_mmap;
module_param_named(show_mmap, vloop_show_mmap, bool, 0644);
MODULE_PARM_DESC(show_mmap, "readers that only read their mappings see the writer's memory (0)");

static unsigned int max_openers;
module_param(max_openers, uint, 0444);
MODULE_PARM_DESC(max_openers, "most open files of a node, 0 for no limit (0)");

static unsigned int max_width = VPIPE_LOOP_MAX_SIZE;
module_param(max_width, uint, 0444);
MODULE_PARM_DESC(max_width, "largest width in pixels, 1 to 8192 (8192)");

static unsigned int max_height = VPIPE_LOOP_MAX_SIZE;
module_param(max_height, uint, 0444);
MODULE_PARM_DESC(max_height, "largest height in pixels, 1 to 8192 (8192)");

static int debug;
module_param(debug, int, 0444);
MODULE_PARM_DESC(debug, "what the kernel logs: 1 for calls, 2 for their arguments, 3 for those of each frame (0)");

bool vloop_compat;
module_param_named(compat, vloop_compat, bool, 0444);
MODULE_PARM_DESC(compat, "be v4l2loopback to programs that look for it: the driver's name, /dev/v4l2loopback, a reading stream each file (0)");

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

static struct vloop_config vloop_default_config(void)
{
	return (struct vloop_config){
		.nr = -1,
		.min_width = 1,
		.max_width = max_width,
		.min_height = 1,
		.max_height = max_height,
		.max_buffers = max_buffers,
		.max_openers = max_openers,
		.debug = debug,
	};
}

/*
 * Programs open a node as soon as it is there, and the module must stay from then on: so
 * only the first one can make it fail.
 */
static int vloop_add_all(struct vloop_config config)
{
	unsigned int i;
	int ret;

	for (i = 0; i < devices; i++) {
		config.nr = video_nr[i];
		config.exclusive = exclusive_caps[i];
		strscpy(config.label, card_label[i] ?: "", sizeof(config.label));
		ret = vloop_nodes_add(&config, false);
		if (ret < 0) {
			pr_err("node %u: cannot be made (%d), there are %u\n", i, ret, i);
			return i ? 0 : ret;
		}
	}

	return 0;
}

/* As lsmod(8) knows it: both would have the one device, and programs would not know whose. */
static bool vloop_is_the_other_loaded(void)
{
	struct kobject *module = kset_find_obj(THIS_MODULE->mkobj.kobj.kset, "v4l2loopback");

	kobject_put(module);

	return module;
}

static int __init vloop_init(void)
{
	struct vloop_config defaults;
	int ret;

	/* Its usual value is 2. */
	if (vloop_compat)
		max_buffers = max_t(unsigned int, max_buffers, VPIPE_LOOP_MIN_OUTPUT);
	if (!devices || devices > VLOOP_MAX_DEVICES) {
		pr_err("devices=%u: not 1 to %u\n", devices, VLOOP_MAX_DEVICES);
		return -EINVAL;
	}
	if (max_buffers < VPIPE_LOOP_MIN_OUTPUT || max_buffers > VLOOP_MAX_BUFFERS) {
		pr_err("max_buffers=%u: not %u to %u\n", max_buffers, VPIPE_LOOP_MIN_OUTPUT,
		       VLOOP_MAX_BUFFERS);
		return -EINVAL;
	}

	if (!max_width || max_width > VPIPE_LOOP_MAX_SIZE ||
	    !max_height || max_height > VPIPE_LOOP_MAX_SIZE) {
		pr_err("max_width=%u max_height=%u: not 1 to %u\n", max_width, max_height,
		       VPIPE_LOOP_MAX_SIZE);
		return -EINVAL;
	}
	if (vloop_compat && vloop_is_the_other_loaded()) {
		pr_err("compat=1: v4l2loopback itself is loaded\n");
		return -EBUSY;
	}

	vloop_memory_init();
	defaults = vloop_default_config();
	ret = vloop_add_all(defaults);
	if (ret)
		vloop_nodes_exit();
	else if (vloop_compat)
		vloop_admin_init(&defaults);

	return ret;
}

static void __exit vloop_exit(void)
{
	vloop_admin_exit();
	vloop_nodes_exit();
}

module_init(vloop_init);
module_exit(vloop_exit);

MODULE_DESCRIPTION("vpipe loopback: frames from one program to many others");
MODULE_INFO(kernels_run, VPIPE_KERNELS_RUN);
MODULE_AUTHOR("The vpipe authors");
MODULE_VERSION(VPIPE_VERSION);
MODULE_ALIAS("v4l2loopback");
MODULE_LICENSE("Dual MIT/GPL");
VPIPE_IMPORT_NS(DMA_BUF);
