/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What the modules' mem2mem devices have in common: a media device whose requests
 * may outlive the node, and waiting clients to wake when the node goes.
 */
#ifndef VPIPE_MEDIA_H
#define VPIPE_MEDIA_H

#include <linux/module.h>
#include <linux/slab.h>

#include <media/media-device.h>
#include <media/media-request.h>
#include <media/v4l2-device.h>
#include <media/v4l2-fh.h>
#include <media/v4l2-mem2mem.h>

/**
 * struct vpipe_media - a device and where its requests come from
 * @v4l2_dev:	counts the users: the bound driver, the node, and each request
 * @mdev:	the media device that requests come from
 */
struct vpipe_media {
	struct v4l2_device v4l2_dev;
	struct media_device mdev;
};

/*
 * A request lives as long as its file is open, and that keeps neither the node
 * open nor, by itself, this module loaded. Yet the core looks at the media
 * device when it frees the request.
 */
static inline struct media_request *vpipe_req_alloc(struct media_device *mdev)
{
	struct vpipe_media *media = container_of(mdev, struct vpipe_media, mdev);
	struct media_request *req;

	req = kzalloc(sizeof(*req), GFP_KERNEL);
	if (!req)
		return NULL;

	/* The core sets it too, but not before its first chance to free. */
	req->mdev = mdev;
	v4l2_device_get(&media->v4l2_dev);
	__module_get(THIS_MODULE);

	return req;
}

static inline void vpipe_req_free(struct media_request *req)
{
	struct vpipe_media *media = container_of(req->mdev, struct vpipe_media, mdev);

	kfree(req);
	v4l2_device_put(&media->v4l2_dev);
	module_put(THIS_MODULE);
}

/* Let go of everybody who waits for a frame: no ioctl will bring one any more. */
static inline void vpipe_wake_all(struct video_device *vfd)
{
	unsigned long flags;
	struct v4l2_fh *fh;

	spin_lock_irqsave(&vfd->fh_lock, flags);
	list_for_each_entry(fh, &vfd->fh_list, list) {
		vb2_queue_error(v4l2_m2m_get_src_vq(fh->m2m_ctx));
		vb2_queue_error(v4l2_m2m_get_dst_vq(fh->m2m_ctx));
	}
	spin_unlock_irqrestore(&vfd->fh_lock, flags);
}

#endif /* VPIPE_MEDIA_H */
