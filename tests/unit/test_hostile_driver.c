/* SPDX-License-Identifier: MIT */
/*
 * A driver that answers nonsense, from the first call to the last frame: capture and
 * encoder stay within their buffers, account for every frame, and release everything.
 */
#include <string.h>

#include "../fake/v4l2.h"
#include "base/clock.h"
#include "capture/capture.h"
#include "core/packet.h"
#include "encode/encoder.h"
#include "harness.h"
#include "loop_rig.h"
#include "random.h"

#define DEVICES 150
#define FRAMES	24
#define LONG	(60 * GLINT_NSEC_PER_SEC)

struct rig {
	struct fake_v4l2 fake;
	struct glint_loop *loop;
	struct glint_capture *capture;
	struct glint_encoder *encoder;
	struct glint_capture_listener listener;
	struct glint_sink sink;
};

static unsigned pictures, lies; /* of all devices */
static struct random chance;	/* the test's */
static struct random lying;	/* the driver's, which may be on the device's thread */

/*
 * Exclude values that a driver cannot change: pointers and descriptors. Also the
 * length of a buffer: the kernel refuses a longer mapping, the memfd here does not.
 */
static bool is_safe_to_change(unsigned long request)
{
	return request != VIDIOC_EXPBUF && request != VIDIOC_QUERYBUF &&
	       request != VIDIOC_S_EXT_CTRLS && request != VIDIOC_G_EXT_CTRLS &&
	       request != VIDIOC_TRY_EXT_CTRLS;
}

static void lie(struct fake_v4l2 *fake, unsigned long request, void *arg)
{
	(void)fake;
	lies += is_safe_to_change(request) && random_spoil(&lying, 24, request, arg);
}

static bool rig_on_packet(struct glint_sink *sink, struct glint_packet *packet)
{
	unsigned sum = 0;

	(void)sink;
	for (unsigned i = 0; i < packet->n_parts; i++)
		for (size_t at = 0; at < packet->parts[i].iov_len; at++)
			sum += ((const uint8_t *)packet->parts[i].iov_base)[at];
	pictures += sum > 0;
	return true;
}

static void rig_changed(struct glint_capture_listener *listener)
{
	(void)listener;
}

static void fake_init_at_random(struct fake_v4l2 *fake)
{
	static const struct fake_format formats[] = {
		{ V4L2_PIX_FMT_YUYV, 64, 48, 30 },  { V4L2_PIX_FMT_NV12, 160, 120, 60 },
		{ V4L2_PIX_FMT_NV12M, 64, 64, 25 }, { V4L2_PIX_FMT_YUV420M, 96, 48, 0 },
		{ V4L2_PIX_FMT_MJPEG, 64, 48, 30 }, { V4L2_PIX_FMT_RGB24, 33, 17, 30 },
		{ V4L2_PIX_FMT_GREY, 0, 0, 30 },    { V4L2_PIX_FMT_SBGGR8, 64, 48, 30 },
	};

	fake_v4l2_init(fake);
	fake->lie = lie;
	fake->n_formats = 1 + random_below(&chance, 3);
	for (unsigned i = 0; i < fake->n_formats; i++)
		fake->formats[i] = formats[random_below(&chance, ARRAY_SIZE(formats))];
	if (random_below(&chance, 2))
		fake->caps = V4L2_CAP_VIDEO_CAPTURE_MPLANE | V4L2_CAP_STREAMING;
	fake->exports = random_below(&chance, 4) != 0;
	fake->has_events = random_below(&chance, 2);
	fake->n_inputs = random_below(&chance, 3);
	fake->timings_err = random_below(&chance, 2) ? -ENOTTY : 0;
	fake->timings_width = 64;
	fake->timings_height = 48;
}

static void rig_open(struct rig *rig)
{
	struct glint_capture_config capture = {
		.device = "/dev/video0",
		.width = 64,
		.height = 48,
		.raw_formats = IS_ENABLED(CONFIG_ENCODE_CPU),
		.other_formats = IS_ENABLED(CONFIG_LIBV4LCONVERT),
		.buffers = 2 + random_below(&chance, 4),
		.min_frame_size = 8,
		.allow_truncated = random_below(&chance, 2),
		.timeout_ns = LONG,
		.retry_ns = GLINT_NSEC_PER_MSEC,
		.access = &rig->fake.access,
	};
	struct glint_encoder_config encoder = {
		.choice = GLINT_ENCODER_CPU,
		.quality = 80,
		.workers = 1,
		.packets = 4,
	};

	CU_ASSERT_EQUAL_FATAL(
		glint_capture_create(&rig->capture, rig->loop, &capture, &rig->listener), 0);
	CU_ASSERT_EQUAL_FATAL(glint_encoder_create(&rig->encoder, rig->loop,
						   glint_capture_frames(rig->capture), &encoder),
			      0);
	glint_fanout_attach(glint_encoder_packets(rig->encoder), &rig->sink);
	glint_capture_start(rig->capture);
}

static void rig_close(struct rig *rig)
{
	const struct glint_ledger *ledger = glint_capture_ledger(rig->capture);

	glint_fanout_detach(glint_encoder_packets(rig->encoder), &rig->sink);
	CU_ASSERT_TRUE(glint_encoder_destroy(rig->encoder));
	CU_ASSERT_EQUAL(ledger->in_flight, 0);
	CU_ASSERT_EQUAL(glint_ledger_unaccounted(ledger), 0);
	CU_ASSERT_TRUE(glint_capture_destroy(rig->capture, UINT64_MAX));
	CU_ASSERT_EQUAL(rig->fake.opens, rig->fake.closes);
	fake_v4l2_fini(&rig->fake);
}

static void frame_at_random(struct rig *rig, unsigned number)
{
	struct fake_frame frame = { .seq = number };

	if (random_below(&chance, 4) == 0)
		frame = (struct fake_frame){
			.seq = random_number(&chance),
			.used = random_number(&chance),
			.flags = random_number(&chance),
			.stamp_ns = (uint64_t)random_number(&chance) << random_below(&chance, 33),
		};
	(void)fake_v4l2_complete(&rig->fake, -1, &frame);
	if (random_below(&chance, 8) == 0)
		fake_v4l2_event(&rig->fake);
}

static void one_device(struct rig *rig)
{
	fake_init_at_random(&rig->fake);
	rig_open(rig);
	for (unsigned i = 0; i < FRAMES; i++) {
		frame_at_random(rig, i);
		CU_ASSERT_EQUAL_FATAL(glint_loop_run_once(rig->loop,
							  glint_now_ns() + GLINT_NSEC_PER_MSEC / 4),
				      0);
	}
	rig_close(rig);
}

static void test_nonsense_from_a_driver_is_survived(void)
{
	struct rig rig = { .listener.changed = rig_changed,
			   .sink = { .codec = GLINT_CODEC_JPEG, .push_packet = rig_on_packet } };

	RIG_LOOP(rig.loop);
	glint_list_init(&rig.sink.link);
	chance = lying = random_begin();
	for (unsigned i = 0; i < DEVICES; i++)
		one_device(&rig);
	glint_loop_destroy(rig.loop);
	/* Otherwise the test would prove nothing. */
	CU_ASSERT_TRUE(lies > DEVICES);
	if (IS_ENABLED(CONFIG_ENCODE_CPU))
		CU_ASSERT_TRUE(pictures > 0);
}

/* clang-format off */
GLINT_TESTS("hostile_driver",
	GLINT_TEST(test_nonsense_from_a_driver_is_survived),
)
