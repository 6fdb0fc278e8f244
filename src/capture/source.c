/* SPDX-License-Identifier: MIT */
#include "capture/source.h"

#include <assert.h>
#include <errno.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <string.h>

#include "base/fourcc.h"
#include "base/log.h"
#include "capture/internal.h"
#include "capture/pool.h"
#include "v4l2/choose.h"
#include "v4l2/enumerate.h"
#include "v4l2/input.h"
#include "v4l2/timings.h"
#include "v4l2/downstream.h"

static const struct glint_log_topic topic = { "capture" };

#define RATE_UNKNOWN_MILLIHZ 240000 /* requested from drivers that list no rates */

bool glint_source_waits(int err)
{
	return err == -ENOLINK || err == -ENOLCK || err == -ERANGE || err == -EHOSTDOWN ||
	       err == -EPROTOTYPE;
}

/* --- Opening ------------------------------------------------------------------------ */

/*
 * Select the input of the configuration, unless it is selected. It is a number or a name; without one
 * it is 0.
 */
static int source_select_input(struct glint_source *source)
{
	const char *wished = *source->config->input ? source->config->input : "0";
	uint32_t before = source->vdev.input, input;
	char names[GLINT_INPUT_NAMES];
	int err;

	if (strcmp(source->input_set, wished) == 0)
		return 0;
	source->step = "S_INPUT";
	err = glint_input_find(&source->vdev, wished, &input, names);
	if (err == 0)
		err = glint_input_select(&source->vdev, input);
	if (err == -EINVAL)
		glint_log_err(&topic, err, "'%s' has no input %s; it has %s", source->path, wished,
			      *names ? names : "one, 0");
	if (err < 0)
		return err;
	if (*source->input_set)
		glint_input_unsubscribe(&source->vdev, before);
	snprintf(source->input_set, sizeof(source->input_set), "%s", wished);
	source->standard_set = 0;
	glint_input_subscribe(&source->vdev);
	return 0;
}

/* Set the TV standard of the configuration; without one, the standard of before comes back. */
static int source_set_standard(struct glint_source *source)
{
	uint64_t wished = source->config->tv_standard;
	int err;

	if (wished == source->standard_set)
		return 0;
	source->step = "S_STD";
	if (source->standard_set == 0)
		source->standard_before = glint_input_standard(&source->vdev);
	err = glint_input_set_standard(&source->vdev, wished ? wished : source->standard_before);
	if (err < 0)
		return err;
	source->standard_set = wished;
	return 0;
}

/*
 * Open the node at source->path. -EREMCHG: another device is there now. The node of a device that
 * was opened keeps its number until it is closed, so what is checked here is what streams.
 */
static int source_open_node(struct glint_source *source, bool any)
{
	char was[GLINT_IDENTITY_WORDS_MAX], is[GLINT_IDENTITY_WORDS_MAX];
	struct glint_vdev *vdev = &source->vdev;
	int err = glint_vdev_open(vdev, source->access, source->path);
	bool other = source->knows && (err == 0 || err == -ENOTTY) &&
		     !glint_identity_same(&source->known, &vdev->identity);

	if (err < 0 && !other)
		return err;
	if (!other || (any && err == 0)) {
		source->opens++;
		source->known = vdev->identity;
		source->knows = true;
		return 0;
	}
	glint_identity_words(&source->known, was);
	glint_identity_words(&vdev->identity, is);
	snprintf(source->message, sizeof(source->message), "it was %s, it is %s", was, is);
	glint_vdev_close(vdev);
	return -EREMCHG;
}

/* Say what was looked for, and what is there. */
static void source_describe_search(struct glint_source *source, const struct glint_search *search)
{
	const char *wanted = source->config->device;
	char what[GLINT_IDENTITY_WORDS_MAX];

	if (search->known)
		glint_identity_words(search->known, what);
	else
		snprintf(what, sizeof(what), "'%s'", wanted ? wanted : "auto");
	snprintf(source->message, sizeof(source->message), "%.200s is not there; %s%s", what,
		 *search->seen ? "there is " : "nor is any other device", search->seen);
}

/* Open the first node that fits the name, or the device that is known. */
static int source_search(struct glint_source *source, const struct glint_device_name *name)
{
	static_assert(sizeof(source->path) >= GLINT_NODE_PATH_MAX, "");
	struct glint_search search = {
		.access = source->access,
		.name = *name,
		.known = source->knows ? &source->known : NULL,
	};
	int err = glint_enumerate_find(&search);

	memcpy(source->path, search.path, sizeof(search.path));
	if (err < 0) {
		source_describe_search(source, &search);
		return err;
	}
	return source_open_node(source, glint_device_name_is_complete(name));
}

/*
 * Open the node at the path that the user has given. If its device is known and is not there,
 * follow the device to its new node: the kernel numbers nodes as it likes.
 */
static int source_open_path(struct glint_source *source, const struct glint_device_name *name)
{
	const char *folder = name->in_dev ? "/dev/" : "";
	char message[sizeof(source->message)];
	int err, found;

	snprintf(source->path, sizeof(source->path), "%s%s", folder, name->text);
	err = source_open_node(source, false);
	if (err == 0 || !source->knows ||
	    (err != -EREMCHG && glint_reason_of(err) != GLINT_REASON_NO_DEVICE))
		return err;
	memcpy(message, source->message, sizeof(message));
	found = source_search(source, name);
	if (*source->path)
		return found;
	snprintf(source->path, sizeof(source->path), "%s%s", folder, name->text);
	if (err == -EREMCHG)
		memcpy(source->message, message, sizeof(message));
	return err;
}

static int source_open(struct glint_source *source)
{
	const struct glint_capture_config *config = source->config;
	struct glint_device_name name;
	int err = glint_device_name_parse(config->device, &name);

	source->message[0] = '\0';
	if (err == 0)
		err = name.kind == GLINT_DEVICE_PATH ? source_open_path(source, &name) :
						       source_search(source, &name);
	if (err < 0)
		return err;
	source->message[0] = '\0';
	source->edid.applied = false;
	source->input_set[0] = '\0';
	source->standard_set = 0;
	err = glint_media_begin(source);
	if (err == 0)
		err = glint_media_open_receiver(source);
	if (err == 0)
		err = source_select_input(source);
	if (err < 0)
		return err;
	err = source_set_standard(source);
	if (err < 0) {
		glint_log_err(&topic, err, "'%s': cannot set the TV standard", source->path);
		source->standard_set = config->tv_standard; /* once for each opening */
	}
	glint_controls_set(source);
	return 0;
}

/* --- Setting up ------------------------------------------------------------------------ */

static int source_force_timings(struct glint_source *source)
{
	const struct glint_timings_wish *wish = &source->config->timings;
	char offers[GLINT_TIMINGS_OFFERS];
	int err;

	source->step = "S_DV_TIMINGS";
	err = glint_timings_force(&source->vdev, wish, offers);
	source->refused = err == -ERANGE;
	if (err == -ERANGE && !source->timings_logged) {
		source->timings_logged = true;
		glint_log_error(&topic, "'%s' has no timings %ux%u%c%g; it has %s", source->path,
				wish->width, wish->height, wish->interlaced ? 'i' : 'p',
				wish->millihz / 1000.0, *offers ? offers : "none");
	}
	return err;
}

static int source_follow_signal(struct glint_source *source)
{
	struct glint_vdev *vdev = &source->vdev;
	int err = glint_input_check(vdev, false);

	if (err < 0 ||
	    !(vdev->has_dv_timings || source->config->dv_timings || source->config->timings.width))
		return err;

	/* Drop earlier events; later events concern the timings that are set now. */
	(void)glint_input_changed(vdev, NULL);
	if (source->config->timings.width > 0)
		return source_force_timings(source);
	if (vdev->timings.forced)
		vdev->timings = (struct glint_timings){ 0 };
	err = glint_timings_follow(vdev);
	if (err != -ENOTTY && err != -ENODATA)
		return err;
	if (source->config->dv_timings && !source->timings_logged) {
		source->timings_logged = true;
		glint_log_warn(&topic, "'%s' has no DV timings to follow", source->path);
	}
	return 0;
}

/* Set the first of @choices that the driver takes, or answers with another usable format. */
static int source_set_first(struct glint_source *source, const struct glint_choice *choices,
			    int count, struct glint_choice *chosen)
{
	const struct glint_capture_config *config = source->config;
	const struct glint_format *format = &source->vdev.format;
	char wished[5], taken[5];

	for (int i = 0; i < count; i++) {
		int err = glint_vdev_set_format(&source->vdev, choices[i].fourcc, choices[i].width,
						choices[i].height);

		/* Errors of the device, and not of the format, end the search. */
		if (err < 0 && err != -EINVAL && err != -EPROTO)
			return err;
		if (err < 0 || !glint_format_is_usable(format->info, config->raw_formats,
						       config->other_formats))
			continue;
		*chosen = choices[i];
		if (config->fourcc && !chosen->wished && !source->missed_logged) {
			source->missed_logged = true;
			glint_log_warn(&topic, "'%s' has no format %s: using %s instead",
				       source->path, glint_fourcc_text(config->fourcc, wished),
				       glint_fourcc_text(format->fourcc, taken));
		}
		return 0;
	}
	return -EMEDIUMTYPE;
}

static uint32_t source_rate(const struct glint_capture_config *config)
{
	return config->fps > 0 ? 1000 * config->fps : config->fps_milli;
}

static void source_set_rate(struct glint_source *source, const struct glint_choice *chosen)
{
	struct glint_vdev *vdev = &source->vdev;
	uint32_t wished = source_rate(source->config);
	uint32_t num = chosen->interval_num, den = chosen->interval_den;

	/* The rate of a received signal cannot be set. */
	vdev->rate_millihz = vdev->timings.rate_millihz;
	if (vdev->timings.width > 0)
		return;
	if (den == 0) {
		num = 1000;
		den = wished ? wished : RATE_UNKNOWN_MILLIHZ;
	}
	(void)glint_vdev_set_interval(vdev, num, den);
	if (vdev->rate_millihz == 0)
		vdev->rate_millihz = chosen->rate_millihz;
}

bool glint_source_makes_frames(const struct glint_source *source)
{
	return glint_fields_need(&source->vdev.format, source->config->deinterlace);
}

/*
 * Set the layout that the downstream device wants. If the capture device does not take it, restore
 * the format that was set before.
 */
static void source_suit_downstream(struct glint_source *source)
{
	struct glint_downstream *downstream = source->downstream;
	struct glint_vdev *vdev = &source->vdev;
	struct glint_format before = vdev->format, need;

	/* Frames that are made of the buffers are in other memory. */
	source->downstream_wants = downstream && !glint_source_makes_frames(source) &&
				   before.info->layout != GLINT_LAYOUT_JPEG &&
				   downstream->ops->layout(downstream, &before, &need) == 0;
	if (!source->downstream_wants)
		return;
	need.width = before.width;
	need.height = before.height;
	need.field = before.field;
	if (glint_vdev_set_layout(vdev, &need, !source->config->keep_range) < 0 ||
	    vdev->format.fourcc != before.fourcc || vdev->format.width != before.width ||
	    vdev->format.height != before.height)
		(void)glint_vdev_set_format(vdev, before.fourcc, before.width, before.height);
	memcpy(vdev->room, need.size, sizeof(vdev->room));
}

static int source_negotiate(struct glint_source *source)
{
	uint32_t preferred[GLINT_DOWNSTREAM_FORMATS_MAX];
	const struct glint_capture_config *config = source->config;
	const struct glint_timings *timings = &source->vdev.timings;
	struct glint_downstream *downstream = source->downstream;
	struct glint_choice choices[GLINT_CHOICES_MAX], chosen;
	struct glint_wish wish = {
		.fourcc = config->fourcc,
		.width = timings->width ? timings->width : config->width,
		.height = timings->width ? timings->height : config->height,
		.fps = config->size_fps,
		.rate_millihz = source_rate(config),
		.preferred = preferred,
		.raw = config->raw_formats,
		.other = config->other_formats,
	};
	int count, err;

	if (source->pipeline.n > 0) {
		wish.mbus_code = source->pipeline.code;
		wish.width = source->pipeline.width;
		wish.height = source->pipeline.height;
	}
	if (wish.width == 0) {
		err = glint_choose_size(&source->vdev, &wish);
		if (err < 0)
			return err;
	}
	if (downstream) {
		count = downstream->ops->formats(downstream, wish.width, wish.height, preferred);
		wish.n_preferred = (unsigned)MAX(count, 0);
	}
	count = glint_choose(&source->vdev, &wish, choices);
	if (count < 0)
		return count;
	source->step = "S_FMT";
	err = source_set_first(source, choices, count, &chosen);
	if (err == 0 && source->vdev.format.field > GLINT_FIELD_INTERLACED)
		err = glint_vdev_ask_for_frames(&source->vdev);
	if (err < 0)
		return err;
	/* Half of the lines, or one field below the other, must not look like a picture. */
	if (glint_source_makes_frames(source) && !glint_fields_can(&source->vdev.format))
		return -EPROTOTYPE;
	source_suit_downstream(source);
	source->vdev.standard = glint_input_standard(&source->vdev);
	source->vdev.bottom_first = source->vdev.standard & V4L2_STD_525_60;
	source_set_rate(source, &chosen);
	if (source->vdev.format.info->layout == GLINT_LAYOUT_JPEG)
		(void)glint_controls_set_jpeg_quality(source, config->jpeg_quality);
	return 0;
}

/* --- Streaming ---------------------------------------------------------------------------- */

static int source_stream(struct glint_source *source)
{
	struct glint_pool *pool;
	int err;

	source->step = "REQBUFS";
	err = glint_memory_choose(source, &pool);
	if (err < 0)
		return err;
	source->step = "STREAMON";
	err = glint_vdev_stream(&source->vdev, true);
	if (err < 0) {
		glint_memory_drop(source, pool);
		return source->pipeline.n > 0 ? glint_media_refused(source, err) : err;
	}
	source->pool = pool;
	return 0;
}

/* The driver may refuse what all subdevices take: then the source tries its next format. */
static int source_stream_pipeline(struct glint_source *source)
{
	char problem[GLINT_PIPELINE_TEXT_MAX] = "";
	unsigned attempt = 0;
	int err;

	do {
		err = glint_media_set_up(source, &attempt);
		if (err < 0)
			break;
		err = source_negotiate(source);
		if (err == 0)
			err = source_stream(source);
		/* The first format is the best one, so its problem is the one to tell. */
		if (err == -EPIPE && !*problem)
			memcpy(problem, source->pipeline.problem, sizeof(problem));
	} while (err == -EPIPE);
	if (err == -EPIPE && *problem)
		memcpy(source->pipeline.problem, problem, sizeof(problem));
	return err;
}

int glint_source_start(struct glint_source *source)
{
	int err = 0;

	assert(!source->pool);

	source->step = "open";
	source->refused = false;
	if (!glint_source_is_open(source)) {
		err = source_open(source);
	} else {
		err = glint_media_begin(source);
		if (err == 0)
			err = source_select_input(source);
		if (err == 0)
			err = source_set_standard(source);
	}
	if (err == 0) {
		glint_source_apply_edid(source);
		err = source_follow_signal(source);
	}
	if (err == 0 && source->pipeline.n > 0)
		err = source_stream_pipeline(source);
	else if (err == 0)
		err = source_negotiate(source);
	if (err == 0 && !source->pool)
		err = source_stream(source);
	glint_media_end(source, err);
	/* -EUCLEAN: the loop starts again, without the parked pool. */
	if (err < 0 && err != -EUCLEAN && !glint_source_waits(err) && !source->tries)
		glint_vdev_close(&source->vdev);
	return err;
}

/* Errors are ignored: an unplugged device refuses all calls, and has ended the stream. */
void glint_source_stop(struct glint_source *source, bool close)
{
	if (!glint_source_is_open(source))
		return;
	(void)glint_vdev_stream(&source->vdev, false);
	(void)glint_vdev_free(&source->vdev);
	if (close)
		glint_vdev_close(&source->vdev);
}
