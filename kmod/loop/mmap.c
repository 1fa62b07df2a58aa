// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * mmap(2) of CAPTURE buffers: their own memory, or a view where that may show the writer's.
 */
#include <linux/mm.h>

#include <media/videobuf2-vmalloc.h>

#include "loop.h"

/* The buffer that @offset in the file is of, and nothing behind it. */
static struct vb2_buffer *vloop_find_buffer(struct vb2_queue *q, loff_t offset)
{
	struct vb2_buffer *vb;
	unsigned int i;

	lockdep_assert_held(&q->mmap_lock);
	if (q->memory != VB2_MEMORY_MMAP)
		return NULL;

	for (i = 0; i < VLOOP_MAX_BUFFERS; i++) {
		vb = vb2_get_buffer(q, i);
		/* Without memory it is one that videobuf2 is just making. */
		if (vb && vb->planes[0].mem_priv &&
		    vb->planes[0].m.offset + VLOOP_CAPTURE_OFFSET == offset)
			return vb;
	}

	return NULL;
}

static int vloop_map_view(struct vloop_file *file, struct vm_area_struct *vma)
{
	loff_t offset = (loff_t)vma->vm_pgoff << PAGE_SHIFT;
	struct vb2_buffer *vb = vloop_find_buffer(&file->cap, offset);
	struct vloop_view *view;
	struct vloop_buf *buf;

	if (!vb || !(vma->vm_flags & VM_MAYSHARE) || !(vma->vm_flags & VM_READ))
		return -EINVAL;

	buf = vloop_to_buf(vb);
	view = buf->view;
	if (!view) {
		view = vloop_view_of_buffer(file->dev, vb);
		if (IS_ERR(view))
			return PTR_ERR(view);
		/* Pairs with the acquire in vloop_view_in(). */
		smp_store_release(&buf->view, view);
	}

	return dma_buf_mmap(view->dbuf, vma, 0);
}

/*
 * Whoever may write to it gets the buffer's own memory for good, as does everybody where
 * videobuf2 has no dma-bufs.
 */
static int vloop_map_own(struct vloop_file *file, struct vm_area_struct *vma)
{
	loff_t offset = (loff_t)vma->vm_pgoff << PAGE_SHIFT;
	struct vb2_queue *q = &file->cap;
	struct vb2_buffer *vb;

	mutex_lock(&q->mmap_lock);
	vb = vloop_find_buffer(q, offset);
	if (vb) {
		WRITE_ONCE(vloop_to_buf(vb)->own, true);
		if (vloop_to_buf(vb)->view)
			vloop_view_keep(vloop_to_buf(vb)->view);
	}
	mutex_unlock(&q->mmap_lock);
	/* There are bits of an offset that videobuf2 does not look at. */
	if (!vb)
		return -EINVAL;
	vma->vm_pgoff -= VLOOP_CAPTURE_OFFSET >> PAGE_SHIFT;

	return vb2_mmap(q, vma);
}

/* mmap(2) of a CAPTURE buffer. */
int vloop_capture_mmap(struct vloop_file *file, struct vm_area_struct *vma)
{
	int ret;

	if (vma->vm_flags & VM_WRITE || !READ_ONCE(vloop_show_mmap) ||
	    !vb2_vmalloc_memops.get_dmabuf)
		return vloop_map_own(file, vma);

	mutex_lock(&file->cap.mmap_lock);
	ret = vloop_map_view(file, vma);
	mutex_unlock(&file->cap.mmap_lock);

	return ret;
}
