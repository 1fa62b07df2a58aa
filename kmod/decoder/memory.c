// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The memory of buffers. It is the daemon that looks at it, so the kernel maps nothing
 * that is imported, and has a dma-buf of what it allocates itself.
 *
 * An imported plane is its dma-buf and no more, so attaching it cannot fail: videobuf2
 * forgets the dma-buf of a plane that is not attached, and of those behind it. What is
 * wrong with a plane is found when the buffer is prepared.
 */
#include <linux/dma-buf.h>
#include <linux/fcntl.h>

#include <media/videobuf2-v4l2.h>
#include <media/videobuf2-vmalloc.h>

#include "dec.h"

struct vb2_mem_ops vdec_mem_ops __ro_after_init;

/* In place of what videobuf2 has for memory of its own. */
static char vdec_imported;

static void *vdec_attach_dmabuf(struct vb2_buffer *vb, struct device *dev, struct dma_buf *dbuf,
				unsigned long size)
{
	return &vdec_imported;
}

static void vdec_detach_dmabuf(void *mem_priv)
{
}

static int vdec_map_dmabuf(void *mem_priv)
{
	return 0;
}

static unsigned int vdec_num_users(void *mem_priv)
{
	return mem_priv == &vdec_imported ? 0 : vb2_vmalloc_memops.num_users(mem_priv);
}

static void *vdec_vaddr(struct vb2_buffer *vb, void *mem_priv)
{
	return mem_priv == &vdec_imported ? NULL : vb2_vmalloc_memops.vaddr(vb, mem_priv);
}

/* EOPNOTSUPP: this kernel has no dma-bufs of such memory. */
int __init vdec_memory_init(void)
{
	vdec_mem_ops = vb2_vmalloc_memops;
	if (!vdec_mem_ops.get_dmabuf)
		return -EOPNOTSUPP;
	vdec_mem_ops.attach_dmabuf = vdec_attach_dmabuf;
	vdec_mem_ops.detach_dmabuf = vdec_detach_dmabuf;
	vdec_mem_ops.map_dmabuf = vdec_map_dmabuf;
	vdec_mem_ops.unmap_dmabuf = vdec_detach_dmabuf;
	vdec_mem_ops.vaddr = vdec_vaddr;
	vdec_mem_ops.num_users = vdec_num_users;

	return 0;
}

/* Whether what is imported is as long as the client says. */
bool vdec_memory_suffices(const struct vb2_buffer *vb)
{
	unsigned int i;

	if (vb->memory != VB2_MEMORY_DMABUF)
		return true;
	for (i = 0; i < vb->num_planes; i++)
		if (vb->planes[i].length > vb->planes[i].dbuf->size)
			return false;

	return true;
}

static struct dma_buf **vdec_exports(struct vdec_ctx *ctx, const struct vb2_buffer *vb)
{
	return ctx->exports[V4L2_TYPE_IS_CAPTURE(vb->type)][vb->index];
}

/*
 * Makes a buffer's dma-bufs, where it has none yet. The daemon asks for them when it may
 * not wait for memory or for the client; it is told if there are none.
 */
void vdec_memory_share(struct vdec_ctx *ctx, struct vb2_buffer *vb)
{
	struct dma_buf **exports = vdec_exports(ctx, vb);
	unsigned long flags = V4L2_TYPE_IS_CAPTURE(vb->type) ? O_RDWR : O_RDONLY;
	unsigned int i;

	lockdep_assert_held(&ctx->lock);
	if (vb->memory != VB2_MEMORY_MMAP)
		return;
	for (i = 0; i < vb->num_planes; i++)
		if (!exports[i])
			exports[i] = vdec_mem_ops.get_dmabuf(vb, vb->planes[i].mem_priv, flags);
}

/* The buffer is to have other memory, or none. */
void vdec_memory_drop(struct vdec_ctx *ctx, struct vb2_buffer *vb)
{
	struct dma_buf **exports = vdec_exports(ctx, vb);
	unsigned int i;

	for (i = 0; i < VPIPE_DEC_MAX_PLANES; i++) {
		if (exports[i])
			dma_buf_put(exports[i]);
		exports[i] = NULL;
	}
}

/* A plane of a buffer in the daemon's hands, under the stream's lock, counted; or NULL. */
struct dma_buf *vdec_memory_get(struct vdec_ctx *ctx, struct vb2_buffer *vb, unsigned int plane)
{
	struct dma_buf *dbuf = vb->memory == VB2_MEMORY_DMABUF ? vb->planes[plane].dbuf :
								 vdec_exports(ctx, vb)[plane];

	if (dbuf)
		get_dma_buf(dbuf);

	return dbuf;
}
