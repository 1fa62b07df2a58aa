// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The mem2mem node: GREY frames in, filtered GREY frames out, and an entry on
 * /dev/vpipe-meta for each.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/cpu.h>
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>

#include <media/media-device.h>
#include <media/media-request.h>
#include <media/v4l2-common.h>
#include <media/v4l2-ctrls.h>
#include <media/v4l2-device.h>
#include <media/v4l2-event.h>
#include <media/v4l2-fh.h>
#include <media/v4l2-ioctl.h>
#include <media/v4l2-mem2mem.h>
#include <media/videobuf2-v4l2.h>

#include "../compat.h"
#include "../media.h"
#include "../memory.h"
#include "../platform.h"
#include "../uapi/vpipe.h"
#include "crc.h"
#include "cv.h"
#include "meta.h"

#define VPIPE_NAME	"vpipe"

/* Smaller frames are done before another thread has woken up. */
#define VPIPE_DEFER_BYTES	SZ_64K

/**
 * struct vpipe_format - a pixel format
 * @fourcc:		V4L2_PIX_FMT_*
 * @bytes:		of one pixel
 */
struct vpipe_format {
	u32 fourcc;
	u32 bytes;
};

static const struct vpipe_format vpipe_formats[] = {
	{ .fourcc = V4L2_PIX_FMT_GREY, .bytes = 1 },
};

/**
 * struct vpipe_dev - the device, from probe until its last user is gone
 * @media:	counts the users: the bound driver, the node, and each request
 * @vfd:	the node, which counts its open files
 * @m2m_dev:	runs one job at a time
 * @meta:	where entries are published
 * @seq:	frames published; only the running job touches it
 */
struct vpipe_dev {
	struct vpipe_media media;
	struct video_device vfd;
	struct v4l2_m2m_dev *m2m_dev;
	struct vpipe_meta *meta;
	u64 seq;
};

enum vpipe_ctrl {
	VPIPE_CTRL_SRC_SEQUENCE,
	VPIPE_CTRL_ALGO,
	VPIPE_CTRL_ROI_LEFT,
	VPIPE_CTRL_ROI_TOP,
	VPIPE_CTRL_ROI_WIDTH,
	VPIPE_CTRL_ROI_HEIGHT,
	VPIPE_CTRL_THRESHOLD,
	VPIPE_NUM_CTRLS
};

/**
 * struct vpipe_ctx - an open file of the node
 * @fh:			its handle, with the mem2mem context
 * @dev:		the device
 * @hdl:		its controls
 * @ctrls:		the same, by enum vpipe_ctrl
 * @lock:		what videobuf2 calls the queue lock
 * @format:		of both sides, like the six that follow
 * @width:		in pixels
 * @height:		in pixels
 * @colorspace:		as given on OUTPUT
 * @xfer_func:		as given on OUTPUT
 * @ycbcr_enc:		as given on OUTPUT
 * @quantization:	as given on OUTPUT
 * @out_sequence:	of the next OUTPUT buffer
 * @cap_sequence:	of the next CAPTURE buffer
 * @running:		jobs begun and not left yet, of this file
 * @work:		runs a job that the caller of VIDIOC_QBUF need not wait for
 */
struct vpipe_ctx {
	struct v4l2_fh fh;
	struct vpipe_dev *dev;
	struct v4l2_ctrl_handler hdl;
	struct v4l2_ctrl *ctrls[VPIPE_NUM_CTRLS];
	struct mutex lock; /* of both queues, and of the format */

	const struct vpipe_format *format;
	u32 width;
	u32 height;
	enum v4l2_colorspace colorspace;
	enum v4l2_xfer_func xfer_func;
	enum v4l2_ycbcr_encoding ycbcr_enc;
	enum v4l2_quantization quantization;

	u32 out_sequence;
	u32 cap_sequence;
	atomic_t running;
	struct work_struct work;
};

/**
 * struct vpipe_buffer - a buffer of either queue
 * @m2m:	has to come first
 * @map:	of what is imported, see memory.h
 */
struct vpipe_buffer {
	struct v4l2_m2m_buffer m2m;
	struct iosys_map map;
};

/**
 * struct vpipe_out_buffer - an OUTPUT buffer
 * @buf:	has to come first
 * @params:	the controls when it was queued
 * @queued_ns:	when the driver got it
 */
struct vpipe_out_buffer {
	struct vpipe_buffer buf;
	struct vpipe_params params;
	u64 queued_ns;
};

static struct vpipe_ctx *file_to_ctx(struct file *file)
{
	return container_of(vpipe_file_to_fh(file), struct vpipe_ctx, fh);
}

static struct vpipe_out_buffer *to_out_buffer(struct vb2_v4l2_buffer *vbuf)
{
	return container_of(vbuf, struct vpipe_out_buffer, buf.m2m.vb);
}

static u32 vpipe_sizeimage(const struct vpipe_ctx *ctx)
{
	return ctx->width * ctx->height * ctx->format->bytes;
}

/*
 * Controls. Their values live in the control handler alone, and are copied to
 * each OUTPUT buffer.
 */

static const char * const vpipe_algo_menu[] = {
	[VPIPE_ALGO_NONE] = "none",
	[VPIPE_ALGO_THRESHOLD] = "threshold",
};

static const struct v4l2_ctrl_config vpipe_ctrl_configs[VPIPE_NUM_CTRLS] = {
	[VPIPE_CTRL_SRC_SEQUENCE] = {
		.id = VPIPE_CID_SRC_SEQUENCE,
		.name = "Source V4L2 Sequence",
		.type = V4L2_CTRL_TYPE_INTEGER,
		.max = INT_MAX,
		.step = 1,
	},
	[VPIPE_CTRL_ALGO] = {
		.id = VPIPE_CID_ALGO,
		.name = "Algorithm",
		.type = V4L2_CTRL_TYPE_MENU,
		.max = VPIPE_ALGO_THRESHOLD,
		.def = VPIPE_ALGO_NONE,
		.qmenu = vpipe_algo_menu,
	},
	[VPIPE_CTRL_ROI_LEFT] = {
		.id = VPIPE_CID_ROI_LEFT,
		.name = "ROI Left",
		.type = V4L2_CTRL_TYPE_INTEGER,
		.max = VPIPE_MAX_SIZE,
		.step = 1,
	},
	[VPIPE_CTRL_ROI_TOP] = {
		.id = VPIPE_CID_ROI_TOP,
		.name = "ROI Top",
		.type = V4L2_CTRL_TYPE_INTEGER,
		.max = VPIPE_MAX_SIZE,
		.step = 1,
	},
	[VPIPE_CTRL_ROI_WIDTH] = {
		.id = VPIPE_CID_ROI_WIDTH,
		.name = "ROI Width",
		.type = V4L2_CTRL_TYPE_INTEGER,
		.max = VPIPE_MAX_SIZE,
		.step = 1,
		.def = VPIPE_DEF_WIDTH,
	},
	[VPIPE_CTRL_ROI_HEIGHT] = {
		.id = VPIPE_CID_ROI_HEIGHT,
		.name = "ROI Height",
		.type = V4L2_CTRL_TYPE_INTEGER,
		.max = VPIPE_MAX_SIZE,
		.step = 1,
		.def = VPIPE_DEF_HEIGHT,
	},
	[VPIPE_CTRL_THRESHOLD] = {
		.id = VPIPE_CID_THRESHOLD,
		.name = "Threshold",
		.type = V4L2_CTRL_TYPE_INTEGER,
		.max = U8_MAX,
		.step = 1,
		.def = 127,
	},
};

static int vpipe_init_ctrls(struct vpipe_ctx *ctx)
{
	struct v4l2_ctrl_handler *hdl = &ctx->hdl;
	int i;

	v4l2_ctrl_handler_init(hdl, VPIPE_NUM_CTRLS);
	for (i = 0; i < VPIPE_NUM_CTRLS; i++)
		ctx->ctrls[i] = v4l2_ctrl_new_custom(hdl, &vpipe_ctrl_configs[i], NULL);
	if (hdl->error)
		return hdl->error;

	/* A ROI set in one call is never seen half. */
	v4l2_ctrl_cluster(4, &ctx->ctrls[VPIPE_CTRL_ROI_LEFT]);
	ctx->fh.ctrl_handler = hdl;

	return 0;
}

static void vpipe_snapshot(struct vpipe_ctx *ctx, struct vpipe_params *params)
{
	struct v4l2_ctrl **ctrls = ctx->ctrls;

	/* One lock for all of them: they share a handler. */
	v4l2_ctrl_lock(ctrls[0]);
	params->src_sequence = ctrls[VPIPE_CTRL_SRC_SEQUENCE]->cur.val;
	params->algo = ctrls[VPIPE_CTRL_ALGO]->cur.val;
	params->threshold = ctrls[VPIPE_CTRL_THRESHOLD]->cur.val;
	params->roi.left = ctrls[VPIPE_CTRL_ROI_LEFT]->cur.val;
	params->roi.top = ctrls[VPIPE_CTRL_ROI_TOP]->cur.val;
	params->roi.width = ctrls[VPIPE_CTRL_ROI_WIDTH]->cur.val;
	params->roi.height = ctrls[VPIPE_CTRL_ROI_HEIGHT]->cur.val;
	v4l2_ctrl_unlock(ctrls[0]);
}

/*
 * Jobs
 */

static int vpipe_process(struct vpipe_ctx *ctx, struct vb2_v4l2_buffer *src,
			 struct vb2_v4l2_buffer *dst, struct vpipe_result *result)
{
	const struct vpipe_params *params = &to_out_buffer(src)->params;
	u32 size = vpipe_sizeimage(ctx);
	const u8 *from = vb2_plane_vaddr(&src->vb2_buf, 0);
	u8 *to = vb2_plane_vaddr(&dst->vb2_buf, 0);

	/* Whatever the checks on the way here let through, stay inside. */
	if (!from || !to || vb2_plane_size(&src->vb2_buf, 0) < size ||
	    vb2_plane_size(&dst->vb2_buf, 0) < size)
		return -EFAULT;

	vpipe_cv_run(to, from, ctx->width, ctx->height, params, result);
	vb2_set_plane_payload(&dst->vb2_buf, 0, size);

	return 0;
}

static void vpipe_publish(struct vpipe_ctx *ctx, struct vb2_v4l2_buffer *src,
			  struct vb2_v4l2_buffer *dst, const struct vpipe_result *result,
			  u64 run_ns)
{
	const struct vpipe_out_buffer *buf = to_out_buffer(src);
	struct vpipe_meta_entry_v2 entry = {
		.v1 = {
			.seq = ++ctx->dev->seq,
			.src_v4l2_sequence = buf->params.src_sequence,
			.buffer_index = dst->vb2_buf.index,
			.bytesused = vb2_get_plane_payload(&dst->vb2_buf, 0),
			.crc32 = result->crc,
			.algo_id = buf->params.algo,
			.roi_left = result->roi.left,
			.roi_top = result->roi.top,
			.roi_width = result->roi.width,
			.roi_height = result->roi.height,
			.algo_value0 = result->white,
			.algo_value1 = result->black,
		},
		.queued_ns = buf->queued_ns,
		.run_ns = run_ns,
	};

	entry.copied_ns = entry.run_ns + result->copy_ns;
	entry.filtered_ns = entry.copied_ns + result->filter_ns;
	entry.checksummed_ns = entry.filtered_ns + result->crc_ns;
	entry.done_ns = ktime_get_ns();
	entry.v1.timestamp_ns = entry.done_ns;

	vpipe_meta_publish(ctx->dev->meta, &entry);
}

static void vpipe_run(struct vpipe_ctx *ctx)
{
	u64 run_ns = ktime_get_ns();
	struct v4l2_m2m_ctx *m2m_ctx = ctx->fh.m2m_ctx;
	struct vb2_v4l2_buffer *src = v4l2_m2m_next_src_buf(m2m_ctx);
	struct vb2_v4l2_buffer *dst = v4l2_m2m_next_dst_buf(m2m_ctx);
	struct media_request *req = src->vb2_buf.req_obj.req;
	struct vpipe_result result;
	int ret;

	ret = v4l2_ctrl_request_setup(req, &ctx->hdl);
	if (req)
		vpipe_snapshot(ctx, &to_out_buffer(src)->params);
	v4l2_ctrl_request_complete(req, &ctx->hdl);

	vpipe_copy_metadata(src, dst);
	src->sequence = ctx->out_sequence++;
	dst->sequence = ctx->cap_sequence++;

	if (!ret)
		ret = vpipe_process(ctx, src, dst, &result);

	/* Before the buffers are done: who has the frame can have the entry. */
	if (!ret)
		vpipe_publish(ctx, src, dst, &result, run_ns);
	else
		vb2_set_plane_payload(&dst->vb2_buf, 0, 0);

	v4l2_m2m_buf_done_and_job_finish(ctx->dev->m2m_dev, m2m_ctx,
					 ret ? VB2_BUF_STATE_ERROR : VB2_BUF_STATE_DONE);

	/* After this, vpipe_release() may free the context. */
	if (atomic_dec_and_test(&ctx->running))
		wake_up_var(&ctx->running);
}

static void vpipe_work(struct work_struct *work)
{
	vpipe_run(container_of(work, struct vpipe_ctx, work));
}

/*
 * The whole job, in the thread that made it possible, most often the caller of
 * VIDIOC_QBUF: handing it to another thread costs more than a small frame does.
 * But a caller that has yet to collect an earlier frame keeps several in flight,
 * and can do so while this one is worked on.
 */
static void vpipe_device_run(void *priv)
{
	struct vpipe_ctx *ctx = priv;
	struct vb2_queue *capture = v4l2_m2m_get_dst_vq(ctx->fh.m2m_ctx);

	atomic_inc(&ctx->running);
	if (list_empty(&capture->done_list) || current->flags & PF_WQ_WORKER ||
	    vpipe_sizeimage(ctx) < VPIPE_DEFER_BYTES)
		vpipe_run(ctx);
	else
		queue_work(system_dfl_wq, &ctx->work);
}

static const struct v4l2_m2m_ops vpipe_m2m_ops = {
	.device_run = vpipe_device_run,
};

/*
 * Queues
 */

static int vpipe_queue_setup(struct vb2_queue *vq, unsigned int *num_buffers,
			     unsigned int *num_planes, unsigned int sizes[],
			     struct device *alloc_devs[])
{
	u32 size = vpipe_sizeimage(vb2_get_drv_priv(vq));

	if (*num_planes)
		return *num_planes != 1 || sizes[0] < size ? -EINVAL : 0;

	*num_planes = 1;
	sizes[0] = size;

	return 0;
}

static int vpipe_buf_out_validate(struct vb2_buffer *vb)
{
	struct vb2_v4l2_buffer *vbuf = to_vb2_v4l2_buffer(vb);

	if (vbuf->field == V4L2_FIELD_ANY)
		vbuf->field = V4L2_FIELD_NONE;

	return vbuf->field == V4L2_FIELD_NONE ? 0 : -EINVAL;
}

/*
 * Mapping an imported buffer leaves its caches alone. This side reads OUTPUT buffers, and
 * writes CAPTURE buffers and reads them for the CRC.
 */
static enum dma_data_direction vpipe_cpu_access(struct vb2_buffer *vb)
{
	return V4L2_TYPE_IS_OUTPUT(vb->type) ? DMA_FROM_DEVICE : DMA_BIDIRECTIONAL;
}

/*
 * A request is queued under a lock that all files of the device need to start, to stop
 * and to close: nothing may wait there for whatever writes to the client's buffer.
 */
static bool vpipe_fences_signaled(struct vb2_buffer *vb)
{
	bool writes = V4L2_TYPE_IS_CAPTURE(vb->type);

	return dma_resv_test_signaled(vb->planes[0].dbuf->resv, dma_resv_usage_rw(writes));
}

/*
 * Without dma_buf_begin_cpu_access() in a request: it would wait for what another thread has
 * given the buffer since its fences were looked at.
 */
static int vpipe_begin_cpu_access(struct vb2_buffer *vb)
{
	enum dma_data_direction direction = vpipe_cpu_access(vb);
	struct dma_buf *dbuf = vb->planes[0].dbuf;

	if (!vb->req_obj.req)
		return dma_buf_begin_cpu_access(dbuf, direction);

	return dbuf->ops->begin_cpu_access ? dbuf->ops->begin_cpu_access(dbuf, direction) : 0;
}

static int vpipe_buf_prepare(struct vb2_buffer *vb)
{
	struct vpipe_ctx *ctx = vb2_get_drv_priv(vb->vb2_queue);
	u32 size = vpipe_sizeimage(ctx);
	int ret;

	if (vb2_plane_size(vb, 0) < size || !vpipe_memory_suffices(vb))
		return -EINVAL;

	if (V4L2_TYPE_IS_OUTPUT(vb->type)) {
		/* videobuf2 leaves 0 if neither bytesused nor length was given. */
		if (!vb2_get_plane_payload(vb, 0))
			vb2_set_plane_payload(vb, 0, size);
		if (vb2_get_plane_payload(vb, 0) < size)
			return -EINVAL;

		/* Before VIDIOC_STREAMON, VIDIOC_QBUF does not get to buf_queue. */
		if (!vb2_start_streaming_called(vb->vb2_queue))
			vpipe_snapshot(ctx, &to_out_buffer(to_vb2_v4l2_buffer(vb))->params);
	}

	if (vb->memory != VB2_MEMORY_DMABUF)
		return 0;
	if (vb->req_obj.req && !vpipe_fences_signaled(vb))
		return -EBUSY;
	ret = vpipe_memory_map(vb);
	if (ret)
		return ret;

	return vpipe_begin_cpu_access(vb);
}

static void vpipe_buf_finish(struct vb2_buffer *vb)
{
	if (vb->memory == VB2_MEMORY_DMABUF)
		dma_buf_end_cpu_access(vb->planes[0].dbuf, vpipe_cpu_access(vb));
}

/*
 * VIDIOC_REMOVE_BUFS takes a buffer that was prepared and never queued, and does not
 * finish it.
 */
static void vpipe_buf_cleanup(struct vb2_buffer *vb)
{
	if (vb->prepared)
		vpipe_buf_finish(vb);
}

static void vpipe_buf_queue(struct vb2_buffer *vb)
{
	struct vb2_v4l2_buffer *vbuf = to_vb2_v4l2_buffer(vb);
	struct vpipe_ctx *ctx = vb2_get_drv_priv(vb->vb2_queue);

	if (V4L2_TYPE_IS_OUTPUT(vb->type)) {
		struct vpipe_out_buffer *buf = to_out_buffer(vbuf);

		/* After it, the buffer may have been prepared long ago. */
		if (vb2_start_streaming_called(vb->vb2_queue))
			vpipe_snapshot(ctx, &buf->params);
		buf->queued_ns = ktime_get_ns();
	}

	v4l2_m2m_buf_queue(ctx->fh.m2m_ctx, vbuf);
}

static void vpipe_buf_request_complete(struct vb2_buffer *vb)
{
	struct vpipe_ctx *ctx = vb2_get_drv_priv(vb->vb2_queue);

	v4l2_ctrl_request_complete(vb->req_obj.req, &ctx->hdl);
}

static int vpipe_start_streaming(struct vb2_queue *vq, unsigned int count)
{
	struct vpipe_ctx *ctx = vb2_get_drv_priv(vq);

	if (V4L2_TYPE_IS_OUTPUT(vq->type))
		ctx->out_sequence = 0;
	else
		ctx->cap_sequence = 0;

	return 0;
}

static void vpipe_stop_streaming(struct vb2_queue *vq)
{
	struct vpipe_ctx *ctx = vb2_get_drv_priv(vq);
	struct v4l2_m2m_ctx *m2m_ctx = ctx->fh.m2m_ctx;
	struct vb2_v4l2_buffer *vbuf;

	for (;;) {
		if (V4L2_TYPE_IS_OUTPUT(vq->type))
			vbuf = v4l2_m2m_src_buf_remove(m2m_ctx);
		else
			vbuf = v4l2_m2m_dst_buf_remove(m2m_ctx);
		if (!vbuf)
			return;

		v4l2_ctrl_request_complete(vbuf->vb2_buf.req_obj.req, &ctx->hdl);
		v4l2_m2m_buf_done(vbuf, VB2_BUF_STATE_ERROR);
	}
}

static const struct vb2_ops vpipe_vb2_ops = {
	.queue_setup = vpipe_queue_setup,
	.buf_out_validate = vpipe_buf_out_validate,
	.buf_prepare = vpipe_buf_prepare,
	.buf_finish = vpipe_buf_finish,
	.buf_cleanup = vpipe_buf_cleanup,
	.buf_queue = vpipe_buf_queue,
	.buf_request_complete = vpipe_buf_request_complete,
	.start_streaming = vpipe_start_streaming,
	.stop_streaming = vpipe_stop_streaming,
	VPIPE_VB2_WAIT_OPS
};

static struct vpipe_memory vpipe_memops __ro_after_init;

static int vpipe_init_queues(void *priv, struct vb2_queue *src_vq, struct vb2_queue *dst_vq)
{
	struct vpipe_ctx *ctx = priv;
	int ret;

	src_vq->type = V4L2_BUF_TYPE_VIDEO_OUTPUT;
	src_vq->io_modes = VB2_MMAP | VB2_USERPTR | VB2_DMABUF;
	src_vq->drv_priv = ctx;
	src_vq->buf_struct_size = sizeof(struct vpipe_out_buffer);
	src_vq->ops = &vpipe_vb2_ops;
	src_vq->mem_ops = &vpipe_memops.ops;
	src_vq->timestamp_flags = V4L2_BUF_FLAG_TIMESTAMP_COPY;
	src_vq->lock = &ctx->lock;
	src_vq->supports_requests = true;
	ret = vb2_queue_init(src_vq);
	if (ret)
		return ret;

	dst_vq->type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	dst_vq->io_modes = VB2_MMAP | VB2_DMABUF;
	dst_vq->drv_priv = ctx;
	dst_vq->buf_struct_size = sizeof(struct vpipe_buffer);
	dst_vq->ops = &vpipe_vb2_ops;
	dst_vq->mem_ops = &vpipe_memops.ops;
	dst_vq->timestamp_flags = V4L2_BUF_FLAG_TIMESTAMP_COPY;
	dst_vq->lock = &ctx->lock;

	return vb2_queue_init(dst_vq);
}

/*
 * Formats
 */

static const struct vpipe_format *vpipe_find_format(u32 fourcc)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(vpipe_formats); i++)
		if (vpipe_formats[i].fourcc == fourcc)
			return &vpipe_formats[i];

	return NULL;
}

static int vpipe_querycap(struct file *file, void *priv, struct v4l2_capability *cap)
{
	strscpy(cap->driver, VPIPE_NAME, sizeof(cap->driver));
	strscpy(cap->card, "vpipe mem2mem", sizeof(cap->card));

	return 0;
}

static int vpipe_enum_fmt(struct file *file, void *priv, struct v4l2_fmtdesc *f)
{
	if (f->index >= ARRAY_SIZE(vpipe_formats))
		return -EINVAL;

	f->pixelformat = vpipe_formats[f->index].fourcc;

	return 0;
}

static int vpipe_enum_framesizes(struct file *file, void *priv, struct v4l2_frmsizeenum *fsize)
{
	if (fsize->index || !vpipe_find_format(fsize->pixel_format))
		return -EINVAL;

	fsize->type = V4L2_FRMSIZE_TYPE_STEPWISE;
	fsize->stepwise.min_width = VPIPE_MIN_SIZE;
	fsize->stepwise.max_width = VPIPE_MAX_SIZE;
	fsize->stepwise.step_width = 1;
	fsize->stepwise.min_height = VPIPE_MIN_SIZE;
	fsize->stepwise.max_height = VPIPE_MAX_SIZE;
	fsize->stepwise.step_height = 1;

	return 0;
}

static void vpipe_get_colorspace(const struct vpipe_ctx *ctx, struct v4l2_pix_format *pix)
{
	pix->colorspace = ctx->colorspace;
	pix->xfer_func = ctx->xfer_func;
	pix->ycbcr_enc = ctx->ycbcr_enc;
	pix->quantization = ctx->quantization;
}

static int vpipe_g_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct vpipe_ctx *ctx = file_to_ctx(file);
	struct v4l2_pix_format *pix = &f->fmt.pix;

	mutex_lock(&ctx->lock);
	pix->width = ctx->width;
	pix->height = ctx->height;
	pix->pixelformat = ctx->format->fourcc;
	pix->field = V4L2_FIELD_NONE;
	pix->bytesperline = ctx->width * ctx->format->bytes;
	pix->sizeimage = vpipe_sizeimage(ctx);
	vpipe_get_colorspace(ctx, pix);
	mutex_unlock(&ctx->lock);

	return 0;
}

static const struct vpipe_format *vpipe_adjust_fmt(const struct vpipe_ctx *ctx,
						   struct v4l2_format *f)
{
	struct v4l2_pix_format *pix = &f->fmt.pix;
	const struct vpipe_format *format = vpipe_find_format(pix->pixelformat) ?:
					    &vpipe_formats[0];

	pix->width = clamp_t(u32, pix->width, VPIPE_MIN_SIZE, VPIPE_MAX_SIZE);
	pix->height = clamp_t(u32, pix->height, VPIPE_MIN_SIZE, VPIPE_MAX_SIZE);
	pix->pixelformat = format->fourcc;
	pix->field = V4L2_FIELD_NONE;
	pix->bytesperline = pix->width * format->bytes;
	pix->sizeimage = pix->bytesperline * pix->height;

	/* Pixels keep their meaning on the way: CAPTURE says what OUTPUT said. */
	if (V4L2_TYPE_IS_CAPTURE(f->type))
		vpipe_get_colorspace(ctx, pix);
	else if (pix->colorspace == V4L2_COLORSPACE_DEFAULT)
		pix->colorspace = V4L2_COLORSPACE_SRGB;

	return format;
}

static int vpipe_try_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct vpipe_ctx *ctx = file_to_ctx(file);

	mutex_lock(&ctx->lock);
	vpipe_adjust_fmt(ctx, f);
	mutex_unlock(&ctx->lock);

	return 0;
}

/*
 * Frames leave in the size they came in, so both sides share one format, and
 * setting it on either sets it on both. That must not pull it away from under
 * the buffers of the other side.
 */
static int vpipe_s_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct vpipe_ctx *ctx = file_to_ctx(file);
	struct v4l2_pix_format *pix = &f->fmt.pix;
	const struct vpipe_format *format;
	struct vb2_queue *own, *other;
	int ret = -EBUSY;
	bool changes;

	own = v4l2_m2m_get_vq(ctx->fh.m2m_ctx, f->type);
	other = V4L2_TYPE_IS_OUTPUT(f->type) ? v4l2_m2m_get_dst_vq(ctx->fh.m2m_ctx) :
					       v4l2_m2m_get_src_vq(ctx->fh.m2m_ctx);

	mutex_lock(&ctx->lock);
	format = vpipe_adjust_fmt(ctx, f);
	changes = format != ctx->format || pix->width != ctx->width || pix->height != ctx->height;
	if (vb2_is_busy(own) || (vb2_is_busy(other) && changes))
		goto unlock;

	ctx->format = format;
	ctx->width = pix->width;
	ctx->height = pix->height;
	ctx->colorspace = pix->colorspace;
	ctx->xfer_func = pix->xfer_func;
	ctx->ycbcr_enc = pix->ycbcr_enc;
	ctx->quantization = pix->quantization;
	ret = 0;

unlock:
	mutex_unlock(&ctx->lock);

	return ret;
}

static const struct v4l2_ioctl_ops vpipe_ioctl_ops = {
	.vidioc_querycap = vpipe_querycap,

	.vidioc_enum_framesizes = vpipe_enum_framesizes,
	.vidioc_enum_fmt_vid_out = vpipe_enum_fmt,
	.vidioc_g_fmt_vid_out = vpipe_g_fmt,
	.vidioc_try_fmt_vid_out = vpipe_try_fmt,
	.vidioc_s_fmt_vid_out = vpipe_s_fmt,
	.vidioc_enum_fmt_vid_cap = vpipe_enum_fmt,
	.vidioc_g_fmt_vid_cap = vpipe_g_fmt,
	.vidioc_try_fmt_vid_cap = vpipe_try_fmt,
	.vidioc_s_fmt_vid_cap = vpipe_s_fmt,

	.vidioc_reqbufs = v4l2_m2m_ioctl_reqbufs,
	.vidioc_create_bufs = v4l2_m2m_ioctl_create_bufs,
	VPIPE_IOCTL_REMOVE_BUFS
	.vidioc_querybuf = v4l2_m2m_ioctl_querybuf,
	.vidioc_prepare_buf = v4l2_m2m_ioctl_prepare_buf,
	.vidioc_qbuf = v4l2_m2m_ioctl_qbuf,
	.vidioc_dqbuf = v4l2_m2m_ioctl_dqbuf,
	.vidioc_expbuf = v4l2_m2m_ioctl_expbuf,
	.vidioc_streamon = v4l2_m2m_ioctl_streamon,
	.vidioc_streamoff = v4l2_m2m_ioctl_streamoff,

	.vidioc_subscribe_event = v4l2_ctrl_subscribe_event,
	.vidioc_unsubscribe_event = v4l2_event_unsubscribe,
};

/*
 * Files
 */

static int vpipe_open(struct file *file)
{
	struct vpipe_dev *dev = video_drvdata(file);
	struct vpipe_ctx *ctx;
	int ret;

	ret = vpipe_media_wait(&dev->media, &dev->vfd);
	if (ret)
		return ret;

	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL);
	if (!ctx)
		return -ENOMEM;

	ctx->dev = dev;
	mutex_init(&ctx->lock);
	INIT_WORK(&ctx->work, vpipe_work);
	ctx->format = &vpipe_formats[0];
	ctx->width = VPIPE_DEF_WIDTH;
	ctx->height = VPIPE_DEF_HEIGHT;
	ctx->colorspace = V4L2_COLORSPACE_SRGB;
	ctx->quantization = V4L2_QUANTIZATION_FULL_RANGE;

	v4l2_fh_init(&ctx->fh, &dev->vfd);
	ret = vpipe_init_ctrls(ctx);
	if (ret)
		goto free;

	ctx->fh.m2m_ctx = v4l2_m2m_ctx_init(dev->m2m_dev, ctx, vpipe_init_queues);
	if (IS_ERR(ctx->fh.m2m_ctx)) {
		ret = PTR_ERR(ctx->fh.m2m_ctx);
		goto free;
	}

	vpipe_fh_add(&ctx->fh, file);

	return 0;

free:
	v4l2_fh_exit(&ctx->fh);
	v4l2_ctrl_handler_free(&ctx->hdl);
	mutex_destroy(&ctx->lock);
	kfree(ctx);

	return ret;
}

static int vpipe_release(struct file *file)
{
	struct vpipe_ctx *ctx = file_to_ctx(file);
	struct v4l2_m2m_ctx *m2m_ctx = ctx->fh.m2m_ctx;

	vpipe_fh_del(&ctx->fh, file);

	/*
	 * v4l2_m2m_ctx_release() waits for a running job, but only until
	 * v4l2_m2m_buf_done_and_job_finish() marks it finished: that function
	 * then goes on to use the context. It may do so in another thread,
	 * that of the m2m core, a worker's, or of another file that got to run
	 * our job. So make sure first that no job of ours can start, and wait
	 * it out.
	 */
	mutex_lock(&ctx->lock);
	v4l2_m2m_streamoff(file, m2m_ctx, V4L2_BUF_TYPE_VIDEO_OUTPUT);
	v4l2_m2m_streamoff(file, m2m_ctx, V4L2_BUF_TYPE_VIDEO_CAPTURE);
	mutex_unlock(&ctx->lock);
	wait_var_event(&ctx->running, !atomic_read(&ctx->running));
	flush_work(&ctx->work);

	v4l2_m2m_ctx_release(m2m_ctx);
	v4l2_fh_exit(&ctx->fh);
	v4l2_ctrl_handler_free(&ctx->hdl);
	mutex_destroy(&ctx->lock);
	kfree(ctx);

	return 0;
}

static const struct v4l2_file_operations vpipe_fops = {
	.owner = THIS_MODULE,
	.open = vpipe_open,
	.release = vpipe_release,
	.poll = v4l2_m2m_fop_poll,
	.unlocked_ioctl = video_ioctl2,
	.mmap = v4l2_m2m_fop_mmap,
};

/*
 * The device
 */

/*
 * Nor for a program's own memory, which may never be there. A request is one frame with its
 * controls.
 */
static int vpipe_req_validate(struct media_request *req)
{
	struct media_request_object *obj;

	if (vb2_request_buffer_cnt(req) > 1)
		return -EINVAL;
	list_for_each_entry(obj, &req->objects, list)
		if (vb2_request_object_is_buffer(obj) &&
		    container_of(obj, struct vb2_buffer, req_obj)->memory == VB2_MEMORY_USERPTR)
			return -EINVAL;

	return vb2_request_validate(req);
}

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
	vfd->vfl_dir = VFL_DIR_M2M;
	vfd->fops = &vpipe_fops;
	vfd->ioctl_ops = &vpipe_ioctl_ops;
	vfd->device_caps = V4L2_CAP_VIDEO_M2M | V4L2_CAP_STREAMING;
	vfd->release = video_device_release_empty;
	vfd->v4l2_dev = &dev->media.v4l2_dev;
	video_set_drvdata(vfd, dev);

	return video_register_device(vfd, VFL_TYPE_VIDEO, -1);
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
	vpipe_memory_init(&vpipe_memops, offsetof(struct vpipe_buffer, map));
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
