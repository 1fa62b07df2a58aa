/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What the modules' mem2mem devices have in common: a media device whose requests
 * may outlive its nodes, and nodes whose waiting clients are woken when they go.
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
#include <media/v4l2-ctrls.h>
#include <media/v4l2-device.h>
#include <media/v4l2-fh.h>
#include <media/v4l2-mem2mem.h>

#include "video.h"

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

/* Without an error @release frees from here on, when the last user is gone. */
static inline int vpipe_media_init(struct vpipe_media *media, struct device *dev, const char *name,
				   const char *model, const struct media_device_ops *ops,
				   void (*release)(struct v4l2_device *v4l2_dev))
{
	int ret;

	init_completion(&media->ready);
	strscpy(media->v4l2_dev.name, name, sizeof(media->v4l2_dev.name));
	ret = v4l2_device_register(dev, &media->v4l2_dev);
	if (ret)
		return ret;

	media->mdev.dev = dev;
	media->mdev.ops = ops;
	strscpy(media->mdev.model, model, sizeof(media->mdev.model));
	media_device_init(&media->mdev);
	media->v4l2_dev.mdev = &media->mdev;
	media->v4l2_dev.release = release;

	return 0;
}

/* The driver is no user any more. */
static inline void vpipe_media_exit(struct vpipe_media *media)
{
	v4l2_device_unregister(&media->v4l2_dev);
	v4l2_device_put(&media->v4l2_dev);
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

static inline int vpipe_pin_release(struct inode *inode, struct file *pin)
{
	struct vpipe_media *media = pin->private_data;

	v4l2_device_put(&media->v4l2_dev);

	return 0;
}

static const struct file_operations vpipe_pin_fops = {
	.owner = THIS_MODULE,
	.release = vpipe_pin_release,
};

/*
 * A request lives as long as its file is open, and that keeps neither the node
 * open nor, by itself, this module loaded. Yet the core looks at the media
 * device when it frees the request, newer ones once more behind that. So what lets
 * go of the device and the module is the core, when the thread has left all of this
 * and the pin is closed.
 */
static inline struct media_request *vpipe_req_alloc(struct media_device *mdev)
{
	struct vpipe_media *media = container_of(mdev, struct vpipe_media, mdev);
	struct vpipe_request *request;

	request = kzalloc(sizeof(*request), GFP_KERNEL);
	if (!request)
		return NULL;
	request->pin = anon_inode_getfile("[vpipe-request]", &vpipe_pin_fops, media, O_RDONLY);
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
	struct vpipe_request *request = container_of(req, struct vpipe_request, req);
	struct file *pin = request->pin;

	kfree(request);
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

/**
 * struct vpipe_m2m - a mem2mem node
 * @vfd:	itself, which counts its open files
 * @dev:	for its jobs and queues; NULL where that failed
 */
struct vpipe_m2m {
	struct video_device vfd;
	struct v4l2_m2m_dev *dev;
};

/* The node, which does @function, and its part in the media graph: see vpipe_video_register(). */
static inline int vpipe_m2m_register(struct vpipe_m2m *m2m, struct vpipe_media *media,
				     const struct v4l2_m2m_ops *ops, int function, void *drvdata)
{
	int ret;

	m2m->dev = v4l2_m2m_init(ops);
	if (IS_ERR(m2m->dev)) {
		ret = PTR_ERR(m2m->dev);
		m2m->dev = NULL;
		return ret;
	}

	ret = vpipe_video_register(&m2m->vfd, &media->v4l2_dev, drvdata, -1);
	if (ret)
		return ret;

	ret = v4l2_m2m_register_media_controller(m2m->dev, &m2m->vfd, function);
	if (ret) {
		video_unregister_device(&m2m->vfd);
		vpipe_wake_all(&m2m->vfd);
	}

	return ret;
}

/* Clients that wait are to be woken when the media device is gone, too. */
static inline void vpipe_m2m_unregister(struct vpipe_m2m *m2m)
{
	video_unregister_device(&m2m->vfd);
	v4l2_m2m_unregister_media_controller(m2m->dev);
}

static inline void vpipe_m2m_release(struct vpipe_m2m *m2m)
{
	if (m2m->dev)
		v4l2_m2m_release(m2m->dev);
}

/* Buffers that no job has; with an error, their requests are complete. */
static inline void vpipe_m2m_return_queued(struct v4l2_m2m_ctx *ctx, struct vb2_queue *vq,
					   struct v4l2_ctrl_handler *hdl,
					   enum vb2_buffer_state state)
{
	struct vb2_v4l2_buffer *vbuf;

	while ((vbuf = V4L2_TYPE_IS_CAPTURE(vq->type) ? v4l2_m2m_dst_buf_remove(ctx) :
							v4l2_m2m_src_buf_remove(ctx))) {
		if (state == VB2_BUF_STATE_ERROR)
			v4l2_ctrl_request_complete(vbuf->vb2_buf.req_obj.req, hdl);
		v4l2_m2m_buf_done(vbuf, state);
	}
}

#endif /* VPIPE_MEDIA_H */
