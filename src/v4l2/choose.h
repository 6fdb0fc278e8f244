/* SPDX-License-Identifier: MIT */
/*
 * Which of a device's formats to capture in. A lab wants exact pixels, and not
 * fewer frames for them: so of the formats that come nearest to the wished size
 * those win that reach the device's best rate there, raw before JPEG, and among
 * raw ones the cheapest to encode. A USB camera that manages 5 raw frames a second
 * at 1080p and 30 as MJPEG is taken as MJPEG; at 640x480, where both reach 30, raw.
 */
#ifndef GLINT_V4L2_CHOOSE_H
#define GLINT_V4L2_CHOOSE_H

#include <stdbool.h>
#include <stdint.h>

struct glint_vdev;

#define GLINT_CHOICES_MAX 128

struct glint_wish {
	uint32_t fourcc;	/* 0: none in particular. MJPEG and JPEG stand for each other */
	uint32_t width, height;
	uint32_t rate_millihz;	/* the most that is of use; 0: all that there is */
	const uint32_t *preferred;	/* of raw formats, those that an M2M encoder takes; or NULL */
	unsigned n_preferred;
	bool raw, other;	/* LAYOUT_OTHER, and layouts that need an encoder, may be chosen */
};

struct glint_choice {
	uint32_t fourcc;
	uint32_t width, height;			/* the size nearest to the wish */
	uint32_t interval_num, interval_den;	/* the best rate there; den 0: unknown */
	uint32_t rate_millihz;			/* the same, 0: unknown */
	bool wished;				/* it is the format that was asked for */
};

/* Fills @choices, best first. Returns how many, 0 when none is of use, or a negative errno. */
int glint_choose(const struct glint_vdev *vdev, const struct glint_wish *wish,
		 struct glint_choice choices[static GLINT_CHOICES_MAX]);
#endif
