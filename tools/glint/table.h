/* SPDX-License-Identifier: MIT */
/*
 * A table out of JSON values: each row is a label and a text in which {path} and
 * {path|kind} stand for values. Kinds: bytes, duration, age, fps (two decimals),
 * ms (out of ns, right-aligned in nine columns), count (in eight), and advice (what to do about a reason).
 * What is missing shows as '-'. Lines are as long as @columns; 0: as long as they get.
 */
#ifndef GLINT_TOOLS_TABLE_H
#define GLINT_TOOLS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct tool_json;

enum tool_color { TOOL_COLOR_NONE, TOOL_COLOR_GOOD, TOOL_COLOR_BAD };

struct tool_row {
	const char *label;	/* "": goes on with the row above */
	const char *base;	/* the path of an object; the row's other paths are within it */
	const char
		*condition; /* paths that must be set, "" is the object itself; "!path": must not */
	const char *text;
	enum tool_color color;	/* on a terminal */
};

void tool_table_put(FILE *out, const struct tool_json *json, const struct tool_row *rows,
		    size_t n_rows, unsigned columns, bool color);
#endif
