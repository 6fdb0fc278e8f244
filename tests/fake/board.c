/* SPDX-License-Identifier: MIT */
#include "board.h"

#include <assert.h>
#include <errno.h>
#include <linux/media-bus-format.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"

#define MAJOR	  81
#define MINOR	  100 /* of entity 0 */
#define PAD_ID	  0x01000000u
#define LINK_ID	  0x02000000u
#define INTERFACE 0x03000000u

/* What the node stores of a code. */
static const struct {
	uint32_t code, fourcc;
} stored[] = {
	{ MEDIA_BUS_FMT_UYVY8_1X16, V4L2_PIX_FMT_UYVY },
	{ MEDIA_BUS_FMT_RGB888_1X24, V4L2_PIX_FMT_BGR24 },
};

void fake_board_lock(struct fake_board *board)
{
	pthread_mutex_lock(&board->lock);
}

void fake_board_unlock(struct fake_board *board)
{
	pthread_mutex_unlock(&board->lock);
}

static struct fake_board *board_of(struct glint_v4l2_access *access)
{
	return container_of(access, struct fake_board, access);
}

/* --- Opening ------------------------------------------------------------------------ */

static int open_fd(struct fake_board *board, int entity)
{
	int pair[2];

	for (unsigned i = 0; i < BOARD_OPENS; i++) {
		if (board->fds[i].ours >= 0)
			continue;
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
			return -errno;
		board->fds[i].ours = pair[0];
		board->fds[i].peer = pair[1];
		board->fds[i].entity = entity;
		board->opens++;
		return pair[0];
	}
	return -EMFILE;
}

/* Returns the place of a descriptor, or -1: it is the node's. */
static int place_of(const struct fake_board *board, int fd)
{
	for (int i = 0; i < BOARD_OPENS; i++)
		if (board->fds[i].ours == fd)
			return i;
	return -1;
}

static bool is_video(const struct fake_board *board, unsigned entity)
{
	return board->entities[entity].video;
}

static int board_open(struct glint_v4l2_access *access, const char *path)
{
	struct fake_board *board = board_of(access);
	unsigned number;
	int result = -ENOENT;

	fake_board_lock(board);
	if (board->gone)
		result = -ENOENT;
	else if (strcmp(path, "/dev/media1") == 0)
		result = board->missing > 0 && board->missing-- ? -ENOENT : open_fd(board, -1);
	else if (sscanf(path, "/dev/v4l-subdev%u", &number) == 1 && number < board->n_entities)
		result = open_fd(board, (int)number);
	else if (strcmp(path, "/dev/video0") == 0)
		result = board->node.access.ops->open(&board->node.access, path);
	fake_board_unlock(board);
	return result;
}

static int board_close(struct glint_v4l2_access *access, int fd)
{
	struct fake_board *board = board_of(access);
	int place, result = 0;

	fake_board_lock(board);
	place = place_of(board, fd);
	if (place < 0) {
		result = board->node.access.ops->close(&board->node.access, fd);
	} else {
		glint_close(&board->fds[place].ours);
		glint_close(&board->fds[place].peer);
		board->closes++;
	}
	fake_board_unlock(board);
	return result;
}

static int board_number(struct glint_v4l2_access *access, int fd, struct glint_v4l2_number *number)
{
	struct fake_board *board = board_of(access);

	(void)fd;
	for (unsigned i = 0; i < board->n_entities; i++)
		if (is_video(board, i)) {
			*number = (struct glint_v4l2_number){ MAJOR, MINOR + i };
			return 0;
		}
	return -ENOTTY;
}

static int board_path(struct glint_v4l2_access *access, struct glint_v4l2_number number,
		      char path[static GLINT_V4L2_PATH_MAX])
{
	struct fake_board *board = board_of(access);
	unsigned entity = number.minor - MINOR;

	if (number.major != MAJOR || entity >= board->n_entities)
		return -ENOENT;
	if (is_video(board, entity))
		snprintf(path, GLINT_V4L2_PATH_MAX, "/dev/video0");
	else
		snprintf(path, GLINT_V4L2_PATH_MAX, "/dev/v4l-subdev%u", entity);
	return 0;
}

static void *board_mmap(struct glint_v4l2_access *access, int fd, size_t length, long offset)
{
	struct fake_board *board = board_of(access);

	return board->node.access.ops->mmap(&board->node.access, fd, length, offset);
}

/* --- The media device ------------------------------------------------------------------- */

static int device_info(void *arg)
{
	*(struct media_device_info *)arg = (struct media_device_info){
		.driver = "fake",
		.model = "Scripted board",
		.bus_info = "platform:board",
		.media_version = 6 << 16 | 12 << 8,
	};
	return 0;
}

/* As the kernel: counts always, arrays where the caller has given memory. */
static int topology(struct fake_board *board, struct media_v2_topology *into)
{
	struct media_v2_entity entities[BOARD_ENTITIES] = { 0 };
	struct media_v2_interface interfaces[BOARD_ENTITIES] = { 0 };
	struct media_v2_pad pads[BOARD_PADS] = { 0 };
	struct media_v2_link links[BOARD_LINKS + BOARD_ENTITIES] = { 0 };
	unsigned indexes[BOARD_ENTITIES] = { 0 };
	struct media_v2_topology have = {
		.topology_version = board->version,
		.num_entities = board->n_entities,
		.ptr_entities = (uintptr_t)entities,
		.num_interfaces = board->n_entities,
		.ptr_interfaces = (uintptr_t)interfaces,
		.num_pads = board->n_pads,
		.ptr_pads = (uintptr_t)pads,
		.num_links = board->n_links + board->n_entities,
		.ptr_links = (uintptr_t)links,
	};
	bool second = into->ptr_entities != 0;

	for (unsigned i = 0; i < board->n_entities; i++) {
		entities[i].id = i + 1;
		entities[i].function = board->entities[i].function;
		/* A name may fill its field, without a zero. */
		memcpy(entities[i].name, board->entities[i].name,
		       strnlen(board->entities[i].name, sizeof(entities[i].name)));
		interfaces[i].id = INTERFACE + i;
		interfaces[i].intf_type = is_video(board, i) ? MEDIA_INTF_T_V4L_VIDEO :
							       MEDIA_INTF_T_V4L_SUBDEV;
		interfaces[i].devnode.major = MAJOR;
		interfaces[i].devnode.minor = MINOR + i;
		links[board->n_links + i] = (struct media_v2_link){
			.id = LINK_ID + board->n_links + i,
			.source_id = INTERFACE + i,
			.sink_id = i + 1,
			.flags = MEDIA_LNK_FL_INTERFACE_LINK | MEDIA_LNK_FL_ENABLED,
		};
	}
	for (unsigned i = 0; i < board->n_pads; i++)
		pads[i] = (struct media_v2_pad){
			.id = PAD_ID + i,
			.entity_id = board->pads[i].entity + 1,
			.flags = board->pads[i].sink ? MEDIA_PAD_FL_SINK : MEDIA_PAD_FL_SOURCE,
			.index = indexes[board->pads[i].entity]++,
		};
	for (unsigned i = 0; i < board->n_links; i++)
		links[i] = (struct media_v2_link){
			.id = LINK_ID + i,
			.source_id = PAD_ID + board->links[i].source,
			.sink_id = PAD_ID + board->links[i].sink,
			.flags = board->links[i].flags,
		};
	if (board->lie)
		board->lie(board, &have);
	if (second && board->too_small > 0) {
		board->too_small--;
		return -ENOSPC;
	}
	if (second && board->version_changes > 0) {
		board->version_changes--;
		have.topology_version = ++board->version;
	}
	if (second) {
		memcpy((void *)(uintptr_t)into->ptr_entities, entities,
		       MIN(into->num_entities, have.num_entities) * sizeof(entities[0]));
		memcpy((void *)(uintptr_t)into->ptr_interfaces, interfaces,
		       MIN(into->num_interfaces, have.num_interfaces) * sizeof(interfaces[0]));
		memcpy((void *)(uintptr_t)into->ptr_pads, pads,
		       MIN(into->num_pads, have.num_pads) * sizeof(pads[0]));
		memcpy((void *)(uintptr_t)into->ptr_links, links,
		       MIN(into->num_links, have.num_links) * sizeof(links[0]));
	}
	into->topology_version = have.topology_version;
	into->num_entities = have.num_entities;
	into->num_interfaces = have.num_interfaces;
	into->num_pads = have.num_pads;
	into->num_links = have.num_links;
	return 0;
}

/* The pad of an entity by its index; -1: none. */
static int find_pad(const struct fake_board *board, unsigned entity, unsigned index)
{
	for (unsigned i = 0; i < board->n_pads; i++)
		if (board->pads[i].entity == entity && index-- == 0)
			return (int)i;
	return -1;
}

static int setup_link(struct fake_board *board, const struct media_link_desc *desc)
{
	int source = find_pad(board, desc->source.entity - 1, desc->source.index);
	int sink = find_pad(board, desc->sink.entity - 1, desc->sink.index);

	for (unsigned i = 0; i < board->n_links; i++) {
		struct board_link *link = &board->links[i];

		if ((int)link->source != source || (int)link->sink != sink)
			continue;
		if (board->links_busy || board->node.streaming)
			return -EBUSY;
		if ((link->flags ^ desc->flags) & ~(uint32_t)MEDIA_LNK_FL_ENABLED ||
		    (link->flags & MEDIA_LNK_FL_IMMUTABLE && link->flags != desc->flags))
			return -EINVAL;
		link->flags = desc->flags;
		return 0;
	}
	return -EINVAL;
}

/* --- Subdevices ---------------------------------------------------------------------------- */

static bool takes(const struct board_entity *entity, uint32_t code)
{
	if (!entity->codes[0])
		return true;
	for (unsigned i = 0; i < BOARD_CODES && entity->codes[i]; i++)
		if (entity->codes[i] == code)
			return true;
	return false;
}

static int set_format(struct fake_board *board, unsigned entity, struct v4l2_subdev_format *of)
{
	struct board_entity *self = &board->entities[entity];
	int pad = find_pad(board, entity, of->pad);
	struct v4l2_mbus_framefmt *format;

	if (pad < 0)
		return -EINVAL;
	if (board->node.streaming)
		return -EBUSY;
	format = &board->pads[pad].format;
	if (takes(self, of->format.code) && (board->pads[pad].sink || self->receives))
		format->code = of->format.code;
	if (board->pads[pad].sink)
		format->colorspace = of->format.colorspace;
	if (!self->receives && (board->pads[pad].sink || self->scales)) {
		format->width = of->format.width;
		format->height = of->format.height;
	}
	of->format = *format;
	/* Sources follow the sink, but for the size of a scaler. */
	for (unsigned i = 0; board->pads[pad].sink && i < board->n_pads; i++) {
		struct board_pad *other = &board->pads[i];

		if (other->entity != entity || other->sink)
			continue;
		other->format.code = format->code;
		other->format.colorspace = format->colorspace;
		if (!self->scales)
			other->format = *format;
	}
	return 0;
}

static int enum_code(const struct board_entity *self, struct v4l2_subdev_mbus_code_enum *of)
{
	if (of->index >= BOARD_CODES || !self->codes[of->index])
		return -EINVAL;
	of->code = self->codes[of->index];
	return 0;
}

static int timings(struct fake_board *board, unsigned entity, unsigned long request,
		   struct v4l2_dv_timings *of)
{
	if (!board->entities[entity].receives)
		return -ENOTTY;
	if (request == VIDIOC_SUBDEV_S_DV_TIMINGS) {
		for (unsigned i = 0; i < board->n_pads; i++)
			if (board->pads[i].entity == entity) {
				board->pads[i].format.width = of->bt.width;
				board->pads[i].format.height = of->bt.height;
			}
		return 0;
	}
	if (board->timings_err < 0)
		return board->timings_err;
	*of = (struct v4l2_dv_timings){
		.type = V4L2_DV_BT_656_1120,
		.bt = {
			.width = board->signal_width,
			.height = board->signal_height,
			.pixelclock = 60ull * board->signal_width * board->signal_height,
		},
	};
	return 0;
}

static int dqevent(struct fake_board *board, int fd, struct v4l2_event *event)
{
	char ignored;

	if (board->events == 0)
		return -ENOENT;
	if (--board->events == 0)
		(void)!recv(fd, &ignored, 1, MSG_OOB);
	event->type = V4L2_EVENT_SOURCE_CHANGE;
	return 0;
}

static int subdev_ioctl(struct fake_board *board, int fd, unsigned entity, unsigned long request,
			void *arg)
{
	struct v4l2_subdev_format *of = arg;
	int pad;

	switch (request) {
	case VIDIOC_SUBDEV_G_FMT:
		pad = find_pad(board, entity, of->pad);
		if (pad < 0)
			return -EINVAL;
		of->format = board->pads[pad].format;
		return 0;
	case VIDIOC_SUBDEV_S_FMT:
		return set_format(board, entity, of);
	case VIDIOC_SUBDEV_ENUM_MBUS_CODE:
		return enum_code(&board->entities[entity], arg);
	case VIDIOC_SUBDEV_QUERY_DV_TIMINGS:
	case VIDIOC_SUBDEV_S_DV_TIMINGS:
		return timings(board, entity, request, arg);
	case VIDIOC_SUBSCRIBE_EVENT:
		return board->entities[entity].receives ? 0 : -ENOTTY;
	case VIDIOC_DQEVENT:
		return dqevent(board, fd, arg);
	default:
		return -ENOTTY;
	}
}

/* --- The node --------------------------------------------------------------------------------- */

static uint32_t fourcc_of(uint32_t code)
{
	for (unsigned i = 0; i < ARRAY_SIZE(stored); i++)
		if (stored[i].code == code)
			return stored[i].fourcc;
	return 0;
}

/* As media_pipeline_start(): the links of all entities that enabled links lead to. */
static int validate(const struct fake_board *board)
{
	bool joined[BOARD_ENTITIES] = { false }, more = true, linked = false;

	for (unsigned i = 0; i < board->n_entities; i++)
		joined[i] = is_video(board, i);
	while (more) {
		more = false;
		for (unsigned i = 0; i < board->n_links; i++) {
			unsigned from = board->pads[board->links[i].source].entity;
			unsigned to = board->pads[board->links[i].sink].entity;

			if (!(board->links[i].flags & MEDIA_LNK_FL_ENABLED) ||
			    joined[from] == joined[to])
				continue;
			joined[from] = joined[to] = more = true;
		}
	}
	for (unsigned i = 0; i < board->n_links; i++) {
		const struct board_pad *source = &board->pads[board->links[i].source];
		const struct board_pad *sink = &board->pads[board->links[i].sink];
		struct v4l2_mbus_framefmt want = sink->format;

		if (!(board->links[i].flags & MEDIA_LNK_FL_ENABLED) || !joined[sink->entity])
			continue;
		if (is_video(board, sink->entity)) {
			linked = true;
			want = (struct v4l2_mbus_framefmt){
				.code = fourcc_of(source->format.code) == board->node.fourcc ?
						source->format.code :
						0,
				.width = board->node.width,
				.height = board->node.height,
			};
		}
		if (source->format.code != want.code || source->format.width != want.width ||
		    source->format.height != want.height)
			return -EPIPE;
		if (board->refused_code && source->format.code == board->refused_code)
			return -EINVAL;
	}
	return linked ? 0 : -ENOLINK;
}

static int node_ioctl(struct fake_board *board, int fd, unsigned long request, void *arg)
{
	struct v4l2_fmtdesc *desc = arg;
	int err;

	if (request == VIDIOC_ENUM_FMT && desc->mbus_code) {
		desc->pixelformat = desc->index == 0 ? fourcc_of(desc->mbus_code) : 0;
		return desc->pixelformat ? 0 : -EINVAL;
	}
	if (request == VIDIOC_STREAMON) {
		board->streamons++;
		err = validate(board);
		if (err < 0)
			return err;
	}
	return board->node.access.ops->ioctl(&board->node.access, fd, request, arg);
}

static int board_ioctl(struct glint_v4l2_access *access, int fd, unsigned long request, void *arg)
{
	struct fake_board *board = board_of(access);
	int place, result;

	fake_board_lock(board);
	place = place_of(board, fd);
	if (++board->calls == board->fail_call)
		result = -EIO;
	else if (place < 0)
		result = node_ioctl(board, fd, request, arg);
	else if (board->gone)
		result = -ENODEV;
	else if (board->fds[place].entity >= 0)
		result = subdev_ioctl(board, fd, (unsigned)board->fds[place].entity, request, arg);
	else if (request == MEDIA_IOC_DEVICE_INFO)
		result = device_info(arg);
	else if (request == MEDIA_IOC_G_TOPOLOGY)
		result = topology(board, arg);
	else if (request == MEDIA_IOC_SETUP_LINK)
		result = setup_link(board, arg);
	else
		result = -ENOTTY;
	fake_board_unlock(board);
	return result;
}

/* --- Calls of the test ----------------------------------------------------------------------------- */

unsigned fake_board_add(struct fake_board *board, const char *name, bool video)
{
	assert(board->n_entities < BOARD_ENTITIES);
	board->entities[board->n_entities] = (struct board_entity){ .name = name, .video = video };
	return board->n_entities++;
}

unsigned fake_board_pad(struct fake_board *board, unsigned entity, bool sink)
{
	assert(board->n_pads < BOARD_PADS);
	board->pads[board->n_pads] = (struct board_pad){
		.entity = entity,
		.sink = sink,
		.format = { .code = MEDIA_BUS_FMT_UYVY8_1X16,
			    .width = 64,
			    .height = 48,
			    .field = V4L2_FIELD_NONE },
	};
	return board->n_pads++;
}

unsigned fake_board_link(struct fake_board *board, unsigned source, unsigned sink, uint32_t flags)
{
	assert(board->n_links < BOARD_LINKS);
	board->links[board->n_links] = (struct board_link){ source, sink, flags };
	return board->n_links++;
}

static void make_graph(struct fake_board *board)
{
	unsigned bridge, csi2, capture, from, to;

	board->n_entities = board->n_pads = board->n_links = 0;
	bridge = fake_board_add(board, "bridge", false);
	board->entities[bridge].function = MEDIA_ENT_F_DV_DECODER;
	board->entities[bridge].receives = true;
	board->entities[bridge].codes[0] = MEDIA_BUS_FMT_RGB888_1X24;
	board->entities[bridge].codes[1] = MEDIA_BUS_FMT_UYVY8_1X16;
	csi2 = fake_board_add(board, "csi2", false);
	capture = fake_board_add(board, "capture", true);
	from = fake_board_pad(board, bridge, false);
	to = fake_board_pad(board, csi2, true);
	fake_board_link(board, from, to, MEDIA_LNK_FL_ENABLED | MEDIA_LNK_FL_IMMUTABLE);
	from = fake_board_pad(board, csi2, false);
	to = fake_board_pad(board, capture, true);
	fake_board_link(board, from, to, 0);
	board->version++;
}

void fake_board_init(struct fake_board *board)
{
	static const struct glint_v4l2_access_ops ops = {
		.open = board_open,
		.close = board_close,
		.ioctl = board_ioctl,
		.mmap = board_mmap,
		.number = board_number,
		.path = board_path,
	};

	memset(board, 0, sizeof(*board));
	fake_v4l2_init(&board->node);
	board->access.ops = &ops;
	pthread_mutex_init(&board->lock, NULL);
	for (unsigned i = 0; i < BOARD_OPENS; i++)
		board->fds[i].ours = board->fds[i].peer = -1;
	board->node.caps |= V4L2_CAP_IO_MC;
	board->node.n_inputs = 0;
	board->node.n_formats = 2;
	board->node.formats[0] = (struct fake_format){ .fourcc = V4L2_PIX_FMT_UYVY };
	board->node.formats[1] = (struct fake_format){ .fourcc = V4L2_PIX_FMT_BGR24 };
	board->node.fourcc = V4L2_PIX_FMT_UYVY;
	board->signal_width = 128;
	board->signal_height = 96;
	make_graph(board);
}

void fake_board_fini(struct fake_board *board)
{
	assert(board->opens == board->closes);
	fake_v4l2_fini(&board->node);
	pthread_mutex_destroy(&board->lock);
}

void fake_board_event(struct fake_board *board)
{
	fake_board_lock(board);
	board->events++;
	for (unsigned i = 0; i < BOARD_OPENS; i++)
		if (board->fds[i].peer >= 0 && board->fds[i].entity >= 0)
			(void)!send(board->fds[i].peer, "!", 1, MSG_OOB | MSG_NOSIGNAL);
	fake_board_unlock(board);
}

void fake_board_unbind(struct fake_board *board)
{
	fake_board_lock(board);
	board->gone = true;
	for (unsigned i = 0; i < BOARD_OPENS; i++)
		glint_close(&board->fds[i].peer);
	fake_board_unlock(board);
	fake_v4l2_unplug(&board->node);
}

void fake_board_bind(struct fake_board *board)
{
	fake_v4l2_replug(&board->node);
	fake_board_lock(board);
	make_graph(board);
	board->events = 0;
	board->gone = false;
	fake_board_unlock(board);
}
