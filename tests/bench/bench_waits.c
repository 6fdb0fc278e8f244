/* SPDX-License-Identifier: MIT */
/* The cost of judging frames for waits, by itself: a frame of 1080p in which all rows move. */
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "bench.h"
#include "core/fanout.h"
#include "core/loop.h"
#include "judge/judge.h"
#include "stage_frame.h"

#define WIDTH	 1920u
#define HEIGHT	 1080u
#define PICTURES 4u
#define STEP	 10u /* pixels that each picture is shifted against the one before */

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "bench_waits: %s\n", what);
	exit(2);
}

/* --- Frames --------------------------------------------------------------------------- */

/* Pictures that are shifted against each other; the same one again is a still screen. */
static struct stage_frame pictures[PICTURES];

static void pictures_init(void)
{
	for (unsigned i = 0; i < PICTURES; i++) {
		struct stage_frame *frame = &pictures[i];
		uint32_t row = WIDTH * 2, shift = i * STEP * 2;

		stage_frame_init(frame, V4L2_PIX_FMT_YUYV, WIDTH, HEIGHT);
		frame->format.range = GLINT_RANGE_LIMITED;
		frame->format.matrix = GLINT_MATRIX_BT709;
		for (uint32_t y = 0; y < HEIGHT; y++) {
			uint8_t *line = frame->buf.planes[0].map + (size_t)y * row;

			memmove(line + shift, line, row - shift);
		}
	}
}

static void pictures_fini(void)
{
	for (unsigned i = 0; i < PICTURES; i++)
		stage_frame_fini(&pictures[i]);
}

/* --- A judge --------------------------------------------------------------------------- */

struct bench {
	struct glint_loop *loop;
	struct glint_fanout frames;
	struct glint_judge *judge;
	struct glint_wait waits[16];
	unsigned n;
	bool moves;
	uint32_t seq, first; /* the picture of a still screen */
};

static struct glint_judge_source bench_source(void *ctx)
{
	(void)ctx;
	return (struct glint_judge_source){
		.online = true, .reason = "", .width = WIDTH, .height = HEIGHT
	};
}

static unsigned bench_spare(void *ctx)
{
	(void)ctx;
	return 4;
}

/* A wait that ends is not what is measured. */
static void bench_on_done(struct glint_wait *wait)
{
	give_up(wait->message ? wait->message : "a wait has ended");
}

static void bench_open(struct bench *b, bool moves)
{
	const struct glint_judge_config config = { bench_source, bench_spare, NULL };

	memset(b, 0, sizeof(*b));
	b->moves = moves;
	glint_fanout_init(&b->frames, NULL);
	if (glint_loop_create(&b->loop, GLINT_LOOP_AUTO) < 0 ||
	    glint_judge_create(&b->judge, b->loop, &b->frames, &config) < 0)
		give_up("no judge");
}

static void bench_close(struct bench *b)
{
	for (unsigned i = 0; i < b->n; i++)
		glint_judge_cancel(b->judge, &b->waits[i]);
	glint_judge_destroy(b->judge, UINT64_MAX);
	glint_loop_destroy(b->loop);
}

/* A condition that no frame decides, for all of the picture. */
static struct glint_condition *bench_add(struct bench *b, enum glint_condition_kind kind,
					 enum glint_metric metric)
{
	struct glint_wait *wait = &b->waits[b->n++];

	*wait = (struct glint_wait){ .n_conditions = 1,
				     .deadline_ns = UINT64_MAX,
				     .done = bench_on_done };
	glint_condition_init(&wait->conditions[0], kind, metric);
	wait->conditions[0].stable_ns = UINT64_MAX;
	wait->conditions[0].start_timeout_ns = UINT64_MAX;
	wait->conditions[0].stable_timeout_ns = UINT64_MAX;
	return &wait->conditions[0];
}

static struct stage_frame *bench_push(struct bench *b)
{
	struct stage_frame *frame = &pictures[b->moves ? b->seq % PICTURES : b->first];

	stage_frame_begin(frame, b->seq++);
	glint_fanout_push_frame(&b->frames, &frame->frame);
	glint_frame_unref(&frame->frame);
	return frame;
}

/* Returns once a frame has been judged: a reference picture is decoded before. */
static void bench_begin(struct bench *b)
{
	for (unsigned i = 0; i < b->n; i++)
		if (glint_judge_begin(b->judge, &b->waits[i]) < 0)
			give_up("a wait does not begin");
	while (glint_judge_copies(b->judge) == 0) {
		struct stage_frame *pushed = bench_push(b);

		while (pushed->frame.refs > 0 && glint_loop_run_once(b->loop, UINT64_MAX) == 0)
			;
		glint_loop_run_once(b->loop, glint_now_ns() + 1000000);
	}
}

static void bench_turn(void *ctx)
{
	struct bench *b = ctx;
	uint64_t before = glint_judge_copies(b->judge);

	bench_push(b);
	while (glint_judge_copies(b->judge) == before &&
	       glint_loop_run_once(b->loop, UINT64_MAX) == 0)
		;
}

/* --- Sets of waits ----------------------------------------------------------------------- */

static void add_one(struct bench *b)
{
	bench_add(b, GLINT_CONDITION_STILL, GLINT_METRIC_LUMA);
}

/* What ten scripts may ask at once: other kinds, thresholds and regions, all of the picture. */
static void add_ten(struct bench *b)
{
	const struct glint_region left = { 0, 0, WIDTH / 2, HEIGHT };
	const struct glint_region right = { WIDTH / 2, 0, WIDTH / 2, HEIGHT };
	const struct glint_region top = { 0, 0, WIDTH, 200 };
	const struct glint_region middle = { 321, 181, 1280, 720 };
	const struct glint_region small = { 99, 303, 640, 360 };
	const struct glint_region clock = { 700, 400, 200, 100 };
	struct glint_condition *c;

	add_one(b);
	bench_add(b, GLINT_CONDITION_STILL, GLINT_METRIC_LUMA)->threshold = 10;
	bench_add(b, GLINT_CONDITION_TRANSITION, GLINT_METRIC_LUMA);
	bench_add(b, GLINT_CONDITION_CHANGE, GLINT_METRIC_LUMA)->threshold = 254;
	bench_add(b, GLINT_CONDITION_BLACK, GLINT_METRIC_LUMA);
	bench_add(b, GLINT_CONDITION_STILL, GLINT_METRIC_LUMA)->region = left;
	c = bench_add(b, GLINT_CONDITION_STILL, GLINT_METRIC_LUMA);
	c->region = right;
	c->threshold = 40;
	c = bench_add(b, GLINT_CONDITION_STILL, GLINT_METRIC_LUMA);
	c->region = middle;
	c->excluded[c->n_excluded++] = clock;
	c = bench_add(b, GLINT_CONDITION_TRANSITION, GLINT_METRIC_LUMA);
	c->region = top;
	c->threshold = 5;
	c = bench_add(b, GLINT_CONDITION_STILL, GLINT_METRIC_LUMA);
	c->region = small;
	c->min_width = c->min_height = 64;
}

/* The most that ten waits can cost: each has a threshold of its own for the whole picture. */
static void add_ten_thresholds(struct bench *b)
{
	for (unsigned i = 0; i < 10; i++)
		bench_add(b, GLINT_CONDITION_STILL, GLINT_METRIC_LUMA)->threshold = 5 + 5 * i;
}

static void add_stbt(struct bench *b)
{
	bench_add(b, GLINT_CONDITION_STILL, GLINT_METRIC_STBT);
}

static void add_psnr(struct bench *b)
{
	bench_add(b, GLINT_CONDITION_STILL, GLINT_METRIC_PSNR);
}

static void add_hash(struct bench *b)
{
	bench_add(b, GLINT_CONDITION_HASH, GLINT_METRIC_LUMA);
}

/* A black picture, which no frame shows. */
static void add_match(struct bench *b, uint32_t width, uint32_t height, uint32_t margin)
{
	struct glint_condition *c = bench_add(b, GLINT_CONDITION_MATCH, GLINT_METRIC_LUMA);
	char head[32];
	int n = snprintf(head, sizeof(head), "P6 %u %u 255\n", width, height);

	c->picture_size = (size_t)n + (size_t)width * height * 3;
	c->picture = calloc(1, c->picture_size);
	if (!c->picture)
		give_up("no memory");
	memcpy(c->picture, head, (size_t)n);
	c->has_at = true;
	c->at_x = WIDTH - width > 700 ? 700 : 0;
	c->at_y = HEIGHT - height > 300 ? 300 : 0;
	c->margin = margin;
}

static void add_match_whole(struct bench *b)
{
	add_match(b, WIDTH, HEIGHT, 0);
}

static void add_match_part(struct bench *b)
{
	add_match(b, 200, 100, 0);
}

static void add_match_near(struct bench *b)
{
	add_match(b, 200, 100, 8);
}

static void bench_one(const char *name, bool moves, void (*add)(struct bench *b))
{
	struct bench b;

	bench_open(&b, moves);
	add(&b);
	bench_begin(&b);
	glint_bench_turns(name, "ms", 1, bench_turn, &b);
	bench_close(&b);
}

static void bench_pair(const char *name, bool moves, void (*add)(struct bench *b))
{
	static struct bench many, one; /* too large for a stack */

	bench_open(&many, moves);
	add(&many);
	bench_begin(&many);
	bench_open(&one, moves);
	one.seq = one.first =
		PICTURES / 2; /* no side finds in the cache what the other has just read */
	add_one(&one);
	bench_begin(&one);
	glint_bench_pairs(name, bench_turn, &many, bench_turn, &one);
	bench_close(&one);
	bench_close(&many);
}

static void bench_one_wait_for_the_whole_of_a_moving_picture(void)
{
	pictures_init();
	bench_one("one wait, moving 1080p", true, add_one);
	pictures_fini();
}

static void bench_one_wait_for_the_whole_of_a_still_picture(void)
{
	pictures_init();
	bench_one("one wait, still 1080p", false, add_one);
	pictures_fini();
}

static void bench_the_other_metrics(void)
{
	pictures_init();
	bench_one("one wait by stbt, moving 1080p", true, add_stbt);
	bench_one("one wait by psnr, moving 1080p", true, add_psnr);
	pictures_fini();
}

static void bench_a_checksum_of_the_whole_picture_is_waited_for(void)
{
	if (!IS_ENABLED(CONFIG_PIXELS_HASH))
		GLINT_SKIP("this build has no checksums");
	pictures_init();
	bench_one("wait for a hash, 1080p", true, add_hash);
	pictures_fini();
}

static void bench_a_reference_picture_is_waited_for(void)
{
	pictures_init();
	bench_one("wait for a match, 1080p", true, add_match_whole);
	bench_one("wait for a match, 200x100", true, add_match_part);
	bench_one("wait for a match, 200x100, margin 8", true, add_match_near);
	pictures_fini();
}

static void bench_ten_different_waits_to_one(void)
{
	pictures_init();
	bench_pair("ten different waits to one, moving 1080p, CPU", true, add_ten);
	bench_pair("ten different waits to one, still 1080p, CPU", false, add_ten);
	pictures_fini();
}

static void bench_ten_thresholds_for_the_whole_picture_to_one(void)
{
	pictures_init();
	bench_pair("ten thresholds to one, moving 1080p, CPU", true, add_ten_thresholds);
	bench_pair("ten thresholds to one, still 1080p, CPU", false, add_ten_thresholds);
	pictures_fini();
}

/* clang-format off */
GLINT_BENCHES("waits",
	GLINT_BENCH(bench_one_wait_for_the_whole_of_a_moving_picture),
	GLINT_BENCH(bench_one_wait_for_the_whole_of_a_still_picture),
	GLINT_BENCH(bench_the_other_metrics),
	GLINT_BENCH(bench_a_checksum_of_the_whole_picture_is_waited_for),
	GLINT_BENCH(bench_a_reference_picture_is_waited_for),
	GLINT_BENCH(bench_ten_different_waits_to_one),
	GLINT_BENCH(bench_ten_thresholds_for_the_whole_picture_to_one),
)
