// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The memory of buffers: where the kernel sees it.
 */
#include <linux/mutex.h>

#include "loop.h"

struct vpipe_memory vloop_memops __ro_after_init;

void __init vloop_memory_init(void)
{
	/* Of either kind of buffer. */
	static_assert(offsetof(struct vloop_out, map) == offsetof(struct vloop_buf, map));
	vpipe_memory_init(&vloop_memops, &vb2_vmalloc_memops, vpipe_vmalloc_users,
			  offsetof(struct vloop_buf, map));
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

	mutex_lock(&file->dev->map_lock);
	vpipe_memory_map(vb);
	mutex_unlock(&file->dev->map_lock);

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
