/* SPDX-License-Identifier: MIT */
/*
 * Shared by the files of the judge: what is known. The loop's thread has all of it, but for what the
 * workers borrow while a frame is being judged.
 *
 *	judge.c		frames, meters, life, figures
 *	pass.c		one frame: which pixels are read, and what is compared; also on the workers
 *	waits.c		waits, from the request to the answer
 */
#ifndef GLINT_JUDGE_INTERNAL_H
#define GLINT_JUDGE_INTERNAL_H

#include <stdatomic.h>

#include "core/alarm.h"
#include "core/fanout.h"
#include "core/stats.h"
#include "core/workers.h"
#include "judge/cover.h"
#include "judge/judge.h"
#include "judge/machine.h"
#include "judge/meter.h"
#include "judge/plate.h"
#include "pixels/pixels.h"

/* The frame that is being judged, and two that meters compare with. */
#define GLINT_JUDGE_PLATES 3u

#define GLINT_JUDGE_WORKERS_MAX 4u
#define GLINT_JUDGE_LANES_MAX                                                                      \
	(GLINT_JUDGE_WORKERS_MAX + 1) /* of the workers and the loop's thread */

struct glint_judged;
struct glint_reading;

/* One condition of a wait. */
struct glint_watch {
	struct glint_list link; /* in its meter, if it needs one */
	struct glint_judged *judged;
	struct glint_meter *meter;     /* NULL: the source's state decides, or not decoded yet */
	struct glint_reading *reading; /* match: until the reference is decoded */
	struct glint_machine machine;
};

/* A wait under way. */
struct glint_judged {
	struct glint_wait *wait;
	bool changed;	   /* a condition has changed since the last glint_judge_evaluate() */
	bool needs_frames; /* counted in n_need_frames */
	unsigned n;
	struct glint_watch watches[];
};

/* A reference picture from a client, before it is a meter's. */
struct glint_reading {
	struct glint_list link; /* of those that are not being decoded yet */
	struct glint_job job;
	struct glint_judge *judge;
	struct glint_watch *watch;   /* NULL: the wait has ended */
	struct glint_condition what; /* with the bytes */
	size_t room;		     /* bytes that the result may need */
	struct glint_match *match;   /* the result */
	int err;
};

/* A kind of pixels at one scale, read once for all meters. Lines and columns are reduced ones. */
struct glint_canvas {
	enum glint_pixels_kind kind;
	unsigned scale;
	unsigned bytes;		   /* a pixel */
	struct glint_plate *plate; /* of the frame that is being judged; NULL: no meter needs it */
	struct glint_plate plates[GLINT_JUDGE_PLATES];
	struct glint_distances distances[GLINT_JUDGE_LANES_MAX][GLINT_JUDGE_PLATES]; /* of grey */
	bool fresh; /* the plates' pages were not touched yet */
	struct glint_cover cover;
};

enum { GLINT_JUDGE_CANVAS_GREY, GLINT_JUDGE_CANVAS_BGR, GLINT_JUDGE_CANVAS_KINDS };

#define GLINT_JUDGE_SCALES   4u /* 1, 2, 4, 8 */
#define GLINT_JUDGE_CANVASES (GLINT_JUDGE_CANVAS_KINDS * GLINT_JUDGE_SCALES)

struct glint_judge {
	struct glint_loop *loop;
	struct glint_judge_config config;
	struct glint_fanout *frames;
	struct glint_sink sink;
	/* While any wait is pending: it takes no frames, but the device runs. */
	struct glint_sink awake;
	struct glint_workers *workers; /* NULL before the first wait */
	const struct glint_judge_kernels *kernels;
	struct glint_alarm alarm; /* the next timeout of a wait */
	struct glint_alarm idle;  /* frees the memory for frames */
	struct glint_deferred settle;

	struct glint_workers *readers; /* one thread; NULL: no reference was decoded yet */
	struct glint_list readings;    /* waiting for the thread */
	struct glint_reading *reading; /* being decoded; or NULL */

	struct glint_list waits;	 /* pending */
	struct glint_list ended;	 /* waits whose done() is to be called */
	unsigned n_waits, n_need_frames; /* pending; of these, how many need frames */

	struct glint_list joining;     /* meters that have judged no frame yet */
	struct glint_list meters;      /* in use; do not change while a frame is being judged */
	uint32_t width, height;	       /* of the pictures that the meters are placed for */
	struct glint_canvas *canvases; /* GLINT_JUDGE_CANVASES of them; NULL before the first wait */
	unsigned n_lanes;
	uint64_t *scratch;    /* of one lane behind the other */
	bool cover_stale;     /* meters have come, moved, or lost their last watch */
	uint32_t top, bottom; /* the lines that any meter needs */
	size_t cover_bytes;   /* of all pixels that are read of a frame */
	uint64_t end_work;    /* of all meters, see glint_meter_end_work() */
	size_t bytes;	      /* of all meters, and of pictures before they are decoded */

	struct glint_frame *frame;	   /* being judged; NULL: none */
	struct glint_pixels_rules rules;   /* for reading @frame */
	struct glint_convert *convert;	   /* of a format that glint cannot read; or NULL */
	struct glint_format converts;	   /* what @convert takes */
	struct glint_pixels_source source; /* of @frame */
	/* The frame is prepared on a worker if that takes long; then its parts are judged. */
	struct glint_job prepare, parts;
	unsigned n_parts;
	atomic_uint parts_left;
	atomic_uint free_lanes; /* a bit each */
	atomic_int job_err;	/* of any part */
	struct glint_frame *queue[GLINT_JUDGE_QUEUE];
	unsigned n_queue;

	uint64_t n_frames; /* that were read */
	uint64_t begun, met, timed_out, refused, cancelled;
	uint64_t judged, missed, failed; /* frames */
	uint64_t passes;
	bool failure_logged;
	struct glint_histogram latency; /* from the deciding frame to the answer */
};

/* judge.c */

/* Allocate what the first wait needs. What was allocated stays after a failure. */
int glint_judge_prepare(struct glint_judge *judge);

/*
 * Free the memory of waits that have ended. The memory for frames stays for a while when no wait
 * is left: a script waits again and again. Not while a caller iterates over the meters.
 */
void glint_judge_free_unused(struct glint_judge *judge);

void glint_judge_drop_queue(struct glint_judge *judge);

/* pass.c */

/* The jobs of a frame: prepare and parts. */
void glint_judge_pass_init(struct glint_judge *judge);

/* The canvas whose pixels @meter needs. */
struct glint_canvas *glint_canvas_of(struct glint_judge *judge, const struct glint_meter *meter);

bool glint_canvas_has_plates(const struct glint_canvas *canvas);
int glint_canvas_allocate(struct glint_canvas *canvas, unsigned n_lanes, uint32_t width,
			  uint32_t height);
/* No meter refers to a plate of @canvas. */
void glint_canvas_drop(struct glint_canvas *canvas);

/* Make the converter for @format, if it takes one. */
int glint_judge_convert(struct glint_judge *judge, const struct glint_format *format);

/* Whether glint_judge_prepare_frame() takes longer than the loop's thread should. */
bool glint_judge_prepares_long(struct glint_judge *judge);

/* All that has to be done before parts of the frame can be judged. */
void glint_judge_prepare_frame(struct glint_judge *judge);

/* waits.c */

extern const char glint_judge_no_room[], glint_judge_outside[]; /* messages of refusals */

/* Prepare the lists of waits, and what ends them: the alarm and the deferred call. */
void glint_judge_waits_init(struct glint_judge *judge);

void glint_wait_refuse(struct glint_wait *wait, unsigned status, const char *reason,
		       const char *message);

/* The result is final; done() is called from the loop's top level. */
void glint_wait_end(struct glint_judge *judge, struct glint_wait *wait,
		    enum glint_wait_outcome outcome);

/*
 * End the waits that are decided, and set the alarm for the others. Not while a caller iterates over
 * the meters.
 */
void glint_judge_evaluate(struct glint_judge *judge);

/* Call done() of waits that have ended. From the loop's top level. */
void glint_judge_call_done(struct glint_judge *judge);

/* Likewise, but in the loop's next round: any code may ask for that. */
void glint_judge_settle_later(struct glint_judge *judge);
#endif
