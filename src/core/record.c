/* SPDX-License-Identifier: MIT */
#include "core/record.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"

#define FRAMES_MAX 10000000u
#define TIME_MAX_S 86400u

int glint_record_span_parse(const char *text, struct glint_record_span *span)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {
		{ "ns", 1 },
		{ "us", GLINT_NSEC_PER_USEC },
		{ "ms", GLINT_NSEC_PER_MSEC },
		{ "s", GLINT_NSEC_PER_SEC },
		{ "min", 60 * GLINT_NSEC_PER_SEC },
	};
	double number, ns;
	char *end;

	if (*text < '0' || *text > '9' || strpbrk(text, "xXeE"))
		return -EINVAL;
	number = strtod(text, &end);
	if (!*end) {
		if (number > FRAMES_MAX || number != (double)(uint64_t)number)
			return -EINVAL;
		*span = (struct glint_record_span){ true, (uint64_t)number };
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(end, units[i].name) != 0)
			continue;
		ns = number * units[i].ns;
		if (ns > (double)(TIME_MAX_S * GLINT_NSEC_PER_SEC))
			return -EINVAL;
		*span = (struct glint_record_span){ false, (uint64_t)(ns + 0.5) };
		return 0;
	}
	return -EINVAL;
}

int glint_record_triggers_parse(const char *text, unsigned *triggers)
{
	static const struct {
		const char *name;
		unsigned trigger;
	} words[] = {
		{ "signal-lost", GLINT_RECORD_ON_SIGNAL_LOST },
		{ "signal-back", GLINT_RECORD_ON_SIGNAL_BACK },
		{ "drop", GLINT_RECORD_ON_DROP },
		{ "corrupt", GLINT_RECORD_ON_CORRUPT },
		{ "fault", GLINT_RECORD_ON_FAULT },
	};
	unsigned found = 0;

	while (*text) {
		size_t len = strcspn(text, ","), i;

		for (i = 0; i < ARRAY_SIZE(words); i++)
			if (strlen(words[i].name) == len && strncmp(words[i].name, text, len) == 0)
				break;
		if (i == ARRAY_SIZE(words))
			return -EINVAL;
		found |= words[i].trigger;
		text += len;
		if (*text == ',' && !*++text)
			return -EINVAL;
	}
	*triggers = found;
	return 0;
}

const char *glint_recording_state_name(enum glint_recording_state state)
{
	static const char *const names[] = {
		[GLINT_RECORDING_WAITING] = "waiting",	   [GLINT_RECORDING_RUNNING] = "running",
		[GLINT_RECORDING_FINISHING] = "finishing", [GLINT_RECORDING_CLOSED] = "closed",
		[GLINT_RECORDING_FAILED] = "failed",
	};

	assert((size_t)state < ARRAY_SIZE(names));
	return names[state];
}

/* The part of @text before the next colon. Returns what follows; NULL: it does not fit, or is empty. */
static const char *take_part(const char *text, char *part, size_t room)
{
	size_t len = strcspn(text, ":");

	if (len == 0 || len >= room)
		return NULL;
	memcpy(part, text, len);
	part[len] = '\0';
	return text + len;
}

int glint_record_line_parse(const char *text, bool with_edge, struct glint_record_line *line)
{
	char chip[48];
	const char *rest = take_part(text, chip, sizeof(chip));

	*line = (struct glint_record_line){ .edges = GLINT_RECORD_RISING };
	if (!rest || *rest != ':')
		return -EINVAL;
	snprintf(line->chip, sizeof(line->chip), "%s%s", *chip == '/' ? "" : "/dev/", chip);
	rest = take_part(rest + 1, line->line, sizeof(line->line));
	if (!rest || (*rest && !with_edge))
		return -EINVAL;
	if (!*rest || strcmp(rest, ":rising") == 0)
		return 0;
	line->edges = GLINT_RECORD_FALLING;
	if (strcmp(rest, ":both") == 0)
		line->edges |= GLINT_RECORD_RISING;
	else if (strcmp(rest, ":falling") != 0)
		return -EINVAL;
	return 0;
}
