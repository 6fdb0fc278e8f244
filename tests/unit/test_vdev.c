/* SPDX-License-Identifier: MIT */
/*
 * One capture device, on the scripted one: the calls to its driver, and the checks of the
 * answers.
 */
#include <errno.h>
#include <string.h>

#include "../fake/v4l2.h"
#include "base/clock.h"
#include "base/macros.h"
#include "harness.h"
#include "v4l2/choose.h"
#include "v4l2/enumerate.h"
#include "v4l2/input.h"
#include "v4l2/timings.h"
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

static void test_open_reads_the_names_of_the_device(void)
{
	struct rig rig;

	fake_v4l2_init(&rig.fake);
	rig_open(&rig);
	CU_ASSERT_STRING_EQUAL(rig.vdev.identity.driver, "fake");
	CU_ASSERT_STRING_EQUAL(rig.vdev.identity.card, "Scripted device");
	CU_ASSERT_STRING_EQUAL(rig.vdev.identity.bus, "platform:fake");
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

static uint32_t asked_flags; /* of the last VIDIOC_S_FMT */

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
	CU_ASSERT_PTR_NULL(rig.buffers[2].planes[0].map); /* mapped on demand only */
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

static void test_a_buffer_that_does_not_exist_is_an_error(void)
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
		{ { .cancelled = true, .seq = 7 }, false }, /* it was being filled */
		{ { .cancelled = true, .stamp_ns = 1000 }, false },
		{ { .flags = V4L2_BUF_FLAG_ERROR }, false }, /* the first frame, damaged */
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

static void test_inconsistent_planes_are_an_error(void)
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
	lied_offset = 64 * 48 + 1; /* beyond what is used */
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
		fmt->fmt.pix_mp.height -= 2; /* so that the buffer has two lines to spare */
	} else if (request == VIDIOC_DQBUF) {
		buffer->m.planes[0].data_offset = lied_offset;
	}
}

static void test_data_may_begin_at_an_offset(void)
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
	rig.buffers[0].planes[0].offset = 257; /* two lines are 256 bytes */
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
	/* A user who wants 5 frames a second gets the exact format that has 5. */
	wish = wish_1080p;
	wish.rate_millihz = 5000;
	CU_ASSERT_EQUAL(choose(&rig, &wish, &count).fourcc, V4L2_PIX_FMT_YUYV);
	rig_close(&rig);
}

static void test_the_requested_format_comes_first_whatever_it_costs(void)
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
	static const uint32_t fourccs[] = { V4L2_PIX_FMT_GREY,	V4L2_PIX_FMT_RGB24,
					    V4L2_PIX_FMT_YUYV,	V4L2_PIX_FMT_NV12,
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
	CU_ASSERT_EQUAL(choices[0].width,
			1920); /* the format enumerates no size: the wished size */
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

static void test_sizes_stay_within_their_ranges(void)
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

static void test_nonsense_sizes_are_ignored(void)
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

static void test_an_input_that_does_not_exist_is_an_error(void)
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
	CU_ASSERT_EQUAL(glint_timings_follow(&rig.vdev), 0);
	CU_ASSERT_EQUAL(rig.vdev.timings.width, 64);
	CU_ASSERT_EQUAL(rig.vdev.timings.rate_millihz, 60000);
	CU_ASSERT_EQUAL(glint_input_check(&rig.vdev, true), 0);
	rig.fake.timings_height = 50;
	CU_ASSERT_EQUAL(glint_input_check(&rig.vdev, false), 0);
	CU_ASSERT_EQUAL(glint_input_check(&rig.vdev, true), 1);
	rig_close(&rig);
}

static void test_each_loss_of_signal_has_its_own_error(void)
{
	static const int errors[] = { -ENOLINK, -ENOLCK, -ERANGE };
	struct rig rig;

	hdmi_device(&rig);
	CU_ASSERT_EQUAL(glint_timings_follow(&rig.vdev), 0);
	for (unsigned i = 0; i < 3; i++) {
		rig.fake.timings_err = errors[i];
		CU_ASSERT_EQUAL(glint_input_check(&rig.vdev, true), errors[i]);
		CU_ASSERT_EQUAL(glint_timings_follow(&rig.vdev), errors[i]);
	}
	rig.fake.timings_err = 0;
	rig.fake.timings_width = 0;
	CU_ASSERT_EQUAL(glint_timings_follow(&rig.vdev), -ERANGE);
	rig.fake.timings_width = 64;
	rig.fake.fail_request = VIDIOC_S_DV_TIMINGS; /* detected, but cannot be received */
	rig.fake.fail_err = -EINVAL;
	CU_ASSERT_EQUAL(glint_timings_follow(&rig.vdev), -ERANGE);
	rig.fake.fail_request = 0;
	rig.fake.input_status = V4L2_IN_ST_NO_SIGNAL;
	CU_ASSERT_EQUAL(glint_input_check(&rig.vdev, false), -ENOLINK);
	rig.fake.input_status = V4L2_IN_ST_NO_H_LOCK;
	CU_ASSERT_EQUAL(glint_input_check(&rig.vdev, false), -ENOLCK);
	rig.fake.timings_err = -ERANGE; /* more exact than the input's status */
	CU_ASSERT_EQUAL(glint_input_check(&rig.vdev, false), -ERANGE);
	rig_close(&rig);
}

static void test_no_signal_without_power_is_told_apart(void)
{
	struct rig rig;

	hdmi_device(&rig); /* input 3, the fourth with DV timings */
	CU_ASSERT_EQUAL(glint_timings_follow(&rig.vdev), 0);
	rig.fake.has_power = true;
	rig.fake.power = 8;
	rig.fake.input_status = V4L2_IN_ST_NO_SIGNAL;
	CU_ASSERT_EQUAL(glint_input_check(&rig.vdev, false), -ENOLINK);
	rig.fake.power = 7;
	CU_ASSERT_EQUAL(glint_input_check(&rig.vdev, false), -EHOSTDOWN);
	rig.fake.input_status = V4L2_IN_ST_NO_POWER;
	CU_ASSERT_EQUAL(glint_input_check(&rig.vdev, false), -EHOSTDOWN);
	rig.fake.input_status = 0;
	rig.fake.timings_err = -ENOLINK;
	CU_ASSERT_EQUAL(glint_input_check(&rig.vdev, true), -EHOSTDOWN);
	CU_ASSERT_EQUAL(glint_timings_follow(&rig.vdev), -EHOSTDOWN);
	/* With a signal the power does not matter. */
	rig.fake.timings_err = 0;
	CU_ASSERT_EQUAL(glint_input_check(&rig.vdev, true), 0);
	rig_close(&rig);
}

static struct glint_timings_wish wish_of(const char *name)
{
	struct glint_timings_wish wish;

	CU_ASSERT_EQUAL_FATAL(glint_timings_parse(name, &wish), 0);
	return wish;
}

static void test_timings_are_named(void)
{
	static const char *const wrong[] = {
		"",	     "1920",	"p60",		"1920x",	 "1920x1080q60", "0x0",
		"vic:0",     "vic:128", "vic:16x",	"1920x1080p60x", "70000x1",	 "999p60",
		"1920x-1p1", "CEA-",	"1920x1080p.5", "1920x1080p0",
	};
	struct glint_timings_wish wish;

	wish = wish_of("1920x1080p60");
	CU_ASSERT(wish.width == 1920 && wish.height == 1080 && !wish.interlaced);
	CU_ASSERT_EQUAL(wish.millihz, 60000);
	wish = wish_of("1080I59.94");
	CU_ASSERT(wish.width == 1920 && wish.interlaced && wish.millihz == 59940);
	wish = wish_of("DMT-1024x768@60");
	CU_ASSERT(wish.width == 1024 && wish.standards == V4L2_DV_BT_STD_DMT);
	wish = wish_of("vic:5");
	CU_ASSERT(wish.height == 1080 && wish.interlaced && wish.millihz == 60000);
	CU_ASSERT_EQUAL(wish_of("follow").width, 0);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		CU_ASSERT_EQUAL(glint_timings_parse(wrong[i], &wish), -EINVAL);
	CU_ASSERT_EQUAL(wish_of("1080").millihz, 0); /* any rate */
}

static void test_forced_timings_are_the_nearest_that_the_device_has(void)
{
	char offers[GLINT_TIMINGS_OFFERS], text[GLINT_TIMINGS_TEXT];
	struct glint_timings_wish wish;
	struct rig rig;

	hdmi_device(&rig);
	wish = wish_of("720p60");
	CU_ASSERT_EQUAL(glint_timings_force(&rig.vdev, &wish, offers), 0);
	CU_ASSERT_EQUAL(rig.fake.set_timings.pixelclock, 74250000);
	CU_ASSERT_STRING_EQUAL(glint_timings_text(&rig.vdev.timings, text), "1280x720p60");
	CU_ASSERT_TRUE(rig.vdev.timings.forced);
	CU_ASSERT_EQUAL(glint_timings_check(&rig.vdev), 0); /* whatever the signal is */
	wish = wish_of("1080i60");
	CU_ASSERT_EQUAL(glint_timings_force(&rig.vdev, &wish, offers), 0);
	CU_ASSERT_STRING_EQUAL(glint_timings_text(&rig.vdev.timings, text), "1920x1080i60");
	wish = wish_of("640x480p60"); /* 59.94 */
	CU_ASSERT_EQUAL(glint_timings_force(&rig.vdev, &wish, offers), 0);

	wish = wish_of("1280x720p59");
	CU_ASSERT_EQUAL(glint_timings_force(&rig.vdev, &wish, offers), -ERANGE);
	CU_ASSERT_STRING_EQUAL(offers, "1280x720p50, 1280x720p60");
	wish = wish_of("DMT-1280x720p60");
	CU_ASSERT_EQUAL(glint_timings_force(&rig.vdev, &wish, offers), -ERANGE);
	wish = wish_of("3840x2160p30");
	CU_ASSERT_EQUAL(glint_timings_force(&rig.vdev, &wish, offers), -ERANGE);
	CU_ASSERT_PTR_NOT_NULL(strstr(offers, "1024x768p60"));
	rig_close(&rig);
}

static void name_inputs(struct fake_v4l2 *fake, unsigned long request, void *arg)
{
	static const char *const names[] = { "Webcam", "TV", "HDMI 1", "HDMI 10" };
	struct v4l2_input *input = arg;

	(void)fake;
	if (request == VIDIOC_ENUMINPUT)
		strcpy((char *)input->name, names[input->index]);
}

static void test_inputs_are_found_by_number_and_name(void)
{
	char names[GLINT_INPUT_NAMES];
	uint32_t input = 9;
	struct rig rig;

	hdmi_device(&rig);
	rig.fake.lie = name_inputs;
	CU_ASSERT_EQUAL(glint_input_find(&rig.vdev, "2", &input, names), 0);
	CU_ASSERT_EQUAL(input, 2);
	CU_ASSERT_STRING_EQUAL(names, "0 (Webcam), 1 (TV), 2 (HDMI 1), 3 (HDMI 10)");
	CU_ASSERT_EQUAL(glint_input_find(&rig.vdev, "tv", &input, names), 0);
	CU_ASSERT_EQUAL(input, 1);
	CU_ASSERT_EQUAL(glint_input_find(&rig.vdev, "web", &input, names), 0);
	CU_ASSERT_EQUAL(input, 0);
	CU_ASSERT_EQUAL(glint_input_find(&rig.vdev, "hdmi 1", &input, names), 0);
	CU_ASSERT_EQUAL(input, 2); /* the whole name wins */
	CU_ASSERT_EQUAL(glint_input_find(&rig.vdev, "HDMI", &input, names), -EINVAL);
	CU_ASSERT_EQUAL(glint_input_find(&rig.vdev, "DVI", &input, names), -EINVAL);
	CU_ASSERT_EQUAL(glint_input_find(&rig.vdev, "", &input, names), -EINVAL);
	rig_close(&rig);
}

static void test_separate_fields_are_told_from_interlaced_frames(void)
{
	static const struct {
		uint32_t field;
		enum glint_field expected;
	} cases[] = {
		{ V4L2_FIELD_ANY, GLINT_FIELD_PROGRESSIVE },
		{ V4L2_FIELD_NONE, GLINT_FIELD_PROGRESSIVE },
		{ V4L2_FIELD_INTERLACED, GLINT_FIELD_INTERLACED },
		{ V4L2_FIELD_INTERLACED_BT, GLINT_FIELD_INTERLACED },
		{ V4L2_FIELD_ALTERNATE, GLINT_FIELD_ALTERNATE },
		{ V4L2_FIELD_TOP, GLINT_FIELD_ONE },
		{ V4L2_FIELD_SEQ_TB, GLINT_FIELD_SEQUENTIAL },
		{ V4L2_FIELD_SEQ_BT, GLINT_FIELD_SEQUENTIAL },
	};
	struct rig rig;

	fake_v4l2_init(&rig.fake);
	rig_open(&rig);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		rig.fake.field = cases[i].field;
		CU_ASSERT_EQUAL(glint_vdev_set_format(&rig.vdev, V4L2_PIX_FMT_YUYV, 64, 48), 0);
		CU_ASSERT_EQUAL(rig.vdev.format.field, cases[i].expected);
	}
	/* A driver that can weave does so when asked. */
	rig.fake.field = 0;
	CU_ASSERT_EQUAL(glint_vdev_ask_for_frames(&rig.vdev), 0);
	CU_ASSERT_EQUAL(rig.vdev.format.field, GLINT_FIELD_INTERLACED);
	rig_close(&rig);
}

static void see_subscription(struct fake_v4l2 *fake, unsigned long request, void *arg)
{
	const struct v4l2_event_subscription *subscription = arg;

	if (request == VIDIOC_SUBSCRIBE_EVENT && subscription->type == V4L2_EVENT_SOURCE_CHANGE)
		fake->controls[0] = (int32_t)subscription->id;
}

static void test_events_of_the_selected_input_are_subscribed(void)
{
	struct rig rig;

	hdmi_device(&rig);
	rig.fake.lie = see_subscription;
	glint_input_subscribe(&rig.vdev);
	CU_ASSERT_TRUE(rig.vdev.has_events);
	CU_ASSERT_EQUAL(rig.fake.controls[0], 3);
	CU_ASSERT_FALSE(glint_input_changed(&rig.vdev, NULL));
	fake_v4l2_event(&rig.fake);
	fake_v4l2_event(&rig.fake);
	CU_ASSERT_TRUE(glint_input_changed(&rig.vdev, NULL));
	CU_ASSERT_FALSE(glint_input_changed(&rig.vdev, NULL));
	rig_close(&rig);
}

/* --- The search ------------------------------------------------------------------------------ */

static void test_the_first_node_that_captures_is_found(void)
{
	struct fake_v4l2 fake;
	struct glint_search search = { .access = &fake.access };

	fake_v4l2_init(&fake);
	fake.path = "/dev/video12";
	CU_ASSERT_EQUAL(glint_enumerate_find(&search), 0);
	CU_ASSERT_STRING_EQUAL(search.path, "/dev/video12");
	fake.caps |= V4L2_CAP_IO_MC;
	CU_ASSERT_EQUAL(glint_enumerate_find(&search), 0);
	CU_ASSERT_STRING_EQUAL(search.path, "/dev/video12");
	fake.n_formats = 0;
	CU_ASSERT_EQUAL(glint_enumerate_find(&search), -ENODEV);
	fake.n_formats = 1;
	fake.caps = V4L2_CAP_META_CAPTURE | V4L2_CAP_STREAMING;
	CU_ASSERT_EQUAL(glint_enumerate_find(&search), -ENODEV);
	fake_v4l2_fini(&fake);
}

/* clang-format off */
GLINT_TESTS("vdev",
	GLINT_TEST(test_a_positive_result_is_a_success),
	GLINT_TEST(test_open_reads_the_names_of_the_device),
	GLINT_TEST(test_a_codec_an_output_and_a_file_are_no_capture_devices),
	GLINT_TEST(test_a_format_is_read_back_as_the_driver_made_it),
	GLINT_TEST(test_a_driver_converts_colours_only_when_asked),
	GLINT_TEST(test_an_impossible_format_is_refused),
	GLINT_TEST(test_buffers_are_mapped_exported_and_filled),
	GLINT_TEST(test_planes_of_their_own_are_each_mapped),
	GLINT_TEST(test_without_expbuf_there_are_mappings_only),
	GLINT_TEST(test_a_buffer_that_does_not_exist_is_an_error),
	GLINT_TEST(test_more_bytes_than_the_buffer_has_make_a_corrupt_frame),
	GLINT_TEST(test_a_buffer_without_number_and_time_was_cancelled),
	GLINT_TEST(test_inconsistent_planes_are_an_error),
	GLINT_TEST(test_data_may_begin_at_an_offset),
	GLINT_TEST(test_a_buffer_too_small_for_the_format_leaves_nothing_behind),
	GLINT_TEST(test_stamps_of_another_clock_or_of_no_time_are_left_out),
	GLINT_TEST(test_mapped_frames_outlive_the_drivers_buffers),
	GLINT_TEST(test_raw_is_chosen_where_it_is_as_fast_as_jpeg),
	GLINT_TEST(test_the_requested_format_comes_first_whatever_it_costs),
	GLINT_TEST(test_the_cheapest_of_equal_formats_is_chosen),
	GLINT_TEST(test_sizes_stay_within_their_ranges),
	GLINT_TEST(test_nonsense_sizes_are_ignored),
	GLINT_TEST(test_an_unplugged_device_offers_an_error),
	GLINT_TEST(test_an_input_that_does_not_exist_is_an_error),
	GLINT_TEST(test_timings_are_followed_and_checked_against),
	GLINT_TEST(test_each_loss_of_signal_has_its_own_error),
	GLINT_TEST(test_no_signal_without_power_is_told_apart),
	GLINT_TEST(test_timings_are_named),
	GLINT_TEST(test_forced_timings_are_the_nearest_that_the_device_has),
	GLINT_TEST(test_inputs_are_found_by_number_and_name),
	GLINT_TEST(test_separate_fields_are_told_from_interlaced_frames),
	GLINT_TEST(test_events_of_the_selected_input_are_subscribed),
	GLINT_TEST(test_the_first_node_that_captures_is_found),
)
