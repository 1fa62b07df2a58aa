// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The memory of buffers: where the kernel sees it.
 */
#include "loop.h"

struct vpipe_memory vloop_memops __ro_after_init;

void __init vloop_memory_init(void)
{
	/* Of either kind of buffer. */
	static_assert(offsetof(struct vloop_out, map) == offsetof(struct vloop_buf, map));
	vpipe_memory_init(&vloop_memops, &vb2_vmalloc_memops, vpipe_vmalloc_users,
			  offsetof(struct vloop_buf, map));
}

/* False: it stays mapped as it was already. Its frame is referred to. */
bool vloop_keep_map_locked(struct vb2_buffer *vb, const struct iosys_map *mapped)
{
	if (!iosys_map_is_null(vpipe_import_map(vb)))
		return false;
	vpipe_memory_keep_map(vb, mapped);

	return true;
}

static bool vloop_keep_map(struct vloop_dev *dev, struct vb2_buffer *vb,
			   const struct iosys_map *mapped)
{
	bool kept;

	spin_lock(&dev->frames_lock);
	kept = vloop_keep_map_locked(vb, mapped);
	spin_unlock(&dev->frames_lock);

	return kept;
}

/*
 * Maps what a writer imported, if it is not. Several may do so at a time, without waiting for each
 * other: one mapping stays.
 */
static void vloop_map_frame(struct vloop_dev *dev, struct vb2_buffer *vb)
{
	struct dma_buf *dbuf = vb->planes[0].dbuf;
	struct iosys_map mapped;

	if (dma_buf_vmap_unlocked(dbuf, &mapped))
		return;
	if (!vloop_keep_map(dev, vb, &mapped))
		dma_buf_vunmap_unlocked(dbuf, &mapped);
}

/* A frame that nobody copies is not mapped. */
static void *vloop_vaddr(struct vb2_buffer *vb)
{
	struct vloop_file *file = vb2_get_drv_priv(vb->vb2_queue);
	void *vaddr = vb2_plane_vaddr(vb, 0);

	if (vaddr || vb->memory != VB2_MEMORY_DMABUF)
		return vaddr;

	/* A reader's own may be of any size: that is mapped under its file's lock alone. */
	if (vloop_is_capture(vb->vb2_queue)) {
		lockdep_assert_held(&file->lock);
		vpipe_memory_map(vb);
		return vb2_plane_vaddr(vb, 0);
	}

	vloop_map_frame(file->dev, vb);

	return vb2_plane_vaddr(vb, 0);
}

static enum dma_data_direction vloop_direction(struct vb2_buffer *vb)
{
	return vloop_is_capture(vb->vb2_queue) ? DMA_TO_DEVICE : DMA_FROM_DEVICE;
}

/*
 * For the CPU: reading a frame, or writing to a reader's buffer. None: not to be had. Who queued it
 * has waited, see vloop_buf_prepare(): nobody else does for what the buffer was given since.
 */
void *vloop_access_begin(struct vb2_buffer *vb)
{
	void *vaddr;

	if (vloop_is_capture(vb->vb2_queue) && !vpipe_memory_is_writable(vb))
		return NULL;
	vaddr = vloop_vaddr(vb);

	return vaddr && !vpipe_memory_begin_now(vb, vloop_direction(vb)) ? vaddr : NULL;
}

void vloop_access_end(struct vb2_buffer *vb)
{
	vpipe_memory_end(vb, vloop_direction(vb));
}
