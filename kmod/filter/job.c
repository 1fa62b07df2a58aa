// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * One frame: from an OUTPUT buffer to a CAPTURE buffer, and its entry of metadata.
 */
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/wait_bit.h>

#include "delay.h"
#include "filter.h"
#include "trace.h"

/* Smaller frames are done before another thread has woken up. */
#define VPIPE_DEFER_BYTES	SZ_64K

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
	vpipe_delay(VPIPE_STAGE_FINISH);
	entry.done_ns = ktime_get_ns();
	entry.v1.timestamp_ns = entry.done_ns;

	vpipe_meta_publish(ctx->dev->meta, &entry);
}

static void vpipe_run(struct vpipe_ctx *ctx)
{
	struct v4l2_m2m_ctx *m2m_ctx = ctx->fh.m2m_ctx;
	struct vb2_v4l2_buffer *src = v4l2_m2m_next_src_buf(m2m_ctx);
	struct vb2_v4l2_buffer *dst = v4l2_m2m_next_dst_buf(m2m_ctx);
	struct media_request *req = src->vb2_buf.req_obj.req;
	struct vpipe_result result;
	u64 run_ns;
	int ret;

	vpipe_delay(VPIPE_STAGE_QUEUE);
	run_ns = ktime_get_ns();
	trace_vpipe_run(ctx->dev->node.vfd.minor, ctx->number, src);
	ret = v4l2_ctrl_request_setup(req, &ctx->hdl);
	if (req)
		vpipe_snapshot(ctx, &to_out_buffer(src)->params);
	v4l2_ctrl_request_complete(req, &ctx->hdl);

	vpipe_copy_metadata(src, dst);
	dst->sequence = ctx->cap_sequence++;

	if (!ret)
		ret = vpipe_process(ctx, src, dst, &result);

	/* Before the buffers are done: who has the frame can have the entry. */
	if (!ret)
		vpipe_publish(ctx, src, dst, &result, run_ns);
	else
		vb2_set_plane_payload(&dst->vb2_buf, 0, 0);

	trace_vpipe_done(ctx->dev->node.vfd.minor, ctx->number, dst);
	v4l2_m2m_buf_done_and_job_finish(ctx->dev->node.dev, m2m_ctx,
					 ret ? VB2_BUF_STATE_ERROR : VB2_BUF_STATE_DONE);

	/* After this, vpipe_release() may free the context. */
	if (atomic_dec_and_test(&ctx->running))
		wake_up_var(&ctx->running);
}

void vpipe_work(struct work_struct *work)
{
	vpipe_run(container_of(work, struct vpipe_ctx, work));
}

/* Others would wait for its thread, whose priority may be so low that it never runs again. */
static bool vpipe_is_alone(struct video_device *vfd)
{
	unsigned long flags;
	bool alone;

	spin_lock_irqsave(&vfd->fh_lock, flags);
	alone = list_is_singular(&vfd->fh_list);
	spin_unlock_irqrestore(&vfd->fh_lock, flags);

	return alone;
}

/* Whoever opens the node waits for a frame in work, and its thread may be one that hardly runs. */
static bool vpipe_is_eager(const struct task_struct *task)
{
	return task->policy != SCHED_IDLE && task->policy != SCHED_BATCH && task_nice(task) <= 0;
}

/*
 * The whole job, in the thread that made it possible, most often the caller of
 * VIDIOC_QBUF: handing it to another thread costs more than a small frame does.
 * Where there are others it may not be left to that thread. And a caller that has
 * yet to collect an earlier frame keeps several in flight, and can do so while this
 * one is worked on.
 */
static void vpipe_device_run(void *priv)
{
	struct vpipe_ctx *ctx = priv;
	struct vb2_queue *capture = v4l2_m2m_get_dst_vq(ctx->fh.m2m_ctx);

	atomic_inc(&ctx->running);
	if (current->flags & PF_WQ_WORKER ||
	    ((list_empty(&capture->done_list) || vpipe_sizeimage(ctx) < VPIPE_DEFER_BYTES) &&
	     vpipe_is_eager(current) && vpipe_is_alone(&ctx->dev->node.vfd)))
		vpipe_run(ctx);
	else
		queue_work(system_dfl_wq, &ctx->work);
}

const struct v4l2_m2m_ops vpipe_m2m_ops = {
	.device_run = vpipe_device_run,
};
