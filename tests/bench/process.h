/* SPDX-License-Identifier: MIT */
/* What a process has used so far, as /proc has it; the emulated device's thread is left out. */
#ifndef GLINT_BENCH_PROCESS_H
#define GLINT_BENCH_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

struct process_use {
	uint64_t cpu_ns;	/* of all threads that are alive: to the nanosecond */
	uint64_t rss_kib;	/* anonymous memory and files, without shared memory: buffers */
	unsigned threads;
};

/* All 0 when it is gone. */
void process_look(pid_t pid, struct process_use *use);
#endif
