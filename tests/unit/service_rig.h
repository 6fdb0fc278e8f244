/* SPDX-License-Identifier: MIT */
/*
 * The whole service in one process: capture on the scripted device of tests/fake, the
 * encoder, and the server on a unix socket. The test completes the device's buffers and
 * turns the loop. Includes service.c, so that a test can use the service's members.
 */
#ifndef GLINT_TESTS_SERVICE_RIG_H
#define GLINT_TESTS_SERVICE_RIG_H

#include <stdbool.h>

struct glint_service;
struct glint_settings;

/* Each test file that includes service.c has a copy of its own: internal linkage. */
#define COPY static __attribute__((unused))
COPY int glint_service_create(struct glint_service **out, const struct glint_settings *settings);
COPY int glint_service_run(struct glint_service *service, int stop_fd);
COPY bool glint_service_destroy(struct glint_service *service);
COPY void glint_service_signal(const struct glint_service *service);
COPY void glint_service_unlink(const struct glint_service *service);
#undef COPY

#include "service.c"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../fake/v4l2.h"
#include "jpeg/header.h"
#include "loop_rig.h"

#define WORLD_TURNS 5000 /* of at most a millisecond; a limit for broken code */

struct world {
	struct fake_v4l2 camera;
	struct glint_settings settings;
	struct glint_service *service;
	char dir[32], path[64];
	uint8_t *jpeg; /* the frame of an MJPEG camera */
	size_t jpeg_size;
	const uint8_t *raw; /* the frame of another camera; NULL: any bytes */
	uint32_t raw_size;
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

static inline struct glint_server_counters world_counters(struct world *w)
{
	struct glint_server_counters counters;

	glint_server_counters(w->service->server, &counters);
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

/* Start the service like glint_service_run(). Returns 0, or why this host has no such loop. */
static inline int world_start(struct world *w)
{
	struct glint_loop *loop;
	int err = rig_loop_create(&loop);

	if (err < 0)
		return err;
	w->settings.loop = glint_loop_backend(loop);
	glint_loop_destroy(loop);
	CU_ASSERT_EQUAL_FATAL(glint_service_create(&w->service, &w->settings), 0);
	glint_server_start(w->service->server, glint_encoder_packets(w->service->encoder),
			   &status_ops, w->service);
	/* As glint_service_run(): a recorder starts the source when its memory is ready. */
	if (!w->service->recorder)
		glint_capture_start(w->service->capture);
	WORLD_WAIT(w, world_streams(w));
	return 0;
}

/* Skip the test without an encoder for its frames, and without the loop under test. */
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
	/* A device that answers late because the machine is busy is not stuck. */
	w->service->stop_timeout_ns = 30 * GLINT_NSEC_PER_SEC;
	CU_ASSERT_TRUE(glint_service_destroy(w->service));
	world_drop(w);
}

/* The camera fills a buffer. Returns false if no buffer is queued. */
static inline bool world_fill(struct world *w)
{
	struct fake_frame frame = { .seq = ++w->seq, .data = w->raw, .used = w->raw_size };

	if (w->camera.formats[0].fourcc == V4L2_PIX_FMT_MJPEG) {
		frame.data = w->jpeg;
		frame.used = (uint32_t)w->jpeg_size;
	}
	return fake_v4l2_complete(&w->camera, -1, &frame) >= 0;
}

/* Fill a buffer, and wait until the service has dequeued the frame. */
static inline void world_frame(struct world *w)
{
	uint64_t seen = glint_capture_ledger(w->service->capture)->seen;

	CU_ASSERT_TRUE_FATAL(world_fill(w));
	WORLD_WAIT(w, glint_capture_ledger(w->service->capture)->seen > seen);
}

/* An HTTP reply with a Content-Length has all of its body. */
static inline bool world_reply_is_whole(const char *reply, size_t size)
{
	const char *body = memmem(reply, size, "\r\n\r\n", 4);
	const char *length = memmem(reply, size, "Content-Length: ", 16);

	return body && length &&
	       size >= (size_t)(body + 4 - reply) + strtoul(length + 16, NULL, 10);
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

/* Receive the bytes that have arrived, at most @room. Returns their number. */
static inline size_t world_take(int fd, char *to, size_t room)
{
	size_t used = 0;
	ssize_t n;

	while (used < room && (n = recv(fd, to + used, room - used, 0)) > 0)
		used += (size_t)n;
	return used;
}
#endif
