/* SPDX-License-Identifier: MIT */
/* The test pattern as a device, used through its system calls only. */
#include <errno.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "pattern/pattern.h"
#include "pattern/draw.h"
#include "pattern/stamp.h"
#include "harness.h"
#include "v4l2/choose.h"
#include "v4l2/input.h"
#include "v4l2/vdev.h"

struct rig {
	struct glint_pattern *pattern;
	struct glint_vdev vdev;
	struct glint_dmabuf buffers[GLINT_VQUEUE_BUFFERS_MAX];
	unsigned n;
};

#define RIG_OPEN(rig, millihz)                                                                     \
	do {                                                                                       \
		if (!IS_ENABLED(CONFIG_PATTERN))                                                   \
			GLINT_SKIP("no test pattern in this configuration");                       \
		rig_open(rig, millihz);                                                            \
	} while (0)

static void rig_open(struct rig *rig, uint32_t millihz)
{
	memset(rig, 0, sizeof(*rig));
	rig->pattern = glint_pattern_create(millihz);
	CU_ASSERT_PTR_NOT_NULL_FATAL(rig->pattern);
	glint_vdev_init(&rig->vdev);
	CU_ASSERT_EQUAL_FATAL(
		glint_vdev_open(&rig->vdev, glint_pattern_access(rig->pattern), "test"), 0);
}

static void rig_close(struct rig *rig)
{
	for (unsigned i = 0; i < rig->n; i++)
		glint_dmabuf_fini(&rig->buffers[i]);
	glint_vdev_close(&rig->vdev);
	glint_pattern_destroy(rig->pattern);
}

static void rig_stream(struct rig *rig, uint32_t fourcc, uint32_t width, uint32_t height,
		       unsigned count)
{
	CU_ASSERT_EQUAL_FATAL(glint_vdev_set_format(&rig->vdev, fourcc, width, height), 0);
	CU_ASSERT_EQUAL_FATAL(glint_vdev_alloc(&rig->vdev, count, rig->buffers), (int)count);
	rig->n = count;
	for (unsigned i = 0; i < count; i++)
		CU_ASSERT_EQUAL(glint_vdev_qbuf(&rig->vdev, i), 0);
	CU_ASSERT_EQUAL_FATAL(glint_vdev_stream(&rig->vdev, true), 0);
}

static struct glint_vbuf rig_next(struct rig *rig)
{
	struct pollfd pollfd = { .fd = rig->vdev.fd, .events = POLLIN };
	struct glint_vbuf vbuf = { 0 };
	int err;

	do {
		CU_ASSERT_EQUAL_FATAL(poll(&pollfd, 1, -1), 1);
		err = glint_vdev_dqbuf(&rig->vdev, &vbuf);
	} while (err == -EAGAIN);
	CU_ASSERT_EQUAL_FATAL(err, 0);
	return vbuf;
}

/* Return the luma of a frame in any of the pattern's formats; the caller frees it. */
static uint8_t *luma_of(const struct glint_format *format, const uint8_t *map)
{
	size_t count = (size_t)format->width * format->height;
	unsigned step = format->info->bytes_per_pixel, first = format->info->order[0];
	uint8_t *luma = malloc(count);

	if (format->info->layout == GLINT_LAYOUT_RGB)
		first = 1; /* of grey, green is luma */
	for (size_t i = 0; i < count; i++)
		luma[i] = map[i * step + first];
	return luma;
}

static int read_stamp(struct rig *rig, unsigned index, struct glint_stamp *stamp)
{
	const struct glint_format *format = &rig->vdev.format;
	uint8_t *luma;
	int err = glint_dmabuf_map(&rig->buffers[index]);

	if (err < 0)
		return err;
	luma = luma_of(format, rig->buffers[index].planes[0].map);
	err = glint_stamp_read(stamp, luma, format->width, format->width, format->height);

	free(luma);
	return err;
}

static void test_the_pattern_presents_itself_as_a_capture_device(void)
{
	struct rig rig;

	RIG_OPEN(&rig, 25000);
	CU_ASSERT_STRING_EQUAL(rig.vdev.identity.driver, "glint");
	CU_ASSERT_EQUAL(glint_input_select(&rig.vdev, 0), 0);
	CU_ASSERT_EQUAL(glint_input_select(&rig.vdev, 1), -EINVAL);
	CU_ASSERT_EQUAL(glint_input_check(&rig.vdev, true), 0);
	CU_ASSERT_EQUAL(glint_vdev_set_interval(&rig.vdev, 1, 240), 0);
	CU_ASSERT_EQUAL(rig.vdev.rate_millihz, 25000);
	rig_close(&rig);
}

static void test_the_cheapest_format_is_chosen_at_its_own_rate(void)
{
	struct glint_wish wish = {
		.width = 1281, .height = 100, .raw = true, .rate_millihz = 240000
	};
	struct glint_choice choices[GLINT_CHOICES_MAX];
	struct rig rig;

	RIG_OPEN(&rig, 59940);
	CU_ASSERT_EQUAL(glint_choose(&rig.vdev, &wish, choices), 6);
	CU_ASSERT_EQUAL(choices[0].fourcc, V4L2_PIX_FMT_YUV420);
	CU_ASSERT_EQUAL(choices[0].rate_millihz, 59940);
	CU_ASSERT_EQUAL(choices[0].width, 1280);
	CU_ASSERT_EQUAL(choices[0].height, 120);
	rig_close(&rig);
}

static void test_every_format_shows_the_stamp_of_its_frame(void)
{
	static const uint32_t fourccs[] = { V4L2_PIX_FMT_YUYV,	V4L2_PIX_FMT_UYVY,
					    V4L2_PIX_FMT_NV12,	V4L2_PIX_FMT_YUV420,
					    V4L2_PIX_FMT_RGB24, V4L2_PIX_FMT_GREY };

	for (unsigned i = 0; i < 6; i++) {
		struct glint_stamp stamp = { 0 };
		struct glint_vbuf vbuf;
		struct rig rig;

		RIG_OPEN(&rig, 240000);
		rig_stream(&rig, fourccs[i], 320, 240, 2);
		CU_ASSERT_EQUAL(rig.vdev.format.fourcc, fourccs[i]);
		CU_ASSERT_EQUAL(rig.vdev.format.range, GLINT_RANGE_FULL);
		vbuf = rig_next(&rig);
		CU_ASSERT_EQUAL(read_stamp(&rig, vbuf.index, &stamp), 0);
		CU_ASSERT_EQUAL(stamp.seq, vbuf.seq);
		CU_ASSERT_EQUAL(stamp.ns, vbuf.timestamp_ns);
		CU_ASSERT_TRUE(vbuf.start_of_exposure);
		CU_ASSERT_FALSE(vbuf.short_data || vbuf.error);
		rig_close(&rig);
	}
}

static void test_extreme_sizes_work(void)
{
	static const struct {
		uint32_t width, height;
	} sizes[] = { { 160, 120 }, { 160, 2160 }, { 4096, 120 }, { 202, 122 } };

	for (unsigned i = 0; i < 4; i++) {
		struct glint_stamp stamp = { 0 };
		struct glint_vbuf vbuf;
		struct rig rig;

		RIG_OPEN(&rig, 240000);
		rig_stream(&rig, V4L2_PIX_FMT_YUV420, sizes[i].width, sizes[i].height, 2);
		vbuf = rig_next(&rig);
		CU_ASSERT_EQUAL(read_stamp(&rig, vbuf.index, &stamp), 0);
		CU_ASSERT_EQUAL(stamp.seq, vbuf.seq);
		rig_close(&rig);
	}
}

static void draw_moment(const struct glint_pattern_picture *picture, uint8_t *base, uint32_t seq,
			struct glint_pattern_moment *shown, bool fresh)
{
	struct glint_stamp stamp = { .seq = seq, .ns = seq * 16666667ull };
	struct glint_canvas canvas = picture->background;
	struct glint_pattern_moment now;

	canvas.base = base;
	glint_pattern_moment(picture, &stamp, 1700000000000000000 + stamp.ns, &now);
	glint_pattern_draw(picture, &canvas, fresh ? NULL : shown, &now);
	*shown = now;
}

static void check_increments(uint32_t fourcc, uint32_t width, uint32_t height)
{
	static const uint32_t seqs[] = { 0, 1, 5, 119, 120, 121, 240, 9999, 4294967295u };
	size_t size = glint_canvas_size(fourcc, width, height);
	struct glint_pattern_picture picture = {
		.background = { fourcc, width, height, calloc(1, size) },
		.rate_millihz = 60000,
		.utc_offset_s = -3600,
	};
	uint8_t *reused = calloc(1, size), *fresh = calloc(1, size);
	struct glint_pattern_moment shown, other;

	glint_pattern_draw_background(&picture);
	for (size_t i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++) {
		draw_moment(&picture, reused, seqs[i], &shown, i == 0);
		draw_moment(&picture, fresh, seqs[i], &other, true);
		CU_ASSERT_EQUAL(memcmp(reused, fresh, size), 0);
		CU_ASSERT_TRUE(memcmp(fresh, picture.background.base, size) != 0);
	}
	free(picture.background.base);
	free(reused);
	free(fresh);
}

static void test_a_reused_buffer_shows_nothing_of_its_last_frame(void)
{
	if (!IS_ENABLED(CONFIG_PATTERN))
		GLINT_SKIP("no test pattern in this configuration");
	check_increments(V4L2_PIX_FMT_YUYV, 1920, 1080);
	check_increments(V4L2_PIX_FMT_UYVY, 162, 122);
	check_increments(V4L2_PIX_FMT_NV12, 160, 120);
	check_increments(V4L2_PIX_FMT_YUV420, 1000, 126);
	check_increments(V4L2_PIX_FMT_RGB24, 320, 240);
	check_increments(V4L2_PIX_FMT_GREY, 640, 480);
}

static void test_number_and_clock_read_as_a_person_expects(void)
{
	struct glint_stamp stamp = { .seq = 4294967295u };
	struct glint_pattern_picture picture = {
		.background = { V4L2_PIX_FMT_GREY, 640, 480, NULL },
		.rate_millihz = 30000,
		.utc_offset_s = -3600,
	};
	struct glint_pattern_moment moment;

	if (!IS_ENABLED(CONFIG_PATTERN))
		GLINT_SKIP("no test pattern in this configuration");
	/* 2023-11-14 22:13:20.123456 UTC */
	glint_pattern_moment(&picture, &stamp, 1700000000123456789, &moment);
	CU_ASSERT_STRING_EQUAL(moment.digits, "4294967295");
	CU_ASSERT_STRING_EQUAL(moment.clock, "21:13:20.123");
}

static void test_without_a_buffer_frames_are_missed_and_counted(void)
{
	struct pollfd pollfd = { .events = POLLIN };
	struct glint_vbuf vbuf, ignored;
	uint32_t before;
	struct rig rig;

	RIG_OPEN(&rig, 240000);
	rig_stream(&rig, V4L2_PIX_FMT_YUYV, 160, 120, 1);
	vbuf = rig_next(&rig);
	before = vbuf.seq;
	pollfd.fd = rig.vdev.fd;
	CU_ASSERT_EQUAL(poll(&pollfd, 1, -1), 1);
	CU_ASSERT_EQUAL(glint_vdev_dqbuf(&rig.vdev, &ignored), -EAGAIN);
	CU_ASSERT_EQUAL(glint_vdev_qbuf(&rig.vdev, vbuf.index), 0);
	vbuf = rig_next(&rig);
	CU_ASSERT_TRUE(vbuf.seq >= before + 2);
	rig_close(&rig);
}

static void test_a_stopped_stream_is_silent_and_can_be_restarted(void)
{
	struct glint_vbuf vbuf;
	struct rig rig;

	RIG_OPEN(&rig, 240000);
	rig_stream(&rig, V4L2_PIX_FMT_NV12, 160, 120, 3);
	(void)rig_next(&rig);
	CU_ASSERT_EQUAL(glint_vdev_stream(&rig.vdev, false), 0);
	CU_ASSERT_EQUAL(glint_vdev_dqbuf(&rig.vdev, &vbuf), -EINVAL);
	CU_ASSERT_EQUAL(glint_vdev_set_format(&rig.vdev, V4L2_PIX_FMT_NV12, 320, 240), -EBUSY);
	CU_ASSERT_EQUAL(glint_vdev_free(&rig.vdev), 0);
	for (unsigned i = 0; i < rig.n; i++) {
		CU_ASSERT_EQUAL_FATAL(glint_dmabuf_map(&rig.buffers[i]), 0);
		rig.buffers[i].planes[0].map[0] = 1; /* a reader that holds it still may */
		glint_dmabuf_fini(&rig.buffers[i]);
	}
	rig_stream(&rig, V4L2_PIX_FMT_NV12, 320, 240, 2);
	vbuf = rig_next(&rig);
	CU_ASSERT_EQUAL(rig.vdev.format.width, 320);
	CU_ASSERT_TRUE(vbuf.used == 320 * 240 * 3 / 2);
	rig_close(&rig);
}

static void test_rates_are_kept_within_one_and_240(void)
{
	static const uint32_t asked[] = { 0, 1, 1000000, 10000000 },
			      given[] = { 30000, 1000, 1000000, 5000000 };

	for (unsigned i = 0; i < 3; i++) {
		struct rig rig;

		RIG_OPEN(&rig, asked[i]);
		CU_ASSERT_EQUAL(glint_vdev_set_interval(&rig.vdev, 1, 50), 0);
		CU_ASSERT_EQUAL(rig.vdev.rate_millihz, given[i]);
		rig_close(&rig);
	}
}

/* clang-format off */
GLINT_TESTS("pattern",
	GLINT_TEST(test_the_pattern_presents_itself_as_a_capture_device),
	GLINT_TEST(test_the_cheapest_format_is_chosen_at_its_own_rate),
	GLINT_TEST(test_every_format_shows_the_stamp_of_its_frame),
	GLINT_TEST(test_extreme_sizes_work),
	GLINT_TEST(test_a_reused_buffer_shows_nothing_of_its_last_frame),
	GLINT_TEST(test_number_and_clock_read_as_a_person_expects),
	GLINT_TEST(test_without_a_buffer_frames_are_missed_and_counted),
	GLINT_TEST(test_a_stopped_stream_is_silent_and_can_be_restarted),
	GLINT_TEST(test_rates_are_kept_within_one_and_240),
)
