/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/videodev2.h>
#include <string.h>

#include "base/fourcc.h"
#include "harness.h"
#include "v4l2/colour.h"
#include "v4l2/format.h"

static struct glint_format format_of(uint32_t fourcc, uint32_t width, uint32_t height,
				     uint32_t stride)
{
	struct glint_format format = {
		.info = glint_format_find(fourcc),
		.fourcc = fourcc,
		.width = width,
		.height = height,
	};

	CU_ASSERT_PTR_NOT_NULL_FATAL(format.info);
	format.n_planes = format.info->mem_planes;
	for (unsigned i = 0; i < format.n_planes; i++) {
		format.stride[i] = i == 0 ? stride : stride / format.info->h_sub;
		format.size[i] = 1 << 20;
	}
	return format;
}

static void test_formats_are_found_by_name_and_by_fourcc_in_any_case(void)
{
	CU_ASSERT_EQUAL(glint_format_parse("yuyv"), V4L2_PIX_FMT_YUYV);
	CU_ASSERT_EQUAL(glint_format_parse("YUV420"), V4L2_PIX_FMT_YUV420);
	CU_ASSERT_EQUAL(glint_format_parse("yu12"), V4L2_PIX_FMT_YUV420);
	CU_ASSERT_EQUAL(glint_format_parse("NV12M"), V4L2_PIX_FMT_NV12M);
	CU_ASSERT_EQUAL(glint_format_parse("nm12"), V4L2_PIX_FMT_NV12M);
	CU_ASSERT_EQUAL(glint_format_parse("MJPEG"), V4L2_PIX_FMT_MJPEG);
	CU_ASSERT_EQUAL(glint_format_parse("mjpg"), V4L2_PIX_FMT_MJPEG);
	CU_ASSERT_EQUAL(glint_format_parse("RGB565"), V4L2_PIX_FMT_RGB565);
	CU_ASSERT_EQUAL(glint_format_parse(""), 0);
	CU_ASSERT_EQUAL(glint_format_parse("YUY"), 0);
	CU_ASSERT_EQUAL(glint_format_parse("YUYVX"), 0);
}

static void test_the_table_is_sorted_by_cost_and_no_name_stands_for_two(void)
{
	const struct glint_format_info *info, *before = NULL;
	char text[5];

	for (unsigned i = 0; (info = glint_format_at(i)); i++) {
		CU_ASSERT_TRUE(!before || before->cost <= info->cost);
		CU_ASSERT_EQUAL(glint_format_parse(info->name), info->fourcc);
		CU_ASSERT_EQUAL(glint_format_parse(glint_fourcc_text(info->fourcc, text)),
				info->fourcc);
		CU_ASSERT_PTR_EQUAL(glint_format_find(info->fourcc), info);
		before = info;
	}
	CU_ASSERT_PTR_NOT_NULL(before);
	CU_ASSERT_PTR_NULL(glint_format_find(V4L2_PIX_FMT_H264));
}

static void test_unprintable_fourccs_become_question_marks(void)
{
	char text[5];

	CU_ASSERT_STRING_EQUAL(glint_fourcc_text(V4L2_PIX_FMT_YUYV, text), "YUYV");
	CU_ASSERT_STRING_EQUAL(glint_fourcc_text(v4l2_fourcc_be('A', 'R', '1', '2'), text), "AR1?");
	CU_ASSERT_STRING_EQUAL(glint_fourcc_text(0x0a001b41, text), "A???");
}

static void test_the_last_line_may_end_at_its_last_pixel(void)
{
	struct glint_format yuyv = format_of(V4L2_PIX_FMT_YUYV, 10, 4, 32);
	struct glint_format nv12 = format_of(V4L2_PIX_FMT_NV12, 10, 4, 16);
	struct glint_format yu12 = format_of(V4L2_PIX_FMT_YUV420, 10, 4, 16);
	struct glint_format nv24 = format_of(V4L2_PIX_FMT_NV24, 10, 4, 16);
	struct glint_format ym12 = format_of(V4L2_PIX_FMT_YUV420M, 10, 4, 16);

	CU_ASSERT_EQUAL(glint_format_min_size(&yuyv, 0), 3 * 32 + 20);
	CU_ASSERT_EQUAL(glint_format_min_size(&nv12, 0), 4 * 16 + 16 + 10);
	CU_ASSERT_EQUAL(glint_format_min_size(&yu12, 0), 4 * 16 + 2 * 8 + 8 + 5);
	CU_ASSERT_EQUAL(glint_format_min_size(&nv24, 0), 4 * 16 + 3 * 32 + 20);
	CU_ASSERT_EQUAL(glint_format_min_size(&ym12, 0), 3 * 16 + 10);
	CU_ASSERT_EQUAL(glint_format_min_size(&ym12, 2), 8 + 5);
}

static void test_odd_sizes_round_the_chroma_up(void)
{
	struct glint_format yu12 = format_of(V4L2_PIX_FMT_YUV420, 7, 5, 8);
	struct glint_format yuyv = format_of(V4L2_PIX_FMT_YUYV, 7, 1, 16);
	struct glint_dmabuf buf = { .n_planes = 1 };
	static uint8_t memory[256];
	struct glint_view view;

	buf.planes[0] = (struct glint_plane){ .fd = -1, .map = memory, .size = sizeof(memory) };
	CU_ASSERT_EQUAL_FATAL(glint_format_view(&yu12, &buf, &view), 0);
	CU_ASSERT_EQUAL(view.n, 3);
	CU_ASSERT_EQUAL(view.comp[1].width, 4);
	CU_ASSERT_EQUAL(view.comp[1].height, 3);
	CU_ASSERT_EQUAL(view.comp[1].stride, 4);
	CU_ASSERT_PTR_EQUAL(view.comp[1].base, memory + 40);
	CU_ASSERT_PTR_EQUAL(view.comp[2].base, memory + 52);
	CU_ASSERT_EQUAL(glint_format_min_size(&yuyv, 0), 16); /* the eighth pixel is there */
}

static void test_a_view_resolves_which_chroma_comes_first(void)
{
	struct glint_format yv12 = format_of(V4L2_PIX_FMT_YVU420, 8, 4, 8);
	struct glint_format ym61 = format_of(V4L2_PIX_FMT_YVU422M, 8, 4, 8);
	struct glint_dmabuf buf = { .n_planes = 3 };
	static uint8_t memory[3][64];
	struct glint_view view;

	for (unsigned i = 0; i < 3; i++)
		buf.planes[i] = (struct glint_plane){ .fd = -1, .map = memory[i], .size = 64 };
	CU_ASSERT_EQUAL_FATAL(glint_format_view(&yv12, &buf, &view), 0);
	CU_ASSERT_PTR_EQUAL(view.comp[2].base, memory[0] + 32);
	CU_ASSERT_PTR_EQUAL(view.comp[1].base, memory[0] + 40);
	CU_ASSERT_EQUAL_FATAL(glint_format_view(&ym61, &buf, &view), 0);
	CU_ASSERT_PTR_EQUAL(view.comp[1].base, memory[2]);
	CU_ASSERT_PTR_EQUAL(view.comp[2].base, memory[1]);
	CU_ASSERT_EQUAL(view.comp[2].height, 4);
}

static void test_semi_planar_views_have_luma_and_pairs(void)
{
	struct glint_format nv21m = format_of(V4L2_PIX_FMT_NV21M, 8, 4, 8);
	struct glint_format nv16 = format_of(V4L2_PIX_FMT_NV16, 8, 4, 8);
	struct glint_dmabuf buf = { .n_planes = 2 };
	static uint8_t memory[2][64];
	struct glint_view view;

	nv21m.stride[1] = 8;
	for (unsigned i = 0; i < 2; i++)
		buf.planes[i] = (struct glint_plane){ .fd = -1, .map = memory[i], .size = 64 };
	CU_ASSERT_EQUAL_FATAL(glint_format_view(&nv21m, &buf, &view), 0);
	CU_ASSERT_EQUAL(view.n, 2);
	CU_ASSERT_PTR_EQUAL(view.comp[1].base, memory[1]);
	CU_ASSERT_EQUAL(view.comp[1].width, 4);
	CU_ASSERT_EQUAL(view.comp[1].height, 2);
	CU_ASSERT_TRUE(nv21m.info->order[1] > nv21m.info->order[2]);
	CU_ASSERT_EQUAL_FATAL(glint_format_view(&nv16, &buf, &view), 0);
	CU_ASSERT_PTR_EQUAL(view.comp[1].base, memory[0] + 32);
	CU_ASSERT_EQUAL(view.comp[1].height, 4);
}

static void test_a_view_refuses_what_is_not_there(void)
{
	struct glint_format yuyv = format_of(V4L2_PIX_FMT_YUYV, 8, 4, 16);
	struct glint_format jpeg = format_of(V4L2_PIX_FMT_MJPEG, 8, 4, 0);
	struct glint_format nv12m = format_of(V4L2_PIX_FMT_NV12M, 8, 4, 8);
	struct glint_dmabuf buf = { .n_planes = 1 };
	static uint8_t memory[64];
	struct glint_view view;

	buf.planes[0] = (struct glint_plane){ .fd = -1, .map = NULL, .size = 64 };
	CU_ASSERT_EQUAL(glint_format_view(&yuyv, &buf, &view), -EFAULT);
	buf.planes[0].map = memory;
	CU_ASSERT_EQUAL(glint_format_view(&yuyv, &buf, &view), 0);
	CU_ASSERT_EQUAL(glint_format_view(&jpeg, &buf, &view), -EINVAL);
	CU_ASSERT_EQUAL(glint_format_view(&nv12m, &buf, &view), -EPROTO);
	buf.planes[0].size = 63;
	CU_ASSERT_EQUAL(glint_format_view(&yuyv, &buf, &view), -EPROTO);
}

static void test_what_a_driver_reports_is_checked(void)
{
	struct glint_format good = format_of(V4L2_PIX_FMT_YUYV, 640, 480, 1280), bad;

	CU_ASSERT_EQUAL(glint_format_check(&good), 0);
	bad = good;
	bad.stride[0] = 0;
	CU_ASSERT_EQUAL(glint_format_check(&bad), -EPROTO);
	bad.stride[0] = 1279;
	CU_ASSERT_EQUAL(glint_format_check(&bad), -EPROTO);
	bad.stride[0] = UINT32_MAX; /* must not wrap to something small */
	CU_ASSERT_EQUAL(glint_format_check(&bad), -EPROTO);
	bad = good;
	bad.size[0] = 1280 * 480 - 1;
	CU_ASSERT_EQUAL(glint_format_check(&bad), -EPROTO);
	bad.size[0] = UINT32_MAX;
	CU_ASSERT_EQUAL(glint_format_check(&bad), -EPROTO);
	bad = good;
	bad.width = 0;
	CU_ASSERT_EQUAL(glint_format_check(&bad), -EPROTO);
	bad.width = 1u << 31;
	CU_ASSERT_EQUAL(glint_format_check(&bad), -EPROTO);
	bad = good;
	bad.height = 8641;
	CU_ASSERT_EQUAL(glint_format_check(&bad), -EPROTO);
	bad = good;
	bad.n_planes = 2;
	CU_ASSERT_EQUAL(glint_format_check(&bad), -EPROTO);
}

static void test_chroma_planes_are_checked_too(void)
{
	struct glint_format ym12 = format_of(V4L2_PIX_FMT_YUV420M, 640, 480, 640);
	struct glint_format jpeg = format_of(V4L2_PIX_FMT_JPEG, 640, 480, 0);

	CU_ASSERT_EQUAL(glint_format_check(&ym12), 0);
	ym12.stride[2] = 319;
	CU_ASSERT_EQUAL(glint_format_check(&ym12), -EPROTO);
	CU_ASSERT_EQUAL(glint_format_check(&jpeg), 0);
	jpeg.size[0] = 0;
	CU_ASSERT_EQUAL(glint_format_check(&jpeg), -EPROTO);
}

static void check_colour(uint32_t fourcc, uint32_t colorspace, uint32_t enc, uint32_t quantization,
			 enum glint_matrix matrix, enum glint_range range)
{
	struct glint_format format = format_of(fourcc, 8, 8, 32);

	glint_colour_set(&format, colorspace, enc, quantization);
	CU_ASSERT_EQUAL(format.matrix, matrix);
	CU_ASSERT_EQUAL(format.range, range);
}

static void test_default_colour_follows_the_colorspace(void)
{
	check_colour(V4L2_PIX_FMT_YUYV, V4L2_COLORSPACE_SRGB, 0, 0, GLINT_MATRIX_BT601,
		     GLINT_RANGE_LIMITED);
	check_colour(V4L2_PIX_FMT_YUYV, V4L2_COLORSPACE_REC709, 0, 0, GLINT_MATRIX_BT709,
		     GLINT_RANGE_LIMITED);
	check_colour(V4L2_PIX_FMT_NV12, V4L2_COLORSPACE_BT2020, 0, 0, GLINT_MATRIX_BT2020,
		     GLINT_RANGE_LIMITED);
	check_colour(V4L2_PIX_FMT_YUV420, V4L2_COLORSPACE_JPEG, 0, 0, GLINT_MATRIX_BT601,
		     GLINT_RANGE_FULL);
	check_colour(V4L2_PIX_FMT_GREY, V4L2_COLORSPACE_SRGB, 0, 0, GLINT_MATRIX_BT601,
		     GLINT_RANGE_FULL);
	check_colour(V4L2_PIX_FMT_Y10, V4L2_COLORSPACE_SRGB, 0, 0, GLINT_MATRIX_BT601,
		     GLINT_RANGE_FULL);
	check_colour(V4L2_PIX_FMT_Y16_BE, V4L2_COLORSPACE_SRGB, 0, 0, GLINT_MATRIX_BT601,
		     GLINT_RANGE_FULL);
	check_colour(V4L2_PIX_FMT_GREY, V4L2_COLORSPACE_SRGB, 0, V4L2_QUANTIZATION_LIM_RANGE,
		     GLINT_MATRIX_BT601, GLINT_RANGE_LIMITED);
	check_colour(V4L2_PIX_FMT_YUYV, 0, 0, 0, GLINT_MATRIX_BT601, GLINT_RANGE_LIMITED);
}

static void test_colour_fields_of_the_driver_win(void)
{
	check_colour(V4L2_PIX_FMT_YUYV, V4L2_COLORSPACE_REC709, V4L2_YCBCR_ENC_601,
		     V4L2_QUANTIZATION_FULL_RANGE, GLINT_MATRIX_BT601, GLINT_RANGE_FULL);
	check_colour(V4L2_PIX_FMT_YUYV, V4L2_COLORSPACE_JPEG, V4L2_YCBCR_ENC_XV709,
		     V4L2_QUANTIZATION_LIM_RANGE, GLINT_MATRIX_BT709, GLINT_RANGE_LIMITED);
	check_colour(V4L2_PIX_FMT_RGB24, V4L2_COLORSPACE_SRGB, 0, 0, GLINT_MATRIX_BT601,
		     GLINT_RANGE_FULL);
	check_colour(V4L2_PIX_FMT_YUYV, 0, 999, 999, GLINT_MATRIX_BT601, GLINT_RANGE_LIMITED);
}

/* clang-format off */
GLINT_TESTS("format",
	GLINT_TEST(test_formats_are_found_by_name_and_by_fourcc_in_any_case),
	GLINT_TEST(test_the_table_is_sorted_by_cost_and_no_name_stands_for_two),
	GLINT_TEST(test_unprintable_fourccs_become_question_marks),
	GLINT_TEST(test_the_last_line_may_end_at_its_last_pixel),
	GLINT_TEST(test_odd_sizes_round_the_chroma_up),
	GLINT_TEST(test_a_view_resolves_which_chroma_comes_first),
	GLINT_TEST(test_semi_planar_views_have_luma_and_pairs),
	GLINT_TEST(test_a_view_refuses_what_is_not_there),
	GLINT_TEST(test_what_a_driver_reports_is_checked),
	GLINT_TEST(test_chroma_planes_are_checked_too),
	GLINT_TEST(test_default_colour_follows_the_colorspace),
	GLINT_TEST(test_colour_fields_of_the_driver_win),
)
