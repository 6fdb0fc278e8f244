/* SPDX-License-Identifier: MIT */
/* The size without a wish, on a driver that only enumerates. */
#include <errno.h>
#include <linux/videodev2.h>
#include <string.h>

#include "base/macros.h"
#include "harness.h"
#include "v4l2/choose.h"
#include "v4l2/vdev.h"

#define MJPEG	V4L2_PIX_FMT_MJPEG
#define YUYV	V4L2_PIX_FMT_YUYV
#define BAYER	V4L2_PIX_FMT_SBGGR8
#define ENTRIES 12

/* A size of a format, with all its rates from one upwards, or with none. */
struct entry {
	uint32_t fourcc, width, height;
	struct v4l2_fract interval; /* 0/0: the driver has no rate */
};

/* clang-format off */
#define FPS(n)                                                                                     \
	{                                                                                          \
		1, (n)                                                                             \
	}
/* clang-format on */

struct driver {
	struct glint_v4l2_access access;
	struct entry entries[ENTRIES];		   /* ends with a fourcc of 0 */
	uint32_t emulated;			   /* the format that has this flag */
	uint32_t current_width, current_height;	   /* 0: G_FMT fails */
	const struct v4l2_frmsize_stepwise *range; /* in place of the entries' sizes */
	v4l2_std_id standard;			   /* 0: the input has none */
	uint64_t pixel_rate; /* in a range: pixels a second; 0: rates are unknown */
	bool endless;	     /* each enumeration goes on for ever */
	unsigned calls;
};

static int enum_formats(const struct driver *driver, struct v4l2_fmtdesc *desc)
{
	uint32_t last = 0;
	unsigned count = 0;

	for (const struct entry *entry = driver->entries; entry->fourcc; entry++) {
		if (entry->fourcc == last)
			continue;
		last = entry->fourcc;
		if (count++ != desc->index)
			continue;
		desc->pixelformat = last;
		desc->flags = last == driver->emulated ? V4L2_FMT_FLAG_EMULATED : 0;
		return 0;
	}
	return -EINVAL;
}

static int enum_sizes(const struct driver *driver, struct v4l2_frmsizeenum *offer)
{
	unsigned count = 0;

	if (driver->range) {
		offer->type = V4L2_FRMSIZE_TYPE_STEPWISE;
		offer->stepwise = *driver->range;
		return offer->index == 0 ? 0 : -EINVAL;
	}
	offer->type = V4L2_FRMSIZE_TYPE_DISCRETE;
	if (driver->endless) {
		offer->discrete.width = offer->discrete.height = 64 + offer->index;
		return 0;
	}
	for (const struct entry *entry = driver->entries; entry->fourcc; entry++) {
		if (entry->fourcc != offer->pixel_format || entry->width == 0 ||
		    count++ != offer->index)
			continue;
		offer->discrete.width = entry->width;
		offer->discrete.height = entry->height;
		return 0;
	}
	return -EINVAL;
}

static int enum_intervals(const struct driver *driver, struct v4l2_frmivalenum *offer)
{
	uint64_t area = (uint64_t)offer->width * offer->height;

	offer->type = V4L2_FRMIVAL_TYPE_DISCRETE;
	if (driver->endless) {
		offer->discrete = (struct v4l2_fract)FPS(1);
		return 0;
	}
	if (driver->range) {
		offer->type = V4L2_FRMIVAL_TYPE_CONTINUOUS;
		offer->stepwise.min =
			(struct v4l2_fract){ (uint32_t)area, (uint32_t)driver->pixel_rate };
		offer->stepwise.max = (struct v4l2_fract)FPS(1);
		return driver->pixel_rate && offer->index == 0 ? 0 : -EINVAL;
	}
	for (const struct entry *entry = driver->entries; entry->fourcc; entry++) {
		if (entry->fourcc != offer->pixel_format || entry->width != offer->width ||
		    entry->height != offer->height)
			continue;
		offer->discrete = entry->interval;
		return entry->interval.numerator && offer->index == 0 ? 0 : -EINVAL;
	}
	return -EINVAL;
}

static int answer(struct glint_v4l2_access *access, int fd, unsigned long request, void *arg)
{
	struct driver *driver = container_of(access, struct driver, access);
	struct v4l2_format *format = arg;

	(void)fd;
	driver->calls++;
	switch (request) {
	case VIDIOC_ENUM_FMT:
		return enum_formats(driver, arg);
	case VIDIOC_ENUM_FRAMESIZES:
		return enum_sizes(driver, arg);
	case VIDIOC_ENUM_FRAMEINTERVALS:
		return enum_intervals(driver, arg);
	case VIDIOC_G_FMT:
		if (V4L2_TYPE_IS_MULTIPLANAR(format->type)) {
			format->fmt.pix_mp.width = driver->current_width;
			format->fmt.pix_mp.height = driver->current_height;
		} else {
			format->fmt.pix.width = driver->current_width;
			format->fmt.pix.height = driver->current_height;
		}
		return driver->current_width ? 0 : -EINVAL;
	case VIDIOC_G_STD:
		*(v4l2_std_id *)arg = driver->standard;
		return driver->standard ? 0 : -ENODATA;
	default:
		return -ENOTTY;
	}
}

static const struct glint_v4l2_access_ops driver_ops = { .ioctl = answer };

/* Find the size that is requested from @driver, in any format unless @wish has one. */
static void find(struct driver *driver, uint32_t type, struct glint_wish *wish)
{
	struct glint_vdev vdev;

	driver->access.ops = &driver_ops;
	glint_vdev_init(&vdev);
	vdev.access = &driver->access;
	vdev.queue.type = type;
	wish->raw = wish->other = true;
	wish->fps = wish->fps ? wish->fps : 30;
	CU_ASSERT_EQUAL(glint_choose_size(&vdev, wish), 0);
}

static bool finds(struct driver *driver, uint32_t width, uint32_t height)
{
	struct glint_wish wish = { 0 };

	find(driver, V4L2_BUF_TYPE_VIDEO_CAPTURE, &wish);
	if (wish.width != width || wish.height != height)
		printf("#   %ux%u, not %ux%u\n", wish.width, wish.height, width, height);
	return wish.width == width && wish.height == height;
}

struct size_case {
	const char *what;
	struct entry entries[ENTRIES];
	uint32_t fourcc;	/* wished */
	unsigned fps;		/* 0: 30 */
	uint32_t width, height; /* expected */
};

/* clang-format off */
#define USB_CAMERA                                                                                 \
	{                                                                                          \
		{ MJPEG, 640, 480, FPS(30) }, { MJPEG, 1280, 720, FPS(60) },                       \
			{ MJPEG, 1920, 1080, FPS(30) }, { YUYV, 320, 240, FPS(120) },              \
			{ YUYV, 640, 480, FPS(30) }, { YUYV, 1920, 1080, FPS(5) },                 \
	}

static const struct size_case size_cases[] = {
	{ "the largest at 30", USB_CAMERA, 0, 0, 1920, 1080 },
	{ "the largest of the wished format", USB_CAMERA, YUYV, 0, 640, 480 },
	{ "JPEG stands for MJPEG", USB_CAMERA, V4L2_PIX_FMT_JPEG, 0, 1920, 1080 },
	{ "a format that is not offered", USB_CAMERA, V4L2_PIX_FMT_NV12, 0, 1920, 1080 },
	{ "the largest at a wished rate", USB_CAMERA, 0, 60, 1280, 720 },
	{ "a low rate is enough for a larger size", USB_CAMERA, YUYV, 5, 1920, 1080 },
	{ "the highest rate if none is high enough", USB_CAMERA, MJPEG, 100, 1280, 720 },
	{ "the largest of those at the highest rate",
	  { { YUYV, 640, 480, FPS(25) }, { YUYV, 720, 576, FPS(25) }, { YUYV, 1280, 720, FPS(10) } },
	  0, 0, 720, 576 },
	{ "the highest rate of all formats",
	  { { YUYV, 1280, 720, FPS(10) }, { MJPEG, 640, 480, FPS(15) }, { MJPEG, 1280, 720, FPS(5) } },
	  0, 0, 640, 480 },
	{ "television's rate", { { YUYV, 640, 480, FPS(60) }, { YUYV, 720, 480, { 1001, 30000 } } },
	  0, 0, 720, 480 },
	{ "a rate just too low", { { YUYV, 640, 480, FPS(30) }, { YUYV, 720, 480, FPS(29) } },
	  0, 0, 640, 480 },
	{ "less than one frame a second",
	  { { YUYV, 640, 480, { 4, 1 } }, { YUYV, 1280, 720, { 5, 1 } } }, 0, 0, 1280, 720 },
	{ "an unknown rate is high enough",
	  { { YUYV, 640, 480, FPS(30) }, { YUYV, 720, 576, { 0, 0 } } }, 0, 0, 720, 576 },
	{ "the wider of equal areas",
	  { { YUYV, 720, 1280, FPS(30) }, { YUYV, 1280, 720, FPS(30) }, { YUYV, 960, 960, FPS(60) } },
	  0, 0, 1280, 720 },
	{ "whichever comes first",
	  { { YUYV, 960, 960, FPS(60) }, { YUYV, 1280, 720, FPS(30) }, { MJPEG, 720, 1280, FPS(30) } },
	  0, 0, 1280, 720 },
	{ "no size that needs a conversion",
	  { { BAYER, 2592, 1944, FPS(30) }, { YUYV, 640, 480, FPS(30) } }, 0, 0, 640, 480 },
	{ "a conversion that is wished",
	  { { BAYER, 2592, 1944, FPS(30) }, { YUYV, 640, 480, FPS(30) } }, BAYER, 0, 2592, 1944 },
	{ "a conversion where nothing else is offered", { { BAYER, 2592, 1944, FPS(30) } },
	  0, 0, 2592, 1944 },
	{ "sizes that cannot be",
	  { { YUYV, 20000, 20000, FPS(30) }, { YUYV, 1920, UINT32_MAX, FPS(30) },
	    { YUYV, 8, 8, FPS(60) }, { YUYV, 1920, 0, FPS(30) }, { YUYV, 320, 240, FPS(30) } },
	  0, 0, 320, 240 },
	{ "rates that cannot be",
	  { { YUYV, 640, 480, { 1, 0 } }, { YUYV, 320, 240, { 1, UINT32_MAX } } }, 0, 0, 640, 480 },
	{ "nothing enumerated and nothing set", { { YUYV, 0, 0, { 0, 0 } } }, 0, 0, 640, 480 },
	{ "no format at all", { { 0 } }, 0, 0, 640, 480 },
};
/* clang-format on */

static void test_the_size_is_the_largest_that_is_fast_enough(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(size_cases); i++) {
		const struct size_case *test = &size_cases[i];
		struct glint_wish wish = { .fourcc = test->fourcc, .fps = test->fps };
		struct driver driver = { 0 };

		memcpy(driver.entries, test->entries, sizeof(driver.entries));
		find(&driver, V4L2_BUF_TYPE_VIDEO_CAPTURE, &wish);
		if (wish.width != test->width || wish.height != test->height)
			printf("#   %s: %ux%u\n", test->what, wish.width, wish.height);
		CU_ASSERT_TRUE(wish.width == test->width && wish.height == test->height);
	}
}

static void test_an_emulated_format_does_not_count(void)
{
	struct driver driver = {
		.entries = { { V4L2_PIX_FMT_RGB24, 1920, 1080, FPS(30) },
			     { YUYV, 640, 480, FPS(30) } },
		.emulated = V4L2_PIX_FMT_RGB24,
	};

	CU_ASSERT_TRUE(finds(&driver, 640, 480));
	driver.emulated = 0;
	CU_ASSERT_TRUE(finds(&driver, 1920, 1080));
	driver.entries[1].fourcc = 0;
	driver.emulated = V4L2_PIX_FMT_RGB24;
	CU_ASSERT_TRUE(finds(&driver, 1920, 1080));
}

static void test_an_emulated_format_is_the_last_choice_at_a_size(void)
{
	struct driver driver = {
		.entries = { { V4L2_PIX_FMT_NV12, 640, 480, FPS(30) },
			     { YUYV, 640, 480, FPS(30) } },
		.emulated = V4L2_PIX_FMT_NV12,
	};
	struct glint_choice choices[GLINT_CHOICES_MAX];
	struct glint_wish wish = { 0 };
	struct glint_vdev vdev;

	find(&driver, V4L2_BUF_TYPE_VIDEO_CAPTURE, &wish);
	glint_vdev_init(&vdev);
	vdev.access = &driver.access;
	CU_ASSERT_EQUAL(glint_choose(&vdev, &wish, choices), 2);
	CU_ASSERT_EQUAL(choices[0].fourcc, YUYV);
}

static void test_without_sizes_the_size_that_is_set_is_taken(void)
{
	struct driver driver = {
		.entries = { { YUYV, 0, 0, { 0, 0 } } },
		.current_width = 720,
		.current_height = 576,
	};
	struct glint_wish wish = { 0 };

	CU_ASSERT_TRUE(finds(&driver, 720, 576));
	find(&driver, V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE, &wish);
	CU_ASSERT_TRUE(wish.width == 720 && wish.height == 576);
	driver.current_width = 70000;
	CU_ASSERT_TRUE(finds(&driver, 640, 480));
}

static void test_with_a_tv_standard_the_size_of_the_signal_is_taken(void)
{
	const struct v4l2_frmsize_stepwise range = { 16, 16384, 2, 16, 8640, 2 },
					   small = { 16, 640, 16, 16, 480, 16 };
	struct driver driver = {
		.entries = { { YUYV, 0, 0, { 0, 0 } } },
		.standard = V4L2_STD_PAL_B,
		.current_width = 480,
		.current_height = 360,
	};

	CU_ASSERT_TRUE(finds(&driver, 720, 576));
	driver.range = &range;
	CU_ASSERT_TRUE(finds(&driver, 720, 576));
	driver.pixel_rate = UINT32_MAX;
	CU_ASSERT_TRUE(finds(&driver, 720, 576));
	driver.standard = V4L2_STD_NTSC_M;
	CU_ASSERT_TRUE(finds(&driver, 720, 480));
	driver.range = &small;
	CU_ASSERT_TRUE(finds(&driver, 640, 480));
	driver.standard = (v4l2_std_id)1 << 63;
	CU_ASSERT_TRUE(finds(&driver, 640, 480));

	/* Sizes that are listed one by one are captured, and not scaled. */
	driver.range = NULL;
	driver.standard = V4L2_STD_PAL_B;
	driver.entries[0] = (struct entry){ YUYV, 960, 576, FPS(25) };
	CU_ASSERT_TRUE(finds(&driver, 960, 576));
}

struct range_case {
	const char *what;
	struct v4l2_frmsize_stepwise range; /* width, then height: least, most, step */
	uint64_t pixel_rate;
	uint32_t width, height;
};

#define MILLION 1000000ull

static const struct range_case range_cases[] = {
	{ "a sensor that is fast", { 32, 2592, 2, 32, 1944, 2 }, 200 * MILLION, 2592, 1944 },
	{ "a sensor that is too slow at its full size",
	  { 32, 2592, 2, 32, 1944, 2 },
	  70 * MILLION,
	  1920,
	  1200 },
	{ "steps", { 32, 2592, 32, 32, 1936, 16 }, 64 * MILLION, 1920, 1072 },
	{ "no usual size lies in it", { 1000, 1010, 1, 1000, 1010, 1 }, 1, 1000, 1000 },
	{ "one size only", { 720, 720, 0, 576, 576, 0 }, 20 * MILLION, 720, 576 },
	{ "more than there can be",
	  { 1, UINT32_MAX, 1, 1, UINT32_MAX, 1 },
	  4000 * MILLION,
	  7680,
	  4320 },
	{ "unknown rates: the size that is set", { 16, 16384, 1, 16, 8640, 1 }, 0, 720, 576 },
	{ "unknown rates, and the set size is outside", { 16, 320, 16, 16, 240, 16 }, 0, 320, 240 },
	{ "upside down", { 4000, 16, 1, 3000, 16, 1 }, 500 * MILLION, 4000, 3000 },
	{ "nothing", { 0, 0, 0, 0, 0, 0 }, 500 * MILLION, 720, 576 },
	{ "out of reach",
	  { UINT32_MAX, UINT32_MAX, 1, UINT32_MAX, UINT32_MAX, 1 },
	  500 * MILLION,
	  720,
	  576 },
};

static void test_in_a_range_the_largest_size_that_is_fast_enough_is_taken(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(range_cases); i++) {
		const struct range_case *test = &range_cases[i];
		struct driver driver = {
			.entries = { { YUYV, 0, 0, { 0, 0 } } },
			.range = &test->range,
			.pixel_rate = test->pixel_rate,
			.current_width = 720,
			.current_height = 576,
		};
		bool found = finds(&driver, test->width, test->height);

		if (!found)
			printf("#   %s\n", test->what);
		CU_ASSERT_TRUE(found);
	}
}

static void test_an_endless_driver_is_not_asked_for_ever(void)
{
	struct driver driver = { .endless = true };

	for (uint32_t i = 0; i < ENTRIES - 1; i++)
		driver.entries[i].fourcc = i % 2 ? YUYV : MJPEG;
	CU_ASSERT_TRUE(finds(&driver, 319, 319));
	CU_ASSERT_TRUE(driver.calls > 256 * 256 && driver.calls < 300000);
}

/* clang-format off */
GLINT_TESTS("choose",
	GLINT_TEST(test_the_size_is_the_largest_that_is_fast_enough),
	GLINT_TEST(test_an_emulated_format_does_not_count),
	GLINT_TEST(test_an_emulated_format_is_the_last_choice_at_a_size),
	GLINT_TEST(test_without_sizes_the_size_that_is_set_is_taken),
	GLINT_TEST(test_with_a_tv_standard_the_size_of_the_signal_is_taken),
	GLINT_TEST(test_in_a_range_the_largest_size_that_is_fast_enough_is_taken),
	GLINT_TEST(test_an_endless_driver_is_not_asked_for_ever),
)
