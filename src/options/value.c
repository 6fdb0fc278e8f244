/* SPDX-License-Identifier: MIT */
#include "options/table.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/macros.h"
#include "v4l2/format.h"
#include "v4l2/identity.h"

/* Parse all of @text as a number; @base as for strtoll(). */
static int parse_in_range(const char *text, int base, int64_t low, int64_t high, int64_t *value)
{
	char *end;

	if (!isdigit((unsigned char)*text) && *text != '-' && *text != '+')
		return -EINVAL;
	errno = 0;
	*value = strtoll(text, &end, base);
	if (end == text || *end)
		return -EINVAL;
	if (errno)
		return -errno;
	return *value < low || *value > high ? -ERANGE : 0;
}

static void store(const struct glint_option *option, void *field, uint64_t value)
{
	switch (option->bytes) {
	case 0: /* an option without effect: the value is checked only */
		break;
	case 1:
		*(uint8_t *)field = (uint8_t)value;
		break;
	case 2:
		*(uint16_t *)field = (uint16_t)value;
		break;
	case 4:
		*(uint32_t *)field = (uint32_t)value;
		break;
	default:
		assert(option->bytes == 8);
		*(uint64_t *)field = value;
	}
}

static void store_text(const struct glint_option *option, void *field, const char *text)
{
	assert(option->bytes == 0 || option->bytes == sizeof(char *));

	if (option->bytes)
		*(const char **)field = text;
}

static int set_number(const struct glint_option *option, const char *text, void *field)
{
	int base = option->kind == GLINT_OPTION_MODE ? 8 : 0;
	int64_t value;
	int err = parse_in_range(text, base, option->low[0], option->high[0], &value);

	if (err < 0)
		return err;
	if (option->kind == GLINT_OPTION_SECONDS)
		value *= (int64_t)GLINT_NSEC_PER_SEC;
	store(option, field, (uint64_t)value);
	return 0;
}

static int set_size(const struct glint_option *option, const char *text, void *field)
{
	const char *cross = strpbrk(text, "xX");
	char width_text[24];
	int64_t width, height;
	uint32_t *size = field;
	int err;

	assert(option->bytes == sizeof(*size));

	if (!cross || (size_t)(cross - text) >= sizeof(width_text))
		return -EINVAL;
	memcpy(width_text, text, (size_t)(cross - text));
	width_text[cross - text] = '\0';
	err = parse_in_range(width_text, 10, option->low[0], option->high[0], &width);
	if (err < 0)
		return err;
	err = parse_in_range(cross + 1, 10, option->low[1], option->high[1], &height);
	if (err < 0)
		return err;
	size[0] = (uint32_t)width;
	size[1] = (uint32_t)height;
	return 0;
}

/* As in ustreamer, an empty text where one is allowed means none: NULL. */
static int set_text(const struct glint_option *option, const char *text, void *field)
{
	size_t length = strlen(text);

	if ((int64_t)length < option->low[0] || (int64_t)length > option->high[0])
		return -ERANGE;
	for (const char *c = text; *c; c++)
		if (iscntrl((unsigned char)*c))
			return -EILSEQ;
	store_text(option, field, *text ? text : NULL);
	return 0;
}

static int set_device(const struct glint_option *option, const char *text, void *field)
{
	struct glint_device_name name;
	int err = glint_device_name_parse(text, &name);

	return err < 0 ? err : set_text(option, text, field);
}

static int set_id(const struct glint_option *option, const char *text, void *field)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789./+_-";

	if (text[strspn(text, allowed)])
		return -EINVAL;
	return set_text(option, text, field);
}

static const struct glint_option_word *find_word(const struct glint_option *option,
						 const char *text)
{
	assert(option->words);

	for (const struct glint_option_word *word = option->words; word->name; word++)
		if (strcasecmp(word->name, text) == 0)
			return word;
	return NULL;
}

static int set_word(const struct glint_option *option, const char *text, void *field)
{
	const struct glint_option_word *word = find_word(option, text);

	if (!word)
		return -EINVAL;
	if (word->missing)
		return -ENOTSUP;
	if (option->kind == GLINT_OPTION_NAME)
		store_text(option, field, word->text ? word->text : word->name);
	else
		store(option, field, word->value);
	return 0;
}

static int set_control(const struct glint_option *option, const char *text, void *field)
{
	const struct glint_option_word *word = find_word(option, text);
	struct glint_control_setting *setting = field;
	int64_t value = 0;
	int err = word ? 0 : parse_in_range(text, 0, INT32_MIN, INT32_MAX, &value);

	assert(option->bytes == sizeof(*setting));

	if (err < 0)
		return err;
	setting->mode = word ? (enum glint_control_mode)word->value : GLINT_CONTROL_VALUE;
	setting->value = (int32_t)value;
	return 0;
}

static int set_format(const struct glint_option *option, const char *text, void *field)
{
	uint32_t fourcc = 0;

	if (strcasecmp(text, "auto") != 0) {
		fourcc = glint_format_parse(text);
		if (fourcc == 0)
			return -EINVAL;
	}
	store(option, field, fourcc);
	return 0;
}

static int set_input(const struct glint_option *option, const char *text, void *field)
{
	int64_t number;
	char *input = field;
	int err;

	assert(option->bytes == GLINT_INPUT_TEXT_MAX);

	if (strlen(text) >= option->bytes)
		return -ERANGE;
	if (text[strspn(text, "0123456789")]) {
		if (*text == '-' || *text == '+')
			return -EINVAL;
		for (const char *c = text; *c; c++)
			if (iscntrl((unsigned char)*c))
				return -EILSEQ;
	} else {
		err = parse_in_range(text, 10, option->low[0], option->high[0], &number);
		if (err < 0)
			return err;
	}
	strncpy(input, text, option->bytes); /* zeroes the rest: settings are compared as bytes */
	return 0;
}

static int set_timings(const struct glint_option *option, const char *text, void *field)
{
	(void)option;
	return glint_timings_parse(text, field);
}

#define WARM_UP_FRAMES_MAX 10000u
#define WARM_UP_NS_MAX	   (60 * GLINT_NSEC_PER_SEC)

static int set_span(const struct glint_option *option, const char *text, void *field)
{
	struct glint_record_span span;
	int err = glint_record_span_parse(text, &span);

	assert(option->bytes == sizeof(struct glint_warm_up));

	if (err < 0)
		return err;
	if (span.value > (span.in_frames ? WARM_UP_FRAMES_MAX : WARM_UP_NS_MAX))
		return -ERANGE;
	*(struct glint_warm_up *)field = (struct glint_warm_up){
		.frames = span.in_frames ? span.value : 0,
		.ns = span.in_frames ? 0 : span.value,
	};
	return 0;
}

/* Parse a list in the kernel's syntax: "0,2-3". */
static int set_cpus(const struct glint_option *option, const char *text, void *field)
{
	cpu_set_t cpus;
	char *end;

	assert(option->bytes == sizeof(cpus));

	CPU_ZERO(&cpus);
	do {
		unsigned long first, last;

		if (!isdigit((unsigned char)*text))
			return -EINVAL;
		first = last = strtoul(text, &end, 10);
		if (*end == '-' && isdigit((unsigned char)end[1]))
			last = strtoul(end + 1, &end, 10);
		if (last >= CPU_SETSIZE || first > last)
			return -EINVAL;
		for (unsigned long cpu = first; cpu <= last; cpu++)
			CPU_SET(cpu, &cpus);
		text = end + 1;
	} while (*end == ',');
	if (*end)
		return -EINVAL;
	*(cpu_set_t *)field = cpus;
	return 0;
}

/* Add NAME=VALUE to the list. A name that is given again replaces its value. */
static int set_assign(const struct glint_option *option, const char *text, void *field)
{
	const char *equals = strchr(text, '=');
	struct glint_control_words *words = field;
	unsigned i;

	(void)option;
	if (!equals || equals == text || (size_t)(equals - text) >= GLINT_CONTROL_NAME_MAX)
		return -EINVAL;
	for (const char *c = text; *c; c++)
		if (iscntrl((unsigned char)*c))
			return -EILSEQ;
	for (i = 0; i < words->n; i++)
		if (strncmp(words->texts[i], text, (size_t)(equals + 1 - text)) == 0)
			break;
	if (strlen(equals + 1) >= GLINT_CONTROL_TEXT_MAX || i == GLINT_KEPT_MAX)
		return -ERANGE;
	words->texts[i] = text;
	words->n = MAX(words->n, i + 1);
	return 0;
}

int glint_option_parse_flag(const char *text)
{
	static const char *const words[][2] = {
		{ "no", "yes" },
		{ "false", "true" },
		{ "off", "on" },
		{ "0", "1" },
	};

	if (!text)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		for (int on = 0; on < 2; on++)
			if (strcasecmp(text, words[i][on]) == 0)
				return on;
	return -EINVAL;
}

static int set_flag(const struct glint_option *option, const char *text, void *field)
{
	int on = glint_option_parse_flag(text);

	if (on < 0)
		return on;
	store(option, field, (uint64_t)on);
	return 0;
}

static int set_preset(const struct glint_option *option, const char *text, void *field)
{
	(void)text;
	store(option, field, (uint64_t)option->low[0]);
	return 0;
}

static int (*const setters[])(const struct glint_option *option, const char *text, void *field) = {
	[GLINT_OPTION_FLAG] = set_flag,	    [GLINT_OPTION_PRESET] = set_preset,
	[GLINT_OPTION_TEXT] = set_text,	    [GLINT_OPTION_FILE] = set_text,
	[GLINT_OPTION_ID] = set_id,	    [GLINT_OPTION_NUMBER] = set_number,
	[GLINT_OPTION_MODE] = set_number,   [GLINT_OPTION_SECONDS] = set_number,
	[GLINT_OPTION_SIZE] = set_size,	    [GLINT_OPTION_WORD] = set_word,
	[GLINT_OPTION_NAME] = set_word,	    [GLINT_OPTION_CONTROL] = set_control,
	[GLINT_OPTION_INPUT] = set_input,   [GLINT_OPTION_TIMINGS] = set_timings,
	[GLINT_OPTION_FORMAT] = set_format, [GLINT_OPTION_CPUS] = set_cpus,
	[GLINT_OPTION_SPAN] = set_span,	    [GLINT_OPTION_ASSIGN] = set_assign,
	[GLINT_OPTION_DEVICE] = set_device,
};

int glint_option_set(const struct glint_option *option, const char *text,
		     struct glint_settings *settings)
{
	assert((size_t)option->kind < ARRAY_SIZE(setters) && setters[option->kind]);
	return setters[option->kind](option, text, (char *)settings + option->offset);
}
