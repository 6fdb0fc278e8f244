/* SPDX-License-Identifier: MIT */
/*
 * A media controller's graph: entities with pads, and the data links between the pads. The graph is
 * a copy of what the kernel said at one moment: every number in it is checked, and ids are replaced
 * by indexes. Functions may block: worker thread only.
 */
#ifndef GLINT_V4L2_MEDIA_H
#define GLINT_V4L2_MEDIA_H

#include <stdbool.h>

#include "v4l2/access.h"

/* A graph with more is refused: boards have dozens of entities. */
#define GLINT_MEDIA_ENTITIES_MAX 256u
#define GLINT_MEDIA_LINKS_MAX	 2048u

#define GLINT_MEDIA_DEVICES_MAX 256u /* /dev/media0 to /dev/media255 */

enum glint_media_node {
	GLINT_MEDIA_NO_NODE,
	GLINT_MEDIA_VIDEO,  /* /dev/videoN */
	GLINT_MEDIA_SUBDEV, /* /dev/v4l-subdevN */
};

struct glint_media_entity {
	uint32_t id;
	uint32_t function; /* MEDIA_ENT_F_* */
	char name[65];
	enum glint_media_node node;
	struct glint_v4l2_number number; /* of its node */
};

struct glint_media_pad {
	uint32_t id;
	unsigned entity; /* < n_entities */
	uint32_t index;	 /* within its entity: the number that ioctls take */
	bool is_sink;
};

struct glint_media_link {
	unsigned source, sink; /* pads, < n_pads */
	bool enabled, immutable;
	uint32_t flags; /* MEDIA_LNK_FL_*, as read: all but ENABLED must stay */
};

struct glint_media {
	struct glint_v4l2_access *access; /* borrowed; NULL: closed */
	int fd;
	char path[GLINT_V4L2_PATH_MAX];
	char driver[17], model[33], bus[33];
	unsigned n_entities, n_pads, n_links;
	struct glint_media_entity *entities;
	struct glint_media_pad *pads;
	struct glint_media_link *links;
};

/* Open the media device at @path and read its graph. After a failure the caller owns nothing. */
int glint_media_open(struct glint_media *media, struct glint_v4l2_access *access, const char *path);

/*
 * Open the media device whose graph has the video node @number. -ENODEV: there is none; -EACCES: none
 * among those that this process may open.
 */
int glint_media_find(struct glint_media *media, struct glint_v4l2_access *access,
		     struct glint_v4l2_number number);

/* A zeroed @media is closed. */
void glint_media_close(struct glint_media *media);

/* Returns the entity of the video node @number, or -ENOENT. */
int glint_media_entity_of(const struct glint_media *media, struct glint_v4l2_number number);

/* Enable or disable a link. -EINVAL: it is immutable. -EBUSY: its pipeline streams. */
int glint_media_set_link(struct glint_media *media, unsigned link, bool enabled);

/* Open the node of an entity. Returns a descriptor; -ENXIO: the entity has no node. */
int glint_media_open_node(const struct glint_media *media, unsigned entity);

static inline const struct glint_media_entity *glint_media_entity_at(
	const struct glint_media *media, unsigned pad)
{
	return &media->entities[media->pads[pad].entity];
}
#endif
