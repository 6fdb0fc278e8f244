/* SPDX-License-Identifier: MIT */
/*
 * The file that V4L2EMU_STATS names, mapped by the device and by whoever measures:
 * what the device did, and what it cost, so that it can be taken off the program's
 * account. Each word is written whole, and only by the producer.
 */
#ifndef V4L2EMU_STATS_H
#define V4L2EMU_STATS_H

#include <stdatomic.h>
#include <stdint.h>

struct emu_stats {
	_Atomic uint64_t produced;	/* frames, dropped ones not among them */
	_Atomic uint64_t dropped;	/* no buffer was queued, or the producer came too late */
	_Atomic uint64_t cpu_ns;	/* of the producer's thread */
};

/* NULL @path: memory that nobody else sees. NULL: it cannot be made. */
struct emu_stats *emu_stats_map(const char *path);
#endif
