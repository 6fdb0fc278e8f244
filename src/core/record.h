/* SPDX-License-Identifier: MIT */
/*
 * Recordings: what a client asks the flight recorder for, and what came of it. Plain data, so that
 * the server and src/record need not know one another. Loop thread only.
 */
#ifndef GLINT_CORE_RECORD_H
#define GLINT_CORE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "core/moment.h"

#define GLINT_RECORD_NAME_MAX 63u /* bytes of a recording's name, without the end */
#define GLINT_RECORDS_ACTIVE  4u  /* recordings under way at once */
#define GLINT_RECORDS_TOLD    32u /* recordings that are remembered */

/* A part of a recording: so many frames, or so much time. */
struct glint_record_span {
	bool in_frames;
	uint64_t value; /* frames, or nanoseconds */
};

/* Read "60" (frames), "2s", "500ms". -EINVAL: neither. */
int glint_record_span_parse(const char *text, struct glint_record_span *span);

/* What can start a recording without a client. */
enum glint_record_trigger {
	GLINT_RECORD_ON_SIGNAL_LOST = 1 << 0, /* the source went offline */
	GLINT_RECORD_ON_SIGNAL_BACK = 1 << 1, /* the source is live again */
	GLINT_RECORD_ON_DROP = 1 << 2,	      /* the driver has not delivered a frame */
	GLINT_RECORD_ON_CORRUPT = 1 << 3,     /* a frame is damaged */
	GLINT_RECORD_ON_FAULT = 1 << 4,	      /* of the device or of an encoder */
};

/* Read "drop,corrupt,signal-lost"; "" is none. -EINVAL: a word is not a trigger. */
int glint_record_triggers_parse(const char *text, unsigned *triggers);

/* Edges of a line of a GPIO chip that start a recording. */
enum glint_record_edge {
	GLINT_RECORD_RISING = 1 << 0,
	GLINT_RECORD_FALLING = 1 << 1,
};

/* A line of a GPIO chip. */
struct glint_record_line {
	char chip[64];	/* path; "": none */
	char line[32];	/* a number, or a name as the kernel has it */
	unsigned edges; /* GLINT_RECORD_RISING, ... */
};

/*
 * Read "gpiochip0:17" or "/dev/gpiochip0:NAME"; with @with_edge ":falling", ":both" or ":rising" may
 * follow, which is the default. -EINVAL.
 */
int glint_record_line_parse(const char *text, bool with_edge, struct glint_record_line *line);

enum glint_recording_state {
	GLINT_RECORDING_WAITING,   /* for the frame of the trigger */
	GLINT_RECORDING_RUNNING,   /* frames are still to come */
	GLINT_RECORDING_FINISHING, /* the last frames are being written */
	GLINT_RECORDING_CLOSED,	   /* the file is complete */
	GLINT_RECORDING_FAILED,
};

/* "waiting", "running", ... */
const char *glint_recording_state_name(enum glint_recording_state state);

/* What is known of a recording. */
struct glint_recording {
	char name[GLINT_RECORD_NAME_MAX + 1];
	uint64_t number;		       /* a name may come again when its files are gone */
	char file[GLINT_RECORD_NAME_MAX + 32]; /* in the folder; "" until it has this name */
	enum glint_recording_state state;
	const char *trigger; /* a constant: "command", "drop", ... */
	const char *ended;   /* a constant: "post", "stopped", ...; "" while under way */
	int err;	     /* why it has failed; 0: it has not */
	unsigned triggers;   /* how many have made it longer, with the first */
	uint64_t moment_ns;  /* that was asked for */
	bool has_frame;	     /* the members below are set */
	uint32_t trigger_seq, first_seq, last_seq;
	uint64_t frames, before; /* all, and those before the trigger's frame */
	bool shortened;		 /* the ring did not hold all frames before the trigger */
	uint64_t dropped, corrupt, lost, skipped;
	uint64_t bytes;
	uint64_t begun_ns, last_frame_ns, closed_ns; /* CLOCK_MONOTONIC; 0: not yet */
};

/* What a request waits for. */
enum glint_record_until {
	GLINT_RECORD_ACCEPTED, /* the trigger is taken: the moment, and a name */
	GLINT_RECORD_OPEN,     /* frame 0 is there, and the file is open */
	GLINT_RECORD_COMPLETE, /* the file has its name */
};

/* A request for a recording; in the memory of the caller. */
struct glint_record_request {
	char name[GLINT_RECORD_NAME_MAX + 1]; /* "": the recorder chooses */
	bool has_pre, has_post;		      /* else those of the options */
	struct glint_record_span pre, post;
	struct glint_moment at;	       /* MARK has been looked up, and is a TIME */
	uint64_t now_ns;	       /* when the client asked */
	const char *trigger;	       /* a constant, such as "command" */
	enum glint_record_until until; /* done() waits for it */
	/*
	 * From the loop's top level, once. @recording NULL: refused, with @reason and @message; the
	 * recording is borrowed for the call.
	 */
	void (*done)(struct glint_record_request *request, const struct glint_recording *recording);
	bool extended; /* another trigger's recording has been made longer */
	/* A refusal, as an HTTP status, a word and a sentence; constants. */
	unsigned status;
	const char *reason, *message;

	struct glint_list link; /* private to the recorder */
	void *recording;	/* likewise */
	uint64_t number;	/* likewise; of its recording */
};

#endif
