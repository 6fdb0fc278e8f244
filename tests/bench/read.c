/* SPDX-License-Identifier: MIT */
/*
 * The same reader for every service:
 *
 *	reader ADDRESS [--clients N] [--snapshots N] [--fps F] [--seconds S] [--warmup S]
 *		[--pid PID] [--path PATH] [--still] [--random]
 *
 * tests/bench/reader.h explains the figures. Prints one JSON object.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/macros.h"
#include "reader.h"

/* Prints null when there are no latencies. */
static void report_latencies(struct reader_result *result)
{
	static const unsigned percents[] = { 50, 90, 95, 99, 100 };

	for (size_t i = 0; i < ARRAY_SIZE(percents); i++) {
		uint64_t ns = tally_percentile(&result->latencies, percents[i]);

		if (result->latencies.count > 0)
			printf("\"p%u_ms\": %.3f, ", percents[i], (double)ns / 1e6);
		else
			printf("\"p%u_ms\": null, ", percents[i]);
	}
}

static void report(unsigned n, struct reader_result *result)
{
	double cpu_ns = (double)result->cpu_ns;
	double frames = n ? (double)result->received / n : 0;

	printf("{\"clients\": %u, \"seconds\": %.3f, \"received\": %" PRIu64 ", ", n,
	       result->seconds, result->received);
	printf("\"pictures\": %" PRIu64 ", \"fps\": %.2f, ", result->pictures,
	       frames / result->seconds);
	report_latencies(result);
	printf("\"gaps\": %" PRIu64 ", \"bad\": %" PRIu64 ", \"stale\": %" PRIu64 ", ",
	       result->gaps, result->bad, result->stale);
	printf("\"bytes_per_picture\": %" PRIu64 ", ",
	       result->received ? result->bytes / result->received : 0);
	printf("\"cpu_percent\": %.3f, \"cpu_us_per_picture\": %.1f, ",
	       cpu_ns / result->seconds / 1e7,
	       result->pictures ? cpu_ns / 1e3 / (double)result->pictures : 0);
	printf("\"cpu_us_per_frame\": %.1f, ", frames > 0 ? cpu_ns / 1e3 / frames : 0);
	printf("\"rss_kib\": %" PRIu64 ", \"threads\": %u}\n", result->rss_kib, result->threads);
}

static void read_arguments(struct reader_options *reader, int argc, char **argv)
{
	static const struct option options[] = {
		{ "clients", required_argument, NULL, 'c' },
		{ "snapshots", required_argument, NULL, 'n' },
		{ "fps", required_argument, NULL, 'f' },
		{ "seconds", required_argument, NULL, 's' },
		{ "warmup", required_argument, NULL, 'w' },
		{ "pid", required_argument, NULL, 'p' },
		{ "path", required_argument, NULL, 'u' },
		{ "still", no_argument, NULL, 't' },
		{ "random", no_argument, NULL, 'r' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) > 0)
		switch (option) {
		case 'n':
			reader->snapshots = true;
			reader->n = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'c':
			reader->n = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'f':
			reader->fps = strtod(optarg, NULL);
			break;
		case 's':
			reader->seconds = strtod(optarg, NULL);
			break;
		case 'w':
			reader->warmup = strtod(optarg, NULL);
			break;
		case 'p':
			reader->pid = (pid_t)strtol(optarg, NULL, 10);
			break;
		case 'u':
			reader->path = optarg;
			break;
		case 't':
			reader->still = true;
			break;
		case 'r':
			reader->random = true;
			break;
		default:
			exit(2);
		}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: reader ADDRESS [options]; see tests/bench/read.c\n");
		exit(2);
	}
	reader->address = argv[optind];
}

int main(int argc, char **argv)
{
	struct reader_options options = { .n = 1, .fps = 60, .seconds = 3, .warmup = 1 };
	struct reader_result result;

	read_arguments(&options, argc, argv);
	result = reader_run(&options);
	report(options.n, &result);
	tally_fini(&result.latencies);
	return 0;
}
