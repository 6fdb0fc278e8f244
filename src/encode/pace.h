/* SPDX-License-Identifier: MIT */
/*
 * Which frames to leave out so that so many a second remain, evenly. Pure: it
 * goes by the frames' own stamps, so neither the loop's delays nor a rate that
 * the driver made up has any part in it.
 */
#ifndef GLINT_ENCODE_PACE_H
#define GLINT_ENCODE_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct glint_pace {
	unsigned fps;		/* 0: every frame is taken */
	bool started;
	uint64_t last_ns;
	int64_t credit;		/* frames that are due, in units of 1e-9 of one */
};

/* Whether the frame captured at @capture_ns is one of those that remain. */
bool glint_pace_take(struct glint_pace *pace, uint64_t capture_ns);
#endif
