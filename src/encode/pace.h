/* SPDX-License-Identifier: MIT */
/*
 * Chooses which frames to keep so that a given number a second remains, evenly. Pure: it
 * uses only the frames' own stamps, so neither delays of the loop nor the driver's nominal
 * rate matter.
 */
#ifndef GLINT_ENCODE_PACE_H
#define GLINT_ENCODE_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct glint_pace {
	unsigned fps; /* 0: every frame is taken */
	bool started;
	uint64_t last_ns;
	int64_t credit; /* frames that are due, in units of 1e-9 frame */
};

/* Whether to keep the frame that was captured at @capture_ns. */
bool glint_pace_take(struct glint_pace *pace, uint64_t capture_ns);
#endif
