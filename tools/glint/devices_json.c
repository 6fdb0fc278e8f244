/* SPDX-License-Identifier: MIT */
#include "devices.h"

#include <stdio.h>
#include <string.h>

#include "capture/controls.h"
#include "json.h"
#include "probe.h"
#include "v4l2/timings.h"

const char *devices_verdict(const struct probe_node *node)
{
	switch (node->verdict) {
	case PROBE_CAPTURE:
		return "capture";
	case PROBE_JPEG_ENCODER:
		return "m2m jpeg encoder";
	default:
		return node->why_not;
	}
}

const char *devices_fourcc(uint32_t fourcc, char text[5])
{
	for (unsigned i = 0; i < 4; i++) {
		char c = (char)(fourcc >> 8 * i & 0x7f); /* the highest bit means big-endian */

		text[i] = c >= ' ' && c <= '~' ? c : '?';
	}
	text[4] = '\0';
	return text;
}

static void put_member(const char *before, const char *name, const char *value)
{
	printf("%s\"%s\": ", before, name);
	tool_json_put_string(stdout, value);
}

static void put_size(const struct probe_size *size)
{
	printf("{\"width\": %u, \"height\": %u, \"min_width\": %u, \"min_height\": %u, "
	       "\"rate_range\": %s, \"fps\": [",
	       size->width, size->height, size->min_width, size->min_height,
	       size->rate_range ? "true" : "false");
	for (unsigned i = 0; i < size->n_rates; i++)
		printf("%s%.6g", i > 0 ? ", " : "", size->rates[i]);
	printf("]}");
}

static void put_format(const struct probe_format *format)
{
	char fourcc[5];

	put_member("{", "fourcc", devices_fourcc(format->fourcc, fourcc));
	put_member(", ", "description", format->description);
	printf(", \"compressed\": %s, \"emulated\": %s, \"direction\": \"%s\", \"sizes\": [",
	       format->compressed ? "true" : "false", format->emulated ? "true" : "false",
	       format->to_device ? "to-device" : "from-device");
	for (unsigned i = 0; i < format->n_sizes; i++) {
		fputs(i > 0 ? ", " : "", stdout);
		put_size(&format->sizes[i]);
	}
	printf("]}");
}

static void put_inputs(const struct probe_node *node)
{
	for (unsigned i = 0; i < node->n_inputs; i++) {
		const struct probe_input *input = &node->inputs[i];

		put_member(i > 0 ? ", {" : "{", "name", input->name);
		printf(", \"dv_timings\": %s, \"in_use\": %s, \"no_signal\": %s",
		       input->dv_timings ? "true" : "false", input->current ? "true" : "false",
		       strcmp(input->fault, "no signal") == 0 ||
				       strcmp(input->fault, "no power") == 0 ?
			       "true" :
			       "false");
		put_member(", ", "standards", input->standards);
		put_member(", ", "fault", input->fault);
		putchar('}');
	}
}

static void put_names(const struct probe_node *node)
{
	for (unsigned i = 0; i < node->n_names; i++) {
		fputs(i > 0 ? ", " : "", stdout);
		tool_json_put_string(stdout, node->names[i]);
	}
}

static void put_timings(const struct probe_timings *timings)
{
	char text[GLINT_TIMINGS_TEXT];

	put_member("{", "set", glint_timings_text(&timings->set, text));
	put_member(", ", "detected", glint_timings_text(&timings->detected, text));
	put_member(", ", "fault", timings->fault);
	fputs(", \"list\": [", stdout);
	for (unsigned i = 0; i < timings->n; i++) {
		fputs(i > 0 ? ", " : "", stdout);
		tool_json_put_string(stdout, glint_timings_text(&timings->list[i], text));
	}
	fputs("]}", stdout);
}

static void put_edid(const struct probe_edid *edid)
{
	char mode[GLINT_EDID_MODE_TEXT] = "";

	if (edid->mode.width > 0)
		glint_edid_mode_text(&edid->mode, mode);
	printf("{\"blocks\": %u", edid->blocks);
	put_member(", ", "name", edid->name);
	put_member(", ", "preferred", mode);
	putchar('}');
}

static void put_controls(const struct glint_control_list *list)
{
	for (unsigned i = 0; i < list->n; i++) {
		const struct glint_control *control = &list->controls[i];

		put_member(i > 0 ? ", {" : "{", "name", control->name);
		put_member(", ", "type", glint_control_type_name(control));
		printf(", \"id\": \"0x%08x\", \"writable\": %s, \"minimum\": %lld, "
		       "\"maximum\": %lld, \"step\": %llu, \"default\": %lld}",
		       control->id, glint_control_is_writable(control) ? "true" : "false",
		       (long long)control->min, (long long)control->max,
		       (unsigned long long)control->step, (long long)control->fallback);
	}
}

static void put_memory(const struct probe_memory *memory)
{
	if (!memory->known) {
		printf("{\"mmap\": null, \"userptr\": null, \"dmabuf\": null, \"expbuf\": %s}",
		       memory->exports ? "true" : "false");
		return;
	}
	printf("{\"mmap\": %s, \"userptr\": %s, \"dmabuf\": %s, \"expbuf\": %s}",
	       memory->mmap ? "true" : "false", memory->userptr ? "true" : "false",
	       memory->dmabuf ? "true" : "false", memory->exports ? "true" : "false");
}

static void put_media(const struct probe_node *node)
{
	put_member("{", "device", node->media);
	fputs(", \"path\": [", stdout);
	for (unsigned i = 0; i < node->n_path; i++) {
		fputs(i > 0 ? ", " : "", stdout);
		tool_json_put_string(stdout, node->entities[i]);
	}
	putchar(']');
	put_member(", ", "problem", node->problem);
	putchar('}');
}

static void put_offers(const struct probe_node *node)
{
	static const char *const ways[DEVICES_WAYS] = { "encoded", "passed-through", "converted" };
	struct devices_offer offers[DEVICES_OFFERS_MAX];
	unsigned n = devices_offers(node, offers);
	char text[160], fourcc[5];

	for (unsigned i = 0; i < n; i++) {
		const struct devices_offer *offer = &offers[i];

		devices_offer_text(offer, text, sizeof(text));
		put_member(i > 0 ? ", {" : "{", "text", text);
		printf(", \"width\": %u, \"height\": %u, \"range\": %s", offer->width,
		       offer->height, offer->range ? "true" : "false");
		put_member(", ", "way", ways[devices_offer_way(offer)]);
		for (unsigned way = 0; way < DEVICES_WAYS; way++) {
			printf(", \"%s\": ", ways[way]);
			if (offer->fourcc[way] == 0) {
				fputs("null", stdout);
				continue;
			}
			put_member("{", "fourcc", devices_fourcc(offer->fourcc[way], fourcc));
			if (offer->fps[way] > 0)
				printf(", \"fps\": %.6g}", offer->fps[way]);
			else
				fputs(", \"fps\": null}", stdout);
		}
		putchar('}');
	}
}

static void put_who_encodes(const struct probe_node *node)
{
	struct devices_encoder encoder;
	char text[512], fourcc[5];
	int copies;

	if (node->verdict != PROBE_CAPTURE || !devices_encoder_find(node, &encoder)) {
		fputs("null", stdout);
		return;
	}
	devices_encoder_text(&encoder, text, sizeof(text));
	copies = devices_encoder_copies(&encoder);
	put_member("{", "text", text);
	put_member(", ", "kind", copies < 0 ? "processor" : "m2m");
	put_member(", ", "path", copies < 0 ? "" : encoder.found.path);
	put_member(", ", "driver", copies < 0 ? "" : encoder.found.driver);
	put_member(", ", "fourcc", devices_fourcc(encoder.info->fourcc, fourcc));
	printf(", \"width\": %u, \"height\": %u, \"copies\": ", encoder.width, encoder.height);
	if (copies < 0)
		fputs("null}", stdout);
	else
		printf("%d}", copies);
}

static void put_identity(const struct probe_node *node)
{
	const struct glint_identity *identity = &node->identity;

	put_member(", ", "driver", identity->driver);
	put_member(", ", "card", identity->card);
	put_member(", ", "bus", identity->bus);
	if (*identity->vendor) {
		put_member(", \"usb\": {", "vendor", identity->vendor);
		put_member(", ", "product", identity->product);
		put_member(", ", "serial", identity->serial);
		printf(", \"mbit\": %u}", node->usb_mbit);
	} else {
		fputs(", \"usb\": null", stdout);
	}
	fputs(", \"names\": [", stdout);
	put_names(node);
	putchar(']');
}

void devices_put_json(const struct probe_node *node)
{
	put_member("{", "path", node->path);
	put_member(", ", "verdict", devices_verdict(node));
	if (node->err < 0)
		put_member(", ", "error", strerror(-node->err));
	printf(", \"busy\": %s", node->busy ? "true" : "false");
	put_identity(node);
	if (node->verdict == PROBE_JPEG_ENCODER)
		printf(", \"imports\": %s, \"quality\": {\"min\": %d, \"max\": %d}",
		       node->memory.dmabuf ? "true" : "false", node->quality_min,
		       node->quality_max);
	fputs(", \"memory\": ", stdout);
	put_memory(&node->memory);
	printf(", \"media_controller\": %s, \"media\": ",
	       node->media_controller ? "true" : "false");
	put_media(node);
	fputs(", \"offers\": [", stdout);
	if (node->verdict == PROBE_CAPTURE)
		put_offers(node);
	fputs("], \"encoder\": ", stdout);
	put_who_encodes(node);
	fputs(", \"inputs\": [", stdout);
	put_inputs(node);
	fputs("], \"timings\": ", stdout);
	if (node->timings.present)
		put_timings(&node->timings);
	else
		fputs("null", stdout);
	fputs(", \"edid\": ", stdout);
	if (node->edid.present)
		put_edid(&node->edid);
	else
		fputs("null", stdout);
	fputs(", \"controls\": [", stdout);
	put_controls(&node->controls);
	printf("], \"formats\": [");
	for (unsigned i = 0; i < node->n_formats; i++) {
		fputs(i > 0 ? ", " : "", stdout);
		put_format(&node->formats[i]);
	}
	printf("]}");
}
