/* SPDX-License-Identifier: MIT */
#include "devices.h"

#include <stdio.h>
#include <string.h>

#include "json.h"
#include "probe.h"

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
		char c = (char)(fourcc >> 8 * i & 0x7f);	/* the highest bit means big-endian */

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
		printf(", \"dv_timings\": %s, \"in_use\": %s, \"no_signal\": %s}",
		       input->dv_timings ? "true" : "false", input->current ? "true" : "false",
		       input->no_signal ? "true" : "false");
	}
}

void devices_put_json(const struct probe_node *node)
{
	put_member("{", "path", node->path);
	put_member(", ", "verdict", devices_verdict(node));
	if (node->err < 0)
		put_member(", ", "error", strerror(-node->err));
	put_member(", ", "driver", node->driver);
	put_member(", ", "card", node->card);
	put_member(", ", "bus", node->bus);
	if (node->verdict == PROBE_JPEG_ENCODER)
		printf(", \"imports\": %s, \"quality\": {\"min\": %d, \"max\": %d}",
		       node->imports ? "true" : "false", node->quality_min, node->quality_max);
	printf(", \"media_controller\": %s, \"inputs\": [",
	       node->media_controller ? "true" : "false");
	put_inputs(node);
	printf("], \"formats\": [");
	for (unsigned i = 0; i < node->n_formats; i++) {
		fputs(i > 0 ? ", " : "", stdout);
		put_format(&node->formats[i]);
	}
	printf("]}");
}
