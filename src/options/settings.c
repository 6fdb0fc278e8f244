/* SPDX-License-Identifier: MIT */
#include "options/options.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fourcc.h"
#include "base/macros.h"
#include "core/report.h"
#include "options/table.h"
#include "v4l2/format.h"
#include "v4l2/vdev.h"

/* Headings, --help and the like, aliases, and options without effect are not settings. */
static bool is_setting(const struct glint_option *option)
{
	return option->bytes > 0 && !option->missing && option->kind != GLINT_OPTION_PRESET &&
	       option->kind != GLINT_OPTION_FILE;
}

/* --- Report ------------------------------------------------------------------------------- */

static uint64_t load(const struct glint_option *option, const void *field)
{
	switch (option->bytes) {
	case 1:
		return *(const uint8_t *)field;
	case 2:
		return *(const uint16_t *)field;
	case 4:
		return *(const uint32_t *)field;
	default:
		assert(option->bytes == 8);
		return *(const uint64_t *)field;
	}
}

/* Return the word for @value. NULL: no word has this value. */
static const char *word_of(const struct glint_option *option, uint64_t value)
{
	assert(option->words);

	for (const struct glint_option_word *word = option->words; word->name; word++)
		if (word->value == value && !word->hidden)
			return word->name;
	return NULL;
}

static void report_size(struct glint_report *report, const char *name, const uint32_t size[2])
{
	char text[24];

	snprintf(text, sizeof(text), "%ux%u", size[0], size[1]);
	glint_report_text(report, name, size[0] > 0 ? text : NULL);
}

static void report_mode(struct glint_report *report, const char *name, int mode)
{
	char text[16];

	snprintf(text, sizeof(text), "%04o", (unsigned)mode);
	glint_report_text(report, name, mode >= 0 ? text : NULL);
}

static void report_control(const struct glint_option *option, struct glint_report *report,
			   const char *name, const struct glint_control_setting *setting)
{
	if (setting->mode == GLINT_CONTROL_VALUE)
		glint_report_int(report, name, setting->value);
	else
		glint_report_text(report, name, word_of(option, setting->mode));
}

static void report_format(struct glint_report *report, const char *name, uint32_t fourcc)
{
	char text[5];

	glint_report_text(report, name, fourcc ? glint_fourcc_text(fourcc, text) : "auto");
}

/* Report a list in the kernel's syntax: "0,2-3". */
static void report_cpus(struct glint_report *report, const char *name, const cpu_set_t *cpus)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (int cpu = 0; out && cpu < CPU_SETSIZE; cpu++) {
		int first = cpu;

		if (!CPU_ISSET(cpu, cpus))
			continue;
		while (cpu + 1 < CPU_SETSIZE && CPU_ISSET(cpu + 1, cpus))
			cpu++;
		fprintf(out, "%s%d", ftell(out) > 0 ? "," : "", first);
		if (cpu > first)
			fprintf(out, "-%d", cpu);
	}
	if (out)
		fclose(out);
	glint_report_text(report, name, text && *text ? text : NULL);
	free(text);
}

static void report_assignments(struct glint_report *report, const char *name,
			       const struct glint_control_words *words)
{
	glint_report_object(report, name);
	for (unsigned i = 0; i < words->n; i++) {
		const char *value = strchr(words->texts[i], '=') + 1;
		char control[GLINT_CONTROL_NAME_MAX];

		snprintf(control, sizeof(control), "%.*s", (int)(value - 1 - words->texts[i]),
			 words->texts[i]);
		glint_report_text(report, control, *value ? value : NULL);
	}
	glint_report_end(report);
}

static void report_timings(struct glint_report *report, const char *name,
			   const struct glint_timings_wish *wish)
{
	char text[GLINT_TIMINGS_TEXT];

	glint_report_text(report, name, glint_timings_wish_text(wish, text));
}

static void report_span(struct glint_report *report, const char *name,
			const struct glint_warm_up *span)
{
	char text[32];

	if (span->ns == 0) {
		glint_report_uint(report, name, span->frames);
		return;
	}
	snprintf(text, sizeof(text), "%gms", (double)span->ns / GLINT_NSEC_PER_MSEC);
	glint_report_text(report, name, text);
}

static void report_value(const struct glint_option *option, const struct glint_settings *settings,
			 const char *name, struct glint_report *report)
{
	bool is_auto_default = option->fallback && strcmp(option->fallback, "auto") == 0;
	const void *field = (const char *)settings + option->offset;
	const char *text;

	switch (option->kind) {
	case GLINT_OPTION_FLAG:
		glint_report_bool(report, name, load(option, field));
		break;
	case GLINT_OPTION_NUMBER:
		glint_report_uint(report, name, load(option, field));
		break;
	case GLINT_OPTION_SECONDS:
		glint_report_uint(report, name, load(option, field) / GLINT_NSEC_PER_SEC);
		break;
	case GLINT_OPTION_MODE:
		report_mode(report, name, (int)load(option, field));
		break;
	case GLINT_OPTION_SIZE:
		report_size(report, name, field);
		break;
	case GLINT_OPTION_WORD:
		glint_report_text(report, name, word_of(option, load(option, field)));
		break;
	case GLINT_OPTION_CONTROL:
		report_control(option, report, name, field);
		break;
	case GLINT_OPTION_FORMAT:
		report_format(report, name, (uint32_t)load(option, field));
		break;
	case GLINT_OPTION_ASSIGN:
		report_assignments(report, name, field);
		break;
	case GLINT_OPTION_SPAN:
		report_span(report, name, field);
		break;
	case GLINT_OPTION_TIMINGS:
		report_timings(report, name, field);
		break;
	case GLINT_OPTION_INPUT:
		text = field;
		/* A number, as before there were names. */
		if (!text[strspn(text, "0123456789")])
			glint_report_uint(report, name, strtoul(text, NULL, 10));
		else
			glint_report_text(report, name, text);
		break;
	case GLINT_OPTION_CPUS:
		report_cpus(report, name, field);
		break;
	default:
		assert(option->bytes == sizeof(char *));
		text = *(char *const *)field;
		glint_report_text(report, name, !text && is_auto_default ? "auto" : text);
	}
}

static void report_range(const struct glint_option *option, struct glint_report *report)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out) {
		glint_option_put_range(option, out);
		fclose(out);
	}
	glint_report_text(report, "range", text && *text ? text : NULL);
	free(text);
}

void glint_settings_report(const struct glint_settings *settings, struct glint_report *report)
{
	struct glint_settings defaults;

	glint_options_set_defaults(&defaults);
	glint_options_derive(&defaults);
	for (const struct glint_option *option = glint_option_rows; option->help; option++) {
		if (!is_setting(option))
			continue;
		glint_report_object(report, option->name);
		if (option->secret) {
			glint_report_null(report, "value");
			glint_report_null(report, "default");
		} else {
			report_value(option, settings, "value", report);
			report_value(option, &defaults, "default", report);
		}
		report_range(option, report);
		glint_report_text(report, "holds", glint_holds_name(glint_option_holds(option)));
		glint_report_end(report);
	}
}

static bool value_differs(const struct glint_option *option, const struct glint_settings *a,
			  const struct glint_settings *b)
{
	const void *in_a = (const char *)a + option->offset;
	const void *in_b = (const char *)b + option->offset;
	size_t n_fields = option->kind == GLINT_OPTION_SIZE ? 2 : 1;
	const char *text_a, *text_b;

	switch (option->kind) {
	case GLINT_OPTION_TEXT:
	case GLINT_OPTION_DEVICE:
	case GLINT_OPTION_ID:
	case GLINT_OPTION_NAME:
		assert(option->bytes == sizeof(char *));
		text_a = *(char *const *)in_a;
		text_b = *(char *const *)in_b;
		return text_a != text_b && (!text_a || !text_b || strcmp(text_a, text_b) != 0);
	default:
		return memcmp(in_a, in_b, n_fields * option->bytes) != 0;
	}
}

void glint_settings_report_changes(const struct glint_settings *before,
				   const struct glint_settings *after, struct glint_report *report)
{
	for (const struct glint_option *option = glint_option_rows; option->help; option++) {
		if (!is_setting(option) || !value_differs(option, before, after))
			continue;
		if (option->secret)
			glint_report_null(report, option->name);
		else
			report_value(option, after, option->name, report);
	}
}

/* --- Change ------------------------------------------------------------------------------- */

static enum glint_change_outcome change_unknown(const struct glint_option *option, const char *name,
						FILE *out)
{
	glint_option_put_quoted(name, out);
	if (option && option->missing) {
		fprintf(out, ": built without %s", option->missing);
	} else if (option) {
		fputs(" is an option of the command line, and no setting", out);
	} else {
		fputs(" is no setting", out);
		glint_option_put_similar(name, strlen(name), "", is_setting, out);
	}
	return GLINT_CHANGE_UNKNOWN;
}

/* A size is two fields of @bytes each. */
static void set_default(const struct glint_option *option, struct glint_settings *settings)
{
	size_t bytes = option->kind == GLINT_OPTION_SIZE ? 2 * option->bytes : option->bytes;
	struct glint_settings defaults;

	glint_options_set_defaults(&defaults);
	memcpy((char *)settings + option->offset, (const char *)&defaults + option->offset, bytes);
}

static enum glint_change_outcome change_one(struct glint_settings *wanted,
					    const struct glint_setting_value *pair,
					    enum glint_holds *holds, FILE *out)
{
	const struct glint_option *option = glint_option_find(pair->name);
	const struct glint_settings before = *wanted;
	int err = 0;

	if (!option || !is_setting(option))
		return change_unknown(option, pair->name, out);
	if (pair->value)
		err = glint_option_set(option, pair->value, wanted);
	else
		set_default(option, wanted);
	if (err < 0) {
		glint_option_put_refusal(option, pair->value, err, out);
		return GLINT_CHANGE_INVALID;
	}
	if (glint_option_holds(option) == GLINT_HOLDS_RESTART) {
		fprintf(out, "%s cannot be changed while the service runs; start glintd with --%s",
			option->name, option->name);
		return GLINT_CHANGE_RESTART;
	}
	if (value_differs(option, &before, wanted))
		glint_holds_raise(holds, glint_option_holds(option));
	return GLINT_CHANGE_DONE;
}

bool glint_settings_change(const struct glint_settings *settings, struct glint_change *change,
			   struct glint_settings *wanted)
{
	FILE *out;

	*wanted = *settings;
	change->outcome = GLINT_CHANGE_DONE;
	change->holds = GLINT_HOLDS_NOW;
	change->message[0] = '\0';
	/* The last byte is not fmemopen()'s: it ends a text that is cut. */
	change->message[sizeof(change->message) - 1] = '\0';
	out = fmemopen(change->message, sizeof(change->message) - 1, "w");
	if (!out) {
		change->outcome = GLINT_CHANGE_NO_MEMORY;
		return false;
	}
	for (unsigned i = 0; i < change->n_values && change->outcome == GLINT_CHANGE_DONE; i++)
		change->outcome = change_one(wanted, &change->values[i], &change->holds, out);
	fclose(out);
	glint_options_derive(wanted);
	return change->outcome == GLINT_CHANGE_DONE;
}
