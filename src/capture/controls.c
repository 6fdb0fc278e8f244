/* SPDX-License-Identifier: MIT */
#include "capture/controls.h"

#include <assert.h>
#include <errno.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/macros.h"
#include "base/similar.h"
#include "capture/internal.h"
#include "core/events.h"
#include "core/report.h"

static const struct glint_log_topic topic = { "capture" };

struct control {
	const char *name;
	uint32_t id;
	uint32_t auto_id; /* control of its automatic mode; 0: none */
};

static const struct control controls[GLINT_CONTROL_COUNT] = {
	[GLINT_CONTROL_BRIGHTNESS] = { "brightness", V4L2_CID_BRIGHTNESS, V4L2_CID_AUTOBRIGHTNESS },
	[GLINT_CONTROL_CONTRAST] = { "contrast", V4L2_CID_CONTRAST, 0 },
	[GLINT_CONTROL_SATURATION] = { "saturation", V4L2_CID_SATURATION, 0 },
	[GLINT_CONTROL_HUE] = { "hue", V4L2_CID_HUE, V4L2_CID_HUE_AUTO },
	[GLINT_CONTROL_GAMMA] = { "gamma", V4L2_CID_GAMMA, 0 },
	[GLINT_CONTROL_SHARPNESS] = { "sharpness", V4L2_CID_SHARPNESS, 0 },
	[GLINT_CONTROL_BACKLIGHT] = { "backlight compensation", V4L2_CID_BACKLIGHT_COMPENSATION,
				      0 },
	[GLINT_CONTROL_WHITE_BALANCE] = { "white balance", V4L2_CID_WHITE_BALANCE_TEMPERATURE,
					  V4L2_CID_AUTO_WHITE_BALANCE },
	[GLINT_CONTROL_GAIN] = { "gain", V4L2_CID_GAIN, V4L2_CID_AUTOGAIN },
	[GLINT_CONTROL_COLOR_EFFECT] = { "color effect", V4L2_CID_COLORFX, 0 },
	[GLINT_CONTROL_ROTATE] = { "rotate", V4L2_CID_ROTATE, 0 },
	[GLINT_CONTROL_FLIP_V] = { "vertical flip", V4L2_CID_VFLIP, 0 },
	[GLINT_CONTROL_FLIP_H] = { "horizontal flip", V4L2_CID_HFLIP, 0 },
};

/* --- On the device's thread: at the start ------------------------------------------------- */

static int control_write(const struct glint_source *source, uint32_t id, const char *value)
{
	struct glint_control control;
	struct glint_control_write write;
	unsigned culprit;
	bool partly;
	int err = glint_control_query(&source->vdev, id, &control);

	if (err == 0)
		err = glint_control_parse(&control, value, &write);
	if (err < 0)
		return err;
	return glint_controls_write(&source->vdev, &write, 1, &culprit, &partly);
}

static int control_value(const struct glint_source *source, const struct control *control,
			 int32_t value)
{
	struct glint_control known;
	char text[16];
	int err = glint_control_query(&source->vdev, control->id, &known);

	if (err < 0)
		return err;
	if (value < known.min || value > known.max)
		return -ERANGE;
	/* In automatic mode the control would refuse or overwrite the value. */
	if (control->auto_id)
		(void)control_write(source, control->auto_id, "0");
	snprintf(text, sizeof(text), "%d", value);
	return control_write(source, control->id, text);
}

static int control_apply(const struct glint_source *source, const struct control *control,
			 const struct glint_control_setting *setting)
{
	switch (setting->mode) {
	case GLINT_CONTROL_VALUE:
		return control_value(source, control, setting->value);
	case GLINT_CONTROL_DEFAULT:
		return control_write(source, control->id, NULL);
	case GLINT_CONTROL_AUTO:
		return control->auto_id ? control_write(source, control->auto_id, "1") : -EINVAL;
	default:
		return 0;
	}
}

static void control_log_failure(struct glint_source *source, unsigned index, int err)
{
	const char *name = controls[index].name;

	/* Once, and not at each opening. */
	if (source->controls_logged & 1u << index)
		return;
	source->controls_logged |= 1u << index;
	if (err == -EINVAL || err == -ENOTTY)
		glint_log_warn(&topic, "'%s' has no control '%s'", source->path, name);
	else if (err == -ERANGE)
		glint_log_warn(&topic, "'%s': %s %d is out of the control's range", source->path,
			       name, source->config->controls[index].value);
	else
		glint_log_err(&topic, err, "'%s': cannot set the %s", source->path, name);
}

/* Set the values of --control and those that clients have set, each by itself, in order. */
static void apply_kept(struct glint_source *source)
{
	struct glint_kept_controls *kept = &source->kept;
	struct glint_control_list list;

	if (glint_controls_list(&source->vdev, true, &list) < 0)
		return;
	for (unsigned i = 0; i < kept->n; i++) {
		struct glint_kept_control *entry = &kept->entries[i];
		const struct glint_control *control = glint_control_find(&list, entry->name);
		const char *value = entry->is_default ? NULL : entry->value;
		struct glint_control_write write;
		char allowed[512];
		unsigned culprit;
		bool partly;
		int err = -EINVAL;

		if (control)
			err = glint_control_is_writable(control) ?
				      glint_control_parse(control, value, &write) :
				      -EACCES;
		if (err == 0)
			err = glint_controls_write(&source->vdev, &write, 1, &culprit, &partly);
		if (err == 0 || entry->logged)
			continue;
		entry->logged = true; /* once, and not at each opening */
		if (!control) {
			glint_log_warn(&topic, "'%s' has no control '%s'", source->path,
				       entry->name);
		} else if (err == -ERANGE || err == -EINVAL) {
			glint_control_allowed(control, allowed, sizeof(allowed));
			glint_log_warn(&topic, "'%s': control %s takes %s, not '%s'", source->path,
				       entry->name, allowed, entry->value);
		} else {
			glint_log_err(&topic, err, "'%s': cannot set the control %s", source->path,
				      entry->name);
		}
	}
	glint_controls_free(&list);
}

void glint_controls_set(struct glint_source *source)
{
	const struct glint_capture_config *config = source->config;

	static_assert(GLINT_CONTROL_COUNT <= 32, "");
	/* Not all of the driver's controls: some are buttons, or faults of test drivers. */
	for (unsigned i = 0; config->controls_reset && i < GLINT_CONTROL_COUNT; i++) {
		(void)control_write(source, controls[i].id, NULL);
		if (controls[i].auto_id)
			(void)control_write(source, controls[i].auto_id, NULL);
	}
	for (unsigned i = 0; i < GLINT_CONTROL_COUNT; i++) {
		int err = control_apply(source, &controls[i], &config->controls[i]);

		if (err < 0)
			control_log_failure(source, i, err);
	}
	if (source->kept.n > 0)
		apply_kept(source);
}

int glint_controls_set_jpeg_quality(struct glint_source *source, unsigned quality)
{
	struct v4l2_jpegcompression compression = { 0 };
	struct v4l2_control control = {
		.id = V4L2_CID_JPEG_COMPRESSION_QUALITY,
		.value = (int32_t)quality,
	};
	int err = glint_vdev_ioctl(&source->vdev, VIDIOC_S_CTRL, &control);

	if (err != -EINVAL && err != -ENOTTY)
		return err;
	if (glint_vdev_ioctl(&source->vdev, VIDIOC_G_JPEGCOMP, &compression) < 0)
		return -ENOTTY;
	compression.quality = (int)quality;
	return glint_vdev_ioctl(&source->vdev, VIDIOC_S_JPEGCOMP, &compression);
}

static void keep(struct glint_kept_controls *kept, const char *name, const char *value)
{
	struct glint_kept_control *entry;
	unsigned i;

	for (i = 0; i < kept->n && strcmp(kept->entries[i].name, name) != 0; i++)
		;
	if (i == GLINT_KEPT_MAX)
		return;
	entry = &kept->entries[i];
	kept->n = MAX(kept->n, i + 1);
	*entry = (struct glint_kept_control){ .is_default = !value };
	snprintf(entry->name, sizeof(entry->name), "%s", name);
	snprintf(entry->value, sizeof(entry->value), "%s", value ? value : "");
}

void glint_controls_keep_word(struct glint_kept_controls *kept, const char *word)
{
	const char *value = strchr(word, '=') + 1;
	char name[GLINT_CONTROL_NAME_MAX];

	snprintf(name, sizeof(name), "%.*s", (int)(value - 1 - word), word);
	keep(kept, name, *value ? value : NULL);
}

/* --- Requests ----------------------------------------------------------------------------- */

/* A request on its way through the device's thread, with copies of what its client has asked for. */
struct controls_job {
	struct glint_device_job job;
	struct glint_capture *capture;
	struct glint_control_request *request; /* loop thread only */
	unsigned n;
	struct {
		char name[GLINT_CONTROL_NAME_MAX];
		bool is_default;
		char value[GLINT_CONTROL_TEXT_MAX];
	} * asked;

	/* Of run(). */
	struct glint_control_list list;
	struct glint_control_write writes[GLINT_CONTROL_WRITES];
	enum glint_control_outcome outcome;
	unsigned culprit; /* @n: unknown */
	bool partly;
	int err;
};

static_assert(GLINT_CONTROL_CHANGES_MAX == GLINT_CONTROL_WRITES, "");
static_assert(GLINT_CONTROL_VALUE_MAX == GLINT_CONTROL_TEXT_MAX, "");

static struct controls_job *controls_job_of(struct glint_device_job *job)
{
	return container_of(job, struct controls_job, job);
}

/* One of the controls before the @n'th is the same, by another name. */
static bool job_has(const struct controls_job *job, unsigned n, const struct glint_control *control)
{
	for (unsigned i = 0; i < n; i++)
		if (job->writes[i].control == control)
			return true;
	return false;
}

/* Check all values against the properties of their controls. */
static enum glint_control_outcome job_parse(struct controls_job *job)
{
	for (unsigned i = 0; i < job->n; i++) {
		const struct glint_control *control =
			glint_control_find(&job->list, job->asked[i].name);
		const char *value = job->asked[i].is_default ? NULL : job->asked[i].value;

		job->culprit = i;
		if (!control)
			return GLINT_CONTROL_UNKNOWN;
		job->writes[i].control = control;
		if (job_has(job, i, control))
			return GLINT_CONTROL_REPEATED;
		if (!glint_control_is_writable(control))
			return GLINT_CONTROL_READ_ONLY;
		if (glint_control_parse(control, value, &job->writes[i]) < 0)
			return GLINT_CONTROL_BAD_VALUE;
	}
	job->culprit = job->n;
	return GLINT_CONTROL_DONE;
}

static enum glint_control_outcome outcome_of(int err)
{
	switch (err) {
	case 0:
		return GLINT_CONTROL_DONE;
	case -EDOM:
		return GLINT_CONTROL_ADJUSTED;
	case -EBUSY:
		return GLINT_CONTROL_BUSY;
	case -EUSERS:
		return GLINT_CONTROL_MANY;
	case -ENODEV:
		return GLINT_CONTROL_AWAY;
	case -ETIMEDOUT:
		return GLINT_CONTROL_SILENT;
	case -ENOMEM:
		return GLINT_CONTROL_NO_MEMORY;
	default:
		return GLINT_CONTROL_REFUSED;
	}
}

static int controls_run(struct glint_device_job *device_job, struct glint_source *source)
{
	struct controls_job *job = controls_job_of(device_job);
	char value[GLINT_CONTROL_TEXT_MAX];

	job->err = glint_controls_list(&source->vdev, true, &job->list);
	if (job->err < 0 || job->n == 0)
		return job->err;
	job->outcome = job_parse(job);
	if (job->outcome != GLINT_CONTROL_DONE)
		return 0;
	job->err = glint_controls_write(&source->vdev, job->writes, job->n, &job->culprit,
					&job->partly);
	for (unsigned i = 0; i < job->n && job->err == 0; i++) {
		if (job->writes[i].control->type == V4L2_CTRL_TYPE_BUTTON)
			continue;
		glint_control_text(&job->writes[i], false, value, sizeof(value));
		keep(&source->kept, job->writes[i].control->name, value);
	}
	return job->err;
}

static void tell_event(struct glint_capture *capture, const char *name, uint32_t id,
		       const int64_t *value, const char *by)
{
	struct glint_report *report =
		glint_events_begin(capture->config.events, GLINT_EVENT_CONTROL);
	char text[16];

	snprintf(text, sizeof(text), "0x%08x", id);
	glint_report_text(report, "name", name);
	glint_report_text(report, "id", text);
	if (value)
		glint_report_int(report, "value", *value);
	else
		glint_report_null(report, "value");
	glint_report_text(report, "by", by);
	glint_events_commit(capture->config.events);
}

static void explain_unknown(const struct controls_job *job, const char *name, char *out,
			    size_t size)
{
	struct glint_similar similar;

	glint_similar_begin(&similar, name, strlen(name));
	for (unsigned i = 0; i < job->list.n; i++)
		glint_similar_try(&similar, job->list.controls[i].name);
	if (job->list.n == 0)
		snprintf(out, size, "the device has no controls");
	else if (similar.best)
		snprintf(out, size, "the device has no control '%s'; did you mean %s?", name,
			 similar.best);
	else
		snprintf(out, size, "the device has no control '%s'", name);
}

/* Why the driver refuses, in words. */
static const char *refusal_text(int err)
{
	switch (err) {
	case -EBUSY:
		return "it cannot be changed now, because the device streams or another control "
		       "has it";
	case -EACCES:
		return "it cannot be written in the present mode; an automatic control may have it";
	case -ERANGE:
	case -EINVAL:
		return "the driver does not take the value";
	default:
		return strerror(-err);
	}
}

static void explain(const struct controls_job *job, int err, struct glint_control_request *request)
{
	/* Without a name the device's thread may still use the job. */
	const char *name = request->name ? request->name : "one of them";
	const struct glint_control_write *write = request->name ? &job->writes[job->culprit] : NULL;
	const char *value = request->name && !job->asked[job->culprit].is_default ?
				    job->asked[job->culprit].value :
				    "the default";
	char *out = request->message;
	size_t size = sizeof(request->message);

	if (glint_device_job_explain(job->capture, err, out, size))
		return;
	switch (request->outcome) {
	case GLINT_CONTROL_UNKNOWN:
		explain_unknown(job, name, out, size);
		break;
	case GLINT_CONTROL_BAD_VALUE:
		assert(write); /* job_parse() has found the culprit */
		glint_control_allowed(write->control, request->allowed, sizeof(request->allowed));
		snprintf(out, size, "%s takes %.400s, not %.80s", name, request->allowed, value);
		break;
	case GLINT_CONTROL_REPEATED:
		assert(write);
		snprintf(out, size,
			 "%.80s names %.40s once more: a request has one value for each control",
			 name, write->control->name);
		break;
	case GLINT_CONTROL_READ_ONLY:
		assert(write);
		snprintf(out, size, "%s cannot be set: %s", name,
			 write->control->flags & V4L2_CTRL_FLAG_READ_ONLY ?
				 "it is read-only" :
				 "it has no simple value");
		break;
	case GLINT_CONTROL_ADJUSTED:
		glint_control_text(write, true, request->got, sizeof(request->got));
		snprintf(out, size,
			 "the driver would make %.80s of %s %.80s, and nothing has changed",
			 request->got, name, value);
		break;
	case GLINT_CONTROL_BUSY:
	case GLINT_CONTROL_REFUSED:
		snprintf(out, size, "the device refuses %s: %s%s", name, refusal_text(job->err),
			 job->partly ? "; some of the other controls have changed" :
				       ", and nothing has changed");
		break;
	default:
		*out = '\0';
	}
}

static void job_set_result(struct controls_job *job, int err)
{
	struct glint_control_request *request = job->request;

	request->outcome = err < 0 ? outcome_of(err) : job->outcome;
	/* After -ETIMEDOUT of the queue the device's thread still uses the job. */
	if (err != -ETIMEDOUT && job->culprit < job->n)
		request->name = request->values[job->culprit].name;
	/* A driver may have an EDOM of its own. */
	if (request->outcome == GLINT_CONTROL_ADJUSTED &&
	    !(request->name && job->writes[job->culprit].known))
		request->outcome = GLINT_CONTROL_REFUSED;
	explain(job, err, request);
}

static void controls_done(struct glint_device_job *device_job, int err)
{
	struct controls_job *job = controls_job_of(device_job);
	struct glint_control_request *request = job->request;

	for (unsigned i = 0; i < job->n && err == 0 && job->outcome == GLINT_CONTROL_DONE; i++) {
		const struct glint_control_write *write = &job->writes[i];
		bool has_number = write->known && write->control->type != V4L2_CTRL_TYPE_STRING;

		tell_event(job->capture, write->control->name, write->control->id,
			   has_number ? &write->got : NULL, "client");
	}
	job_set_result(job, err);
	request->done(request);
}

static void controls_free(struct glint_device_job *device_job)
{
	struct controls_job *job = controls_job_of(device_job);

	glint_controls_free(&job->list);
	free(job->asked);
	free(job);
}

static const struct glint_device_job_ops controls_ops = {
	.run = controls_run,
	.done = controls_done,
	.free = controls_free,
};

/* Copy what the client has asked for. -EINVAL: a value is too long for any control. */
static int job_copy(struct controls_job *job, const struct glint_control_request *request)
{
	job->n = job->culprit = request->n_values;
	job->asked = calloc(MAX(job->n, 1u), sizeof(*job->asked));
	if (!job->asked)
		return -ENOMEM;
	for (unsigned i = 0; i < job->n; i++) {
		const struct glint_setting_value *pair = &request->values[i];

		snprintf(job->asked[i].name, sizeof(job->asked[i].name), "%s", pair->name);
		job->asked[i].is_default = !pair->value;
		snprintf(job->asked[i].value, sizeof(job->asked[i].value), "%s",
			 pair->value ? pair->value : "");
	}
	return 0;
}

int glint_capture_ask_controls(struct glint_capture *capture, struct glint_control_request *request)
{
	struct controls_job *job = calloc(1, sizeof(*job));
	int err;

	assert(request->n_values <= GLINT_CONTROL_CHANGES_MAX);

	request->job = NULL;
	request->name = NULL;
	request->outcome = GLINT_CONTROL_NO_MEMORY;
	if (!job)
		return -ENOMEM;
	job->job.ops = &controls_ops;
	job->capture = capture;
	job->request = request;
	err = job_copy(job, request);
	if (err == 0)
		err = glint_capture_run_job(capture, &job->job);
	if (err < 0) {
		job_set_result(job, err);
		controls_free(&job->job);
		return err;
	}
	request->job = job;
	return 0;
}

void glint_capture_forget_controls(struct glint_capture *capture,
				   struct glint_control_request *request)
{
	struct controls_job *job = request->job;

	glint_capture_forget_job(capture, &job->job);
}

/* Report what was asked for and what the device has now, which may differ in automatic modes. */
static void report_writes(const struct controls_job *job, struct glint_report *report)
{
	char text[GLINT_CONTROL_TEXT_MAX];

	glint_report_object(report, "controls");
	for (unsigned i = 0; i < job->n; i++) {
		const struct glint_control_write *write = &job->writes[i];
		bool is_text = write->control->type == V4L2_CTRL_TYPE_STRING;

		glint_report_object(report, write->control->name);
		glint_control_text(write, false, text, sizeof(text));
		if (is_text)
			glint_report_text(report, "asked", text);
		else
			glint_report_int(report, "asked", write->number);
		if (!write->known)
			glint_report_null(report, "value");
		else if (is_text)
			glint_report_text(report, "value", write->got_text);
		else
			glint_report_int(report, "value", write->got);
		glint_report_bool(report, "taken",
				  !write->known || (is_text ? strcmp(write->got_text, text) == 0 :
							      write->got == write->number));
		glint_report_end(report);
	}
	glint_report_end(report);
}

void glint_capture_tell_controls(const struct glint_control_request *request,
				 struct glint_report *report)
{
	const struct controls_job *job = request->job;

	if (job->n > 0) {
		report_writes(job, report);
		return;
	}
	glint_report_list(report, "controls");
	for (unsigned i = 0; i < job->list.n; i++) {
		glint_report_object(report, NULL);
		glint_control_report(&job->list.controls[i], report);
		glint_report_end(report);
	}
	glint_report_end(report);
}

/* --- Changes by others ---------------------------------------------------------------------- */

static int watch_run(struct glint_device_job *device_job, struct glint_source *source)
{
	struct glint_capture *capture = container_of(device_job, struct glint_capture, watch);
	int err = glint_controls_list(&source->vdev, false, &capture->watched_next);

	if (err == 0)
		glint_controls_subscribe(&source->vdev, &capture->watched_next);
	capture->watch_ran = err != -ENOMEM;
	return err;
}

static void watch_done(struct glint_device_job *job, int err)
{
	(void)job;
	(void)err;
}

static void watch_free(struct glint_device_job *device_job)
{
	struct glint_capture *capture = container_of(device_job, struct glint_capture, watch);

	glint_controls_free(&capture->watched);
	capture->watched = capture->watched_next;
	capture->watched_next = (struct glint_control_list){ 0 };
	capture->watch_runs = false;
	/* The watch has waited too long behind another job: the watchdog tries again. */
	if (!capture->watch_ran)
		capture->watched_open = 0;
}

static const struct glint_device_job_ops watch_ops = {
	.run = watch_run,
	.done = watch_done,
	.free = watch_free,
};

void glint_capture_watch_controls(struct glint_capture *capture)
{
	if (capture->watch_runs || capture->watched_open == capture->shown.opens)
		return;
	capture->watch.ops = &watch_ops;
	capture->watch.ours = true;
	capture->watch_ran = false;
	if (glint_capture_run_job(capture, &capture->watch) < 0)
		return;
	capture->watch_runs = true;
	capture->watched_open = capture->shown.opens;
}

void glint_capture_end_controls(struct glint_capture *capture)
{
	glint_controls_free(&capture->watched);
	glint_controls_free(&capture->watched_next);
}

void glint_capture_tell_control(struct glint_capture *capture,
				const struct glint_control_change *change)
{
	const struct glint_control *control = NULL;

	for (unsigned i = 0; i < capture->watched.n && !control; i++)
		if (capture->watched.controls[i].id == change->id)
			control = &capture->watched.controls[i];
	if (!control)
		return;
	capture->changed_by_others++;
	tell_event(capture, control->name, control->id, change->has_value ? &change->value : NULL,
		   "other");
}
