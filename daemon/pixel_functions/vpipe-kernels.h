/* SPDX-License-Identifier: MIT */
/*
 * vpipe-kernels: per-frame work of decoder-daemon that a shared library may take over.
 *
 * decoder-daemon --kernels PATH loads the library and uses of it whatever it exports
 * under the names below. Each function but vpipe_kernels_version() may be missing;
 * what is missing the daemon does itself. At its start the daemon compares each
 * function with its own on pictures of many sizes and strides, and leaves out one
 * that differs in a single byte.
 *
 * What a function may rely on:
 *
 * - Width and height are at least 1, and may be odd. Chroma has (width + 1) / 2 columns
 *   and (height + 1) / 2 lines.
 * - Strides are in bytes, positive, and no less than a line of samples.
 * - Samples of more than 8 bits are little-endian 16-bit words at even addresses, and
 *   strides between them are even. There is no other promise of alignment.
 * - Input and output do not overlap, and no plane overlaps another.
 *
 * What it has to keep to:
 *
 * - It reads and writes samples alone, neither what is between a line's end and the next
 *   line nor beyond the last one. The output may be a buffer that another device shares.
 * - Several threads call it at once, each for pictures of its own.
 * - It returns when the work is done, and neither blocks nor calls back nor throws; a C++
 *   exception or a longjmp() out of it is the daemon's end. It cannot fail.
 */
#ifndef VPIPE_KERNELS_H
#define VPIPE_KERNELS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VPIPE_KERNELS_VERSION 1

/* The VPIPE_KERNELS_VERSION that the library was built with; of another one nothing is used. */
uint32_t vpipe_kernels_version(void);

/*
 * One picture from planes of Y, Cb and Cr, 8 bits, 4:2:0, to NV12: planes of Y, and of
 * Cb and Cr in turns.
 */
void vpipe_pack_nv12(const uint8_t *const from[3], const int32_t from_strides[3],
		     uint8_t *const to[2], const int32_t to_strides[2],
		     int32_t width, int32_t height);

/*
 * The same with 10 bits to P010. They are the lower bits of an input word, the others
 * are 0; and the upper bits of an output word, the others are to be 0.
 */
void vpipe_pack_p010(const uint8_t *const from[3], const int32_t from_strides[3],
		     uint8_t *const to[2], const int32_t to_strides[2],
		     int32_t width, int32_t height);

/*
 * CRC-32 of the samples of an NV12 (1 byte a sample) or P010 (2) picture, as they lie in
 * memory: luma line by line, then chroma. It is zlib's crc32(): @crc is that of what came
 * before, at first 0.
 */
uint32_t vpipe_crc32(uint32_t crc, const uint8_t *const planes[2], const int32_t strides[2],
		     int32_t width, int32_t height, int32_t bytes_per_sample);

#ifdef __cplusplus
}
#endif

#endif
