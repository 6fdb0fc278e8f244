/* SPDX-License-Identifier: MIT */
/*
 * The EDID of the device. A request is a device job. Some drivers refuse another EDID while buffers
 * exist: then the job runs once more, between two streams. The EDID of the configuration, or the one
 * written last, is written again whenever the device is opened, because drivers forget it with the
 * device.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "capture/internal.h"
#include "core/edid.h"
#include "core/events.h"
#include "v4l2/edid_device.h"

static const struct glint_log_topic topic = { "capture" };

static_assert(GLINT_EDID_REQUEST_MAX == GLINT_EDID_SIZE_MAX, "");

/* A request on its way through the device's thread, with a copy of what its client has asked for. */
struct edid_job {
	struct glint_device_job job;
	struct glint_capture *capture;
	struct glint_edid_request *request; /* loop thread only */
	bool writes;

	/* Of run(). */
	bool needs_stop; /* the driver refuses because of the buffers of this process */
	struct glint_edid_change change;
};

static struct edid_job *edid_job_of(struct glint_device_job *job)
{
	return container_of(job, struct edid_job, job);
}

/* --- On the device's thread ------------------------------------------------------------ */

/* Read what the device has now, into change->shown. */
static int read_shown(const struct glint_vdev *vdev, struct glint_edid_change *change)
{
	return glint_edid_read(vdev, change->shown, &change->shown_size);
}

/*
 * Keep the physical address of the present EDID: it says where the device is in the tree of HDMI
 * devices, which another EDID does not change.
 */
static void keep_address(struct glint_edid_change *change)
{
	uint16_t address = glint_edid_address(change->shown, change->shown_size);

	change->address_kept = address != GLINT_EDID_NO_ADDRESS && address != 0 &&
			       glint_edid_set_address(change->wanted, change->wanted_size, address);
}

/* Write change->wanted, and read into change->shown what the device has then. */
static int write_wanted(const struct glint_vdev *vdev, struct glint_edid_change *change)
{
	int err;

	change->written = change->address_kept = false;
	err = read_shown(vdev, change);
	if (err < 0 && err != -ENODATA)
		return err;
	keep_address(change);
	/* An equal EDID would only make the source look again. */
	if (glint_edid_same(change->wanted, change->wanted_size, change->shown, change->shown_size))
		return 0;
	err = glint_edid_write(vdev, change->wanted, change->wanted_size, &change->blocks_max);
	if (err < 0)
		return err;
	change->written = true;
	err = read_shown(vdev, change);
	return err == -ENODATA ? 0 : err;
}

void glint_source_apply_edid(struct glint_source *source)
{
	struct glint_source_edid *edid = &source->edid;

	if (!edid->wants || edid->applied)
		return;
	edid->applied = true; /* once for each opening, also if the device refuses */
	edid->err = write_wanted(&source->vdev, &edid->change);
	edid->tells = true;
}

static int edid_run(struct glint_device_job *device_job, struct glint_source *source)
{
	struct edid_job *job = edid_job_of(device_job);
	struct glint_edid_change *change = &job->change;
	struct glint_source_edid *edid = &source->edid;
	int err;

	if (!job->writes)
		return read_shown(&source->vdev, change);
	err = write_wanted(&source->vdev, change);
	job->needs_stop = err == -EBUSY && !device_job->between_streams &&
			  source->vdev.queue.n_buffers > 0;
	if (err == 0) {
		edid->wants = edid->applied = true;
		edid->change.wanted_size = change->wanted_size;
		memcpy(edid->change.wanted, change->wanted, change->wanted_size);
	}
	return err;
}

/* --- On the loop's thread ------------------------------------------------------------------ */

/* The device may have another EDID: tell that, once. */
static void tell_event(struct glint_capture *capture, struct glint_edid_change *change)
{
	uint16_t address = glint_edid_address(change->shown, change->shown_size);
	char text[GLINT_EDID_ADDRESS_TEXT];
	struct glint_report *report;

	if (!change->written)
		return;
	change->written = false;
	report = glint_events_begin(capture->config.events, GLINT_EVENT_EDID);
	glint_report_text(report, "device", glint_capture_path(capture));
	glint_report_uint(report, "blocks", change->shown_size / GLINT_EDID_BLOCK);
	if (address == GLINT_EDID_NO_ADDRESS)
		glint_report_null(report, "physical_address");
	else
		glint_report_text(report, "physical_address",
				  glint_edid_address_text(address, text));
	glint_events_commit(capture->config.events);
	glint_log_info(&topic, "'%s' has another EDID now: %zu bytes", glint_capture_path(capture),
		       change->shown_size);
}

static void explain(const struct edid_job *job, struct glint_edid_request *request)
{
	const char *path = glint_capture_path(job->capture);
	char *out = request->message;
	size_t size = sizeof(request->message);

	if (glint_device_job_explain(job->capture, request->err, out, size))
		return;
	switch (request->err) {
	case 0:
		*out = '\0';
		break;
	case -ENODATA:
		snprintf(out, size, "%.128s has no EDID at present, so its source sees no display",
			 path);
		break;
	case -ENOTTY:
		snprintf(out, size,
			 "%.128s has no EDID: its input is not HDMI, or its driver sets it", path);
		break;
	case -E2BIG:
		snprintf(out, size, "the EDID has %zu blocks, and %.128s takes %u",
			 request->size / GLINT_EDID_BLOCK, path, job->change.blocks_max);
		break;
	case -EBUSY:
		snprintf(out, size, "another process has buffers of %.128s", path);
		break;
	case -EIO:
		snprintf(out, size, "%.128s has another EDID than was written to it", path);
		break;
	default:
		snprintf(out, size, "%.128s refuses: %s", path, strerror(-request->err));
	}
}

/* After -ETIMEDOUT the device's thread may still use what belongs to run(). */
static void job_set_result(const struct edid_job *job, int err)
{
	struct glint_edid_request *request = job->request;

	request->err = err;
	request->address_kept = err == 0 && job->change.address_kept;
	request->edid_size = err == 0 ? job->change.shown_size : 0;
	memcpy(request->edid, job->change.shown, request->edid_size);
	explain(job, request);
}

static int job_begin(struct edid_job *job)
{
	int err = glint_capture_run_job(job->capture, &job->job);

	if (err < 0)
		job_set_result(job, err);
	return err;
}

static void edid_done(struct glint_device_job *device_job, int err)
{
	struct edid_job *job = edid_job_of(device_job);

	if (err == -EBUSY && job->needs_stop)
		return; /* edid_free() has the job run again */
	if (err != -ETIMEDOUT)
		tell_event(job->capture, &job->change);
	job_set_result(job, err);
	job->request->done(job->request);
}

static void edid_free(struct glint_device_job *device_job)
{
	struct edid_job *job = edid_job_of(device_job);

	if (job->needs_stop && !device_job->silent) {
		job->needs_stop = false;
		device_job->between_streams = true;
		if (job_begin(job) == 0)
			return;
		job->request->done(job->request);
	}
	/* The client has gone meanwhile, or was told that the device does not answer. */
	if (!job->capture->ending)
		tell_event(job->capture, &job->change);
	free(job);
}

static const struct glint_device_job_ops edid_ops = {
	.run = edid_run,
	.done = edid_done,
	.free = edid_free,
};

/* A start job has ended: it may have written the EDID that is wanted. */
void glint_capture_edid_started(struct glint_capture *capture)
{
	struct glint_source_edid *edid = &capture->source.edid;

	if (!edid->tells)
		return;
	edid->tells = false;
	if (edid->err == -ENOTTY)
		glint_log_warn(&topic, "'%s' has no EDID that could be set",
			       glint_capture_path(capture));
	else if (edid->err == -E2BIG)
		glint_log_warn(&topic, "'%s' takes an EDID of %u blocks only",
			       glint_capture_path(capture), edid->change.blocks_max);
	else if (edid->err < 0)
		glint_log_err(&topic, edid->err, "'%s': cannot set the EDID",
			      glint_capture_path(capture));
	else
		tell_event(capture, &edid->change);
}

int glint_capture_ask_edid(struct glint_capture *capture, struct glint_edid_request *request)
{
	struct edid_job *job = calloc(1, sizeof(*job));
	int err;

	assert(request->size <= GLINT_EDID_REQUEST_MAX && request->size % GLINT_EDID_BLOCK == 0);

	request->job = job;
	if (!job) {
		request->err = -ENOMEM;
		snprintf(request->message, sizeof(request->message), "there is no memory for it");
		return -ENOMEM;
	}
	job->job.ops = &edid_ops;
	job->capture = capture;
	job->request = request;
	job->writes = request->write;
	job->change.wanted_size = request->size;
	if (request->size > 0)
		memcpy(job->change.wanted, request->bytes, request->size);
	err = job_begin(job);
	if (err < 0)
		free(job);
	return err;
}

void glint_capture_forget_edid(struct glint_capture *capture, struct glint_edid_request *request)
{
	struct edid_job *job = request->job;

	glint_capture_forget_job(capture, &job->job);
}
