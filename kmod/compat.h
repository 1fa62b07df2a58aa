/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What differs between the kernels these modules build against, Linux 6.1 and
 * newer. No other file may look at LINUX_VERSION_CODE.
 */
#ifndef VPIPE_COMPAT_H
#define VPIPE_COMPAT_H

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/version.h>
#include <linux/videodev2.h>
#include <media/v4l2-fh.h>
#include <media/videobuf2-core.h>

#define KERNEL_BEFORE(major, minor)	(KERNEL_VERSION(major, minor, 0) > LINUX_VERSION_CODE)

/* What VIDIOC_QUERYCAP reports. */
#define VPIPE_KERNEL_VERSION		LINUX_VERSION_CODE

/* Those that the tests run the modules on, not only those that they build for. */
#define VPIPE_KERNELS_RUN		"6.1, 6.12, 7.2"

#if KERNEL_BEFORE(6, 1)
#error "vpipe needs Linux 6.1 or newer"
#endif

#if KERNEL_BEFORE(6, 12)
#include <asm/unaligned.h>
#else
#include <linux/unaligned.h>
#endif

/* The namespace became a string in 6.13. */
#if KERNEL_BEFORE(6, 13)
#define VPIPE_IMPORT_NS(ns)	MODULE_IMPORT_NS(ns)
#else
#define VPIPE_IMPORT_NS(ns)	MODULE_IMPORT_NS(#ns)
#endif

/*
 * Before 6.14, crc32_le() had no vector instructions on x86: those were behind
 * the crypto API, where the algorithm "crc32" has been dropped since.
 */
#if KERNEL_BEFORE(6, 14) && IS_REACHABLE(CONFIG_CRYPTO_HASH)
#define VPIPE_CRC32_SHASH	1
#else
#define VPIPE_CRC32_SHASH	0
#endif

/* From 7.0 on videobuf2 drops and takes vb2_queue.lock by itself. */
#if KERNEL_BEFORE(7, 0)
#define VPIPE_VB2_WAIT_OPS			\
	.wait_prepare = vb2_ops_wait_prepare,	\
	.wait_finish = vb2_ops_wait_finish,
#else
#define VPIPE_VB2_WAIT_OPS
#endif

/*
 * VIDIOC_REMOVE_BUFS came with 6.10. A queue is busy until REQBUFS(0) there, also
 * when a client has removed all its buffers and only asks for another format. But what
 * streams without any still is of the format that it was started with.
 */
static inline bool vpipe_has_buffers(struct vb2_queue *q)
{
#if KERNEL_BEFORE(6, 10)
	return vb2_is_busy(q);
#else
	return vb2_get_num_buffers(q) > 0 || vb2_is_streaming(q);
#endif
}

/* Told since 6.9; videobuf2 has no queue of fewer than 32. */
static inline void vpipe_tell_max_buffers(struct v4l2_create_buffers *create, unsigned int most)
{
#ifdef V4L2_BUF_CAP_SUPPORTS_MAX_NUM_BUFFERS
	if (create->capabilities & V4L2_BUF_CAP_SUPPORTS_MAX_NUM_BUFFERS)
		create->max_num_buffers = most;
#endif
}

#if KERNEL_BEFORE(6, 10)
#define VPIPE_IOCTL_REMOVE_BUFS
#else
#define VPIPE_IOCTL_REMOVE_BUFS			\
	.vidioc_remove_bufs = v4l2_m2m_ioctl_remove_bufs,
#endif

#define VPIPE_NR_REMOVE_BUFS	104

/* platform_driver.remove returned an int before 6.11. */
#if KERNEL_BEFORE(6, 11)
#define vpipe_platform_remove	remove_new
#else
#define vpipe_platform_remove	remove
#endif

/* V4L2 has AV1 since 6.5. */
#if KERNEL_BEFORE(6, 5)
#define VPIPE_HAS_AV1	0
#else
#define VPIPE_HAS_AV1	1
#endif

/* Not every kernel has a name for what a stateful decoder takes. */
#ifndef V4L2_PIX_FMT_AV1
#define V4L2_PIX_FMT_AV1	v4l2_fourcc('A', 'V', '0', '1')
#endif

/* The workqueue whose work may run on any processor got its name in 6.17. */
#if KERNEL_BEFORE(6, 17)
#define system_dfl_wq	system_unbound_wq
#endif

/* v4l2_m2m_buf_copy_metadata() could also copy frame type flags before 6.19. */
#if KERNEL_BEFORE(6, 19)
#define vpipe_copy_metadata(src, dst)	v4l2_m2m_buf_copy_metadata(src, dst, false)
#else
#define vpipe_copy_metadata(src, dst)	v4l2_m2m_buf_copy_metadata(src, dst)
#endif

/* That a dma-buf's lock is taken inside was no part of the name before 6.2. */
#if KERNEL_BEFORE(6, 2)
#define dma_buf_vmap_unlocked	dma_buf_vmap
#define dma_buf_vunmap_unlocked	dma_buf_vunmap
#endif

/* From 6.18 on the V4L2 core alone touches file->private_data. */
static inline struct v4l2_fh *vpipe_file_to_fh(struct file *file)
{
#if KERNEL_BEFORE(6, 18)
	return file->private_data;
#else
	return file_to_v4l2_fh(file);
#endif
}

static inline void vpipe_fh_add(struct v4l2_fh *fh, struct file *file)
{
#if KERNEL_BEFORE(6, 18)
	file->private_data = fh;
	v4l2_fh_add(fh);
#else
	v4l2_fh_add(fh, file);
#endif
}

static inline void vpipe_fh_del(struct v4l2_fh *fh, struct file *file)
{
#if KERNEL_BEFORE(6, 18)
	v4l2_fh_del(fh);
	file->private_data = NULL;
#else
	v4l2_fh_del(fh, file);
#endif
}

/* A mapping's flags could be written as they are before 6.3. */
#if KERNEL_BEFORE(6, 3)
static inline void vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags &= ~flags;
}
#endif

static inline unsigned int vpipe_num_buffers(struct vb2_queue *q)
{
#if KERNEL_BEFORE(6, 8)
	return q->num_buffers;
#else
	return vb2_get_num_buffers(q);
#endif
}

/* videobuf2 named a buffer by its index before 6.8. */
static inline int vpipe_core_qbuf(struct vb2_buffer *vb)
{
#if KERNEL_BEFORE(6, 8)
	return vb2_core_qbuf(vb->vb2_queue, vb->index, NULL, NULL);
#else
	return vb2_core_qbuf(vb->vb2_queue, vb, NULL, NULL);
#endif
}

#endif /* VPIPE_COMPAT_H */
