/* SPDX-License-Identifier: MIT */
/* The cost of exact pixels, by itself: pictures and checksums of a frame of 1080p. */
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/macros.h"
#include "bench.h"
#include "core/fanout.h"
#include "core/loop.h"
#include "core/packet.h"
#include "stage_frame.h"
#include "stills/stills.h"

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "bench_pixels: %s\n", what);
	exit(2);
}

static unsigned spare(void *ctx)
{
	(void)ctx;
	return 4;
}

/* --- Stills: from a frame to a file, on the workers -------------------------------------- */

struct bench {
	struct glint_loop *loop;
	struct glint_fanout frames;
	struct glint_stills *stills;
	struct glint_still still;
	struct stage_frame frame;
	bool done;
	uint32_t seq;
};

static void bench_on_done(struct glint_still *still, int err)
{
	struct bench *b = container_of(still, struct bench, still);

	if (err < 0)
		give_up("a still fails");
	if (still->packet)
		glint_packet_unref(still->packet);
	still->packet = NULL;
	b->done = true;
}

static void bench_turn(void *ctx)
{
	struct bench *b = ctx;

	b->done = false;
	if (glint_stills_ask(b->stills, &b->still) < 0)
		give_up("no memory");
	stage_frame_begin(&b->frame, b->seq++);
	glint_fanout_push_frame(&b->frames, &b->frame.frame);
	glint_frame_unref(&b->frame.frame);
	while (!b->done && glint_loop_run_once(b->loop, UINT64_MAX) == 0)
		;
}

/* @crop: 400x300 of the picture, else all of it. */
static void bench_still(const char *name, enum glint_still_format format, bool crop)
{
	const struct glint_stills_config config = { .quality = 80, .spare = spare };
	struct bench b = { .still = { .wish = { .format = format, .scale = 1 },
				      .done = bench_on_done } };

	if (crop) {
		b.still.wish.n_crops = 1;
		b.still.wish.crops[0] = (struct glint_region){ 700, 300, 400, 300 };
	}
	stage_frame_init(&b.frame, V4L2_PIX_FMT_YUYV, 1920, 1080);
	b.frame.format.range = GLINT_RANGE_LIMITED;
	b.frame.format.matrix = GLINT_MATRIX_BT709;
	glint_fanout_init(&b.frames, NULL);
	if (glint_loop_create(&b.loop, GLINT_LOOP_AUTO) < 0 ||
	    glint_stills_create(&b.stills, b.loop, &b.frames, &config) < 0)
		give_up("no stills");
	glint_bench_turns(name, "ms", 1, bench_turn, &b);
	glint_bench_cpu(name, bench_turn, &b);
	glint_stills_destroy(b.stills);
	glint_loop_destroy(b.loop);
	stage_frame_fini(&b.frame);
}

static void bench_a_part_becomes_a_png(void)
{
	if (!IS_ENABLED(CONFIG_PIXELS_PNG))
		GLINT_SKIP("this build has no PNG");
	bench_still("PNG of 400x300", GLINT_STILL_PNG, true);
}

static void bench_a_frame_of_1080p_becomes_a_png(void)
{
	if (!IS_ENABLED(CONFIG_PIXELS_PNG))
		GLINT_SKIP("this build has no PNG");
	bench_still("PNG of 1080p", GLINT_STILL_PNG, false);
}

static void bench_a_frame_of_1080p_becomes_a_file_without_compression(void)
{
	bench_still("PPM of 1080p", GLINT_STILL_PPM, false);
	bench_still("PGM of 1080p", GLINT_STILL_PGM, false);
	bench_still("Y4M of 1080p", GLINT_STILL_Y4M, false);
}

static void bench_a_frame_of_1080p_becomes_a_jpeg_of_exact_pixels(void)
{
	bench_still("JPEG of 1080p, by libjpeg-turbo", GLINT_STILL_JPEG, false);
}

static void bench_a_frame_of_1080p_has_checksums(void)
{
	if (!IS_ENABLED(CONFIG_PIXELS_HASH))
		GLINT_SKIP("this build has no checksums");
	bench_still("checksums of 1080p", GLINT_STILL_HASH, false);
	bench_still("checksums of 400x300", GLINT_STILL_HASH, true);
}

/* clang-format off */
GLINT_BENCHES("pixels",
	GLINT_BENCH(bench_a_part_becomes_a_png),
	GLINT_BENCH(bench_a_frame_of_1080p_becomes_a_png),
	GLINT_BENCH(bench_a_frame_of_1080p_becomes_a_file_without_compression),
	GLINT_BENCH(bench_a_frame_of_1080p_becomes_a_jpeg_of_exact_pixels),
	GLINT_BENCH(bench_a_frame_of_1080p_has_checksums),
)
