/* SPDX-License-Identifier: MIT */
#include "v4l2/pipeline.h"

#include <assert.h>
#include <errno.h>
#include <linux/media.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <string.h>

#include "v4l2/pipeline_private.h"
#include "v4l2/vdev.h"

#define COST_ENABLED  1u   /* of a link on the path */
#define COST_DISABLED 100u /* an enabled way is better, even if it is longer */
#define UNREACHED     UINT32_MAX

void glint_pipeline_problem(struct glint_pipeline *pipeline, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(pipeline->problem, sizeof(pipeline->problem), fmt, args);
	va_end(args);
}

void glint_pipeline_close(struct glint_pipeline *pipeline)
{
	glint_media_close(&pipeline->media);
	pipeline->n = 0;
}

/* --- The path ----------------------------------------------------------------------------- */

/* For each entity the cost of its way to the node, and the link that the way begins with. */
struct search {
	uint32_t cost[GLINT_MEDIA_ENTITIES_MAX];
	unsigned next[GLINT_MEDIA_ENTITIES_MAX];
};

/* Bellman-Ford, against the direction of the links. Every round but the last lowers a cost. */
static void search_from(const struct glint_media *media, unsigned node, struct search *search)
{
	bool lowered = true;

	for (unsigned i = 0; i < media->n_entities; i++)
		search->cost[i] = UNREACHED;
	search->cost[node] = 0;
	while (lowered) {
		lowered = false;
		for (unsigned i = 0; i < media->n_links; i++) {
			const struct glint_media_link *link = &media->links[i];
			unsigned from = media->pads[link->source].entity;
			unsigned to = media->pads[link->sink].entity;
			uint32_t cost = link->enabled ? COST_ENABLED : COST_DISABLED;

			if (search->cost[to] == UNREACHED ||
			    search->cost[to] + cost >= search->cost[from] ||
			    media->entities[from].node != GLINT_MEDIA_SUBDEV)
				continue;
			search->cost[from] = search->cost[to] + cost;
			search->next[from] = i;
			lowered = true;
		}
	}
}

/* Connectors, which have no node, do not count. */
static bool has_upstream(const struct glint_media *media, unsigned entity)
{
	for (unsigned i = 0; i < media->n_links; i++) {
		const struct glint_media_link *link = &media->links[i];

		if (media->pads[link->sink].entity == entity &&
		    glint_media_entity_at(media, link->source)->node == GLINT_MEDIA_SUBDEV)
			return true;
	}
	return false;
}

/* Among sources at the same cost, a receiver of signals wins. */
static int choose_source(const struct glint_media *media, const struct search *search,
			 unsigned node)
{
	int best = -ENOENT;

	for (unsigned i = 0; i < media->n_entities; i++) {
		bool receiver = media->entities[i].function == MEDIA_ENT_F_DV_DECODER;

		if (search->cost[i] == UNREACHED || i == node || has_upstream(media, i))
			continue;
		if (best < 0 || search->cost[i] < search->cost[best] ||
		    (search->cost[i] == search->cost[best] && receiver &&
		     media->entities[best].function != MEDIA_ENT_F_DV_DECODER))
			best = (int)i;
	}
	return best;
}

static int find_source(struct glint_pipeline *pipeline, const struct search *search, unsigned node,
		       const char *name)
{
	const struct glint_media *media = &pipeline->media;
	int source = -ENOENT;

	if (!name) {
		source = choose_source(media, search, node);
		if (source < 0)
			glint_pipeline_problem(pipeline, "nothing in %s can be linked to '%s'",
					       media->path, media->entities[node].name);
		return source;
	}
	for (unsigned i = 0; i < media->n_entities; i++)
		if (strcmp(media->entities[i].name, name) == 0)
			source = (int)i;
	if (source < 0)
		glint_pipeline_problem(pipeline,
				       "there is no entity '%s' in %s; 'glint media' lists them",
				       name, media->path);
	else if (search->cost[source] == UNREACHED || source == (int)node)
		glint_pipeline_problem(pipeline, "'%s' cannot be linked to '%s' in %s", name,
				       media->entities[node].name, media->path);
	else
		return source;
	return -ENOENT;
}

static int take_path(struct glint_pipeline *pipeline, const struct search *search, unsigned source,
		     unsigned node)
{
	const struct glint_media *media = &pipeline->media;

	for (unsigned at = source;; at = media->pads[media->links[search->next[at]].sink].entity) {
		if (pipeline->n == GLINT_PIPELINE_LENGTH_MAX) {
			glint_pipeline_problem(pipeline,
					       "the path in %s is longer than %u entities",
					       media->path, GLINT_PIPELINE_LENGTH_MAX);
			return -EPIPE;
		}
		pipeline->joined[at] = true;
		pipeline->entities[pipeline->n] = at;
		if (at != node)
			pipeline->links[pipeline->n] = search->next[at];
		pipeline->n++;
		if (at == node)
			return 0;
	}
}

static int find_path(struct glint_pipeline *pipeline, struct glint_v4l2_number number,
		     const char *name)
{
	int node = glint_media_entity_of(&pipeline->media, number), source;
	struct search search;

	if (node < 0) {
		glint_pipeline_problem(pipeline, "%s does not have this video node",
				       pipeline->media.path);
		return -EPIPE;
	}
	search_from(&pipeline->media, (unsigned)node, &search);
	source = find_source(pipeline, &search, (unsigned)node, name);
	if (source < 0)
		return -EPIPE;
	return take_path(pipeline, &search, (unsigned)source, (unsigned)node);
}

int glint_pipeline_open(struct glint_pipeline *pipeline, const struct glint_vdev *vdev,
			const char *media_device, const char *source)
{
	struct glint_v4l2_number number;
	int err;

	*pipeline = (struct glint_pipeline){ 0 };
	err = vdev->access->ops->number(vdev->access, vdev->fd, &number);
	if (err < 0) {
		glint_pipeline_problem(pipeline, "the video node has no number: %s",
				       strerror(-err));
		return err;
	}
	if (media_device) {
		err = glint_media_open(&pipeline->media, vdev->access, media_device);
		if (err < 0)
			glint_pipeline_problem(pipeline, "cannot read the media device '%s': %s",
					       media_device, strerror(-err));
	} else {
		err = glint_media_find(&pipeline->media, vdev->access, number);
		if (err < 0)
			glint_pipeline_problem(pipeline,
					       "no media device that may be opened has "
					       "this video node; --media-device names it");
	}
	if (err < 0)
		return err;
	err = find_path(pipeline, number, source);
	if (err < 0)
		glint_pipeline_close(pipeline);
	return err;
}

int glint_pipeline_open_receiver(struct glint_pipeline *pipeline, struct glint_vdev *vdev)
{
	struct v4l2_dv_timings timings = { 0 };
	int fd = glint_media_open_node(&pipeline->media, pipeline->entities[0]);

	assert(vdev->receiver_fd < 0);

	if (fd < 0) {
		glint_pipeline_problem(pipeline, "cannot open '%s': %s",
				       pipeline->media.entities[pipeline->entities[0]].name,
				       strerror(-fd));
		return fd;
	}
	pipeline->receives =
		glint_v4l2_ioctl(vdev->access, fd, VIDIOC_QUERY_DV_TIMINGS, &timings) != -ENOTTY;
	if (!pipeline->receives) {
		(void)vdev->access->ops->close(vdev->access, fd);
		return 0;
	}
	vdev->receiver_fd = fd;
	vdev->receiver_pad = 0;
	return 0;
}

/* --- Links -------------------------------------------------------------------------------------- */

static int link_problem(struct glint_pipeline *pipeline, unsigned link, bool enable, int err)
{
	const struct glint_media *media = &pipeline->media;
	const struct glint_media_link *of = &media->links[link];

	glint_pipeline_problem(pipeline, "cannot %s the link from '%s' to '%s': %s%s",
			       enable ? "enable" : "disable",
			       glint_media_entity_at(media, of->source)->name,
			       glint_media_entity_at(media, of->sink)->name, strerror(-err),
			       err == -EBUSY ? "; another program streams from this board" : "");
	return err == -EBUSY ? err : -EPIPE;
}

/* A sink pad takes one enabled link, so the others are disabled first. */
static int enable_link(struct glint_pipeline *pipeline, unsigned link)
{
	struct glint_media *media = &pipeline->media;
	int err;

	if (media->links[link].enabled)
		return 0;
	for (unsigned i = 0; i < media->n_links; i++) {
		if (i == link || !media->links[i].enabled ||
		    media->links[i].sink != media->links[link].sink)
			continue;
		err = glint_media_set_link(media, i, false);
		if (err < 0)
			return link_problem(pipeline, i, false, err);
	}
	err = glint_media_set_link(media, link, true);
	return err < 0 ? link_problem(pipeline, link, true, err) : 0;
}

/*
 * Disable the link between an entity that is joined to the path and one that is not. If the link
 * stays, the other entity is joined, too: its links and formats must then agree as well.
 */
static void cut_link(struct glint_pipeline *pipeline, unsigned link)
{
	struct glint_media *media = &pipeline->media;
	const struct glint_media_link *of = &media->links[link];

	if (glint_media_set_link(media, link, false) == 0)
		return;
	pipeline->joined[media->pads[of->source].entity] = true;
	pipeline->joined[media->pads[of->sink].entity] = true;
}

int glint_pipeline_set_links(struct glint_pipeline *pipeline)
{
	const struct glint_media *media = &pipeline->media;
	bool changed = true;
	int err;

	for (unsigned i = 0; i + 1 < pipeline->n; i++) {
		err = enable_link(pipeline, pipeline->links[i]);
		if (err < 0)
			return err;
	}
	/* Each round disables a link or joins an entity, so there is a last round. */
	while (changed) {
		changed = false;
		for (unsigned i = 0; i < media->n_links; i++) {
			const struct glint_media_link *link = &media->links[i];
			bool from = pipeline->joined[media->pads[link->source].entity];
			bool to = pipeline->joined[media->pads[link->sink].entity];

			if (!link->enabled || from == to)
				continue;
			cut_link(pipeline, i);
			changed = true;
		}
	}
	return 0;
}
