/* SPDX-License-Identifier: MIT */
/*
 * Print JSON values as a table. Each row is a label and a text in which {path} and
 * {path|kind} stand for values. Kinds: bytes, duration, age, fps (two decimals), ms (from ns,
 * right-aligned in nine columns), count (in nine), and advice (what to do about a reason).
 * A missing value is '-'. Lines wrap at @columns; 0: they do not wrap.
 */
#ifndef GLINT_TOOLS_TABLE_H
#define GLINT_TOOLS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct tool_json;

enum tool_color { TOOL_COLOR_NONE, TOOL_COLOR_GOOD, TOOL_COLOR_BAD };

struct tool_row {
	const char *label; /* "": continues the row above */
	const char *base;  /* an object's path, before all other paths of the row */
	const char
		*condition; /* paths that must be set, "" is the object itself; "!path": must not */
	const char *text;
	enum tool_color color; /* on a terminal */
	unsigned from, below;  /* shown only with so many columns; 0: no limit */
};

void tool_table_put(FILE *out, const struct tool_json *json, const struct tool_row *rows,
		    size_t n_rows, unsigned columns, bool color);
#endif
