/* SPDX-License-Identifier: MIT */
#include "v4l2/format.h"

#include <linux/videodev2.h>
#include <string.h>
#include <strings.h>

#include "base/fourcc.h"
#include "base/macros.h"

/* Newer than the oldest headers. */
#define FOURCC_P010 v4l2_fourcc('P', '0', '1', '0')
#define FOURCC_P012 v4l2_fourcc('P', '0', '1', '2')
#define FOURCC_Y210 v4l2_fourcc('Y', '2', '1', '0')
#define FOURCC_Y212 v4l2_fourcc('Y', '2', '1', '2')
#define FOURCC_Y216 v4l2_fourcc('Y', '2', '1', '6')

/* clang-format off */
#define PACKED(code, name_, ...)                                                                  \
	{ .fourcc = code, .name = name_, .layout = GLINT_LAYOUT_PACKED_YUV, .mem_planes = 1,      \
	  .bytes_per_pixel = 2, .h_sub = 2, .v_sub = 1, .cost = 2, .order = { __VA_ARGS__ } }

/* order: positions of Y, Cb, Cr; only the order of the two chromas matters. */
#define CBCR { 0, 1, 2 }
#define CRCB { 0, 2, 1 }
#define YUV(code, name_, layout_, planes, h, v, cost_, order_)                                    \
	{ .fourcc = code, .name = name_, .layout = GLINT_LAYOUT_##layout_, .mem_planes = planes,  \
	  .bytes_per_pixel = 1, .h_sub = h, .v_sub = v, .cost = cost_, .order = order_ }

/* Samples of more than eight bits, in words; of the lowest bits of a word, or of the highest (8). */
#define DEEP(code, name_, layout_, h, v, cost_, bits_, shift_, ...)                              \
	{ .fourcc = code, .name = name_, .layout = GLINT_LAYOUT_##layout_, .mem_planes = 1,       \
	  .bytes_per_pixel = GLINT_LAYOUT_##layout_ == GLINT_LAYOUT_PACKED_YUV ? 4 : 2,           \
	  .h_sub = h, .v_sub = v, .bits = bits_, .shift = shift_, .cost = cost_,                  \
	  .order = { __VA_ARGS__ } }

#define RGB(code, name_, bytes, ...)                                                              \
	{ .fourcc = code, .name = name_, .layout = GLINT_LAYOUT_RGB, .mem_planes = 1,             \
	  .bytes_per_pixel = bytes, .h_sub = 1, .v_sub = 1, .cost = 6, .order = { __VA_ARGS__ } }

#define SIMPLE(code, name_, layout_, bytes, cost_)                                                \
	{ .fourcc = code, .name = name_, .layout = GLINT_LAYOUT_##layout_, .mem_planes = 1,       \
	  .bytes_per_pixel = bytes, .h_sub = 1, .v_sub = 1, .cost = cost_ }

/* libv4lconvert converts these to one of the formats above. */
#define CONVERTED(code, name_, bits, blocks, becomes_)                                            \
	{ .fourcc = code, .name = name_, .layout = GLINT_LAYOUT_OTHER, .mem_planes = 1,           \
	  .h_sub = 1, .v_sub = 1, .bits_per_pixel = bits, .in_blocks = blocks, .cost = 10,        \
	  .becomes = V4L2_PIX_FMT_##becomes_ }
#define OTHER(code, name_, bits, becomes_) CONVERTED(code, name_, bits, false, becomes_)
#define BLOCKS(code, name_) CONVERTED(code, name_, 12, true, YUV420)
/* Bayer of twelve bits: glint takes the highest eight of them, see convert/convert.c. */
#define BAYER12(order_, suffix, in_all_)                                                             \
	{ .fourcc = V4L2_PIX_FMT_S##order_##12##suffix, .name = "S" #order_ "12" #suffix,         \
	  .layout = GLINT_LAYOUT_OTHER, .mem_planes = 1, .h_sub = 1, .v_sub = 1, .bits = 12,      \
	  .bits_per_pixel = in_all_, .cost = 10, .becomes = V4L2_PIX_FMT_RGB24,                      \
	  .reduced_to = V4L2_PIX_FMT_S##order_##8 }
#define BAYER(order_)                                                                             \
	OTHER(V4L2_PIX_FMT_S##order_##8, "S" #order_ "8", 8, RGB24),                              \
	OTHER(V4L2_PIX_FMT_S##order_##10, "S" #order_ "10", 16, RGB24),                           \
	OTHER(V4L2_PIX_FMT_S##order_##10P, "S" #order_ "10P", 10, RGB24),                         \
	OTHER(V4L2_PIX_FMT_S##order_##16, "S" #order_ "16", 16, RGB24),                           \
	BAYER12(order_, , 16), BAYER12(order_, P, 12)
/* clang-format on */

/*
 * In order of encoding cost. libjpeg reads 4:2:0 planes as they are; interleaved chroma must
 * be separated, 4:2:2 and 4:4:4 have more chroma, and RGB must be converted. A device's own
 * JPEG costs nothing but is lossy, so it comes after the exact formats; v4l2/choose.c says
 * when it wins nevertheless. Formats for libv4lconvert come last: they cost one more pass.
 *
 * Some formats of libv4lconvert are not listed: compressed ones, because its decoders read
 * past damaged data or are separate programs (OV511, OV518); HSV, whose colours come out
 * wrong; and HM12, whose width the library assumes.
 */
/* clang-format off */
static const struct glint_format_info formats[] = {
	YUV(V4L2_PIX_FMT_YUV420, "YUV420", PLANAR, 1, 2, 2, 0, CBCR),
	YUV(V4L2_PIX_FMT_YVU420, "YVU420", PLANAR, 1, 2, 2, 0, CRCB),
	YUV(V4L2_PIX_FMT_YUV420M, "YUV420M", PLANAR, 3, 2, 2, 0, CBCR),
	YUV(V4L2_PIX_FMT_YVU420M, "YVU420M", PLANAR, 3, 2, 2, 0, CRCB),
	YUV(V4L2_PIX_FMT_NV12, "NV12", SEMIPLANAR, 1, 2, 2, 1, CBCR),
	YUV(V4L2_PIX_FMT_NV21, "NV21", SEMIPLANAR, 1, 2, 2, 1, CRCB),
	YUV(V4L2_PIX_FMT_NV12M, "NV12M", SEMIPLANAR, 2, 2, 2, 1, CBCR),
	YUV(V4L2_PIX_FMT_NV21M, "NV21M", SEMIPLANAR, 2, 2, 2, 1, CRCB),
	PACKED(V4L2_PIX_FMT_YUYV, "YUYV", 0, 1, 2, 3),
	PACKED(V4L2_PIX_FMT_UYVY, "UYVY", 1, 0, 3, 2),
	PACKED(V4L2_PIX_FMT_YVYU, "YVYU", 0, 3, 2, 1),
	PACKED(V4L2_PIX_FMT_VYUY, "VYUY", 1, 2, 3, 0),
	YUV(V4L2_PIX_FMT_YUV422P, "YUV422P", PLANAR, 1, 2, 1, 2, CBCR),
	YUV(V4L2_PIX_FMT_YUV422M, "YUV422M", PLANAR, 3, 2, 1, 2, CBCR),
	YUV(V4L2_PIX_FMT_YVU422M, "YVU422M", PLANAR, 3, 2, 1, 2, CRCB),
	YUV(V4L2_PIX_FMT_NV16, "NV16", SEMIPLANAR, 1, 2, 1, 3, CBCR),
	YUV(V4L2_PIX_FMT_NV61, "NV61", SEMIPLANAR, 1, 2, 1, 3, CRCB),
	YUV(V4L2_PIX_FMT_NV16M, "NV16M", SEMIPLANAR, 2, 2, 1, 3, CBCR),
	YUV(V4L2_PIX_FMT_NV61M, "NV61M", SEMIPLANAR, 2, 2, 1, 3, CRCB),
	YUV(V4L2_PIX_FMT_YUV444M, "YUV444M", PLANAR, 3, 1, 1, 4, CBCR),
	YUV(V4L2_PIX_FMT_YVU444M, "YVU444M", PLANAR, 3, 1, 1, 4, CRCB),
	YUV(V4L2_PIX_FMT_NV24, "NV24", SEMIPLANAR, 1, 1, 1, 5, CBCR),
	YUV(V4L2_PIX_FMT_NV42, "NV42", SEMIPLANAR, 1, 1, 1, 5, CRCB),
	RGB(V4L2_PIX_FMT_RGB24, "RGB24", 3, 0, 1, 2),
	RGB(V4L2_PIX_FMT_BGR24, "BGR24", 3, 2, 1, 0),
	RGB(V4L2_PIX_FMT_XBGR32, "XBGR32", 4, 2, 1, 0),
	RGB(V4L2_PIX_FMT_ABGR32, "ABGR32", 4, 2, 1, 0),
	RGB(V4L2_PIX_FMT_BGR32, "BGR32", 4, 2, 1, 0),
	RGB(V4L2_PIX_FMT_XRGB32, "XRGB32", 4, 1, 2, 3),
	RGB(V4L2_PIX_FMT_ARGB32, "ARGB32", 4, 1, 2, 3),
	RGB(V4L2_PIX_FMT_RGB32, "RGB32", 4, 1, 2, 3),
	RGB(V4L2_PIX_FMT_RGBX32, "RGBX32", 4, 0, 1, 2),
	RGB(V4L2_PIX_FMT_RGBA32, "RGBA32", 4, 0, 1, 2),
	RGB(V4L2_PIX_FMT_BGRX32, "BGRX32", 4, 3, 2, 1),
	RGB(V4L2_PIX_FMT_BGRA32, "BGRA32", 4, 3, 2, 1),
	SIMPLE(V4L2_PIX_FMT_RGB565, "RGB565", RGB565, 2, 7),
	DEEP(FOURCC_P010, "P010", SEMIPLANAR, 2, 2, 7, 10, 8, 0, 1, 2),
	DEEP(FOURCC_P012, "P012", SEMIPLANAR, 2, 2, 7, 12, 8, 0, 1, 2),
	DEEP(FOURCC_Y210, "Y210", PACKED_YUV, 2, 1, 7, 10, 8, 0, 1, 2, 3),
	DEEP(FOURCC_Y212, "Y212", PACKED_YUV, 2, 1, 7, 12, 8, 0, 1, 2, 3),
	DEEP(FOURCC_Y216, "Y216", PACKED_YUV, 2, 1, 7, 16, 8, 0, 1, 2, 3),
	SIMPLE(V4L2_PIX_FMT_MJPEG, "MJPEG", JPEG, 0, 8),
	SIMPLE(V4L2_PIX_FMT_JPEG, "JPEG", JPEG, 0, 8),
	SIMPLE(V4L2_PIX_FMT_GREY, "GREY", GREY, 1, 9),
	DEEP(V4L2_PIX_FMT_Y10, "Y10", GREY, 1, 1, 9, 10, 2, 0),
	DEEP(V4L2_PIX_FMT_Y12, "Y12", GREY, 1, 1, 9, 12, 4, 0),
	DEEP(V4L2_PIX_FMT_Y14, "Y14", GREY, 1, 1, 9, 14, 6, 0),
	DEEP(V4L2_PIX_FMT_Y16, "Y16", GREY, 1, 1, 9, 16, 8, 0),
	BLOCKS(V4L2_PIX_FMT_M420, "M420"),
	BLOCKS(V4L2_PIX_FMT_SN9C20X_I420, "SN9C20X_I420"),
	BLOCKS(V4L2_PIX_FMT_SPCA501, "SPCA501"),
	BLOCKS(V4L2_PIX_FMT_SPCA505, "SPCA505"),
	BLOCKS(V4L2_PIX_FMT_SPCA508, "SPCA508"),
	BAYER(RGGB),
	BAYER(GRBG),
	BAYER(GBRG),
	BAYER(BGGR),
	OTHER(V4L2_PIX_FMT_Y16_BE, "Y16_BE", 16, YUV420),
	OTHER(V4L2_PIX_FMT_Y10BPACK, "Y10BPACK", 10, YUV420),
	OTHER(V4L2_PIX_FMT_Y6, "Y6", 8, YUV420),
	OTHER(V4L2_PIX_FMT_Y4, "Y4", 8, YUV420),
};
/* clang-format on */

const struct glint_format_info *glint_format_find(uint32_t fourcc)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (formats[i].fourcc == fourcc)
			return &formats[i];
	return NULL;
}

const struct glint_format_info *glint_format_at(unsigned index)
{
	return index < ARRAY_SIZE(formats) ? &formats[index] : NULL;
}

bool glint_format_is_usable(const struct glint_format_info *info, bool raw, bool other)
{
	switch (info->layout) {
	case GLINT_LAYOUT_JPEG:
		return true;
	case GLINT_LAYOUT_OTHER:
		return other && info->becomes != 0;
	default:
		return raw;
	}
}

static uint32_t find_text(const char *name, int (*compare)(const char *, const char *))
{
	char text[5];

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (compare(name, glint_fourcc_text(formats[i].fourcc, text)) == 0)
			return formats[i].fourcc;
	return 0;
}

uint32_t glint_format_parse(const char *name)
{
	uint32_t fourcc;

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (strcasecmp(name, formats[i].name) == 0)
			return formats[i].fourcc;
	/* With the exact case first, because pgAA and pGAA are different formats. */
	fourcc = find_text(name, strcmp);
	return fourcc ? fourcc : find_text(name, strcasecmp);
}

const struct glint_format_info *glint_format_other(void)
{
	static const struct glint_format_info other = {
		.name = "other",
		.layout = GLINT_LAYOUT_OTHER,
		.mem_planes = 1,
		.h_sub = 1,
		.v_sub = 1,
		.cost = UINT8_MAX,
	};

	return &other;
}
