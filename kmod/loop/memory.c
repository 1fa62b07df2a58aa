// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Memory of buffers: which is the same, where the kernel sees it, and copying it.
 */
#include <linux/mutex.h>

#include "loop.h"

struct vpipe_memory loop_memops __ro_after_init;

void __init loop_memory_init(void)
{
	/* Of either kind of buffer. */
	static_assert(offsetof(struct loop_out, map) == offsetof(struct loop_buf, map));
	vpipe_memory_init(&loop_memops, offsetof(struct loop_buf, map));
}

/* A frame that nobody copies is not mapped. */
static void *loop_vaddr(struct vb2_buffer *vb)
{
	struct loop_file *file = vb2_get_drv_priv(vb->vb2_queue);
	void *vaddr = vb2_plane_vaddr(vb, 0);

	if (vaddr || vb->memory != VB2_MEMORY_DMABUF)
		return vaddr;

	/* A reader's own may be of any size: that is mapped under its file's lock alone. */
	if (loop_is_capture(vb->vb2_queue)) {
		lockdep_assert_held(&file->lock);
		vpipe_memory_map(vb);
		return vb2_plane_vaddr(vb, 0);
	}

	mutex_lock(&file->dev->map_lock);
	vpipe_memory_map(vb);
	mutex_unlock(&file->dev->map_lock);

	return vb2_plane_vaddr(vb, 0);
}

static enum dma_data_direction loop_direction(struct vb2_buffer *vb)
{
	return loop_is_capture(vb->vb2_queue) ? DMA_TO_DEVICE : DMA_FROM_DEVICE;
}

/* For the CPU: reading a frame, or writing to a reader's buffer. None: not to be had. */
void *loop_access_begin(struct vb2_buffer *vb)
{
	void *vaddr = loop_vaddr(vb);

	if (vaddr && vb->memory == VB2_MEMORY_DMABUF &&
	    dma_buf_begin_cpu_access(vb->planes[0].dbuf, loop_direction(vb)))
		return NULL;

	return vaddr;
}

void loop_access_end(struct vb2_buffer *vb)
{
	if (vb->memory == VB2_MEMORY_DMABUF)
		dma_buf_end_cpu_access(vb->planes[0].dbuf, loop_direction(vb));
}

/* None: not to be had. */
const void *loop_frame_begin(struct loop_frame *frame)
{
	return frame->vb ? loop_access_begin(frame->vb) : frame->data;
}

void loop_frame_end(struct loop_frame *frame)
{
	if (frame->vb)
		loop_access_end(frame->vb);
}

/* EIO where the frame's memory cannot be had. */
int loop_copy_out(struct loop_frame *frame, void *to, u32 bytes)
{
	const void *from = loop_frame_begin(frame);

	if (!from)
		return -EIO;
	memcpy(to, from, bytes);
	loop_frame_end(frame);

	return 0;
}

/*
 * Which memory is the writer's
 */

/* What tells that two buffers are the same memory; none for a program's own. */
static const void *loop_memory_key(const struct vb2_buffer *vb)
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
void loop_memory_note(struct loop_dev *dev, const struct vb2_buffer *vb)
{
	struct loop_memory memory = { .key = loop_memory_key(vb) };

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

void loop_memory_forget(struct loop_dev *dev, unsigned int index)
{
	struct loop_memory old = {};

	spin_lock(&dev->frames_lock);
	swap(dev->memory[index], old);
	spin_unlock(&dev->frames_lock);
	if (old.dbuf)
		dma_buf_put(old.dbuf);
}

/* The writer has no buffers any more. */
void loop_memory_forget_all(struct loop_dev *dev)
{
	unsigned int i;

	for (i = 0; i < LOOP_MAX_BUFFERS; i++)
		loop_memory_forget(dev, i);
}

/* What a CAPTURE buffer is the memory of. */
static const struct dma_buf *loop_dbuf(const struct loop_buf *buf)
{
	const struct dma_buf *dbuf = buf->vbuf.vb2_buf.planes[0].dbuf;
	const struct loop_view *view = loop_view_of(dbuf);

	return view && loop_view_imported(view) ? loop_view_imported(view) : dbuf;
}

bool loop_is_memory(const struct loop_buf *buf, const struct loop_memory *memory)
{
	const struct vb2_buffer *vb = &buf->vbuf.vb2_buf;
	const struct dma_buf *dbuf;

	/* The reader may have exported it to the writer. */
	if (vb->memory == VB2_MEMORY_MMAP && READ_ONCE(buf->own))
		return memory->dbuf && memory->dbuf->priv == vb->planes[0].mem_priv;
	if (!memory->key || vb->memory != VB2_MEMORY_DMABUF)
		return false;

	/* One that videobuf2 exported has the exported buffer for its private data. */
	dbuf = loop_dbuf(buf);

	return dbuf == memory->key || dbuf->priv == memory->key;
}

/* Copying into it would spoil some other frame. */
bool loop_is_writers(const struct loop_dev *dev, const struct loop_buf *buf)
{
	unsigned int i;

	for (i = 0; i < LOOP_MAX_BUFFERS; i++)
		if (loop_is_memory(buf, &dev->memory[i]))
			return true;

	return false;
}

/*
 * VPIPE_LOOP_IOC_SHARE
 */

/* The dma-buf that a writer lends, referred to; none where it has memory of the node's. */
static struct dma_buf *loop_memory_lent(struct loop_dev *dev, unsigned int index)
{
	struct loop_memory *memory = &dev->memory[index];
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

long loop_memory_share(struct loop_dev *dev, struct vpipe_loop_share *share)
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
		dbuf = loop_memory_lent(dev, share->index);
	else
		dbuf = ERR_PTR(-EINVAL);
	size = dev->sizeimage;
	mutex_unlock(&dev->lock);
	if (IS_ERR(dbuf))
		return PTR_ERR(dbuf);

	dbuf = dbuf ? loop_view_import(dev, dbuf) : loop_view_create(dev, size);
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
