/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "devices.h"
#include "probe.h"
#include "v4l2/format.h"

static struct glint_m2m_negotiation negotiation;

void devices_encoder_init(void)
{
	glint_m2m_negotiation_init(&negotiation, glint_v4l2_kernel(), NULL);
}

void devices_encoder_fini(void)
{
	glint_m2m_negotiation_fini(&negotiation);
}

static bool has_size(const struct probe_node *node, const struct probe_format *format,
		     const struct devices_offer *offer)
{
	/* A receiver's sizes are those of its signals. */
	if (format->n_sizes == 0 || node->timings.n > 0)
		return true;
	for (unsigned i = 0; i < format->n_sizes; i++) {
		const struct probe_size *size = &format->sizes[i];

		if (offer->width >= size->min_width && offer->width <= size->width &&
		    offer->height >= size->min_height && offer->height <= size->height)
			return true;
	}
	return false;
}

/* The encoder for such frames, if the device lays them out as the encoder reads them. */
static void find(const struct glint_format_info *info, const struct devices_offer *offer,
		 struct glint_m2m_found *found)
{
	struct glint_format wish = {
		.info = info,
		.fourcc = info->fourcc,
		.width = offer->width,
		.height = offer->height,
		.n_planes = info->mem_planes,
	};

	glint_m2m_negotiation_find(&negotiation, &wish, found);
	if (found->fit != GLINT_M2M_NO_LAYOUT)
		return;
	/* Strides are negotiated when a stream starts; lines below the picture cannot be. */
	wish = found->raw;
	wish.height = offer->height;
	glint_m2m_negotiation_find(&negotiation, &wish, found);
}

static bool find_for_offer(const struct probe_node *node, const struct devices_offer *offer,
			   struct devices_encoder *encoder)
{
	bool any = false;

	for (unsigned i = 0; i < node->n_formats; i++) {
		const struct probe_format *format = &node->formats[i];
		const struct glint_format_info *info = glint_format_find(format->fourcc);
		struct glint_m2m_found found;

		if (!info || info->layout == GLINT_LAYOUT_JPEG ||
		    info->layout == GLINT_LAYOUT_OTHER || format->emulated ||
		    !has_size(node, format, offer))
			continue;
		find(info, offer, &found);
		if (any && (found.fit < encoder->found.fit ||
			    (found.fit == encoder->found.fit && info->cost >= encoder->info->cost)))
			continue;
		any = true;
		*encoder = (struct devices_encoder){
			.found = found,
			.info = info,
			.width = offer->width,
			.height = offer->height,
		};
	}
	return any;
}

bool devices_encoder_find(const struct probe_node *node, struct devices_encoder *encoder)
{
	struct devices_offer offers[DEVICES_OFFERS_MAX];
	unsigned n = devices_offers(node, offers);
	struct devices_encoder smaller;

	if (n == 0 || !find_for_offer(node, &offers[0], encoder))
		return false;
	/* The largest size of a scaler is larger than that of any encoder. */
	if (offers[0].range && n < DEVICES_OFFERS_MAX && node->width > 0)
		offers[n++] =
			(struct devices_offer){ .width = node->width, .height = node->height };
	for (unsigned i = 1; i < n && !glint_m2m_fit_is_usable(encoder->found.fit); i++)
		if (find_for_offer(node, &offers[i], &smaller) &&
		    glint_m2m_fit_is_usable(smaller.found.fit))
			*encoder = smaller;
	encoder->shares = node->memory.exports || node->memory.dmabuf;
	return true;
}

int devices_encoder_copies(const struct devices_encoder *encoder)
{
	if (!glint_m2m_fit_is_usable(encoder->found.fit))
		return -1;
	return encoder->found.fit == GLINT_M2M_FITS && encoder->shares ? 0 : 1;
}

void devices_encoder_text(const struct devices_encoder *encoder, char *text, size_t size)
{
	const struct glint_m2m_found *found = &encoder->found;
	const char *why = glint_m2m_fit_text(found->fit);
	char fourcc[5];

	devices_fourcc(encoder->info->fourcc, fourcc);
	if (found->fit < GLINT_M2M_NO_FORMAT)
		snprintf(text, size, "the processor; there is no M2M JPEG encoder");
	else if (found->fit == GLINT_M2M_NO_FORMAT)
		snprintf(text, size, "the processor; %s (%s) takes none of its formats",
			 found->path, found->driver);
	else if (found->fit == GLINT_M2M_NO_SIZE)
		snprintf(text, size, "the processor; %s (%s) does not take %ux%u", found->path,
			 found->driver, encoder->width, encoder->height);
	else
		snprintf(text, size, "%s (%s) takes %s of %ux%u; %s", found->path, found->driver,
			 fourcc, encoder->width, encoder->height,
			 *why		 ? why :
			 encoder->shares ? "DMABUFs, no copy" :
					   "the device shares no memory: one copy a frame");
}
