/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The memory of the filter's buffers: videobuf2's own, but for what is imported.
 */
#ifndef VPIPE_MEMORY_H
#define VPIPE_MEMORY_H

#include <linux/iosys-map.h>

#include <media/v4l2-mem2mem.h>

/**
 * struct vpipe_buffer - a buffer of either queue
 * @m2m:	has to come first
 * @dbuf:	what is imported
 * @map:	where it is mapped
 */
struct vpipe_buffer {
	struct v4l2_m2m_buffer m2m;
	struct dma_buf *dbuf;
	struct iosys_map map;
};

extern struct vb2_mem_ops vpipe_mem_ops;
void vpipe_memory_init(void);
bool vpipe_memory_suffices(const struct vb2_buffer *vb);

#endif /* VPIPE_MEMORY_H */
