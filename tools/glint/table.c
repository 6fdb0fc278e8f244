/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <assert.h>
#include <string.h>

#include "json.h"
#include "text.h"
#include "tool.h"

#define LABEL_COLUMNS 10

#define PATH_MAX_LEN 128

struct slot {
	char path[PATH_MAX_LEN];
	const char *kind; /* up to the brace; empty when there is none */
	size_t kind_len;
};

static void path_join(char *path, const char *base, const char *name, size_t name_len)
{
	int len = snprintf(path, PATH_MAX_LEN, "%s%s%.*s", base, name_len ? "." : "", (int)name_len,
			   name);

	/* Rows are constants: no text of a service is part of a path. */
	assert(len < PATH_MAX_LEN);
}

/* Parse "{path|kind}"; return the text after it. */
static const char *slot_parse(struct slot *slot, const char *base, const char *text)
{
	size_t path_len = strcspn(text + 1, "|}");
	const char *end = strchr(text, '}');

	assert(end);
	path_join(slot->path, base, text + 1, path_len);
	slot->kind = text + 1 + path_len;
	slot->kind += *slot->kind == '|';
	slot->kind_len = (size_t)(end - slot->kind);
	return end + 1;
}

static bool slot_is(const struct slot *slot, const char *kind)
{
	return strlen(kind) == slot->kind_len && memcmp(slot->kind, kind, slot->kind_len) == 0;
}

static void slot_put_number(FILE *out, const struct slot *slot, double value)
{
	char text[64];

	if (slot_is(slot, "bytes"))
		fputs(tool_text_bytes(text, sizeof(text), value), out);
	else if (slot_is(slot, "duration"))
		fputs(tool_text_duration(text, sizeof(text), value), out);
	else if (slot_is(slot, "age"))
		fputs(tool_text_age(text, sizeof(text), value), out);
	else if (slot_is(slot, "ms"))
		fprintf(out, "%9.2f", value / 1e6);
	else if (slot_is(slot, "count"))
		fprintf(out, " %8.0f", value); /* a space before it, however large */
	else
		fprintf(out, "%.2f", value);
}

static void slot_put(FILE *out, const struct slot *slot, const struct tool_json *json)
{
	char text[256];
	double value;

	if (slot_is(slot, "advice") && tool_json_text(json, slot->path, text, sizeof(text)))
		fputs(tool_reason_advice(text), out);
	else if (slot->kind_len > 0 && tool_json_number(json, slot->path, &value))
		slot_put_number(out, slot, value);
	else if (slot->kind_len == 0 && tool_json_text(json, slot->path, text, sizeof(text)))
		fputs(text, out);
	else
		fprintf(out, slot_is(slot, "ms") ? "%9s" : "%s", "-");
}

static void row_put_text(FILE *out, const struct tool_row *row, const struct tool_json *json)
{
	const char *text = row->text;
	struct slot slot;

	while (*text) {
		if (*text == '{') {
			text = slot_parse(&slot, row->base, text);
			slot_put(out, &slot, json);
		} else {
			putc(*text++, out);
		}
	}
}

/* Returns whether all conditions of the row hold; spaces separate them. */
static bool row_is_shown(const struct tool_row *row, const struct tool_json *json)
{
	const char *condition = row->condition;
	char path[PATH_MAX_LEN];

	do {
		bool negated = *condition == '!';
		size_t len;

		condition += negated;
		len = strcspn(condition, " ");
		path_join(path, row->base, condition, len);
		if (tool_json_is_set(json, path) == negated)
			return false;
		condition += len + (condition[len] == ' ');
	} while (*condition);
	return true;
}

/* @columns: 0 is unlimited. */
static bool row_fits(const struct tool_row *row, unsigned columns)
{
	if (columns == 0)
		return row->below == 0;
	return columns >= row->from && (row->below == 0 || columns < row->below);
}

static const char *color_code(enum tool_color color)
{
	static const char *const codes[] = {
		[TOOL_COLOR_NONE] = "",
		[TOOL_COLOR_GOOD] = "\033[32m",
		[TOOL_COLOR_BAD] = "\033[31m",
	};

	return codes[color];
}

void tool_table_put(FILE *out, const struct tool_json *json, const struct tool_row *rows,
		    size_t n_rows, unsigned columns, bool color)
{
	for (size_t i = 0; i < n_rows; i++) {
		char text[1024] = "";
		FILE *memory;

		if (!row_fits(&rows[i], columns) || !row_is_shown(&rows[i], json))
			continue;
		memory = fmemopen(text, sizeof(text), "w");
		if (memory) {
			row_put_text(memory, &rows[i], json);
			fclose(memory);
		}
		fprintf(out, "%s%-*s%s", color ? "\033[1m" : "", LABEL_COLUMNS, rows[i].label,
			color ? "\033[0m" : "");
		fputs(color ? color_code(rows[i].color) : "", out);
		tool_text_wrap(out, text, columns, LABEL_COLUMNS);
		fprintf(out, "%s\n", color ? "\033[0m" : "");
	}
}
