/* SPDX-License-Identifier: MIT */
#include "v4l2/media.h"

#include <assert.h>
#include <errno.h>
#include <linux/media.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTERFACES_MAX 256u
#define PADS_MAX       1024u

/* MEDIA_LNK_FL_LINK_TYPE shifts a signed number into its sign. */
#define LINK_TYPE (0xfu << 28)

#define READS_MAX 8 /* of a graph that changes meanwhile */

/* The kernel's arrays. */
struct topology {
	struct media_v2_topology counts;
	struct media_v2_entity *entities;
	struct media_v2_interface *interfaces;
	struct media_v2_pad *pads;
	struct media_v2_link *links;
};

/* Copy a string that may lack its zero to an array that is one byte longer. */
#define TEXT(to, from)                                                                             \
	do {                                                                                       \
		static_assert(sizeof(to) == sizeof(from) + 1, "");                                 \
		memcpy(to, from, sizeof(from));                                                    \
		(to)[sizeof(from)] = '\0';                                                         \
	} while (0)

static void topology_free(struct topology *topology)
{
	free(topology->entities);
	free(topology->interfaces);
	free(topology->pads);
	free(topology->links);
}

/* -EAGAIN: the graph has changed between the two requests. The caller frees @topology always. */
static int topology_read(const struct glint_media *media, struct topology *topology)
{
	struct media_v2_topology *counts = &topology->counts;
	struct media_v2_topology filled;
	int err;

	memset(topology, 0, sizeof(*topology));
	err = glint_v4l2_ioctl(media->access, media->fd, MEDIA_IOC_G_TOPOLOGY, counts);
	if (err < 0)
		return err;
	if (counts->num_entities > GLINT_MEDIA_ENTITIES_MAX ||
	    counts->num_interfaces > INTERFACES_MAX || counts->num_pads > PADS_MAX ||
	    counts->num_links > GLINT_MEDIA_LINKS_MAX)
		return -E2BIG;
	/* One more, so that an empty array is no NULL, which asks for the count alone. */
	topology->entities = calloc(counts->num_entities + 1, sizeof(*topology->entities));
	topology->interfaces = calloc(counts->num_interfaces + 1, sizeof(*topology->interfaces));
	topology->pads = calloc(counts->num_pads + 1, sizeof(*topology->pads));
	topology->links = calloc(counts->num_links + 1, sizeof(*topology->links));
	if (!topology->entities || !topology->interfaces || !topology->pads || !topology->links)
		return -ENOMEM;

	filled = (struct media_v2_topology){
		.num_entities = counts->num_entities,
		.ptr_entities = (uintptr_t)topology->entities,
		.num_interfaces = counts->num_interfaces,
		.ptr_interfaces = (uintptr_t)topology->interfaces,
		.num_pads = counts->num_pads,
		.ptr_pads = (uintptr_t)topology->pads,
		.num_links = counts->num_links,
		.ptr_links = (uintptr_t)topology->links,
	};
	err = glint_v4l2_ioctl(media->access, media->fd, MEDIA_IOC_G_TOPOLOGY, &filled);
	if (err < 0)
		return err == -ENOSPC ? -EAGAIN : err;
	if (filled.topology_version != counts->topology_version ||
	    filled.num_entities > counts->num_entities ||
	    filled.num_interfaces > counts->num_interfaces || filled.num_pads > counts->num_pads ||
	    filled.num_links > counts->num_links)
		return -EAGAIN;
	*counts = filled;
	return 0;
}

/* --- The kernel's ids to indexes ---------------------------------------------------------- */

static int find_entity(const struct glint_media *media, uint32_t id)
{
	for (unsigned i = 0; i < media->n_entities; i++)
		if (media->entities[i].id == id)
			return (int)i;
	return -ENOENT;
}

static int find_pad(const struct glint_media *media, uint32_t id)
{
	for (unsigned i = 0; i < media->n_pads; i++)
		if (media->pads[i].id == id)
			return (int)i;
	return -ENOENT;
}

static void take_pad(struct glint_media *media, const struct media_v2_pad *pad)
{
	int entity = find_entity(media, pad->entity_id);

	if (entity < 0)
		return;
	media->pads[media->n_pads++] = (struct glint_media_pad){
		.id = pad->id,
		.entity = (unsigned)entity,
		.index = pad->index,
		.is_sink = pad->flags & MEDIA_PAD_FL_SINK,
	};
}

/* Only data links connect pads: an interface link leads from an interface to an entity. */
static void take_data_link(struct glint_media *media, const struct media_v2_link *link)
{
	int source = find_pad(media, link->source_id), sink = find_pad(media, link->sink_id);

	if (source < 0 || sink < 0 || media->pads[source].is_sink || !media->pads[sink].is_sink)
		return;
	media->links[media->n_links++] = (struct glint_media_link){
		.source = (unsigned)source,
		.sink = (unsigned)sink,
		.enabled = link->flags & MEDIA_LNK_FL_ENABLED,
		.immutable = link->flags & MEDIA_LNK_FL_IMMUTABLE,
		.flags = link->flags,
	};
}

static void take_interface_link(struct glint_media *media, const struct topology *topology,
				const struct media_v2_link *link)
{
	int entity = find_entity(media, link->sink_id);

	for (unsigned i = 0; entity >= 0 && i < topology->counts.num_interfaces; i++) {
		const struct media_v2_interface *interface = &topology->interfaces[i];
		struct glint_media_entity *of = &media->entities[entity];

		if (interface->id != link->source_id)
			continue;
		if (interface->intf_type == MEDIA_INTF_T_V4L_VIDEO)
			of->node = GLINT_MEDIA_VIDEO;
		else if (interface->intf_type == MEDIA_INTF_T_V4L_SUBDEV)
			of->node = GLINT_MEDIA_SUBDEV;
		else
			continue;
		of->number = (struct glint_v4l2_number){ interface->devnode.major,
							 interface->devnode.minor };
	}
}

static int take_topology(struct glint_media *media, const struct topology *topology)
{
	const struct media_v2_topology *counts = &topology->counts;

	media->entities = calloc(counts->num_entities + 1, sizeof(*media->entities));
	media->pads = calloc(counts->num_pads + 1, sizeof(*media->pads));
	media->links = calloc(counts->num_links + 1, sizeof(*media->links));
	if (!media->entities || !media->pads || !media->links)
		return -ENOMEM;
	for (; media->n_entities < counts->num_entities; media->n_entities++) {
		struct glint_media_entity *entity = &media->entities[media->n_entities];

		entity->id = topology->entities[media->n_entities].id;
		entity->function = topology->entities[media->n_entities].function;
		TEXT(entity->name, topology->entities[media->n_entities].name);
	}
	for (unsigned i = 0; i < counts->num_pads; i++)
		take_pad(media, &topology->pads[i]);
	for (unsigned i = 0; i < counts->num_links; i++) {
		const struct media_v2_link *link = &topology->links[i];

		if ((link->flags & LINK_TYPE) == MEDIA_LNK_FL_DATA_LINK)
			take_data_link(media, link);
		else if ((link->flags & LINK_TYPE) == MEDIA_LNK_FL_INTERFACE_LINK)
			take_interface_link(media, topology, link);
	}
	return 0;
}

/* --- The device ------------------------------------------------------------------------------- */

static int media_read(struct glint_media *media)
{
	struct media_device_info info = { 0 };
	struct topology topology;
	int err = glint_v4l2_ioctl(media->access, media->fd, MEDIA_IOC_DEVICE_INFO, &info);

	if (err < 0)
		return err;
	TEXT(media->driver, info.driver);
	TEXT(media->model, info.model);
	TEXT(media->bus, info.bus_info);
	/* Older kernels do not number the pads of an entity. */
	if (!MEDIA_V2_PAD_HAS_INDEX(info.media_version))
		return -EOPNOTSUPP;
	for (unsigned i = 0; i < READS_MAX; i++) {
		err = topology_read(media, &topology);
		if (err == 0)
			err = take_topology(media, &topology);
		topology_free(&topology);
		if (err != -EAGAIN)
			return err;
	}
	return -EBUSY;
}

int glint_media_open(struct glint_media *media, struct glint_v4l2_access *access, const char *path)
{
	int err;

	*media = (struct glint_media){ .access = access };
	snprintf(media->path, sizeof(media->path), "%s", path);
	media->fd = access->ops->open(access, path);
	if (media->fd < 0)
		return media->fd;
	err = media_read(media);
	if (err < 0)
		glint_media_close(media);
	return err;
}

/* The graph decides which media device it is, so the place of the nodes in sysfs does not matter. */
int glint_media_find(struct glint_media *media, struct glint_v4l2_access *access,
		     struct glint_v4l2_number number)
{
	char path[GLINT_V4L2_PATH_MAX];
	int err, result = -ENODEV;

	for (unsigned i = 0; i < GLINT_MEDIA_DEVICES_MAX; i++) {
		snprintf(path, sizeof(path), "/dev/media%u", i);
		err = glint_media_open(media, access, path);
		if (err == -EACCES || err == -EPERM)
			result = -EACCES;
		if (err < 0)
			continue;
		if (glint_media_entity_of(media, number) >= 0)
			return 0;
		glint_media_close(media);
	}
	return result;
}

void glint_media_close(struct glint_media *media)
{
	if (media->access && media->fd >= 0)
		(void)media->access->ops->close(media->access, media->fd);
	free(media->entities);
	free(media->pads);
	free(media->links);
	*media = (struct glint_media){ 0 };
}

int glint_media_entity_of(const struct glint_media *media, struct glint_v4l2_number number)
{
	for (unsigned i = 0; i < media->n_entities; i++) {
		const struct glint_media_entity *entity = &media->entities[i];

		if (entity->node == GLINT_MEDIA_VIDEO && entity->number.major == number.major &&
		    entity->number.minor == number.minor)
			return (int)i;
	}
	return -ENOENT;
}

int glint_media_set_link(struct glint_media *media, unsigned link, bool enabled)
{
	struct media_link_desc desc = {
		.source.flags = MEDIA_PAD_FL_SOURCE,
		.sink.flags = MEDIA_PAD_FL_SINK,
	};
	const struct glint_media_pad *source, *sink;
	struct glint_media_link *of;
	int err;

	assert(link < media->n_links);

	of = &media->links[link];
	if (of->immutable)
		return of->enabled == enabled ? 0 : -EINVAL;
	source = &media->pads[of->source];
	sink = &media->pads[of->sink];
	desc.source.entity = media->entities[source->entity].id;
	desc.source.index = (uint16_t)source->index;
	desc.sink.entity = media->entities[sink->entity].id;
	desc.sink.index = (uint16_t)sink->index;
	desc.flags = (of->flags & ~(uint32_t)MEDIA_LNK_FL_ENABLED) |
		     (enabled ? MEDIA_LNK_FL_ENABLED : 0);
	err = glint_v4l2_ioctl(media->access, media->fd, MEDIA_IOC_SETUP_LINK, &desc);
	if (err < 0)
		return err;
	of->enabled = enabled;
	return 0;
}

int glint_media_open_node(const struct glint_media *media, unsigned entity)
{
	const struct glint_media_entity *of;
	char path[GLINT_V4L2_PATH_MAX];
	int err;

	assert(entity < media->n_entities);

	of = &media->entities[entity];
	if (of->node == GLINT_MEDIA_NO_NODE)
		return -ENXIO;
	err = media->access->ops->path(media->access, of->number, path);
	return err < 0 ? err : media->access->ops->open(media->access, path);
}
