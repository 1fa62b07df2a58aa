// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The work on one frame, in one pass over its memory.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "../compat.h"
#include "../uapi/vpipe.h"
#include "crc.h"
#include "cv.h"
#include "delay.h"

/*
 * Small enough that the CRC finds what was just written in the first level
 * cache, large enough that reading the clock twice a block costs nothing.
 */
#define BLOCK_BYTES	SZ_16K

#define EACH_BYTE(b)	((b) * 0x0101010101010101ULL)

static u32 sum_bytes(u64 v)
{
	v = (v & 0x00ff00ff00ff00ffULL) + ((v >> 8) & 0x00ff00ff00ff00ffULL);

	return (v * 0x0001000100010001ULL) >> 48;
}

/*
 * Eight pixels at a time, without a branch. A pixel x is above the threshold t
 * if and only if x + (255 - t) carries out of its byte. The carry out of bit 7
 * is the majority of x's bit 7, the addend's bit 7 and the carry into bit 7,
 * and the latter is bit 7 of the sum of the low seven bits, which cannot reach
 * the neighbouring byte.
 */
static u32 threshold_run(u8 *dst, const u8 *src, size_t len, u8 threshold)
{
	const u64 addend = EACH_BYTE((u64)(255 - threshold));
	const u64 addend_low = addend & EACH_BYTE(0x7fULL);
	u32 white = 0;

	while (len >= sizeof(u64)) {
		/* As many words as a byte of @above can count. */
		size_t words = min_t(size_t, len / sizeof(u64), 255);
		u64 above = 0;

		len -= words * sizeof(u64);
		for (; words; words--) {
			u64 x = get_unaligned((const u64 *)src);
			u64 carry = (x & EACH_BYTE(0x7fULL)) + addend_low;
			u64 one = (((x & addend) | ((x | addend) & carry)) >> 7) & EACH_BYTE(1ULL);

			above += one;
			put_unaligned((one << 8) - one, (u64 *)dst);
			src += sizeof(u64);
			dst += sizeof(u64);
		}
		white += sum_bytes(above);
	}

	for (; len; len--) {
		bool above = *src++ > threshold;

		*dst++ = above ? 255 : 0;
		white += above;
	}

	return white;
}

/* Rows that all cross the ROI: what is beside it is copied. */
static u32 threshold_rows(u8 *dst, const u8 *src, u32 width, u32 rows,
			  const struct vpipe_rect *roi, u8 threshold)
{
	u32 right = roi->left + roi->width;
	u32 white = 0;

	if (roi->width == width)
		return threshold_run(dst, src, (size_t)width * rows, threshold);

	for (; rows; rows--) {
		memcpy(dst, src, roi->left);
		white += threshold_run(dst + roi->left, src + roi->left, roi->width, threshold);
		memcpy(dst + right, src + right, width - right);
		dst += width;
		src += width;
	}

	return white;
}

static struct vpipe_rect clamp_roi(const struct vpipe_rect *roi, s32 width, s32 height)
{
	struct vpipe_rect r = { .width = width, .height = height };

	if (roi->width <= 0 || roi->height <= 0)
		return r;

	r.left = clamp(roi->left, 0, width);
	r.top = clamp(roi->top, 0, height);
	r.width = min(roi->width, width - r.left);
	r.height = min(roi->height, height - r.top);

	return r;
}

void vpipe_cv_run(u8 *dst, const u8 *src, u32 width, u32 height,
		  const struct vpipe_params *params, struct vpipe_result *result)
{
	const struct vpipe_rect roi = clamp_roi(&params->roi, width, height);
	const u32 block_rows = max(BLOCK_BYTES / width, 1U);
	u32 top = height, bottom = height;
	u32 y, rows;
	u64 now;

	*result = (struct vpipe_result){ .roi = roi, .crc = ~0U };

	if (params->algo == VPIPE_ALGO_THRESHOLD && roi.width) {
		top = roi.top;
		bottom = roi.top + roi.height;
	}

	now = ktime_get_ns();
	for (y = 0; y < height; y += rows) {
		size_t at = (size_t)y * width;
		size_t len;
		u64 then = now;

		/* A block ends where the ROI begins and where it ends. */
		rows = min(block_rows, (y < top ? top : y < bottom ? bottom : height) - y);
		len = (size_t)rows * width;

		if (y >= top && y < bottom) {
			vpipe_delay(VPIPE_STAGE_FILTER);
			result->white += threshold_rows(dst + at, src + at, width, rows,
							&roi, params->threshold);
			now = ktime_get_ns();
			result->filter_ns += now - then;
		} else {
			vpipe_delay(VPIPE_STAGE_COPY);
			memcpy(dst + at, src + at, len);
			now = ktime_get_ns();
			result->copy_ns += now - then;
		}

		then = now;
		vpipe_delay(VPIPE_STAGE_CHECKSUM);
		result->crc = vpipe_crc32(result->crc, dst + at, len);
		now = ktime_get_ns();
		result->crc_ns += now - then;

		/* Time given to others is no stage's time. */
		if (cond_resched())
			now = ktime_get_ns();
	}

	if (params->algo == VPIPE_ALGO_THRESHOLD)
		result->black = (u64)roi.width * roi.height - result->white;
}
