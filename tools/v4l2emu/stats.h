/* SPDX-License-Identifier: MIT */
/*
 * The file that V4L2EMU_STATS names, mapped by the device and by the measuring program: the frames
 * of the device and its CPU time, which the measuring program subtracts from the CPU time of the
 * process. Only the producer writes, and each word is written whole.
 */
#ifndef V4L2EMU_STATS_H
#define V4L2EMU_STATS_H

#include <stdatomic.h>
#include <stdint.h>

struct emu_stats {
	_Atomic uint64_t produced; /* frames, without the two below */
	_Atomic uint64_t dropped;  /* no buffer was queued */
	_Atomic uint64_t late;	   /* the producer's thread slept through their time */
	_Atomic uint64_t cpu_ns;   /* CPU time of the producer's thread */
};

/* @path NULL: private memory. Returns NULL when the file cannot be made. */
struct emu_stats *emu_stats_map(const char *path);
#endif
