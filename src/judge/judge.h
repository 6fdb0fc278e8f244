/* SPDX-License-Identifier: MIT */
/*
 * Judges the conditions of waits on every good frame. While at least one wait needs frames, the
 * judge is attached to the source's fan-out of all frames. One frame is judged after the other: the
 * pixels that any wait needs are read once, and waits that compare the same region with the same
 * frame by the same metric share the comparison. Threads of the judge, and the loop's thread when
 * little is to be done, judge parts of the frame at the same time; the last one puts the results
 * together, which are those of the whole frame, bit for bit.
 *
 * Another thread, which starts with the first reference picture of a client, decodes these pictures
 * one after the other. The picture of a wait that has ended is not decoded.
 *
 * When judging falls behind, at most GLINT_JUDGE_QUEUE frames wait; further ones are missed, and
 * each verdict counts what it has missed. Capture is never delayed. Loop thread only; the workers
 * borrow.
 */
#ifndef GLINT_JUDGE_JUDGE_H
#define GLINT_JUDGE_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/condition.h"

#define GLINT_JUDGE_QUEUE     3u	   /* frames that wait for their turn */
#define GLINT_JUDGE_WAITS_MAX 64u	   /* at once */
#define GLINT_JUDGE_BYTES_MAX (256u << 20) /* of reference pictures and masks */
/* Pixels of a client's reference picture: more than 4096x2160. */
#define GLINT_JUDGE_PICTURE_MAX (4096u * 2304u)

struct glint_fanout;
struct glint_judge;
struct glint_loop;
struct glint_report;

/* What the source is at the moment. */
struct glint_judge_source {
	bool online;
	const char *reason;	      /* a constant; "" while online */
	uint32_t width, height;	      /* of the pictures; 0: not known yet */
	struct glint_frame_info last; /* the newest frame; complete_ns 0: none */
	bool swap_rgb, keep_range;    /* as pixels/pixels.h has them */
};

struct glint_judge_config {
	struct glint_judge_source (*source)(void *ctx);
	/* How many more frames readers may keep, see glint_capture_spare(). */
	unsigned (*spare)(void *ctx);
	void *ctx;
};

/* @frames is borrowed, and outlives the judge. -ENOMEM, -EAGAIN; nothing is owned on failure. */
int glint_judge_create(struct glint_judge **out, struct glint_loop *loop,
		       struct glint_fanout *frames, const struct glint_judge_config *config);

/*
 * No wait is left. False: a frame is still being judged at @deadline_ns, and the process should
 * end. NULL is fine.
 */
bool glint_judge_destroy(struct glint_judge *judge, uint64_t deadline_ns);

/*
 * Begin a wait. Its done() is called later, never from within this function. -EBUSY, -ENOBUFS,
 * -ENOMEM, -EINVAL: the wait has not begun, and its status, reason and message say why.
 */
int glint_judge_begin(struct glint_judge *judge, struct glint_wait *wait);

/* Cancel a wait, whose done() is not called after this. The wait may have ended already. */
void glint_judge_cancel(struct glint_judge *judge, struct glint_wait *wait);

/* The source has changed. From the loop's top level. */
void glint_judge_source_changed(struct glint_judge *judge);

/* Object: waits. */
void glint_judge_report(const struct glint_judge *judge, struct glint_report *report);

/* Member of the object of latencies: answer. */
void glint_judge_report_latencies(const struct glint_judge *judge, struct glint_report *report);

/* Passes of the CPU over whole frames that waits have caused. */
uint64_t glint_judge_copies(const struct glint_judge *judge);
#endif
