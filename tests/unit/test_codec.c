/* SPDX-License-Identifier: MIT */
/* An M2M encoder and its two queues, against a scripted one. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../fake/m2m.h"
#include "base/macros.h"
#include "harness.h"
#include "v4l2/codec.h"

#define QUALITY V4L2_CID_JPEG_COMPRESSION_QUALITY

static const struct glint_vqueue_entry empty;

struct rig {
	struct fake_m2m fake;
	struct glint_codec codec;
};

static struct glint_format frames(uint32_t fourcc, uint32_t width, uint32_t height)
{
	const struct glint_format_info *info = glint_format_find(fourcc);
	uint32_t stride = width * info->bytes_per_pixel;

	return (struct glint_format){ .info = info,
				      .fourcc = fourcc,
				      .width = width,
				      .height = height,
				      .n_planes = info->mem_planes,
				      .stride = { stride, stride, stride },
				      .size = { stride * height * 2 } };
}

static void rig_init(struct rig *r)
{
	fake_m2m_init(&r->fake);
	glint_codec_init(&r->codec);
}

static void rig_open(struct rig *r)
{
	rig_init(r);
	CU_ASSERT_EQUAL_FATAL(
		glint_codec_open(&r->codec, &r->fake.access, "/dev/video1", &glint_coding_jpeg), 0);
}

static void rig_close(struct rig *r)
{
	glint_codec_close(&r->codec);
	fake_m2m_fini(&r->fake);
}

/* Start a raw queue of @n imported buffers and a coded queue of two. */
static void rig_stream(struct rig *r, unsigned n, bool import)
{
	struct glint_format format = frames(V4L2_PIX_FMT_YUYV, 64, 48);

	CU_ASSERT_EQUAL_FATAL(glint_codec_set_formats(&r->codec, &format), 0);
	CU_ASSERT_EQUAL_FATAL((import ? glint_vqueue_import(&r->codec.raw, n) :
					glint_vqueue_alloc(&r->codec.raw, n, NULL)),
			      (int)n);
	CU_ASSERT_EQUAL_FATAL(glint_vqueue_alloc(&r->codec.coded, 2, NULL), 2);
	CU_ASSERT_EQUAL(glint_vqueue_stream(&r->codec.raw, true), 0);
	CU_ASSERT_EQUAL(glint_vqueue_stream(&r->codec.coded, true), 0);
}

static struct glint_dmabuf memory(size_t size)
{
	struct glint_dmabuf buf;

	glint_dmabuf_init(&buf);
	buf.n_planes = 1;
	buf.planes[0].fd = memfd_create("frame", MFD_CLOEXEC);
	buf.planes[0].size = size;
	(void)!ftruncate(buf.planes[0].fd, (off_t)size);
	return buf;
}

static int queue_raw(struct rig *r, unsigned index, const struct glint_dmabuf *buf,
		     uint64_t stamp_us)
{
	struct glint_vqueue_entry entry = { .buf = buf, .filled = true, .stamp_us = stamp_us };

	return glint_vqueue_queue(&r->codec.raw, index, &entry);
}

static int prepare(struct rig *r, unsigned index, const struct glint_dmabuf *buf)
{
	struct glint_vqueue_entry entry = { .buf = buf, .filled = true };

	return glint_vqueue_prepare(&r->codec.raw, index, &entry);
}

static void test_an_encoder_is_known_by_its_names_and_formats(void)
{
	uint32_t fourccs[GLINT_CODEC_FORMATS_MAX];
	struct rig r;

	rig_open(&r);
	CU_ASSERT_STRING_EQUAL(r.codec.driver, "fake-m2m");
	CU_ASSERT(V4L2_TYPE_IS_MULTIPLANAR(r.codec.raw.type));
	CU_ASSERT_EQUAL(r.codec.fourcc, V4L2_PIX_FMT_JPEG);
	CU_ASSERT_EQUAL(glint_codec_formats(&r.codec, fourccs), 2);
	CU_ASSERT_EQUAL(fourccs[1], V4L2_PIX_FMT_NV12);
	rig_close(&r);
}

static void test_a_device_that_makes_no_jpeg_is_no_encoder(void)
{
	struct rig r;

	rig_init(&r);
	r.fake.jpeg_fourcc = 0;
	CU_ASSERT_EQUAL(glint_codec_open(&r.codec, &r.fake.access, "x", &glint_coding_jpeg),
			-EMEDIUMTYPE);
	CU_ASSERT_EQUAL(r.fake.closes, 1);
	r.fake.caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING;
	CU_ASSERT_EQUAL(glint_codec_open(&r.codec, &r.fake.access, "x", &glint_coding_jpeg),
			-ENOTTY);
	CU_ASSERT_STRING_EQUAL(r.codec.driver, "fake-m2m");
	rig_close(&r);
}

static void test_formats_that_cannot_be_read_are_left_out(void)
{
	uint32_t fourccs[GLINT_CODEC_FORMATS_MAX];
	struct rig r;

	rig_open(&r);
	r.fake.formats[0] = V4L2_PIX_FMT_SBGGR8;
	CU_ASSERT_EQUAL(glint_codec_formats(&r.codec, fourccs), 1);
	CU_ASSERT_EQUAL(fourccs[0], V4L2_PIX_FMT_NV12);
	rig_close(&r);
}

static void test_the_coded_size_and_the_visible_part_differ(void)
{
	struct glint_format format = frames(V4L2_PIX_FMT_NV12, 1920, 1080);
	struct rig r;

	rig_open(&r);
	CU_ASSERT_EQUAL(glint_codec_set_formats(&r.codec, &format), 0);
	CU_ASSERT_EQUAL(r.codec.format.height, 1088);
	CU_ASSERT_EQUAL(r.fake.crop.height, 1080);
	CU_ASSERT_EQUAL(r.fake.crop.width, 1920);
	CU_ASSERT_EQUAL(r.codec.coded.size[0], r.fake.coded.size);
	rig_close(&r);
}

static void test_an_unsupported_format_or_size_is_refused(void)
{
	struct glint_format format = frames(V4L2_PIX_FMT_RGB24, 64, 48), got;
	struct rig r;

	rig_open(&r);
	CU_ASSERT_EQUAL(glint_codec_try(&r.codec, &format, &got), -EMEDIUMTYPE);
	format = frames(V4L2_PIX_FMT_YUYV, 640, 480);
	r.fake.most = 320;
	CU_ASSERT_EQUAL(glint_codec_try(&r.codec, &format, &got), -ERANGE);
	r.fake.most = 640;
	CU_ASSERT_EQUAL(glint_codec_try(&r.codec, &format, &got), 0);
	CU_ASSERT_EQUAL(got.stride[0], 1280);
	CU_ASSERT_EQUAL(r.fake.raw.width, 0); /* trying sets nothing */
	rig_close(&r);
}

static void test_the_stride_of_the_capture_is_requested(void)
{
	struct glint_format format = frames(V4L2_PIX_FMT_YUYV, 64, 48), got;
	struct rig r;

	rig_open(&r);
	format.stride[0] = 256;
	CU_ASSERT_EQUAL(glint_codec_try(&r.codec, &format, &got), 0);
	CU_ASSERT_EQUAL(got.stride[0], 256);
	CU_ASSERT_PTR_NULL(glint_codec_layout_differs(&format, &got));
	rig_close(&r);
}

static void test_padding_matters_where_chroma_follows_it(void)
{
	struct glint_format have = frames(V4L2_PIX_FMT_NV12, 64, 40), raw = have;

	raw.height = 48;
	CU_ASSERT_STRING_EQUAL(glint_codec_layout_differs(&have, &raw), "padded height");
	have = raw = frames(V4L2_PIX_FMT_YUYV, 64, 40);
	raw.height = 48;
	CU_ASSERT_PTR_NULL(glint_codec_layout_differs(&have, &raw));
	have = raw = frames(V4L2_PIX_FMT_NV12M, 64, 40);
	raw.height = 48;
	CU_ASSERT_PTR_NULL(glint_codec_layout_differs(&have, &raw));
	raw.stride[1] = 128;
	CU_ASSERT_STRING_EQUAL(glint_codec_layout_differs(&have, &raw), "stride");
	raw = frames(V4L2_PIX_FMT_YUYV, 64, 40);
	CU_ASSERT_STRING_EQUAL(glint_codec_layout_differs(&have, &raw), "format");
}

static void test_the_range_of_the_quality_is_the_drivers(void)
{
	struct glint_codec_range range;
	struct rig r;

	rig_open(&r);
	r.fake.quality_min = 48;
	CU_ASSERT_EQUAL(glint_codec_control_range(&r.codec, QUALITY, &range), 0);
	CU_ASSERT_EQUAL(range.min, 48);
	CU_ASSERT_EQUAL(range.max, 100);
	CU_ASSERT_EQUAL(glint_codec_set_control(&r.codec, QUALITY, 77), 0);
	CU_ASSERT_EQUAL(r.fake.quality, 77);
	r.fake.quality_max = 0;
	CU_ASSERT_EQUAL(glint_codec_control_range(&r.codec, QUALITY, &range), -ENOTTY);
	r.fake.quality_max = 20; /* below its minimum: an impossible range */
	CU_ASSERT_EQUAL(glint_codec_control_range(&r.codec, QUALITY, &range), -EPROTO);
	rig_close(&r);
}

static void test_a_job_takes_an_imported_frame_and_brings_its_stamp_back(void)
{
	struct glint_dmabuf buf = memory(64 * 48 * 2);
	struct glint_vqueue_done done;
	struct rig r;

	rig_open(&r);
	rig_stream(&r, 3, true);
	CU_ASSERT_EQUAL(glint_vqueue_dequeue(&r.codec.coded, &done), -EAGAIN);
	CU_ASSERT_EQUAL(glint_vqueue_queue(&r.codec.coded, 1, &empty), 0);
	CU_ASSERT_EQUAL(queue_raw(&r, 2, &buf, 123456789), 0);
	CU_ASSERT_EQUAL(r.fake.raw.imported[2], buf.planes[0].fd);

	CU_ASSERT(fake_m2m_finish(&r.fake, "jpeg", 4, 0));
	CU_ASSERT_EQUAL(glint_vqueue_dequeue(&r.codec.raw, &done), 0);
	CU_ASSERT_EQUAL(done.index, 2);
	CU_ASSERT_EQUAL(glint_vqueue_dequeue(&r.codec.coded, &done), 0);
	CU_ASSERT_EQUAL(done.index, 1);
	CU_ASSERT_EQUAL(glint_vqueue_stamp_us(&done), 123456789);
	CU_ASSERT_EQUAL(done.used[0], 4);
	CU_ASSERT(!(done.flags & V4L2_BUF_FLAG_ERROR));
	glint_dmabuf_fini(&buf);
	rig_close(&r);
}

static void test_unreadable_memory_is_detected_before_the_first_frame(void)
{
	struct glint_dmabuf good = memory(64 * 48 * 2), small = memory(4096);
	struct rig r;

	rig_open(&r);
	rig_stream(&r, 2, true);
	CU_ASSERT_EQUAL(prepare(&r, 0, &good), 0);
	CU_ASSERT_EQUAL(prepare(&r, 1, &small), -EINVAL);
	r.fake.attach_err = -EFAULT;
	CU_ASSERT_EQUAL(prepare(&r, 1, &good), -EFAULT);
	CU_ASSERT_EQUAL(r.fake.raw.n_order, 0);
	glint_dmabuf_fini(&small);
	glint_dmabuf_fini(&good);
	rig_close(&r);
}

static void test_an_encoder_without_dmabuf_cannot_import(void)
{
	struct glint_format format = frames(V4L2_PIX_FMT_YUYV, 64, 48);
	struct rig r;

	rig_open(&r);
	r.fake.imports = false;
	CU_ASSERT_EQUAL_FATAL(glint_codec_set_formats(&r.codec, &format), 0);
	CU_ASSERT_EQUAL(glint_vqueue_import(&r.codec.raw, 2), -EINVAL);
	CU_ASSERT_EQUAL(glint_vqueue_alloc(&r.codec.raw, 2, NULL), 2);
	rig_close(&r);
}

static void test_memory_of_the_driver_is_mapped_and_exported(void)
{
	struct glint_dmabuf map, export;
	struct rig r;

	rig_open(&r);
	rig_stream(&r, 2, false);
	glint_dmabuf_init(&map);
	glint_dmabuf_init(&export);
	CU_ASSERT_EQUAL(glint_vqueue_take(&r.codec.raw, 1, GLINT_VQUEUE_MAP, &map), 0);
	CU_ASSERT_EQUAL_FATAL(map.n_planes, 1);
	CU_ASSERT(map.planes[0].size >= 64 * 48 * 2);
	memset(map.planes[0].map, 7, map.planes[0].size);
	CU_ASSERT_EQUAL(glint_vqueue_take(&r.codec.raw, 1, GLINT_VQUEUE_EXPORT, &export), 0);
	CU_ASSERT(export.planes[0].fd >= 0);
	CU_ASSERT_EQUAL(queue_raw(&r, 1, NULL, 0), 0);
	glint_dmabuf_fini(&export);
	glint_dmabuf_fini(&map);
	rig_close(&r);
}

static void shorten(struct fake_m2m *fake, unsigned long request, void *arg)
{
	struct v4l2_buffer *buffer = arg;

	(void)fake;
	if (request == VIDIOC_QUERYBUF)
		buffer->m.planes[0].length = 10;
	if (request == VIDIOC_DQBUF)
		buffer->index = 99;
}

static void test_impossible_lengths_and_indexes_are_refused(void)
{
	struct glint_vqueue_done done;
	struct glint_dmabuf map;
	struct rig r;

	rig_open(&r);
	rig_stream(&r, 2, false);
	r.fake.lie = shorten;
	glint_dmabuf_init(&map);
	CU_ASSERT_EQUAL(glint_vqueue_take(&r.codec.raw, 0, GLINT_VQUEUE_MAP, &map), -EPROTO);
	CU_ASSERT_EQUAL(map.n_planes, 0);
	CU_ASSERT_EQUAL(queue_raw(&r, 0, NULL, 0), 0);
	CU_ASSERT_EQUAL(glint_vqueue_queue(&r.codec.coded, 0, &empty), 0);
	CU_ASSERT(fake_m2m_finish(&r.fake, "jpeg", 4, 0));
	CU_ASSERT_EQUAL(glint_vqueue_dequeue(&r.codec.coded, &done), -EPROTO);
	rig_close(&r);
}

static void test_data_at_an_offset_need_the_multi_planar_api(void)
{
	struct glint_dmabuf buf = memory(64 * 48 * 2 + 4096);
	struct rig r;

	rig_open(&r);
	rig_stream(&r, 1, true);
	buf.planes[0].offset = 4096;
	CU_ASSERT_EQUAL(queue_raw(&r, 0, &buf, 0), 0);
	glint_codec_close(&r.codec);

	r.fake.caps = V4L2_CAP_VIDEO_M2M | V4L2_CAP_STREAMING;
	CU_ASSERT_EQUAL_FATAL(glint_codec_open(&r.codec, &r.fake.access, "x", &glint_coding_jpeg),
			      0);
	rig_stream(&r, 1, true);
	CU_ASSERT_EQUAL(queue_raw(&r, 0, &buf, 0), -EINVAL);
	buf.planes[0].offset = 0;
	CU_ASSERT_EQUAL(queue_raw(&r, 0, &buf, 0), 0);
	glint_dmabuf_fini(&buf);
	rig_close(&r);
}

/* clang-format off */
GLINT_TESTS("codec",
	GLINT_TEST(test_an_encoder_is_known_by_its_names_and_formats),
	GLINT_TEST(test_a_device_that_makes_no_jpeg_is_no_encoder),
	GLINT_TEST(test_formats_that_cannot_be_read_are_left_out),
	GLINT_TEST(test_the_coded_size_and_the_visible_part_differ),
	GLINT_TEST(test_an_unsupported_format_or_size_is_refused),
	GLINT_TEST(test_the_stride_of_the_capture_is_requested),
	GLINT_TEST(test_padding_matters_where_chroma_follows_it),
	GLINT_TEST(test_the_range_of_the_quality_is_the_drivers),
	GLINT_TEST(test_a_job_takes_an_imported_frame_and_brings_its_stamp_back),
	GLINT_TEST(test_unreadable_memory_is_detected_before_the_first_frame),
	GLINT_TEST(test_an_encoder_without_dmabuf_cannot_import),
	GLINT_TEST(test_memory_of_the_driver_is_mapped_and_exported),
	GLINT_TEST(test_impossible_lengths_and_indexes_are_refused),
	GLINT_TEST(test_data_at_an_offset_need_the_multi_planar_api),
)
