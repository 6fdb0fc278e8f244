/* SPDX-License-Identifier: MIT */
/* glint media: the graphs of the media controllers, and the path that the service would choose. */
#include <errno.h>
#include <linux/media.h>
#include <linux/v4l2-subdev.h>
#include <stdio.h>
#include <string.h>

#include <glint/protocol.h>

#include "json.h"
#include "text.h"
#include "tool.h"
#include "v4l2/mbus.h"
#include "v4l2/pipeline.h"
#include "v4l2/vdev.h"

struct media_options {
	bool json;
	const char *device;
	const char *source;
};

static const struct argp_option options[] = {
	{ "json", 'j', NULL, 0, "Print a JSON array, an object for each media device", 0 },
	{ "media-entity-name", 'e', "NAME", 0,
	  "Show the paths from this entity, as glintd's option of that name would choose them", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct media_options *into = state->input;

	switch (key) {
	case 'j':
		into->json = true;
		return 0;
	case 'e':
		into->source = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (into->device)
			argp_error(state, "what is '%s'? There is one media device at most", arg);
		into->device = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[DEVICE]",
	.doc = "Shows the graphs of media controllers: entities with their nodes, pads with their formats, "
	       "links, and for each capture node the path that glintd would set up. Nothing is changed, and "
	       "no service is asked. DEVICE is one media device, such as /dev/media0; without it all are "
	       "shown."
	       "\v"
	       "Exits with 3 when there is no media device, and with 2 when this user may open none.",
};

/* --- What both outputs show ------------------------------------------------------------- */

static const char *function_name(uint32_t function)
{
	static const struct {
		uint32_t function;
		const char *name;
	} names[] = {
		{ MEDIA_ENT_F_IO_V4L, "video node" },
		{ MEDIA_ENT_F_CAM_SENSOR, "camera sensor" },
		{ MEDIA_ENT_F_DV_DECODER, "DV decoder" },
		{ MEDIA_ENT_F_DV_ENCODER, "DV encoder" },
		{ MEDIA_ENT_F_ATV_DECODER, "analogue video decoder" },
		{ MEDIA_ENT_F_VID_IF_BRIDGE, "video interface bridge" },
		{ MEDIA_ENT_F_VID_MUX, "video multiplexer" },
		{ MEDIA_ENT_F_PROC_VIDEO_SCALER, "scaler" },
		{ MEDIA_ENT_F_PROC_VIDEO_PIXEL_FORMATTER, "pixel formatter" },
		{ MEDIA_ENT_F_PROC_VIDEO_PIXEL_ENC_CONV, "pixel encoding converter" },
		{ MEDIA_ENT_F_PROC_VIDEO_ISP, "image signal processor" },
		{ MEDIA_ENT_F_LENS, "lens" },
		{ MEDIA_ENT_F_FLASH, "flash" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].function == function)
			return names[i].name;
	return "";
}

/* Write the path of an entity's node, or "". */
static const char *node_path(const struct glint_media *media, unsigned entity,
			     char path[static GLINT_V4L2_PATH_MAX])
{
	const struct glint_media_entity *of = &media->entities[entity];

	if (of->node == GLINT_MEDIA_NO_NODE ||
	    media->access->ops->path(media->access, of->number, path) < 0)
		path[0] = '\0';
	return path;
}

/* Write the active format of a pad, or "": video nodes have none. */
static const char *pad_format(const struct glint_media *media, unsigned pad,
			      char text[static GLINT_MBUS_TEXT_MAX])
{
	struct v4l2_mbus_framefmt format;
	int fd;

	text[0] = '\0';
	if (glint_media_entity_at(media, pad)->node != GLINT_MEDIA_SUBDEV)
		return text;
	fd = glint_media_open_node(media, media->pads[pad].entity);
	if (fd < 0)
		return text;
	if (glint_mbus_get(media->access, fd, media->pads[pad].index, &format) == 0)
		glint_mbus_text(&format, text);
	(void)media->access->ops->close(media->access, fd);
	return text;
}

/*
 * Find the path to the video node of @entity, as the service would. False: it is no capture node, or
 * cannot be opened.
 */
static bool find_path(const struct glint_media *media, unsigned entity, const char *source,
		      struct glint_pipeline *pipeline)
{
	char path[GLINT_V4L2_PATH_MAX];
	struct glint_vdev vdev;

	if (media->entities[entity].node != GLINT_MEDIA_VIDEO)
		return false;
	glint_vdev_init(&vdev);
	if (glint_vdev_open(&vdev, media->access, node_path(media, entity, path)) < 0)
		return false;
	(void)glint_pipeline_open(pipeline, &vdev, media->path, source);
	glint_vdev_close(&vdev);
	return true;
}

/* --- For people ---------------------------------------------------------------------------- */

static void put_links(const struct glint_media *media, unsigned pad)
{
	char name[80];

	for (unsigned i = 0; i < media->n_links; i++) {
		const struct glint_media_link *link = &media->links[i];
		unsigned other = link->source == pad ? link->sink : link->source;

		if (link->source != pad && link->sink != pad)
			continue;
		printf("        %s '%s':%u%s%s\n", link->source == pad ? "->" : "<-",
		       tool_text_printable(name, sizeof(name),
					   glint_media_entity_at(media, other)->name),
		       media->pads[other].index, link->enabled ? ", enabled" : ", disabled",
		       link->immutable ? ", immutable" : "");
	}
}

static void put_path(const struct glint_media *media, unsigned entity, const char *source)
{
	struct glint_pipeline pipeline = { 0 };
	char name[80], text[GLINT_PIPELINE_TEXT_MAX];

	if (!find_path(media, entity, source, &pipeline))
		return;
	if (pipeline.n == 0) {
		printf("    no path: %s\n",
		       tool_text_printable(text, sizeof(text), pipeline.problem));
		return;
	}
	fputs("    path: ", stdout);
	for (unsigned i = 0; i < pipeline.n; i++) {
		const struct glint_media_entity *at =
			&pipeline.media.entities[pipeline.entities[i]];

		printf("'%s'", tool_text_printable(name, sizeof(name), at->name));
		if (i + 1 < pipeline.n)
			fputs(pipeline.media.links[pipeline.links[i]].enabled ? " -> " :
										" -(disabled)-> ",
			      stdout);
	}
	putchar('\n');
	glint_pipeline_check(&pipeline);
	if (*pipeline.problem)
		printf("    %s\n", tool_text_printable(text, sizeof(text), pipeline.problem));
	glint_pipeline_close(&pipeline);
}

static void put_entity(const struct glint_media *media, unsigned entity, const char *source)
{
	const struct glint_media_entity *of = &media->entities[entity];
	char path[GLINT_V4L2_PATH_MAX], format[GLINT_MBUS_TEXT_MAX], name[80];

	printf("  '%s'", tool_text_printable(name, sizeof(name), of->name));
	if (*function_name(of->function))
		printf(", %s", function_name(of->function));
	if (*node_path(media, entity, path))
		printf(", %s", path);
	putchar('\n');
	for (unsigned i = 0; i < media->n_pads; i++) {
		const struct glint_media_pad *pad = &media->pads[i];

		if (pad->entity != entity)
			continue;
		printf("    pad %u: %s", pad->index, pad->is_sink ? "sink" : "source");
		if (*pad_format(media, i, format))
			printf(", %s", format);
		putchar('\n');
		put_links(media, i);
	}
	put_path(media, entity, source);
}

static void put_media(const struct glint_media *media, const char *source)
{
	char driver[32], model[64], bus[64];

	printf("%s: %s (%s, %s)\n", media->path,
	       tool_text_printable(model, sizeof(model), media->model),
	       tool_text_printable(driver, sizeof(driver), media->driver),
	       tool_text_printable(bus, sizeof(bus), media->bus));
	for (unsigned i = 0; i < media->n_entities; i++)
		put_entity(media, i, source);
}

/* --- For programs --------------------------------------------------------------------------- */

static void put_member(const char *before, const char *name, const char *value)
{
	printf("%s\"%s\": ", before, name);
	tool_json_put_string(stdout, value);
}

static void put_json_path(const struct glint_media *media, unsigned entity, const char *source)
{
	struct glint_pipeline pipeline = { 0 };

	if (!find_path(media, entity, source, &pipeline))
		return;
	fputs(", \"path\": [", stdout);
	for (unsigned i = 0; i < pipeline.n; i++) {
		fputs(i > 0 ? ", " : "", stdout);
		tool_json_put_string(stdout, pipeline.media.entities[pipeline.entities[i]].name);
	}
	putchar(']');
	if (pipeline.n > 0)
		glint_pipeline_check(&pipeline);
	put_member(", ", "problem", pipeline.problem);
	glint_pipeline_close(&pipeline);
}

static void put_json_entity(const struct glint_media *media, unsigned entity, const char *source)
{
	const struct glint_media_entity *of = &media->entities[entity];
	char path[GLINT_V4L2_PATH_MAX], format[GLINT_MBUS_TEXT_MAX];
	const char *between = "";

	put_member("{", "name", of->name);
	put_member(", ", "function", function_name(of->function));
	put_member(", ", "node", node_path(media, entity, path));
	fputs(", \"pads\": [", stdout);
	for (unsigned i = 0; i < media->n_pads; i++) {
		const struct glint_media_pad *pad = &media->pads[i];

		if (pad->entity != entity)
			continue;
		printf("%s{\"index\": %u, \"direction\": \"%s\"", between, pad->index,
		       pad->is_sink ? "sink" : "source");
		put_member(", ", "format", pad_format(media, i, format));
		putchar('}');
		between = ", ";
	}
	putchar(']');
	put_json_path(media, entity, source);
	putchar('}');
}

static void put_json_end(const struct glint_media *media, const char *name, unsigned pad)
{
	printf("\"%s\": ", name);
	put_member("{", "entity", glint_media_entity_at(media, pad)->name);
	printf(", \"pad\": %u}", media->pads[pad].index);
}

static void put_json(const struct glint_media *media, const char *source)
{
	put_member("{", "path", media->path);
	put_member(", ", "driver", media->driver);
	put_member(", ", "model", media->model);
	put_member(", ", "bus", media->bus);
	fputs(", \"entities\": [", stdout);
	for (unsigned i = 0; i < media->n_entities; i++) {
		fputs(i > 0 ? ", " : "", stdout);
		put_json_entity(media, i, source);
	}
	fputs("], \"links\": [", stdout);
	for (unsigned i = 0; i < media->n_links; i++) {
		const struct glint_media_link *link = &media->links[i];

		fputs(i > 0 ? ", {" : "{", stdout);
		put_json_end(media, "source", link->source);
		fputs(", ", stdout);
		put_json_end(media, "sink", link->sink);
		printf(", \"enabled\": %s, \"immutable\": %s}", link->enabled ? "true" : "false",
		       link->immutable ? "true" : "false");
	}
	fputs("]}", stdout);
}

/* --- The command ---------------------------------------------------------------------------- */

/* Returns 0, or why the media device at @path cannot be shown. */
static int show(const char *path, const struct media_options *wanted, unsigned *found)
{
	struct glint_media media;
	int err = glint_media_open(&media, glint_v4l2_kernel(), path);

	if (err < 0)
		return err;
	if (wanted->json)
		fputs(*found > 0 ? ",\n" : "[", stdout);
	else if (*found > 0)
		putchar('\n');
	(*found)++;
	(wanted->json ? put_json : put_media)(&media, wanted->source);
	glint_media_close(&media);
	return 0;
}

int tool_media(int argc, char **argv, struct tool_service *service)
{
	struct media_options wanted = { 0 };
	char path[GLINT_V4L2_PATH_MAX];
	unsigned found = 0;
	int err, denied = 0;

	(void)service;
	tool_parse(&argp, argc, argv, &wanted);
	if (wanted.device) {
		err = show(wanted.device, &wanted, &found);
		if (err < 0)
			fprintf(stderr, "glint: %s: %s: is it a media device?\n", wanted.device,
				strerror(-err));
		denied = err;
	}
	for (unsigned i = 0; !wanted.device && i < GLINT_MEDIA_DEVICES_MAX; i++) {
		snprintf(path, sizeof(path), "/dev/media%u", i);
		err = show(path, &wanted, &found);
		if (err == -EACCES || err == -EPERM)
			denied = err;
	}
	if (wanted.json)
		puts(found > 0 ? "]" : "[]");
	if (found > 0)
		return GLINT_EXIT_OK;
	if (!wanted.device && denied)
		fprintf(stderr,
			"glint: /dev/media*: %s: sudo usermod -aG video $USER, then log in "
			"again\n",
			strerror(-denied));
	else if (!wanted.device)
		fputs("glint: no media device: video boards and USB cameras have one\n", stderr);
	return denied ? GLINT_EXIT_UNREACHABLE : GLINT_EXIT_NO_VIDEO;
}
