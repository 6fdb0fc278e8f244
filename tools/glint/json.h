/* SPDX-License-Identifier: MIT */
/*
 * Reads the values of a JSON text by their paths: "result.source.online",
 * "result.glint.format.stride.0". What is missing is not an error.
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

/* Present, and not null, false, 0, "" or empty. */
bool tool_json_is_set(const struct tool_json *json, const char *path);

/* False when it is missing or no number. */
bool tool_json_number(const struct tool_json *json, const char *path, double *value);

/*
 * Any value but an object as text, an array's joined by '+'; false when it is
 * missing. What a terminal could take for a command becomes '?'.
 */
bool tool_json_text(const struct tool_json *json, const char *path, char *text, size_t size);

/* Writes @text as a JSON string; bytes that are not UTF-8 become '?'. */
void tool_json_put_string(FILE *out, const char *text);
#endif
