/* SPDX-License-Identifier: MIT */
/* CPU time and memory of a process so far, from /proc, without the emulated device's thread. */
#ifndef GLINT_BENCH_PROCESS_H
#define GLINT_BENCH_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

struct process_use {
	uint64_t cpu_ns;  /* of all live threads, in nanoseconds */
	uint64_t rss_kib; /* anonymous and file memory, without shared memory (the buffers) */
	unsigned threads;
};

/* All values are 0 when the process has ended. */
void process_look(pid_t pid, struct process_use *use);
#endif
