/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* Hides jansson's type: only this file includes its header. */
static const json_t *root_of(const struct tool_json *json)
{
	return (const json_t *)json;
}

struct tool_json *tool_json_parse(const char *text, size_t len)
{
	json_t *root = json_loadb(text, len, 0, NULL);

	if (!json_is_object(root)) {
		json_decref(root);
		return NULL;
	}
	return (struct tool_json *)root;
}

void tool_json_destroy(struct tool_json *json)
{
	json_decref((json_t *)json);
}

static const json_t *json_child(const json_t *value, const char *name, size_t len)
{
	char key[64];

	if (len >= sizeof(key))
		return NULL;
	memcpy(key, name, len);
	key[len] = '\0';
	if (json_is_array(value))
		return json_array_get(value, strtoul(key, NULL, 10));
	return json_object_get(value, key); /* NULL for other types */
}

static const json_t *json_find(const struct tool_json *json, const char *path)
{
	const json_t *value = root_of(json);

	while (value && *path) {
		size_t len = strcspn(path, ".");

		value = json_child(value, path, len);
		path += len + (path[len] == '.');
	}
	return value;
}

bool tool_json_is_set(const struct tool_json *json, const char *path)
{
	const json_t *value = json_find(json, path);

	if (json_is_string(value))
		return json_string_length(value) > 0;
	if (json_is_array(value))
		return json_array_size(value) > 0;
	if (json_is_object(value))
		return json_object_size(value) > 0;
	if (json_is_number(value))
		return json_number_value(value) != 0;
	return json_is_true(value);
}

bool tool_json_number(const struct tool_json *json, const char *path, double *value)
{
	const json_t *number = json_find(json, path);

	if (!json_is_number(number))
		return false;
	*value = json_number_value(number);
	return true;
}

static void scalar_text(const json_t *value, char *text, size_t size)
{
	if (json_is_string(value))
		tool_text_printable(text, size, json_string_value(value));
	else if (json_is_integer(value))
		snprintf(text, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		snprintf(text, size, "%g", json_real_value(value));
	else if (json_is_boolean(value))
		snprintf(text, size, "%s", json_is_true(value) ? "yes" : "no");
	else
		snprintf(text, size, "-");
}

static void array_text(const json_t *array, char *text, size_t size)
{
	const json_t *value;
	size_t i, len = 0;

	text[0] = '\0';
	json_array_foreach((json_t *)array, i, value) {
		if (len + 2 >= size)
			return;
		if (i > 0)
			text[len++] = '+';
		scalar_text(value, text + len, size - len);
		len += strlen(text + len);
	}
}

bool tool_json_text(const struct tool_json *json, const char *path, char *text, size_t size)
{
	const json_t *value = json_find(json, path);

	if (!value || json_is_object(value) || json_is_null(value))
		return false;
	if (json_is_array(value))
		array_text(value, text, size);
	else
		scalar_text(value, text, size);
	return true;
}

void tool_json_each(const struct tool_json *json, const char *path,
		    void (*visit)(void *ctx, const char *name), void *ctx)
{
	const json_t *object = json_find(json, path);
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value)
		visit(ctx, name);
}

void tool_json_print(const char *text, size_t len)
{
	fwrite(text, 1, len, stdout);
	if (len > 0 && text[len - 1] != '\n')
		putchar('\n');
}

void tool_json_put_string(FILE *out, const char *text)
{
	json_t *string = json_string(text);

	if (!string) { /* not UTF-8 */
		char ascii[256];

		tool_text_ascii(ascii, sizeof(ascii), text);
		string = json_string(ascii);
	}
	if (!string || json_dumpf(string, out, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) < 0)
		fputs("\"\"", out);
	json_decref(string);
}
