/* SPDX-License-Identifier: MIT */
/* The choice of an encoder, and the mapping of the quality to the driver's scale. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../fake/m2m.h"
#include "base/macros.h"
#include "encode/m2m/negotiation.h"
#include "encode/m2m/session.h"
#include "harness.h"

static struct glint_codec_range range(int32_t min, int32_t max)
{
	return (struct glint_codec_range){ .min = min, .max = max, .step = 1 };
}

static void test_the_ends_of_the_quality_scale_are_the_drivers_ends(void)
{
	static const int32_t ends[][2] = { { 1, 100 }, { 5, 100 }, { 48, 100 }, { 0, 3 }, { 0, 1 } };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		struct glint_codec_range driver = range(ends[i][0], ends[i][1]);

		CU_ASSERT_EQUAL(glint_m2m_quality(1, &driver), ends[i][0]);
		CU_ASSERT_EQUAL(glint_m2m_quality(100, &driver), ends[i][1]);
	}
}

static void test_an_equal_quality_scale_is_unchanged(void)
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

static void test_a_higher_quality_never_maps_to_a_lower_value(void)
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
					   .fourcc = V4L2_PIX_FMT_YUYV,
					   .width = 64,
					   .height = 48,
					   .n_planes = 1,
					   .stride = { 128 },
					   .size = { 6144 } };
}

static enum glint_m2m_fit rig_find(struct rig *r, const char *device)
{
	struct glint_m2m_negotiation negotiation;

	glint_m2m_negotiation_init(&negotiation, &r->fake.access, device);
	glint_m2m_negotiation_find(&negotiation, &r->format, &r->found);
	glint_m2m_negotiation_fini(&negotiation);
	CU_ASSERT_EQUAL(r->fake.closes, r->fake.opens);
	return r->found.fit;
}

static unsigned formats(struct rig *r, uint32_t width, uint32_t height,
			uint32_t fourccs[static GLINT_CODEC_FORMATS_MAX])
{
	struct glint_m2m_negotiation negotiation;
	unsigned n;

	glint_m2m_negotiation_init(&negotiation, &r->fake.access, NULL);
	n = glint_m2m_negotiation_formats(&negotiation, width, height, fourccs);
	glint_m2m_negotiation_fini(&negotiation);
	return n;
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

static void test_devices_that_are_no_encoders_are_no_miss(void)
{
	struct rig r;

	rig_init(&r);
	r.fake.jpeg_fourcc = 0;
	CU_ASSERT_EQUAL(rig_find(&r, NULL), GLINT_M2M_NO_NODE);
	CU_ASSERT_EQUAL(rig_find(&r, "/dev/video1"), GLINT_M2M_NO_ENCODER);
	fake_m2m_fini(&r.fake);
}

static void test_an_encoder_that_needs_a_copy_is_usable_and_reports_that(void)
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

static void test_a_format_that_is_listed_twice_comes_once(void)
{
	uint32_t fourccs[GLINT_CODEC_FORMATS_MAX];
	struct rig r;

	rig_init(&r);
	r.fake.n_formats = 3;
	r.fake.formats[2] = V4L2_PIX_FMT_YUYV;
	CU_ASSERT_EQUAL(formats(&r, 64, 48, fourccs), 2);
	CU_ASSERT_EQUAL(fourccs[0], V4L2_PIX_FMT_YUYV);
	CU_ASSERT_EQUAL(fourccs[1], V4L2_PIX_FMT_NV12);
	fake_m2m_fini(&r.fake);
}

static void test_formats_that_would_have_to_be_copied_come_last(void)
{
	uint32_t fourccs[GLINT_CODEC_FORMATS_MAX];
	struct rig r;

	rig_init(&r);
	/* 1080 lines become 1088, and NV12's chroma lies behind them. */
	CU_ASSERT_EQUAL(formats(&r, 1920, 1080, fourccs), 1);
	CU_ASSERT_EQUAL(fourccs[0], V4L2_PIX_FMT_YUYV);
	r.fake.formats[0] = V4L2_PIX_FMT_NV21;
	CU_ASSERT_EQUAL(formats(&r, 1920, 1080, fourccs), 2);
	fake_m2m_fini(&r.fake);
}

/* --- How often nodes are opened ---------------------------------------------------------- */

#define NODES 256

struct counting {
	struct glint_v4l2_access access;
	struct glint_v4l2_access *device;
	unsigned opens[NODES];
};

static struct counting *counting_of(struct glint_v4l2_access *access)
{
	return container_of(access, struct counting, access);
}

static int counting_open(struct glint_v4l2_access *access, const char *path)
{
	struct counting *counting = counting_of(access);
	unsigned number = NODES;

	CU_ASSERT_EQUAL(sscanf(path, "/dev/video%u", &number), 1);
	CU_ASSERT_FATAL(number < NODES);
	counting->opens[number]++;
	return counting->device->ops->open(counting->device, path);
}

static int counting_close(struct glint_v4l2_access *access, int fd)
{
	struct counting *counting = counting_of(access);

	return counting->device->ops->close(counting->device, fd);
}

static int counting_ioctl(struct glint_v4l2_access *access, int fd, unsigned long request,
			  void *arg)
{
	struct counting *counting = counting_of(access);

	return counting->device->ops->ioctl(counting->device, fd, request, arg);
}

static void *counting_mmap(struct glint_v4l2_access *access, int fd, size_t length, long offset)
{
	struct counting *counting = counting_of(access);

	return counting->device->ops->mmap(counting->device, fd, length, offset);
}

static void counting_init(struct counting *counting, struct rig *r)
{
	static const struct glint_v4l2_access_ops ops = {
		.open = counting_open,
		.close = counting_close,
		.ioctl = counting_ioctl,
		.mmap = counting_mmap,
	};

	*counting = (struct counting){ .access.ops = &ops, .device = &r->fake.access };
}

/* How many nodes were not opened exactly @times times. */
static unsigned opened_otherwise(const struct counting *counting, unsigned times)
{
	unsigned others = 0;

	for (unsigned i = 0; i < NODES; i++)
		others += counting->opens[i] != times;
	return others;
}

static void test_a_negotiation_and_its_session_open_each_node_once(void)
{
	struct glint_m2m_negotiation negotiation;
	uint32_t fourccs[GLINT_CODEC_FORMATS_MAX];
	struct counting counting;
	struct glint_dmabuf bufs[3];
	struct glint_codec codec;
	struct rig r;

	rig_init(&r);
	counting_init(&counting, &r);
	glint_m2m_negotiation_init(&negotiation, &counting.access, NULL);
	CU_ASSERT_EQUAL(glint_m2m_negotiation_timeout(&negotiation), -1);

	/* All requests of a capture in the worst case, and then the session. */
	CU_ASSERT_EQUAL(glint_m2m_negotiation_formats(&negotiation, 64, 48, fourccs), 2);
	glint_m2m_negotiation_find(&negotiation, &r.format, &r.found);
	CU_ASSERT_EQUAL(r.found.fit, GLINT_M2M_FITS);
	CU_ASSERT_EQUAL_FATAL(glint_m2m_negotiation_lend(&negotiation, &r.format, 3, bufs), 0);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(glint_m2m_negotiation_reads(&negotiation, &r.format, &bufs[i]), 0);
	r.fake.attach_err = -EFAULT;
	CU_ASSERT_EQUAL(glint_m2m_negotiation_reads(&negotiation, &r.format, &bufs[0]), -EFAULT);
	CU_ASSERT_TRUE(glint_m2m_negotiation_timeout(&negotiation) > 0);
	glint_codec_init(&codec);
	CU_ASSERT_EQUAL(glint_m2m_negotiation_take(&negotiation, &r.format, &r.found, &codec), 0);
	CU_ASSERT_STRING_EQUAL(r.found.path, "/dev/video1");
	CU_ASSERT_EQUAL(opened_otherwise(&counting, 1), 0);
	CU_ASSERT_EQUAL(glint_m2m_negotiation_timeout(&negotiation), -1);

	/* The next session of the stream needs the encoder alone. */
	glint_codec_close(&codec);
	CU_ASSERT_EQUAL(glint_m2m_negotiation_take(&negotiation, &r.format, &r.found, &codec), 0);
	CU_ASSERT_EQUAL(counting.opens[1], 2);
	CU_ASSERT_EQUAL(opened_otherwise(&counting, 1), 1);
	glint_codec_close(&codec);

	for (unsigned i = 0; i < 3; i++)
		glint_dmabuf_fini(&bufs[i]);
	glint_m2m_negotiation_fini(&negotiation);
	fake_m2m_fini(&r.fake);
}

static void test_a_session_without_an_encoder_opens_each_node_once_more(void)
{
	struct glint_m2m_negotiation negotiation;
	struct counting counting;
	struct glint_codec codec;
	struct rig r;

	rig_init(&r);
	counting_init(&counting, &r);
	glint_m2m_negotiation_init(&negotiation, &counting.access, NULL);
	glint_m2m_negotiation_find(&negotiation, &r.format, &r.found);
	CU_ASSERT_EQUAL(r.found.fit, GLINT_M2M_FITS);
	r.fake.fail_request = VIDIOC_TRY_FMT;
	r.fake.fail_err = EIO;
	glint_codec_init(&codec);
	CU_ASSERT_EQUAL(glint_m2m_negotiation_take(&negotiation, &r.format, &r.found, &codec),
			-EIO);
	CU_ASSERT_EQUAL(opened_otherwise(&counting, 2), 0);
	glint_m2m_negotiation_fini(&negotiation);
	fake_m2m_fini(&r.fake);
}

static void test_an_encoder_that_was_in_use_is_asked_again_by_the_session(void)
{
	struct glint_m2m_negotiation negotiation;
	uint32_t fourccs[GLINT_CODEC_FORMATS_MAX];
	struct glint_codec last, codec;
	struct rig r;

	rig_init(&r);
	glint_m2m_negotiation_init(&negotiation, &r.fake.access, NULL);
	glint_codec_init(&last);
	glint_codec_init(&codec);
	CU_ASSERT_EQUAL(glint_m2m_negotiation_take(&negotiation, &r.format, &r.found, &last), 0);
	/* The next stream is negotiated meanwhile; the device can be opened only once. */
	CU_ASSERT_EQUAL(glint_m2m_negotiation_formats(&negotiation, 64, 48, fourccs), 0);
	glint_codec_close(&last);
	CU_ASSERT_EQUAL(glint_m2m_negotiation_take(&negotiation, &r.format, &r.found, &codec), 0);
	glint_codec_close(&codec);
	glint_m2m_negotiation_fini(&negotiation);
	fake_m2m_fini(&r.fake);
}

static void test_an_encoder_that_returns_with_another_number_is_found(void)
{
	struct glint_m2m_negotiation negotiation;
	struct glint_codec codec;
	struct rig r;

	rig_init(&r);
	glint_m2m_negotiation_init(&negotiation, &r.fake.access, NULL);
	glint_codec_init(&codec);
	CU_ASSERT_EQUAL(glint_m2m_negotiation_take(&negotiation, &r.format, &r.found, &codec), 0);
	glint_codec_close(&codec);
	r.fake.path = "/dev/video9";
	CU_ASSERT_EQUAL(glint_m2m_negotiation_take(&negotiation, &r.format, &r.found, &codec), 0);
	CU_ASSERT_STRING_EQUAL(r.found.path, "/dev/video9");
	glint_codec_close(&codec);

	/* So is an encoder that appears after it was missed. */
	r.fake.path = "/dev/none";
	CU_ASSERT_EQUAL(glint_m2m_negotiation_take(&negotiation, &r.format, &r.found, &codec),
			-ENODEV);
	r.fake.path = "/dev/video3";
	CU_ASSERT_EQUAL(glint_m2m_negotiation_take(&negotiation, &r.format, &r.found, &codec), 0);
	glint_codec_close(&codec);
	glint_m2m_negotiation_fini(&negotiation);
	fake_m2m_fini(&r.fake);
}

/* clang-format off */
GLINT_TESTS("m2m_find",
	GLINT_TEST(test_formats_that_would_have_to_be_copied_come_last),
	GLINT_TEST(test_the_ends_of_the_quality_scale_are_the_drivers_ends),
	GLINT_TEST(test_an_equal_quality_scale_is_unchanged),
	GLINT_TEST(test_four_tables_share_the_scale_evenly),
	GLINT_TEST(test_a_higher_quality_never_maps_to_a_lower_value),
	GLINT_TEST(test_an_encoder_is_found_among_all_nodes),
	GLINT_TEST(test_a_named_node_is_the_only_one_that_is_asked),
	GLINT_TEST(test_the_nearest_miss_is_the_reason),
	GLINT_TEST(test_devices_that_are_no_encoders_are_no_miss),
	GLINT_TEST(test_an_encoder_that_needs_a_copy_is_usable_and_reports_that),
	GLINT_TEST(test_a_format_that_is_listed_twice_comes_once),
	GLINT_TEST(test_a_negotiation_and_its_session_open_each_node_once),
	GLINT_TEST(test_a_session_without_an_encoder_opens_each_node_once_more),
	GLINT_TEST(test_an_encoder_that_was_in_use_is_asked_again_by_the_session),
	GLINT_TEST(test_an_encoder_that_returns_with_another_number_is_found),
)
