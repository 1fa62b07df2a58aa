// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The device: a node with its media device, and /dev/vpipe-dec for the daemon.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/debugfs.h>

#include <media/videobuf2-v4l2.h>

#include "../platform.h"
#include "dec.h"

unsigned int vdec_timeout_ms = 10000;
module_param_named(timeout_ms, vdec_timeout_ms, uint, 0644);
MODULE_PARM_DESC(timeout_ms, "the daemon's time for one frame, in milliseconds (10000)");

static void vdec_device_run(void *priv)
{
	WARN_ON_ONCE(1);
}

/* See stream.c: frames do not wait for each other. */
static int vdec_job_ready(void *priv)
{
	return 0;
}

static const struct v4l2_m2m_ops vdec_m2m_ops = {
	.device_run = vdec_device_run,
	.job_ready = vdec_job_ready,
};

static const struct media_device_ops vdec_media_ops = {
	.req_alloc = vpipe_req_alloc,
	.req_free = vpipe_req_free,
	.req_validate = vb2_request_validate,
	.req_queue = v4l2_m2m_request_queue,
};

static void vdec_dev_release(struct v4l2_device *v4l2_dev)
{
	struct vdec_dev *dev = container_of(v4l2_dev, struct vdec_dev, media.v4l2_dev);

	v4l2_m2m_release(dev->m2m_dev);
	media_device_cleanup(&dev->media.mdev);
	kfree(dev);
}

static int vdec_probe(struct platform_device *pdev)
{
	struct media_device *mdev;
	struct vdec_dev *dev;
	int ret;

	dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return -ENOMEM;

	platform_set_drvdata(pdev, dev);
	spin_lock_init(&dev->lock);
	INIT_LIST_HEAD(&dev->streams);
	init_waitqueue_head(&dev->ponged);

	dev->m2m_dev = v4l2_m2m_init(&vdec_m2m_ops);
	if (IS_ERR(dev->m2m_dev)) {
		ret = PTR_ERR(dev->m2m_dev);
		goto free_dev;
	}

	strscpy(dev->media.v4l2_dev.name, VDEC_NAME, sizeof(dev->media.v4l2_dev.name));
	ret = v4l2_device_register(&pdev->dev, &dev->media.v4l2_dev);
	if (ret)
		goto release_m2m;

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

	ret = vdec_register_node(dev);
	if (ret)
		goto unregister_session;

	ret = v4l2_m2m_register_media_controller(dev->m2m_dev, &dev->vfd,
						 MEDIA_ENT_F_PROC_VIDEO_DECODER);
	if (ret)
		goto unregister_node;

	ret = media_device_register(mdev);
	if (ret)
		goto unregister_graph;

	vdec_debugfs_init(dev);
	v4l2_info(&dev->media.v4l2_dev, "registered as %s\n", video_device_node_name(&dev->vfd));

	return 0;

unregister_graph:
	v4l2_m2m_unregister_media_controller(dev->m2m_dev);
unregister_node:
	video_unregister_device(&dev->vfd);
	vpipe_wake_all(&dev->vfd);
unregister_session:
	vdec_session_unregister(dev);
put_dev:
	v4l2_device_unregister(&dev->media.v4l2_dev);
	v4l2_device_put(&dev->media.v4l2_dev);

	return ret;

release_m2m:
	v4l2_m2m_release(dev->m2m_dev);
free_dev:
	kfree(dev);

	return ret;
}

static void vdec_remove(struct platform_device *pdev)
{
	struct vdec_dev *dev = platform_get_drvdata(pdev);

	media_device_unregister(&dev->media.mdev);
	v4l2_m2m_unregister_media_controller(dev->m2m_dev);
	video_unregister_device(&dev->vfd);
	vdec_session_unregister(dev);
	vpipe_wake_all(&dev->vfd);
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

static int __init vdec_init(void)
{
	return vpipe_add_device(&vdec_driver, &vdec_pdev);
}

static void __exit vdec_exit(void)
{
	vpipe_remove_device(&vdec_driver, vdec_pdev);
}

module_init(vdec_init);
module_exit(vdec_exit);

MODULE_DESCRIPTION("vpipe decoder: a V4L2 device whose codec is a process");
MODULE_AUTHOR("The vpipe authors");
MODULE_LICENSE("Dual MIT/GPL");
VPIPE_IMPORT_NS(DMA_BUF);
