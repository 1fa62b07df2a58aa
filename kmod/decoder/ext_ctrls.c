// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * VIDIOC_G_EXT_CTRLS and its like, with payloads in memory that may never be there.
 */
#include <linux/pagemap.h>
#include <linux/uaccess.h>

#include <media/v4l2-ioctl.h>

#include "dec.h"

/*
 * The calls that copy a control's payload from or to the client's memory do so under the
 * handler's lock, and that memory may never be there. Who waits for the lock, VIDIOC_QBUF
 * or the core, may have another that all files of the device need. So these calls may not
 * fault: where memory is missing they fail, it is asked for without any lock, and they
 * are made again. But not for ever: a payload that is too short fails just so, and some memory
 * cannot be had without faults.
 */
#define VPDEC_FAULT_TRIES	16

/* As a 32-bit program has them. */
struct vpdec_ext_control32 {
	u32 id;
	u32 size;
	u32 reserved;
	u32 value[2];
} __packed;

struct vpdec_ext_controls32 {
	u32 which;
	u32 count;
	u32 error_idx;
	s32 request_fd;
	u32 reserved;
	u32 controls;
};

static bool vpdec_fault_in(u64 at, size_t size)
{
	return !size || !fault_in_safe_writeable(u64_to_user_ptr(at), size);
}

/* What the core copies of a payload; a value is in the list, whatever size the client gives. */
static bool vpdec_fault_in_payload(struct vpdec_ctx *ctx, u32 id, u64 at, u32 size)
{
	const struct v4l2_ctrl *ctrl = v4l2_ctrl_find(&ctx->hdl, id);

	if (!ctrl || !ctrl->is_ptr)
		return true;

	return vpdec_fault_in(at, min(size, vpdec_ctrl_max(ctrl)));
}

static bool vpdec_fault_in_controls32(struct vpdec_ctx *ctx, unsigned long arg)
{
	struct vpdec_ext_controls32 list;
	struct vpdec_ext_control32 control;
	u32 i;

	if (copy_from_user(&list, (void __user *)arg, sizeof(list)) ||
	    !vpdec_fault_in(arg, sizeof(list)))
		return false;
	for (i = 0; i < min_t(u32, list.count, V4L2_CID_MAX_CTRLS); i++) {
		u64 at = list.controls + i * sizeof(control);

		if (!vpdec_fault_in(at, sizeof(control)) ||
		    copy_from_user(&control, u64_to_user_ptr(at), sizeof(control)) ||
		    !vpdec_fault_in_payload(ctx, control.id, control.value[0], control.size))
			return false;
	}

	return true;
}

static bool vpdec_fault_in_controls(struct vpdec_ctx *ctx, unsigned long arg)
{
	struct v4l2_ext_controls list;
	struct v4l2_ext_control control;
	u32 i;

	if (copy_from_user(&list, (void __user *)arg, sizeof(list)) ||
	    !vpdec_fault_in(arg, sizeof(list)))
		return false;
	for (i = 0; i < min_t(u32, list.count, V4L2_CID_MAX_CTRLS); i++) {
		u64 at = (unsigned long)(list.controls + i);

		if (!vpdec_fault_in(at, sizeof(control)) ||
		    copy_from_user(&control, u64_to_user_ptr(at), sizeof(control)) ||
		    !vpdec_fault_in_payload(ctx, control.id, (unsigned long)control.ptr,
					    control.size))
			return false;
	}

	return true;
}

/* VIDIOC_G_EXT_CTRLS, VIDIOC_S_EXT_CTRLS and VIDIOC_TRY_EXT_CTRLS. */
long vpdec_ext_ctrls(struct file *file, unsigned int cmd, unsigned long arg)
{
	bool native = _IOC_SIZE(cmd) == sizeof(struct v4l2_ext_controls);
	struct vpdec_ctx *ctx = vpdec_file_to_ctx(file);
	unsigned int tries;
	long ret;

	for (tries = 0;; tries++) {
		/* Whether CAPTURE has buffers is not to be known without, see vpdec_try_ctrl(). */
		if (mutex_lock_interruptible(&ctx->lock))
			return -ERESTARTSYS;
		pagefault_disable();
		ret = video_ioctl2(file, cmd, arg);
		pagefault_enable();
		mutex_unlock(&ctx->lock);
		if (ret != -EFAULT || tries == VPDEC_FAULT_TRIES)
			return ret;
		if (!(native ? vpdec_fault_in_controls(ctx, arg) :
			       vpdec_fault_in_controls32(ctx, arg)))
			return -EFAULT;
	}
}
