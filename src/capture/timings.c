/* SPDX-License-Identifier: MIT */
/* The DV timings of the device, for a client that asks. A request is a device job. */
#include <errno.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/internal.h"
#include "core/report.h"
#include "core/timings.h"
#include "v4l2/timings.h"

#define LIST_MAX 256u

struct timings_job {
	struct glint_device_job job;
	struct glint_capture *capture;
	struct glint_timings_request *request; /* loop thread only */

	/* Of run(). */
	int signal_err; /* of the query of the signal; 0: @signal is set */
	struct glint_timings_entry present, signal;
	unsigned n;
	struct glint_timings_entry list[LIST_MAX];
};

static struct timings_job *timings_job_of(struct glint_device_job *job)
{
	return container_of(job, struct timings_job, job);
}

static int timings_run(struct glint_device_job *device_job, struct glint_source *source)
{
	struct timings_job *job = timings_job_of(device_job);
	const struct glint_vdev *vdev = &source->vdev;
	int n = glint_timings_list(vdev, job->list, LIST_MAX);

	if (n < 0)
		return n == -ENODATA ? -ENOTTY : n;
	job->n = (unsigned)n;
	if (glint_timings_present(vdev, &job->present) < 0)
		job->present.timings.width = 0;
	job->signal_err = glint_timings_query(vdev, &job->signal);
	return 0;
}

static void explain(struct timings_job *job, int err)
{
	struct glint_timings_request *request = job->request;
	const char *path = glint_capture_path(job->capture);
	char *out = request->message;
	size_t size = sizeof(request->message);

	request->err = err;
	if (glint_device_job_explain(job->capture, err, out, size))
		return;
	switch (err) {
	case 0:
		*out = '\0';
		break;
	case -ENOTTY:
		snprintf(out, size, "the input of %.128s has no DV timings", path);
		break;
	default:
		snprintf(out, size, "%.128s refuses: %s", path, strerror(-err));
	}
}

static void timings_done(struct glint_device_job *device_job, int err)
{
	struct timings_job *job = timings_job_of(device_job);

	explain(job, err);
	job->request->done(job->request);
}

static void timings_free(struct glint_device_job *device_job)
{
	free(timings_job_of(device_job));
}

static const struct glint_device_job_ops timings_ops = {
	.run = timings_run,
	.done = timings_done,
	.free = timings_free,
};

int glint_capture_ask_timings(struct glint_capture *capture, struct glint_timings_request *request)
{
	struct timings_job *job = calloc(1, sizeof(*job));
	int err;

	request->job = job;
	request->err = -ENOMEM;
	snprintf(request->message, sizeof(request->message), "there is no memory for it");
	if (!job)
		return -ENOMEM;
	job->job.ops = &timings_ops;
	job->capture = capture;
	job->request = request;
	err = glint_capture_run_job(capture, &job->job);
	if (err < 0) {
		explain(job, err);
		free(job);
	}
	return err;
}

void glint_capture_forget_timings(struct glint_capture *capture,
				  struct glint_timings_request *request)
{
	struct timings_job *job = request->job;

	glint_capture_forget_job(capture, &job->job);
}

/* --- The result --------------------------------------------------------------------------- */

static void tell_members(const struct glint_timings_entry *entry, struct glint_report *report)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} standards[] = {
		{ V4L2_DV_BT_STD_CEA861, "CEA-861" }, { V4L2_DV_BT_STD_DMT, "DMT" },
		{ V4L2_DV_BT_STD_CVT, "CVT" },	      { V4L2_DV_BT_STD_GTF, "GTF" },
		{ V4L2_DV_BT_STD_SDI, "SDI" },
	};

	glint_timings_report(&entry->timings, report);
	glint_report_list(report, "standards");
	for (size_t i = 0; i < ARRAY_SIZE(standards); i++)
		if (entry->standards & standards[i].bit)
			glint_report_text(report, NULL, standards[i].name);
	glint_report_end(report);
	if (entry->vic > 0)
		glint_report_uint(report, "vic", entry->vic);
	else
		glint_report_null(report, "vic");
}

static void tell_entry(const char *name, const struct glint_timings_entry *entry,
		       struct glint_report *report)
{
	glint_report_object(report, name);
	tell_members(entry, report);
	glint_report_end(report);
}

void glint_capture_tell_timings(const struct glint_timings_request *request,
				struct glint_report *report)
{
	const struct timings_job *job = request->job;
	const struct glint_timings_wish *wish = &job->capture->config.timings;
	char wanted[GLINT_TIMINGS_TEXT];

	glint_report_text(report, "wanted", glint_timings_wish_text(wish, wanted));
	if (job->present.timings.width > 0)
		tell_entry("present", &job->present, report);
	else
		glint_report_null(report, "present");
	if (job->signal_err == 0)
		tell_entry("signal", &job->signal, report);
	else
		glint_report_null(report, "signal");
	glint_report_text(
		report, "signal_reason",
		job->signal_err < 0 ? glint_reason_name(glint_reason_of(job->signal_err)) : "");
	glint_report_list(report, "timings");
	for (unsigned i = 0; i < job->n; i++)
		tell_entry(NULL, &job->list[i], report);
	glint_report_end(report);
}
