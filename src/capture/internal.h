/* SPDX-License-Identifier: MIT */
/*
 * The capture from inside: its states, and the calls between its files.
 *
 *	IDLE -> STARTING -> LIVE -> STOPPING -> STARTING or OFFLINE
 *	           |                               |
 *	           +-> OFFLINE -> STARTING         +-- and so on, for ever
 *
 * In STARTING and STOPPING the device is the worker's, else it is the loop's. A
 * signal check may run beside LIVE: it reads what does not change then.
 */
#ifndef GLINT_CAPTURE_INTERNAL_H
#define GLINT_CAPTURE_INTERNAL_H

#include "capture/capture.h"
#include "capture/pool.h"
#include "capture/source.h"
#include "core/loop.h"
#include "core/workers.h"

enum glint_capture_state {
	GLINT_CAPTURE_IDLE,
	GLINT_CAPTURE_STARTING,		/* the start job waits, for the old poll's end, or runs */
	GLINT_CAPTURE_LIVE,
	GLINT_CAPTURE_STOPPING,		/* the same with the stop job */
	GLINT_CAPTURE_OFFLINE,		/* waits for a timer, an event, or a node in /dev */
};

/* As of the last job's end; the source itself may be the worker's. */
struct glint_capture_shown {
	char driver[17], card[33], bus[33];
	char path[PATH_MAX];
	struct glint_format format;
	uint32_t nominal_millihz;
	uint64_t opens;
	enum glint_memory memory;
};

/* What the present stream has seen. Loop thread. */
struct glint_capture_stream {
	uint64_t started_ns;
	uint64_t last_good_ns;		/* when a good frame came, or the stream started */
	uint64_t frames;		/* good ones */
	uint64_t last_stamp_ns;		/* the driver's, whatever it is worth */
	uint64_t taken_ns;		/* when the last frame was taken from the driver */
	uint64_t drained_ns;		/* what is not taken yet had not ended then */
	uint64_t ended_ns[2];		/* the last frame, and the one before: not before that */
	bool doubted;			/* the source may have changed: show nothing before we know */
	bool changed;			/* it has said so, and there is no other way to know */
	uint32_t width, height;		/* of the frames: JPEGs may differ from the format */
	bool size_told;			/* in the log, that they do */
};

struct glint_capture {
	struct glint_loop *loop;
	struct glint_capture_config config;
	char *device;			/* copy of config.device, or NULL */
	struct glint_capture_listener *listener;
	struct glint_workers *worker;	/* one thread */

	enum glint_capture_state state;
	bool ending;			/* destroy was called */
	struct glint_source source;
	struct glint_pool *pool;	/* of the present stream, NULL without one */
	struct glint_pool_owner owner;
	struct glint_capture_stream stream;

	struct glint_job start_job, stop_job, check_job;
	bool start_waits, stop_waits;	/* for the end of poll_op */
	bool job_runs;			/* start or stop: the device is the worker's */
	bool stop_closes;
	bool check_runs, check_again, check_deep;
	int start_err, check_err;
	int after_stop;			/* 0: start again at once; else the error to be offline with */
	uint64_t job_since_ns;		/* when the start or stop job was handed over */
	uint64_t checked_ns;		/* when the signal was last looked at */

	struct glint_op poll_op;	/* the device */
	struct glint_op timer_op;	/* outside the frame path: watchdog and retries */
	uint64_t timer_ns;		/* what timer_op is wanted for */
	struct glint_op hotplug_op;	/* nodes in /dev */
	struct glint_deferred refusal;	/* the driver did not take a buffer back */
	int refused_err;		/* why, while that is pending */
	int hotplug_fd;

	struct glint_fanout frames;
	struct glint_ledger ledger;
	struct glint_rate rate;
	enum glint_reason reason;
	int told_err;			/* the last failure in the log, so that each is told once */
	uint64_t cancelled;		/* buffers that came back without a frame, of all streams */
	uint64_t corrupt_told, cancelled_told;	/* as they are in the log */
	unsigned leased;		/* of all pools */
	uint64_t streams;
	struct glint_capture_shown shown;
	struct {
		uint32_t seq;
		uint64_t capture_ns, complete_ns;
		enum glint_clock clock;
		bool start_of_exposure;
	} last;
};

/* state.c: all transitions. */

/* The stream ends because of @err; the device is closed, and tried again. */
void glint_capture_fail(struct glint_capture *capture, int err);
/* There is no signal (@err), or another one (0): the device stays open. */
void glint_capture_lose(struct glint_capture *capture, int err);
void glint_capture_set_reason(struct glint_capture *capture, enum glint_reason reason);
/* The frames have this size from now on. */
void glint_capture_set_size(struct glint_capture *capture, uint32_t width, uint32_t height);
/* Something may have changed for the better: tries again now, but never too often. */
void glint_capture_hurry(struct glint_capture *capture);
void glint_capture_check(struct glint_capture *capture, bool deep);
void glint_capture_on_start(struct glint_job *job);
void glint_capture_on_stop(struct glint_job *job);
void glint_capture_on_check(struct glint_job *job);
void glint_capture_on_timer(struct glint_op *op, int res, uint32_t flags);
void glint_capture_begin(struct glint_capture *capture);
void glint_capture_stop(struct glint_capture *capture);
/* The poll has ended: a job may have waited for it. */
void glint_capture_polled(struct glint_capture *capture);

/* frames.c: the frame path. */
void glint_capture_on_poll(struct glint_op *op, int res, uint32_t flags);

/* hotplug.c */
void glint_hotplug_start(struct glint_capture *capture);
void glint_hotplug_on_event(struct glint_op *op, int res, uint32_t flags);
#endif
