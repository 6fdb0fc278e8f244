/* SPDX-License-Identifier: MIT */
/*
 * Makes stills (core/still.h) of the frames of the capture. While a still is waiting, a sink takes
 * the newest frame that suits it; workers convert and compress the frame, which goes back to the
 * driver as soon as they have read it. Pictures, finished or being made, share a bounded amount of
 * memory. Loop thread only.
 */
#ifndef GLINT_STILLS_STILLS_H
#define GLINT_STILLS_STILLS_H

#include "core/still.h"

struct glint_fanout;
struct glint_loop;
struct glint_report;
struct glint_stills;

struct glint_stills_config {
	unsigned quality; /* of JPEGs */
	bool swap_rgb, keep_range;
	unsigned (*spare)(void *ctx); /* frames that readers may still keep */
	void *ctx;
};

/* @frames is the capture's. The threads start with the first still. -ENOMEM. */
int glint_stills_create(struct glint_stills **out, struct glint_loop *loop,
			struct glint_fanout *frames, const struct glint_stills_config *config);

/* Every still has been forgotten or is done, and its packet dropped. NULL is fine. */
void glint_stills_destroy(struct glint_stills *stills);

/* The settings have changed; stills that are being made keep theirs. */
void glint_stills_apply(struct glint_stills *stills, const struct glint_stills_config *config);

/*
 * Make @still of the next frame that it wants. done() is called later, or never if the reader
 * forgets it. -ENOMEM, -EAGAIN (no thread): nothing was begun.
 */
int glint_stills_ask(struct glint_stills *stills, struct glint_still *still);

/*
 * Make @still, neither RAW nor Y4M, of @picture, a JPEG of one part. Takes a reference to
 * @picture. Calls done(), and fails, as glint_stills_ask().
 */
int glint_stills_convert(struct glint_stills *stills, struct glint_still *still,
			 struct glint_packet *picture);

/* Cancel @still, whose done() is not called after this. Does nothing if no still is under way. */
void glint_stills_forget(struct glint_stills *stills, struct glint_still *still);

/* Whether only the workers, busy with this still or with others, delay @still. */
bool glint_stills_due(const struct glint_stills *stills, const struct glint_still *still);

/* Object: stills. */
void glint_stills_report(const struct glint_stills *stills, struct glint_report *report);
#endif
