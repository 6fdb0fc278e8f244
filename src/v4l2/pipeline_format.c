/* SPDX-License-Identifier: MIT */
/* The formats of a pipeline: set along the path, matched beside it, compared after a failure. */
#include <errno.h>
#include <linux/v4l2-subdev.h>
#include <linux/videodev2.h>
#include <stdio.h>
#include <string.h>

#include "base/fourcc.h"
#include "base/macros.h"
#include "v4l2/format.h"
#include "v4l2/interval.h"
#include "v4l2/mbus.h"
#include "v4l2/pipeline_private.h"
#include "v4l2/role.h"
#include "v4l2/vdev.h"

#define COST_UNKNOWN 1000u /* of a code that the node does not take as it is */

/* --- What the node makes of a code ------------------------------------------------------------ */

static bool is_jpeg(uint32_t fourcc)
{
	return fourcc == V4L2_PIX_FMT_MJPEG || fourcc == V4L2_PIX_FMT_JPEG;
}

/* Return the cost of the cheapest usable format for @code; 0 for the wished one, if there is one. */
static unsigned cost_of(const struct glint_vdev *vdev, const struct glint_pipeline_wish *wish,
			uint32_t code, bool *wished)
{
	struct v4l2_fmtdesc desc = { .type = vdev->queue.type, .mbus_code = code };
	unsigned cost = COST_UNKNOWN;

	*wished = false;
	for (; desc.index < GLINT_ENUMERATE_MAX; desc.index++) {
		const struct glint_format_info *info;

		if (glint_vdev_ioctl(vdev, VIDIOC_ENUM_FMT, &desc) < 0)
			break;
		info = glint_format_find(desc.pixelformat);
		if (!info || !glint_format_is_usable(info, wish->raw, wish->other))
			continue;
		cost = MIN(cost, (unsigned)info->cost);
		*wished |= desc.pixelformat == wish->fourcc ||
			   (is_jpeg(desc.pixelformat) && is_jpeg(wish->fourcc));
	}
	return cost;
}

/*
 * List the codes of the source, the best first: what the node stores in the wished format, then what
 * costs least to encode, then codes that must be converted on the way, in the driver's order.
 */
static unsigned list_codes(const struct glint_pipeline *pipeline, const struct glint_vdev *vdev,
			   const struct glint_pipeline_wish *wish, int fd, uint32_t pad,
			   uint32_t codes[static GLINT_MBUS_CODES_MAX])
{
	struct v4l2_mbus_framefmt now = { 0 };
	unsigned costs[GLINT_MBUS_CODES_MAX];
	unsigned n = glint_mbus_codes(pipeline->media.access, fd, pad, codes);
	bool wished;

	if (glint_mbus_get(pipeline->media.access, fd, pad, &now) == 0 && n == 0)
		codes[n++] = now.code;
	for (unsigned i = 0; i < n; i++) {
		uint32_t code = codes[i];
		unsigned cost = 2 * cost_of(vdev, wish, code, &wished) + (code != now.code), at = i;

		if (wished)
			cost = 0;
		for (; at > 0 && costs[at - 1] > cost; at--) {
			costs[at] = costs[at - 1];
			codes[at] = codes[at - 1];
		}
		costs[at] = cost;
		codes[at] = code;
	}
	return n;
}

/* --- Two ends of a link ------------------------------------------------------------------------ */

/* As v4l2_subdev_link_validate_default() compares. */
static bool formats_agree(const struct v4l2_mbus_framefmt *source,
			  const struct v4l2_mbus_framefmt *sink)
{
	return source->code == sink->code && source->width == sink->width &&
	       source->height == sink->height &&
	       (source->field == sink->field || sink->field == V4L2_FIELD_NONE);
}

static void mismatch(struct glint_pipeline *pipeline, unsigned link,
		     const struct v4l2_mbus_framefmt *source, const char *sink_text)
{
	const struct glint_media *media = &pipeline->media;
	const struct glint_media_link *of = &media->links[link];
	char text[GLINT_MBUS_TEXT_MAX];

	glint_pipeline_problem(
		pipeline,
		"pad %u of '%s' has %s, pad %u of '%s' has %s: the formats of a link "
		"must be equal",
		media->pads[of->source].index, glint_media_entity_at(media, of->source)->name,
		glint_mbus_text(source, text), media->pads[of->sink].index,
		glint_media_entity_at(media, of->sink)->name, sink_text);
}

static int open_pad(struct glint_pipeline *pipeline, unsigned pad)
{
	const struct glint_media *media = &pipeline->media;
	int fd = glint_media_open_node(media, media->pads[pad].entity);

	if (fd < 0)
		glint_pipeline_problem(pipeline, "cannot open '%s': %s",
				       glint_media_entity_at(media, pad)->name, strerror(-fd));
	return fd;
}

static void close_pad(struct glint_pipeline *pipeline, int fd)
{
	(void)pipeline->media.access->ops->close(pipeline->media.access, fd);
}

static int get_pad(struct glint_pipeline *pipeline, unsigned pad, struct v4l2_mbus_framefmt *format)
{
	const struct glint_media *media = &pipeline->media;
	int fd = open_pad(pipeline, pad), err;

	if (fd < 0)
		return fd;
	err = glint_mbus_get(media->access, fd, media->pads[pad].index, format);
	close_pad(pipeline, fd);
	if (err < 0)
		glint_pipeline_problem(pipeline, "cannot get the format of pad %u of '%s': %s",
				       media->pads[pad].index,
				       glint_media_entity_at(media, pad)->name, strerror(-err));
	return err;
}

/* Set a pad; @format becomes what the driver has made of it. */
static int set_pad(struct glint_pipeline *pipeline, unsigned pad, struct v4l2_mbus_framefmt *format)
{
	const struct glint_media *media = &pipeline->media;
	int fd = open_pad(pipeline, pad), err;

	if (fd < 0)
		return fd;
	err = glint_mbus_set(media->access, fd, media->pads[pad].index, format);
	close_pad(pipeline, fd);
	if (err < 0)
		glint_pipeline_problem(pipeline, "cannot set the format of pad %u of '%s': %s%s",
				       media->pads[pad].index,
				       glint_media_entity_at(media, pad)->name, strerror(-err),
				       err == -EBUSY ? "; another program streams from this board" :
						       "");
	return err;
}

/* Give the sink of @link the format of its source. */
static int match_sink(struct glint_pipeline *pipeline, unsigned link,
		      const struct v4l2_mbus_framefmt *source)
{
	struct v4l2_mbus_framefmt sink = *source;
	char text[GLINT_MBUS_TEXT_MAX];
	int err = set_pad(pipeline, pipeline->media.links[link].sink, &sink);

	if (err < 0)
		return err;
	if (formats_agree(source, &sink))
		return 0;
	mismatch(pipeline, link, source, glint_mbus_text(&sink, text));
	return -EPIPE;
}

/* --- Video nodes beside the path ------------------------------------------------------------------- */

struct node {
	int fd;
	uint32_t type;
	struct v4l2_format format;
};

static int open_node(struct glint_pipeline *pipeline, unsigned pad, struct node *node)
{
	struct glint_v4l2_access *access = pipeline->media.access;
	struct v4l2_capability cap = { 0 };
	int err;

	node->fd = open_pad(pipeline, pad);
	if (node->fd < 0)
		return node->fd;
	err = glint_role_ask(access, node->fd, &cap);
	node->type = glint_role_is_mplane(&cap) ? V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE :
						  V4L2_BUF_TYPE_VIDEO_CAPTURE;
	node->format = (struct v4l2_format){ .type = node->type };
	if (err == 0)
		err = glint_v4l2_ioctl(access, node->fd, VIDIOC_G_FMT, &node->format);
	if (err < 0)
		close_pad(pipeline, node->fd);
	return err;
}

static struct v4l2_mbus_framefmt node_size(const struct node *node, uint32_t *fourcc)
{
	bool mplane = V4L2_TYPE_IS_MULTIPLANAR(node->type);
	const struct v4l2_pix_format_mplane *many = &node->format.fmt.pix_mp;
	const struct v4l2_pix_format *one = &node->format.fmt.pix;

	*fourcc = mplane ? many->pixelformat : one->pixelformat;
	return (struct v4l2_mbus_framefmt){
		.width = mplane ? many->width : one->width,
		.height = mplane ? many->height : one->height,
	};
}

static bool node_takes(struct glint_pipeline *pipeline, const struct node *node, uint32_t code,
		       uint32_t fourcc)
{
	struct v4l2_fmtdesc desc = { .type = node->type, .mbus_code = code };

	for (; desc.index < GLINT_ENUMERATE_MAX; desc.index++) {
		if (glint_v4l2_ioctl(pipeline->media.access, node->fd, VIDIOC_ENUM_FMT, &desc) < 0)
			return false;
		if (desc.pixelformat == fourcc)
			return true;
	}
	return false;
}

/*
 * Give a video node beside the path the size and the first format that fit what is sent to it. A
 * node that is in use keeps its format, and STREAMON decides.
 */
static int match_node(struct glint_pipeline *pipeline, unsigned link,
		      const struct v4l2_mbus_framefmt *source)
{
	struct glint_v4l2_access *access = pipeline->media.access;
	struct v4l2_fmtdesc desc = { .mbus_code = source->code };
	struct node node;
	int err = open_node(pipeline, pipeline->media.links[link].sink, &node);

	if (err < 0)
		return err;
	desc.type = node.type;
	err = glint_v4l2_ioctl(access, node.fd, VIDIOC_ENUM_FMT, &desc);
	if (err < 0) {
		mismatch(pipeline, link, source, "no format for this code");
		err = -EPIPE;
	} else {
		if (V4L2_TYPE_IS_MULTIPLANAR(node.type)) {
			node.format.fmt.pix_mp.width = source->width;
			node.format.fmt.pix_mp.height = source->height;
			node.format.fmt.pix_mp.pixelformat = desc.pixelformat;
		} else {
			node.format.fmt.pix.width = source->width;
			node.format.fmt.pix.height = source->height;
			node.format.fmt.pix.pixelformat = desc.pixelformat;
			node.format.fmt.pix.bytesperline = 0;
		}
		(void)glint_v4l2_ioctl(access, node.fd, VIDIOC_S_FMT, &node.format);
	}
	close_pad(pipeline, node.fd);
	return err;
}

/* --- The whole pipeline -------------------------------------------------------------------------- */

static int set_path(struct glint_pipeline *pipeline, const struct glint_pipeline_wish *wish,
		    uint32_t code)
{
	const struct glint_media *media = &pipeline->media;
	bool sized = !pipeline->receives && wish->width > 0;
	struct v4l2_mbus_framefmt format;
	unsigned pad = media->links[pipeline->links[0]].source;
	int err = get_pad(pipeline, pad, &format);

	if (err < 0)
		return err;
	format.code = code;
	if (sized) {
		format.width = wish->width;
		format.height = wish->height;
	}
	err = set_pad(pipeline, pad, &format);
	if (err < 0)
		return err;
	if (format.code != code) {
		glint_pipeline_problem(pipeline, "'%s' does not send %s",
				       glint_media_entity_at(media, pad)->name,
				       glint_mbus_name(code) ? glint_mbus_name(code) :
							       "one of the codes that it lists");
		return -EPIPE;
	}
	for (unsigned i = 1; i + 1 < pipeline->n; i++) {
		err = match_sink(pipeline, pipeline->links[i - 1], &format);
		if (err < 0)
			return err;
		/* A scaler may change the size; most entities send what they get. */
		pad = media->links[pipeline->links[i]].source;
		if (sized) {
			format.width = wish->width;
			format.height = wish->height;
		}
		err = set_pad(pipeline, pad, &format);
		if (err < 0)
			return err;
	}
	pipeline->code = format.code;
	pipeline->width = format.width;
	pipeline->height = format.height;
	return 0;
}

/*
 * Give the sink of a link beside the path the format of its source, unless both are equal. Failures do
 * not count: not all that is linked is validated, and STREAMON decides.
 */
static void match_link(struct glint_pipeline *pipeline, unsigned link)
{
	const struct glint_media *media = &pipeline->media;
	const struct glint_media_link *of = &media->links[link];
	struct v4l2_mbus_framefmt source, sink;

	if (glint_media_entity_at(media, of->source)->node != GLINT_MEDIA_SUBDEV ||
	    get_pad(pipeline, of->source, &source) < 0)
		return;
	if (glint_media_entity_at(media, of->sink)->node == GLINT_MEDIA_VIDEO)
		(void)match_node(pipeline, link, &source);
	else if (get_pad(pipeline, of->sink, &sink) == 0 && !formats_agree(&source, &sink))
		(void)match_sink(pipeline, link, &source);
}

/*
 * The links beside the path that could not be disabled, in the direction of the video. The last round
 * takes sources that nothing leads to.
 */
static void match_joined(struct glint_pipeline *pipeline)
{
	const struct glint_media *media = &pipeline->media;
	bool known[GLINT_MEDIA_ENTITIES_MAX] = { false }, done[GLINT_MEDIA_LINKS_MAX] = { false };
	bool last = false, progress = true;

	for (unsigned i = 0; i < pipeline->n; i++)
		known[pipeline->entities[i]] = true;
	for (unsigned i = 0; i + 1 < pipeline->n; i++)
		done[pipeline->links[i]] = true;
	while (progress || !last) {
		last = !progress;
		progress = false;
		for (unsigned i = 0; i < media->n_links; i++) {
			const struct glint_media_link *link = &media->links[i];
			unsigned from = media->pads[link->source].entity;
			unsigned to = media->pads[link->sink].entity;

			if (done[i] || !link->enabled || !pipeline->joined[from] ||
			    !pipeline->joined[to] || (!known[from] && !last))
				continue;
			match_link(pipeline, i);
			known[from] = known[to] = done[i] = progress = true;
		}
	}
}

int glint_pipeline_set_formats(struct glint_pipeline *pipeline, const struct glint_vdev *vdev,
			       const struct glint_pipeline_wish *wish, unsigned *attempt)
{
	const struct glint_media *media = &pipeline->media;
	unsigned n, pad = media->links[pipeline->links[0]].source, rounds = wish->fourcc ? 2 : 1;
	uint32_t codes[GLINT_MBUS_CODES_MAX];
	int fd = open_pad(pipeline, pad), err;

	if (fd < 0)
		return fd;
	n = list_codes(pipeline, vdev, wish, fd, media->pads[pad].index, codes);
	close_pad(pipeline, fd);
	if (n == 0)
		glint_pipeline_problem(pipeline, "pad %u of '%s' has no format",
				       media->pads[pad].index,
				       glint_media_entity_at(media, pad)->name);
	/* In the first of two rounds only a way to the wished format will do. */
	for (; *attempt < rounds * n; (*attempt)++) {
		bool wished;

		err = set_path(pipeline, wish, codes[*attempt % n]);
		if (err < 0 && err != -EPIPE && err != -EINVAL)
			return err;
		if (err < 0)
			continue;
		if (cost_of(vdev, wish, pipeline->code, &wished) == COST_UNKNOWN) {
			glint_pipeline_problem(pipeline,
					       "the video node has no usable format for %s",
					       glint_mbus_name(pipeline->code) ?
						       glint_mbus_name(pipeline->code) :
						       "what is sent to it");
			continue;
		}
		if (!wished && rounds == 2 && *attempt < n)
			continue;
		match_joined(pipeline);
		(*attempt)++;
		pipeline->problem[0] = '\0';
		return 0;
	}
	return -EPIPE;
}

/* --- After a failure -------------------------------------------------------------------------------- */

/* Returns whether the ends of the link differ; @problem says how. */
static bool link_differs(struct glint_pipeline *pipeline, unsigned link)
{
	const struct glint_media *media = &pipeline->media;
	const struct glint_media_link *of = &media->links[link];
	struct v4l2_mbus_framefmt source, sink;
	char text[GLINT_MBUS_TEXT_MAX], name[5];
	struct node node;
	uint32_t fourcc;
	bool takes;

	if (get_pad(pipeline, of->source, &source) < 0)
		return false;
	if (glint_media_entity_at(media, of->sink)->node != GLINT_MEDIA_VIDEO) {
		if (get_pad(pipeline, of->sink, &sink) < 0 || formats_agree(&source, &sink))
			return false;
		mismatch(pipeline, link, &source, glint_mbus_text(&sink, text));
		return true;
	}
	if (open_node(pipeline, of->sink, &node) < 0)
		return false;
	sink = node_size(&node, &fourcc);
	takes = node_takes(pipeline, &node, source.code, fourcc);
	close_pad(pipeline, node.fd);
	if (takes && sink.width == source.width && sink.height == source.height)
		return false;
	snprintf(text, sizeof(text), "%s %ux%u", glint_fourcc_text(fourcc, name), sink.width,
		 sink.height);
	mismatch(pipeline, link, &source, text);
	return true;
}

/* Returns whether the ends of a link differ that STREAMON validates, those of the path first. */
static bool any_link_differs(struct glint_pipeline *pipeline)
{
	const struct glint_media *media = &pipeline->media;

	for (unsigned i = 0; i + 1 < pipeline->n; i++)
		if (link_differs(pipeline, pipeline->links[i]))
			return true;
	for (unsigned i = 0; i < media->n_links; i++) {
		const struct glint_media_link *link = &media->links[i];

		if (link->enabled && pipeline->joined[media->pads[link->source].entity] &&
		    pipeline->joined[media->pads[link->sink].entity] &&
		    glint_media_entity_at(media, link->source)->node == GLINT_MEDIA_SUBDEV &&
		    link_differs(pipeline, i))
			return true;
	}
	return false;
}

void glint_pipeline_check(struct glint_pipeline *pipeline)
{
	const struct glint_media *media = &pipeline->media;
	bool more = true;

	for (unsigned i = 0; i + 1 < pipeline->n; i++) {
		const struct glint_media_link *link = &media->links[pipeline->links[i]];

		if (link->enabled)
			continue;
		glint_pipeline_problem(pipeline, "the link from '%s' to '%s' is disabled",
				       glint_media_entity_at(media, link->source)->name,
				       glint_media_entity_at(media, link->sink)->name);
		return;
	}
	while (more) {
		more = false;
		for (unsigned i = 0; i < media->n_links; i++) {
			unsigned from = media->pads[media->links[i].source].entity;
			unsigned to = media->pads[media->links[i].sink].entity;

			if (!media->links[i].enabled ||
			    pipeline->joined[from] == pipeline->joined[to])
				continue;
			pipeline->joined[from] = pipeline->joined[to] = more = true;
		}
	}
	if (!any_link_differs(pipeline))
		pipeline->problem[0] = '\0';
}

void glint_pipeline_diagnose(struct glint_pipeline *pipeline, int err)
{
	if (any_link_differs(pipeline))
		return;
	glint_pipeline_problem(pipeline,
			       "the driver refuses the pipeline of %s (%s), though all links have "
			       "equal formats on both ends: see the kernel's log",
			       pipeline->media.path, strerror(-err));
}
