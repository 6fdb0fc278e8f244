/* SPDX-License-Identifier: MIT */
/*
 * The M2M backend from inside: backend.c and watchdog.c. Frames become tasks of the device's
 * thread. A task keeps its frame until the device releases the memory, even after another
 * backend has taken over the frame. Loop thread only.
 *
 *	FRESH -> STARTING -> RUNNING -> CLOSING -> FRESH		(idle for 5 s)
 *	            |           |
 *	            +-----------+-> STOPPING -> RESTING -> PROBING -> RUNNING
 *	                               ^                      |
 *	                               +----------------------+
 */
#ifndef GLINT_ENCODE_M2M_INTERNAL_H
#define GLINT_ENCODE_M2M_INTERNAL_H

#include "core/alarm.h"
#include "core/loop.h"
#include "encode/backend.h"
#include "encode/m2m/thread.h"
#include "encode/m2m/watchdog.h"
#include "encode/packet_pool.h"
#include "v4l2/downstream.h"

#define GLINT_M2M_DEPTH 2 /* frames in the device: while it reads one, the next one is queued */

enum glint_m2m_state {
	GLINT_M2M_FRESH,    /* not tried with this stream yet */
	GLINT_M2M_STARTING, /* the first frame waits for the session */
	GLINT_M2M_RUNNING,
	GLINT_M2M_CLOSING,  /* frames wait until the device can be opened again */
	GLINT_M2M_STOPPING, /* quarantined, until the thread has stopped the session */
	GLINT_M2M_RESTING,  /* quarantined, or no encoder found, until retry_ns */
	GLINT_M2M_PROBING,  /* one trial frame, which another backend encodes as well */
};

struct glint_m2m_task {
	struct glint_frame *src;       /* NULL: free; referenced until the device releases it */
	struct glint_encoder_job *job; /* NULL: a trial, or another backend has the frame */
	bool trial;
	bool ordered;	     /* handed to the thread */
	uint64_t begin_ns;   /* when the backend got the frame */
	uint64_t ordered_ns; /* when the thread got it: later, if a session had to start */
	uint64_t due_ns;     /* duration after which another backend takes over the frame */
	uint64_t limit_ns;   /* duration after which the encoder has failed */
	bool late;	     /* another backend has taken over the frame */
	bool alone;	     /* no other backend can */
};

struct glint_m2m_backend {
	struct glint_encoder_backend backend;
	struct glint_m2m_thread *thread;
	struct glint_m2m_listener listener;
	struct glint_m2m_outputs_owner owner;
	struct glint_downstream downstream;
	struct glint_m2m_outputs *outputs; /* of the present session */

	enum glint_m2m_state state;
	struct glint_m2m_setup setup;
	struct glint_m2m_started started; /* the last successful one, for /state */
	uint64_t stream;		  /* of the present or the last session */
	bool refused;			  /* this stream's memory could not be imported */
	struct glint_m2m_task tasks[GLINT_M2M_DEPTH];
	struct glint_m2m_health health;

	struct glint_alarm alarm; /* see watchdog.c */
	uint64_t last_end_ns;	  /* of a task */
	uint64_t retry_ns;	  /* end of RESTING; UINT64_MAX: the next stream */
	uint64_t stop_ns;	  /* when STOPPING began */
	bool stuck_logged;
	bool ending;
	uint64_t faults, probes, late;
	const char *reason; /* why the device is not used, static; "" */
	bool unsuited;	    /* the last frame cannot be encoded by any M2M device */
	bool absent;	    /* no usable encoder was found */
	bool seen;	    /* a job has succeeded before */
	unsigned tuned;	    /* quality that the session was told last */
	bool tune_runs;	    /* the thread sets @tune_quality */
	unsigned tune_quality;
	struct glint_prepare *prepare; /* waits for that; or NULL */
};

static inline struct glint_m2m_backend *glint_m2m_backend_of(struct glint_encoder_backend *backend)
{
	return container_of(backend, struct glint_m2m_backend, backend);
}

/* backend.c: how many tasks the device has. */
unsigned glint_m2m_tasks_busy(const struct glint_m2m_backend *m2m);

/* watchdog.c */

/* Set the alarm to the next deadline. */
void glint_m2m_watch(struct glint_m2m_backend *m2m);
void glint_m2m_on_alarm(struct glint_alarm *alarm);

/* The encoder has failed with @err: return its frames to other backends, and rest. */
void glint_m2m_quarantine(struct glint_m2m_backend *m2m, int err);

/* No node encodes such frames; @found is the nearest miss. */
void glint_m2m_miss(struct glint_m2m_backend *m2m, const struct glint_m2m_found *found);

/* The first job of a session has succeeded. */
void glint_m2m_recovered(struct glint_m2m_backend *m2m);
#endif
