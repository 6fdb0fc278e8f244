/* SPDX-License-Identifier: MIT */
/*
 * A capture that writes its frames into a lender's memory: on the scripted device, which takes
 * memory by its address, on the loop of glint_test_loop().
 */
#include <errno.h>

#include "capture_rig.h"
#include "mem/loan.h"
#include "mem/udmabuf.h"
#include "v4l2/format.h"

#define PLACES 24u
#define SIZE   (64u * 48 * 2)
#define KEPT   32u

struct loan_rig {
	struct rig rig;
	struct glint_lender lender;
	struct glint_loan *loan;
	int lend_err;
	unsigned asked;
	struct glint_sink all;
	struct glint_frame *kept[KEPT]; /* every frame, the oldest first */
	unsigned n_kept, keeps;
	uint8_t pixels[SIZE];
};

static int rig_lend(struct glint_lender *lender, struct glint_loan **loan)
{
	struct loan_rig *r = container_of(lender, struct loan_rig, lender);

	r->asked++;
	if (r->lend_err < 0)
		return r->lend_err;
	CU_ASSERT_FALSE_FATAL(r->loan->lent);
	r->loan->lent = true;
	r->loan->refs++;
	*loan = r->loan;
	return 0;
}

static bool rig_keep(struct glint_sink *sink, struct glint_frame *frame)
{
	struct loan_rig *r = container_of(sink, struct loan_rig, all);

	if (r->n_kept < r->keeps)
		r->kept[r->n_kept++] = glint_frame_ref(frame);
	return true;
}

static void rig_release(struct loan_rig *r, unsigned n)
{
	CU_ASSERT_TRUE_FATAL(n <= r->n_kept);
	for (unsigned i = 0; i < n; i++)
		glint_frame_unref(r->kept[i]);
	memmove(r->kept, r->kept + n, (r->n_kept - n) * sizeof(r->kept[0]));
	r->n_kept -= n;
}

static void loan_rig_init(struct loan_rig *r)
{
	memset(r, 0, sizeof(*r));
	rig_init(&r->rig);
	r->rig.fake.users = true;
	r->lender.lend = rig_lend;
	r->all.push_frame = rig_keep;
	glint_list_init(&r->all.link);
	CU_ASSERT_EQUAL_FATAL(glint_loan_create(&r->loan, PLACES * glint_loan_stride(SIZE)), 0);
}

#define LOAN_RIG_START(r)                                                                          \
	do {                                                                                       \
		RIG_LOOP((r)->rig.loop);                                                           \
		CU_ASSERT_EQUAL_FATAL(glint_capture_create(&(r)->rig.capture, (r)->rig.loop,       \
							   &(r)->rig.config, &(r)->rig.listener),  \
				      0);                                                          \
		glint_capture_set_lender((r)->rig.capture, &(r)->lender);                          \
		glint_fanout_attach(glint_capture_frames((r)->rig.capture), &(r)->rig.sink);       \
		glint_fanout_attach(glint_capture_all((r)->rig.capture), &(r)->all);               \
		glint_capture_start((r)->rig.capture);                                             \
	} while (0)

static void loan_rig_close(struct loan_rig *r)
{
	rig_release(r, r->n_kept);
	glint_fanout_detach(glint_capture_all(r->rig.capture), &r->all);
	rig_close(&r->rig);
	CU_ASSERT_FALSE(r->loan->lent);
	CU_ASSERT_EQUAL(r->loan->refs, 1);
	glint_loan_unref(r->loan);
}

/* The device delivers a frame whose bytes are the low byte of its number. */
static void deliver(struct loan_rig *r, uint32_t seq)
{
	memset(r->pixels, (int)(seq & 0xff), sizeof(r->pixels));
	rig_frame(&r->rig, &(struct fake_frame){ .seq = seq, .used = SIZE, .data = r->pixels });
}

static bool shows(const struct glint_frame *frame)
{
	const uint8_t *map = frame->buf->planes[0].map;

	for (unsigned i = 0; i < SIZE; i++)
		if (map[i] != (frame->info.seq & 0xff))
			return false;
	return true;
}

static void stop_and_start(struct loan_rig *r)
{
	struct glint_capture *capture = r->rig.capture;
	uint64_t streams = capture->streams;

	glint_capture_restart(capture, "for the test");
	RIG_UNTIL(&r->rig, capture->streams > streams && rig_streams(&r->rig));
}

static void test_a_reader_keeps_many_frames_and_the_driver_its_buffers(void)
{
	struct loan_rig r;

	loan_rig_init(&r);
	r.keeps = 10;
	LOAN_RIG_START(&r);
	RIG_UNTIL(&r.rig, rig_streams(&r.rig));
	CU_ASSERT_TRUE(rig_status(&r.rig).borrowed);
	CU_ASSERT_STRING_EQUAL(rig_status(&r.rig).loan_reason, "");
	CU_ASSERT_EQUAL(rig_status(&r.rig).memory, GLINT_MEMORY_USERPTR);
	for (uint32_t seq = 0; seq < 60; seq++) {
		deliver(&r, seq);
		CU_ASSERT_EQUAL_FATAL(rig_status(&r.rig).with_driver, 3);
	}
	CU_ASSERT_EQUAL_FATAL(r.n_kept, 10);
	for (unsigned i = 0; i < r.n_kept; i++) {
		const uint8_t *map = r.kept[i]->buf->planes[0].map;

		CU_ASSERT_EQUAL(r.kept[i]->info.seq, i);
		CU_ASSERT_TRUE(shows(r.kept[i]));
		CU_ASSERT_TRUE(map > r.loan->base && map < r.loan->base + r.loan->size);
		CU_ASSERT_EQUAL((size_t)(map - r.loan->base) % glint_loan_stride(SIZE),
				GLINT_LOAN_HEAD);
	}
	loan_rig_close(&r);
}

static void test_a_shortage_is_told_before_the_driver_has_too_few_buffers(void)
{
	struct loan_rig r;

	loan_rig_init(&r);
	r.keeps = KEPT;
	LOAN_RIG_START(&r);
	RIG_UNTIL(&r.rig, rig_streams(&r.rig));
	for (uint32_t seq = 0; !glint_capture_is_short(r.rig.capture); seq++) {
		CU_ASSERT_TRUE_FATAL(seq < PLACES);
		deliver(&r, seq);
	}
	CU_ASSERT_EQUAL(rig_status(&r.rig).with_driver, 3);
	/* Places for other readers are left. */
	CU_ASSERT_TRUE(glint_capture_spare(r.rig.capture) >= 4);
	rig_release(&r, 1);
	CU_ASSERT_FALSE(glint_capture_is_short(r.rig.capture));
	loan_rig_close(&r);
}

static void test_readers_that_keep_all_places_leave_the_driver_without_buffers(void)
{
	struct loan_rig r;
	uint32_t seq = 0;

	loan_rig_init(&r);
	r.keeps = KEPT;
	LOAN_RIG_START(&r);
	RIG_UNTIL(&r.rig, rig_streams(&r.rig));
	while (rig_status(&r.rig).with_driver > 0)
		deliver(&r, seq++);
	CU_ASSERT_EQUAL(seq, PLACES);
	CU_ASSERT_EQUAL(glint_capture_spare(r.rig.capture), 0);
	rig_release(&r, 5);
	CU_ASSERT_EQUAL(rig_status(&r.rig).with_driver, 3);
	deliver(&r, seq);
	for (unsigned i = 0; i < r.n_kept; i++)
		CU_ASSERT_TRUE(shows(r.kept[i]));
	loan_rig_close(&r);
}

static void test_frames_of_the_stream_before_stay_in_the_memory(void)
{
	struct loan_rig r;

	loan_rig_init(&r);
	r.keeps = 6;
	LOAN_RIG_START(&r);
	RIG_UNTIL(&r.rig, rig_streams(&r.rig));
	for (uint32_t seq = 0; seq < 6; seq++)
		deliver(&r, seq);
	stop_and_start(&r);
	CU_ASSERT_EQUAL(r.asked, 1);
	CU_ASSERT_TRUE(rig_status(&r.rig).borrowed);
	for (uint32_t seq = 100; seq < 150; seq++)
		deliver(&r, seq);
	for (unsigned i = 0; i < r.n_kept; i++) {
		CU_ASSERT_NOT_EQUAL(r.kept[i]->info.stream, r.rig.capture->pool->stream);
		CU_ASSERT_EQUAL(r.kept[i]->info.seq, i);
		CU_ASSERT_TRUE(shows(r.kept[i]));
	}
	/* Released between two streams, or in the next one: the places are free again. */
	rig_release(&r, 3);
	stop_and_start(&r);
	rig_release(&r, 3);
	CU_ASSERT_EQUAL(glint_capture_spare(r.rig.capture), PLACES - 2);
	loan_rig_close(&r);
}

static void test_a_stream_that_finds_too_few_places_has_the_drivers_memory(void)
{
	struct loan_rig r;

	loan_rig_init(&r);
	r.keeps = KEPT;
	LOAN_RIG_START(&r);
	RIG_UNTIL(&r.rig, rig_streams(&r.rig));
	for (uint32_t seq = 0; seq < PLACES; seq++)
		deliver(&r, seq);
	r.lend_err = -EBUSY;
	stop_and_start(&r);
	CU_ASSERT_FALSE(rig_status(&r.rig).borrowed);
	CU_ASSERT_STRING_EQUAL(rig_status(&r.rig).loan_reason, "busy");
	CU_ASSERT_TRUE(r.loan->lent);
	for (unsigned i = 0; i < r.n_kept; i++)
		CU_ASSERT_TRUE(shows(r.kept[i]));
	/* The last frame returns the loan. */
	r.keeps = 0;
	rig_release(&r, r.n_kept);
	CU_ASSERT_FALSE(r.loan->lent);
	r.lend_err = 0;
	stop_and_start(&r);
	CU_ASSERT_TRUE(rig_status(&r.rig).borrowed);
	loan_rig_close(&r);
}

static void test_another_size_gets_other_places(void)
{
	struct loan_rig r;

	loan_rig_init(&r);
	r.keeps = 2;
	r.rig.fake.formats[0].width = r.rig.fake.formats[0].height = 0;
	LOAN_RIG_START(&r);
	RIG_UNTIL(&r.rig, rig_streams(&r.rig));
	deliver(&r, 0);
	deliver(&r, 1);
	r.keeps = 0;
	r.rig.capture->config.width = 32;
	r.rig.capture->config.height = 32;
	/* The frames of the other size are released when the lender is asked. */
	r.lend_err = -EBUSY;
	stop_and_start(&r);
	CU_ASSERT_EQUAL(rig_status(&r.rig).format.width, 32);
	CU_ASSERT_FALSE(rig_status(&r.rig).borrowed);
	CU_ASSERT_TRUE(shows(r.kept[0]) && shows(r.kept[1]));
	rig_release(&r, 2);
	r.lend_err = 0;
	stop_and_start(&r);
	CU_ASSERT_TRUE(rig_status(&r.rig).borrowed);
	CU_ASSERT_TRUE(r.rig.capture->pool->n > PLACES);
	loan_rig_close(&r);
}

static void test_a_driver_that_takes_no_memory_is_asked_once(void)
{
	struct loan_rig r;

	loan_rig_init(&r);
	r.rig.fake.users = false;
	LOAN_RIG_START(&r);
	RIG_UNTIL(&r.rig, rig_streams(&r.rig));
	CU_ASSERT_FALSE(rig_status(&r.rig).borrowed);
	CU_ASSERT_STRING_EQUAL(rig_status(&r.rig).loan_reason, "driver");
	CU_ASSERT_FALSE(r.loan->lent);
	stop_and_start(&r);
	/* To lend, a lender gives up what it keeps. */
	CU_ASSERT_EQUAL(r.asked, 1);
	CU_ASSERT_STRING_EQUAL(rig_status(&r.rig).loan_reason, "driver");
	loan_rig_close(&r);
}

static void test_a_small_loan_is_of_no_use(void)
{
	struct loan_rig r;

	loan_rig_init(&r);
	glint_loan_unref(r.loan);
	CU_ASSERT_EQUAL_FATAL(glint_loan_create(&r.loan, 8 * glint_loan_stride(SIZE)), 0);
	LOAN_RIG_START(&r);
	RIG_UNTIL(&r.rig, rig_streams(&r.rig));
	CU_ASSERT_FALSE(rig_status(&r.rig).borrowed);
	CU_ASSERT_STRING_EQUAL(rig_status(&r.rig).loan_reason, "small");
	loan_rig_close(&r);
}

static void test_jpegs_are_not_written_into_places(void)
{
	struct loan_rig r;

	loan_rig_init(&r);
	r.rig.fake.formats[0] = (struct fake_format){ .fourcc = V4L2_PIX_FMT_MJPEG };
	r.rig.fake.n_formats = 1;
	LOAN_RIG_START(&r);
	RIG_UNTIL(&r.rig, rig_streams(&r.rig));
	CU_ASSERT_FALSE(rig_status(&r.rig).borrowed);
	CU_ASSERT_STRING_EQUAL(rig_status(&r.rig).loan_reason, "jpeg");
	loan_rig_close(&r);
}

static void test_memory_that_a_driver_does_not_fill_is_not_shown(void)
{
	struct loan_rig r;
	struct glint_pool *pool;
	uint64_t streams;

	loan_rig_init(&r);
	r.keeps = KEPT;
	LOAN_RIG_START(&r);
	RIG_UNTIL(&r.rig, rig_streams(&r.rig));
	/* As if the memory came from /dev/udmabuf, which not every kernel has. */
	pool = r.rig.capture->pool;
	for (unsigned i = 0; i < pool->n_buffers; i++)
		glint_udmabuf_mark(pool->queued[i]->frame.buf->planes[0].map, SIZE);
	pool->marked = true;
	streams = r.rig.capture->streams;
	rig_frame(&r.rig, &(struct fake_frame){ .seq = 0, .used = SIZE });
	CU_ASSERT_EQUAL(r.n_kept, 0);
	CU_ASSERT_EQUAL(r.rig.pushed, 0);
	CU_ASSERT_EQUAL(glint_capture_ledger(r.rig.capture)->corrupt, 1);
	CU_ASSERT_TRUE(r.rig.capture->source.udmabuf_fails);
	RIG_UNTIL(&r.rig, r.rig.capture->streams > streams && rig_streams(&r.rig));
	/* By address, the driver fills all pages. */
	CU_ASSERT_EQUAL(rig_status(&r.rig).memory, GLINT_MEMORY_USERPTR);
	deliver(&r, 7);
	CU_ASSERT_EQUAL_FATAL(r.n_kept, 1);
	CU_ASSERT_TRUE(shows(r.kept[0]));
	loan_rig_close(&r);
}

static void test_marks_show_pages_that_were_not_written(void)
{
	static uint8_t pages[10 * 4096] __attribute__((aligned(4096)));

	glint_udmabuf_mark(pages, sizeof(pages));
	CU_ASSERT_TRUE(glint_udmabuf_is_marked(pages, sizeof(pages)));
	memset(pages, 0, 4096); /* the first page of a folio */
	CU_ASSERT_TRUE(glint_udmabuf_is_marked(pages, sizeof(pages)));
	memset(pages, 1, sizeof(pages));
	CU_ASSERT_FALSE(glint_udmabuf_is_marked(pages, sizeof(pages)));
	CU_ASSERT_FALSE(glint_udmabuf_is_marked(pages, 100));
}

GLINT_TESTS("loan", GLINT_TEST(test_a_reader_keeps_many_frames_and_the_driver_its_buffers),
	    GLINT_TEST(test_a_shortage_is_told_before_the_driver_has_too_few_buffers),
	    GLINT_TEST(test_readers_that_keep_all_places_leave_the_driver_without_buffers),
	    GLINT_TEST(test_frames_of_the_stream_before_stay_in_the_memory),
	    GLINT_TEST(test_a_stream_that_finds_too_few_places_has_the_drivers_memory),
	    GLINT_TEST(test_another_size_gets_other_places),
	    GLINT_TEST(test_a_driver_that_takes_no_memory_is_asked_once),
	    GLINT_TEST(test_a_small_loan_is_of_no_use),
	    GLINT_TEST(test_jpegs_are_not_written_into_places),
	    GLINT_TEST(test_memory_that_a_driver_does_not_fill_is_not_shown),
	    GLINT_TEST(test_marks_show_pages_that_were_not_written))
