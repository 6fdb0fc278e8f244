/* SPDX-License-Identifier: MIT */
/*
 * A device job is a function that the device's thread calls with the open device: for calls that
 * may block in a driver and that a client waits for, such as those for controls or an EDID. The
 * result comes to done() on the loop's thread. Loop thread only, except run().
 *
 *	waiting -> running -> ended
 *
 * Jobs run one after the other, in order. A job waits while the capture opens, starts or stops the
 * device. The loop never waits: a job that has not ended after config.stuck_ns gets -ETIMEDOUT, and
 * until the call into the driver returns, further jobs are refused. After a job the queue pauses
 * for as long as the job took (at most a quarter of stuck_ns), so that slow calls leave the driver
 * time for its frames.
 *
 * A job lives on the heap or in its owner. The capture owns it from glint_capture_run_job() until
 * free(), which is always called, also after glint_capture_forget_job() and at the end of the
 * capture. A call that never returns keeps its job for ever.
 */
#ifndef GLINT_CAPTURE_DEVICE_JOB_H
#define GLINT_CAPTURE_DEVICE_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

#define GLINT_DEVICE_JOBS_MAX 16u /* of clients, waiting or running */

struct glint_capture;
struct glint_device_job;
struct glint_source;

struct glint_device_job_ops {
	/*
	 * On the device's thread. @source->vdev is open. The job may call into the driver and must
	 * not change @source, which the loop reads. Returns 0 or a negative errno.
	 */
	int (*run)(struct glint_device_job *job, struct glint_source *source);
	/*
	 * From the loop's top level, once, unless the job is forgotten. @err: the result of run();
	 * or the job has not run: -ENODEV (the device is away) or -ETIMEDOUT (it does not answer).
	 * After -ETIMEDOUT run() may still be executing.
	 */
	void (*done)(struct glint_device_job *job, int err);
	/* The job is not used any more. Called after done(). */
	void (*free)(struct glint_device_job *job);
};

struct glint_device_job {
	const struct glint_device_job_ops *ops;
	/*
	 * Run between two streams, while the driver has no buffers: a live stream is stopped for
	 * the job and started again after it.
	 */
	bool between_streams;
	/* Private to the capture. */
	struct glint_list link;
	uint64_t since_ns; /* time of glint_capture_run_job() */
	bool silent;	   /* done() was called, or is not wanted */
	bool ours;	   /* not a client's: does not count */
	int err;	   /* at free(): the result of run(), or why the job has not run */
};

/*
 * Queue @job. Errors: -ENODEV (the device is away; glint_capture_status() has the reason),
 * -ETIMEDOUT (a call into its driver does not return), -EUSERS (too many jobs; no driver of a capture
 * device returns it). After an error the caller still owns the job.
 */
int glint_capture_run_job(struct glint_capture *capture, struct glint_device_job *job);

/*
 * Write the words for an error of the queue into @out: for -ENODEV, -ETIMEDOUT and -EUSERS. Returns
 * false for any other error, which is of run().
 */
bool glint_device_job_explain(const struct glint_capture *capture, int err, char *out, size_t size);

/* The client is gone: done() is not called. A job that has not begun does not run. */
void glint_capture_forget_job(struct glint_capture *capture, struct glint_device_job *job);
#endif
