/* SPDX-License-Identifier: MIT */
/*
 * Shared by the capture's files: its states, and the calls between the files.
 *
 *	IDLE -> STARTING -> LIVE -> STOPPING -> STARTING or OFFLINE
 *	           |                               |
 *	           +-> OFFLINE -> STARTING         +-> and so on, for ever
 *
 * In STARTING and STOPPING the device's thread owns the device, else the loop owns it. During LIVE
 * the device's thread may run a signal check, which reads only members that do not change in LIVE.
 */
#ifndef GLINT_CAPTURE_INTERNAL_H
#define GLINT_CAPTURE_INTERNAL_H

#include "capture/capture.h"
#include "capture/device_job.h"
#include "capture/fields.h"
#include "capture/pool.h"
#include "capture/source.h"
#include "core/alarm.h"
#include "core/loop.h"
#include "core/workers.h"

enum glint_capture_state {
	GLINT_CAPTURE_IDLE,
	GLINT_CAPTURE_STARTING, /* the start job runs, or waits for the old poll to end */
	GLINT_CAPTURE_LIVE,
	GLINT_CAPTURE_STOPPING, /* the stop job runs, or waits for the old poll to end */
	GLINT_CAPTURE_OFFLINE,	/* waits for the alarm, an event, or a node in /dev */
};

/* Copied from the source when a job ends: while a job runs, its thread owns the source. */
struct glint_capture_shown {
	struct glint_identity identity;
	char path[PATH_MAX];
	char message[GLINT_SOURCE_MESSAGE_MAX];
	struct glint_format format; /* of the frames */
	enum glint_field field;	    /* of the buffers */
	uint32_t nominal_millihz;
	struct glint_timings timings; /* width 0: none */
	uint32_t input;
	uint64_t standard; /* v4l2_std_id; 0: none */
	uint64_t opens;
	enum glint_memory memory;
	const char *loan_reason; /* NULL: no stream yet */
	struct glint_media_shown media;
};

/* The state of the present stream. Loop thread. */
struct glint_capture_stream {
	uint64_t started_ns;
	uint64_t last_good_ns;	/* time of the last good frame, or of the start */
	uint64_t frames;	/* number of good frames */
	uint64_t last_stamp_ns; /* the driver's last stamp, even if it is implausible */
	uint64_t taken_ns;	/* time at which the last frame was dequeued */
	uint64_t drained_ns;	/* the driver's queue was empty then */
	uint64_t ended_ns[2];	/* earliest end of the last frame, and of the frame before */
	bool doubted;		/* the source may have changed: push nothing until the check */
	bool changed;		/* the driver has reported a change of the source */
	uint32_t width, height; /* of the frames; JPEGs may differ from the format */
	bool size_logged;	/* the difference is logged once */
	uint64_t cold_frames, cold_until_ns; /* of the warm-up: to come, and its end */
};

/* A frame of which one field has arrived. */
struct glint_half {
	bool begun;		   /* the ledger has entered it */
	bool good;		   /* no part is damaged so far */
	struct glint_frame *first; /* the buffer of the field; or NULL */
	struct glint_frame_info info;
};

/* See capture/device_job.h. */
struct glint_device_jobs {
	struct glint_list waiting;
	struct glint_device_job *running; /* @runner has it; or NULL */
	struct glint_job runner;
	struct glint_deferred next; /* begins the first waiting job */
	struct glint_alarm alarm;
	uint64_t pause_until_ns;
	bool overdue;	    /* the running job has not returned in time */
	unsigned n_clients; /* jobs of clients, waiting or running */
	uint64_t ran, refused, timed_out;
	struct glint_histogram took; /* time in the driver */
};

/* See idle.c. */
struct glint_idle {
	bool paused; /* in the state IDLE until frames are wanted */
	uint64_t stops;
	struct glint_deferred look; /* at what is wanted */
	struct glint_alarm linger;  /* after the last reader */
};

/* Settings of the stream that the device is asked for; see trial.c. */
struct glint_trial {
	struct glint_device_job check;
	bool check_runs;	       /* the device's thread may read @wanted */
	bool waits;		       /* the next start tries the configuration of the capture */
	bool runs;		       /* the start job that runs tries it */
	bool cancelled;		       /* what that job finds out does not count any more */
	struct glint_prepare *prepare; /* waits for the answer; NULL: none */
	struct glint_capture_config wanted, before;
	int err; /* of a start job: why the device refuses; 0: it does not */
	char message[512];
};

struct glint_capture {
	struct glint_loop *loop;
	struct glint_capture_config config;	/* the current one */
	struct glint_capture_config job_config; /* copy for the last start or stop job */
	char *device;				/* copy of config.device, or NULL */
	char *media_device, *media_entity;	/* likewise */
	struct glint_capture_listener *listener;
	struct glint_workers *worker; /* one thread */

	enum glint_capture_state state;
	bool ending; /* destroy was called */
	struct glint_source source;
	struct glint_pool *pool; /* of the present stream, NULL without one */
	struct glint_pool_owner owner;
	struct glint_fields *fields; /* NULL: the buffers have the frames that readers get */
	struct glint_half half;
	struct glint_fields_owner fields_owner;
	struct glint_pool_owner buffers_owner; /* of the pool, while there are @fields */
	struct glint_workers *copier;	       /* thread for @fields; NULL before it is needed */
	struct glint_lender *lender;	       /* borrowed; or NULL */
	bool loan_refused; /* @refused_format does not suit the lender's memory */
	struct glint_format refused_format;
	struct glint_capture_stream stream;

	struct glint_job start_job, stop_job, check_job;
	struct glint_device_jobs jobs;
	bool start_waits, stop_waits; /* the job waits for poll_op to end */
	bool job_runs;		      /* a start or stop job: the device's thread owns the device */
	bool stop_closes;
	bool check_runs, check_again, check_deep;
	bool watch_runs, tune_runs;
	bool watch_ran;	  /* @watch has asked the device */
	bool looks_again; /* the watchdog saw no frame, and rings once more before it says so */
	int start_err, check_err;
	struct glint_device_job watch;		/* subscribes to changes of controls */
	uint64_t watched_open;			/* the opening of the device that is watched */
	struct glint_control_list watched;	/* the controls of that device: names and ids */
	struct glint_control_list watched_next; /* of @watch, while it runs */
	uint64_t changed_by_others;
	struct glint_device_job tune;  /* sets the JPEG quality */
	struct glint_format colours;   /* as the last deep check found them */
	struct glint_prepare *prepare; /* waits for @tune; or NULL */
	unsigned tune_quality;	       /* JPEG quality that @tune sets */
	unsigned tuned;		       /* JPEG quality that the device has */
	int tune_err;
	int colours_err; /* of the last deep check; 0: @colours are those of the signal */
	struct glint_trial trial;
	struct glint_idle idle;
	uint64_t began_ns;	 /* of the start that is under way; 0: none */
	uint64_t first_frame_ns; /* from the last start to its first live frame; 0: none */
	struct glint_histogram first_frame; /* likewise, of all starts */
	int after_stop;	       /* 0: start again at once; 1: pause; else why to go offline */
	uint64_t job_since_ns; /* start of the start or stop job, or of the wait for it */
	uint64_t checked_ns;   /* time of the last signal check */

	struct glint_op poll_op;       /* poll of the device */
	struct glint_op receiver_op;   /* poll of its receiver, if that is a subdevice */
	struct glint_alarm alarm;      /* watchdog and retries */
	struct glint_op hotplug_op;    /* poll of @hotplug_fd */
	struct glint_deferred refusal; /* the driver has refused a buffer */
	int refused_err;	       /* the driver's error, while @refusal is pending */
	int hotplug_fd;

	struct glint_fanout frames; /* the newest of each wakeup */
	struct glint_fanout all;    /* every good one */
	struct glint_fanout looks; /* the newest of each wakeup, also if its content is no source's */
	struct glint_ledger ledger;
	struct glint_rate rate;
	struct glint_histogram dequeue; /* from the complete frame to its DQBUF */
	enum glint_reason reason;
	enum glint_reason judged; /* what the content means: CARD, BLACK, FROZEN or NONE */
	int logged_err;		  /* the last failure in the log; each failure is logged once */
	bool start_logged;	  /* after that failure; a start that does not help is no news */
	uint64_t cancelled;	  /* buffers that came back without a frame, of all streams */
	uint64_t corrupt_logged, cancelled_logged; /* the counts that were logged last */
	unsigned leased;			   /* frames of all pools */
	uint64_t streams;
	struct glint_capture_shown shown;
	struct glint_frame_info last; /* of the last dequeued frame; complete_ns 0: none yet */
};

/* capture.c */

/* "v4l2", or config.kind. */
const char *glint_capture_kind(const struct glint_capture *capture);
/* Path of the device in use, else of the configured device; "" while none is known. */
const char *glint_capture_path(const struct glint_capture *capture);

/* reason.c: @err < 0, as the device's functions return it. */
enum glint_reason glint_reason_of(int err);

/* state.c: all transitions. */

/* End the stream because of @err: close the device, and try again. */
void glint_capture_fail(struct glint_capture *capture, int err);
/* End the stream because the signal is lost (@err) or has changed (0). The device stays open. */
void glint_capture_lose(struct glint_capture *capture, int err);
/* End the stream and start it again; @why is for the log. */
void glint_capture_restart(struct glint_capture *capture, const char *why);
/* End the stream and start it again without memory of udmabuf, which the driver does not fill. */
void glint_capture_distrust(struct glint_capture *capture);
/* No stream will use the parked pool: its last frame frees it. */
void glint_capture_drop_parked(struct glint_capture *capture);
void glint_capture_set_reason(struct glint_capture *capture, enum glint_reason reason);
/* Set the size of the frames from now on. */
void glint_capture_set_size(struct glint_capture *capture, uint32_t width, uint32_t height);
/* While offline, try again soon, at a limited rate. */
void glint_capture_hurry(struct glint_capture *capture);
void glint_capture_check(struct glint_capture *capture, bool deep);
void glint_capture_on_start(struct glint_job *job);
void glint_capture_on_stop(struct glint_job *job);
void glint_capture_on_check(struct glint_job *job);
/* Returns whether the device's present stream is of JPEGs. */
bool glint_capture_makes_jpegs(const struct glint_capture *capture);
/* Set the device's JPEG quality while it streams. Errors: as glint_capture_run_job(). */
int glint_capture_tune(struct glint_capture *capture, unsigned quality);
/* Log and tell that a call into the driver does not return. */
void glint_capture_tell_stuck(struct glint_capture *capture);
void glint_capture_on_alarm(struct glint_alarm *alarm);
void glint_capture_begin(struct glint_capture *capture);
void glint_capture_stop(struct glint_capture *capture);
/* A poll has ended: start the job that waits for the end of the polls. */
void glint_capture_polled(struct glint_capture *capture);

/* LIVE or OFFLINE: end the stream, close the device, and pause. */
void glint_capture_stop_for_idle(struct glint_capture *capture);

/* idle.c */
void glint_idle_init(struct glint_capture *capture);
/* Frames may be wanted, or not any more: look at that from the loop's top level. */
void glint_idle_look(struct glint_capture *capture);
/* The device is closed: wait in the state IDLE until frames are wanted. */
void glint_idle_pause(struct glint_capture *capture);
/* Returns whether the capture would start for a reader or a job. */
bool glint_capture_pauses(const struct glint_capture *capture);
void glint_idle_end(struct glint_capture *capture);

/* trial.c */
/* As glint_capture_prepare(), for the settings of the stream. */
int glint_trial_begin(struct glint_capture *capture, const struct glint_capture_config *wanted,
		      struct glint_prepare *prepare);
/* Take over the settings of the stream; whatever is asked of the device does not count any more. */
void glint_trial_apply(struct glint_capture *capture, const struct glint_capture_config *wanted);
/* A start job begins: it tries the configuration, or just uses it. */
void glint_trial_submit(struct glint_capture *capture);
/* On the device's thread: the start job. Returns its error. */
int glint_trial_start(struct glint_capture *capture);
/* The start job has ended with EUCLEAN, and follows again: the trial, too. */
void glint_trial_again(struct glint_capture *capture);
/* The start job has returned: restore the configuration that it has used. */
void glint_trial_returned(struct glint_capture *capture);
/* The capture has left STARTING: answer. */
void glint_trial_settle(struct glint_capture *capture);

/* device_job.c */
void glint_device_jobs_init(struct glint_device_jobs *jobs, struct glint_loop *loop);
/* The state has changed: begin the next job if it may begin now. */
void glint_device_jobs_next(struct glint_capture *capture);
/* The stop job was submitted: a job that runs between two streams follows it. */
void glint_device_jobs_stopping(struct glint_capture *capture);
/* Drop the jobs that wait. The loop uses the memory while the alarm is busy. */
void glint_device_jobs_end(struct glint_device_jobs *jobs);

/* controls.c */
/* The device may have been opened: subscribe to the changes of its controls. */
void glint_capture_watch_controls(struct glint_capture *capture);
void glint_capture_tell_control(struct glint_capture *capture,
				const struct glint_control_change *change);
/* Free what is known about the controls. */
void glint_capture_end_controls(struct glint_capture *capture);

/* report.c: the members of an object that says what timings are. */
void glint_timings_report(const struct glint_timings *timings, struct glint_report *report);

/* frames.c: the frame path. */
/* Settle the frame of which one field has arrived; nothing if there is none. */
void glint_capture_end_half(struct glint_capture *capture, enum glint_outcome outcome);
void glint_capture_on_made(struct glint_fields_owner *owner, struct glint_frame *frame, int err);
void glint_capture_on_poll(struct glint_op *op, int res, uint32_t flags);
void glint_capture_on_receiver(struct glint_op *op, int res, uint32_t flags);

/* edid.c */
/* A start job has ended: it may have written an EDID. */
void glint_capture_edid_started(struct glint_capture *capture);

/* hotplug.c */
void glint_hotplug_start(struct glint_capture *capture);
void glint_hotplug_on_event(struct glint_op *op, int res, uint32_t flags);
#endif
