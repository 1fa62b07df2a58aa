// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The stateless node: an OUTPUT buffer with its request is decoded into a CAPTURE
 * buffer, in the order in which they are queued.
 *
 * The mem2mem core would run one job at a time for all files, and a job here ends
 * when a process answers. So no job is ever ready: the core's lists are where
 * buffers wait for their other half, and a pair goes to its stream as soon as it
 * is complete, however many are there already.
 */
#include <linux/ktime.h>

#include <media/v4l2-event.h>
#include <media/v4l2-ioctl.h>
#include <media/videobuf2-v4l2.h>

#include "dec.h"

/*
 * Pairs
 */

/*
 * Hands a frame over. One that fails takes its turn as well: what came before it may be
 * for the same CAPTURE buffer, and be waiting to be read. A CAPTURE buffer that is used
 * @again was held: the stream may have ended since, and have given it back.
 */
static void vpdec_submit_pair(struct vpdec_ctx *ctx, struct vpdec_frame *frame, bool again)
{
	struct vpdec_stream *stream = ctx->stream;

	frame->begun_ns = ktime_get_ns();
	spin_lock(&stream->lock);
	if (again && stream->held != frame->capture)
		frame->capture = NULL;
	if (frame->fails || stream->over)
		frame->more = false;
	stream->held = frame->more ? frame->capture : NULL;
	vpdec_stream_submit(stream, frame);
	spin_unlock(&stream->lock);
}

/* What was kept for a picture is all there is. */
static void vpdec_finish_held(struct vpdec_stream *stream)
{
	struct vpdec_frame *frame;

	spin_lock(&stream->lock);
	if (stream->held) {
		frame = vpdec_to_frame(stream->held);
		frame->capture = stream->held;
		frame->more = false;
		frame->fails = false;
		frame->num_controls = 0;
		frame->controls_size = 0;
		frame->begun_ns = ktime_get_ns();
		stream->held = NULL;
		vpdec_stream_submit(stream, frame);
	}
	spin_unlock(&stream->lock);
}

/*
 * The buffer that waits for more of its picture, if what is next on OUTPUT is of the
 * same time: slices and fields of one picture are.
 */
static struct vb2_v4l2_buffer *vpdec_held_for(struct vpdec_stream *stream,
					      const struct vb2_v4l2_buffer *output)
{
	struct vb2_v4l2_buffer *held;

	spin_lock(&stream->lock);
	held = stream->held;
	if (held && held->vb2_buf.timestamp != output->vb2_buf.timestamp)
		held = NULL;
	spin_unlock(&stream->lock);

	return held;
}

/* The controls of a request are current from here on. */
static void vpdec_take_pair(struct vpdec_ctx *ctx, struct vb2_v4l2_buffer *output,
			    struct vb2_v4l2_buffer *capture, bool again)
{
	struct vpdec_frame *frame = vpdec_to_frame(output);
	struct media_request *req = output->vb2_buf.req_obj.req;

	vpdec_memory_share(ctx, &output->vb2_buf);
	frame->capture = capture;
	frame->more = output->flags & V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF;
	output->sequence = ctx->sequence[VPIPE_DEC_QUEUE_OUTPUT]++;
	if (!again) {
		vpipe_copy_metadata(output, capture);
		capture->field = V4L2_FIELD_NONE;
		vpdec_memory_share(ctx, &capture->vb2_buf);
		capture->sequence = ctx->sequence[VPIPE_DEC_QUEUE_CAPTURE]++;
	}

	frame->fails = v4l2_ctrl_request_setup(req, &ctx->hdl);
	if (!frame->fails)
		vpdec_controls_pack(ctx, frame);
	v4l2_ctrl_request_complete(req, &ctx->hdl);
	vpdec_submit_pair(ctx, frame, again);
}

/* Hands over all frames that are complete. */
static void vpdec_pair(struct vpdec_ctx *ctx)
{
	struct v4l2_m2m_ctx *m2m_ctx = ctx->fh.m2m_ctx;
	struct vb2_v4l2_buffer *output, *capture;
	bool again;

	lockdep_assert_held(&ctx->lock);
	if (!ctx->streaming[VPIPE_DEC_QUEUE_OUTPUT] || !ctx->streaming[VPIPE_DEC_QUEUE_CAPTURE])
		return;

	while ((output = v4l2_m2m_next_src_buf(m2m_ctx))) {
		capture = vpdec_held_for(ctx->stream, output);
		again = capture;
		if (!again) {
			vpdec_finish_held(ctx->stream);
			capture = v4l2_m2m_dst_buf_remove(m2m_ctx);
		}
		if (!capture)
			return;
		v4l2_m2m_src_buf_remove(m2m_ctx);
		vpdec_take_pair(ctx, output, capture, again);
	}
}

/*
 * Queues
 */

static void vpdec_stateless_queue(struct vb2_buffer *vb)
{
	struct vpdec_ctx *ctx = vb2_get_drv_priv(vb->vb2_queue);

	v4l2_m2m_buf_queue(ctx->fh.m2m_ctx, to_vb2_v4l2_buffer(vb));
	vpdec_pair(ctx);
}

static int vpdec_stateless_start(struct vb2_queue *vq, unsigned int count)
{
	struct vpdec_ctx *ctx = vb2_get_drv_priv(vq);
	bool capture = vpdec_is_capture(vq);
	int ret;

	ret = vpdec_start_queue(vq);
	if (ret)
		return ret;

	if (ctx->streaming[!capture])
		vpdec_stream_write_start(ctx->stream);
	vpdec_pair(ctx);

	return 0;
}

/* No frame is complete any more. */
static void vpdec_stateless_stop(struct vb2_queue *vq)
{
	struct vpdec_ctx *ctx = vb2_get_drv_priv(vq);
	struct vpdec_stream *stream = ctx->stream;

	WRITE_ONCE(ctx->streaming[vpdec_is_capture(vq)], false);
	if (stream) {
		spin_lock(&stream->lock);
		vpdec_stream_take_back(stream);
		spin_unlock(&stream->lock);
	}
	/* Those that the daemon has never been told of. */
	vpipe_m2m_return_queued(ctx->fh.m2m_ctx, vq, &ctx->hdl, VB2_BUF_STATE_ERROR);
}

static void vpdec_request_complete(struct vb2_buffer *vb)
{
	struct vpdec_ctx *ctx = vb2_get_drv_priv(vb->vb2_queue);

	v4l2_ctrl_request_complete(vb->req_obj.req, &ctx->hdl);
}

static const struct vb2_ops vpdec_stateless_vb2_ops = {
	VPDEC_VB2_OPS
	.buf_queue = vpdec_stateless_queue,
	.buf_request_complete = vpdec_request_complete,
	.start_streaming = vpdec_stateless_start,
	.stop_streaming = vpdec_stateless_stop,
};

/*
 * Ioctls
 */

/* V4L2_DEC_CMD_FLUSH: no CAPTURE buffer waits for more of its picture. */
static int vpdec_stateless_cmd(struct file *file, void *priv, struct v4l2_decoder_cmd *cmd)
{
	struct vpdec_ctx *ctx = vpdec_file_to_ctx(file);
	struct vb2_v4l2_buffer *output;
	int ret;

	ret = v4l2_m2m_ioctl_stateless_try_decoder_cmd(file, priv, cmd);
	if (ret)
		return ret;

	if (mutex_lock_interruptible(&ctx->lock))
		return -ERESTARTSYS;
	output = v4l2_m2m_last_src_buf(ctx->fh.m2m_ctx);
	if (output)
		output->flags &= ~V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF;
	else if (ctx->stream)
		vpdec_finish_held(ctx->stream);
	mutex_unlock(&ctx->lock);

	return 0;
}

static const struct v4l2_ioctl_ops vpdec_stateless_ioctl_ops = {
	VPDEC_IOCTLS,
	.vidioc_decoder_cmd = vpdec_stateless_cmd,
	.vidioc_try_decoder_cmd = v4l2_m2m_ioctl_stateless_try_decoder_cmd,
	.vidioc_subscribe_event = v4l2_ctrl_subscribe_event,
};

const struct vpdec_variant vpdec_stateless = {
	.name = VPDEC_NAME,
	.card = "vpipe stateless decoder",
	.out_fmts = vpdec_stateless_fmts,
	.num_out_fmts = ARRAY_SIZE(vpdec_stateless_fmts),
	.num_listed = ARRAY_SIZE(vpdec_stateless_fmts),
	.vb2_ops = &vpdec_stateless_vb2_ops,
	.ioctl_ops = &vpdec_stateless_ioctl_ops,
};
