// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The device: two nodes with one media device, and /dev/vpipe-dec for the daemon.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/debugfs.h>

#include <media/videobuf2-v4l2.h>

#include "../platform.h"
#include "dec.h"

unsigned int vdec_timeout_ms = 10000;
module_param_named(timeout_ms, vdec_timeout_ms, uint, 0644);
MODULE_PARM_DESC(timeout_ms, "the daemon's time for one frame, in milliseconds (10000)");

unsigned int vdec_user_streams = 16;
module_param_named(user_streams, vdec_user_streams, uint, 0644);
MODULE_PARM_DESC(user_streams, "streams of one user at a time, but for CAP_SYS_RESOURCE (16)");

bool vdec_list_av1;
module_param_named(list_av1, vdec_list_av1, bool, 0644);
MODULE_PARM_DESC(list_av1, "list AV1 on the stateful node, where few programs know it (N)");

static const struct vdec_kind *const vdec_kinds[VDEC_NUM_NODES] = {
	&vdec_stateless,
	&vdec_stateful,
};

static const struct media_device_ops vdec_media_ops = {
	.req_alloc = vpipe_req_alloc,
	.req_free = vpipe_req_free,
	.req_validate = vdec_req_validate,
	.req_queue = v4l2_m2m_request_queue,
};

static void vdec_dev_release(struct v4l2_device *v4l2_dev)
{
	struct vdec_dev *dev = container_of(v4l2_dev, struct vdec_dev, media.v4l2_dev);
	unsigned int i;

	for (i = 0; i < VDEC_NUM_NODES; i++)
		if (dev->nodes[i].m2m_dev)
			v4l2_m2m_release(dev->nodes[i].m2m_dev);
	media_device_cleanup(&dev->media.mdev);
	kfree(dev);
}

static int vdec_probe(struct platform_device *pdev)
{
	struct media_device *mdev;
	unsigned int nodes;
	struct vdec_dev *dev;
	int ret;

	dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return -ENOMEM;

	platform_set_drvdata(pdev, dev);
	vpipe_media_init(&dev->media);
	spin_lock_init(&dev->lock);
	INIT_LIST_HEAD(&dev->streams);
	init_waitqueue_head(&dev->ponged);

	strscpy(dev->media.v4l2_dev.name, VDEC_NAME, sizeof(dev->media.v4l2_dev.name));
	ret = v4l2_device_register(&pdev->dev, &dev->media.v4l2_dev);
	if (ret) {
		kfree(dev);
		return ret;
	}

	mdev = &dev->media.mdev;
	mdev->dev = &pdev->dev;
	mdev->ops = &vdec_media_ops;
	strscpy(mdev->model, "vpipe decoder", sizeof(mdev->model));
	media_device_init(mdev);

	/* From here on vdec_dev_release() frees, when the last user is gone. */
	dev->media.v4l2_dev.mdev = mdev;
	dev->media.v4l2_dev.release = vdec_dev_release;

	/* This also refuses a second device: the name is taken. */
	ret = vdec_session_register(dev);
	if (ret)
		goto put_dev;

	for (nodes = 0; nodes < VDEC_NUM_NODES; nodes++) {
		struct vdec_node *node = &dev->nodes[nodes];

		node->dev = dev;
		node->kind = vdec_kinds[nodes];
		ret = vdec_register_node(node);
		if (ret)
			goto unregister_nodes;
	}

	ret = media_device_register(mdev);
	if (ret)
		goto unregister_nodes;

	vdec_debugfs_init(dev);
	vpipe_media_ready(&dev->media);
	for (nodes = 0; nodes < VDEC_NUM_NODES; nodes++)
		v4l2_info(&dev->media.v4l2_dev, "%s registered as %s\n", vdec_kinds[nodes]->card,
			  video_device_node_name(&dev->nodes[nodes].vfd));

	return 0;

unregister_nodes:
	while (nodes--) {
		vdec_unregister_node(&dev->nodes[nodes]);
		vpipe_wake_all(&dev->nodes[nodes].vfd);
	}
	vpipe_media_ready(&dev->media);
	vdec_session_unregister(dev);
put_dev:
	v4l2_device_unregister(&dev->media.v4l2_dev);
	v4l2_device_put(&dev->media.v4l2_dev);

	return ret;
}

static void vdec_remove(struct platform_device *pdev)
{
	struct vdec_dev *dev = platform_get_drvdata(pdev);
	unsigned int i;

	/* Who can open a node can find its media device. */
	for (i = 0; i < VDEC_NUM_NODES; i++)
		vdec_unregister_node(&dev->nodes[i]);
	media_device_unregister(&dev->media.mdev);
	vdec_session_unregister(dev);
	for (i = 0; i < VDEC_NUM_NODES; i++)
		vpipe_wake_all(&dev->nodes[i].vfd);
	/* Waits for who is in one of its files: for no frame any more. */
	debugfs_remove(dev->debugfs);
	v4l2_device_unregister(&dev->media.v4l2_dev);
	v4l2_device_put(&dev->media.v4l2_dev);
}

static struct platform_driver vdec_driver = {
	.probe = vdec_probe,
	.vpipe_platform_remove = vdec_remove,
	.driver = {
		.name = VDEC_NAME,
		.probe_type = PROBE_FORCE_SYNCHRONOUS,
	},
};

static struct platform_device *vdec_pdev;

/* What the daemons say comes true here, whatever a client holds its own locks for. */
struct workqueue_struct *vdec_wq;

static int __init vdec_init(void)
{
	int ret;

	ret = vdec_memory_init();
	if (ret)
		return ret;
	vdec_wq = alloc_workqueue(VDEC_NAME, WQ_UNBOUND, VDEC_MAX_STREAMS);
	if (!vdec_wq)
		return -ENOMEM;
	ret = vpipe_add_device(&vdec_driver, &vdec_pdev);
	if (ret)
		destroy_workqueue(vdec_wq);

	return ret;
}

static void __exit vdec_exit(void)
{
	vpipe_remove_device(&vdec_driver, vdec_pdev);
	/* What is on its way may have the last count of the device. */
	destroy_workqueue(vdec_wq);
}

module_init(vdec_init);
module_exit(vdec_exit);

MODULE_DESCRIPTION("vpipe decoder: a V4L2 device whose codec is a process");
MODULE_INFO(kernels_run, VPIPE_KERNELS_RUN);
MODULE_AUTHOR("The vpipe authors");
MODULE_LICENSE("Dual MIT/GPL");
VPIPE_IMPORT_NS(DMA_BUF);
