/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The memory of the modules' buffers: one of videobuf2's own, but for what is imported.
 *
 * A dma-buf that cannot be attached, be it for want of memory or because the client says
 * it is longer than it is, videobuf2 forgets without letting go of it, and those of the
 * planes behind it. So attaching does not fail here: it allocates nothing, as what an
 * import needs has room in its buffer, and the length is looked at when the buffer is
 * prepared.
 *
 * Mapping a dma-buf takes time in proportion to its size, and not every frame is looked
 * at. So it is mapped by whoever looks, and stays so until videobuf2 lets go of it.
 */
#ifndef VPIPE_MEMORY_H
#define VPIPE_MEMORY_H

#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/iosys-map.h>

#include <media/videobuf2-v4l2.h>
#include <media/videobuf2-vmalloc.h>

#include "compat.h"

/**
 * struct vpipe_memory - what queues do with memory
 * @ops:	for the queues
 * @own:	videobuf2's, of what is not imported
 * @map:	where in their buffers, which have one plane then, there is a struct iosys_map
 *		for what is imported; 0 where that is never mapped
 */
struct vpipe_memory {
	struct vb2_mem_ops ops;
	const struct vb2_mem_ops *own;
	size_t map;
};

/* Set in what videobuf2 has for a plane that is imported; the rest is its buffer. */
#define VPIPE_IMPORTED	1UL

/* None where the memory is of another kind. */
static inline struct vb2_buffer *vpipe_importer(void *mem_priv)
{
	unsigned long at = (unsigned long)mem_priv;

	return at & VPIPE_IMPORTED ? (struct vb2_buffer *)(at & ~VPIPE_IMPORTED) : NULL;
}

static inline const struct vpipe_memory *vpipe_memory_of(const struct vb2_buffer *vb)
{
	return container_of(vb->vb2_queue->mem_ops, const struct vpipe_memory, ops);
}

static inline struct iosys_map *vpipe_import_map(struct vb2_buffer *vb)
{
	const struct vpipe_memory *memory = vpipe_memory_of(vb);

	return memory->map ? (void *)vb + memory->map : NULL;
}

static inline void *vpipe_attach_dmabuf(struct vb2_buffer *vb, struct device *dev,
					struct dma_buf *dbuf, unsigned long size)
{
	return (void *)((unsigned long)vb | VPIPE_IMPORTED);
}

static inline void vpipe_detach_dmabuf(void *mem_priv)
{
	struct vb2_buffer *vb = vpipe_importer(mem_priv);
	struct iosys_map *map = vpipe_import_map(vb);

	if (!map || iosys_map_is_null(map))
		return;
	dma_buf_vunmap_unlocked(vb->planes[0].dbuf, map);
	iosys_map_clear(map);
}

static inline int vpipe_map_dmabuf(void *mem_priv)
{
	return 0;
}

static inline void vpipe_unmap_dmabuf(void *mem_priv)
{
}

/*
 * None for what is imported and has not been mapped. Memory of a device would have to be
 * read another way; no exporter of such is known here.
 */
static inline void *vpipe_vaddr(struct vb2_buffer *vb, void *mem_priv)
{
	struct iosys_map *map;
	void *vaddr;

	if (!vpipe_importer(mem_priv))
		return vpipe_memory_of(vb)->own->vaddr(vb, mem_priv);
	map = vpipe_import_map(vb);
	if (!map)
		return NULL;
	/* Pairs with the release in vpipe_memory_map(). */
	vaddr = smp_load_acquire(&map->vaddr);

	return vaddr && !map->is_iomem ? vaddr : NULL;
}

/* Is not told of which queue: there is one for each of videobuf2's own. */
static inline unsigned int vpipe_vmalloc_users(void *mem_priv)
{
	return vpipe_importer(mem_priv) ? 0 : vb2_vmalloc_memops.num_users(mem_priv);
}

static inline void vpipe_memory_init(struct vpipe_memory *memory, const struct vb2_mem_ops *own,
				     unsigned int (*num_users)(void *mem_priv), size_t map)
{
	memory->own = own;
	memory->map = map;
	memory->ops = *own;
	/* They would take what is imported for their own, which is coherent and needs neither. */
	memory->ops.prepare = NULL;
	memory->ops.finish = NULL;
	memory->ops.attach_dmabuf = vpipe_attach_dmabuf;
	memory->ops.detach_dmabuf = vpipe_detach_dmabuf;
	memory->ops.map_dmabuf = vpipe_map_dmabuf;
	memory->ops.unmap_dmabuf = vpipe_unmap_dmabuf;
	memory->ops.vaddr = vpipe_vaddr;
	memory->ops.num_users = num_users;
}

/* Has what is imported stay mapped. One at a time; others may ask for the address. */
static inline void vpipe_memory_keep_map(struct vb2_buffer *vb, const struct iosys_map *mapped)
{
	struct iosys_map *map = vpipe_import_map(vb);

	map->is_iomem = mapped->is_iomem;
	/* Pairs with the acquire in vpipe_vaddr(). */
	smp_store_release(&map->vaddr, mapped->vaddr);
}

/* Maps what is imported, if it is not. One at a time, too. */
static inline int vpipe_memory_map(struct vb2_buffer *vb)
{
	struct iosys_map mapped;
	int ret;

	if (vb->memory != VB2_MEMORY_DMABUF || !iosys_map_is_null(vpipe_import_map(vb)))
		return 0;

	ret = dma_buf_vmap_unlocked(vb->planes[0].dbuf, &mapped);
	if (!ret)
		vpipe_memory_keep_map(vb, &mapped);

	return ret;
}

/* Between these two the CPU reads or writes what is imported; there is one plane. */
static inline int vpipe_memory_begin(struct vb2_buffer *vb, enum dma_data_direction direction)
{
	return vb->memory == VB2_MEMORY_DMABUF ?
	       dma_buf_begin_cpu_access(vb->planes[0].dbuf, direction) : 0;
}

static inline void vpipe_memory_end(struct vb2_buffer *vb, enum dma_data_direction direction)
{
	if (vb->memory == VB2_MEMORY_DMABUF)
		dma_buf_end_cpu_access(vb->planes[0].dbuf, direction);
}

/*
 * Without waiting for what writes to it, or reads it, as dma_buf_begin_cpu_access() does. Some
 * exporters (i915) wait themselves, so they are not told where there is something to wait for:
 * who has given it a fence since it was queued gets what is there.
 */
static inline int vpipe_dmabuf_begin_now(struct dma_buf *dbuf, enum dma_data_direction direction)
{
	enum dma_resv_usage usage = dma_resv_usage_rw(direction != DMA_FROM_DEVICE);

	if (!dbuf->ops->begin_cpu_access || !dma_resv_test_signaled(dbuf->resv, usage))
		return 0;

	return dbuf->ops->begin_cpu_access(dbuf, direction);
}

static inline int vpipe_memory_begin_now(struct vb2_buffer *vb, enum dma_data_direction direction)
{
	return vb->memory == VB2_MEMORY_DMABUF ?
	       vpipe_dmabuf_begin_now(vb->planes[0].dbuf, direction) : 0;
}

/*
 * Who queues a buffer waits for whatever writes to what is imported, or where it is to be
 * written to uses it at all, and may be killed meanwhile. Otherwise others would: who is to
 * read it or fill it.
 */
static inline int vpipe_memory_wait(const struct vb2_buffer *vb)
{
	enum dma_resv_usage usage = dma_resv_usage_rw(V4L2_TYPE_IS_CAPTURE(vb->type));
	unsigned int i;
	long ret;

	if (vb->memory != VB2_MEMORY_DMABUF)
		return 0;
	for (i = 0; i < vb->num_planes; i++) {
		ret = dma_resv_wait_timeout(vb->planes[i].dbuf->resv, usage, true,
					    MAX_SCHEDULE_TIMEOUT);
		if (ret < 0)
			return ret;
	}

	return 0;
}

/*
 * Whether nobody would wait there. A request is queued under a lock that all files of the
 * device need to start, to stop and to close.
 */
static inline bool vpipe_memory_is_idle(const struct vb2_buffer *vb)
{
	enum dma_resv_usage usage = dma_resv_usage_rw(V4L2_TYPE_IS_CAPTURE(vb->type));
	unsigned int i;

	if (vb->memory != VB2_MEMORY_DMABUF)
		return true;
	for (i = 0; i < vb->num_planes; i++)
		if (!dma_resv_test_signaled(vb->planes[i].dbuf->resv, usage))
			return false;

	return true;
}

/*
 * Whether what is imported was handed out for that, by FMODE_*: the kernel's mapping of it can be
 * read and written in any case, and what a client may not do with it is not done for it either.
 */
static inline bool vpipe_memory_is_open_for(const struct vb2_buffer *vb, fmode_t mode)
{
	unsigned int i;

	if (vb->memory != VB2_MEMORY_DMABUF)
		return true;
	for (i = 0; i < vb->num_planes; i++)
		if ((vb->planes[i].dbuf->file->f_mode & mode) != mode)
			return false;

	return true;
}

static inline bool vpipe_memory_is_writable(const struct vb2_buffer *vb)
{
	return vpipe_memory_is_open_for(vb, FMODE_WRITE);
}

static inline bool vpipe_memory_is_readable(const struct vb2_buffer *vb)
{
	return vpipe_memory_is_open_for(vb, FMODE_READ);
}

/* The exporter of the loopback node's windows, see uapi/vpipe-loop.h. */
#define VPIPE_WINDOW	"vpipe-window"

/*
 * Whether a window is among what is imported: where nothing is to be seen, whoever looks gets
 * SIGBUS. No other driver is to have it; here nobody attaches, so nobody is told that.
 */
static inline bool vpipe_memory_is_window(const struct vb2_buffer *vb)
{
	unsigned int i;

	if (vb->memory != VB2_MEMORY_DMABUF)
		return false;
	for (i = 0; i < vb->num_planes; i++)
		if (!strcmp(vb->planes[i].dbuf->exp_name, VPIPE_WINDOW))
			return true;

	return false;
}

/* Whether what is imported is as long as the client says. */
static inline bool vpipe_memory_suffices(const struct vb2_buffer *vb)
{
	unsigned int i;

	if (vb->memory != VB2_MEMORY_DMABUF)
		return true;
	for (i = 0; i < vb->num_planes; i++)
		if (vb->planes[i].length > vb->planes[i].dbuf->size)
			return false;

	return true;
}

#endif /* VPIPE_MEMORY_H */
