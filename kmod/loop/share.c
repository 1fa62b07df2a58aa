// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Which memory is the writer's, and handing it to readers.
 */
#include <linux/mutex.h>

#include "loop.h"

/* What tells that two buffers are the same memory; none for a program's own. */
static const void *vloop_memory_key(const struct vb2_buffer *vb)
{
	switch (vb->memory) {
	case VB2_MEMORY_MMAP:
		return vb->planes[0].mem_priv;
	case VB2_MEMORY_DMABUF:
		return vb->planes[0].dbuf;
	default:
		return NULL;
	}
}

/*
 * Of an OUTPUT buffer that has it from now on. videobuf2 does not say when a buffer has lost
 * its memory because of a wrong descriptor: so what was noted before may still be there.
 */
void vloop_memory_note(struct vloop_dev *dev, const struct vb2_buffer *vb)
{
	struct vloop_memory memory = { .key = vloop_memory_key(vb) };

	if (vb->memory == VB2_MEMORY_DMABUF) {
		memory.dbuf = vb->planes[0].dbuf;
		get_dma_buf(memory.dbuf);
	}
	spin_lock(&dev->frames_lock);
	swap(dev->memory[vb->index], memory);
	spin_unlock(&dev->frames_lock);
	if (memory.dbuf)
		dma_buf_put(memory.dbuf);
}

void vloop_memory_forget(struct vloop_dev *dev, unsigned int index)
{
	struct vloop_memory old = {};

	spin_lock(&dev->frames_lock);
	swap(dev->memory[index], old);
	spin_unlock(&dev->frames_lock);
	if (old.dbuf)
		dma_buf_put(old.dbuf);
}

/* The writer has no buffers any more. */
void vloop_memory_forget_all(struct vloop_dev *dev)
{
	unsigned int i;

	for (i = 0; i < VLOOP_MAX_BUFFERS; i++)
		vloop_memory_forget(dev, i);
}

/* What a CAPTURE buffer is the memory of. */
static const struct dma_buf *vloop_dbuf(const struct vloop_buf *buf)
{
	const struct dma_buf *dbuf = buf->vbuf.vb2_buf.planes[0].dbuf;
	const struct vloop_view *view = vloop_view_of(dbuf);

	return view && view->imported ? view->imported : dbuf;
}

bool vloop_is_memory(const struct vloop_buf *buf, const struct vloop_memory *memory)
{
	const struct vb2_buffer *vb = &buf->vbuf.vb2_buf;
	const struct dma_buf *dbuf;

	/* The reader may have exported it to the writer. */
	if (vb->memory == VB2_MEMORY_MMAP && READ_ONCE(buf->own))
		return memory->dbuf && memory->dbuf->priv == vb->planes[0].mem_priv;
	if (!memory->key || vb->memory != VB2_MEMORY_DMABUF)
		return false;

	/* One that videobuf2 exported has the exported buffer for its private data. */
	dbuf = vloop_dbuf(buf);

	return dbuf == memory->key || dbuf->priv == memory->key;
}

/* Copying into it would spoil some other frame. */
bool vloop_is_writers(const struct vloop_dev *dev, const struct vloop_buf *buf)
{
	unsigned int i;

	for (i = 0; i < VLOOP_MAX_BUFFERS; i++)
		if (vloop_is_memory(buf, &dev->memory[i]))
			return true;

	return false;
}

/*
 * VPIPE_LOOP_IOC_SHARE
 */

/* The dma-buf that a writer lends, referred to; none where it has memory of the node's. */
static struct dma_buf *vloop_memory_lent(struct vloop_dev *dev, unsigned int index)
{
	struct vloop_memory *memory = &dev->memory[index];
	struct dma_buf *dbuf;

	lockdep_assert_held(&dev->lock);
	spin_lock(&dev->frames_lock);
	dbuf = memory->dbuf;
	if (!memory->key)
		dbuf = ERR_PTR(-EAGAIN);
	else if (dbuf && !READ_ONCE(dev->writer->lends))
		dbuf = ERR_PTR(-EACCES);
	else if (dbuf)
		get_dma_buf(dbuf);
	spin_unlock(&dev->frames_lock);

	return dbuf;
}

long vloop_memory_share(struct vloop_dev *dev, struct vpipe_loop_share *share)
{
	struct dma_buf *dbuf;
	struct vb2_queue *q;
	size_t size;
	int fd;

	if (share->flags & ~O_CLOEXEC || memchr_inv(share->reserved, 0, sizeof(share->reserved)))
		return -EINVAL;

	mutex_lock(&dev->lock);
	if (!dev->writer) {
		mutex_unlock(&dev->lock);
		return -EAGAIN;
	}
	q = &dev->writer->out;
	share->count = READ_ONCE(dev->buffers);
	if (share->index < share->count && q->memory != VB2_MEMORY_USERPTR)
		dbuf = vloop_memory_lent(dev, share->index);
	else
		dbuf = ERR_PTR(-EINVAL);
	size = dev->sizeimage;
	mutex_unlock(&dev->lock);
	if (IS_ERR(dbuf))
		return PTR_ERR(dbuf);

	dbuf = dbuf ? vloop_view_import(dev, dbuf) : vloop_view_create(dev, size);
	if (IS_ERR(dbuf))
		return PTR_ERR(dbuf);

	share->size = dbuf->size;
	fd = dma_buf_fd(dbuf, share->flags);
	if (fd < 0) {
		dma_buf_put(dbuf);
		return fd;
	}
	share->fd = fd;

	return 0;
}
