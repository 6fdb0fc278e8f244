/* SPDX-License-Identifier: MIT */
/* Which frames are looked at, what a look finds, and what becomes of a finding. */
#include "truth/truth.h"

#include <errno.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/fanout.h"
#include "core/frame.h"
#include "loop_rig.h"
#include "mem/dmabuf.h"
#include "report_rig.h"
#include "truth/cards.h"
#include "v4l2/format.h"

#define WIDTH	       64u
#define HEIGHT	       32u
#define LOOK	       (250 * GLINT_NSEC_PER_MSEC) /* between two looks at raw frames */
#define LOOK_FOR_CARDS (100 * GLINT_NSEC_PER_MSEC)

struct rig {
	struct glint_loop *loop;
	struct glint_fanout frames;
	struct glint_truth *truth;
	struct glint_truth_config config;
	struct glint_frame frame;
	struct glint_format format;
	struct glint_dmabuf buf;
	uint8_t pixels[WIDTH * HEIGHT];
	uint64_t now_ns;
	unsigned spare, changed;
};

static unsigned rig_spare(void *ctx)
{
	return ((struct rig *)ctx)->spare;
}

static void rig_on_changed(void *ctx)
{
	((struct rig *)ctx)->changed++;
}

static void frame_release(struct glint_frame *frame)
{
	(void)frame;
}

/* A grey camera whose pictures are black. */
static void rig_open(struct rig *r)
{
	static const struct glint_frame_ops ops = { .release = frame_release };

	*r = (struct rig){
		.config = { .black_level = 12,
			    .spare = rig_spare,
			    .changed = rig_on_changed,
			    .ctx = r },
		.format = { .info = glint_format_find(V4L2_PIX_FMT_GREY),
			    .fourcc = V4L2_PIX_FMT_GREY,
			    .width = WIDTH,
			    .height = HEIGHT,
			    .n_planes = 1,
			    .stride = { WIDTH },
			    .size = { WIDTH * HEIGHT },
			    .range = GLINT_RANGE_FULL },
		.frame = { .ops = &ops, .buf = &r->buf, .format = &r->format, .n_slots = 1 },
		.now_ns = GLINT_NSEC_PER_SEC,
		.spare = 1,
	};
	glint_dmabuf_init(&r->buf);
	r->buf.n_planes = 1;
	r->buf.planes[0].map = r->pixels;
	r->buf.planes[0].size = sizeof(r->pixels);
	CU_ASSERT_EQUAL_FATAL(rig_loop_create(&r->loop), 0);
	glint_fanout_init(&r->frames, NULL);
	CU_ASSERT_EQUAL_FATAL(glint_truth_create(&r->truth, r->loop, &r->frames, &r->config), 0);
}

static void rig_close(struct rig *r)
{
	CU_ASSERT_TRUE(glint_truth_destroy(r->truth, UINT64_MAX));
	glint_loop_destroy(r->loop);
}

/* Push a frame that was complete at r->now_ns. Returns whether it is looked at. */
static bool push(struct rig *r)
{
	bool borrowed;

	glint_frame_begin(&r->frame, 1);
	r->frame.info.stream = 1;
	r->frame.info.width = WIDTH;
	r->frame.info.height = HEIGHT;
	r->frame.info.complete_ns = r->frame.info.dequeue_ns = r->now_ns;
	glint_fanout_push_frame(&r->frames, &r->frame);
	borrowed = r->frame.refs > 1;
	glint_frame_unref(&r->frame);
	return borrowed;
}

/* Push a frame, and return when the look at it has ended. */
static void look(struct rig *r)
{
	CU_ASSERT_TRUE_FATAL(push(r));
	RIG_RUN_UNTIL(r->loop, r->frame.refs == 0);
	r->now_ns += LOOK;
}

static void test_black_holds_while_the_picture_is_black(void)
{
	static struct rig r;

	rig_open(&r);
	look(&r);
	CU_ASSERT_EQUAL(glint_truth_finds(r.truth), GLINT_UNTRUTH_BLACK);
	CU_ASSERT_EQUAL(r.changed, 1);
	memset(r.pixels, 90, sizeof(r.pixels));
	look(&r);
	CU_ASSERT_EQUAL(glint_truth_finds(r.truth), GLINT_UNTRUTH_NONE);
	CU_ASSERT_EQUAL(r.changed, 2);
	rig_close(&r);
}

/* The memory claims to be of a dma-heap, but is a memfd, which cannot be synced. */
static void test_memory_that_needs_it_is_synced_for_a_look(void)
{
	static struct rig r;

	rig_open(&r);
	r.buf.memory = GLINT_MEMORY_HEAP;
	r.buf.planes[0].fd = memfd_create("frame", MFD_CLOEXEC);
	CU_ASSERT_TRUE_FATAL(r.buf.planes[0].fd >= 0);
	look(&r);
	CU_ASSERT_EQUAL(REPORTED(int, truth, r.truth, "failed"), 1);
	CU_ASSERT_EQUAL(glint_truth_finds(r.truth), GLINT_UNTRUTH_NONE);
	close(r.buf.planes[0].fd);
	rig_close(&r);
}

static void test_a_look_waits_for_a_frame_to_spare_but_not_for_ever(void)
{
	static struct rig r;

	rig_open(&r);
	r.spare = 0;
	look(&r); /* the first of a stream is always looked at */
	for (unsigned i = 1; i < 3; i++, r.now_ns += LOOK)
		CU_ASSERT_FALSE(push(&r));
	look(&r);
	CU_ASSERT_FALSE(push(&r));
	r.spare = 1;
	look(&r);
	CU_ASSERT_EQUAL(REPORTED(int, truth, r.truth, "looks"), 3);
	rig_close(&r);
}

static void test_looks_for_cards_follow_each_other_faster(void)
{
	static struct rig r;

	rig_open(&r);
	look(&r);
	r.now_ns -= LOOK - LOOK_FOR_CARDS;
	CU_ASSERT_FALSE(push(&r));
	r.config.cards = "/nonexistent";
	glint_truth_apply(r.truth, &r.config);
	look(&r);
	r.now_ns -= LOOK - LOOK_FOR_CARDS + 1;
	CU_ASSERT_FALSE(push(&r));
	r.now_ns++;
	look(&r);
	rig_close(&r);
}

static void test_no_finding_holds_when_nothing_is_looked_for(void)
{
	static struct rig r;

	rig_open(&r);
	look(&r);
	CU_ASSERT_EQUAL(glint_truth_finds(r.truth), GLINT_UNTRUTH_BLACK);
	r.config.black_level = 0;
	glint_truth_apply(r.truth, &r.config);
	CU_ASSERT_EQUAL(glint_truth_finds(r.truth), GLINT_UNTRUTH_NONE);
	CU_ASSERT_FALSE(push(&r));

	/* The same while a look is under way. */
	r.config.black_level = 12;
	glint_truth_apply(r.truth, &r.config);
	CU_ASSERT_TRUE(push(&r));
	r.config.black_level = 0;
	glint_truth_apply(r.truth, &r.config);
	RIG_RUN_UNTIL(r.loop, r.frame.refs == 0);
	CU_ASSERT_EQUAL(glint_truth_finds(r.truth), GLINT_UNTRUTH_NONE);
	rig_close(&r);
}

static void write_card(const char *path)
{
	FILE *file = fopen(path, "we");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fprintf(file, "P5 %u %u 255\n", WIDTH, HEIGHT);
	for (unsigned i = 0; i < WIDTH * HEIGHT; i++)
		fputc(30, file);
	fclose(file);
}

static void test_cards_that_come_later_are_read(void)
{
	static struct glint_cards cards;
	static uint8_t line[GLINT_LOOK_LINE_MAX];
	char folder[] = "/tmp/glint-test-XXXXXX", path[64];

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/card.pgm", folder);
	glint_cards_update(&cards, path, line);
	CU_ASSERT_EQUAL(cards.err, -ENOENT);
	CU_ASSERT_EQUAL(cards.n, 0);
	write_card(path);
	glint_cards_update(&cards, path, line);
	CU_ASSERT_EQUAL(cards.err, 0);
	CU_ASSERT_EQUAL(cards.n, 1);
	CU_ASSERT_STRING_EQUAL(cards.card[0].name, "card.pgm");
	unlink(path);
	glint_cards_update(&cards, path, line);
	CU_ASSERT_EQUAL(cards.err, -ENOENT);
	CU_ASSERT_EQUAL(cards.n, 0);
	rmdir(folder);
}

/* clang-format off */
GLINT_TESTS("truth",
	GLINT_TEST(test_black_holds_while_the_picture_is_black),
	GLINT_TEST(test_memory_that_needs_it_is_synced_for_a_look),
	GLINT_TEST(test_a_look_waits_for_a_frame_to_spare_but_not_for_ever),
	    GLINT_TEST(test_looks_for_cards_follow_each_other_faster),
	GLINT_TEST(test_no_finding_holds_when_nothing_is_looked_for),
	GLINT_TEST(test_cards_that_come_later_are_read),
)
