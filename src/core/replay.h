/* SPDX-License-Identifier: MIT */
/*
 * A recording that is played as the source: what a client asks for, and what is played. Plain data,
 * so that the server and src/replay need not know one another. Loop thread only.
 */
#ifndef GLINT_CORE_REPLAY_H
#define GLINT_CORE_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

#define GLINT_CLIP_DEVICE "clip:" /* begins the name of a device that is a recording */

#define GLINT_REPLAY_REQUESTS_MAX 32u	   /* that wait at once */
#define GLINT_REPLAY_STEPS_MAX	  1000000u /* frames of one request */

enum glint_replay_fault {
	GLINT_REPLAY_FREEZE,  /* time goes on, the picture does not */
	GLINT_REPLAY_DROP,    /* numbered, but not delivered */
	GLINT_REPLAY_TEAR,    /* the lower half is that of the frame before */
	GLINT_REPLAY_NOISE,   /* some bytes of the frame are random */
	GLINT_REPLAY_CORRUPT, /* marked as damaged */
	GLINT_REPLAY_SIGNAL,  /* no signal for so many frame times */
	GLINT_REPLAY_FAULTS,
};

enum glint_replay_action {
	GLINT_REPLAY_PLAY,
	GLINT_REPLAY_PAUSE,
	GLINT_REPLAY_STEP, /* play @frames frames, and pause */
	GLINT_REPLAY_SEEK, /* go to frame @n; play or pause as before */
	GLINT_REPLAY_INJECT,
};

enum glint_replay_state {
	GLINT_REPLAY_PLAYING,
	GLINT_REPLAY_PAUSED, /* shows one frame again and again */
	GLINT_REPLAY_ENDED,  /* shows the last frame again and again */
};

/* What is played. Texts are borrowed for as long as the replay lives. */
struct glint_replay_status {
	const char *file;   /* path */
	const char *name;   /* of the clip */
	const char *device; /* that the clip was recorded from */
	const char *trigger;
	uint64_t recorded_ns; /* CLOCK_REALTIME of the first frame; 0: unknown */
	bool finished;	      /* else its recorder was killed */
	bool known;	      /* the members below are: the clip has been read once */
	uint64_t frames;      /* in the clip */
	uint64_t missing;     /* between them */
	const char *damaged; /* how many frames of the clip can be read, and where it ends; or NULL */
	int64_t first_n, last_n; /* numbers, counted from the trigger's frame */
	enum glint_replay_state state;
	bool has_frame;		   /* the five below are set: a frame was delivered */
	int64_t n;		   /* of the frame that is shown */
	uint64_t clip_stream;	   /* the stream in which it was recorded */
	uint32_t clip_seq;	   /* its number in that stream */
	uint64_t clip_ns;	   /* its stamp then */
	uint32_t seq;		   /* its first number as a frame of this source */
	uint32_t speed_milli;	   /* 1000: as recorded; 0: as fast as frames are taken */
	bool loop;		   /* begin again at the end */
	uint64_t rounds;	   /* begun again so often */
	uint64_t shown, repeated;  /* frames delivered: of the clip; the same one again */
	uint64_t delays, delay_ns; /* the replay has waited for the disk or for a buffer */
	uint64_t faults[GLINT_REPLAY_FAULTS]; /* frames or frame times that had each fault */
};

/* A request; in the memory of the caller until done(), or until it is forgotten. */
struct glint_replay_request {
	enum glint_replay_action action;
	uint32_t frames; /* of STEP and INJECT */
	int64_t n;	 /* of SEEK */
	enum glint_replay_fault fault;
	bool sets_speed, sets_loop; /* of PLAY */
	uint32_t speed_milli;
	bool loop;
	/*
	 * From the loop's top level, once: the frame that was asked for is shown. @err: 0; -ENOENT:
	 * the clip has no such frame; -EUSERS: too many requests wait. Only STEP and SEEK get that.
	 */
	void (*done)(struct glint_replay_request *request, int err);

	struct glint_list link; /* private to the replay */
	uint64_t number;	/* likewise */
	int err;		/* likewise */
};

/* "freeze", "drop", ... */
const char *glint_replay_fault_name(enum glint_replay_fault fault);

/* "playing", "paused", "ended". */
const char *glint_replay_state_name(enum glint_replay_state state);

/* Read "1", "0.25", "20", "max". -EINVAL: not within 0.01 to 100. */
int glint_replay_speed_parse(const char *text, uint32_t *speed_milli);

/* A fault that begins whenever frame @n is played. */
struct glint_replay_cue {
	int64_t n;
	enum glint_replay_fault fault;
	uint32_t frames;
};

#define GLINT_REPLAY_CUES_MAX 64u

struct glint_replay_cues {
	size_t n;
	struct glint_replay_cue list[GLINT_REPLAY_CUES_MAX];
};

/* Read "drop@120:3,freeze@-5". -EINVAL: cannot be read; -E2BIG: too many. */
int glint_replay_cues_parse(const char *text, struct glint_replay_cues *cues);
#endif
