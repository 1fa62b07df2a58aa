// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The pixel formats there are: how a frame of each lies in memory, and what is black. Sizes are
 * those of the kernel's documentation; what is left of a group of pixels at the right or the
 * lower edge is a whole one.
 */
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "loop.h"

/* A compressed frame is seldom larger than its pixels are. */
#define VLOOP_COMPRESSED_DEPTH	12
#define VLOOP_MIN_COMPRESSED	SZ_64K

/* A group's bytes where it is black, of limited and of full range. */
#define VLOOP_BLACK(limited, full)	.black = { limited, full }
#define VLOOP_BLACK_LUMA	VLOOP_BLACK("\x10", "\x00")
#define VLOOP_BLACK_YCYC	VLOOP_BLACK("\x10\x80\x10\x80", "\x00\x80\x00\x80")
#define VLOOP_BLACK_CYCY	VLOOP_BLACK("\x80\x10\x80\x10", "\x80\x00\x80\x00")

#define VLOOP_BYTES(n)		.pixels = 1, .bytes = (n)
#define VLOOP_ZERO(n)		.pixels = 1, .bytes = (n), VLOOP_BLACK("\0\0\0\0", "\0\0\0\0")
#define VLOOP_ALPHA_LAST	.pixels = 1, .bytes = 4, VLOOP_BLACK("\0\0\0\xff", "\0\0\0\xff")
#define VLOOP_ALPHA_FIRST	.pixels = 1, .bytes = 4, VLOOP_BLACK("\xff\0\0\0", "\xff\0\0\0")
#define VLOOP_PAIRS		.pixels = 2, .bytes = 4

/* Planes of colour behind the brightness. */
#define VLOOP_CHROMA(x, y)	.pixels = 1, .bytes = 1, VLOOP_BLACK_LUMA, .across = (x), \
				.down = (y)

static const struct vloop_format vloop_formats[] = {
	{ V4L2_PIX_FMT_GREY, VLOOP_ZERO(1) },
	{ V4L2_PIX_FMT_Y4, VLOOP_ZERO(1) },
	{ V4L2_PIX_FMT_Y6, VLOOP_ZERO(1) },
	{ V4L2_PIX_FMT_Y10, VLOOP_ZERO(2) },
	{ V4L2_PIX_FMT_Y12, VLOOP_ZERO(2) },
	{ V4L2_PIX_FMT_Y16, VLOOP_ZERO(2) },

	{ V4L2_PIX_FMT_YUYV, VLOOP_PAIRS, VLOOP_BLACK_YCYC },
	{ V4L2_PIX_FMT_YVYU, VLOOP_PAIRS, VLOOP_BLACK_YCYC },
	{ V4L2_PIX_FMT_UYVY, VLOOP_PAIRS, VLOOP_BLACK_CYCY },
	{ V4L2_PIX_FMT_VYUY, VLOOP_PAIRS, VLOOP_BLACK_CYCY },
	/* The order of its bytes is not documented: none is black. */
	{ V4L2_PIX_FMT_YYUV, VLOOP_PAIRS },
	{ V4L2_PIX_FMT_Y41P, .pixels = 8, .bytes = 12,
	  VLOOP_BLACK("\x80\x10\x80\x10\x80\x10\x80\x10\x10\x10\x10\x10",
		      "\x80\x00\x80\x00\x80\x00\x80\x00\x00\x00\x00\x00") },
	{ V4L2_PIX_FMT_YUV444, VLOOP_BYTES(2), VLOOP_BLACK("\x88\xf1", "\x88\xf0") },
	{ V4L2_PIX_FMT_YUV555, VLOOP_BYTES(2), VLOOP_BLACK("\x10\x8a", "\x10\x82") },
	{ V4L2_PIX_FMT_YUV565, VLOOP_BYTES(2), VLOOP_BLACK("\x10\x14", "\x10\x04") },
	{ V4L2_PIX_FMT_YUV32, VLOOP_BYTES(4),
	  VLOOP_BLACK("\xff\x10\x80\x80", "\xff\x00\x80\x80") },

	{ V4L2_PIX_FMT_NV12, VLOOP_CHROMA(2, 2) },
	{ V4L2_PIX_FMT_NV21, VLOOP_CHROMA(2, 2) },
	{ V4L2_PIX_FMT_NV16, VLOOP_CHROMA(2, 1) },
	{ V4L2_PIX_FMT_P010, VLOOP_BYTES(2), .across = 2, .down = 2,
	  VLOOP_BLACK("\x00\x10", "\x00\x00") },
	{ V4L2_PIX_FMT_YUV420, VLOOP_CHROMA(2, 2) },
	{ V4L2_PIX_FMT_YVU420, VLOOP_CHROMA(2, 2) },
	{ V4L2_PIX_FMT_YUV422P, VLOOP_CHROMA(2, 1) },
	{ V4L2_PIX_FMT_YUV411P, VLOOP_CHROMA(4, 1) },
	{ V4L2_PIX_FMT_YUV410, VLOOP_CHROMA(4, 4) },
	{ V4L2_PIX_FMT_YVU410, VLOOP_CHROMA(4, 4) },

	{ V4L2_PIX_FMT_RGB24, VLOOP_ZERO(3) },
	{ V4L2_PIX_FMT_BGR24, VLOOP_ZERO(3) },
	{ V4L2_PIX_FMT_RGB332, VLOOP_ZERO(1) },
	{ V4L2_PIX_FMT_RGB444, VLOOP_ZERO(2) },
	{ V4L2_PIX_FMT_RGB555, VLOOP_ZERO(2) },
	{ V4L2_PIX_FMT_RGB565, VLOOP_ZERO(2) },
	{ V4L2_PIX_FMT_RGB555X, VLOOP_ZERO(2) },
	{ V4L2_PIX_FMT_RGB565X, VLOOP_ZERO(2) },
	{ V4L2_PIX_FMT_BGR666, VLOOP_ZERO(4) },
	{ V4L2_PIX_FMT_XBGR32, VLOOP_ZERO(4) },
	{ V4L2_PIX_FMT_ABGR32, VLOOP_ALPHA_LAST },
	{ V4L2_PIX_FMT_BGR32, VLOOP_ALPHA_LAST },
	{ V4L2_PIX_FMT_XRGB32, VLOOP_ZERO(4) },
	{ V4L2_PIX_FMT_ARGB32, VLOOP_ALPHA_FIRST },
	{ V4L2_PIX_FMT_RGB32, VLOOP_ALPHA_FIRST },
	{ V4L2_PIX_FMT_RGBA32, VLOOP_ALPHA_LAST },
	{ V4L2_PIX_FMT_RGBX32, VLOOP_ZERO(4) },

	{ V4L2_PIX_FMT_SRGGB8, VLOOP_ZERO(1) },
	{ V4L2_PIX_FMT_SGRBG8, VLOOP_ZERO(1) },
	{ V4L2_PIX_FMT_SGBRG8, VLOOP_ZERO(1) },
	{ V4L2_PIX_FMT_SBGGR8, VLOOP_ZERO(1) },
	{ V4L2_PIX_FMT_SRGGB10, VLOOP_ZERO(2) },
	{ V4L2_PIX_FMT_SGRBG10, VLOOP_ZERO(2) },
	{ V4L2_PIX_FMT_SGBRG10, VLOOP_ZERO(2) },
	{ V4L2_PIX_FMT_SBGGR10, VLOOP_ZERO(2) },

	{ V4L2_PIX_FMT_MJPEG },
	{ V4L2_PIX_FMT_JPEG },
	{ V4L2_PIX_FMT_DV },
	{ V4L2_PIX_FMT_MPEG },
	{ V4L2_PIX_FMT_H264 },
	{ V4L2_PIX_FMT_H264_NO_SC },
	{ V4L2_PIX_FMT_H264_MVC },
	{ V4L2_PIX_FMT_H263 },
	{ V4L2_PIX_FMT_MPEG1 },
	{ V4L2_PIX_FMT_MPEG2 },
	{ V4L2_PIX_FMT_MPEG4 },
	{ V4L2_PIX_FMT_XVID },
	{ V4L2_PIX_FMT_VC1_ANNEX_G },
	{ V4L2_PIX_FMT_VC1_ANNEX_L },
	{ V4L2_PIX_FMT_VP8 },
	{ V4L2_PIX_FMT_VP9 },
	{ V4L2_PIX_FMT_HEVC },
};

/* None behind the last one. */
const struct vloop_format *vloop_format_at(u32 index)
{
	return index < ARRAY_SIZE(vloop_formats) ? &vloop_formats[index] : NULL;
}

const struct vloop_format *vloop_find_format(u32 fourcc)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vloop_formats); i++)
		if (vloop_formats[i].fourcc == fourcc)
			return &vloop_formats[i];

	return NULL;
}

u32 vloop_least_line(const struct vloop_format *format, u32 width)
{
	return DIV_ROUND_UP(width, format->pixels) * format->bytes;
}

/*
 * Planes are as large as their lines: a last pixel without a partner has colour, too. Both kinds
 * of colour are as large in one plane as in two.
 */
u32 vloop_sizeimage(const struct vloop_format *format, u32 bytesperline, u32 height)
{
	u32 size = bytesperline * height;

	if (format->across)
		size += 2 * DIV_ROUND_UP(bytesperline, format->across * format->bytes) *
			format->bytes * DIV_ROUND_UP(height, format->down);

	return size;
}

u32 vloop_compressed_size(u32 width, u32 height)
{
	return max_t(u32, width * height / 8 * VLOOP_COMPRESSED_DEPTH +
			  width * height % 8 * VLOOP_COMPRESSED_DEPTH / 8, VLOOP_MIN_COMPRESSED);
}

/* The most bytes that a frame can have. */
u32 vloop_max_sizeimage(void)
{
	static const struct vloop_format largest = { VLOOP_CHROMA(2, 1) };

	return vloop_sizeimage(&largest, VLOOP_MAX_LINE, VPIPE_LOOP_MAX_SIZE);
}

bool vloop_is_drawable(const struct vloop_format *format)
{
	return format->black[0];
}

/* Fills a frame of @size bytes, of which the first plane has @lines lines. */
void vloop_draw_black(const struct vloop_format *format, bool full_range, u32 bytesperline,
		      u32 lines, void *frame, u32 size)
{
	const char *black = format->black[full_range];
	u32 first = bytesperline * lines, i;
	u8 *to = frame;

	for (i = 0; i < bytesperline; i++)
		to[i] = black[i % format->bytes];
	for (i = 1; i < lines; i++)
		memcpy(to + i * bytesperline, to, bytesperline);

	/* No colour is the middle of what a sample can be. */
	if (format->bytes == 1)
		memset(to + first, 128, size - first);
	else
		for (i = first; i < size; i++)
			to[i] = (i - first) % 2 ? 128 : 0;
}
