/* SPDX-License-Identifier: MIT */
/*
 * The judge by itself, with its threads: frames that are judged in many parts at once have the
 * verdicts of the plain comparison of the whole pictures.
 */
#include <linux/videodev2.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/macros.h"
#include "core/fanout.h"
#include "core/loop.h"
#include "harness.h"
#include "judge/judge.h"
#include "judge/kernels.h"
#include "judge/meter.h"
#include "pixels/pixels.h"
#include "random.h"
#include "report_rig.h"

#define WIDTH_MAX  1300u
#define HEIGHT_MAX 760u
#define WAITS	   24u
#define ROUNDS	   6u

struct picture {
	struct glint_dmabuf buf;
	struct glint_format format;
	struct glint_frame frame;
};

struct rig {
	struct glint_loop *loop;
	struct glint_fanout frames;
	struct glint_judge *judge;
	struct random random;
	struct picture pictures[2];
	struct glint_wait waits[WAITS];
	unsigned ended;
	uint32_t seq;
};

static void rig_on_done(struct glint_wait *wait)
{
	(void)wait;
	CU_FAIL("a frame has decided a wait that none can decide");
}

static struct glint_judge_source rig_source(void *ctx)
{
	const struct rig *r = ctx;

	return (struct glint_judge_source){
		.online = true,
		.reason = "",
		.width = r->pictures[0].format.width,
		.height = r->pictures[0].format.height,
	};
}

static unsigned rig_spare(void *ctx)
{
	(void)ctx;
	return 4;
}

static void frame_release(struct glint_frame *frame)
{
	(void)frame;
}

static void picture_init(struct picture *p, uint32_t width, uint32_t height)
{
	static const struct glint_frame_ops ops = { .release = frame_release };
	size_t size = (size_t)width * height * 2;

	*p = (struct picture){
		.frame = { .ops = &ops, .buf = &p->buf, .format = &p->format },
		.format = { .info = glint_format_find(V4L2_PIX_FMT_YUYV),
			    .fourcc = V4L2_PIX_FMT_YUYV,
			    .width = width,
			    .height = height,
			    .n_planes = 1,
			    .stride = { width * 2 },
			    .size = { (uint32_t)size } },
	};
	glint_dmabuf_init(&p->buf);
	p->buf.n_planes = 1;
	p->buf.planes[0].map = malloc(size);
	p->buf.planes[0].size = size;
	CU_ASSERT_PTR_NOT_NULL_FATAL(p->buf.planes[0].map);
}

static void picture_fini(struct picture *p)
{
	free(p->buf.planes[0].map);
}

static void rig_open(struct rig *r, struct random random)
{
	const struct glint_judge_config config = { rig_source, rig_spare, r };
	uint32_t width, height;

	*r = (struct rig){ .random = random };
	width = 16 + 2 * random_below(&r->random, (WIDTH_MAX - 16) / 2);
	height = 16 + random_below(&r->random, HEIGHT_MAX - 16);
	for (unsigned i = 0; i < 2; i++)
		picture_init(&r->pictures[i], width, height);
	glint_fanout_init(&r->frames, NULL);
	CU_ASSERT_EQUAL_FATAL(glint_loop_create(&r->loop, GLINT_LOOP_AUTO), 0);
	CU_ASSERT_EQUAL_FATAL(glint_judge_create(&r->judge, r->loop, &r->frames, &config), 0);
}

static void rig_close(struct rig *r)
{
	for (unsigned i = 0; i < WAITS; i++)
		glint_judge_cancel(r->judge, &r->waits[i]);
	CU_ASSERT_TRUE(glint_judge_destroy(r->judge, UINT64_MAX));
	glint_loop_destroy(r->loop);
	for (unsigned i = 0; i < 2; i++)
		picture_fini(&r->pictures[i]);
}

/* The second picture differs from the first one in some boxes, and in noise. */
static void rig_paint(struct rig *r)
{
	const struct glint_format *format = &r->pictures[0].format;
	size_t size = format->size[0];
	uint8_t *first = r->pictures[0].buf.planes[0].map;
	uint8_t *second = r->pictures[1].buf.planes[0].map;

	for (size_t i = 0; i < size; i++)
		first[i] = (uint8_t)random_below(&r->random, 200);
	memcpy(second, first, size);
	for (size_t i = 0; i < size / 50; i++)
		second[random_below(&r->random, (unsigned)size)] ^= 63;
	for (unsigned boxes = random_below(&r->random, 20); boxes > 0; boxes--) {
		uint32_t x = random_below(&r->random, format->width);
		uint32_t y = random_below(&r->random, format->height);
		uint32_t n = 1 + random_below(&r->random, format->width - x);
		uint32_t end = MIN(y + 1 + random_below(&r->random, 70), format->height);

		for (; y < end; y++)
			memset(second + (size_t)y * format->stride[0] + x * 2, 230, n * 2);
	}
}

static struct glint_region random_region(struct rig *r)
{
	const struct glint_format *format = &r->pictures[0].format;
	struct glint_region region = { .x = random_below(&r->random, format->width),
				       .y = random_below(&r->random, format->height) };

	region.width = 1 + random_below(&r->random, format->width - region.x);
	region.height = 1 + random_below(&r->random, format->height - region.y);
	return region;
}

/* Waits that nothing decides: what is looked at is what the last frame showed. */
static void rig_begin(struct rig *r)
{
	for (unsigned i = 0; i < WAITS; i++) {
		struct glint_wait *wait = &r->waits[i];
		struct glint_condition *what = &wait->conditions[0];
		enum glint_condition_kind kind = i % 6 == 5 ? GLINT_CONDITION_BLACK :
							      GLINT_CONDITION_STILL;

		*wait = (struct glint_wait){ .n_conditions = 1,
					     .deadline_ns = UINT64_MAX,
					     .done = rig_on_done };
		glint_condition_init(what, kind, i % GLINT_METRICS);
		what->stable_ns = UINT64_MAX;
		what->scale = 1u << (i % 4 ? 0 : random_below(&r->random, 4));
		if (i % 2)
			what->region = random_region(r);
		if (i % 3 == 0)
			what->excluded[what->n_excluded++] = random_region(r);
		what->threshold = 1 + random_below(&r->random, 60);
		if (kind == GLINT_CONDITION_BLACK)
			what->threshold = -1; /* no picture is as black as that */
		CU_ASSERT_EQUAL_FATAL(glint_judge_begin(r->judge, wait), 0);
	}
}

/* Returns when the frame has been judged. */
static void rig_show(struct rig *r, unsigned index)
{
	struct picture *p = &r->pictures[index];
	uint64_t before = glint_judge_copies(r->judge);

	glint_frame_begin(&p->frame, r->seq++);
	p->frame.info.width = p->format.width;
	p->frame.info.height = p->format.height;
	p->frame.info.complete_ns = p->frame.info.capture_ns = glint_now_ns();
	glint_fanout_push_frame(&r->frames, &p->frame);
	glint_frame_unref(&p->frame);
	while (glint_judge_copies(r->judge) == before)
		CU_ASSERT_TRUE_FATAL(glint_loop_run_once(r->loop, UINT64_MAX) == 0);
}

/* The region of a picture as the meter has it, read at once. */
static uint8_t *read_region(const struct picture *p, const struct glint_meter *meter)
{
	struct glint_pixels_wish wish = {
		.kind = glint_meter_bytes(meter) == 1 ? GLINT_PIXELS_GREY : GLINT_PIXELS_BGR24,
		.region = glint_meter_source(&meter->region, meter->what.scale, p->format.width,
					     p->format.height),
		.scale = meter->what.scale,
	};
	size_t row = (size_t)meter->region.width * glint_meter_bytes(meter);
	uint8_t *pixels = malloc(row * meter->region.height);
	struct glint_pixels_source source;

	CU_ASSERT_PTR_NOT_NULL_FATAL(pixels);
	CU_ASSERT_EQUAL_FATAL(glint_pixels_of_frame(&source, &p->format, &p->buf,
						    (struct glint_pixels_rules){ 0 }),
			      0);
	CU_ASSERT_EQUAL_FATAL(
		glint_pixels_read(&source, &wish, 0, meter->region.height, pixels, row), 0);
	return pixels;
}

static void expect_verdict(struct rig *r, const struct glint_wait *wait)
{
	const struct glint_judge_kernels *kernels = &glint_judge_kernels_plain;
	const struct glint_format *format = &r->pictures[0].format;
	const struct glint_verdict *verdict = &wait->verdicts[0];
	struct glint_meter *meter = glint_meter_create(&wait->conditions[0], 0);
	struct glint_difference expected = { 0 };
	struct glint_judge_pixels pixels[2];
	uint8_t *copies[2];
	uint64_t *scratch;

	CU_ASSERT_PTR_NOT_NULL_FATAL(meter);
	if (!meter)
		return; /* for the analyzer */
	CU_ASSERT_EQUAL_FATAL(glint_meter_place(meter, format->width, format->height, SIZE_MAX), 0);
	scratch = malloc(8 * (glint_metric_scratch(meter->region.width) +
			      glint_tally_words(&meter->measure)));
	CU_ASSERT_PTR_NOT_NULL_FATAL(scratch);
	for (unsigned i = 0; i < 2; i++) {
		copies[i] = read_region(&r->pictures[i], meter);
		pixels[i].base = copies[i];
		pixels[i].stride = (size_t)meter->region.width * glint_meter_bytes(meter);
	}
	if (meter->what.kind == GLINT_CONDITION_BLACK)
		expected.score = glint_metric_brightest(kernels, &meter->measure, &pixels[1], 0,
							meter->region.height);
	else
		glint_metric_compare(kernels, &meter->measure, &pixels[1], &pixels[0], scratch,
				     &expected);
	CU_ASSERT_EQUAL(verdict->seen, 2);
	CU_ASSERT_EQUAL(verdict->score, expected.score);
	CU_ASSERT_EQUAL(verdict->has_box, expected.box.width > 0);
	if (verdict->has_box) {
		struct glint_region box = expected.box;

		box.x += meter->region.x;
		box.y += meter->region.y;
		box = glint_meter_source(&box, meter->what.scale, format->width, format->height);
		CU_ASSERT_TRUE(glint_region_equals(&verdict->box, &box));
	}
	for (unsigned i = 0; i < 2; i++)
		free(copies[i]);
	free(scratch);
	glint_meter_destroy(meter);
}

static void test_threads_that_judge_parts_give_the_verdict_of_the_whole(void)
{
	struct random random = random_begin();
	static struct rig r; /* too large for a stack */

	for (unsigned round = 0; round < ROUNDS; round++) {
		rig_open(&r, random);
		rig_paint(&r);
		rig_begin(&r);
		rig_show(&r, 0);
		rig_show(&r, 1);
		for (unsigned i = 0; i < WAITS; i++)
			expect_verdict(&r, &r.waits[i]);
		random = r.random;
		rig_close(&r);
	}
}

/* --- Threads ---------------------------------------------------------------------------- */

/* A picture whose first reader is found by the page fault that reading causes. */
static struct {
	uint8_t *pixels;
	size_t size;
	pthread_t loop_thread;
	atomic_bool loop_reads;
} guarded;

static void on_fault(int number, siginfo_t *info, void *context)
{
	const uint8_t *at = info->si_addr;

	(void)context;
	if (at < guarded.pixels || at >= guarded.pixels + guarded.size) {
		signal(number, SIG_DFL);
		return;
	}
	if (pthread_equal(pthread_self(), guarded.loop_thread))
		guarded.loop_reads = true;
	mprotect(guarded.pixels, guarded.size, PROT_READ | PROT_WRITE);
}

static void begin_wait(struct rig *r, unsigned i, enum glint_condition_kind kind)
{
	struct glint_wait *wait = &r->waits[i];

	*wait = (struct glint_wait){ .n_conditions = 1,
				     .deadline_ns = UINT64_MAX,
				     .done = rig_on_done };
	glint_condition_init(&wait->conditions[0], kind, GLINT_METRIC_LUMA);
}

/* A frame of a small comparison may be judged by the loop's thread, one with a search may not. */
static void test_the_loop_does_not_search_for_a_match(void)
{
	enum { SIDE = 100 };
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO }, before;
	static struct rig r; /* too large for a stack */
	const struct glint_judge_config config = { rig_source, rig_spare, &r };
	struct glint_condition *match;
	char head[32];

	r = (struct rig){ .seq = 0 };
	for (unsigned i = 0; i < 2; i++)
		picture_init(&r.pictures[i], 640, 480);
	guarded.size = r.pictures[0].format.size[0];
	guarded.pixels = mmap(NULL, guarded.size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CU_ASSERT_TRUE_FATAL(guarded.pixels != MAP_FAILED);
	free(r.pictures[0].buf.planes[0].map);
	r.pictures[0].buf.planes[0].map = guarded.pixels;
	guarded.loop_thread = pthread_self();
	CU_ASSERT_EQUAL_FATAL(sigaction(SIGSEGV, &action, &before), 0);
	glint_fanout_init(&r.frames, NULL);
	CU_ASSERT_EQUAL_FATAL(glint_loop_create(&r.loop, GLINT_LOOP_AUTO), 0);
	CU_ASSERT_EQUAL_FATAL(glint_judge_create(&r.judge, r.loop, &r.frames, &config), 0);

	begin_wait(&r, 0, GLINT_CONDITION_BLACK);
	r.waits[0].conditions[0].threshold = -1;
	r.waits[0].conditions[0].region = (struct glint_region){ 0, 0, 16, 16 };
	CU_ASSERT_EQUAL_FATAL(glint_judge_begin(r.judge, &r.waits[0]), 0);
	for (unsigned i = 0; i < 20; i++)
		rig_show(&r, 0);

	begin_wait(&r, 1, GLINT_CONDITION_MATCH);
	match = &r.waits[1].conditions[0];
	match->threshold = 2; /* no picture is as similar as that */
	match->margin = 20;
	match->has_at = true;
	match->at_x = match->at_y = 100;
	match->picture_size =
		(size_t)snprintf(head, sizeof(head), "P5 %u %u 255\n", SIDE, SIDE) + SIDE * SIDE;
	match->picture = calloc(1, match->picture_size);
	CU_ASSERT_PTR_NOT_NULL_FATAL(match->picture);
	memcpy(match->picture, head, strlen(head));
	CU_ASSERT_EQUAL_FATAL(glint_judge_begin(r.judge, &r.waits[1]), 0);
	/* The decoded reference has two copies of its grey values. */
	while (REPORTED(int, judge, r.judge, "waits.bytes") < 2 * SIDE * SIDE)
		CU_ASSERT_EQUAL_FATAL(glint_loop_run_once(r.loop, UINT64_MAX), 0);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL_FATAL(mprotect(guarded.pixels, guarded.size, PROT_NONE), 0);
		guarded.loop_reads = false;
		rig_show(&r, 0);
		CU_ASSERT_FALSE(guarded.loop_reads);
	}
	CU_ASSERT_EQUAL(r.waits[1].verdicts[0].seen, 3);

	for (unsigned i = 0; i < 2; i++)
		glint_judge_cancel(r.judge, &r.waits[i]);
	CU_ASSERT_TRUE(glint_judge_destroy(r.judge, UINT64_MAX));
	glint_loop_destroy(r.loop);
	CU_ASSERT_EQUAL(sigaction(SIGSEGV, &before, NULL), 0);
	munmap(guarded.pixels, guarded.size);
	picture_fini(&r.pictures[1]);
}

/* clang-format off */
GLINT_TESTS("judge_parts",
	GLINT_TEST(test_the_loop_does_not_search_for_a_match),
	GLINT_TEST(test_threads_that_judge_parts_give_the_verdict_of_the_whole),
)
