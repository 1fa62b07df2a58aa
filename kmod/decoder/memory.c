// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The memory of buffers. It is the daemon that looks at it, so the kernel maps nothing
 * that is imported, and has a dma-buf of what it allocates itself.
 */
#include <linux/fcntl.h>

#include "dec.h"

struct vpipe_memory vpdec_memops __ro_after_init;

/* EOPNOTSUPP: this kernel has no dma-bufs of such memory. */
int __init vpdec_memory_init(void)
{
	vpipe_memory_init(&vpdec_memops, 0);

	return vpdec_memops.ops.get_dmabuf ? 0 : -EOPNOTSUPP;
}

static struct dma_buf **vpdec_exports(struct vpdec_ctx *ctx, const struct vb2_buffer *vb)
{
	return ctx->exports[V4L2_TYPE_IS_CAPTURE(vb->type)][vb->index];
}

/*
 * Makes a buffer's dma-bufs, where it has none yet. The daemon asks for them when it may
 * not wait for memory or for the client; it is told if there are none.
 */
void vpdec_memory_share(struct vpdec_ctx *ctx, struct vb2_buffer *vb)
{
	struct dma_buf **exports = vpdec_exports(ctx, vb);
	unsigned long flags = V4L2_TYPE_IS_CAPTURE(vb->type) ? O_RDWR : O_RDONLY;
	unsigned int i;

	lockdep_assert_held(&ctx->lock);
	if (vb->memory != VB2_MEMORY_MMAP)
		return;
	for (i = 0; i < vb->num_planes; i++)
		if (!exports[i])
			exports[i] = vpdec_memops.ops.get_dmabuf(vb, vb->planes[i].mem_priv, flags);
}

/* The buffer is to have other memory, or none. */
void vpdec_memory_drop(struct vpdec_ctx *ctx, struct vb2_buffer *vb)
{
	struct dma_buf **exports = vpdec_exports(ctx, vb);
	unsigned int i;

	for (i = 0; i < VPIPE_DEC_MAX_PLANES; i++) {
		if (exports[i])
			dma_buf_put(exports[i]);
		exports[i] = NULL;
	}
}

/* A plane of a buffer in the daemon's hands, under the stream's lock, counted; or NULL. */
struct dma_buf *vpdec_memory_get(struct vpdec_ctx *ctx, struct vb2_buffer *vb, unsigned int plane)
{
	struct dma_buf *dbuf = vb->memory == VB2_MEMORY_DMABUF ? vb->planes[plane].dbuf :
								 vpdec_exports(ctx, vb)[plane];

	if (dbuf)
		get_dma_buf(dbuf);

	return dbuf;
}
