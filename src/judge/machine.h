/* SPDX-License-Identifier: MIT */
/*
 * One condition as a state machine. Its inputs are a sample for each judged frame, in order, and the
 * state of the source; its output is a verdict. Pure: no clock and no pixels.
 */
#ifndef GLINT_JUDGE_MACHINE_H
#define GLINT_JUDGE_MACHINE_H

#include "core/condition.h"

/* The result of judging one frame for a condition. */
struct glint_sample {
	struct glint_frame_info info;
	/*
	 * change, still, motion, transition: the frame differs from the reference. black: no
	 * pixel is above the threshold. hash: the sums are equal. match: the frame is similar enough.
	 */
	bool yes;
	bool size_changed; /* of the picture since the reference: it differs, whatever it shows */
	bool empty;	   /* no pixel of the region lies within the picture */
	double score;
	uint64_t hash[2];
	struct glint_region box; /* no width: none */
};

struct glint_machine {
	const struct glint_condition *condition; /* borrowed */
	struct glint_verdict *verdict;		 /* borrowed; the result */
	uint64_t since_ns;
	/* motion: the last frames, in a ring. */
	struct {
		bool moved;
		struct glint_frame_info info;
	} window[GLINT_MOTION_FRAMES_MAX];
	unsigned n_window, next, n_moved;
	bool has_last;
	bool paused;	  /* the source has been away since the last frame */
	uint64_t away_ns; /* frames that were complete then are from before */
};

/* @since_ns: when the client asked. */
void glint_machine_init(struct glint_machine *machine, const struct glint_condition *condition,
			struct glint_verdict *verdict, uint64_t since_ns);

/* The condition needs frames, and not only the state of the source. */
bool glint_condition_needs_frames(enum glint_condition_kind kind);
/* The condition compares each frame with an earlier one. */
bool glint_condition_compares(enum glint_condition_kind kind);

/*
 * The frame that later ones are compared with: no sample of its own, and the first frame of a run
 * that may be still.
 */
void glint_machine_refer(struct glint_machine *machine, const struct glint_frame_info *info);

void glint_machine_feed(struct glint_machine *machine, const struct glint_sample *sample);

/* What the source is; @last is its newest frame, NULL without one. */
enum glint_machine_signal {
	GLINT_SIGNAL_LIVE,
	GLINT_SIGNAL_OPENING, /* neither live nor offline: the first frame has not come yet */
	GLINT_SIGNAL_OFFLINE,
};

void glint_machine_source(struct glint_machine *machine, enum glint_machine_signal signal,
			  const struct glint_frame_info *last);

/* Check the machine's own timeouts; see glint_machine_due_ns(). */
void glint_machine_tick(struct glint_machine *machine, uint64_t now_ns);

/* Returns the time of the next timeout; UINT64_MAX: none. */
uint64_t glint_machine_due_ns(const struct glint_machine *machine);
#endif
