/* SPDX-License-Identifier: MIT */
/*
 * Shared by the files of the recorder: what is known, all of it the loop's thread's.
 *
 *	recorder.c	life, figures
 *	frames.c	the ring: which frames are kept, and where
 *	recordings.c	triggers, and what is written for each of them
 */
#ifndef GLINT_RECORD_INTERNAL_H
#define GLINT_RECORD_INTERNAL_H

#include "core/alarm.h"
#include "core/fanout.h"
#include "mem/loan.h"
#include "record/gpio.h"
#include "record/recorder.h"
#include "record/writer.h"

#define GLINT_RECORD_FORMATS   8u /* of frames in the ring; older ones cannot be recorded */
#define GLINT_RECORD_LATER_MAX 4u /* triggers that make one recording longer */

/* A trigger that makes a recording longer, while the trigger's own frame is still to come. */
struct glint_record_later {
	struct glint_moment at;
	struct glint_record_span post;
	uint64_t until_ns; /* after that, the trigger is given up */
};

/* A recording under way. */
struct glint_record_running {
	struct glint_recording info;
	bool used;
	bool open;   /* the thread has the job */
	bool opened; /* the file is there */
	struct glint_record_job job;
	struct glint_list requests; /* whose done() waits for the end */
	struct glint_moment at;	    /* while the frame of the trigger is unknown */
	struct glint_record_span pre, post;
	uint32_t format;
	struct glint_record_later later[GLINT_RECORD_LATER_MAX];
	unsigned n_later;
	bool gave_up;		    /* a trigger's own frame has not come in time */
	uint64_t first_exposure_ns; /* of the recording's first frame */
	uint64_t end_position;	    /* the last one; UINT64_MAX: by time */
	uint64_t end_ns;	    /* capture_ns of the last frame; UINT64_MAX: by position */
	uint64_t last_position;
	uint64_t accounted; /* entries below are counted as recorded */
	/* Of those that are in the file. */
	bool has_recorded;
	uint32_t recorded_first, recorded_last; /* sequence numbers */
};

enum glint_recorder_state { GLINT_RECORDER_PREPARING, GLINT_RECORDER_READY, GLINT_RECORDER_FAILED };

struct glint_recorder {
	struct glint_loop *loop;
	struct glint_recorder_config config;
	struct glint_fanout *frames;
	struct glint_sink sink;
	struct glint_writer *writer;
	struct glint_writer_listener listener;
	enum glint_recorder_state state;
	uint64_t ready_ns;		/* when the first frame could come */
	struct glint_record_ring *ring; /* of the memory */
	struct glint_record_ring *disk; /* NULL: none */
	struct glint_record_ring
		*index; /* the one that triggers look into, which is @disk if there is one */
	struct glint_loan *memory;
	struct glint_lender lender;
	struct glint_frame **held; /* by entry: the frame that the entry is; NULL: a copy */
	struct glint_alarm alarm;  /* ends recordings that get no frames */
	struct glint_deferred settle;
	struct glint_list answers; /* requests whose done() is to be called */

	struct glint_gpio *gpio;
	struct glint_gpio_listener edges;
	struct glint_gpio_out *out;

	struct glint_recorder_source source;
	char device[256];
	bool was_online; /* at any time */

	/* The frame before. */
	uint64_t stream, position;
	uint32_t seq;
	bool has_frame;
	uint64_t delay_ns; /* of the newest frame, from its stamp until it was kept */
	/* Of the newest frame that has left the memory. */
	uint64_t gone_stream, gone_exposure_ns;
	uint32_t gone_seq;
	struct glint_clip_gap gap; /* missing since the newest entry of the ring */
	uint32_t format;	   /* the number of the newest frame's */
	struct glint_clip_head formats[GLINT_RECORD_FORMATS];

	struct glint_record_running recordings[GLINT_RECORDS_ACTIVE];
	unsigned n_active;
	uint64_t n_begun;
	struct glint_recording told[GLINT_RECORDS_TOLD]; /* ended ones */
	uint64_t n_told;
	const char *fired;	      /* a trigger of this frame; NULL: none */
	uint64_t kicked_ns, unkicked; /* bytes since then */

	uint64_t seen, recorded, lost, passed; /* frames */
	uint64_t dropped, corrupt, skipped;    /* that were not seen */
	uint64_t copied;		       /* frames */
	uint64_t in_files;		       /* frames of @index that are in a file */
	uint64_t closed, failed, refused;      /* recordings, and requests */
	uint64_t lost_told_ns, lost_told;
	bool unreadable_logged, too_small_logged;
	bool ready_told;
	bool ending;
};

/* frames.c */

/* Receive frames, and lend the memory. */
void glint_record_frames_init(struct glint_recorder *recorder);

/* Wake the writer's thread. */
void glint_record_kick(struct glint_recorder *recorder);

/* recordings.c */

/* Receive what the writer and the lines tell. */
void glint_recordings_init(struct glint_recorder *recorder);

/* Entries from the result on are needed by a recording. */
uint64_t glint_recordings_needed(struct glint_recorder *recorder);

/* After a frame was kept or lost. */
void glint_recordings_serve(struct glint_recorder *recorder, bool kept);

/* Whether the newest entry of the ring was given to a recording. */
bool glint_recordings_have_newest(const struct glint_recorder *recorder);

/* End those that get no frames, or are complete by time. */
void glint_recordings_check(struct glint_recorder *recorder);

/* The service ends: nothing is answered any more. */
void glint_recordings_end(struct glint_recorder *recorder);
#endif
