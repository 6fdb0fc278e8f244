/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "tally.h"

#define WARM_TURNS	5
#define REFERENCE_BYTES (256u << 10)
#define MILLION		1000000u
#define FIGURES_MAX	12

static char about[256]; /* a member of each JSON line, or "" */

/* Some 200 us of arithmetic and of the L2 cache, which no change of the code under test moves. */
static uint64_t reference_ns(void)
{
	static uint8_t bytes[REFERENCE_BYTES];
	uint64_t begin_ns = glint_now_ns(), sum = begin_ns;

	for (unsigned i = 0; i + 8 <= sizeof(bytes); i += 8) {
		uint64_t word;

		memcpy(&word, bytes + i, sizeof(word));
		sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
		sum ^= sum >> 29;
		memcpy(bytes + i, &sum, sizeof(sum));
	}
	return glint_now_ns() - begin_ns;
}

static double unit_ns(const char *unit)
{
	return strcmp(unit, "ms") == 0 ? 1e6 : strcmp(unit, "us") == 0 ? 1e3 : 1;
}

void glint_bench_about(const char *member, const char *text)
{
	snprintf(about, sizeof(about), ", \"%s\": \"%s\"", member, text);
}

/* @bar: 0 without one. */
static void write_figure(const char *name, const char *unit, double value, struct tally *quotients,
			 double bar)
{
	const char *path = getenv("BENCH_JSON");
	FILE *file = path && *path ? fopen(path, "ae") : NULL;

	printf("# %s: %.3f %s\n", name, value, unit);
	if (!file)
		return;
	fprintf(file,
		"{\"name\": \"%s\", \"value\": %.4f, \"unit\": \"%s\", \"relative\": %.6f, "
		"\"low\": %.6f, \"high\": %.6f",
		name, value, unit, (double)tally_percentile(quotients, 50) / MILLION,
		(double)tally_percentile(quotients, 10) / MILLION,
		(double)tally_percentile(quotients, 90) / MILLION);
	if (bar > 0)
		fprintf(file, ", \"bar\": %g", bar);
	fprintf(file, "%s}\n", about);
	fclose(file);
}

void glint_bench_write(const char *name, const char *unit, double value, struct tally *quotients)
{
	write_figure(name, unit, value, quotients, 0);
}

void glint_bench_turns(const char *name, const char *unit, unsigned repeats,
		       void (*turn)(void *ctx), void *ctx)
{
	struct tally times = { 0 }, quotients = { 0 };

	for (unsigned i = 0; i < GLINT_BENCH_TURNS + WARM_TURNS; i++) {
		uint64_t reference = reference_ns(), begin_ns = glint_now_ns(), took_ns;

		turn(ctx);
		took_ns = glint_now_ns() - begin_ns;
		if (i < WARM_TURNS)
			continue;
		tally_add(&times, took_ns);
		tally_add(&quotients, took_ns * MILLION / reference);
	}
	CU_ASSERT_EQUAL(times.count, GLINT_BENCH_TURNS);
	glint_bench_write(name, unit,
			  (double)tally_percentile(&times, 50) / unit_ns(unit) / (double)repeats,
			  &quotients);
	tally_fini(&times);
	tally_fini(&quotients);
}

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t turn_cpu_ns(void (*turn)(void *ctx), void *ctx)
{
	uint64_t begin_ns = cpu_ns();

	turn(ctx);
	return cpu_ns() - begin_ns;
}

void glint_bench_cpu(const char *name, void (*turn)(void *ctx), void *ctx)
{
	struct tally times = { 0 }, quotients = { 0 };
	char of_cpu[96];

	snprintf(of_cpu, sizeof(of_cpu), "%s, CPU", name);
	for (unsigned i = 0; i < GLINT_BENCH_TURNS + WARM_TURNS; i++) {
		uint64_t reference = reference_ns(), took_ns = turn_cpu_ns(turn, ctx);

		if (i < WARM_TURNS)
			continue;
		tally_add(&times, took_ns);
		tally_add(&quotients, took_ns * MILLION / reference);
	}
	CU_ASSERT_EQUAL(times.count, GLINT_BENCH_TURNS);
	glint_bench_write(of_cpu, "ms", (double)tally_percentile(&times, 50) / 1e6, &quotients);
	tally_fini(&times);
	tally_fini(&quotients);
}

void glint_bench_pairs(const char *name, void (*turn)(void *ctx), void *ctx,
		       void (*other)(void *ctx), void *other_ctx)
{
	struct tally quotients = { 0 };

	for (unsigned i = 0; i < GLINT_BENCH_TURNS + WARM_TURNS; i++) {
		uint64_t took_ns = turn_cpu_ns(turn, ctx);
		uint64_t other_ns = turn_cpu_ns(other, other_ctx);

		if (i >= WARM_TURNS)
			tally_add(&quotients, took_ns * MILLION / other_ns);
	}
	CU_ASSERT_EQUAL(quotients.count, GLINT_BENCH_TURNS);
	glint_bench_write(name, "x", (double)tally_percentile(&quotients, 50) / MILLION,
			  &quotients);
	tally_fini(&quotients);
}

/* Some milliseconds: the median of what one of them takes. */
static double reference_us(void)
{
	struct tally times = { 0 };
	double us;

	for (unsigned i = 0; i < 15; i++)
		tally_add(&times, reference_ns());
	us = (double)tally_percentile(&times, 50) / 1e3;
	tally_fini(&times);
	return us;
}

static bool depends_on_speed(const char *unit)
{
	return *unit && strcmp(unit, "x") != 0 && strcmp(unit, "fps") != 0 &&
	       strcmp(unit, "MiB") != 0;
}

static unsigned count_rounds(void)
{
	const char *text = getenv("BENCH_ROUNDS");
	unsigned rounds = text ? (unsigned)strtoul(text, NULL, 10) : 0;

	return rounds > 0 ? rounds : GLINT_BENCH_ROUNDS;
}

void glint_bench_rounds(const char *name, const struct glint_bench_figure *figures, unsigned n,
			void (*round)(void *ctx, double *values), void *ctx)
{
	struct tally all[FIGURES_MAX] = { 0 }, quotients[FIGURES_MAX] = { 0 };
	unsigned rounds = count_rounds();

	assert(n <= FIGURES_MAX);
	for (unsigned i = 0; i < rounds; i++) {
		double values[FIGURES_MAX] = { 0 }, before = reference_us(), reference;

		round(ctx, values);
		reference = (before + reference_us()) / 2;
		for (unsigned k = 0; k < n; k++) {
			double by = depends_on_speed(figures[k].unit) ? reference : 1;

			tally_add(&all[k], (uint64_t)(values[k] * 1000));
			tally_add(&quotients[k], (uint64_t)(values[k] * MILLION / by));
		}
	}
	for (unsigned k = 0; k < n; k++) {
		char full[128];

		snprintf(full, sizeof(full), "%s: %s", name, figures[k].name);
		CU_ASSERT_EQUAL(all[k].count, rounds);
		write_figure(full, figures[k].unit, (double)tally_percentile(&all[k], 50) / 1000,
			     &quotients[k], figures[k].bar);
		tally_fini(&all[k]);
		tally_fini(&quotients[k]);
	}
}
