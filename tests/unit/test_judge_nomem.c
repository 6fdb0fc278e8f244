/* SPDX-License-Identifier: MIT */
/*
 * A service that is short of memory: each allocation of a wait and of a still picture fails once,
 * and the next request of the same kind is answered as usual.
 */
#include "malloc_rig.h"
#include "report_rig.h"
#include "service_rig.h"

#define WIDTH  64u
#define HEIGHT 48u

static uint8_t picture[WIDTH * HEIGHT * 2]; /* YUYV */
static char reply[1 << 16];
static size_t reply_used;

/* The camera sends another picture each time. */
static void send_frame(struct world *w)
{
	struct fake_frame frame = { .seq = ++w->seq, .data = picture, .used = sizeof(picture) };

	memset(picture, w->seq % 2 ? 40 : 200, sizeof(picture));
	if (fake_v4l2_complete(&w->camera, -1, &frame) < 0)
		w->seq--; /* no buffer is queued at the moment */
}

/* The reply is whole, or the service has closed the connection. */
static bool has_ended(int fd)
{
	ssize_t n;

	while ((n = recv(fd, reply + reply_used, sizeof(reply) - 1 - reply_used, 0)) > 0)
		reply_used += (size_t)n;
	reply[reply_used] = '\0';
	return n == 0 || world_reply_is_whole(reply, reply_used);
}

/* Makes @request while the camera sends frames. Returns whether the reply has @status. */
static bool ask(struct world *w, const char *request, const char *status)
{
	int fd = world_ask(w, request), turn;
	bool ended = false;

	reply_used = 0;
	for (turn = 0; turn < WORLD_TURNS && !ended; turn++) {
		if (turn % 4 == 3)
			send_frame(w);
		world_turn(w);
		ended = has_ended(fd);
	}
	CU_ASSERT_TRUE_FATAL(ended);
	close(fd);
	return strstr(reply, status) != NULL;
}

/* Fail the Nth allocation of GET @path, for N from 1 to the last. */
static void fail_each(const char *path)
{
	unsigned nth = 0, refused = 0;
	char request[256];
	struct world w;
	bool failed;

	world_prepare(&w, V4L2_PIX_FMT_YUYV, WIDTH, HEIGHT);
	WORLD_START(&w);
	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
	send_frame(&w);
	CU_ASSERT_TRUE(ask(&w, request, " 200 OK"));
	do {
		malloc_fail_at = ++nth;
		if (!ask(&w, request, " 200 OK")) {
			refused++;
			/* 503, or a connection that was closed without a reply. */
			CU_ASSERT_TRUE(reply_used == 0 || strstr(reply, " 503 "));
		}
		failed = malloc_fail_at == 0;
		malloc_fail_at = 0;
		CU_ASSERT_TRUE(ask(&w, request, " 200 OK"));
	} while (failed);
	CU_ASSERT_TRUE(refused >= 3); /* the connection, its parser, and the request's own */
	WORLD_WAIT(&w, REPORTED(int, judge, w.service->judge, "waits.bytes") == 0);
	WORLD_WAIT(&w, REPORTED(int, stills, w.service->stills, "stills.bytes") == 0);
	CU_ASSERT_EQUAL(REPORTED(int, judge, w.service->judge, "waits.pending"), 0);
	CU_ASSERT_EQUAL(REPORTED(int, stills, w.service->stills, "stills.running"), 0);
	world_close(&w);
}

static void test_a_wait_without_memory_is_an_error(void)
{
	NEEDS_MALLOC();
	fail_each("/wait?for=change&metric=stbt&exclude=9x9%2B0%2B0&timeout=600");
	fail_each("/wait?any=black,motion&frames=2/2&region=20x20%2B3%2B3&timeout=600");
}

static void test_a_checksum_without_memory_is_an_error(void)
{
	NEEDS_MALLOC();
	if (!IS_ENABLED(CONFIG_PIXELS_HASH))
		GLINT_SKIP("without checksums");
	fail_each("/wait?for=hash&hash=00000000000000000000000000000000&differs=1&timeout=600");
	fail_each("/hash?timeout=60");
}

static void test_a_still_picture_without_memory_is_an_error(void)
{
	static const char *const paths[] = {
		"/snapshot?format=ppm&crop=20x20%2B3%2B3&crop=9x9%2B0%2B0&timeout=60",
		"/snapshot?format=pgm&scale=1/4&timeout=60",
		"/snapshot?format=raw&timeout=60",
		"/snapshot?format=y4m&timeout=60",
		"/snapshot?crop=20x20%2B3%2B3&timeout=60",
	};

	NEEDS_MALLOC();
	for (unsigned i = 0; i < ARRAY_SIZE(paths); i++)
		fail_each(paths[i]);
	if (IS_ENABLED(CONFIG_PIXELS_PNG))
		fail_each("/snapshot?format=png&timeout=60");
}

/* Two waits for the same, of which one finds no memory when the first frame comes. */
static void test_a_wait_without_memory_does_not_take_an_equal_one_along(void)
{
	static const char request[] =
		"GET /wait?for=change&metric=stbt&exclude=9x9%2B0%2B0&timeout=600 "
		"HTTP/1.1\r\nHost: x\r\n\r\n";
	struct world w;

	NEEDS_MALLOC();
	world_prepare(&w, V4L2_PIX_FMT_YUYV, WIDTH, HEIGHT);
	WORLD_START(&w);
	send_frame(&w);
	CU_ASSERT_TRUE(ask(&w, request, " 200 OK"));
	for (unsigned nth = 1; nth < 8; nth++) {
		int fds[2];

		for (unsigned i = 0; i < 2; i++) {
			fds[i] = world_ask(&w, request);
			WORLD_WAIT(&w, REPORTED(int, judge, w.service->judge, "waits.pending") ==
					       i + 1);
		}
		malloc_fail_at = nth;
		for (unsigned i = 0; i < 2; i++) {
			unsigned turn = 0;

			for (reply_used = 0; !has_ended(fds[i]) && turn < WORLD_TURNS; turn++) {
				if (turn % 4 == 0)
					send_frame(&w);
				world_turn(&w);
			}
			CU_ASSERT_TRUE(turn < WORLD_TURNS);
			close(fds[i]);
		}
		malloc_fail_at = 0;
		CU_ASSERT_TRUE(ask(&w, request, " 200 OK"));
	}
	WORLD_WAIT(&w, REPORTED(int, judge, w.service->judge, "waits.bytes") == 0);
	world_close(&w);
}

/* clang-format off */
GLINT_TESTS("judge_nomem",
	GLINT_TEST(test_a_wait_without_memory_is_an_error),
	GLINT_TEST(test_a_wait_without_memory_does_not_take_an_equal_one_along),
	GLINT_TEST(test_a_checksum_without_memory_is_an_error),
	GLINT_TEST(test_a_still_picture_without_memory_is_an_error),
)
