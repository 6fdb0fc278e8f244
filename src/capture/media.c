/* SPDX-License-Identifier: MIT */
/* The pipeline behind a capture node with a media controller. The device's thread. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "capture/source.h"

static const struct glint_log_topic topic = { "capture" };

/*
 * Starts without a media device before the node is used as it is. The kernel makes a board's video
 * nodes before its media device, so the first start may come too early.
 */
#define MISSING_MAX 4

/* Each problem is logged once, until another one follows or the pipeline works. */
static void log_problem(struct glint_source *source)
{
	struct glint_media_shown *shown = &source->media;

	if (strcmp(shown->problem, source->pipeline.problem) == 0)
		return;
	memcpy(shown->problem, source->pipeline.problem, sizeof(shown->problem));
	if (*shown->problem)
		glint_log_warn(&topic, "'%s': %s", source->path, shown->problem);
}

/* Take the path for /state, and log it when it is another one. */
static void show_path(struct glint_source *source)
{
	const struct glint_pipeline *pipeline = &source->pipeline;
	struct glint_media_shown *shown = &source->media, now = { .n = pipeline->n };
	char line[512];
	size_t len = 0;

	static_assert(sizeof(now.names[0]) == sizeof(pipeline->media.entities->name), "");
	memcpy(now.device, pipeline->media.path, sizeof(now.device));
	memcpy(now.problem, shown->problem, sizeof(now.problem));
	for (unsigned i = 0; i < pipeline->n; i++) {
		const char *name = pipeline->media.entities[pipeline->entities[i]].name;

		memcpy(now.names[i], name, sizeof(now.names[i]));
		if (len < sizeof(line))
			len += (size_t)snprintf(line + len, sizeof(line) - len, "%s'%s'",
						i > 0 ? " -> " : "", name);
	}
	if (memcmp(&now, shown, sizeof(now)) == 0)
		return;
	*shown = now;
	glint_log_info(&topic, "'%s' gets its video from %s of %s", source->path, line,
		       pipeline->media.path);
}

static int open_pipeline(struct glint_source *source)
{
	const struct glint_capture_config *config = source->config;
	const char *entity = config->media_entity;
	int err;

	/* The receiver that is open stays the source, whatever the links are now. */
	if (source->vdev.receiver_fd >= 0)
		entity = source->media.names[0];
	err = glint_pipeline_open(&source->pipeline, &source->vdev, config->media_device, entity);
	if (err == 0)
		show_path(source);
	return err;
}

int glint_media_begin(struct glint_source *source)
{
	const struct glint_capture_config *config = source->config;
	struct glint_vdev *vdev = &source->vdev;
	bool wanted = config->media_device || config->media_entity;
	int err;

	if (!source->access->ops->number || !(vdev->needs_pipeline || wanted))
		return 0;
	err = open_pipeline(source);
	if (err == 0) {
		source->media_missing = 0;
		source->pipeline.receives = vdev->receiver_fd >= 0;
		return 0;
	}
	if (wanted || err == -ENOMEM || (err == -ENODEV && ++source->media_missing < MISSING_MAX))
		return err;
	/* As another program has set it up, or as it is: STREAMON decides. */
	log_problem(source);
	return 0;
}

int glint_media_open_receiver(struct glint_source *source)
{
	if (source->pipeline.n == 0)
		return 0;
	return glint_pipeline_open_receiver(&source->pipeline, &source->vdev);
}

int glint_media_set_up(struct glint_source *source, unsigned *attempt)
{
	const struct glint_capture_config *config = source->config;
	struct glint_pipeline_wish wish = {
		.fourcc = config->fourcc,
		.width = config->width,
		.height = config->height,
		.raw = config->raw_formats,
		.other = config->other_formats,
	};
	int err = *attempt == 0 ? glint_pipeline_set_links(&source->pipeline) : 0;

	if (err < 0)
		return err;
	return glint_pipeline_set_formats(&source->pipeline, &source->vdev, &wish, attempt);
}

int glint_media_refused(struct glint_source *source, int err)
{
	/* ENOLINK from STREAMON is a missing link; and drivers of boards differ in their errors. */
	if (err != -EPIPE && err != -ENOLINK && err != -EINVAL && err != -ENOTCONN)
		return err;
	glint_pipeline_diagnose(&source->pipeline, err);
	return -EPIPE;
}

void glint_media_end(struct glint_source *source, int err)
{
	/* While only the signal is missing, the pipeline has not been set up. */
	if (!glint_source_waits(err))
		log_problem(source);
	glint_pipeline_close(&source->pipeline);
	source->pipeline.problem[0] = '\0';
}
