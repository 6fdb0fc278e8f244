/* SPDX-License-Identifier: MIT */
/* Which encoder is taken, and what our scale of quality means to it. */
#include <errno.h>
#include <string.h>

#include "../fake/m2m.h"
#include "base/cleanup.h"
#include "encode/m2m/negotiation.h"
#include "encode/m2m/session.h"
#include "harness.h"

static struct glint_codec_range range(int32_t min, int32_t max)
{
	return (struct glint_codec_range){ .min = min, .max = max, .step = 1 };
}

static void test_our_ends_of_the_scale_are_the_drivers(void)
{
	static const int32_t ends[][2] = { { 1, 100 }, { 5, 100 }, { 48, 100 }, { 0, 3 }, { 0, 1 } };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		struct glint_codec_range driver = range(ends[i][0], ends[i][1]);

		CU_ASSERT_EQUAL(glint_m2m_quality(1, &driver), ends[i][0]);
		CU_ASSERT_EQUAL(glint_m2m_quality(100, &driver), ends[i][1]);
	}
}

static void test_the_same_scale_is_kept_as_it_is(void)
{
	struct glint_codec_range driver = range(1, 100);

	for (unsigned quality = 1; quality <= 100; quality++)
		CU_ASSERT_EQUAL(glint_m2m_quality(quality, &driver), (int32_t)quality);
}

static void test_four_tables_share_the_scale_evenly(void)
{
	struct glint_codec_range driver = range(0, 3);
	unsigned count[4] = { 0 };

	for (unsigned quality = 1; quality <= 100; quality++)
		count[glint_m2m_quality(quality, &driver)]++;
	CU_ASSERT_EQUAL(count[0], 17);
	CU_ASSERT_EQUAL(count[1], 33);
	CU_ASSERT_EQUAL(count[2], 33);
	CU_ASSERT_EQUAL(count[3], 17);
}

static void test_better_is_never_worse(void)
{
	static const int32_t steps[] = { 1, 7, 15, 60 };

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct glint_codec_range driver = { .min = 48, .max = 100, .step = steps[i] };
		int32_t last = 48;

		for (unsigned quality = 1; quality <= 100; quality++) {
			int32_t value = glint_m2m_quality(quality, &driver);

			CU_ASSERT(value >= last && value <= 100);
			CU_ASSERT_EQUAL((value - 48) % steps[i], 0);
			last = value;
		}
	}
}

/* Two nodes, with an encoder behind the second. */
struct rig {
	struct fake_m2m fake;
	struct glint_m2m_found found;
	struct glint_format format;
};

static void rig_init(struct rig *r)
{
	*r = (struct rig){ 0 };
	fake_m2m_init(&r->fake);
	r->fake.path = "/dev/video1";
	r->format = (struct glint_format){ .info = glint_format_find(V4L2_PIX_FMT_YUYV),
					   .fourcc = V4L2_PIX_FMT_YUYV, .width = 64, .height = 48,
					   .n_planes = 1, .stride = { 128 }, .size = { 6144 } };
}

static enum glint_m2m_fit rig_find(struct rig *r, const char *device)
{
	glint_m2m_find(&r->fake.access, device, &r->format, &r->found);
	return r->found.fit;
}

static void test_an_encoder_is_found_among_all_nodes(void)
{
	struct rig r;

	rig_init(&r);
	CU_ASSERT_EQUAL(rig_find(&r, NULL), GLINT_M2M_FITS);
	CU_ASSERT_STRING_EQUAL(r.found.path, "/dev/video1");
	CU_ASSERT_STRING_EQUAL(r.found.driver, "fake-m2m");
	CU_ASSERT_EQUAL(r.found.raw.stride[0], 128);
	fake_m2m_fini(&r.fake);
}

static void test_a_named_node_is_the_only_one_that_is_asked(void)
{
	struct rig r;

	rig_init(&r);
	CU_ASSERT_EQUAL(rig_find(&r, "/dev/video7"), GLINT_M2M_NO_NODE);
	CU_ASSERT_EQUAL(r.fake.opens, 0);
	CU_ASSERT_EQUAL(rig_find(&r, "/dev/video1"), GLINT_M2M_FITS);
	fake_m2m_fini(&r.fake);
}

static void test_the_nearest_miss_is_the_reason(void)
{
	struct rig r;

	rig_init(&r);
	r.format.fourcc = V4L2_PIX_FMT_RGB24;
	CU_ASSERT_EQUAL(rig_find(&r, NULL), GLINT_M2M_NO_FORMAT);
	r.format.fourcc = V4L2_PIX_FMT_YUYV;
	r.fake.most = 32;
	CU_ASSERT_EQUAL(rig_find(&r, NULL), GLINT_M2M_NO_SIZE);
	CU_ASSERT_STRING_EQUAL(glint_m2m_fit_text(r.found.fit), "does not take the size");
	fake_m2m_fini(&r.fake);
}

static void test_devices_that_are_no_encoders_are_no_reason(void)
{
	struct rig r;

	rig_init(&r);
	r.fake.jpeg_fourcc = 0;
	CU_ASSERT_EQUAL(rig_find(&r, NULL), GLINT_M2M_NO_NODE);
	CU_ASSERT_EQUAL(rig_find(&r, "/dev/video1"), GLINT_M2M_NO_ENCODER);
	fake_m2m_fini(&r.fake);
}

static void test_what_costs_a_copy_is_usable_and_says_so(void)
{
	struct rig r;

	rig_init(&r);
	r.fake.imports = false;
	CU_ASSERT_EQUAL(rig_find(&r, NULL), GLINT_M2M_NO_IMPORT);
	CU_ASSERT(glint_m2m_fit_is_usable(r.found.fit));
	r.fake.imports = true;
	r.fake.align_stride = 256;
	CU_ASSERT_EQUAL(rig_find(&r, NULL), GLINT_M2M_NO_LAYOUT);
	CU_ASSERT(glint_m2m_fit_is_usable(r.found.fit));
	CU_ASSERT_FALSE(glint_m2m_fit_is_usable(GLINT_M2M_NO_SIZE));
	fake_m2m_fini(&r.fake);
}

static void test_formats_of_all_encoders_come_once_each(void)
{
	uint32_t fourccs[GLINT_CODEC_FORMATS_MAX];
	struct rig r;

	rig_init(&r);
	r.fake.path = NULL;	/* 256 nodes, all the same */
	CU_ASSERT_EQUAL(glint_m2m_find_formats(&r.fake.access, NULL, 64, 48, fourccs), 2);
	CU_ASSERT_EQUAL(fourccs[0], V4L2_PIX_FMT_YUYV);
	CU_ASSERT_EQUAL(r.fake.opens, 256);
	CU_ASSERT_EQUAL(r.fake.closes, 256);
	fake_m2m_fini(&r.fake);
}

static void test_formats_that_would_have_to_be_copied_come_last(void)
{
	uint32_t fourccs[GLINT_CODEC_FORMATS_MAX];
	struct rig r;

	rig_init(&r);
	/* 1080 lines become 1088, and NV12's chroma lies behind them. */
	CU_ASSERT_EQUAL(glint_m2m_find_formats(&r.fake.access, NULL, 1920, 1080, fourccs), 1);
	CU_ASSERT_EQUAL(fourccs[0], V4L2_PIX_FMT_YUYV);
	r.fake.formats[0] = V4L2_PIX_FMT_NV21;
	CU_ASSERT_EQUAL(glint_m2m_find_formats(&r.fake.access, NULL, 1920, 1080, fourccs), 2);
	fake_m2m_fini(&r.fake);
}

GLINT_TESTS("m2m_find",
	GLINT_TEST(test_formats_that_would_have_to_be_copied_come_last),
	GLINT_TEST(test_our_ends_of_the_scale_are_the_drivers),
	GLINT_TEST(test_the_same_scale_is_kept_as_it_is),
	GLINT_TEST(test_four_tables_share_the_scale_evenly),
	GLINT_TEST(test_better_is_never_worse),
	GLINT_TEST(test_an_encoder_is_found_among_all_nodes),
	GLINT_TEST(test_a_named_node_is_the_only_one_that_is_asked),
	GLINT_TEST(test_the_nearest_miss_is_the_reason),
	GLINT_TEST(test_devices_that_are_no_encoders_are_no_reason),
	GLINT_TEST(test_what_costs_a_copy_is_usable_and_says_so),
	GLINT_TEST(test_formats_of_all_encoders_come_once_each),
)
