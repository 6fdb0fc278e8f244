/* SPDX-License-Identifier: MIT */
/*
 * The pixels of one frame, in memory of the judge. A plate is filled from a frame, and stays for as
 * long as a meter has it as its reference: meters that compare with the same frame share the plate, and
 * the distances of the present frame from it, which are kept for the newest lines only.
 *
 * While a frame is being judged, threads read plates, and each writes its own lines of one of them
 * and its own distances. Else the loop has them.
 */
#ifndef GLINT_JUDGE_PLATE_H
#define GLINT_JUDGE_PLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/region.h"
#include "judge/kernels.h"

/* Lines that are read and compared at a time, so that they stay in the processor's cache. */
#define GLINT_PLATE_BAND 16u
/* The newest lines of distances: those of a band, and of a strip that has begun above it. */
#define GLINT_PLATE_LINES 32u

struct glint_plate {
	uint8_t *base; /* owned; NULL: none */
	size_t size, stride;
	unsigned refs;	/* of meters */
	uint64_t since; /* when it was filled: the judge's count of frames */

	/* Of luma: what is to be compared with the present frame. */
	struct glint_region wanted; /* no width: nothing */
	double threshold;	    /* the least of the meters that want it */
};

/* How far the present frame's newest lines are from a plate, for the meters of one thread. */
struct glint_distances {
	size_t stride;
	uint8_t *lines; /* owned; y is line y % GLINT_PLATE_LINES; behind them a line of zeroes */
	bool far;	/* the line before had a distance above the threshold */
	/*
	 * The largest distance of each of these lines, twice, so that those of a strip lie side by
	 * side. If it is not above the threshold it may be less than that, and there are no distances.
	 */
	uint8_t most[2 * GLINT_PLATE_LINES];
};

/* -ENOMEM. */
int glint_plate_init(struct glint_plate *plate, uint32_t width, uint32_t height, unsigned bytes);
void glint_plate_fini(struct glint_plate *plate);

/* -ENOMEM. For plates of grey values. */
int glint_distances_init(struct glint_distances *distances, uint32_t width);
void glint_distances_fini(struct glint_distances *distances);

/* The memory of one, if it has been initialised. */
size_t glint_distances_bytes(const struct glint_distances *distances);

/* Write to each page of a new plate, which takes longer than to read a frame to it. */
void glint_plate_touch(struct glint_plate *plate);

/* Compare what is wanted of lines @first to before @end of the picture with those of @plate. */
void glint_plate_compare(const struct glint_plate *plate, struct glint_distances *distances,
			 const struct glint_judge_kernels *kernels,
			 const struct glint_plate *picture, uint32_t first, uint32_t end);

static inline const uint8_t *glint_distances_at(const struct glint_distances *distances, uint32_t x,
						uint32_t y)
{
	return distances->lines + (y % GLINT_PLATE_LINES) * distances->stride + x;
}

static inline const uint8_t *glint_distances_zeroes(const struct glint_distances *distances)
{
	return distances->lines + GLINT_PLATE_LINES * distances->stride;
}
#endif
