/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef VPIPE_CRC_H
#define VPIPE_CRC_H

#include <linux/types.h>

void vpipe_crc32_init(void);
void vpipe_crc32_exit(void);

/**
 * vpipe_crc32() - Update a CRC-32, with the same result as crc32_le()
 * @crc:	~0 to begin with, or the result for the bytes before @p
 * @p:		bytes to add, of any alignment
 * @len:	how many
 *
 * Context: Process context.
 * Return: the CRC, reflected 0xedb88320, not inverted at the end.
 */
u32 vpipe_crc32(u32 crc, const void *p, size_t len);

#endif /* VPIPE_CRC_H */
