/* SPDX-License-Identifier: MIT */
/*
 * The M2M backend from inside. The encoder's frames become jobs of the device's thread;
 * a job keeps its frame until the device has let go of it, also when somebody else does
 * the frame meanwhile. All of this is the loop's thread.
 *
 *	FRESH -> STARTING -> RUNNING -> CLOSING -> FRESH		(nothing to do for long)
 *	            |           |
 *	            +-----------+-> STOPPING -> RESTING -> PROBING -> RUNNING
 *	                               ^                      |
 *	                               +----------------------+
 */
#ifndef GLINT_ENCODE_M2M_INTERNAL_H
#define GLINT_ENCODE_M2M_INTERNAL_H

#include "core/loop.h"
#include "encode/backend.h"
#include "encode/m2m_health.h"
#include "encode/m2m_thread.h"
#include "encode/pictures.h"
#include "v4l2/partner.h"

#define GLINT_M2M_DEPTH 2	/* frames in the encoder: one is read, one waits, so it never idles */

enum glint_m2m_state {
	GLINT_M2M_FRESH,	/* not tried with this stream */
	GLINT_M2M_STARTING,	/* its first frame waits for it */
	GLINT_M2M_RUNNING,
	GLINT_M2M_CLOSING,	/* frames wait until it can be opened again */
	GLINT_M2M_STOPPING,	/* quarantined: until the thread has come back */
	GLINT_M2M_RESTING,	/* quarantined, or there is none: until the time is up */
	GLINT_M2M_PROBING,	/* one frame for trial; others have it, too */
};

struct glint_m2m_task {
	struct glint_frame *src;	/* NULL: free; referenced until the device lets go of it */
	struct glint_work *work;	/* NULL: for trial, or given up */
	bool trial;
	bool ordered;			/* the thread has it */
	uint64_t begin_ns;		/* when it was handed over */
	uint64_t ordered_ns;		/* when the session that it had to wait for was there */
	uint64_t due_ns,
		limit_ns; /* how long it may take: for its reader, for the encoder's good name */
	bool late;			/* somebody else does the frame meanwhile */
	bool alone;			/* nobody else can */
};

struct glint_m2m_backend {
	struct glint_backend backend;
	struct glint_m2m_thread *thread;
	struct glint_m2m_listener listener;
	struct glint_m2m_outputs_owner owner;
	struct glint_partner partner;
	struct glint_m2m_outputs *outputs;	/* of the present session */

	enum glint_m2m_state state;
	struct glint_m2m_setup setup;
	struct glint_m2m_started started;	/* the last that went well, for /state */
	uint64_t stream;			/* that the session is, or was last, for */
	bool refused;				/* this stream's memory cannot be imported after all */
	struct glint_m2m_task tasks[GLINT_M2M_DEPTH];
	struct glint_m2m_health health;

	struct glint_op timer_op;	/* the oldest task's deadline */
	uint64_t timer_ns;		/* when it is wanted; 0: not */
	uint64_t armed_ns;
	uint64_t last_end_ns;		/* of a task */
	uint64_t retry_ns;		/* RESTING; UINT64_MAX: not before the next stream */
	uint64_t stop_ns;		/* when STOPPING began */
	bool stuck_told;
	bool ending;
	uint64_t faults, probes, late;
	const char *reason;		/* why it is not used; "" */
	bool unsuited;			/* the last frame was not for it */
	bool absent;			/* there is none that suits */
	bool seen;			/* it has worked before */
};

static inline struct glint_m2m_backend *glint_m2m_backend_of(struct glint_backend *backend)
{
	return container_of(backend, struct glint_m2m_backend, backend);
}

/* m2m_tasks.c */
unsigned glint_m2m_tasks_busy(const struct glint_m2m_backend *m2m);
bool glint_m2m_is_late(const struct glint_m2m_backend *m2m);
/* Starts a session for @src's stream with it as the first task; @work is NULL for a trial. */
void glint_m2m_begin_session(struct glint_m2m_backend *m2m, struct glint_frame *src,
			     struct glint_work *work);
void glint_m2m_begin_task(struct glint_m2m_backend *m2m, struct glint_work *work);
extern const struct glint_m2m_listener glint_m2m_task_listener;

/* m2m_quarantine.c */
void glint_m2m_watch(struct glint_m2m_backend *m2m);
void glint_m2m_on_timer(struct glint_op *op, int res, uint32_t flags);
/* It has failed with @err: what it was to do is done by others, and it rests. */
void glint_m2m_quarantine(struct glint_m2m_backend *m2m, int err);
/* There is none for such frames. */
void glint_m2m_miss(struct glint_m2m_backend *m2m, const struct glint_m2m_found *found);
void glint_m2m_recovered(struct glint_m2m_backend *m2m);
#endif
