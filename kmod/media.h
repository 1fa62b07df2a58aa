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
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include <media/media-device.h>
#include <media/media-request.h>
#include <media/v4l2-ctrls.h>
#include <media/v4l2-device.h>
#include <media/v4l2-fh.h>
#include <media/v4l2-ioctl.h>
#include <media/v4l2-mem2mem.h>
#include <media/videobuf2-v4l2.h>

#include "compat.h"
#include "video.h"

/**
 * struct vpipe_media - a device and where its requests come from
 * @v4l2_dev:	counts the users: the bound driver, the node, and each request
 * @mdev:	the media device that requests come from
 * @ready:	all of it is there, or gone again
 * @lock:	of the rest, and of what is in the lists; nothing is taken inside it
 * @requests:	that are there, see struct vpipe_request
 * @leaving:	controls of files that are closed, see struct vpipe_leaving
 * @closed:	how many there were, the latest one's number
 */
struct vpipe_media {
	struct v4l2_device v4l2_dev;
	struct media_device mdev;
	struct completion ready;
	struct mutex lock; /* of the rest */
	struct list_head requests;
	struct list_head leaving;
	u64 closed;
};

/* Without an error @release frees from here on, when the last user is gone. */
static inline int vpipe_media_init(struct vpipe_media *media, struct device *dev, const char *name,
				   const char *model, const struct media_device_ops *ops,
				   void (*release)(struct v4l2_device *v4l2_dev))
{
	int ret;

	init_completion(&media->ready);
	mutex_init(&media->lock);
	INIT_LIST_HEAD(&media->requests);
	INIT_LIST_HEAD(&media->leaving);
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
 * @fh:		the file whose buffer it has
 * @waiting:	that file's, held while it is being queued, see vpipe_ioctl_in_turn()
 * @list:	in vpipe_media.requests
 * @going_since: the first one of vpipe_media.closed that was closed while this was going,
 *		see vpipe_request_is_going(); 0: none was
 */
struct vpipe_request {
	struct media_request req;
	struct file *pin;
	struct v4l2_fh *fh;
	struct mutex *waiting; /* of @fh */
	struct list_head list;
	u64 going_since;
};

/**
 * struct vpipe_leaving - a file's controls behind its close
 * @list:	in vpipe_media.leaving
 * @number:	among vpipe_media.closed
 * @requests:	that were going when the file was closed, and are not gone
 * @free:	frees the controls, and this
 *
 * The core takes controls out of a request that is closed or begun anew, and out of all
 * requests when the file's controls are freed. Neither knows of the other: two closes at a
 * time would have one of them use what the other has freed, up to the lock of the controls
 * themselves. So controls are freed when the requests are gone that were going when the file
 * was closed, and taken out of the others before, see vpipe_controls_unbind(). Nobody waits
 * for that.
 */
struct vpipe_leaving {
	struct list_head list;
	u64 number;
	unsigned int requests;
	void (*free)(struct vpipe_leaving *leaving);
};

/* Whether the core is just taking out whatever is in it. */
static inline bool vpipe_request_is_going(struct media_request *req)
{
	return !kref_read(&req->kref) || READ_ONCE(req->state) == MEDIA_REQUEST_STATE_CLEANING;
}

/*
 * A request that has controls of the file, and the object that it has them in, both counted;
 * none that is going, nor one that is queued: it is complete when the file has no buffer any
 * more.
 */
static inline struct media_request *vpipe_controls_find(struct v4l2_ctrl_handler *hdl,
							struct media_request_object **obj)
{
	struct media_request *found = NULL;
	struct v4l2_ctrl_handler *copy;

	/* As long as it is held nothing leaves the list, nor is its request freed. */
	mutex_lock(hdl->lock);
	list_for_each_entry(copy, &hdl->requests, requests) {
		struct media_request *req = READ_ONCE(copy->req_obj.req);

		if (!req || vpipe_request_is_going(req) ||
		    READ_ONCE(req->state) == MEDIA_REQUEST_STATE_QUEUED ||
		    !kref_get_unless_zero(&req->kref))
			continue;
		*obj = &copy->req_obj;
		media_request_object_get(*obj);
		found = req;
		break;
	}
	mutex_unlock(hdl->lock);

	return found;
}

/* Takes a closed file's controls out of all requests that are not going. */
static inline void vpipe_controls_unbind(struct v4l2_ctrl_handler *hdl)
{
	struct media_request_object *obj;
	struct media_request *req;

	while ((req = vpipe_controls_find(hdl, &obj))) {
		bool update = !media_request_lock_for_update(req);
		bool access = !update && !media_request_lock_for_access(req);

		/* Neither: it is being begun anew since, or another file's call has just let go. */
		if ((update || access) && obj->req == req) {
			media_request_object_unbind(obj);
			/* The request's count of it. */
			media_request_object_put(obj);
		}
		if (update)
			media_request_unlock_for_update(req);
		if (access)
			media_request_unlock_for_access(req);
		media_request_object_put(obj);
		media_request_put(req);
	}
}

/* Who waits for the request need not any more: what has nothing else to wait for is in @over. */
static inline void vpipe_request_over(struct vpipe_media *media, struct vpipe_request *request,
				      struct list_head *over)
{
	struct vpipe_leaving *leaving, *next;

	lockdep_assert_held(&media->lock);
	if (!request->going_since)
		return;
	list_for_each_entry_safe(leaving, next, &media->leaving, list)
		if (leaving->number >= request->going_since && !--leaving->requests)
			list_move(&leaving->list, over);
	request->going_since = 0;
}

static inline void vpipe_free_left(struct list_head *over)
{
	struct vpipe_leaving *leaving, *next;

	list_for_each_entry_safe(leaving, next, over, list)
		leaving->free(leaving);
}

/* Frees a closed file's controls, now or when that is safe. */
static inline void vpipe_controls_leave(struct vpipe_media *media, struct v4l2_ctrl_handler *hdl,
					struct vpipe_leaving *leaving)
{
	struct vpipe_request *request;
	LIST_HEAD(over);

	vpipe_controls_unbind(hdl);
	mutex_lock(&media->lock);
	leaving->number = ++media->closed;
	leaving->requests = 0;
	list_for_each_entry(request, &media->requests, list) {
		if (!vpipe_request_is_going(&request->req)) {
			/* It has begun anew. */
			vpipe_request_over(media, request, &over);
			continue;
		}
		if (!request->going_since)
			request->going_since = leaving->number;
		leaving->requests++;
	}
	list_add_tail(&leaving->list, leaving->requests ? &media->leaving : &over);
	mutex_unlock(&media->lock);
	vpipe_free_left(&over);
}

static inline void vpipe_request_gone(struct vpipe_media *media, struct vpipe_request *request)
{
	LIST_HEAD(over);

	mutex_lock(&media->lock);
	list_del(&request->list);
	vpipe_request_over(media, request, &over);
	mutex_unlock(&media->lock);
	vpipe_free_left(&over);
}

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

	/* A user can have as many as files. */
	request = kzalloc(sizeof(*request), GFP_KERNEL_ACCOUNT);
	if (!request)
		return NULL;
	request->pin = anon_inode_getfile("[vpipe-request]", &vpipe_pin_fops, media, O_RDONLY);
	if (IS_ERR(request->pin)) {
		kfree(request);
		return NULL;
	}

	/* The core sets them too, but the first not before its first chance to free. */
	request->req.mdev = mdev;
	kref_init(&request->req.kref);
	v4l2_device_get(&media->v4l2_dev);
	mutex_lock(&media->lock);
	list_add_tail(&request->list, &media->requests);
	mutex_unlock(&media->lock);

	return &request->req;
}

static inline void vpipe_req_free(struct media_request *req)
{
	struct vpipe_request *request = container_of(req, struct vpipe_request, req);
	struct vpipe_media *media = container_of(req->mdev, struct vpipe_media, mdev);
	struct file *pin = request->pin;

	/* Not with the pin: this thread may wait for its client before that is closed. */
	vpipe_request_gone(media, request);
	kfree(request);
	fput(pin);
}

/* Whether VIDIOC_DQBUF has something to say of the queue. */
static inline bool vpipe_queue_has_news(struct vb2_queue *q)
{
	return !list_empty(&q->done_list) || q->error || q->last_buffer_dequeued ||
	       !vb2_is_streaming(q);
}

/*
 * videobuf2 takes the lock of the queue again when it has waited for a buffer, and cannot be killed
 * there while another program that has the same file is in a call that waits for its memory. So
 * what waits for a buffer does so before. The type has the same place in all programs' v4l2_buffer.
 */
static inline int vpipe_wait_for_buffer(struct file *file, atomic_t *calls,
					const void __user *buffer)
{
	struct vb2_queue *q;
	u32 type;

	if (file->f_flags & O_NONBLOCK)
		return 0;
	if (get_user(type, (const u32 __user *)(buffer + offsetof(struct v4l2_buffer, type))))
		return -EFAULT;
	q = v4l2_m2m_get_vq(vpipe_file_to_fh(file)->m2m_ctx, type);
	if (q->type != type || vpipe_queue_has_news(q))
		return 0;

	return vpipe_wait_event(calls, q->done_wq, vpipe_queue_has_news(q));
}

/* As v4l2_m2m_fop_poll(), for whose lock nobody can be killed. */
static inline __poll_t vpipe_m2m_poll(struct file *file, poll_table *wait)
{
	struct v4l2_fh *fh = vpipe_file_to_fh(file);
	struct v4l2_m2m_ctx *m2m_ctx = fh->m2m_ctx;
	__poll_t events = EPOLLERR;

	if (mutex_lock_killable(m2m_ctx->q_lock))
		return EPOLLERR;
	if (!wait || !wait->_qproc ||
	    !(vpipe_is_crowded(&fh->wait) ||
	      vpipe_is_crowded(&v4l2_m2m_get_src_vq(m2m_ctx)->done_wq) ||
	      vpipe_is_crowded(&v4l2_m2m_get_dst_vq(m2m_ctx)->done_wq)))
		events = v4l2_m2m_poll(file, m2m_ctx, wait);
	mutex_unlock(m2m_ctx->q_lock);

	return events;
}

/* By their numbers: some structures of 32-bit programs have another size. */
static inline bool vpipe_may_wait(unsigned int cmd)
{
	if (_IOC_TYPE(cmd) != 'V')
		return false;

	switch (_IOC_NR(cmd)) {
	case _IOC_NR(VIDIOC_REQBUFS):
	case _IOC_NR(VIDIOC_CREATE_BUFS):
	case VPIPE_NR_REMOVE_BUFS:
	case _IOC_NR(VIDIOC_PREPARE_BUF):
	case _IOC_NR(VIDIOC_QBUF):
	case _IOC_NR(VIDIOC_STREAMON):
	case _IOC_NR(VIDIOC_STREAMOFF):
		return true;
	default:
		return false;
	}
}

/*
 * A client's memory need never be there, nor its fence signal, and with the lock of its queues
 * it waits for them. For that lock the core waits with req_queue_mutex, which all files of the
 * device need to start, to stop and to close. So a file's calls that may wait do so one by one
 * before the core has either.
 */
static inline long vpipe_ioctl_in_turn(struct file *file, struct mutex *waiting, atomic_t *calls,
				       unsigned int cmd, unsigned long arg)
{
	long ret;

	if (_IOC_TYPE(cmd) == 'V' && _IOC_NR(cmd) == _IOC_NR(VIDIOC_DQBUF)) {
		ret = vpipe_wait_for_buffer(file, calls, (const void __user *)arg);
		if (ret)
			return ret;
	}
	if (_IOC_TYPE(cmd) == 'V' && _IOC_NR(cmd) == _IOC_NR(VIDIOC_DQEVENT))
		return vpipe_dqevent(file, calls, cmd, arg);
	if (!vpipe_may_wait(cmd))
		return video_ioctl2(file, cmd, arg);
	if (mutex_lock_interruptible(waiting))
		return -ERESTARTSYS;
	ret = video_ioctl2(file, cmd, arg);
	mutex_unlock(waiting);

	return ret;
}

/*
 * MEDIA_REQUEST_IOC_QUEUE has req_queue_mutex from the start, so it cannot wait for its turn,
 * which it has until vpipe_request_end(); @turn_of says whose that is. EBUSY: not now. ENOENT:
 * there is no buffer. Of several the first one's file counts.
 */
static inline int vpipe_request_begin(struct vpipe_request *request,
				      struct v4l2_fh *(*turn_of)(struct vb2_queue *vq,
								 struct mutex **waiting))
{
	struct media_request *req = &request->req;
	struct media_request_object *obj;
	unsigned long flags;
	int ret = -ENOENT;

	/* A buffer may go until its file's turn is had. */
	spin_lock_irqsave(&req->lock, flags);
	list_for_each_entry(obj, &req->objects, list) {
		if (!vb2_request_object_is_buffer(obj))
			continue;
		request->fh = turn_of(container_of(obj, struct vb2_buffer, req_obj)->vb2_queue,
				      &request->waiting);
		ret = mutex_trylock(request->waiting) ? 0 : -EBUSY;
		break;
	}
	spin_unlock_irqrestore(&req->lock, flags);

	return ret;
}

static inline void vpipe_request_end(struct media_request *req)
{
	mutex_unlock(container_of(req, struct vpipe_request, req)->waiting);
}

/*
 * Controls of another file would stay incomplete, and where that file closes while the request is
 * queued the core (7.2) counts what is left of it wrong, which it warns of.
 */
static inline bool vpipe_request_is_whole(struct vpipe_request *request)
{
	struct media_request *req = &request->req;
	struct v4l2_ctrl_handler *own = v4l2_ctrl_request_hdl_find(req, request->fh->ctrl_handler);
	struct media_request_object *obj;
	unsigned long flags;
	bool whole = true;

	spin_lock_irqsave(&req->lock, flags);
	list_for_each_entry(obj, &req->objects, list)
		if (!vb2_request_object_is_buffer(obj) && (!own || obj != &own->req_obj))
			whole = false;
	spin_unlock_irqrestore(&req->lock, flags);
	if (own)
		v4l2_ctrl_request_hdl_put(own);

	return whole;
}

/* A request is one frame with its parameters, which @validate looks at in its file's turn. */
static inline int vpipe_request_validate(struct media_request *req,
					 struct v4l2_fh *(*turn_of)(struct vb2_queue *vq,
								    struct mutex **waiting),
					 int (*validate)(struct media_request *req))
{
	struct vpipe_request *request = container_of(req, struct vpipe_request, req);
	int ret;

	if (vb2_request_buffer_cnt(req) > 1)
		return -EINVAL;
	ret = vpipe_request_begin(request, turn_of);
	if (ret)
		return ret;
	ret = vpipe_request_is_whole(request) ? validate(req) : -EINVAL;
	if (ret) {
		/* Nobody else asks whether its device is gone. */
		if (!video_is_registered(request->fh->vdev))
			ret = -ENODEV;
		vpipe_request_end(req);
	}

	return ret;
}

/* The core comes here from a good req_validate, without a way around. */
static inline void vpipe_req_queue(struct media_request *req)
{
	v4l2_m2m_request_queue(req);
	vpipe_request_end(req);
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
