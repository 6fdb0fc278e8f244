/* SPDX-License-Identifier: MIT */
/*
 * A wait: what a client wants to see on the screen, and what was seen. A client fills in a wait
 * with one condition or several; the service judges them on every good frame, and calls done()
 * once. Plain data, so that the server and the judge need not know one another. Loop thread only.
 */
#ifndef GLINT_CORE_CONDITION_H
#define GLINT_CORE_CONDITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "core/frame.h"
#include "core/moment.h"
#include "core/region.h"

#define GLINT_CONDITIONS_MAX	  8u /* of one wait */
#define GLINT_CONDITION_AREAS_MAX 16u
#define GLINT_MOTION_FRAMES_MAX	  64u
#define GLINT_WAIT_TEXT_MAX	  256u

enum glint_condition_kind {
	GLINT_CONDITION_CHANGE,
	GLINT_CONDITION_STILL,
	GLINT_CONDITION_MOTION,
	GLINT_CONDITION_BLACK,
	GLINT_CONDITION_NONBLACK,
	GLINT_CONDITION_LIVE,
	GLINT_CONDITION_OFFLINE,
	GLINT_CONDITION_TRANSITION,
	GLINT_CONDITION_HASH,
	GLINT_CONDITION_MATCH,
	GLINT_CONDITION_KINDS, /* how many */
};

/* How two pictures are compared; see docs/WAITING.md. */
enum glint_metric {
	GLINT_METRIC_LUMA,
	GLINT_METRIC_STBT,
	GLINT_METRIC_PSNR,
	GLINT_METRICS, /* how many */
};

/* Names by kind and by metric: "change", "luma", ...; NULL ends each table. */
extern const char *const glint_condition_names[];
extern const char *const glint_metric_names[];

/* -EINVAL: no kind has the name. */
int glint_condition_parse(const char *name, enum glint_condition_kind *kind);

struct glint_condition {
	enum glint_condition_kind kind;
	enum glint_metric metric;
	unsigned scale;		    /* 1, 2, 4 or 8: squares of so many pixels are judged as one */
	struct glint_region region; /* no width: all of the picture */
	/*
	 * Of the metric: a difference in levels, or dB. black and nonblack: a grey level. match: the
	 * least similarity, 0 to 1.
	 */
	double threshold;
	uint32_t min_width, min_height; /* what changed has at least this size; 0: any */
	struct glint_moment since;	/* change, transition: the reference */
	/*
	 * The frame that @since means; the judge takes a reference of its own. NULL: the first
	 * frame that is complete when the client asked, or later.
	 */
	struct glint_frame *reference;
	uint64_t stable_ns;					 /* still, transition */
	uint64_t start_timeout_ns, stable_timeout_ns;		 /* transition */
	unsigned moved, window;					 /* motion: of @window frames */
	struct glint_region excluded[GLINT_CONDITION_AREAS_MAX]; /* parts that do not count */
	unsigned n_excluded;
	uint64_t hash[2];
	bool hash_differs; /* true when the checksum is another one */
	/*
	 * match: the reference, a file of PNG, JPEG, PPM or PGM. malloc()ed; the judge takes the
	 * bytes over when the wait has begun, and sets NULL.
	 */
	uint8_t *picture;
	size_t picture_size;
	bool has_at; /* the reference's upper left pixel lies at @at_x, @at_y */
	uint32_t at_x, at_y, margin;
	struct glint_region areas[GLINT_CONDITION_AREAS_MAX]; /* all of these are to match */
	unsigned n_areas;				      /* 0: the whole reference */
};

/* @condition has the defaults of @kind and @metric. */
void glint_condition_init(struct glint_condition *condition, enum glint_condition_kind kind,
			  enum glint_metric metric);

/* What came of one condition. */
enum glint_verdict_state {
	GLINT_VERDICT_PENDING,
	GLINT_VERDICT_MET,
	GLINT_VERDICT_FAILED, /* can no longer be met: a transition's own timeout */
};

struct glint_verdict {
	enum glint_verdict_state state;
	const char *status; /* a constant word: "met", "pending", "start-timeout", ... */
	uint64_t seen;	    /* frames that were judged */
	uint64_t missed;    /* frames between these that were not: dropped, damaged, or no time */
	/*
	 * Of the last judged frame, or of the deciding one: changed pixels, dB, a grey level, or a
	 * similarity.
	 */
	double score;
	uint64_t hash[2];	 /* of the region's pixels; kind HASH */
	bool has_box;		 /* @box is valid */
	struct glint_region box; /* of what changed, or matches best, in the frame */
	/* A frame whose complete_ns is 0 is none. */
	struct glint_frame_info reference; /* change, transition: what was compared with */
	struct glint_frame_info first;	   /* of the run that decided */
	struct glint_frame_info decided;   /* that decided, or was judged last */
	uint64_t met_ns; /* when the frame was complete that has met the condition last */
	/* transition: first-change is @changed, first-still is @first. */
	struct glint_frame_info changed;
};

enum glint_wait_outcome {
	GLINT_WAIT_MET,
	GLINT_WAIT_TIMEOUT, /* or a condition that can no longer be met */
	GLINT_WAIT_REFUSED, /* @reason and @message say why; @status is HTTP's */
};

struct glint_wait {
	/* The client's; all of it stays until done(), or until the wait is cancelled. */
	struct glint_condition conditions[GLINT_CONDITIONS_MAX];
	unsigned n_conditions; /* 1 or more */
	/*
	 * Each must hold at the same time, else one is enough. What has once happened (change,
	 * motion, transition) goes on holding.
	 */
	bool all;
	uint64_t since_ns; /* when the client asked: earlier frames do not count */
	uint64_t deadline_ns;
	void (*done)(struct glint_wait *wait); /* from the loop's top level */

	/* The result, also while it is pending. */
	enum glint_wait_outcome outcome;
	unsigned decided_by; /* index of the condition that decided */
	unsigned status;
	const char *reason, *message; /* constants, or @text */
	char text[GLINT_WAIT_TEXT_MAX];
	const char *converted;	   /* the format that libv4lconvert has read; NULL: read directly */
	const char *source_reason; /* why there is no live video; "" when there is */
	uint64_t decided_ns;	   /* when the answer was known */
	struct glint_verdict verdicts[GLINT_CONDITIONS_MAX];

	struct glint_list link; /* the judge's own */
	void *judged;
};
#endif
