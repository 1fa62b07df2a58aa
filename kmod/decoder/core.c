// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The device: two nodes with one media device, and /dev/vpipe-dec for the daemon.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/debugfs.h>

#include <media/videobuf2-v4l2.h>

#include "../platform.h"
#include "dec.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

unsigned int vpdec_timeout_ms = 10000;
module_param_named(timeout_ms, vpdec_timeout_ms, uint, 0644);
MODULE_PARM_DESC(timeout_ms, "the daemon's time for one frame, in milliseconds (10000)");

unsigned int vpdec_user_streams = 16;
module_param_named(user_streams, vpdec_user_streams, uint, 0644);
MODULE_PARM_DESC(user_streams, "streams of one user at a time, but for CAP_SYS_RESOURCE (16)");

bool vpdec_list_av1;
module_param_named(list_av1, vpdec_list_av1, bool, 0644);
MODULE_PARM_DESC(list_av1, "list AV1 on the stateful node, where few programs know it (N)");

static const struct vpdec_variant *const vpdec_variants[VPDEC_NUM_NODES] = {
	&vpdec_stateless,
	&vpdec_stateful,
};

static const struct media_device_ops vpdec_media_ops = {
	.req_alloc = vpipe_req_alloc,
	.req_free = vpipe_req_free,
	.req_validate = vpdec_req_validate,
	.req_queue = vpipe_req_queue,
};

static void vpdec_dev_release(struct v4l2_device *v4l2_dev)
{
	struct vpdec_dev *dev = container_of(v4l2_dev, struct vpdec_dev, media.v4l2_dev);
	unsigned int i;

	for (i = 0; i < VPDEC_NUM_NODES; i++)
		vpipe_m2m_release(&dev->nodes[i].m2m);
	media_device_cleanup(&dev->media.mdev);
	kfree(dev);
}

static int vpdec_probe(struct platform_device *pdev)
{
	unsigned int nodes;
	struct vpdec_dev *dev;
	int ret;

	dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return -ENOMEM;

	platform_set_drvdata(pdev, dev);
	spin_lock_init(&dev->lock);
	INIT_LIST_HEAD(&dev->streams);
	init_waitqueue_head(&dev->ponged);

	ret = vpipe_media_init(&dev->media, &pdev->dev, VPDEC_NAME, "vpipe decoder",
			       &vpdec_media_ops, vpdec_dev_release);
	if (ret) {
		kfree(dev);
		return ret;
	}

	/* This also refuses a second device: the name is taken. */
	ret = vpdec_session_register(dev);
	if (ret)
		goto exit_media;

	for (nodes = 0; nodes < VPDEC_NUM_NODES; nodes++) {
		struct vpdec_node *node = &dev->nodes[nodes];

		node->dev = dev;
		node->variant = vpdec_variants[nodes];
		ret = vpdec_register_node(node);
		if (ret)
			goto unregister_nodes;
	}

	ret = media_device_register(&dev->media.mdev);
	if (ret)
		goto unregister_nodes;

	vpdec_debugfs_init(dev);
	vpipe_media_ready(&dev->media);
	for (nodes = 0; nodes < VPDEC_NUM_NODES; nodes++)
		v4l2_info(&dev->media.v4l2_dev, "%s registered as %s\n",
			  vpdec_variants[nodes]->card,
			  video_device_node_name(&dev->nodes[nodes].m2m.vfd));

	return 0;

unregister_nodes:
	while (nodes--) {
		vpipe_m2m_unregister(&dev->nodes[nodes].m2m);
		vpipe_wake_all(&dev->nodes[nodes].m2m.vfd);
	}
	vpipe_media_ready(&dev->media);
	vpdec_session_unregister(dev);
exit_media:
	vpipe_media_exit(&dev->media);

	return ret;
}

static void vpdec_remove(struct platform_device *pdev)
{
	struct vpdec_dev *dev = platform_get_drvdata(pdev);
	unsigned int i;

	/* Who can open a node can find its media device. */
	for (i = 0; i < VPDEC_NUM_NODES; i++)
		vpipe_m2m_unregister(&dev->nodes[i].m2m);
	media_device_unregister(&dev->media.mdev);
	vpdec_session_unregister(dev);
	for (i = 0; i < VPDEC_NUM_NODES; i++)
		vpipe_wake_all(&dev->nodes[i].m2m.vfd);
	/* Waits for who is in one of its files: for no frame any more. */
	debugfs_remove(dev->debugfs);
	vpipe_media_exit(&dev->media);
}

static struct platform_driver vpdec_driver = {
	.probe = vpdec_probe,
	.vpipe_platform_remove = vpdec_remove,
	.driver = {
		.name = VPDEC_NAME,
		.probe_type = PROBE_FORCE_SYNCHRONOUS,
	},
};

static struct platform_device *vpdec_pdev;

/* What the daemons say comes true here, whatever a client holds its own locks for. */
struct workqueue_struct *vpdec_wq;

static int __init vpdec_init(void)
{
	int ret;

	ret = vpdec_memory_init();
	if (ret)
		return ret;
	vpdec_wq = alloc_workqueue(VPDEC_NAME, WQ_UNBOUND, VPDEC_MAX_STREAMS);
	if (!vpdec_wq)
		return -ENOMEM;
	ret = vpipe_add_device(&vpdec_driver, &vpdec_pdev);
	if (ret)
		destroy_workqueue(vpdec_wq);

	return ret;
}

static void __exit vpdec_exit(void)
{
	vpipe_remove_device(&vpdec_driver, vpdec_pdev);
	/* What is on its way may have the last count of the device. */
	destroy_workqueue(vpdec_wq);
}

module_init(vpdec_init);
module_exit(vpdec_exit);

MODULE_DESCRIPTION("vpipe decoder: a V4L2 device whose codec is a process");
MODULE_INFO(kernels_run, VPIPE_KERNELS_RUN);
MODULE_AUTHOR("The vpipe authors");
MODULE_VERSION(VPIPE_VERSION);
MODULE_LICENSE("Dual MIT/GPL");
VPIPE_IMPORT_NS(DMA_BUF);
