/* SPDX-License-Identifier: MIT */
/*
 * Read values of a JSON text by paths such as "result.source.online" and
 * "result.glint.format.stride.0". A missing value is not an error.
 */
#ifndef GLINT_TOOLS_JSON_H
#define GLINT_TOOLS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct tool_json;

/* The caller destroys it; NULL: not JSON, or not an object. */
struct tool_json *tool_json_parse(const char *text, size_t len);

/* NULL is fine. */
void tool_json_destroy(struct tool_json *json);

/* Returns whether the value is present and not null, false, 0, "" or empty. */
bool tool_json_is_set(const struct tool_json *json, const char *path);

/* False: the value is missing, or no number. */
bool tool_json_number(const struct tool_json *json, const char *path, double *value);

/*
 * Write any value but an object as text; the values of an array are joined by '+'. Bytes
 * that could control a terminal become '?'. False: the value is missing.
 */
bool tool_json_text(const struct tool_json *json, const char *path, char *text, size_t size);

/* Call @visit for each member of the object at @path, in order. */
void tool_json_each(const struct tool_json *json, const char *path,
		    void (*visit)(void *ctx, const char *name), void *ctx);

/* Write a JSON text of the service to standard output, as a line. */
void tool_json_print(const char *text, size_t len);

/* Write @text as a JSON string; bytes that are not UTF-8 become '?'. */
void tool_json_put_string(FILE *out, const char *text);
#endif
