/* SPDX-License-Identifier: MIT */
/*
 * Changes of the stream's settings at run time. A device job asks the device, which goes on streaming,
 * for what can be known beforehand: whether it has the input, the TV standard, the timings and the
 * format. Then the stream starts again. If the driver refuses at last, the same start job goes back to
 * the settings of before, so that the old stream returns without a pause.
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/videodev2.h>

#include "base/fourcc.h"
#include "base/log.h"
#include "capture/internal.h"
#include "v4l2/choose.h"
#include "v4l2/input.h"
#include "v4l2/timings.h"

static const struct glint_log_topic topic = { "capture" };

/* --- Settings of the stream ------------------------------------------------------------ */

/* Also what holds from the next stream on: the new stream is that one. */
static void set_stream(struct glint_capture_config *config,
		       const struct glint_capture_config *wanted)
{
	memcpy(config->input, wanted->input, sizeof(config->input));
	config->width = wanted->width;
	config->height = wanted->height;
	config->fourcc = wanted->fourcc;
	config->tv_standard = wanted->tv_standard;
	config->timings = wanted->timings;
	config->dv_timings = wanted->dv_timings;
	config->fps = wanted->fps;
	config->buffers = wanted->buffers;
	config->memory = wanted->memory;
	config->deinterlace = wanted->deinterlace;
	config->warm_up = wanted->warm_up;
	config->keep_range = wanted->keep_range;
	config->jpeg_quality = wanted->jpeg_quality;
	config->size_fps = wanted->size_fps;
}

static bool timings_differ(const struct glint_timings_wish *a, const struct glint_timings_wish *b)
{
	return a->width != b->width || a->height != b->height || a->interlaced != b->interlaced ||
	       a->millihz != b->millihz || a->standards != b->standards;
}

bool glint_capture_stream_differs(const struct glint_capture_config *a,
				  const struct glint_capture_config *b)
{
	return strncmp(a->input, b->input, sizeof(a->input)) != 0 || a->width != b->width ||
	       a->height != b->height || a->fourcc != b->fourcc ||
	       a->tv_standard != b->tv_standard || a->dv_timings != b->dv_timings ||
	       a->fps != b->fps || a->buffers != b->buffers || a->memory != b->memory ||
	       a->deinterlace != b->deinterlace || timings_differ(&a->timings, &b->timings);
}

/* --- Asking, on the device's thread ------------------------------------------------------- */

static int __attribute__((format(printf, 3, 4)))
refuse(struct glint_trial *trial, int err, const char *words, ...)
{
	va_list args;

	va_start(args, words);
	vsnprintf(trial->message, sizeof(trial->message), words, args);
	va_end(args);
	return err;
}

static int check_signal(struct glint_trial *trial, const struct glint_source *source)
{
	const struct glint_capture_config *wanted = &trial->wanted, *now = &trial->before;
	char offers[GLINT_TIMINGS_OFFERS];
	uint64_t standards = glint_input_standards(&source->vdev);

	if (wanted->tv_standard && wanted->tv_standard != now->tv_standard &&
	    !(wanted->tv_standard & standards))
		return refuse(trial, -EINVAL,
			      standards ? "the input does not have this TV standard" :
					  "the input has no TV standards");
	if (wanted->timings.width > 0 && timings_differ(&wanted->timings, &now->timings) &&
	    glint_timings_look(&source->vdev, &wanted->timings, offers) < 0)
		return refuse(trial, -ERANGE, "it has no such timings; it has %s",
			      *offers ? offers : "none");
	return 0;
}

static int check_run(struct glint_device_job *job, struct glint_source *source)
{
	struct glint_trial *trial = container_of(job, struct glint_trial, check);
	const struct glint_capture_config *wanted = &trial->wanted;
	char inputs[GLINT_INPUT_NAMES], formats[GLINT_CHOOSE_OFFERS];
	uint32_t input = 0;

	if (glint_input_find(&source->vdev, *wanted->input ? wanted->input : "0", &input, inputs) <
	    0)
		return refuse(trial, -EINVAL, "it has no input %s; it has %s", wanted->input,
			      *inputs ? inputs : "one, 0");
	/* What another input has is not known before it is selected. */
	if (input != source->vdev.input)
		return 0;
	if (wanted->fourcc && wanted->fourcc != trial->before.fourcc &&
	    !glint_choose_offers(&source->vdev, wanted->fourcc, formats))
		return refuse(trial, -EINVAL, "it has no such format; it has %s", formats);
	return check_signal(trial, source);
}

/* --- The start job ------------------------------------------------------------------------ */

void glint_trial_submit(struct glint_capture *capture)
{
	struct glint_trial *trial = &capture->trial;

	trial->runs = trial->waits;
	trial->waits = trial->cancelled = false;
	trial->err = 0;
}

void glint_trial_again(struct glint_capture *capture)
{
	struct glint_trial *trial = &capture->trial;

	trial->waits |= trial->runs && !trial->cancelled;
	trial->runs = false;
}

static const char *error_text(int err)
{
	return err == -ENOSPC ? "no space left on its bus, such as USB" : strerror(-err);
}

int glint_trial_start(struct glint_capture *capture)
{
	struct glint_source *source = &capture->source;
	struct glint_trial *trial = &capture->trial;
	int err;

	if (!trial->runs)
		return glint_source_start(source);
	source->tries = true;
	err = glint_source_start(source);
	source->tries = false;
	if (err == 0 || err == -EUCLEAN || (glint_source_waits(err) && !source->refused))
		return err;
	trial->err = refuse(trial, err, "%s: %s", source->step, error_text(err));
	set_stream(&capture->job_config, &trial->before);
	return glint_source_start(source);
}

void glint_trial_returned(struct glint_capture *capture)
{
	struct glint_trial *trial = &capture->trial;

	if (!trial->runs || trial->cancelled || trial->err == 0)
		return;
	glint_log_warn(&topic, "'%s' refuses the new settings, and keeps the old ones: %s",
		       glint_capture_path(capture), trial->message);
	set_stream(&capture->config, &trial->before);
}

/* --- On the loop's thread ------------------------------------------------------------------ */

static void trial_end(struct glint_capture *capture, int err)
{
	struct glint_trial *trial = &capture->trial;
	struct glint_prepare *prepare = trial->prepare;

	trial->prepare = NULL;
	if (!prepare)
		return;
	/* While a call has not returned, its thread may write the message. */
	if (err < 0 && err != -ETIMEDOUT)
		snprintf(prepare->message, sizeof(prepare->message), "%s", trial->message);
	prepare->done(prepare, err);
}

void glint_trial_settle(struct glint_capture *capture)
{
	struct glint_trial *trial = &capture->trial;

	if (!trial->runs)
		return;
	trial->runs = false;
	if (!trial->cancelled)
		trial_end(capture, trial->err);
}

static void check_done(struct glint_device_job *job, int err)
{
	struct glint_capture *capture = container_of(job, struct glint_capture, trial.check);
	struct glint_trial *trial = &capture->trial;

	if (!trial->prepare)
		return;
	if (err == -ENODEV) {
		trial_end(capture, 0); /* it gets the settings when it comes back */
		return;
	}
	if (err < 0) {
		trial_end(capture, err);
		return;
	}
	trial->waits = true;
	trial->before = capture->config;
	set_stream(&capture->config, &trial->wanted);
	if (capture->state == GLINT_CAPTURE_LIVE)
		glint_capture_restart(capture, "with other settings");
	else
		glint_capture_hurry(capture);
}

static void check_free(struct glint_device_job *job)
{
	container_of(job, struct glint_trial, check)->check_runs = false;
}

static const struct glint_device_job_ops check_ops = {
	.run = check_run,
	.done = check_done,
	.free = check_free,
};

int glint_trial_begin(struct glint_capture *capture, const struct glint_capture_config *wanted,
		      struct glint_prepare *prepare)
{
	struct glint_trial *trial = &capture->trial;
	int err;

	/* The device's thread may use what was asked before. */
	if (trial->check_runs || trial->runs)
		return -EBUSY;
	trial->before = trial->wanted = capture->config;
	set_stream(&trial->wanted, wanted);
	trial->message[0] = '\0';
	trial->waits = false;
	trial->check = (struct glint_device_job){ .ops = &check_ops, .ours = true };
	err = glint_capture_run_job(capture, &trial->check);
	if (err < 0) /* a device that is away gets the settings when it comes back */
		return err == -ENODEV ? 0 : err;
	trial->check_runs = true;
	trial->prepare = prepare;
	return -EINPROGRESS;
}

void glint_trial_apply(struct glint_capture *capture, const struct glint_capture_config *wanted)
{
	struct glint_trial *trial = &capture->trial;

	trial->prepare = NULL;
	trial->waits = false;
	trial->cancelled = trial->runs;
	set_stream(&capture->config, wanted);
	/* A cancelled change may have begun a stream. */
	if (capture->state == GLINT_CAPTURE_LIVE &&
	    glint_capture_stream_differs(&capture->config, &capture->job_config))
		glint_capture_restart(capture, "with other settings");
}

/* --- What has become of a change ---------------------------------------------------------- */

static bool made_size(const struct glint_capture *capture, struct glint_change_made *made)
{
	const struct glint_capture_config *config = &capture->config;
	const struct glint_format *format = &capture->shown.format;

	snprintf(made->got, sizeof(made->got), "%ux%u", format->width, format->height);
	return config->width == 0 ||
	       (config->width == format->width && config->height == format->height);
}

static bool made_format(const struct glint_capture *capture, struct glint_change_made *made)
{
	uint32_t wished = capture->config.fourcc, got = capture->shown.format.fourcc;
	char fourcc[5];

	snprintf(made->got, sizeof(made->got), "%s", glint_fourcc_text(got, fourcc));
	return wished == 0 || glint_choose_is_same(wished, got);
}

static bool made_rate(const struct glint_capture *capture, struct glint_change_made *made)
{
	uint32_t wished = 1000 * capture->config.fps, got = capture->shown.nominal_millihz;

	snprintf(made->got, sizeof(made->got), "%u.%02u", got / 1000, got % 1000 / 10);
	/* 30 is 29.97 as well. */
	return wished == 0 || MAX(wished, got) - MIN(wished, got) <= wished / 200;
}

static bool made_input(const struct glint_capture *capture, struct glint_change_made *made)
{
	snprintf(made->got, sizeof(made->got), "%u", capture->shown.input);
	return true;
}

static bool made_timings(const struct glint_capture *capture, struct glint_change_made *made)
{
	static_assert(sizeof(made->got) >= GLINT_TIMINGS_TEXT, "");
	(void)glint_timings_text(&capture->shown.timings, made->got);
	return true;
}

/* A driver may choose one standard of those that were asked for, or tell all that are alike. */
static bool made_standard(const struct glint_capture *capture, struct glint_change_made *made)
{
	static const struct {
		const char *name;
		uint64_t standards;
	} families[] = {
		{ "PAL", V4L2_STD_PAL | V4L2_STD_PAL_M | V4L2_STD_PAL_N | V4L2_STD_PAL_Nc |
				 V4L2_STD_PAL_60 },
		{ "NTSC", V4L2_STD_NTSC | V4L2_STD_NTSC_443 },
		{ "SECAM", V4L2_STD_SECAM },
	};
	uint64_t wished = capture->config.tv_standard, got = capture->shown.standard;
	const char *name = "none";

	for (size_t i = ARRAY_SIZE(families); i > 0; i--)
		if (got & families[i - 1].standards)
			name = families[i - 1].name;
	if (got & wished && made->asked)
		name = made->asked;
	snprintf(made->got, sizeof(made->got), "%s", name);
	return wished == 0 || got & wished;
}

static bool made_dv_timings(const struct glint_capture *capture, struct glint_change_made *made)
{
	bool got = capture->shown.timings.width > 0;

	snprintf(made->got, sizeof(made->got), "%s", got ? "true" : "false");
	return got || !capture->config.dv_timings;
}

static bool made_buffers(const struct glint_capture *capture, struct glint_change_made *made)
{
	unsigned wished = capture->config.buffers, got = capture->pool->n_buffers;

	/* The configuration has at least two buffers, whatever the request says. */
	if (made->asked)
		wished = (unsigned)strtoul(made->asked, NULL, 0);
	snprintf(made->got, sizeof(made->got), "%u", got);
	return got == wished;
}

static bool made_memory(const struct glint_capture *capture, struct glint_change_made *made)
{
	static const enum glint_memory memories[] = {
		[GLINT_MEMORY_WISH_DRIVER] = GLINT_MEMORY_V4L2,
		[GLINT_MEMORY_WISH_HEAP] = GLINT_MEMORY_HEAP,
		[GLINT_MEMORY_WISH_DUMB] = GLINT_MEMORY_DUMB,
		[GLINT_MEMORY_WISH_UDMABUF] = GLINT_MEMORY_UDMABUF,
	};
	const char *got = glint_memory_name(capture->shown.memory);
	unsigned wish = capture->config.memory;

	snprintf(made->got, sizeof(made->got), "%s", got);
	return wish == GLINT_MEMORY_WISH_AUTO ||
	       strcmp(glint_memory_name(memories[wish]), got) == 0;
}

bool glint_capture_made(const struct glint_capture *capture, struct glint_change_made *made)
{
	static const struct {
		const char *name;
		bool (*tell)(const struct glint_capture *capture, struct glint_change_made *made);
	} settings[] = {
		{ "resolution", made_size },  { "format", made_format },
		{ "capture-fps", made_rate }, { "input", made_input },
		{ "timings", made_timings },  { "tv-standard", made_standard },
		{ "buffers", made_buffers },  { "dv-timings", made_dv_timings },
		{ "memory", made_memory },
	};

	if (!capture->pool)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		if (strcmp(settings[i].name, made->name) != 0)
			continue;
		made->as_asked = settings[i].tell(capture, made);
		return true;
	}
	return false;
}
