/* SPDX-License-Identifier: MIT */
/* One device, on the scripted one: what it is asked, and which of its answers are believed. */
#include <errno.h>
#include <string.h>

#include "../fake/v4l2.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "harness.h"
#include "v4l2/choose.h"
#include "v4l2/enumerate.h"
#include "v4l2/input.h"
#include "v4l2/vdev.h"

struct rig {
	struct fake_v4l2 fake;
	struct glint_vdev vdev;
	struct glint_dmabuf buffers[GLINT_VQUEUE_BUFFERS_MAX];
	unsigned n;
};

static void rig_open(struct rig *rig)
{
	glint_vdev_init(&rig->vdev);
	rig->n = 0;
	CU_ASSERT_EQUAL_FATAL(glint_vdev_open(&rig->vdev, &rig->fake.access, "/dev/video0"), 0);
}

static void rig_close(struct rig *rig)
{
	for (unsigned i = 0; i < rig->n; i++)
		glint_dmabuf_fini(&rig->buffers[i]);
	glint_vdev_close(&rig->vdev);
	fake_v4l2_fini(&rig->fake);
}

/* Up to a running stream of @count buffers. */
static void rig_stream(struct rig *rig, uint32_t fourcc, unsigned count)
{
	int n;

	CU_ASSERT_EQUAL_FATAL(glint_vdev_set_format(&rig->vdev, fourcc, 64, 48), 0);
	n = glint_vdev_alloc(&rig->vdev, count, rig->buffers);
	CU_ASSERT_EQUAL_FATAL(n, (int)count);
	rig->n = count;
	for (unsigned i = 0; i < count; i++)
		CU_ASSERT_EQUAL(glint_vdev_qbuf(&rig->vdev, i), 0);
	CU_ASSERT_EQUAL_FATAL(glint_vdev_stream(&rig->vdev, true), 0);
}

static void test_a_positive_result_is_a_success(void)
{
	struct rig r;

	fake_v4l2_init(&r.fake);
	rig_open(&r);
	r.fake.fail_request = VIDIOC_STREAMON;
	r.fake.fail_err = 1;
	CU_ASSERT_EQUAL(glint_vdev_stream(&r.vdev, true), 0);
	rig_close(&r);
}

static void test_opening_tells_who_the_device_is(void)
{
	struct rig rig;

	fake_v4l2_init(&rig.fake);
	rig_open(&rig);
	CU_ASSERT_STRING_EQUAL(rig.vdev.driver, "fake");
	CU_ASSERT_STRING_EQUAL(rig.vdev.card, "Scripted device");
	CU_ASSERT_STRING_EQUAL(rig.vdev.bus, "platform:fake");
	CU_ASSERT_FALSE(V4L2_TYPE_IS_MULTIPLANAR(rig.vdev.queue.type));
	rig_close(&rig);
}

static void test_a_codec_an_output_and_a_file_are_no_capture_devices(void)
{
	static const uint32_t caps[] = {
		V4L2_CAP_VIDEO_M2M | V4L2_CAP_STREAMING,
		V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_STREAMING,
		V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_STREAMING,
		V4L2_CAP_META_CAPTURE | V4L2_CAP_STREAMING,
		V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_TOUCH | V4L2_CAP_STREAMING,
		V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_READWRITE,
	};
	struct glint_vdev vdev;
	struct fake_v4l2 fake;

	fake_v4l2_init(&fake);
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		fake.caps = caps[i];
		glint_vdev_init(&vdev);
		CU_ASSERT_EQUAL(glint_vdev_open(&vdev, &fake.access, "/dev/video0"), -ENOTTY);
		CU_ASSERT_EQUAL(vdev.fd, -1);
	}
	fake_v4l2_fini(&fake);
	CU_ASSERT_EQUAL(glint_vdev_open(&vdev, glint_v4l2_kernel(), "/dev/null"), -ENOTTY);
	CU_ASSERT_EQUAL(glint_vdev_open(&vdev, glint_v4l2_kernel(), "/dev/no-such"), -ENOENT);
}

static void test_a_format_is_read_back_as_the_driver_made_it(void)
{
	struct rig rig;

	fake_v4l2_init(&rig.fake);
	rig_open(&rig);
	CU_ASSERT_EQUAL(glint_vdev_set_format(&rig.vdev, V4L2_PIX_FMT_NV12, 1920, 1080), 0);
	CU_ASSERT_EQUAL(rig.vdev.format.fourcc, V4L2_PIX_FMT_YUYV);
	CU_ASSERT_EQUAL(rig.vdev.format.width, 64);
	CU_ASSERT_EQUAL(rig.vdev.format.height, 48);
	CU_ASSERT_EQUAL(rig.vdev.format.stride[0], 128);
	CU_ASSERT_EQUAL(rig.vdev.format.range, GLINT_RANGE_LIMITED);
	rig_close(&rig);
}

static uint32_t asked_flags;	/* of the last VIDIOC_S_FMT */

static void note_flags(struct fake_v4l2 *fake, unsigned long request, void *arg)
{
	(void)fake;
	if (request == VIDIOC_S_FMT)
		asked_flags = ((const struct v4l2_format *)arg)->fmt.pix.flags;
}

static void test_a_driver_converts_colours_only_when_asked(void)
{
	struct rig rig;

	fake_v4l2_init(&rig.fake);
	rig_open(&rig);
	CU_ASSERT_EQUAL(glint_vdev_set_format(&rig.vdev, V4L2_PIX_FMT_YUYV, 64, 48), 0);
	rig.fake.lie = note_flags;
	CU_ASSERT_EQUAL(glint_vdev_set_layout(&rig.vdev, &rig.vdev.format, true), 0);
	CU_ASSERT_EQUAL(asked_flags & V4L2_PIX_FMT_FLAG_SET_CSC, V4L2_PIX_FMT_FLAG_SET_CSC);
	CU_ASSERT_EQUAL(glint_vdev_set_layout(&rig.vdev, &rig.vdev.format, false), 0);
	CU_ASSERT_EQUAL(asked_flags & V4L2_PIX_FMT_FLAG_SET_CSC, 0);
	rig_close(&rig);
}

static void lie_stride_0(struct fake_v4l2 *fake, unsigned long request, void *arg)
{
	struct v4l2_format *fmt = arg;

	(void)fake;
	if (request == VIDIOC_S_FMT)
		fmt->fmt.pix.bytesperline = 0;
}

static void lie_huge(struct fake_v4l2 *fake, unsigned long request, void *arg)
{
	struct v4l2_format *fmt = arg;

	(void)fake;
	if (request == VIDIOC_S_FMT)
		fmt->fmt.pix.width = fmt->fmt.pix.height = 1u << 31;
}

static void lie_many_planes(struct fake_v4l2 *fake, unsigned long request, void *arg)
{
	struct v4l2_format *fmt = arg;

	(void)fake;
	if (request == VIDIOC_S_FMT)
		fmt->fmt.pix_mp.num_planes = 200;
}

static void test_an_impossible_format_is_refused(void)
{
	struct rig rig;

	fake_v4l2_init(&rig.fake);
	rig_open(&rig);
	rig.fake.lie = lie_stride_0;
	CU_ASSERT_EQUAL(glint_vdev_set_format(&rig.vdev, V4L2_PIX_FMT_YUYV, 64, 48), -EPROTO);
	rig.fake.lie = lie_huge;
	CU_ASSERT_EQUAL(glint_vdev_set_format(&rig.vdev, V4L2_PIX_FMT_YUYV, 64, 48), -EPROTO);
	CU_ASSERT_PTR_NULL(rig.vdev.format.info);
	rig_close(&rig);

	fake_v4l2_init(&rig.fake);
	rig.fake.caps = V4L2_CAP_VIDEO_CAPTURE_MPLANE | V4L2_CAP_STREAMING;
	rig.fake.lie = lie_many_planes;
	rig_open(&rig);
	CU_ASSERT_EQUAL(glint_vdev_set_format(&rig.vdev, V4L2_PIX_FMT_YUYV, 64, 48), -EPROTO);
	rig_close(&rig);
}

static void test_buffers_are_mapped_exported_and_filled(void)
{
	static const uint8_t pixels[64 * 48 * 2] = { 1, 2, 3 };
	struct fake_frame frame = { .seq = 7, .used = sizeof(pixels), .data = pixels };
	struct glint_vbuf vbuf;
	struct rig rig;

	fake_v4l2_init(&rig.fake);
	rig_open(&rig);
	rig_stream(&rig, V4L2_PIX_FMT_YUYV, 3);
	CU_ASSERT_EQUAL(rig.buffers[2].memory, GLINT_MEMORY_V4L2);
	CU_ASSERT_TRUE(rig.buffers[2].planes[0].fd >= 0);
	CU_ASSERT_EQUAL(glint_vdev_dqbuf(&rig.vdev, &vbuf), -EAGAIN);

	CU_ASSERT_EQUAL(fake_v4l2_complete(&rig.fake, 2, &frame), 2);
	CU_ASSERT_EQUAL_FATAL(glint_vdev_dqbuf(&rig.vdev, &vbuf), 0);
	CU_ASSERT_EQUAL(vbuf.index, 2);
	CU_ASSERT_EQUAL(vbuf.seq, 7);
	CU_ASSERT_EQUAL(vbuf.used, sizeof(pixels));
	CU_ASSERT_TRUE(vbuf.timestamp_ns > 0);
	CU_ASSERT_FALSE(vbuf.error || vbuf.short_data || vbuf.start_of_exposure);
	CU_ASSERT_PTR_NULL(rig.buffers[2].planes[0].map);	/* nobody has asked to read it */
	CU_ASSERT_EQUAL_FATAL(glint_dmabuf_map(&rig.buffers[2]), 0);
	CU_ASSERT_EQUAL(memcmp(rig.buffers[2].planes[0].map, pixels, sizeof(pixels)), 0);
	rig_close(&rig);
}

static void test_planes_of_their_own_are_each_mapped(void)
{
	struct fake_frame frame = { .seq = 1 };
	struct glint_vbuf vbuf;
	struct rig rig;

	fake_v4l2_init(&rig.fake);
	rig.fake.caps = V4L2_CAP_VIDEO_CAPTURE_MPLANE | V4L2_CAP_STREAMING;
	rig.fake.formats[0].fourcc = V4L2_PIX_FMT_YUV420M;
	rig_open(&rig);
	CU_ASSERT_TRUE(V4L2_TYPE_IS_MULTIPLANAR(rig.vdev.queue.type));
	rig_stream(&rig, V4L2_PIX_FMT_YUV420M, 2);
	CU_ASSERT_EQUAL(rig.buffers[1].n_planes, 3);
	CU_ASSERT_EQUAL(rig.buffers[1].planes[2].size, 32 * 24);
	CU_ASSERT_EQUAL(fake_v4l2_complete(&rig.fake, 0, &frame), 0);
	CU_ASSERT_EQUAL_FATAL(glint_vdev_dqbuf(&rig.vdev, &vbuf), 0);
	CU_ASSERT_EQUAL(vbuf.used, 64 * 48);
	CU_ASSERT_FALSE(vbuf.short_data);

	/* A bytesused that is enough for a chroma plane only: luma is short. */
	frame.used = 32 * 24;
	CU_ASSERT_EQUAL(fake_v4l2_complete(&rig.fake, 1, &frame), 1);
	CU_ASSERT_EQUAL_FATAL(glint_vdev_dqbuf(&rig.vdev, &vbuf), 0);
	CU_ASSERT_TRUE(vbuf.short_data);
	rig_close(&rig);
}

static void test_without_expbuf_there_are_mappings_only(void)
{
	struct rig rig;

	fake_v4l2_init(&rig.fake);
	rig.fake.exports = false;
	rig_open(&rig);
	rig_stream(&rig, V4L2_PIX_FMT_YUYV, 2);
	CU_ASSERT_EQUAL(rig.buffers[0].memory, GLINT_MEMORY_V4L2_NOEXP);
	CU_ASSERT_EQUAL(rig.buffers[0].planes[0].fd, -1);
	CU_ASSERT_PTR_NOT_NULL(rig.buffers[0].planes[0].map);
	CU_ASSERT_EQUAL(glint_dmabuf_map(&rig.buffers[0]), 0);
	rig_close(&rig);
}

static void lie_index(struct fake_v4l2 *fake, unsigned long request, void *arg)
{
	(void)fake;
	if (request == VIDIOC_DQBUF)
		((struct v4l2_buffer *)arg)->index = 4000000000u;
}

static void test_a_buffer_that_there_is_not_is_an_error(void)
{
	struct fake_frame frame = { .seq = 1 };
	struct glint_vbuf vbuf;
	struct rig rig;

	fake_v4l2_init(&rig.fake);
	rig_open(&rig);
	rig_stream(&rig, V4L2_PIX_FMT_YUYV, 2);
	rig.fake.lie = lie_index;
	fake_v4l2_complete(&rig.fake, 0, &frame);
	CU_ASSERT_EQUAL(glint_vdev_dqbuf(&rig.vdev, &vbuf), -EPROTO);
	rig_close(&rig);
}

static void test_more_bytes_than_the_buffer_has_make_a_corrupt_frame(void)
{
	struct fake_frame frame = { .used = 64 * 48 * 2 + 1 };
	struct glint_vbuf vbuf;
	struct rig rig;

	fake_v4l2_init(&rig.fake);
	rig_open(&rig);
	rig_stream(&rig, V4L2_PIX_FMT_YUYV, 2);
	fake_v4l2_complete(&rig.fake, 0, &frame);
	CU_ASSERT_EQUAL_FATAL(glint_vdev_dqbuf(&rig.vdev, &vbuf), 0);
	CU_ASSERT_TRUE(vbuf.error);
	CU_ASSERT_EQUAL(vbuf.used, 0);
	rig_close(&rig);
}

static void test_a_buffer_without_number_and_time_was_cancelled(void)
{
	static const struct {
		struct fake_frame frame;
		bool cancelled;
	} cases[] = {
		{ { .cancelled = true }, true },
		{ { .cancelled = true, .used = 64 * 48 * 2 }, true },
		{ { .cancelled = true, .seq = 7 }, false },	/* it was being filled */
		{ { .cancelled = true, .stamp_ns = 1000 }, false },
		{ { .flags = V4L2_BUF_FLAG_ERROR }, false },	/* the first frame, damaged */
		{ { .seq = 0 }, false },
	};
	struct rig rig;

	fake_v4l2_init(&rig.fake);
	rig_open(&rig);
	rig_stream(&rig, V4L2_PIX_FMT_YUYV, 2);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct glint_vbuf vbuf;

		fake_v4l2_complete(&rig.fake, 0, &cases[i].frame);
		CU_ASSERT_EQUAL_FATAL(glint_vdev_dqbuf(&rig.vdev, &vbuf), 0);
		CU_ASSERT_EQUAL(vbuf.cancelled, cases[i].cancelled);
		CU_ASSERT_EQUAL(glint_vdev_qbuf(&rig.vdev, 0), 0);
	}
	rig_close(&rig);
}

static uint32_t lied_offset;

static void lie_data_offset(struct fake_v4l2 *fake, unsigned long request, void *arg)
{
	(void)fake;
	if (request == VIDIOC_DQBUF)
		((struct v4l2_buffer *)arg)->m.planes[0].data_offset = lied_offset;
}

static void lie_plane_count(struct fake_v4l2 *fake, unsigned long request, void *arg)
{
	(void)fake;
	if (request == VIDIOC_DQBUF)
		((struct v4l2_buffer *)arg)->length = 3;
}

static void test_odd_planes_are_not_believed(void)
{
	struct fake_frame frame = { .seq = 1 };
	struct glint_vbuf vbuf;
	struct rig rig;

	fake_v4l2_init(&rig.fake);
	rig.fake.caps = V4L2_CAP_VIDEO_CAPTURE_MPLANE | V4L2_CAP_STREAMING;
	rig.fake.formats[0].fourcc = V4L2_PIX_FMT_NV12M;
	rig_open(&rig);
	rig_stream(&rig, V4L2_PIX_FMT_NV12M, 2);
	rig.fake.lie = lie_data_offset;
	lied_offset = 64 * 48 + 1;	/* beyond what is used */
	fake_v4l2_complete(&rig.fake, 0, &frame);
	CU_ASSERT_EQUAL_FATAL(glint_vdev_dqbuf(&rig.vdev, &vbuf), 0);
	CU_ASSERT_TRUE(vbuf.error);
	rig.fake.lie = lie_plane_count;
	fake_v4l2_complete(&rig.fake, 1, &frame);
	CU_ASSERT_EQUAL(glint_vdev_dqbuf(&rig.vdev, &vbuf), -EPROTO);
	rig_close(&rig);
}

static void lie_room_for_an_offset(struct fake_v4l2 *fake, unsigned long request, void *arg)
{
	struct v4l2_format *fmt = arg;
	struct v4l2_buffer *buffer = arg;

	(void)fake;
	if (request == VIDIOC_S_FMT) {
		fmt->fmt.pix_mp.height -= 2;	/* so that the buffer has two lines to spare */
	} else if (request == VIDIOC_DQBUF) {
		buffer->m.planes[0].data_offset = lied_offset;
	}
}

static void test_data_may_begin_late(void)
{
	struct fake_frame frame = { .seq = 1 };
	struct glint_view view;
	struct glint_vbuf vbuf;
	struct rig rig;

	fake_v4l2_init(&rig.fake);
	rig.fake.caps = V4L2_CAP_VIDEO_CAPTURE_MPLANE | V4L2_CAP_STREAMING;
	rig.fake.lie = lie_room_for_an_offset;
	rig_open(&rig);
	rig_stream(&rig, V4L2_PIX_FMT_YUYV, 2);
	lied_offset = 128;
	fake_v4l2_complete(&rig.fake, 0, &frame);
	CU_ASSERT_EQUAL_FATAL(glint_vdev_dqbuf(&rig.vdev, &vbuf), 0);
	CU_ASSERT_FALSE(vbuf.error || vbuf.short_data);
	CU_ASSERT_EQUAL(vbuf.offset[0], 128);
	CU_ASSERT_EQUAL(vbuf.used, 64 * 48 * 2 - 128);
	rig.buffers[0].planes[0].offset = vbuf.offset[0];
	CU_ASSERT_EQUAL(glint_format_view(&rig.vdev.format, &rig.buffers[0], &view), -EFAULT);
	CU_ASSERT_EQUAL_FATAL(glint_dmabuf_map(&rig.buffers[0]), 0);
	CU_ASSERT_EQUAL(glint_format_view(&rig.vdev.format, &rig.buffers[0], &view), 0);
	CU_ASSERT_PTR_EQUAL(view.comp[0].base, rig.buffers[0].planes[0].map + 128);
	rig.buffers[0].planes[0].offset = 257;	/* two lines are 256 bytes */
	CU_ASSERT_EQUAL(glint_format_view(&rig.vdev.format, &rig.buffers[0], &view), -EPROTO);

	lied_offset = 257;
	fake_v4l2_complete(&rig.fake, 1, &frame);
	CU_ASSERT_EQUAL_FATAL(glint_vdev_dqbuf(&rig.vdev, &vbuf), 0);
	CU_ASSERT_TRUE(vbuf.short_data);
	rig_close(&rig);
}

static void lie_short_buffer(struct fake_v4l2 *fake, unsigned long request, void *arg)
{
	(void)fake;
	if (request == VIDIOC_QUERYBUF && ((struct v4l2_buffer *)arg)->index == 1)
		((struct v4l2_buffer *)arg)->length = 64;
}

static void test_a_buffer_too_small_for_the_format_leaves_nothing_behind(void)
{
	struct rig rig;

	fake_v4l2_init(&rig.fake);
	rig.fake.lie = lie_short_buffer;
	rig_open(&rig);
	CU_ASSERT_EQUAL_FATAL(glint_vdev_set_format(&rig.vdev, V4L2_PIX_FMT_YUYV, 64, 48), 0);
	CU_ASSERT_EQUAL(glint_vdev_alloc(&rig.vdev, 3, rig.buffers), -EPROTO);
	CU_ASSERT_EQUAL(rig.fake.n_buffers, 0);
	CU_ASSERT_EQUAL(rig.buffers[0].n_planes, 0);
	CU_ASSERT_EQUAL(rig.vdev.queue.n_buffers, 0);
	rig_close(&rig);
}

static void test_stamps_of_another_clock_or_of_no_time_are_left_out(void)
{
	struct fake_frame frame = { .stamp_ns = UINT64_MAX };
	struct glint_vbuf vbuf;
	struct rig rig;

	fake_v4l2_init(&rig.fake);
	rig_open(&rig);
	rig_stream(&rig, V4L2_PIX_FMT_YUYV, 3);
	fake_v4l2_complete(&rig.fake, 0, &frame);
	CU_ASSERT_EQUAL_FATAL(glint_vdev_dqbuf(&rig.vdev, &vbuf), 0);
	CU_ASSERT_EQUAL(vbuf.timestamp_ns, 0);

	frame = (struct fake_frame){ .flags = V4L2_BUF_FLAG_TIMESTAMP_COPY };
	fake_v4l2_complete(&rig.fake, 1, &frame);
	CU_ASSERT_EQUAL_FATAL(glint_vdev_dqbuf(&rig.vdev, &vbuf), 0);
	CU_ASSERT_EQUAL(vbuf.timestamp_ns, 0);

	frame = (struct fake_frame){ .flags = V4L2_BUF_FLAG_TSTAMP_SRC_SOE,
				     .stamp_ns = 5000007000 };
	fake_v4l2_complete(&rig.fake, 2, &frame);
	CU_ASSERT_EQUAL_FATAL(glint_vdev_dqbuf(&rig.vdev, &vbuf), 0);
	CU_ASSERT_EQUAL(vbuf.timestamp_ns, 5000007000);
	CU_ASSERT_TRUE(vbuf.start_of_exposure);
	rig_close(&rig);
}

static void test_mapped_frames_outlive_the_drivers_buffers(void)
{
	struct rig rig;

	fake_v4l2_init(&rig.fake);
	rig_open(&rig);
	rig_stream(&rig, V4L2_PIX_FMT_YUYV, 2);
	CU_ASSERT_EQUAL_FATAL(glint_dmabuf_map(&rig.buffers[0]), 0);
	rig.buffers[0].planes[0].map[5] = 42;
	CU_ASSERT_EQUAL(glint_vdev_stream(&rig.vdev, false), 0);
	CU_ASSERT_EQUAL(glint_vdev_free(&rig.vdev), 0);
	CU_ASSERT_EQUAL(rig.fake.n_buffers, 0);
	CU_ASSERT_EQUAL(rig.buffers[0].planes[0].map[5], 42);
	CU_ASSERT_EQUAL(glint_vdev_set_format(&rig.vdev, V4L2_PIX_FMT_YUYV, 64, 48), 0);
	rig_close(&rig);
}

/* --- The choice of a format -------------------------------------------------------------- */

static const struct glint_wish wish_1080p = { .width = 1920, .height = 1080, .raw = true };

static struct glint_choice choose(struct rig *rig, const struct glint_wish *wish, int *count)
{
	struct glint_choice choices[GLINT_CHOICES_MAX] = { 0 };

	*count = glint_choose(&rig->vdev, wish, choices);
	return choices[0];
}

static void usb_camera(struct fake_v4l2 *fake)
{
	fake_v4l2_init(fake);
	fake->n_formats = 4;
	fake->formats[0] = (struct fake_format){ V4L2_PIX_FMT_MJPEG, 640, 480, 30 };
	fake->formats[1] = (struct fake_format){ V4L2_PIX_FMT_MJPEG, 1920, 1080, 30 };
	fake->formats[2] = (struct fake_format){ V4L2_PIX_FMT_YUYV, 640, 480, 30 };
	fake->formats[3] = (struct fake_format){ V4L2_PIX_FMT_YUYV, 1920, 1080, 5 };
}

static void test_raw_is_chosen_where_it_is_as_fast_as_jpeg(void)
{
	struct glint_wish wish = { .width = 640, .height = 480, .raw = true };
	struct glint_choice choice;
	struct rig rig;
	int count;

	usb_camera(&rig.fake);
	rig_open(&rig);
	choice = choose(&rig, &wish, &count);
	CU_ASSERT_EQUAL(count, 2);
	CU_ASSERT_EQUAL(choice.fourcc, V4L2_PIX_FMT_YUYV);
	CU_ASSERT_EQUAL(choice.rate_millihz, 30000);
	choice = choose(&rig, &wish_1080p, &count);
	CU_ASSERT_EQUAL(choice.fourcc, V4L2_PIX_FMT_MJPEG);
	CU_ASSERT_EQUAL(choice.width, 1920);
	/* Who wants 5 frames a second only need not lose anything for more. */
	wish = wish_1080p;
	wish.rate_millihz = 5000;
	CU_ASSERT_EQUAL(choose(&rig, &wish, &count).fourcc, V4L2_PIX_FMT_YUYV);
	rig_close(&rig);
}

static void test_the_wished_format_comes_first_whatever_it_costs(void)
{
	struct glint_wish wish = wish_1080p;
	struct glint_choice choice;
	struct rig rig;
	int count;

	usb_camera(&rig.fake);
	rig_open(&rig);
	wish.fourcc = V4L2_PIX_FMT_YUYV;
	choice = choose(&rig, &wish, &count);
	CU_ASSERT_EQUAL(choice.fourcc, V4L2_PIX_FMT_YUYV);
	CU_ASSERT_TRUE(choice.wished);
	wish.fourcc = V4L2_PIX_FMT_JPEG;
	choice = choose(&rig, &wish, &count);
	CU_ASSERT_EQUAL(choice.fourcc, V4L2_PIX_FMT_MJPEG);
	CU_ASSERT_TRUE(choice.wished);
	wish.fourcc = V4L2_PIX_FMT_NV12;
	CU_ASSERT_FALSE(choose(&rig, &wish, &count).wished);
	rig_close(&rig);
}

static void test_the_cheapest_of_equal_formats_is_chosen(void)
{
	static const uint32_t fourccs[] = { V4L2_PIX_FMT_GREY, V4L2_PIX_FMT_RGB24,
					    V4L2_PIX_FMT_YUYV, V4L2_PIX_FMT_NV12,
					    V4L2_PIX_FMT_MJPEG, V4L2_PIX_FMT_SBGGR8 };
	static const uint32_t order[] = {
		V4L2_PIX_FMT_NV12,  V4L2_PIX_FMT_YUYV, V4L2_PIX_FMT_RGB24,
		V4L2_PIX_FMT_MJPEG, V4L2_PIX_FMT_GREY, V4L2_PIX_FMT_SBGGR8
	};
	struct glint_choice choices[GLINT_CHOICES_MAX];
	struct glint_wish wish = wish_1080p;
	struct rig rig;

	fake_v4l2_init(&rig.fake);
	rig.fake.n_formats = 6;
	for (unsigned i = 0; i < 6; i++)
		rig.fake.formats[i] = (struct fake_format){ .fourcc = fourccs[i] };
	rig_open(&rig);
	CU_ASSERT_EQUAL(glint_choose(&rig.vdev, &wish, choices), 5);
	wish.other = true;
	CU_ASSERT_EQUAL_FATAL(glint_choose(&rig.vdev, &wish, choices), 6);
	for (unsigned i = 0; i < 6; i++)
		CU_ASSERT_EQUAL(choices[i].fourcc, order[i]);
	CU_ASSERT_EQUAL(choices[0].width, 1920);	/* it enumerates none: the wish */
	wish = (struct glint_wish){ .width = 1920, .height = 1080 };
	CU_ASSERT_EQUAL(glint_choose(&rig.vdev, &wish, choices), 1);
	CU_ASSERT_EQUAL(choices[0].fourcc, V4L2_PIX_FMT_MJPEG);
	rig_close(&rig);
}

static void lie_endless(struct fake_v4l2 *fake, unsigned long request, void *arg)
{
	(void)fake;
	if (request == VIDIOC_ENUM_FRAMESIZES) {
		struct v4l2_frmsizeenum *size = arg;

		size->type = V4L2_FRMSIZE_TYPE_DISCRETE;
		size->discrete.width = size->discrete.height = 0;
	}
}

static void lie_range(struct fake_v4l2 *fake, unsigned long request, void *arg)
{
	struct v4l2_frmsizeenum *size = arg;
	struct v4l2_frmivalenum *interval = arg;

	(void)fake;
	if (request == VIDIOC_ENUM_FRAMESIZES) {
		size->type = V4L2_FRMSIZE_TYPE_STEPWISE;
		size->stepwise = (struct v4l2_frmsize_stepwise){ 100, 1000, 16, 100, 1000, 0 };
	} else if (request == VIDIOC_ENUM_FRAMEINTERVALS) {
		interval->type = V4L2_FRMIVAL_TYPE_STEPWISE;
		interval->stepwise.min = (struct v4l2_fract){ 1, 120 };
		interval->stepwise.max = (struct v4l2_fract){ 1, 10 };
	}
}

static void test_ranges_are_kept_to(void)
{
	struct glint_wish wish = { .width = 550, .height = 20, .raw = true, .rate_millihz = 25000 };
	struct glint_choice choice;
	struct rig rig;
	int count;

	fake_v4l2_init(&rig.fake);
	rig.fake.lie = lie_range;
	rig_open(&rig);
	choice = choose(&rig, &wish, &count);
	CU_ASSERT_EQUAL(choice.width, 548);
	CU_ASSERT_EQUAL(choice.height, 100);
	CU_ASSERT_EQUAL(choice.rate_millihz, 25000);
	wish.rate_millihz = 0;
	CU_ASSERT_EQUAL(choose(&rig, &wish, &count).rate_millihz, 120000);
	wish.rate_millihz = 5000;
	CU_ASSERT_EQUAL(choose(&rig, &wish, &count).rate_millihz, 10000);
	rig_close(&rig);
}

static void test_nonsense_sizes_are_passed_over(void)
{
	struct glint_choice choice;
	struct rig rig;
	int count;

	fake_v4l2_init(&rig.fake);
	rig.fake.lie = lie_endless;
	rig_open(&rig);
	choice = choose(&rig, &wish_1080p, &count);
	CU_ASSERT_EQUAL(count, 1);
	CU_ASSERT_EQUAL(choice.width, 1920);
	rig_close(&rig);
}

static void test_an_unplugged_device_offers_an_error(void)
{
	struct glint_choice choices[GLINT_CHOICES_MAX];
	struct rig rig;

	fake_v4l2_init(&rig.fake);
	rig_open(&rig);
	fake_v4l2_unplug(&rig.fake);
	CU_ASSERT_EQUAL(glint_choose(&rig.vdev, &wish_1080p, choices), -ENODEV);
	rig_close(&rig);
}

/* --- Inputs -------------------------------------------------------------------------------- */

static void hdmi_device(struct rig *rig)
{
	fake_v4l2_init(&rig->fake);
	rig->fake.input_caps = V4L2_IN_CAP_DV_TIMINGS;
	rig->fake.has_events = true;
	rig->fake.n_inputs = 4;
	rig_open(rig);
	CU_ASSERT_EQUAL_FATAL(glint_input_select(&rig->vdev, 3), 0);
}

static void test_an_input_that_there_is_not_is_an_error(void)
{
	struct rig rig;

	fake_v4l2_init(&rig.fake);
	rig_open(&rig);
	CU_ASSERT_EQUAL(glint_input_select(&rig.vdev, 1), -EINVAL);
	rig.fake.n_inputs = 0;
	CU_ASSERT_EQUAL(glint_input_select(&rig.vdev, 1), -EINVAL);
	CU_ASSERT_EQUAL(glint_input_select(&rig.vdev, 0), 0);
	CU_ASSERT_FALSE(rig.vdev.has_dv_timings);
	rig_close(&rig);
}

static void test_timings_are_followed_and_checked_against(void)
{
	struct rig rig;

	hdmi_device(&rig);
	CU_ASSERT_TRUE(rig.vdev.has_dv_timings);
	CU_ASSERT_EQUAL(glint_input_follow_timings(&rig.vdev), 0);
	CU_ASSERT_EQUAL(rig.vdev.timings.width, 64);
	CU_ASSERT_EQUAL(rig.vdev.timings.rate_millihz, 60000);
	CU_ASSERT_EQUAL(glint_input_check(&rig.vdev, true), 0);
	rig.fake.timings_height = 50;
	CU_ASSERT_EQUAL(glint_input_check(&rig.vdev, false), 0);
	CU_ASSERT_EQUAL(glint_input_check(&rig.vdev, true), 1);
	rig_close(&rig);
}

static void test_each_lack_of_a_signal_has_its_own_error(void)
{
	static const int errors[] = { -ENOLINK, -ENOLCK, -ERANGE };
	struct rig rig;

	hdmi_device(&rig);
	CU_ASSERT_EQUAL(glint_input_follow_timings(&rig.vdev), 0);
	for (unsigned i = 0; i < 3; i++) {
		rig.fake.timings_err = errors[i];
		CU_ASSERT_EQUAL(glint_input_check(&rig.vdev, true), errors[i]);
		CU_ASSERT_EQUAL(glint_input_follow_timings(&rig.vdev), errors[i]);
	}
	rig.fake.timings_err = 0;
	rig.fake.timings_width = 0;
	CU_ASSERT_EQUAL(glint_input_follow_timings(&rig.vdev), -ERANGE);
	rig.fake.timings_width = 64;
	rig.fake.fail_request = VIDIOC_S_DV_TIMINGS;	/* seen, but not to be received */
	rig.fake.fail_err = -EINVAL;
	CU_ASSERT_EQUAL(glint_input_follow_timings(&rig.vdev), -ERANGE);
	rig.fake.fail_request = 0;
	rig.fake.input_status = V4L2_IN_ST_NO_SIGNAL;
	CU_ASSERT_EQUAL(glint_input_check(&rig.vdev, false), -ENOLINK);
	rig.fake.input_status = V4L2_IN_ST_NO_H_LOCK;
	CU_ASSERT_EQUAL(glint_input_check(&rig.vdev, false), -ENOLCK);
	rig.fake.timings_err = -ERANGE;	/* says more than the input */
	CU_ASSERT_EQUAL(glint_input_check(&rig.vdev, false), -ERANGE);
	rig_close(&rig);
}

static void see_subscription(struct fake_v4l2 *fake, unsigned long request, void *arg)
{
	if (request == VIDIOC_SUBSCRIBE_EVENT)
		fake->controls[0] = (int32_t)((struct v4l2_event_subscription *)arg)->id;
}

static void test_events_are_asked_for_of_the_chosen_input(void)
{
	struct rig rig;

	hdmi_device(&rig);
	rig.fake.lie = see_subscription;
	glint_input_subscribe(&rig.vdev);
	CU_ASSERT_TRUE(rig.vdev.has_events);
	CU_ASSERT_EQUAL(rig.fake.controls[0], 3);
	CU_ASSERT_FALSE(glint_input_changed(&rig.vdev));
	fake_v4l2_event(&rig.fake);
	fake_v4l2_event(&rig.fake);
	CU_ASSERT_TRUE(glint_input_changed(&rig.vdev));
	CU_ASSERT_FALSE(glint_input_changed(&rig.vdev));
	rig_close(&rig);
}

/* --- The search ------------------------------------------------------------------------------ */

static void test_the_first_node_that_captures_is_found(void)
{
	char path[GLINT_NODE_PATH_MAX];
	struct fake_v4l2 fake;

	fake_v4l2_init(&fake);
	fake.path = "/dev/video12";
	CU_ASSERT_EQUAL(glint_enumerate_find(&fake.access, path), 0);
	CU_ASSERT_STRING_EQUAL(path, "/dev/video12");
	fake.caps |= V4L2_CAP_IO_MC;
	CU_ASSERT_EQUAL(glint_enumerate_find(&fake.access, path), 0);
	CU_ASSERT_STRING_EQUAL(path, "/dev/video12");
	fake.n_formats = 0;
	CU_ASSERT_EQUAL(glint_enumerate_find(&fake.access, path), -ENODEV);
	fake.n_formats = 1;
	fake.caps = V4L2_CAP_META_CAPTURE | V4L2_CAP_STREAMING;
	CU_ASSERT_EQUAL(glint_enumerate_find(&fake.access, path), -ENODEV);
	fake_v4l2_fini(&fake);
}

GLINT_TESTS("vdev",
	GLINT_TEST(test_a_positive_result_is_a_success),
	GLINT_TEST(test_opening_tells_who_the_device_is),
	GLINT_TEST(test_a_codec_an_output_and_a_file_are_no_capture_devices),
	GLINT_TEST(test_a_format_is_read_back_as_the_driver_made_it),
	GLINT_TEST(test_a_driver_converts_colours_only_when_asked),
	GLINT_TEST(test_an_impossible_format_is_refused),
	GLINT_TEST(test_buffers_are_mapped_exported_and_filled),
	GLINT_TEST(test_planes_of_their_own_are_each_mapped),
	GLINT_TEST(test_without_expbuf_there_are_mappings_only),
	GLINT_TEST(test_a_buffer_that_there_is_not_is_an_error),
	GLINT_TEST(test_more_bytes_than_the_buffer_has_make_a_corrupt_frame),
	GLINT_TEST(test_a_buffer_without_number_and_time_was_cancelled),
	GLINT_TEST(test_odd_planes_are_not_believed),
	GLINT_TEST(test_data_may_begin_late),
	GLINT_TEST(test_a_buffer_too_small_for_the_format_leaves_nothing_behind),
	GLINT_TEST(test_stamps_of_another_clock_or_of_no_time_are_left_out),
	GLINT_TEST(test_mapped_frames_outlive_the_drivers_buffers),
	GLINT_TEST(test_raw_is_chosen_where_it_is_as_fast_as_jpeg),
	GLINT_TEST(test_the_wished_format_comes_first_whatever_it_costs),
	GLINT_TEST(test_the_cheapest_of_equal_formats_is_chosen),
	GLINT_TEST(test_ranges_are_kept_to),
	GLINT_TEST(test_nonsense_sizes_are_passed_over),
	GLINT_TEST(test_an_unplugged_device_offers_an_error),
	GLINT_TEST(test_an_input_that_there_is_not_is_an_error),
	GLINT_TEST(test_timings_are_followed_and_checked_against),
	GLINT_TEST(test_each_lack_of_a_signal_has_its_own_error),
	GLINT_TEST(test_events_are_asked_for_of_the_chosen_input),
	GLINT_TEST(test_the_first_node_that_captures_is_found),
)
