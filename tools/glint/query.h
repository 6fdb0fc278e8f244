/* SPDX-License-Identifier: MIT */
/* Options of the commands that wait, which become parameters of /wait. */
#ifndef GLINT_TOOLS_QUERY_H
#define GLINT_TOOLS_QUERY_H

#include <argp.h>
#include <stddef.h>

struct tool_query {
	char text[2048]; /* "&region=640x360%2B0%2B0&stable=500ms" */
	size_t used;
};

enum {
	TOOL_KEY_REGION = 0x300,
	TOOL_KEY_EXCLUDE,
	TOOL_KEY_METRIC,
	TOOL_KEY_THRESHOLD,
	TOOL_KEY_MIN_SIZE,
	TOOL_KEY_SINCE,
	TOOL_KEY_STABLE,
	TOOL_KEY_FRAMES,
	TOOL_KEY_START_TIMEOUT,
	TOOL_KEY_STABLE_TIMEOUT,
	TOOL_KEY_HASH,
	TOOL_KEY_DIFFERS,
	TOOL_KEY_AT,
	TOOL_KEY_MARGIN,
	TOOL_KEY_SIMILARITY,
	TOOL_KEY_SCALE,
};

/* clang-format off */
#define TOOL_QUERY_OPTIONS                                                                         \
	{ "region", TOOL_KEY_REGION, "WxH+X+Y", 0, "The part of the picture to look at", 0 },      \
	{ "exclude", TOOL_KEY_EXCLUDE, "WxH+X+Y", 0, "A part that does not count; any number", 0 }, \
	{ "metric", TOOL_KEY_METRIC, "NAME", 0, "luma (the default), stbt or psnr", 0 },           \
	{ "scale", TOOL_KEY_SCALE, "1/N", 0, "Judge squares of 2, 4 or 8 pixels as one", 0 },      \
	{ "threshold", TOOL_KEY_THRESHOLD, "N", 0, "Levels of 0 to 255; dB for psnr", 0 },         \
	{ "min-size", TOOL_KEY_MIN_SIZE, "WxH", 0, "Smaller changes do not count", 0 }
/* clang-format on */

/* Add "&NAME=VALUE". @value is encoded. */
void tool_query_add(struct argp_state *state, struct tool_query *query, const char *name,
		    const char *value);

/* Take one of the keys above. Returns ARGP_ERR_UNKNOWN for others. */
error_t tool_query_parse(int key, const char *arg, struct argp_state *state,
			 struct tool_query *query);
#endif
