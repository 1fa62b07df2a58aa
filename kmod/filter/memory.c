// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A dma-buf that cannot be attached, be it for want of memory or because the client says
 * it is longer than it is, videobuf2 forgets without letting go of it. So attaching does
 * not fail here: it allocates nothing, as each buffer has room for what it imports, and
 * the length is looked at when the buffer is prepared.
 */
#include <linux/dma-buf.h>

#include <media/videobuf2-v4l2.h>
#include <media/videobuf2-vmalloc.h>

#include "memory.h"

struct vb2_mem_ops vpipe_mem_ops __ro_after_init;

/* Set in the pointer to tell an import from what videobuf2 has for other memory. */
#define VPIPE_IMPORTED	1UL

static struct vpipe_buffer *vpipe_import(void *mem_priv)
{
	unsigned long at = (unsigned long)mem_priv;

	return at & VPIPE_IMPORTED ? (struct vpipe_buffer *)(at & ~VPIPE_IMPORTED) : NULL;
}

static void *vpipe_attach_dmabuf(struct vb2_buffer *vb, struct device *dev, struct dma_buf *dbuf,
				 unsigned long size)
{
	struct vpipe_buffer *buf = container_of(to_vb2_v4l2_buffer(vb), struct vpipe_buffer,
						m2m.vb);

	buf->dbuf = dbuf;

	return (void *)((unsigned long)buf | VPIPE_IMPORTED);
}

static void vpipe_detach_dmabuf(void *mem_priv)
{
}

static int vpipe_map_dmabuf(void *mem_priv)
{
	struct vpipe_buffer *buf = vpipe_import(mem_priv);

	return dma_buf_vmap_unlocked(buf->dbuf, &buf->map);
}

static void vpipe_unmap_dmabuf(void *mem_priv)
{
	struct vpipe_buffer *buf = vpipe_import(mem_priv);

	dma_buf_vunmap_unlocked(buf->dbuf, &buf->map);
}

/* Memory of a device would have to be read another way; no exporter of such is known here. */
static void *vpipe_vaddr(struct vb2_buffer *vb, void *mem_priv)
{
	struct vpipe_buffer *buf = vpipe_import(mem_priv);

	if (!buf)
		return vb2_vmalloc_memops.vaddr(vb, mem_priv);

	return buf->map.is_iomem ? NULL : buf->map.vaddr;
}

static unsigned int vpipe_num_users(void *mem_priv)
{
	return vpipe_import(mem_priv) ? 0 : vb2_vmalloc_memops.num_users(mem_priv);
}

void __init vpipe_memory_init(void)
{
	vpipe_mem_ops = vb2_vmalloc_memops;
	vpipe_mem_ops.attach_dmabuf = vpipe_attach_dmabuf;
	vpipe_mem_ops.detach_dmabuf = vpipe_detach_dmabuf;
	vpipe_mem_ops.map_dmabuf = vpipe_map_dmabuf;
	vpipe_mem_ops.unmap_dmabuf = vpipe_unmap_dmabuf;
	vpipe_mem_ops.vaddr = vpipe_vaddr;
	vpipe_mem_ops.num_users = vpipe_num_users;
}

/* Whether what is imported is as long as the client says. */
bool vpipe_memory_suffices(const struct vb2_buffer *vb)
{
	return vb->memory != VB2_MEMORY_DMABUF || vb->planes[0].length <= vb->planes[0].dbuf->size;
}
