/* SPDX-License-Identifier: MIT */
#include "core/moment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* All of @text is a decimal number up to @max. */
static int number_parse(const char *text, uint64_t max, uint64_t *number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return *end || errno || *number > max ? -EINVAL : 0;
}

static const char *after_prefix(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

bool glint_mark_id_valid(const char *id)
{
	size_t len = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				"0123456789-._");

	return len > 0 && len <= GLINT_MARK_ID_MAX && id[len] == '\0';
}

int glint_moment_parse(const char *text, struct glint_moment *moment)
{
	struct glint_moment parsed = { .kind = GLINT_MOMENT_NOW };
	const char *rest;
	uint64_t number;

	if (strcmp(text, "now") == 0) {
		/* Nothing follows. */
	} else if (strcmp(text, "last") == 0) {
		parsed.kind = GLINT_MOMENT_LAST;
	} else if ((rest = after_prefix(text, "seq:"))) {
		if (number_parse(rest, UINT32_MAX, &number) < 0)
			return -EINVAL;
		parsed.kind = GLINT_MOMENT_SEQ;
		parsed.seq = (uint32_t)number;
	} else if ((rest = after_prefix(text, "mark:"))) {
		if (!glint_mark_id_valid(rest))
			return -EINVAL;
		parsed.kind = GLINT_MOMENT_MARK;
		strcpy(parsed.mark, rest);
	} else {
		if (number_parse(text, UINT64_MAX, &parsed.ns) < 0)
			return -EINVAL;
		parsed.kind = GLINT_MOMENT_TIME;
	}
	*moment = parsed;
	return 0;
}
