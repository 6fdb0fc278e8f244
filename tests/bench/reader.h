/* SPDX-License-Identifier: MIT */
/*
 * Clients of a service, all in one thread. Of streams, latency is the time from the emulated
 * device's fill of a frame (its stamp) to the last byte of the picture at the client. With
 * @snapshots, waves of simultaneous requests for /snapshot are spread evenly over the interval of
 * @fps frames a second; latency is the time from the request to the last byte; with @random each
 * client requests by itself, up to an interval after its last reply.
 */
#ifndef GLINT_BENCH_READER_H
#define GLINT_BENCH_READER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tally.h"

struct reader_options {
	const char *address; /* as of connection_open() */
	const char *path;    /* NULL: /stream or /snapshot */
	unsigned n;	     /* clients; 0 measures the process only */
	bool snapshots, random;
	bool still; /* the source repeats its pictures: latency is of the first of equal ones */
	double fps, seconds, warmup;
	pid_t pid; /* of the service, for its CPU time and memory; or 0 */
};

struct reader_result {
	double seconds;
	uint64_t received, pictures, bytes; /* pictures: different ones */
	uint64_t gaps, bad, stale;
	uint64_t cpu_ns, rss_kib;
	unsigned threads;
	struct tally latencies; /* ns; the caller's to tally_fini() */
};

/* Runs until the time is over. Ends the program when a connection fails. */
struct reader_result reader_run(const struct reader_options *options);
#endif
