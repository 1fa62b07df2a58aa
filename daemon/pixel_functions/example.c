/* SPDX-License-Identifier: MIT */
/*
 * An example of vpipe-kernels.h, for little-endian machines: loops that a compiler makes
 * vector code of. Build it with -O3, and for the machine at hand with -march=native.
 */
#include "vpipe-kernels.h"

#include <string.h>

uint32_t vpipe_kernels_version(void)
{
	return VPIPE_KERNELS_VERSION;
}

static const void *line_of(const uint8_t *const planes[], const int32_t strides[],
			   int plane, int32_t y)
{
	return planes[plane] + (intptr_t)strides[plane] * y;
}

static void interleave_8(uint8_t *restrict to, const uint8_t *restrict cb,
			 const uint8_t *restrict cr, int32_t columns)
{
	for (int32_t x = 0; x < columns; x++) {
		to[2 * x] = cb[x];
		to[2 * x + 1] = cr[x];
	}
}

void vpipe_pack_nv12(const uint8_t *const from[3], const int32_t from_strides[3],
		     uint8_t *const to[2], const int32_t to_strides[2],
		     int32_t width, int32_t height)
{
	for (int32_t y = 0; y < height; y++)
		memcpy(to[0] + (intptr_t)to_strides[0] * y, line_of(from, from_strides, 0, y),
		       width);
	for (int32_t y = 0; y < (height + 1) / 2; y++)
		interleave_8(to[1] + (intptr_t)to_strides[1] * y, line_of(from, from_strides, 1, y),
			     line_of(from, from_strides, 2, y), (width + 1) / 2);
}

static void raise_16(uint16_t *restrict to, const uint16_t *restrict from, int32_t columns)
{
	for (int32_t x = 0; x < columns; x++)
		to[x] = (uint16_t)(from[x] << 6);
}

static void interleave_16(uint16_t *restrict to, const uint16_t *restrict cb,
			  const uint16_t *restrict cr, int32_t columns)
{
	for (int32_t x = 0; x < columns; x++) {
		to[2 * x] = (uint16_t)(cb[x] << 6);
		to[2 * x + 1] = (uint16_t)(cr[x] << 6);
	}
}

void vpipe_pack_p010(const uint8_t *const from[3], const int32_t from_strides[3],
		     uint8_t *const to[2], const int32_t to_strides[2],
		     int32_t width, int32_t height)
{
	for (int32_t y = 0; y < height; y++)
		raise_16((void *)(to[0] + (intptr_t)to_strides[0] * y),
			 line_of(from, from_strides, 0, y), width);
	for (int32_t y = 0; y < (height + 1) / 2; y++)
		interleave_16((void *)(to[1] + (intptr_t)to_strides[1] * y),
			      line_of(from, from_strides, 1, y),
			      line_of(from, from_strides, 2, y), (width + 1) / 2);
}

/* [n][b] is the CRC of the byte b with n zeroes behind it: polynomial 0x04c11db7, reflected. */
static uint32_t table[8][256];

__attribute__((constructor)) static void fill_table(void)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t crc = byte;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
		table[0][byte] = crc;
	}
	for (int n = 1; n < 8; n++)
		for (uint32_t byte = 0; byte < 256; byte++)
			table[n][byte] = table[n - 1][byte] >> 8 ^
					 table[0][table[n - 1][byte] & 0xff];
}

/* Eight bytes at a time, each by a table of its own. */
static uint32_t crc_of_line(uint32_t crc, const uint8_t *line, intptr_t size)
{
	for (; size >= 8; line += 8, size -= 8) {
		uint32_t low, high;

		memcpy(&low, line, 4);
		memcpy(&high, line + 4, 4);
		low ^= crc;
		crc = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^
		      table[5][low >> 16 & 0xff] ^ table[4][low >> 24] ^
		      table[3][high & 0xff] ^ table[2][high >> 8 & 0xff] ^
		      table[1][high >> 16 & 0xff] ^ table[0][high >> 24];
	}
	for (; size > 0; line++, size--)
		crc = crc >> 8 ^ table[0][(crc ^ *line) & 0xff];
	return crc;
}

uint32_t vpipe_crc32(uint32_t crc, const uint8_t *const planes[2], const int32_t strides[2],
		     int32_t width, int32_t height, int32_t bytes_per_sample)
{
	const intptr_t luma = (intptr_t)width * bytes_per_sample;
	const intptr_t chroma = ((intptr_t)width + 1) / 2 * 2 * bytes_per_sample;

	crc = ~crc;
	for (int32_t y = 0; y < height; y++)
		crc = crc_of_line(crc, line_of(planes, strides, 0, y), luma);
	for (int32_t y = 0; y < (height + 1) / 2; y++)
		crc = crc_of_line(crc, line_of(planes, strides, 1, y), chroma);
	return ~crc;
}
