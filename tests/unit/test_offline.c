/* SPDX-License-Identifier: MIT */
/* Drawing the picture that says why there is no video, on the loop of glint_test_loop(). */
#include <errno.h>

#include "core/packet.h"
#include "encode/blank.h"
#include "encode/offline.h"
#include "malloc_rig.h"
#include "loop_rig.h"
#include "report_rig.h"

struct rig {
	struct glint_loop *loop;
	struct glint_offline *offline;
	unsigned ready; /* calls */
};

static void rig_ready(void *ctx)
{
	((struct rig *)ctx)->ready++;
}

#define RIG_OPEN(r)                                                                                \
	do {                                                                                       \
		*(r) = (struct rig){ 0 };                                                          \
		RIG_LOOP((r)->loop);                                                               \
		CU_ASSERT_EQUAL_FATAL(                                                             \
			glint_offline_create(&(r)->offline, (r)->loop, rig_ready, (r)), 0);        \
	} while (0)

static void rig_close(struct rig *r)
{
	glint_offline_destroy(r->offline);
	glint_loop_destroy(r->loop);
}

#define TOLD(type, r, member) REPORTED(type, offline, (r)->offline, "offline_pictures." member)

static const struct glint_blank_wish no_signal = { 640, 480, "NO SIGNAL", "nothing is connected" },
				     no_lock = { 640, 480, "NO LOCK", "it is not stable" },
				     largest = { 15360, 8640, "NO SIGNAL", "" };

/* Ask again while the picture is being drawn. */
static int ask(struct rig *r, const struct glint_blank_wish *wish, struct glint_packet **picture)
{
	int err = glint_offline_packet(r->offline, wish, picture);

	while (err == -EAGAIN) {
		unsigned before = r->ready;

		RIG_RUN_UNTIL(r->loop, r->ready > before);
		err = glint_offline_packet(r->offline, wish, picture);
	}
	return err;
}

static void test_a_picture_is_drawn_once_for_all_requests_and_kept(void)
{
	struct glint_packet *first, *second;
	struct rig r;

	RIG_OPEN(&r);
	for (unsigned i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL(glint_offline_packet(r.offline, &no_signal, &first), -EAGAIN);
		CU_ASSERT_PTR_NULL(first);
	}
	CU_ASSERT_TRUE(TOLD(boolean, &r, "drawing"));
	CU_ASSERT_EQUAL(r.ready, 0);
	RIG_RUN_UNTIL(r.loop, r.ready > 0);
	CU_ASSERT_EQUAL_FATAL(glint_offline_packet(r.offline, &no_signal, &first), 0);
	CU_ASSERT_EQUAL_FATAL(glint_offline_packet(r.offline, &no_signal, &second), 0);
	CU_ASSERT_PTR_EQUAL(first, second);
	CU_ASSERT_EQUAL(first->info.width, 640);
	CU_ASSERT_FALSE(first->info.live);
	CU_ASSERT_EQUAL(TOLD(int, &r, "drawn"), 1);
	CU_ASSERT_FALSE(TOLD(boolean, &r, "drawing"));
	glint_packet_unref(first);
	glint_packet_unref(second);
	rig_close(&r);
}

static void test_another_reason_or_size_is_another_picture(void)
{
	struct glint_blank_wish wishes[] = { no_signal, no_lock, no_signal, no_signal };
	struct glint_packet *picture;
	struct rig r;

	wishes[2].height = 481;
	wishes[3].detail[0] = 'N';
	RIG_OPEN(&r);
	for (unsigned i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL_FATAL(ask(&r, &wishes[i], &picture), 0);
		CU_ASSERT_EQUAL(picture->info.height, wishes[i].height);
		glint_packet_unref(picture);
	}
	CU_ASSERT_EQUAL(TOLD(int, &r, "drawn"), 4);
	rig_close(&r);
}

static void test_a_picture_whose_reason_changes_while_it_is_drawn_is_not_shown(void)
{
	struct glint_packet *picture;
	struct rig r;

	RIG_OPEN(&r);
	CU_ASSERT_EQUAL(glint_offline_packet(r.offline, &no_signal, &picture), -EAGAIN);
	CU_ASSERT_EQUAL(glint_offline_packet(r.offline, &no_lock, &picture), -EAGAIN);
	RIG_RUN_UNTIL(r.loop, r.ready == 1);
	CU_ASSERT_EQUAL(glint_offline_packet(r.offline, &no_lock, &picture), -EAGAIN);
	RIG_RUN_UNTIL(r.loop, r.ready == 2);
	CU_ASSERT_EQUAL_FATAL(glint_offline_packet(r.offline, &no_lock, &picture), 0);
	glint_packet_unref(picture);
	CU_ASSERT_EQUAL(TOLD(int, &r, "drawn"), 2);
	rig_close(&r);
}

static void test_a_size_that_no_device_has_is_refused_and_counted(void)
{
	struct glint_blank_wish wish = { 15361, 480, "NO SIGNAL", "" };
	struct glint_packet *picture;
	struct rig r;

	RIG_OPEN(&r);
	CU_ASSERT_EQUAL(ask(&r, &wish, &picture), -ERANGE);
	CU_ASSERT_PTR_NULL(picture);
	CU_ASSERT_EQUAL(TOLD(int, &r, "failed"), 1);
	wish = (struct glint_blank_wish){ 640, UINT32_MAX, "NO SIGNAL", "" };
	CU_ASSERT_EQUAL(ask(&r, &wish, &picture), -ERANGE);
	CU_ASSERT_EQUAL(ask(&r, &no_signal, &picture), 0);
	glint_packet_unref(picture);
	rig_close(&r);
}

static void test_without_memory_a_drawing_fails_and_the_next_succeeds(void)
{
	struct glint_packet *picture;
	unsigned failed = 0, nth = 0;
	struct rig r;
	int err;

	NEEDS_MALLOC();
	RIG_OPEN(&r);
	do {
		/* Each in another size: a drawing that has failed is not repeated at once. */
		struct glint_blank_wish wish = { 200 + nth, 200, "NO SIGNAL", "" };

		malloc_fail_at = ++nth;
		err = ask(&r, &wish, &picture);
		nth = malloc_fail_at > 0 ? 0 : nth;
		malloc_fail_at = 0;
		CU_ASSERT_TRUE(err == 0 || err == -ENOMEM);
		failed += err < 0;
		glint_packet_unref(picture);
	} while (nth > 0);
	CU_ASSERT_TRUE(failed >= 4);
	CU_ASSERT_EQUAL(TOLD(int, &r, "failed"), failed);
	rig_close(&r);
}

static void test_the_end_does_not_wait_for_a_drawing(void)
{
	struct glint_packet *picture;
	struct rig r;

	RIG_OPEN(&r);
	CU_ASSERT_EQUAL(glint_offline_packet(r.offline, &largest, &picture), -EAGAIN);
	rig_close(&r);
	CU_ASSERT_EQUAL(r.ready, 0);
}

/* clang-format off */
GLINT_TESTS("offline",
	GLINT_TEST(test_a_picture_is_drawn_once_for_all_requests_and_kept),
	GLINT_TEST(test_another_reason_or_size_is_another_picture),
	GLINT_TEST(test_a_picture_whose_reason_changes_while_it_is_drawn_is_not_shown),
	GLINT_TEST(test_a_size_that_no_device_has_is_refused_and_counted),
	GLINT_TEST(test_without_memory_a_drawing_fails_and_the_next_succeeds),
	GLINT_TEST(test_the_end_does_not_wait_for_a_drawing),
)
