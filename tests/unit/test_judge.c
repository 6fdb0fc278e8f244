/* SPDX-License-Identifier: MIT */
/* /wait of the whole service, on a scripted camera whose pictures the test paints. */
#include "capture/internal.h"
#include "judge/internal.h"
#include "malloc_rig.h"
#include "report_rig.h"
#include "service_rig.h"

#define WIDTH  64u
#define HEIGHT 48u

static char reply[1 << 16];
static size_t reply_used;
static uint8_t picture[WIDTH * HEIGHT * 2]; /* YUYV */

static void paint_all(uint8_t luma)
{
	for (size_t i = 0; i < sizeof(picture); i += 2) {
		picture[i] = luma;
		picture[i + 1] = 128;
	}
}

static void paint_box(uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint8_t luma)
{
	for (uint32_t row = y; row < y + height; row++)
		for (uint32_t column = x; column < x + width; column++)
			picture[(row * WIDTH + column) * 2] = luma;
}

static void open_world(struct world *w)
{
	paint_all(100);
	world_prepare(w, V4L2_PIX_FMT_YUYV, WIDTH, HEIGHT);
}

static uint64_t judged(struct world *w)
{
	return (uint64_t)REPORTED(int, judge, w->service->judge, "waits.frames_judged");
}

static int64_t pending(struct world *w)
{
	return REPORTED(int, judge, w->service->judge, "waits.pending");
}

/* The camera sends the picture; returns when capture has taken the frame. */
static void send_frame(struct world *w)
{
	struct fake_frame frame = { .seq = ++w->seq, .data = picture, .used = sizeof(picture) };
	uint64_t seen = glint_capture_ledger(w->service->capture)->seen;

	CU_ASSERT_TRUE_FATAL(fake_v4l2_complete(&w->camera, -1, &frame) >= 0);
	WORLD_WAIT(w, glint_capture_ledger(w->service->capture)->seen > seen);
}

/* The same, and the frame has been judged. */
static void show(struct world *w)
{
	uint64_t before = judged(w);

	send_frame(w);
	WORLD_WAIT(w, judged(w) > before);
}

static int ask(struct world *w, const char *query)
{
	char request[256];

	reply_used = 0;
	snprintf(request, sizeof(request), "GET /wait?%s HTTP/1.1\r\nHost: x\r\n\r\n", query);
	return world_ask(w, request);
}

/* A wait that has begun. */
static int begin(struct world *w, const char *query)
{
	int64_t before = pending(w);
	int fd = ask(w, query);

	WORLD_WAIT(w, pending(w) > before);
	return fd;
}

static bool has_reply(int fd)
{
	reply_used += world_take(fd, reply + reply_used, sizeof(reply) - 1 - reply_used);
	reply[reply_used] = '\0';
	return world_reply_is_whole(reply, reply_used);
}

static void expect_reply(struct world *w, int fd, const char *status)
{
	WORLD_WAIT(w, has_reply(fd));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, status));
	close(fd);
}

#define EXPECT_TEXT(text) CU_ASSERT_PTR_NOT_NULL(strstr(reply, text))

/* --- Each condition -------------------------------------------------------------------- */

static void test_change_is_answered_by_the_frame_that_differs(void)
{
	struct world w;
	int fd;

	open_world(&w);
	WORLD_START(&w);
	send_frame(&w);
	fd = begin(&w, "for=change");
	show(&w);
	show(&w);
	CU_ASSERT_FALSE(has_reply(fd));
	paint_box(16, 8, 24, 16, 200);
	show(&w);
	expect_reply(&w, fd, "200 OK");
	EXPECT_TEXT("\"met\": true");
	EXPECT_TEXT("\"frames_seen\": 2, \"frames_missed\": 0, \"score\": 384.0");
	EXPECT_TEXT("\"reference\": {\"seq\": 2,");
	EXPECT_TEXT("\"decided\": {\"seq\": 4,");
	EXPECT_TEXT("\"box\": {\"x\": 16, \"y\": 8, \"width\": 24, \"height\": 16}");
	CU_ASSERT_EQUAL(pending(&w), 0);
	world_close(&w);
}

/* More references than the judge shares memory for: each must stay that wait's own. */
static void test_waits_that_began_with_different_frames_keep_their_references(void)
{
	enum { WAITS = 5 };
	int fds[WAITS], still;
	struct world w;

	open_world(&w);
	WORLD_START(&w);
	send_frame(&w);
	still = begin(&w, "for=still&stable=100"); /* refers to each new frame */
	for (unsigned i = 0; i < WAITS; i++) {
		char query[64];

		snprintf(query, sizeof(query), "for=change&region=12x40%%2B%u%%2B3", 1 + 12 * i);
		paint_box(1 + 12 * i, 3, 12, 40, (uint8_t)(240 - 40 * i));
		show(&w);
		fds[i] = begin(&w, query);
		show(&w);
		show(&w);
	}
	for (unsigned i = 0; i < WAITS; i++) {
		for (unsigned k = i; k < WAITS; k++)
			CU_ASSERT_FALSE_FATAL(has_reply(fds[k]));
		paint_box(1 + 12 * i, 3, 12, 40, 16);
		show(&w);
		expect_reply(&w, fds[i], "200 OK");
		reply_used = 0;
	}
	CU_ASSERT_FALSE(has_reply(still));
	close(still);
	world_close(&w);
}

/* A square of eight pixels is one: its mean, and the box is in pixels of the frame again. */
static void test_at_a_scale_the_means_of_squares_are_judged(void)
{
	struct world w;
	int whole, reduced, colours, black;

	open_world(&w);
	WORLD_START(&w);
	send_frame(&w);
	reduced = begin(&w, "for=change&scale=1/8&region=40x40%2B3%2B5");
	colours = begin(&w, "for=change&scale=1/2&metric=stbt");
	black = begin(&w, "for=black&scale=1/4&region=8x8%2B0%2B0&exclude=1x1%2B0%2B0");
	whole = ask(&w, "for=change&scale=1/1");
	expect_reply(&w, whole, "400 Bad Request");
	reply_used = 0;
	whole = begin(&w, "for=change");
	show(&w);
	paint_box(4, 4, 2, 2, 255); /* adds 10 levels to its square */
	show(&w);
	expect_reply(&w, whole, "200 OK");
	EXPECT_TEXT("\"scale\": \"1\"");
	reply_used = 0;
	CU_ASSERT_FALSE(has_reply(reduced));
	CU_ASSERT_FALSE(has_reply(colours));
	paint_box(8, 8, 12, 16, 255); /* of the second column of squares one half */
	show(&w);
	expect_reply(&w, reduced, "200 OK");
	EXPECT_TEXT("\"scale\": \"1/8\"");
	EXPECT_TEXT("\"score\": 4.0");
	EXPECT_TEXT("\"box\": {\"x\": 8, \"y\": 8, \"width\": 16, \"height\": 16}");
	reply_used = 0;
	expect_reply(&w, colours, "200 OK");
	EXPECT_TEXT("\"score\": 44.0"); /* 6x8 squares, but for the corners */
	EXPECT_TEXT("\"box\": {\"x\": 8, \"y\": 8, \"width\": 12, \"height\": 16}");
	reply_used = 0;
	CU_ASSERT_FALSE(has_reply(black));
	paint_box(0, 0, 8, 8, 16);
	paint_box(0, 0, 4, 4, 250); /* its square is excluded */
	show(&w);
	expect_reply(&w, black, "200 OK");
	world_close(&w);
}

static void test_a_change_outside_of_the_region_or_in_an_excluded_one_is_none(void)
{
	struct world w;
	int region, excluded;

	open_world(&w);
	WORLD_START(&w);
	send_frame(&w);
	region = begin(&w, "for=change&region=16x16%2B0%2B0");
	excluded = begin(&w, "for=change&exclude=32x48%2B32%2B0&exclude=32x24%2B0%2B24");
	show(&w);
	paint_box(32, 0, 32, 48, 250);
	show(&w);
	paint_box(0, 24, 32, 24, 250);
	show(&w);
	CU_ASSERT_FALSE(has_reply(region));
	CU_ASSERT_FALSE(has_reply(excluded));
	paint_box(0, 0, 8, 8, 250);
	show(&w);
	expect_reply(&w, region, "200 OK");
	reply_used = 0;
	expect_reply(&w, excluded, "200 OK");
	EXPECT_TEXT("\"box\": {\"x\": 0, \"y\": 0, \"width\": 8, \"height\": 8}");
	world_close(&w);
}

static void test_still_is_answered_when_nothing_has_differed_for_long_enough(void)
{
	struct world w;
	uint64_t begin_ns;
	int fd;

	open_world(&w);
	WORLD_START(&w);
	send_frame(&w);
	fd = begin(&w, "for=still&stable=30ms&timeout=600");
	show(&w);
	paint_all(200);
	begin_ns = glint_now_ns(); /* before the run, however late this process runs afterwards */
	show(&w);		   /* number 3 begins the run */
	while (!has_reply(fd)) {
		send_frame(&w);
		world_turns(&w, 2);
	}
	CU_ASSERT_TRUE(glint_now_ns() - begin_ns >= 30 * GLINT_NSEC_PER_MSEC);
	EXPECT_TEXT("200 OK");
	EXPECT_TEXT("\"first\": {\"seq\": 3,");
	close(fd);
	world_close(&w);
}

static void test_motion_black_and_nonblack(void)
{
	struct world w;
	int motion, black, nonblack;

	open_world(&w);
	WORLD_START(&w);
	send_frame(&w);
	motion = begin(&w, "for=motion&frames=2/3");
	black = begin(&w, "for=black");
	show(&w);
	paint_all(200);
	show(&w);
	CU_ASSERT_FALSE(has_reply(motion));
	paint_all(16);
	show(&w);
	expect_reply(&w, motion, "200 OK");
	EXPECT_TEXT("\"first\": {\"seq\": 3,");
	reply_used = 0;
	expect_reply(&w, black, "200 OK");
	EXPECT_TEXT("\"decided\": {\"seq\": 4,");
	nonblack = begin(&w, "for=nonblack&region=8x8%2B56%2B40");
	paint_box(0, 0, 56, 40, 255);
	show(&w);
	CU_ASSERT_FALSE(has_reply(nonblack));
	paint_box(63, 47, 1, 1, 255);
	show(&w);
	expect_reply(&w, nonblack, "200 OK");
	world_close(&w);
}

static void test_live_and_offline_are_answered_without_a_frame(void)
{
	struct world w;
	int live, offline;

	open_world(&w);
	WORLD_START(&w);
	live = begin(&w, "for=live");
	world_turns(&w, 5);
	CU_ASSERT_FALSE(has_reply(live));
	send_frame(&w);
	expect_reply(&w, live, "200 OK");
	offline = begin(&w, "for=offline");
	fake_v4l2_unplug(&w.camera);
	expect_reply(&w, offline, "200 OK");
	EXPECT_TEXT("\"source_reason\": \"no-device\"");
	world_close(&w);
}

static void test_a_transition_names_its_three_frames(void)
{
	struct world w;
	int fd;

	open_world(&w);
	WORLD_START(&w);
	send_frame(&w);
	fd = begin(&w, "for=transition&stable=20ms&timeout=600");
	show(&w);
	paint_all(150);
	show(&w);
	paint_all(200);
	show(&w);
	while (!has_reply(fd)) {
		send_frame(&w);
		world_turns(&w, 2);
	}
	EXPECT_TEXT("\"status\": \"complete\"");
	EXPECT_TEXT("\"press\": {\"seq\": 2,");
	EXPECT_TEXT("\"first_change\": {\"seq\": 3,");
	EXPECT_TEXT("\"first_still\": {\"seq\": 4,");
	close(fd);
	world_close(&w);
}

static void test_several_conditions_any_and_all(void)
{
	struct world w;
	int any, all;

	open_world(&w);
	WORLD_START(&w);
	send_frame(&w);
	any = begin(&w, "any=black,change");
	all = begin(&w, "all=black,change");
	show(&w);
	paint_all(200);
	show(&w);
	expect_reply(&w, any, "200 OK");
	EXPECT_TEXT("\"decided_by\": 1");
	reply_used = 0;
	CU_ASSERT_FALSE(has_reply(all)); /* change has happened, black is not true yet */
	paint_all(16);
	show(&w);
	expect_reply(&w, all, "200 OK");
	EXPECT_TEXT("\"decided_by\": 0");
	world_close(&w);
}

static void test_a_mark_is_what_frames_are_compared_with(void)
{
	struct world w;
	int fd;

	open_world(&w);
	WORLD_START(&w);
	send_frame(&w);
	reply_used = 0;
	fd = world_ask(&w, "POST /marks?id=a HTTP/1.1\r\nHost: x\r\n\r\n");
	world_turns(&w, 3);
	send_frame(&w); /* the mark's */
	expect_reply(&w, fd, "200 OK");
	EXPECT_TEXT("\"seq\": 2");
	paint_all(200);
	send_frame(&w); /* has changed before the wait begins */
	fd = begin(&w, "for=change&since=mark:a");
	show(&w);
	expect_reply(&w, fd, "200 OK");
	EXPECT_TEXT("\"reference\": {\"seq\": 2,");
	EXPECT_TEXT("\"decided\": {\"seq\": 4,");
	EXPECT_TEXT("\"frames_missed\": 1");
	paint_all(100);
	fd = begin(&w, "for=change&since=mark:a&metric=stbt");
	show(&w);
	CU_ASSERT_FALSE(has_reply(fd)); /* the same again */
	close(fd);
	expect_reply(&w, ask(&w, "for=change&since=mark:b"), "404 Not Found");
	world_close(&w);
}

/* A number of the last reply. */
static uint64_t told(const char *name)
{
	const char *at = strstr(reply, name);

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	return strtoull(at + strlen(name), NULL, 10);
}

static int begin_since(struct world *w, uint64_t ns)
{
	char query[64];

	snprintf(query, sizeof(query), "for=change&since=%llu", (unsigned long long)ns);
	reply_used = 0;
	return ask(w, query);
}

static void test_a_time_is_the_frame_that_was_shown_then_if_it_is_kept(void)
{
	uint64_t marked_ns, shown_ns;
	struct world w;
	int fd;

	open_world(&w);
	WORLD_START(&w);
	fd = begin(&w, "for=change&since=last"); /* the newest is kept from now on */
	close(fd);
	WORLD_WAIT(&w, pending(&w) == 0);
	expect_reply(&w, begin_since(&w, 1), "409 Conflict");
	EXPECT_TEXT("no frame is kept");
	send_frame(&w);
	fd = world_ask(&w, "POST /marks?id=a HTTP/1.1\r\nHost: x\r\n\r\n");
	reply_used = 0;
	expect_reply(&w, fd, "200 OK");
	EXPECT_TEXT("\"before\": true");
	marked_ns = told("\"time_ns\": ");

	paint_all(200);
	send_frame(&w);
	shown_ns = glint_now_ns();
	fd = begin_since(&w, shown_ns); /* the newest one's */
	WORLD_WAIT(&w, pending(&w) == 1);
	paint_all(100);
	show(&w);
	expect_reply(&w, fd, "200 OK");
	EXPECT_TEXT("\"reference\": {\"seq\": 2,");
	fd = begin_since(&w, marked_ns); /* the mark's */
	WORLD_WAIT(&w, pending(&w) == 1);
	show(&w);
	CU_ASSERT_FALSE(has_reply(fd));
	paint_all(200);
	show(&w);
	expect_reply(&w, fd, "200 OK");
	EXPECT_TEXT("\"reference\": {\"seq\": 1,");

	expect_reply(&w, begin_since(&w, shown_ns), "409 Conflict"); /* number 2 is gone */
	EXPECT_TEXT("\"reason\": \"no-reference\"");
	EXPECT_TEXT("frame 1 of mark:a");
	expect_reply(&w, begin_since(&w, glint_now_ns() + 60 * GLINT_NSEC_PER_SEC),
		     "400 Bad Request");
	EXPECT_TEXT("\"reason\": \"bad-since\"");
	world_close(&w);
}

/* The CPU has read no frame before: the buffers are not mapped. */
static void test_the_newest_frame_is_a_reference_that_is_compared(void)
{
	struct world w;
	int fd;

	open_world(&w);
	WORLD_START(&w);
	fd = begin(&w, "for=change&since=last"); /* the newest is kept from now on */
	close(fd);
	WORLD_WAIT(&w, pending(&w) == 0);
	send_frame(&w);
	fd = begin(&w, "for=change&since=last");
	show(&w);
	CU_ASSERT_FALSE(has_reply(fd));
	paint_box(16, 8, 24, 16, 200);
	show(&w);
	expect_reply(&w, fd, "200 OK");
	EXPECT_TEXT("\"reference\": {\"seq\": 1,");
	EXPECT_TEXT("\"decided\": {\"seq\": 3,");
	EXPECT_TEXT("\"score\": 384.0");
	world_close(&w);
}

static void test_the_checksum_is_of_the_regions_pixels(void)
{
	struct world w;
	char query[128], hash[33];
	int fd;

	if (!IS_ENABLED(CONFIG_PIXELS_HASH))
		GLINT_SKIP("without checksums");
	open_world(&w);
	WORLD_START(&w);
	send_frame(&w);
	fd = begin(&w, "for=hash&region=8x8+8+8&hash=00000000000000000000000000000000&differs=1");
	show(&w);
	expect_reply(&w, fd, "200 OK");
	snprintf(hash, sizeof(hash), "%.32s", strstr(reply, "\"hash\": \"") + 9);
	snprintf(query, sizeof(query), "for=hash&region=8x8+8+8&hash=%s", hash);
	paint_box(0, 0, 8, 48, 10);
	fd = begin(&w, query);
	show(&w);
	expect_reply(&w, fd, "200 OK");
	paint_box(15, 15, 1, 1, 99);
	fd = begin(&w, query);
	show(&w);
	CU_ASSERT_FALSE(has_reply(fd));
	paint_box(15, 15, 1, 1, 100);
	show(&w);
	expect_reply(&w, fd, "200 OK");
	world_close(&w);
}

/* --- What does not go well -------------------------------------------------------------- */

static void test_a_wait_ends_at_its_timeout_and_reports_what_was_seen(void)
{
	struct world w;
	int fd;

	open_world(&w);
	WORLD_START(&w);
	send_frame(&w);
	fd = begin(&w, "for=change&timeout=60s");
	show(&w);
	show(&w);
	glint_list_first(&w.service->judge->waits, struct glint_wait, link)->deadline_ns =
		glint_now_ns();
	glint_alarm_set(&w.service->judge->alarm, glint_now_ns());
	expect_reply(&w, fd, "504 Gateway Timeout");
	EXPECT_TEXT("\"reason\": \"timeout\"");
	EXPECT_TEXT("\"frames_seen\": 1");
	CU_ASSERT_EQUAL(pending(&w), 0);
	world_close(&w);
}

static void test_a_wait_ends_when_its_client_goes(void)
{
	struct world w;
	int fd;

	open_world(&w);
	WORLD_START(&w);
	send_frame(&w);
	CU_ASSERT_EQUAL(REPORTED(int, judge, w.service->judge, "waits.frame_bytes"), 0);
	fd = begin(&w, "for=change");
	show(&w);
	/* Three grey pictures, and some lines of distances for each. */
	CU_ASSERT_TRUE(REPORTED(int, judge, w.service->judge, "waits.frame_bytes") >=
		       3 * WIDTH * (HEIGHT + 32));
	close(fd);
	WORLD_WAIT(&w, pending(&w) == 0);
	CU_ASSERT_EQUAL(REPORTED(int, judge, w.service->judge, "waits.cancelled"), 1);
	CU_ASSERT_EQUAL(REPORTED(int, judge, w.service->judge, "waits.bytes"), 0);
	world_close(&w);
}

static void test_bad_parameters_are_refused(void)
{
	static const char *const queries[] = {
		"",
		"for=nothing",
		"for=change&metric=ssim",
		"for=change&region=64x48%2B1%2B0",
		"for=change&min_size=8",
		"for=motion&frames=3/2",
		"for=motion&frames=3/65",
		"for=hash&hash=xyz",
		"for=change&any=black",
		"any=black,nothing",
		"any=black,black,black,black,black,black,black,black,black",
		"for=change&threshold=256",
		"for=change&unknown=1",
	};
	struct world w;

	open_world(&w);
	WORLD_START(&w);
	send_frame(&w);
	for (unsigned i = 0; i < ARRAY_SIZE(queries); i++)
		expect_reply(&w, ask(&w, queries[i]), "400 Bad Request");
	CU_ASSERT_EQUAL(pending(&w), 0);
	world_close(&w);
}

static void test_a_region_outside_of_the_first_picture_is_refused_with_its_wait(void)
{
	static const char body[] = "{\"all\": [{\"for\": \"change\", \"region\": \"65x8+0+0\"}, "
				   "{\"for\": \"still\"}]}";
	char request[256];
	struct world w;
	int fd, other;

	open_world(&w);
	WORLD_START(&w);
	fd = begin(&w, "for=change&region=65x8%2B0%2B0"); /* the size is not known yet */
	send_frame(&w);
	expect_reply(&w, fd, "400 Bad Request");
	EXPECT_TEXT("bad-region");
	CU_ASSERT_EQUAL(pending(&w), 0);
	world_close(&w);

	open_world(&w);
	WORLD_START(&w);
	snprintf(request, sizeof(request),
		 "POST /wait HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
		 "Content-Length: %zu\r\n\r\n%s",
		 strlen(body), body);
	fd = world_ask(&w, request);
	WORLD_WAIT(&w, pending(&w) == 1);
	other = begin(&w, "for=change");
	show(&w);
	reply_used = 0;
	expect_reply(&w, fd, "400 Bad Request");
	paint_all(200);
	show(&w);
	reply_used = 0;
	expect_reply(&w, other, "200 OK");
	CU_ASSERT_EQUAL(REPORTED(int, judge, w.service->judge, "waits.bytes"), 0);
	world_close(&w);
}

/* A sensor of 8 bits a pixel, as many bytes as one half of YUYV. */
static void test_pictures_that_libv4lconvert_reads_are_judged_after_it_and_say_so(void)
{
	struct world w;
	int fds[3];

	if (!IS_ENABLED(CONFIG_LIBV4LCONVERT))
		GLINT_SKIP("built without libv4lconvert");
	memset(picture, 60, sizeof(picture));
	world_prepare(&w, V4L2_PIX_FMT_SRGGB8, WIDTH, HEIGHT);
	WORLD_START(&w);
	send_frame(&w);
	fds[0] = begin(&w, "for=change");
	fds[1] = begin(&w, "for=change&metric=stbt&region=32x24%2B8%2B8");
	fds[2] = begin(&w, "for=black");
	show(&w);
	show(&w);
	CU_ASSERT_FALSE(has_reply(fds[0]) || has_reply(fds[1]) || has_reply(fds[2]));
	memset(picture, 200, sizeof(picture));
	show(&w);
	for (unsigned i = 0; i < 2; i++) {
		reply_used = 0;
		expect_reply(&w, fds[i], "200 OK");
		EXPECT_TEXT("\"converted\": \"SRGGB8\"");
		EXPECT_TEXT("\"decided\": {\"seq\": 4,");
	}
	memset(picture, 0, sizeof(picture));
	show(&w);
	reply_used = 0;
	expect_reply(&w, fds[2], "200 OK");
	EXPECT_TEXT("\"score\": 0.0");
	world_close(&w);
}

static void test_waits_for_pictures_of_an_unreadable_format_are_refused(void)
{
	struct world w;
	int fds[2];

	if (IS_ENABLED(CONFIG_LIBV4LCONVERT))
		GLINT_SKIP("libv4lconvert reads all formats that the capture accepts");
	paint_all(100);
	world_prepare(&w, V4L2_PIX_FMT_SRGGB8, WIDTH, HEIGHT);
	WORLD_START(&w);
	send_frame(&w);
	fds[0] = begin(&w, "for=change");
	fds[1] = begin(&w, "all=black,change");
	send_frame(&w);
	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++) {
		reply_used = 0;
		expect_reply(&w, fds[i], "503 Service Unavailable");
		EXPECT_TEXT("unreadable-format");
	}
	CU_ASSERT_EQUAL(pending(&w), 0);
	world_close(&w);
}

static void test_waits_that_end_without_video_leave_nothing_behind(void)
{
	struct world w;
	int fd, held = 0;

	NEEDS_MALLOC();
	open_world(&w);
	WORLD_START(&w);
	WORLD_WAIT(&w, !w.service->capture->watch_runs); /* it allocates the list of controls */
	fd = begin(&w, "for=change");
	for (unsigned i = 0; i < 20; i++) {
		close(begin(&w, "any=change,black"));
		WORLD_WAIT(&w, pending(&w) == 1 && world_counters(&w).clients == 1);
		if (i == 2)
			held = malloc_held;
	}
	CU_ASSERT_EQUAL(malloc_held, held);
	close(fd);
	WORLD_WAIT(&w, pending(&w) == 0);
	world_close(&w);
}

static void test_the_number_of_waits_is_bounded(void)
{
	int fds[GLINT_JUDGE_WAITS_MAX];
	struct world w;

	open_world(&w);
	w.settings.net.clients_max = GLINT_JUDGE_WAITS_MAX + 4;
	WORLD_START(&w);
	send_frame(&w);
	for (unsigned i = 0; i < GLINT_JUDGE_WAITS_MAX; i++)
		fds[i] = begin(&w, "for=change");
	expect_reply(&w, ask(&w, "for=change"), "503 Service Unavailable");
	EXPECT_TEXT("too-many-waits");
	show(&w);
	/* All compare with the same frame, so that they share its pixels. */
	CU_ASSERT_EQUAL(REPORTED(int, judge, w.service->judge, "waits.bytes"), WIDTH * HEIGHT);
	paint_all(200);
	show(&w);
	for (unsigned i = 0; i < GLINT_JUDGE_WAITS_MAX; i++) {
		reply_used = 0;
		expect_reply(&w, fds[i], "200 OK");
	}
	CU_ASSERT_EQUAL(REPORTED(int, judge, w.service->judge, "waits.bytes"), 0);
	world_close(&w);
}

static void test_frames_that_a_late_loop_takes_together_are_all_judged(void)
{
	struct world w;
	int fd;

	open_world(&w);
	WORLD_START(&w);
	send_frame(&w);
	fd = begin(&w, "for=change");
	show(&w);
	/* Three frames before the loop turns: the middle one differs, the newest does not. */
	for (unsigned i = 0; i < 3; i++) {
		struct fake_frame frame = { .seq = ++w.seq,
					    .data = picture,
					    .used = sizeof(picture) };

		paint_all(i == 1 ? 250 : 100);
		CU_ASSERT_TRUE_FATAL(fake_v4l2_complete(&w.camera, -1, &frame) >= 0);
	}
	expect_reply(&w, fd, "200 OK");
	EXPECT_TEXT("\"decided\": {\"seq\": 4,");
	EXPECT_TEXT("\"frames_missed\": 0");
	world_close(&w);
}

static void test_a_gap_of_the_driver_is_reported(void)
{
	struct world w;
	int fd;

	open_world(&w);
	WORLD_START(&w);
	send_frame(&w);
	fd = begin(&w, "for=change");
	show(&w);
	w.seq += 5;
	paint_all(250);
	show(&w);
	expect_reply(&w, fd, "200 OK");
	EXPECT_TEXT("\"frames_missed\": 5");
	world_close(&w);
}

/* --- Match ------------------------------------------------------------------------------- */

/* Sends a PGM of 16x8 pixels, the left half @left and the right half @right, neither of them 0. */
static int ask_match(struct world *w, const char *query, unsigned left, unsigned right)
{
	char request[1024];
	int used = snprintf(request, sizeof(request),
			    "POST /wait?%s HTTP/1.1\r\nHost: x\r\n"
			    "Content-Type: image/x-portable-graymap\r\nContent-Length: 140\r\n\r\n"
			    "P5 16 8 255\n",
			    query);

	for (unsigned i = 0; i < 128; i++)
		request[used + (int)i] = (char)(i % 16 < 8 ? left : right);
	request[used + 128] = '\0';
	reply_used = 0;
	return world_ask(w, request);
}

static int begin_match(struct world *w, const char *query, unsigned left, unsigned right)
{
	int64_t before = pending(w);
	int fd = ask_match(w, query, left, right);

	WORLD_WAIT(w, pending(w) > before);
	/* The reference has been decoded when its bytes have become a match, which holds more. */
	WORLD_WAIT(w, REPORTED(int, judge, w->service->judge, "waits.bytes") != 140);
	return fd;
}

static void test_a_match_is_answered_by_the_frame_that_shows_the_reference(void)
{
	struct world w;
	int fd;

	open_world(&w);
	WORLD_START(&w);
	send_frame(&w);
	fd = begin_match(&w, "for=match&at=20%2B10", 50, 200);
	show(&w);
	paint_box(21, 10, 8, 8, 50);
	paint_box(29, 10, 8, 8, 200);
	show(&w);
	CU_ASSERT_FALSE(has_reply(fd));
	paint_all(100);
	paint_box(20, 10, 8, 8, 50);
	paint_box(28, 10, 8, 8, 200);
	show(&w);
	expect_reply(&w, fd, "200 OK");
	EXPECT_TEXT("\"for\": \"match\", \"status\": \"met\"");
	EXPECT_TEXT("\"frames_seen\": 3");
	EXPECT_TEXT("\"score\": 1.0");
	EXPECT_TEXT("\"box\": {\"x\": 20, \"y\": 10, \"width\": 16, \"height\": 8}");

	fd = begin_match(&w, "for=match&at=22%2B9&margin=2", 50, 200);
	show(&w);
	expect_reply(&w, fd, "200 OK");
	EXPECT_TEXT("\"box\": {\"x\": 20, \"y\": 10, \"width\": 16, \"height\": 8}");
	CU_ASSERT_EQUAL(REPORTED(int, judge, w.service->judge, "waits.bytes"), 0);
	world_close(&w);
}

static void test_a_reference_that_does_not_fit_is_refused(void)
{
	struct world w;
	int fd;

	open_world(&w);
	WORLD_START(&w);
	send_frame(&w);
	fd = begin_match(&w, "for=match&at=49%2B0", 1, 1);
	send_frame(&w);
	expect_reply(&w, fd, "409 Conflict");
	EXPECT_TEXT("\"reason\": \"reference-size\"");
	EXPECT_TEXT("16x8 pixels at 49+0 does not lie within the picture, which is 64x48");
	expect_reply(&w, ask_match(&w, "for=match&region=17x8%2B0%2B0", 1, 1), "400 Bad Request");
	EXPECT_TEXT("\"reason\": \"reference-size\"");
	expect_reply(&w, ask_match(&w, "for=match&exclude=64x48%2B0%2B0", 1, 1), "400 Bad Request");
	EXPECT_TEXT("\"reason\": \"reference-empty\"");
	expect_reply(&w, ask_match(&w, "for=change", 1, 1), "400 Bad Request");
	expect_reply(&w, ask_match(&w, "any=match,match", 1, 1), "400 Bad Request");
	expect_reply(&w, ask(&w, "for=match"), "400 Bad Request");
	EXPECT_TEXT("\"reason\": \"bad-reference\"");
	CU_ASSERT_EQUAL(pending(&w), 0);
	CU_ASSERT_EQUAL(REPORTED(int, judge, w.service->judge, "waits.bytes"), 0);
	world_close(&w);
}

static void test_a_damaged_reference_is_refused_and_its_memory_comes_back(void)
{
	struct world w;
	int fd;

	open_world(&w);
	WORLD_START(&w);
	send_frame(&w);
	reply_used = 0;
	fd = world_ask(&w, "POST /wait?for=match HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
			   "Content-Length: 20\r\n\r\nP5 99 99 255 too few");
	expect_reply(&w, fd, "400 Bad Request");
	EXPECT_TEXT("the reference is damaged");
	reply_used = 0;
	fd = world_ask(&w, "POST /wait?for=match HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
			   "Content-Length: 20\r\n\r\nP5 99999 99999 255 x");
	expect_reply(&w, fd, "413 ");
	EXPECT_TEXT("\"reason\": \"reference-too-large\"");
	/* The client goes, perhaps while a thread has the picture. */
	for (int i = 0; i < 50; i++) {
		fd = ask_match(&w, "for=match", 1, 2);
		WORLD_WAIT(&w, pending(&w) == 1);
		close(fd);
		WORLD_WAIT(&w, pending(&w) == 0);
		CU_ASSERT_EQUAL(REPORTED(int, judge, w.service->judge, "waits.cancelled"), i + 1);
	}
	WORLD_WAIT(&w, REPORTED(int, judge, w.service->judge, "waits.bytes") == 0);
	fd = begin_match(&w, "for=match", 100, 100);
	show(&w);
	expect_reply(&w, fd, "200 OK");
	WORLD_WAIT(&w, REPORTED(int, judge, w.service->judge, "waits.bytes") == 0);
	world_close(&w);
}

GLINT_TESTS("judge", GLINT_TEST(test_change_is_answered_by_the_frame_that_differs),
	    GLINT_TEST(test_waits_that_began_with_different_frames_keep_their_references),
	    GLINT_TEST(test_at_a_scale_the_means_of_squares_are_judged),
	    GLINT_TEST(test_a_change_outside_of_the_region_or_in_an_excluded_one_is_none),
	    GLINT_TEST(test_still_is_answered_when_nothing_has_differed_for_long_enough),
	    GLINT_TEST(test_motion_black_and_nonblack),
	    GLINT_TEST(test_live_and_offline_are_answered_without_a_frame),
	    GLINT_TEST(test_a_transition_names_its_three_frames),
	    GLINT_TEST(test_several_conditions_any_and_all),
	    GLINT_TEST(test_a_mark_is_what_frames_are_compared_with),
	    GLINT_TEST(test_a_time_is_the_frame_that_was_shown_then_if_it_is_kept),
	    GLINT_TEST(test_the_newest_frame_is_a_reference_that_is_compared),
	    GLINT_TEST(test_the_checksum_is_of_the_regions_pixels),
	    GLINT_TEST(test_a_wait_ends_at_its_timeout_and_reports_what_was_seen),
	    GLINT_TEST(test_a_wait_ends_when_its_client_goes),
	    GLINT_TEST(test_bad_parameters_are_refused),
	    GLINT_TEST(test_a_region_outside_of_the_first_picture_is_refused_with_its_wait),
	    GLINT_TEST(test_pictures_that_libv4lconvert_reads_are_judged_after_it_and_say_so),
	    GLINT_TEST(test_waits_for_pictures_of_an_unreadable_format_are_refused),
	    GLINT_TEST(test_waits_that_end_without_video_leave_nothing_behind),
	    GLINT_TEST(test_the_number_of_waits_is_bounded),
	    GLINT_TEST(test_frames_that_a_late_loop_takes_together_are_all_judged),
	    GLINT_TEST(test_a_gap_of_the_driver_is_reported),
	    GLINT_TEST(test_a_match_is_answered_by_the_frame_that_shows_the_reference),
	    GLINT_TEST(test_a_reference_that_does_not_fit_is_refused),
	    GLINT_TEST(test_a_damaged_reference_is_refused_and_its_memory_comes_back), )
