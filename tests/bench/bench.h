/* SPDX-License-Identifier: MIT */
/*
 * Benchmarks as tables of tests, run by the unit tests' harness (tests/unit/harness.h): names are
 * sentences, "--list" and a part of a name select, GLINT_SKIP() gives a reason, TAP is printed.
 * The figures are comments in the TAP, and JSON lines at the end of the file that BENCH_JSON names.
 *
 *	static void bench_a_header_is_written(void)
 *	{
 *		uint8_t header[GLINT_JPEG_HEADER_MAX];
 *
 *		glint_bench_turns("JPEG header", "ns", 1000, write_header, header);
 *	}
 *
 *	GLINT_BENCHES("stages",
 *		GLINT_BENCH(bench_a_header_is_written),
 *	)
 *
 * A benchmark passes when it has run: no figure is tested.
 */
#ifndef GLINT_BENCH_BENCH_H
#define GLINT_BENCH_BENCH_H

#include "../unit/harness.h"
#include "tally.h"

#define GLINT_BENCH	  GLINT_TEST
#define GLINT_BENCHES	  GLINT_TESTS
#define GLINT_BENCH_TURNS 60

/*
 * Measure the time of @turn, its median in @unit: "ns", "us" or "ms"; a turn does @repeats of what
 * the figure is of. Each turn is paired with a fixed piece of work, and the JSON line has the
 * median of the quotients and their first and last tenth: these can be compared with another hour's.
 */
void glint_bench_turns(const char *name, const char *unit, unsigned repeats,
		       void (*turn)(void *ctx), void *ctx);

/* The same for the processor time of all threads, in ms; the name gets ", CPU" behind it. */
void glint_bench_cpu(const char *name, void (*turn)(void *ctx), void *ctx);

/*
 * Measure the processor time of @turn, of all threads, as a part of @other's, in turns: the median of
 * the quotients.
 */
void glint_bench_pairs(const char *name, void (*turn)(void *ctx), void *ctx,
		       void (*other)(void *ctx), void *other_ctx);

/* For a benchmark that measures by itself: @quotients, in millionths, are those of paired turns. */
void glint_bench_write(const char *name, const char *unit, double value, struct tally *quotients);

/* Say more about all figures that follow, such as what disk they are of, in their JSON lines. */
void glint_bench_about(const char *member, const char *text);

/* A figure of a round of some seconds; @bar: its upper limit for people, or 0. */
struct glint_bench_figure {
	const char *name, *unit;
	double bar;
};

/*
 * Measure @n figures in GLINT_BENCH_ROUNDS rounds: @round fills in @values. The medians are shown as
 * "NAME: figure". Each round is paired with the fixed piece of work, but for frame rates, memory,
 * ratios and counts, which do not depend on a processor's speed. BENCH_ROUNDS in the environment:
 * other rounds.
 */
#define GLINT_BENCH_ROUNDS 3
void glint_bench_rounds(const char *name, const struct glint_bench_figure *figures, unsigned n,
			void (*round)(void *ctx, double *values), void *ctx);
#endif
