/* SPDX-License-Identifier: MIT */
/*
 * The whole service in one process: capture on the scripted device of tests/fake, the
 * encoder, and the server on a unix socket. The test completes the device's buffers and
 * turns the loop. Includes service.c, so that a test sees what the service is made of.
 */
#ifndef GLINT_TESTS_SERVICE_RIG_H
#define GLINT_TESTS_SERVICE_RIG_H

#include "service.c"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../fake/v4l2.h"
#include "jpeg/header.h"
#include "loop_rig.h"

#define WORLD_TURNS 5000 /* of a millisecond at most: only met when something is broken */

struct world {
	struct fake_v4l2 camera;
	struct glint_settings settings;
	struct glint_service *service;
	char dir[32], path[64];
	uint8_t *jpeg; /* what an MJPEG camera sends */
	size_t jpeg_size;
	uint32_t seq; /* of the last frame */
};

/* One turn of the loop, which waits at most a millisecond. */
static inline void world_turn(struct world *w)
{
	CU_ASSERT_EQUAL_FATAL(
		glint_loop_run_once(w->service->loop, glint_now_ns() + GLINT_NSEC_PER_MSEC), 0);
}

#define WORLD_WAIT(w, condition)                                                                   \
	do {                                                                                       \
		for (int turn_ = 0; turn_ < WORLD_TURNS && !(condition); turn_++)                  \
			world_turn(w);                                                             \
		CU_ASSERT_TRUE_FATAL(condition);                                                   \
	} while (0)

static inline void world_turns(struct world *w, unsigned turns)
{
	for (unsigned i = 0; i < turns; i++)
		world_turn(w);
}

static inline struct glint_capture_status world_source(struct world *w)
{
	struct glint_capture_status status;

	glint_capture_status(w->service->capture, &status);
	return status;
}

static inline struct glint_net_counters world_counters(struct world *w)
{
	struct glint_net_counters counters;

	glint_net_counters(w->service->net, &counters);
	return counters;
}

/* A JPEG whose header says @width x @height, with a scan of @scan bytes. */
static inline size_t world_make_jpeg(uint8_t *out, uint32_t width, uint32_t height, size_t scan)
{
	struct glint_jpeg_params params = {
		.width = width,
		.height = height,
		.sampling = GLINT_SAMPLING_420,
	};
	size_t size;

	memset(params.quant, 1, sizeof(params.quant));
	size = glint_jpeg_write_header(out, &params);
	memset(out + size, 0x11, scan);
	memcpy(out + size + scan, "\xff\xd9", 2);
	return size + scan + 2;
}

/* Settings of a camera that sends @width x @height as @fourcc; a test may change them. */
static inline void world_prepare(struct world *w, uint32_t fourcc, uint32_t width, uint32_t height)
{
	*w = (struct world){ 0 };
	fake_v4l2_init(&w->camera);
	w->camera.formats[0] = (struct fake_format){ fourcc, width, height, 30 };
	glint_log_setup(GLINT_LOG_ERROR, 0);
	strcpy(w->dir, "/tmp/glint-test-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/socket", w->dir);
	w->settings = (struct glint_settings){
		.capture = {
			.device = "/dev/video0", .width = width, .height = height,
			.buffers = 8, .min_frame_size = 8,
			.timeout_ns = 60 * GLINT_NSEC_PER_SEC,
			.retry_ns = 10 * GLINT_NSEC_PER_MSEC,
			.stuck_ns = 60 * GLINT_NSEC_PER_SEC,
			.access = &w->camera.access,
		},
		.encoder = { .choice = GLINT_ENCODER_CPU, .quality = 80, .workers = 1 },
		.net = {
			.unix_path = w->path, .unix_mode = -1, .instance_id = "",
			.timeout_ns = 60 * GLINT_NSEC_PER_SEC, .clients_max = 8,
		},
	};
	w->jpeg = malloc(GLINT_JPEG_HEADER_MAX + (1 << 20));
	w->jpeg_size = world_make_jpeg(w->jpeg, width, height, width * height / 4);
}

static inline bool world_streams(struct world *w)
{
	struct glint_capture_status source = world_source(w);

	return source.buffers > 0 && source.with_driver == source.buffers;
}

/* Starts the service, as glint_service_run() would; 0, or why there is no such loop here. */
static inline int world_start(struct world *w)
{
	struct glint_loop *loop;
	int err = rig_loop_create(&loop);

	if (err < 0)
		return err;
	w->settings.loop = glint_loop_backend(loop);
	glint_loop_destroy(loop);
	CU_ASSERT_EQUAL_FATAL(glint_service_create(&w->service, &w->settings), 0);
	glint_net_start(w->service->net, glint_encoder_pictures(w->service->encoder), &status_ops,
			w->service);
	glint_capture_start(w->service->capture);
	WORLD_WAIT(w, world_streams(w));
	return 0;
}

/* Skips the test without an encoder for its frames, and without the loop under test. */
#define WORLD_START(w)                                                                             \
	do {                                                                                       \
		int world_err_;                                                                    \
                                                                                                   \
		if (!IS_ENABLED(CONFIG_ENCODE_CPU) &&                                              \
		    (w)->camera.formats[0].fourcc != V4L2_PIX_FMT_MJPEG) {                         \
			world_drop(w);                                                             \
			GLINT_SKIP("no encoder for raw frames in this configuration");             \
		}                                                                                  \
		world_err_ = world_start(w);                                                       \
		if (world_err_ < 0) {                                                              \
			world_drop(w);                                                             \
			GLINT_SKIP("no %s loop here", glint_test_loop());                          \
		}                                                                                  \
	} while (0)

static inline void world_drop(struct world *w)
{
	unlink(w->path);
	rmdir(w->dir);
	free(w->jpeg);
	fake_v4l2_fini(&w->camera);
}

static inline void world_close(struct world *w)
{
	CU_ASSERT_TRUE(glint_service_destroy(w->service));
	world_drop(w);
}

/* The camera completes a buffer; returns when capture has taken the frame. */
static inline void world_frame(struct world *w)
{
	struct fake_frame frame = { .seq = ++w->seq };
	uint64_t seen = glint_capture_ledger(w->service->capture)->seen;

	if (w->camera.formats[0].fourcc == V4L2_PIX_FMT_MJPEG) {
		frame.data = w->jpeg;
		frame.used = (uint32_t)w->jpeg_size;
	}
	CU_ASSERT_TRUE_FATAL(fake_v4l2_complete(&w->camera, -1, &frame) >= 0);
	WORLD_WAIT(w, glint_capture_ledger(w->service->capture)->seen > seen);
}

/* From now on the driver refuses @request with @err; 0 and 0: nothing. */
static inline void world_refuse(struct world *w, unsigned long request, int err)
{
	fake_v4l2_lock(&w->camera);
	w->camera.fail_request = request;
	w->camera.fail_err = err;
	fake_v4l2_unlock(&w->camera);
}

static inline int world_ask(struct world *w, const char *request)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, w->path);
	CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	CU_ASSERT_EQUAL(send(fd, request, strlen(request), 0), (ssize_t)strlen(request));
	return fd;
}

/* What has come by now, at most @room bytes; returns how many. */
static inline size_t world_take(int fd, char *to, size_t room)
{
	size_t used = 0;
	ssize_t n;

	while (used < room && (n = recv(fd, to + used, room - used, 0)) > 0)
		used += (size_t)n;
	return used;
}
#endif
