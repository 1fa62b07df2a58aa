// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A reader that maps its MMAP buffers for reading alone need not get a copy: what it
 * sees there can be the memory of the writer's buffer. A view is such a mapping. It
 * shows the buffer's own memory at first, the writer's from the first frame that
 * comes in it, and the buffer's own again, with a copy of the frame, whenever the
 * writer cannot wait until the reader is done.
 */
#include <linux/dma-buf.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <media/videobuf2-vmalloc.h>

#include "loop.h"

/**
 * struct loop_view - the mappings of one buffer
 * @kref:	the buffer, and each mapping
 * @lock:	of @shown: a page is mapped as long as it is shown
 * @own:	the buffer's own memory
 * @shown:	what is to be seen
 * @keep:	keeps @own
 * @mapping:	of the file, in which all mappings of it are found
 * @offset:	of the buffer in the file, in bytes
 * @size:	of the buffer, in bytes
 */
struct loop_view {
	struct kref kref;
	struct mutex lock; /* of shown */
	void *own;
	void *shown;
	struct dma_buf *keep;
	struct address_space *mapping;
	loff_t offset;
	size_t size;
};

static void loop_view_free(struct kref *kref)
{
	struct loop_view *view = container_of(kref, struct loop_view, kref);

	dma_buf_put(view->keep);
	mutex_destroy(&view->lock);
	kfree(view);
}

/*
 * @memory, or the buffer's own where it is NULL. When this returns nobody sees what was
 * shown before.
 */
void loop_view_show(struct loop_view *view, void *memory)
{
	bool changed;

	if (!memory)
		memory = view->own;
	mutex_lock(&view->lock);
	changed = view->shown != memory;
	view->shown = memory;
	mutex_unlock(&view->lock);
	if (changed)
		unmap_mapping_range(view->mapping, view->offset, view->size, 1);
}

static void loop_view_put(struct loop_view *view)
{
	kref_put(&view->kref, loop_view_free);
}

/* The buffer goes; those who still map it see its own memory, which stays. */
void loop_view_detach(struct loop_dev *dev, struct loop_buf *buf)
{
	struct loop_view *view = buf->view;

	if (!view)
		return;
	spin_lock(&dev->frames_lock);
	buf->view = NULL;
	spin_unlock(&dev->frames_lock);
	loop_view_put(view);
}

static void loop_view_open(struct vm_area_struct *vma)
{
	struct loop_view *view = vma->vm_private_data;

	kref_get(&view->kref);
}

static void loop_view_close(struct vm_area_struct *vma)
{
	loop_view_put(vma->vm_private_data);
}

/* All pages from the first one that is missed: a frame is seldom read in part. */
static vm_fault_t loop_view_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct loop_view *view = vma->vm_private_data;
	pgoff_t first = view->offset >> PAGE_SHIFT;
	unsigned long address = vmf->address & PAGE_MASK;
	pgoff_t page = vmf->pgoff - first;
	int ret;

	mutex_lock(&view->lock);
	ret = vm_insert_page(vma, address, vmalloc_to_page(view->shown + page * PAGE_SIZE));
	while (!ret && (address += PAGE_SIZE) < vma->vm_end) {
		page++;
		if (vm_insert_page(vma, address, vmalloc_to_page(view->shown + page * PAGE_SIZE)))
			break;
	}
	mutex_unlock(&view->lock);

	switch (ret) {
	case 0:
	case -EBUSY:
		return VM_FAULT_NOPAGE;
	case -ENOMEM:
		return VM_FAULT_OOM;
	default:
		return VM_FAULT_SIGBUS;
	}
}

static const struct vm_operations_struct loop_view_vm_ops = {
	.open = loop_view_open,
	.close = loop_view_close,
	.fault = loop_view_fault,
};

static struct loop_view *loop_view_create(struct vb2_buffer *vb, struct file *filp, loff_t offset)
{
	struct loop_view *view;

	view = kzalloc(sizeof(*view), GFP_KERNEL);
	if (!view)
		return NULL;

	view->keep = vb2_vmalloc_memops.get_dmabuf(vb, vb->planes[0].mem_priv, O_RDONLY);
	if (!view->keep) {
		kfree(view);
		return NULL;
	}
	kref_init(&view->kref);
	mutex_init(&view->lock);
	view->own = vb2_plane_vaddr(vb, 0);
	view->shown = view->own;
	view->mapping = filp->f_mapping;
	view->offset = offset;
	view->size = PAGE_ALIGN(vb2_plane_size(vb, 0));

	return view;
}

/* The buffer that @offset in the file is of, and nothing behind it. */
static struct vb2_buffer *loop_find_buffer(struct vb2_queue *q, loff_t offset)
{
	struct vb2_buffer *vb;
	unsigned int i;

	lockdep_assert_held(&q->mmap_lock);
	if (q->memory != VB2_MEMORY_MMAP)
		return NULL;

	for (i = 0; i < LOOP_MAX_BUFFERS; i++) {
		vb = vb2_get_buffer(q, i);
		/* Without memory it is one that videobuf2 is just making. */
		if (vb && vb->planes[0].mem_priv &&
		    vb->planes[0].m.offset + LOOP_CAPTURE_OFFSET == offset)
			return vb;
	}

	return NULL;
}

static int loop_view_map(struct loop_file *file, struct file *filp, struct vm_area_struct *vma)
{
	loff_t offset = (loff_t)vma->vm_pgoff << PAGE_SHIFT;
	struct vb2_buffer *vb = loop_find_buffer(&file->cap, offset);
	struct loop_view *view;
	struct loop_buf *buf;

	if (!vb || !(vma->vm_flags & VM_SHARED) || !(vma->vm_flags & VM_READ) ||
	    vma->vm_end - vma->vm_start > PAGE_ALIGN(vb2_plane_size(vb, 0)))
		return -EINVAL;

	buf = loop_to_buf(vb);
	view = buf->view;
	if (!view) {
		view = loop_view_create(vb, filp, offset);
		if (!view)
			return -ENOMEM;
		spin_lock(&file->dev->frames_lock);
		buf->view = view;
		spin_unlock(&file->dev->frames_lock);
	}

	vm_flags_clear(vma, VM_MAYWRITE);
	vm_flags_set(vma, VM_MIXEDMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = view;
	vma->vm_ops = &loop_view_vm_ops;
	loop_view_open(vma);

	return 0;
}

/* Whoever may write to it gets the buffer's own memory for good. */
static int loop_own_map(struct loop_file *file, struct vm_area_struct *vma)
{
	loff_t offset = (loff_t)vma->vm_pgoff << PAGE_SHIFT;
	struct vb2_queue *q = &file->cap;
	struct vb2_buffer *vb;

	mutex_lock(&q->mmap_lock);
	vb = loop_find_buffer(q, offset);
	if (vb)
		loop_buf_own(file->dev, loop_to_buf(vb), true);
	mutex_unlock(&q->mmap_lock);
	vma->vm_pgoff -= LOOP_CAPTURE_OFFSET >> PAGE_SHIFT;

	return vb2_mmap(q, vma);
}

/* mmap(2) of a CAPTURE buffer. */
int loop_capture_mmap(struct loop_file *file, struct file *filp, struct vm_area_struct *vma)
{
	int ret;

	if (vma->vm_flags & VM_WRITE)
		return loop_own_map(file, vma);

	mutex_lock(&file->cap.mmap_lock);
	ret = loop_view_map(file, filp, vma);
	mutex_unlock(&file->cap.mmap_lock);

	return ret;
}
