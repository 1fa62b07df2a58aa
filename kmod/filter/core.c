// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The module and its device.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "../platform.h"
#include "crc.h"
#include "filter.h"

static const struct media_device_ops vpipe_media_ops = {
	.req_alloc = vpipe_req_alloc,
	.req_free = vpipe_req_free,
	.req_validate = vpipe_req_validate,
	.req_queue = v4l2_m2m_request_queue,
};

static void vpipe_no_work(struct work_struct *work)
{
}

/*
 * Each job that finishes schedules the m2m core's work to start the next, also
 * when there is none, and v4l2_m2m_release() frees that work without a look.
 * It is the core's own, so all that can be done is to queue behind it: per CPU,
 * work starts in the order it was scheduled, and without a job to run the
 * core's does not sleep.
 */
static void vpipe_drain_m2m_work(void)
{
	struct work_struct work;
	int cpu;

	INIT_WORK_ONSTACK(&work, vpipe_no_work);
	cpus_read_lock();
	for_each_online_cpu(cpu) {
		schedule_work_on(cpu, &work);
		flush_work(&work);
	}
	cpus_read_unlock();
	destroy_work_on_stack(&work);
}

static void vpipe_dev_release(struct v4l2_device *v4l2_dev)
{
	struct vpipe_dev *dev = container_of(v4l2_dev, struct vpipe_dev, media.v4l2_dev);

	vpipe_drain_m2m_work();
	v4l2_m2m_release(dev->m2m_dev);
	vpipe_meta_put(dev->meta);
	media_device_cleanup(&dev->media.mdev);
	kfree(dev);
}

static int vpipe_register_node(struct vpipe_dev *dev)
{
	struct video_device *vfd = &dev->vfd;

	strscpy(vfd->name, VPIPE_NAME, sizeof(vfd->name));
	vfd->fops = &vpipe_fops;
	vfd->ioctl_ops = &vpipe_ioctl_ops;
	vfd->device_caps = V4L2_CAP_VIDEO_M2M | V4L2_CAP_STREAMING;

	return vpipe_video_register(vfd, &dev->media.v4l2_dev, dev, -1);
}

static int vpipe_probe(struct platform_device *pdev)
{
	struct vpipe_dev *dev;
	int ret;

	dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return -ENOMEM;

	platform_set_drvdata(pdev, dev);
	vpipe_media_init(&dev->media);

	dev->m2m_dev = v4l2_m2m_init(&vpipe_m2m_ops);
	if (IS_ERR(dev->m2m_dev)) {
		ret = PTR_ERR(dev->m2m_dev);
		goto free_dev;
	}

	/* This also refuses a second device: the name is taken. */
	dev->meta = vpipe_meta_register();
	if (IS_ERR(dev->meta)) {
		ret = PTR_ERR(dev->meta);
		goto release_m2m;
	}

	strscpy(dev->media.v4l2_dev.name, VPIPE_NAME, sizeof(dev->media.v4l2_dev.name));
	ret = v4l2_device_register(&pdev->dev, &dev->media.v4l2_dev);
	if (ret)
		goto put_meta;

	dev->media.mdev.dev = &pdev->dev;
	dev->media.mdev.ops = &vpipe_media_ops;
	strscpy(dev->media.mdev.model, "vpipe mem2mem", sizeof(dev->media.mdev.model));
	media_device_init(&dev->media.mdev);

	/* From here on vpipe_dev_release() frees, when the last user is gone. */
	dev->media.v4l2_dev.mdev = &dev->media.mdev;
	dev->media.v4l2_dev.release = vpipe_dev_release;

	ret = vpipe_register_node(dev);
	if (ret)
		goto put_dev;

	/* A threshold is a lookup table of two values. */
	ret = v4l2_m2m_register_media_controller(dev->m2m_dev, &dev->vfd,
						 MEDIA_ENT_F_PROC_VIDEO_LUT);
	if (ret)
		goto unregister_node;

	ret = media_device_register(&dev->media.mdev);
	if (ret)
		goto unregister_graph;

	vpipe_media_ready(&dev->media);
	v4l2_info(&dev->media.v4l2_dev, "registered as %s\n", video_device_node_name(&dev->vfd));

	return 0;

unregister_graph:
	v4l2_m2m_unregister_media_controller(dev->m2m_dev);
unregister_node:
	video_unregister_device(&dev->vfd);
	vpipe_media_ready(&dev->media);
	vpipe_wake_all(&dev->vfd);
put_dev:
	vpipe_meta_unregister(dev->meta);
	v4l2_device_unregister(&dev->media.v4l2_dev);
	v4l2_device_put(&dev->media.v4l2_dev);

	return ret;

put_meta:
	vpipe_meta_unregister(dev->meta);
	vpipe_meta_put(dev->meta);
release_m2m:
	v4l2_m2m_release(dev->m2m_dev);
free_dev:
	kfree(dev);

	return ret;
}

static void vpipe_remove(struct platform_device *pdev)
{
	struct vpipe_dev *dev = platform_get_drvdata(pdev);

	/* Who can open the node can find its media device. */
	video_unregister_device(&dev->vfd);
	v4l2_m2m_unregister_media_controller(dev->m2m_dev);
	media_device_unregister(&dev->media.mdev);
	vpipe_wake_all(&dev->vfd);
	vpipe_meta_unregister(dev->meta);
	v4l2_device_unregister(&dev->media.v4l2_dev);
	v4l2_device_put(&dev->media.v4l2_dev);
}

static struct platform_driver vpipe_driver = {
	.probe = vpipe_probe,
	.vpipe_platform_remove = vpipe_remove,
	.driver = {
		.name = VPIPE_NAME,
		.probe_type = PROBE_FORCE_SYNCHRONOUS,
	},
};

static struct platform_device *vpipe_pdev;

static int __init vpipe_init(void)
{
	int ret;

	vpipe_crc32_init();
	vpipe_queues_memory_init();
	ret = vpipe_add_device(&vpipe_driver, &vpipe_pdev);
	if (ret)
		vpipe_crc32_exit();

	return ret;
}

static void __exit vpipe_exit(void)
{
	vpipe_remove_device(&vpipe_driver, vpipe_pdev);
	vpipe_crc32_exit();
}

module_init(vpipe_init);
module_exit(vpipe_exit);

MODULE_DESCRIPTION("vpipe mem2mem frame filter with metadata sideband");
MODULE_INFO(kernels_run, VPIPE_KERNELS_RUN);
MODULE_AUTHOR("The vpipe authors");
MODULE_LICENSE("Dual MIT/GPL");
VPIPE_IMPORT_NS(DMA_BUF);
