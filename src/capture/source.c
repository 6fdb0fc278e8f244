/* SPDX-License-Identifier: MIT */
#include "capture/source.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "capture/controls.h"
#include "capture/memory.h"
#include "capture/pool.h"
#include "v4l2/choose.h"
#include "v4l2/enumerate.h"
#include "v4l2/input.h"
#include "v4l2/partner.h"

static const struct glint_log_topic topic = { "capture" };

#define RATE_UNKNOWN_MILLIHZ 240000	/* asked of drivers that do not say what they can */

bool glint_source_waits(int err)
{
	return err == -ENOLINK || err == -ENOLCK || err == -ERANGE;
}

/* --- Opening ------------------------------------------------------------------------ */

static int source_find(struct glint_source *source)
{
	static_assert(sizeof(source->path) >= GLINT_NODE_PATH_MAX, "");
	int err;

	if (source->config->device) {
		snprintf(source->path, sizeof(source->path), "%s", source->config->device);
		return 0;
	}
	err = glint_enumerate_find(source->access, source->path);
	if (err < 0)
		source->path[0] = '\0';
	return err;
}

static int source_open(struct glint_source *source)
{
	const struct glint_capture_config *config = source->config;
	int err = source_find(source);

	if (err < 0)
		return err;
	err = glint_vdev_open(&source->vdev, source->access, source->path);
	if (err < 0)
		return err;
	source->opens++;
	err = glint_input_select(&source->vdev, config->input);
	if (err < 0)
		return err == -EINVAL ? glint_log_err(&topic, err, "'%s' has no input %u",
						      source->path, config->input) :
					err;
	if (config->tv_standard) {
		err = glint_input_set_standard(&source->vdev, config->tv_standard);
		if (err < 0)
			glint_log_err(&topic, err, "'%s': cannot set the TV standard",
				      source->path);
	}
	glint_input_subscribe(&source->vdev);
	glint_controls_set(source);
	return 0;
}

/* --- Setting up ------------------------------------------------------------------------ */

static int source_follow_signal(struct glint_source *source)
{
	struct glint_vdev *vdev = &source->vdev;
	int err = glint_input_check(vdev, false);

	if (err < 0 || !(vdev->has_dv_timings || source->config->dv_timings))
		return err;

	/* Older events are of no more interest; later ones are about what is set up now. */
	(void)glint_input_changed(vdev);
	err = glint_input_follow_timings(vdev);
	if (err != -ENOTTY && err != -ENODATA)
		return err;
	if (source->config->dv_timings && !source->timings_told) {
		source->timings_told = true;
		glint_log_warn(&topic, "'%s' has no DV timings to follow", source->path);
	}
	return 0;
}

/* The driver may have set another format than the one that was chosen. */
static bool source_format_is_usable(const struct glint_source *source)
{
	return glint_format_is_usable(source->vdev.format.info, source->config->raw_formats,
				      source->config->other_formats);
}

/* Other errors than of the format itself are the device's: another format has them too. */
static bool is_format_error(int err)
{
	return err == -EINVAL || err == -EPROTO;
}

static void source_tell_missed(struct glint_source *source, const struct glint_choice *chosen)
{
	char wished[5], taken[5];

	if (!source->config->fourcc || chosen->wished || source->missed_told)
		return;
	source->missed_told = true;
	glint_log_warn(&topic, "'%s' has no format %s: %s is taken", source->path,
		       glint_fourcc_text(source->config->fourcc, wished),
		       glint_fourcc_text(source->vdev.format.fourcc, taken));
}

static int source_set_first(struct glint_source *source, const struct glint_choice *choices,
			    int count, struct glint_choice *chosen)
{
	for (int i = 0; i < count; i++) {
		int err = glint_vdev_set_format(&source->vdev, choices[i].fourcc, choices[i].width,
						choices[i].height);

		if (err < 0 && !is_format_error(err))
			return err;
		if (err < 0 || !source_format_is_usable(source))
			continue;
		*chosen = choices[i];
		source_tell_missed(source, chosen);
		return 0;
	}
	return -EMEDIUMTYPE;
}

static void source_set_rate(struct glint_source *source, const struct glint_choice *chosen)
{
	struct glint_vdev *vdev = &source->vdev;
	uint32_t wished = source->config->fps_milli;
	uint32_t num = chosen->interval_num, den = chosen->interval_den;

	/* A received signal has the rate that it has. */
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

/*
 * Format and layout as the partner would have them, as far as the device goes along. The
 * format that is set already will do as it is.
 */
static void source_suit_partner(struct glint_source *source)
{
	struct glint_partner *partner = source->partner;
	struct glint_vdev *vdev = &source->vdev;
	struct glint_format before = vdev->format, need;

	source->partner_wants = partner && before.info->layout != GLINT_LAYOUT_JPEG &&
				partner->ops->layout(partner, &before, &need) == 0;
	if (!source->partner_wants)
		return;
	need.width = before.width;
	need.height = before.height;
	if (glint_vdev_set_layout(vdev, &need, !source->config->keep_range) < 0 ||
	    vdev->format.fourcc != before.fourcc || vdev->format.width != before.width ||
	    vdev->format.height != before.height)
		(void)glint_vdev_set_format(vdev, before.fourcc, before.width, before.height);
	memcpy(vdev->room, need.size, sizeof(vdev->room));
}

static unsigned source_ask_partner(struct glint_source *source, const struct glint_wish *wish,
				   uint32_t preferred[static GLINT_PARTNER_FORMATS_MAX])
{
	struct glint_partner *partner = source->partner;
	int n = partner ? partner->ops->formats(partner, wish->width, wish->height, preferred) : 0;

	return n > 0 ? (unsigned)n : 0;
}

static int source_negotiate(struct glint_source *source)
{
	uint32_t preferred[GLINT_PARTNER_FORMATS_MAX];
	const struct glint_capture_config *config = source->config;
	const struct glint_timings *timings = &source->vdev.timings;
	struct glint_choice choices[GLINT_CHOICES_MAX], chosen;
	struct glint_wish wish = {
		.fourcc = config->fourcc,
		.width = timings->width ? timings->width : config->width,
		.height = timings->width ? timings->height : config->height,
		.rate_millihz = config->fps_milli,
		.preferred = preferred,
		.raw = config->raw_formats,
		.other = config->other_formats,
	};
	int count, err;

	wish.n_preferred = source_ask_partner(source, &wish, preferred);
	count = glint_choose(&source->vdev, &wish, choices);
	if (count < 0)
		return count;
	err = source_set_first(source, choices, count, &chosen);
	if (err < 0)
		return err;
	source_suit_partner(source);
	source_set_rate(source, &chosen);
	if (source->vdev.format.info->layout == GLINT_LAYOUT_JPEG)
		glint_controls_set_jpeg_quality(source);
	return 0;
}

/* --- Streaming ---------------------------------------------------------------------------- */

static int source_stream(struct glint_source *source)
{
	struct glint_pool *pool;
	int err = glint_memory_choose(source, &pool);

	if (err < 0)
		return err;
	err = glint_vdev_stream(&source->vdev, true);
	if (err < 0) {	/* this also takes back what was queued */
		glint_source_stop(source, false);
		glint_pool_retire(pool);
		return err;
	}
	source->pool = pool;
	return 0;
}

int glint_source_start(struct glint_source *source)
{
	int err = 0;

	if (!glint_source_is_open(source))
		err = source_open(source);
	if (err == 0)
		err = source_follow_signal(source);
	if (err == 0)
		err = source_negotiate(source);
	if (err == 0)
		err = source_stream(source);
	if (err < 0 && !glint_source_waits(err))
		glint_vdev_close(&source->vdev);
	return err;
}

/* An unplugged device refuses all of this, and has forgotten us anyway. */
void glint_source_stop(struct glint_source *source, bool close)
{
	if (!glint_source_is_open(source))
		return;
	(void)glint_vdev_stream(&source->vdev, false);
	(void)glint_vdev_free(&source->vdev);
	if (close)
		glint_vdev_close(&source->vdev);
}
