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

#define CREATE_TRACE_POINTS
#include "trace.h"

static const struct media_device_ops vpipe_media_ops = {
	.req_alloc = vpipe_req_alloc,
	.req_free = vpipe_req_free,
	.req_validate = vpipe_req_validate,
	.req_queue = vpipe_req_queue,
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
	vpipe_m2m_release(&dev->node);
	if (dev->meta)
		vpipe_meta_put(dev->meta);
	media_device_cleanup(&dev->media.mdev);
	kfree(dev);
}

static int vpipe_register_node(struct vpipe_dev *dev)
{
	struct video_device *vfd = &dev->node.vfd;

	strscpy(vfd->name, VPIPE_NAME, sizeof(vfd->name));
	vfd->fops = &vpipe_fops;
	vfd->ioctl_ops = &vpipe_ioctl_ops;
	vfd->device_caps = V4L2_CAP_VIDEO_M2M | V4L2_CAP_STREAMING;

	/* A threshold is a lookup table of two values. */
	return vpipe_m2m_register(&dev->node, &dev->media, &vpipe_m2m_ops,
				  MEDIA_ENT_F_PROC_VIDEO_LUT, dev);
}

static int vpipe_probe(struct platform_device *pdev)
{
	struct vpipe_meta *meta;
	struct vpipe_dev *dev;
	int ret;

	dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return -ENOMEM;

	platform_set_drvdata(pdev, dev);
	ret = vpipe_media_init(&dev->media, &pdev->dev, VPIPE_NAME, VPIPE_CARD, &vpipe_media_ops,
			       vpipe_dev_release);
	if (ret) {
		kfree(dev);
		return ret;
	}

	/* This also refuses a second device: the name is taken. */
	meta = vpipe_meta_register();
	if (IS_ERR(meta)) {
		ret = PTR_ERR(meta);
		goto exit_media;
	}
	dev->meta = meta;

	ret = vpipe_register_node(dev);
	if (ret)
		goto unregister_meta;
	ret = media_device_register(&dev->media.mdev);
	if (ret)
		goto unregister_node;

	vpipe_media_ready(&dev->media);
	v4l2_info(&dev->media.v4l2_dev, "registered as %s\n",
		  video_device_node_name(&dev->node.vfd));

	return 0;

unregister_node:
	vpipe_m2m_unregister(&dev->node);
	vpipe_wake_all(&dev->node.vfd);
unregister_meta:
	vpipe_media_ready(&dev->media);
	vpipe_meta_unregister(meta);
exit_media:
	vpipe_media_exit(&dev->media);

	return ret;
}

static void vpipe_remove(struct platform_device *pdev)
{
	struct vpipe_dev *dev = platform_get_drvdata(pdev);

	/* Who can open the node can find its media device. */
	vpipe_m2m_unregister(&dev->node);
	media_device_unregister(&dev->media.mdev);
	vpipe_wake_all(&dev->node.vfd);
	vpipe_meta_unregister(dev->meta);
	vpipe_media_exit(&dev->media);
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
MODULE_VERSION(VPIPE_VERSION);
MODULE_LICENSE("Dual MIT/GPL");
VPIPE_IMPORT_NS(DMA_BUF);
