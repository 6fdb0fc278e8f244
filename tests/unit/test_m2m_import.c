/* SPDX-License-Identifier: MIT */
/*
 * Capture and the M2M encoder, both scripted: frames continue while the encoder's thread
 * imports the stream's buffers. For ThreadSanitizer: the data that both threads share.
 */
#include "../fake/m2m.h"
#include "../fake/v4l2.h"
#include "base/log.h"
#include "capture/capture.h"
#include "core/packet.h"
#include "encode/encoder.h"
#include "jpeg/header.h"
#include "loop_rig.h"

#define ROUNDS 20
#define FRAMES 60

struct rig {
	struct fake_v4l2 camera;
	struct fake_m2m coder;
	uint8_t jpeg[GLINT_JPEG_HEADER_MAX + 64];
	struct glint_loop *loop;
	struct glint_capture *capture;
	struct glint_encoder *encoder;
	struct glint_capture_listener listener;
	struct glint_sink sink;
	unsigned pictures;
};

static bool rig_on_packet(struct glint_sink *sink, struct glint_packet *packet)
{
	(void)packet;
	container_of(sink, struct rig, sink)->pictures++;
	return true;
}

static void rig_on_change(struct glint_capture_listener *listener)
{
	(void)listener;
}

static void rig_prepare(struct rig *r)
{
	struct glint_jpeg_params params = { .width = 64,
					    .height = 48,
					    .sampling = GLINT_SAMPLING_420 };
	size_t size;

	memset(params.quant, 1, sizeof(params.quant));
	size = glint_jpeg_write_header(r->jpeg, &params);
	memset(r->jpeg + size, 0x12, 62);
	memcpy(r->jpeg + size + 62, "\xff\xd9", 2);
	fake_v4l2_init(&r->camera);
	fake_m2m_init(&r->coder);
	r->coder.path = "/dev/video1";
	r->coder.automatic = true;
	r->coder.align_width = r->coder.align_height = r->coder.align_stride = 1;
	r->coder.jpeg = r->jpeg;
	r->coder.jpeg_size = size + 64;
}

static void rig_open(struct rig *r)
{
	struct glint_capture_config capture = {
		.device = "/dev/video0",
		.width = 64,
		.height = 48,
		.raw_formats = true,
		.buffers = 16,
		.min_frame_size = 8,
		.timeout_ns = 60 * GLINT_NSEC_PER_SEC,
		.retry_ns = GLINT_NSEC_PER_MSEC,
		.stuck_ns = 60 * GLINT_NSEC_PER_SEC,
		.access = &r->camera.access,
	};
	struct glint_encoder_config encoder = {
		.choice = GLINT_ENCODER_M2M,
		.m2m_access = &r->coder.access,
		.m2m_device = "/dev/video1",
		.quality = 90,
		.workers = 1,
		.packets = 8,
	};

	r->listener.changed = rig_on_change;
	r->sink.codec = GLINT_CODEC_JPEG;
	r->sink.push_packet = rig_on_packet;
	glint_list_init(&r->sink.link);
	CU_ASSERT_EQUAL_FATAL(glint_capture_create(&r->capture, r->loop, &capture, &r->listener),
			      0);
	CU_ASSERT_EQUAL_FATAL(glint_encoder_create(&r->encoder, r->loop,
						   glint_capture_frames(r->capture), &encoder),
			      0);
	glint_fanout_attach(glint_encoder_packets(r->encoder), &r->sink);
	glint_capture_start(r->capture);
}

static void rig_close(struct rig *r)
{
	glint_fanout_detach(glint_encoder_packets(r->encoder), &r->sink);
	CU_ASSERT_TRUE(glint_encoder_destroy(r->encoder));
	CU_ASSERT_TRUE(glint_capture_destroy(r->capture, UINT64_MAX));
	glint_loop_destroy(r->loop);
	fake_m2m_fini(&r->coder);
	fake_v4l2_fini(&r->camera);
}

static void turn(struct rig *r)
{
	(void)glint_loop_run_once(r->loop, glint_now_ns() + GLINT_NSEC_PER_MSEC);
}

static void test_frames_go_on_while_the_encoder_imports_their_buffers(void)
{
	glint_log_setup(GLINT_LOG_ERROR, 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		static struct rig r;
		struct glint_capture_status status;

		r = (struct rig){ 0 };
		RIG_LOOP(r.loop);
		rig_prepare(&r);
		rig_open(&r);
		do {
			turn(&r);
			glint_capture_status(r.capture, &status);
		} while (status.buffers == 0 || status.with_driver < status.buffers);
		for (uint32_t seq = 0; seq < FRAMES || r.pictures == 0; seq++) {
			(void)fake_v4l2_complete(&r.camera, -1, &(struct fake_frame){ .seq = seq });
			turn(&r);
		}
		CU_ASSERT_TRUE(r.pictures > 0);
		rig_close(&r);
	}
}

/* clang-format off */
GLINT_TESTS("m2m_import",
	GLINT_TEST(test_frames_go_on_while_the_encoder_imports_their_buffers),
)
