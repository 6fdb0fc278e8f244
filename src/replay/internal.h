/* SPDX-License-Identifier: MIT */
/*
 * Shared by the files of the replay: what is known, and under which lock.
 *
 *	replay.c	life, requests, status
 *	device.c	the system calls of the device
 *	play.c		which frame is next and when; the thread that reads the file
 */
#ifndef GLINT_REPLAY_INTERNAL_H
#define GLINT_REPLAY_INTERNAL_H

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "core/loop.h"
#include "core/replay.h"
#include "replay/picture.h"
#include "replay/track.h"
#include "v4l2/access.h"
#include "v4l2/soft_buffers.h"

#define GLINT_REPLAY_NO_BUFFER UINT_MAX

/* A frame that waits for DQBUF, and what was played before it: STREAMOFF goes back there. */
struct glint_replay_done {
	uint64_t ns;
	unsigned buffer;
	uint32_t seq, used;
	bool exposure_start, corrupt;

	bool again;		/* the present frame once more */
	bool left;		/* a request has gone elsewhere since */
	bool had_frame, jumped; /* as has_frame and jumped of the replay */
	uint8_t faults;		/* a bit for each fault that it had */
	uint32_t last_seq, last_shown_seq, skipped;
	size_t index, shown;
	uint64_t rounds;
	struct glint_replay_picture shown_picture;
};

struct glint_replay {
	struct glint_v4l2_access access;
	struct glint_loop *loop;
	char *path;
	struct glint_track track; /* frames: set by the device's thread, constant once @known */
	pthread_t thread;
	pthread_mutex_t lock; /* for all below, and never held during a read of the file */
	pthread_cond_t wake;  /* the thread: something to do */
	pthread_cond_t idle;  /* STREAMOFF and glint_replay_create(): the thread reads no file */

	/* The track's head. */
	bool opened;  /* the thread has tried to */
	int open_err; /* if it could not; then @message says why */
	char message[GLINT_TRACK_MESSAGE_MAX];

	/* The device. */
	bool known, quits;
	bool streaming, reads;
	bool filled;	  /* @held has @held_picture, of @held_bytes */
	bool signal_lost; /* DQBUF says so until the next STREAMON */
	unsigned held;	  /* buffer that the thread fills, or GLINT_REPLAY_NO_BUFFER */
	int fd;		  /* an eventfd, which polls like a device with frames; -1: closed */
	struct glint_soft_buffers buffers;
	struct glint_replay_picture held_picture;
	uint32_t held_bytes;
	bool held_damaged; /* the file could not be read: the frame is damaged, as on a bad cable */
	bool damage_logged;
	unsigned n_done;
	struct glint_replay_done done[GLINT_SOFT_BUFFERS_MAX];
	uint64_t no_signal_until_ns;

	/* What is played. */
	bool loops, paused, ended;
	bool jumped; /* @next does not follow what is shown; shown also in a pause */
	bool has_frame;
	bool cued; /* the cues of @next have begun */
	bool anchored;
	uint32_t speed_milli, steps; /* frames until a pause; 0: no such pause */
	uint32_t skipped;	     /* numbers that the drops of faults leave out */
	size_t next;		     /* index of the next frame */
	size_t shown;		     /* index */
	struct glint_replay_picture shown_picture;
	uint64_t last_ns;   /* stamp of the last frame */
	uint64_t anchor_ns; /* the frame with the stamp @anchor_clip_ns is due then */
	uint64_t anchor_clip_ns;
	uint32_t seq; /* of the last frame */
	uint32_t shown_seq;
	uint64_t asked_ahead;		      /* end of what the kernel was asked to read */
	uint32_t faults[GLINT_REPLAY_FAULTS]; /* frames that still get it */
	size_t frozen;			      /* index of the frozen pixels */
	struct glint_replay_cues cues;
	uint64_t rounds, n_shown, n_repeated, delays, delay_ns;
	uint64_t n_faults[GLINT_REPLAY_FAULTS];

	/*
	 * Requests that wait for a frame have a number; 0: the answer is known. The thread raises
	 * @settled; the loop answers all up to it.
	 */
	uint64_t number, settled;
	int settled_fd; /* eventfd: @settled has grown, or @answers has */
	struct glint_op settled_op;
	struct glint_list requests; /* that wait, in order; loop's thread only */
	struct glint_list answers;  /* requests to be answered; likewise */
	unsigned n_requests;	    /* that wait */
};

/* play.c; all with the lock. */

/* The thread's main(); @arg is the replay. */
void *glint_replay_main(void *arg);

/* All requests up to now are fulfilled. */
void glint_replay_settle(struct glint_replay *replay);

/* Likewise, unless a frame is still to come for them. */
void glint_replay_settle_if_still(struct glint_replay *replay);

/* Go to the frame with this index: it is delivered also in a pause. */
void glint_replay_go_to(struct glint_replay *replay, size_t index);

/* Likewise, as a request wants it: frames that wait for DQBUF are not played again. */
void glint_replay_leave(struct glint_replay *replay, size_t index);

/* The stream ends: go back to the first frame that DQBUF has not returned. */
void glint_replay_take_back(struct glint_replay *replay);

/* Begin a fault with the next frame. */
void glint_replay_inject(struct glint_replay *replay, enum glint_replay_fault fault,
			 uint32_t frames);

/* device.c */
extern const struct glint_v4l2_access_ops glint_replay_ops;
#endif
