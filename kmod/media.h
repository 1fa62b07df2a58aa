/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What the modules' mem2mem devices have in common: a media device whose requests
 * may outlive the node, and waiting clients to wake when the node goes.
 */
#ifndef VPIPE_MEDIA_H
#define VPIPE_MEDIA_H

#include <linux/anon_inodes.h>
#include <linux/completion.h>
#include <linux/file.h>
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
 * @ready:	all of it is there, or gone again
 */
struct vpipe_media {
	struct v4l2_device v4l2_dev;
	struct media_device mdev;
	struct completion ready;
};

static inline void vpipe_media_init(struct vpipe_media *media)
{
	init_completion(&media->ready);
}

static inline void vpipe_media_ready(struct vpipe_media *media)
{
	complete_all(&media->ready);
}

/*
 * For whoever opens a node, which has to be registered before its media device: it is
 * there in a moment, or not at all. ENODEV, EINTR.
 */
static inline int vpipe_media_wait(struct vpipe_media *media, const struct video_device *vfd)
{
	if (wait_for_completion_interruptible(&media->ready))
		return -EINTR;

	return test_bit(V4L2_FL_REGISTERED, &vfd->flags) ? 0 : -ENODEV;
}

/**
 * struct vpipe_request - a request, and what keeps this module loaded meanwhile
 * @req:	has to come first
 * @pin:	a file of this module that nobody has open
 */
struct vpipe_request {
	struct media_request req;
	struct file *pin;
};

static const struct file_operations vpipe_pin_fops = {
	.owner = THIS_MODULE,
};


/*
 * A request lives as long as its file is open, and that keeps neither the node
 * open nor, by itself, this module loaded. Yet the core looks at the media
 * device when it frees the request. What lets go of the module at last cannot be
 * code of its own; it is the core, when the thread has left here and closes the pin.
 */
static inline struct media_request *vpipe_req_alloc(struct media_device *mdev)
{
	struct vpipe_media *media = container_of(mdev, struct vpipe_media, mdev);
	struct vpipe_request *request;

	request = kzalloc(sizeof(*request), GFP_KERNEL);
	if (!request)
		return NULL;
	request->pin = anon_inode_getfile("[vpipe-request]", &vpipe_pin_fops, NULL, O_RDONLY);
	if (IS_ERR(request->pin)) {
		kfree(request);
		return NULL;
	}

	/* The core sets it too, but not before its first chance to free. */
	request->req.mdev = mdev;
	v4l2_device_get(&media->v4l2_dev);

	return &request->req;
}

static inline void vpipe_req_free(struct media_request *req)
{
	struct vpipe_media *media = container_of(req->mdev, struct vpipe_media, mdev);
	struct vpipe_request *request = container_of(req, struct vpipe_request, req);
	struct file *pin = request->pin;

	kfree(request);
	v4l2_device_put(&media->v4l2_dev);
	fput(pin);
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
