// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A view is a window through which one reader sees frames without a copy: a dma-buf of
 * this module that can be mapped for reading and nothing else. It shows a frame from
 * VIDIOC_DQBUF until the reader queues the buffer again, or stops; before and after that
 * the memory of the reader's MMAP buffer, or where it was handed out by SHARE nothing.
 *
 * Devices and other drivers cannot have it: their mappings could neither be taken back
 * nor, by vmap, be kept from writing.
 */
#include <linux/dma-buf.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <media/videobuf2-vmalloc.h>

#include "loop.h"

/* Frames that are copied after the writer had to copy one: the reader keeps them for long. */
#define VLOOP_COPIES_AFTER_REPLACE	32

/*
 * With more mappings a view shows no memory of the writer's, who might have to undo them all:
 * a process can have 65,530, and each of its children as many.
 */
#define VLOOP_MAX_MAPPINGS	32

/* What a page fault maps at once, under a lock that the writer needs. */
#define VLOOP_INSERTED	SZ_256K

/* Nobody sees what was shown before when this returns. */
void vloop_view_zap(struct vloop_view *view)
{
	unmap_mapping_range(view->dbuf->file->f_mapping, 0, 0, 1);
}

/* What it shows, if any. Not what its reader is just done with. */
static struct vloop_frame *vloop_view_frame(const struct vloop_view *view)
{
	lockdep_assert_held(&view->dev->frames_lock);

	return view->clearing ? NULL : view->frame;
}

/* Shows the copy of its frame instead, or nothing. Lets go of the lock meanwhile. */
static void vloop_view_replace(struct vloop_view *view, struct vloop_frame *by)
	__must_hold(&view->dev->frames_lock)
{
	struct vloop_frame *frame = view->frame;
	struct vloop_dev *dev = view->dev;

	lockdep_assert_held(&dev->frames_lock);
	list_del_init(&view->entry);
	view->frame = by;
	view->copies = VLOOP_COPIES_AFTER_REPLACE;
	if (by) {
		by->refs++;
		list_add_tail(&view->entry, &by->views);
	}
	vloop_view_get(view);
	spin_unlock(&dev->frames_lock);
	vloop_view_zap(view);
	vloop_view_put(view);
	spin_lock(&dev->frames_lock);
	vloop_frame_put(dev, frame);
}

/*
 * To copy the frame that it shows, in a reader's time; with @writers only where it is an OUTPUT
 * buffer. False: there is none.
 */
static bool vloop_view_copy_begin(struct vloop_view *view, struct vloop_copier *copier,
				  bool writers)
{
	struct vloop_dev *dev = view->dev;
	struct vloop_frame *frame;

	spin_lock(&dev->frames_lock);
	frame = vloop_view_frame(view);
	if (frame && writers && !frame->vb)
		frame = NULL;
	if (frame) {
		frame->refs++;
		vloop_copier_take(copier, dev, frame);
	}
	spin_unlock(&dev->frames_lock);
	if (frame)
		vloop_copier_begin(copier);

	return frame;
}

/* Whoever looks at a frame of the writer's here has a copy from now on, without the writer. */
static void vloop_view_part(struct vloop_view *view)
{
	struct vloop_dev *dev = view->dev;
	struct vloop_copier copier;
	struct vloop_frame *copy;

	if (!vloop_view_copy_begin(view, &copier, true))
		return;
	copy = vloop_copier_frame(&copier);
	spin_lock(&dev->frames_lock);
	if (copier.frame && view->frame == copier.frame)
		vloop_view_replace(view, copy);
	vloop_copier_end_locked(&copier, copy ? copy->told.bytes : 0);
	if (copy)
		vloop_frame_put(dev, copy);
	spin_unlock(&dev->frames_lock);
}

/**
 * struct vloop_insertion - pages on their way into a view
 * @vma:	where they go
 * @memory:	what is to be seen at the beginning of the view
 */
struct vloop_insertion {
	const struct vm_area_struct *vma;
	const void *memory;
};

/*
 * Special: nobody can refer to the page itself, as a pipe (vmsplice), direct I/O or another
 * driver would. They would see it after the view is gone.
 */
static int vloop_insert_page(pte_t *pte, unsigned long address, void *data)
{
	const struct vloop_insertion *insertion = data;
	const struct vm_area_struct *vma = insertion->vma;
	unsigned long at = address - vma->vm_start + (vma->vm_pgoff << PAGE_SHIFT);
	unsigned long pfn = vmalloc_to_pfn(insertion->memory + at);

	/* Another thread may have been faster. */
	if (pte_none(ptep_get(pte)))
		set_pte_at(vma->vm_mm, address, pte,
			   pte_mkspecial(pfn_pte(pfn, vma->vm_page_prot)));

	return 0;
}

/* The first @bytes of what is to be seen; none: nothing is. */
static const void *vloop_view_memory(const struct vloop_view *view, unsigned long *bytes)
{
	const struct vloop_frame *frame = vloop_view_frame(view);

	if (!frame) {
		*bytes = view->dbuf->size;
		return view->own;
	}
	*bytes = PAGE_ALIGN(frame->told.bytes);

	return frame->vb ? vb2_plane_vaddr(frame->vb, 0) : frame->data;
}

/*
 * Inserts a piece from @address on, and returns where it ends: at @address where there is nothing
 * to be seen. What is shown cannot change meanwhile; what is inserted of it is unmapped by whoever
 * changes that. So a reader that does not go on holds nothing.
 */
static unsigned long vloop_view_insert(struct vloop_view *view, const struct vm_area_struct *vma,
				       unsigned long address)
{
	unsigned long at = address - vma->vm_start + (vma->vm_pgoff << PAGE_SHIFT);
	struct vloop_insertion insertion = { .vma = vma };
	unsigned long bytes;
	int ret = -ENODATA;

	spin_lock(&view->dev->frames_lock);
	insertion.memory = vloop_view_memory(view, &bytes);
	if (insertion.memory && at < bytes) {
		bytes = min3(bytes - at, vma->vm_end - address, (unsigned long)VLOOP_INSERTED);
		ret = apply_to_page_range(vma->vm_mm, address, bytes, vloop_insert_page,
					  &insertion);
	}
	spin_unlock(&view->dev->frames_lock);

	return ret ? address : address + bytes;
}

/*
 * All from the first page that is missed: a frame is seldom read in part. Page tables, which may
 * take long where memory is scarce, are made before.
 */
static vm_fault_t vloop_view_fault(struct vm_fault *vmf)
{
	struct vloop_view *view = vmf->vma->vm_private_data;
	unsigned long address = vmf->address & PAGE_MASK;
	unsigned long end = vmf->vma->vm_end;
	unsigned long at, next;

	if (apply_to_page_range(vmf->vma->vm_mm, address, end - address, NULL, NULL))
		return VM_FAULT_OOM;

	for (at = address; at < end; at = next) {
		next = vloop_view_insert(view, vmf->vma, at);
		if (next == at)
			break;
	}

	return at > address ? VM_FAULT_NOPAGE : VM_FAULT_SIGBUS;
}

static bool vloop_view_is_crowded(const struct vloop_view *view)
{
	return atomic_read(&view->mappings) > VLOOP_MAX_MAPPINGS;
}

static void vloop_view_open(struct vm_area_struct *vma)
{
	struct vloop_view *view = vma->vm_private_data;

	atomic_inc(&view->mappings);
	if (vloop_view_is_crowded(view))
		vloop_view_part(view);
}

static void vloop_view_close(struct vm_area_struct *vma)
{
	struct vloop_view *view = vma->vm_private_data;

	atomic_dec(&view->mappings);
}

static const struct vm_operations_struct vloop_view_vm_ops = {
	.open = vloop_view_open,
	.close = vloop_view_close,
	.fault = vloop_view_fault,
};

/*
 * The dma-buf
 */

static int vloop_view_mmap(struct dma_buf *dbuf, struct vm_area_struct *vma)
{
	struct vloop_view *view = dbuf->priv;

	if (vma->vm_flags & VM_WRITE)
		return -EACCES;
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;

	vm_flags_clear(vma, VM_MAYWRITE);
	if (view->imported)
		return dma_buf_mmap(view->imported, vma, vma->vm_pgoff);

	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = view;
	vma->vm_ops = &vloop_view_vm_ops;
	vloop_view_open(vma);

	return 0;
}

static int vloop_view_begin(struct dma_buf *dbuf, enum dma_data_direction direction)
{
	struct vloop_view *view = dbuf->priv;

	if (direction != DMA_FROM_DEVICE)
		return -EACCES;

	return view->imported ? dma_buf_begin_cpu_access(view->imported, direction) : 0;
}

static int vloop_view_end(struct dma_buf *dbuf, enum dma_data_direction direction)
{
	struct vloop_view *view = dbuf->priv;

	if (direction != DMA_FROM_DEVICE)
		return -EACCES;

	return view->imported ? dma_buf_end_cpu_access(view->imported, direction) : 0;
}

static int vloop_view_attach(struct dma_buf *dbuf, struct dma_buf_attachment *attachment)
{
	return -EOPNOTSUPP;
}

/* Nobody is attached. */
static struct sg_table *vloop_view_map(struct dma_buf_attachment *attachment,
				       enum dma_data_direction direction)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static void vloop_view_unmap(struct dma_buf_attachment *attachment, struct sg_table *table,
			     enum dma_data_direction direction)
{
}

static void vloop_view_release(struct dma_buf *dbuf)
{
	struct vloop_view *view = dbuf->priv;

	if (view->keep)
		dma_buf_put(view->keep);
	if (view->imported)
		dma_buf_put(view->imported);
	v4l2_device_put(&view->dev->v4l2_dev);
	kfree(view);
}

static const struct dma_buf_ops vloop_view_ops = {
	.attach = vloop_view_attach,
	.map_dma_buf = vloop_view_map,
	.unmap_dma_buf = vloop_view_unmap,
	.begin_cpu_access = vloop_view_begin,
	.end_cpu_access = vloop_view_end,
	.mmap = vloop_view_mmap,
	.release = vloop_view_release,
};

/* Of @size bytes. An error pointer where it cannot be had. */
struct dma_buf *vloop_view_create(struct vloop_dev *dev, size_t size)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct vloop_view *view;
	struct dma_buf *dbuf;

	view = kzalloc(sizeof(*view), GFP_KERNEL);
	if (!view)
		return ERR_PTR(-ENOMEM);

	view->dev = dev;
	INIT_LIST_HEAD(&view->entry);
	info.exp_name = VPIPE_WINDOW;
	info.ops = &vloop_view_ops;
	info.size = PAGE_ALIGN(size);
	info.flags = O_RDONLY;
	info.priv = view;
	dbuf = dma_buf_export(&info);
	if (IS_ERR(dbuf)) {
		kfree(view);
		return dbuf;
	}
	view->dbuf = dbuf;
	/* It may outlast the node. */
	v4l2_device_get(&dev->v4l2_dev);

	return dbuf;
}

/* A window to what somebody else made and the writer lends. Takes the reference over. */
struct dma_buf *vloop_view_import(struct vloop_dev *dev, struct dma_buf *imported)
{
	struct dma_buf *dbuf = vloop_view_create(dev, imported->size);

	if (IS_ERR(dbuf))
		dma_buf_put(imported);
	else
		((struct vloop_view *)dbuf->priv)->imported = imported;

	return dbuf;
}

/* None where it is some other dma-buf. */
struct vloop_view *vloop_view_of(const struct dma_buf *dbuf)
{
	return dbuf && dbuf->ops == &vloop_view_ops ? dbuf->priv : NULL;
}

/* A reader of that node can have it in a queue, if it can be had there at all. */
bool vloop_view_may_be_queued(const struct dma_buf *dbuf, const struct vloop_dev *dev)
{
	const struct vloop_view *view = vloop_view_of(dbuf);

	return !view || view->dev == dev;
}

void vloop_view_get(struct vloop_view *view)
{
	get_dma_buf(view->dbuf);
}

void vloop_view_put(struct vloop_view *view)
{
	dma_buf_put(view->dbuf);
}

/*
 * Showing
 */

/* Whether frames are to be copied, for the writer's sake. */
bool vloop_view_is_spared(const struct vloop_view *view)
{
	lockdep_assert_held(&view->dev->frames_lock);

	return view->copies || vloop_view_is_crowded(view);
}

void vloop_view_was_spared(struct vloop_view *view)
{
	lockdep_assert_held(&view->dev->frames_lock);
	if (view->copies)
		view->copies--;
}

/*
 * Shows a frame, which it refers to from now on, after a vloop_view_zap() that the caller owes
 * it. It has shown none.
 */
void vloop_view_set(struct vloop_view *view, struct vloop_frame *frame)
{
	lockdep_assert_held(&view->dev->frames_lock);
	view->frame = frame;
	view->clearing = false;
	view->turn++;
	frame->refs++;
	list_add_tail(&view->entry, &frame->views);
}

/*
 * Nobody sees the frame when this returns. Unmapping it may take long, so until then the writer can
 * do that itself.
 */
void vloop_view_clear(struct vloop_view *view)
{
	struct vloop_dev *dev = view->dev;
	struct vloop_frame *frame;
	u32 turn;

	spin_lock(&dev->frames_lock);
	view->clearing = true;
	turn = view->turn;
	spin_unlock(&dev->frames_lock);
	vloop_view_zap(view);
	spin_lock(&dev->frames_lock);
	frame = view->frame;
	/* Another thread may have been faster, and show the next one already. */
	if (frame && view->turn == turn) {
		view->frame = NULL;
		list_del_init(&view->entry);
		vloop_frame_put(dev, frame);
	}
	spin_unlock(&dev->frames_lock);
}

/* The frame that it shows is its user's from now on, in the buffer's own memory. */
void vloop_view_keep(struct vloop_view *view)
{
	struct vloop_copier copier;
	bool ended = false;
	u32 bytes;

	/* Who was told to stop is shown a copy by now. */
	while (!ended && vloop_view_copy_begin(view, &copier, false)) {
		bytes = min_t(u32, copier.told.bytes, view->dbuf->size);
		if (!view->own || vloop_copier_copy(&copier, view->own, bytes))
			bytes = 0;
		ended = vloop_copier_end(&copier, bytes);
	}
	if (ended)
		vloop_view_clear(view);
}

/* All that show @frame show the copy instead, or nothing. Lets go of the lock meanwhile. */
void vloop_views_replace(struct vloop_dev *dev, struct vloop_frame *frame, struct vloop_frame *by)
	__must_hold(&dev->frames_lock)
{
	lockdep_assert_held(&dev->frames_lock);
	while (!list_empty(&frame->views))
		vloop_view_replace(list_first_entry(&frame->views, struct vloop_view, entry), by);
}

/* One that belongs to an MMAP buffer. An error pointer where it cannot be had. */
struct vloop_view *vloop_view_of_buffer(struct vloop_dev *dev, struct vb2_buffer *vb)
{
	struct vloop_view *view;
	struct dma_buf *dbuf;

	dbuf = vloop_view_create(dev, vb2_plane_size(vb, 0));
	if (IS_ERR(dbuf))
		return ERR_CAST(dbuf);

	view = dbuf->priv;
	view->keep = vb2_vmalloc_memops.get_dmabuf(vb, vb->planes[0].mem_priv, O_RDONLY);
	if (!view->keep) {
		dma_buf_put(dbuf);
		return ERR_PTR(-ENOMEM);
	}
	view->own = vb2_plane_vaddr(vb, 0);

	return view;
}
