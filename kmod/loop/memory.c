// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Memory of buffers: which is the same, where the kernel sees it, and copying it.
 */
#include <linux/dma-buf.h>
#include <linux/mutex.h>

#include <media/videobuf2-vmalloc.h>

#include "loop.h"

/*
 * Mapping a dma-buf takes time in proportion to its size, and a frame that nobody copies
 * need not be mapped. So it is done when a buffer is first copied, and undone when
 * videobuf2 lets go of it.
 */
struct vb2_mem_ops loop_memops;

static DEFINE_MUTEX(loop_map_lock);

static int loop_map_nothing(void *priv)
{
	return 0;
}

static void loop_unmap_nothing(void *priv)
{
}

void loop_memory_init(void)
{
	loop_memops = vb2_vmalloc_memops;
	loop_memops.map_dmabuf = loop_map_nothing;
	loop_memops.unmap_dmabuf = loop_unmap_nothing;
}

static bool *loop_mapped(struct vb2_buffer *vb)
{
	return loop_is_capture(vb->vb2_queue) ? &loop_to_buf(vb)->mapped :
						&loop_to_frame(vb)->mapped;
}

static void *loop_vaddr(struct vb2_buffer *vb)
{
	bool *mapped = loop_mapped(vb);
	bool ok = true;

	if (vb->memory == VB2_MEMORY_DMABUF) {
		mutex_lock(&loop_map_lock);
		if (!*mapped)
			*mapped = !vb2_vmalloc_memops.map_dmabuf(vb->planes[0].mem_priv);
		ok = *mapped;
		mutex_unlock(&loop_map_lock);
	}

	return ok ? vb2_plane_vaddr(vb, 0) : NULL;
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

/* EIO where the frame's memory cannot be had. */
int loop_copy_out(struct loop_frame *frame, void *to, u32 bytes)
{
	struct vb2_buffer *vb = &frame->vbuf.vb2_buf;
	const void *from = loop_access_begin(vb);

	if (!from)
		return -EIO;
	memcpy(to, from, bytes);
	loop_access_end(vb);

	return 0;
}

/* Copies to the buffer's own memory. EIO where either cannot be had. */
int loop_copy_in(struct loop_buf *buf, struct loop_frame *frame, u32 bytes)
{
	struct vb2_buffer *vb = &buf->vbuf.vb2_buf;
	void *to = loop_access_begin(vb);
	int ret;

	if (!to)
		return -EIO;
	ret = loop_copy_out(frame, to, bytes);
	loop_access_end(vb);

	return ret;
}

/* The picture for times without frames. Returns its size, or 0 if that cannot be done. */
u32 loop_copy_still(struct loop_dev *dev, struct loop_buf *buf, const struct loop_still *still)
{
	struct vb2_buffer *vb = &buf->vbuf.vb2_buf;
	size_t room = vb2_plane_size(vb, 0);
	void *to = loop_access_begin(vb);
	u32 bytes = 0;

	if (!to)
		return 0;
	if (!still) {
		bytes = loop_black(dev, to, room);
	} else if (still->bytesused <= room) {
		bytes = still->bytesused;
		memcpy(to, still->data, bytes);
	}
	loop_access_end(vb);

	return bytes;
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

/* Of an OUTPUT buffer that has it from now on. */
void loop_memory_note(struct loop_dev *dev, const struct vb2_buffer *vb)
{
	struct loop_memory *memory = &dev->memory[vb->index];

	spin_lock(&dev->frames_lock);
	memory->key = loop_memory_key(vb);
	if (vb->memory == VB2_MEMORY_DMABUF) {
		memory->dbuf = vb->planes[0].dbuf;
		get_dma_buf(memory->dbuf);
	}
	spin_unlock(&dev->frames_lock);
}

void loop_memory_forget(struct loop_dev *dev, unsigned int index)
{
	struct loop_memory old;

	spin_lock(&dev->frames_lock);
	old = dev->memory[index];
	dev->memory[index] = (struct loop_memory){};
	spin_unlock(&dev->frames_lock);
	if (old.dbuf)
		dma_buf_put(old.dbuf);
}

bool loop_is_memory(const struct loop_buf *buf, const struct loop_memory *memory)
{
	const struct vb2_buffer *vb = &buf->vbuf.vb2_buf;
	const struct dma_buf *dbuf = vb->planes[0].dbuf;

	/* One that videobuf2 exported has the exported buffer for its private data. */
	return memory->key && vb->memory == VB2_MEMORY_DMABUF &&
	       (dbuf == memory->key || dbuf->priv == memory->key);
}

/* Copying into it would spoil some other frame. */
bool loop_is_writers(const struct loop_dev *dev, const struct loop_buf *buf)
{
	unsigned int i;

	if (buf->vbuf.vb2_buf.memory != VB2_MEMORY_DMABUF)
		return false;

	for (i = 0; i < dev->buffers; i++)
		if (loop_is_memory(buf, &dev->memory[i]))
			return true;

	return false;
}

/* VPIPE_LOOP_IOC_SHARE */
long loop_memory_share(struct loop_dev *dev, struct vpipe_loop_share *share)
{
	struct dma_buf *dbuf = NULL;
	struct vb2_buffer *vb;
	struct vb2_queue *q;
	const void *key;
	int fd;

	if (share->flags & ~O_CLOEXEC || memchr_inv(share->reserved, 0, sizeof(share->reserved)))
		return -EINVAL;

	mutex_lock(&dev->lock);
	if (!dev->writer) {
		mutex_unlock(&dev->lock);
		return -EAGAIN;
	}

	q = &dev->writer->out;
	mutex_lock(&q->mmap_lock);
	share->count = vpipe_num_buffers(q);
	if (share->index < share->count && q->memory != VB2_MEMORY_USERPTR) {
		spin_lock(&dev->frames_lock);
		key = dev->memory[share->index].key;
		dbuf = dev->memory[share->index].dbuf;
		if (dbuf)
			get_dma_buf(dbuf);
		spin_unlock(&dev->frames_lock);
		/* Without a key it is one that videobuf2 is just making, or has just freed. */
		if (!key) {
			dbuf = ERR_PTR(-EAGAIN);
		} else if (!dbuf) {
			vb = vb2_get_buffer(q, share->index);
			dbuf = vb2_vmalloc_memops.get_dmabuf(vb, vb->planes[0].mem_priv,
							     O_RDONLY);
			dbuf = dbuf ?: ERR_PTR(-ENOMEM);
		}
	} else {
		dbuf = ERR_PTR(-EINVAL);
	}
	mutex_unlock(&q->mmap_lock);
	mutex_unlock(&dev->lock);
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
