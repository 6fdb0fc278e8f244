/* SPDX-License-Identifier: MIT */
#include "http/params.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/macros.h"
#include "http/uri.h"

#define VALUE_MAX (GLINT_PARAM_TEXT_MAX + 2) /* one byte more than a text may have, and the end */

const struct glint_param glint_no_params[1] = { { NULL } };

/* --- Values ------------------------------------------------------------------------- */

static int flag_parse(const char *text, bool *flag)
{
	static const char *const on[] = { "1", "true", "yes" }, *const off[] = { "0", "false",
										 "no" };

	for (unsigned i = 0; i < ARRAY_SIZE(on); i++) {
		*flag = strcasecmp(text, on[i]) == 0;
		if (*flag || strcasecmp(text, off[i]) == 0)
			return 0;
	}
	return -EINVAL;
}

static bool is_in_range(const struct glint_param *param, double value)
{
	return value >= param->min && value <= param->max;
}

static int integer_parse(const struct glint_param *param, const char *text, int64_t *integer)
{
	const char *digits = text + (*text == '-');
	long long parsed;
	char *end;

	if (*digits < '0' || *digits > '9')
		return -EINVAL;
	errno = 0;
	parsed = strtoll(text, &end, 10);
	if (*end || errno || !is_in_range(param, (double)parsed))
		return -EINVAL;
	*integer = parsed;
	return 0;
}

/* Digits with at most one point between them: strtod() takes infinities and hexadecimals, too. */
static size_t decimal_length(const char *text)
{
	size_t whole = strspn(text, "0123456789"), fraction;

	if (whole == 0 || text[whole] != '.')
		return whole;
	fraction = strspn(text + whole + 1, "0123456789");
	return fraction > 0 ? whole + 1 + fraction : 0;
}

static int number_parse(const struct glint_param *param, const char *text, double *number)
{
	const char *digits = text + (*text == '-');
	size_t length = decimal_length(digits);
	double parsed;

	if (length == 0 || digits[length])
		return -EINVAL;
	parsed = strtod(text, NULL); /* the process stays in the C locale */
	if (!is_in_range(param, parsed))
		return -EINVAL;
	*number = parsed;
	return 0;
}

/* Digits of less than a nanosecond are ignored. */
static int decimal_scale(const char *text, size_t length, uint64_t unit_ns, uint64_t *ns)
{
	uint64_t whole = 0, part_ns = 0, weight_ns = unit_ns;
	size_t i = 0;

	assert(unit_ns > 0 && length > 0);

	for (; i < length && text[i] != '.'; i++) {
		if (whole > INT64_MAX / 10)
			return -EINVAL;
		whole = whole * 10 + (uint64_t)(text[i] - '0');
	}
	for (i++; i < length && weight_ns > 0; i++) {
		weight_ns /= 10;
		part_ns += weight_ns * (uint64_t)(text[i] - '0');
	}
	if (whole > (INT64_MAX - part_ns) / unit_ns)
		return -EINVAL;
	*ns = whole * unit_ns + part_ns;
	return 0;
}

int glint_duration_parse(const char *text, uint64_t *ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "", GLINT_NSEC_PER_SEC },
		{ "s", GLINT_NSEC_PER_SEC },
		{ "ms", GLINT_NSEC_PER_MSEC },
		{ "us", GLINT_NSEC_PER_USEC },
		{ "ns", 1 },
	};
	size_t length = decimal_length(text);

	if (length == 0)
		return -EINVAL;
	for (unsigned i = 0; i < ARRAY_SIZE(units); i++)
		if (strcmp(text + length, units[i].name) == 0)
			return decimal_scale(text, length, units[i].ns, ns);
	return -EINVAL;
}

static int duration_parse(const struct glint_param *param, const char *text, uint64_t *ns)
{
	uint64_t parsed;

	if (glint_duration_parse(text, &parsed) < 0 ||
	    !is_in_range(param, (double)parsed / (double)GLINT_NSEC_PER_SEC))
		return -EINVAL;
	*ns = parsed;
	return 0;
}

/* A query's '+' means a space, so a client would have to write %2B: accept the space, too. */
static int region_parse(const char *text, struct glint_region *region)
{
	char copy[GLINT_REGION_TEXT_MAX];

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	for (char *at = copy; *at; at++)
		if (*at == ' ')
			*at = '+';
	return glint_region_parse(copy, region);
}

static int word_parse(const struct glint_param *param, const char *text, unsigned *word)
{
	assert(param->words);

	for (unsigned i = 0; param->words[i]; i++)
		if (strcmp(param->words[i], text) == 0) {
			*word = i;
			return 0;
		}
	return -EINVAL;
}

/* Whether each byte belongs to a character of UTF-8: the text may come back in a JSON reply. */
static bool is_utf8(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	while (*at) {
		unsigned more = *at < 0x80 ? 0 :
				*at < 0xc2 ? 9 :
				*at < 0xe0 ? 1 :
				*at < 0xf0 ? 2 :
				*at < 0xf5 ? 3 :
					     9;
		bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
		bool outside = (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf4 && at[1] > 0x8f);

		if (more > 3 || overlong || outside)
			return false;
		for (at++; more > 0; more--, at++)
			if ((*at & 0xc0) != 0x80)
				return false;
	}
	return true;
}

static size_t text_max(const struct glint_param *param)
{
	return param->max > 0 ? (size_t)param->max : GLINT_PARAM_TEXT_MAX;
}

static int text_parse(const struct glint_param *param, const char *text, char *out)
{
	size_t len = strlen(text), max = text_max(param);

	assert(max <= GLINT_PARAM_TEXT_MAX);

	if (!param->lenient && (len > max || !is_utf8(text)))
		return -EINVAL;
	len = MIN(len, max);
	memcpy(out, text, len);
	out[len] = '\0';
	return 0;
}

int glint_param_parse(const struct glint_param *param, const char *text,
		      struct glint_param_value *value)
{
	switch (param->kind) {
	case GLINT_PARAM_FLAG:
		if (!param->lenient)
			return flag_parse(text, &value->flag);
		/* As ustreamer reads flags: never an error. */
		value->flag = *text == '1' || strcasecmp(text, "true") == 0 ||
			      strcasecmp(text, "yes") == 0;
		return 0;
	case GLINT_PARAM_INTEGER:
		return integer_parse(param, text, &value->integer);
	case GLINT_PARAM_NUMBER:
		return number_parse(param, text, &value->number);
	case GLINT_PARAM_DURATION:
		return duration_parse(param, text, &value->ns);
	case GLINT_PARAM_MOMENT:
		return glint_moment_parse(text, &value->moment);
	case GLINT_PARAM_REGION:
		return region_parse(text, &value->region);
	case GLINT_PARAM_WORD:
		return word_parse(param, text, &value->word);
	case GLINT_PARAM_TEXT:
		break;
	}
	return text_parse(param, text, value->text);
}

/* --- What is allowed ------------------------------------------------------------------ */

static void words_allowed(const struct glint_param *param, char *out, size_t size)
{
	int used = snprintf(out, size, "one of");

	for (unsigned i = 0; param->words[i] && used > 0 && (size_t)used < size; i++)
		used += snprintf(out + used, size - (size_t)used, "%s %s", i > 0 ? "," : "",
				 param->words[i]);
}

void glint_param_allowed(const struct glint_param *param, char *out, size_t size)
{
	switch (param->kind) {
	case GLINT_PARAM_FLAG:
		snprintf(out, size, "1, true, yes, 0, false or no");
		break;
	case GLINT_PARAM_INTEGER:
	case GLINT_PARAM_NUMBER:
		snprintf(out, size, "%s from %.16g to %.16g%s%s",
			 param->kind == GLINT_PARAM_INTEGER ? "an integer" : "a number", param->min,
			 param->max, param->unit ? ", in " : "", param->unit ? param->unit : "");
		break;
	case GLINT_PARAM_DURATION:
		snprintf(out, size,
			 "a duration from %.9g to %.9g seconds, such as 500ms, 2s or 1.5",
			 param->min, param->max);
		break;
	case GLINT_PARAM_MOMENT:
		snprintf(out, size,
			 "now, last, a time in ns of this machine's CLOCK_MONOTONIC, "
			 "seq:N or mark:ID");
		break;
	case GLINT_PARAM_REGION:
		snprintf(out, size, "WxH+X+Y in pixels, such as 640x360+0+120");
		break;
	case GLINT_PARAM_WORD:
		words_allowed(param, out, size);
		break;
	case GLINT_PARAM_TEXT:
		snprintf(out, size, "at most %zu bytes of UTF-8", text_max(param));
		break;
	}
}

static void names_allowed(const struct glint_param *params, char *out, size_t size)
{
	int used = 0;

	snprintf(out, size, "no parameters");
	for (; params->name && (size_t)used < size; params++)
		used += snprintf(out + used, size - (size_t)used, "%s%s", used > 0 ? ", " : "",
				 params->name);
}

static int refuse(struct glint_param_fault *fault, const struct glint_param *param,
		  const char *name, const char *value)
{
	fault->param = param;
	snprintf(fault->name, sizeof(fault->name), "%s", name);
	snprintf(fault->value, sizeof(fault->value), "%s", value);
	return -EINVAL;
}

/* --- A request ------------------------------------------------------------------------ */

void glint_params_begin(const struct glint_param *params, struct glint_param_value *values)
{
	for (unsigned i = 0; params[i].name; i++) {
		memset(&values[i], 0, sizeof(values[i]));
		if (params[i].fallback &&
		    glint_param_parse(&params[i], params[i].fallback, &values[i]) < 0)
			assert(!"a fallback that the table itself refuses");
	}
}

int glint_params_take(const struct glint_param *params, const char *name, const char *text,
		      struct glint_param_value *values, struct glint_param_fault *fault)
{
	const struct glint_param *param = params;
	struct glint_param_value parsed;

	while (param->name && strcmp(param->name, name) != 0)
		param++;
	if (!param->name) {
		fault->kind = GLINT_PARAM_UNKNOWN;
		names_allowed(params, fault->allowed, sizeof(fault->allowed));
		return refuse(fault, NULL, name, text);
	}
	values += param - params;
	if (param->lenient && values->count > 0)
		return 0;
	glint_param_allowed(param, fault->allowed, sizeof(fault->allowed));
	if (values->count > 0 && values->count >= param->most) {
		fault->kind = GLINT_PARAM_REPEATED;
		return refuse(fault, param, name, text);
	}
	if (glint_param_parse(param, text, &parsed) < 0) {
		fault->kind = GLINT_PARAM_BAD;
		return param->lenient ? 0 : refuse(fault, param, name, text);
	}
	parsed.count = values->count + 1;
	if (values->count == 0)
		*values = parsed;
	values->count = parsed.count;
	return 0;
}

int glint_params_read(const struct glint_param *params, bool others, const char *query,
		      struct glint_param_value *values, struct glint_param_fault *fault)
{
	char name[64], text[VALUE_MAX];

	glint_params_begin(params, values);
	while (glint_query_next(&query, name, sizeof(name), text, sizeof(text))) {
		if (glint_params_take(params, name, text, values, fault) == 0 ||
		    (others && fault->kind == GLINT_PARAM_UNKNOWN))
			continue;
		/* Name the region as it was sent: the query's decoder has made '+' a space. */
		if (fault->param && fault->param->kind == GLINT_PARAM_REGION)
			for (char *at = fault->value; *at; at++)
				*at = *at == ' ' ? '+' : *at;
		return -EINVAL;
	}
	return 0;
}

bool glint_params_nth(const struct glint_param *param, const char *query, unsigned nth,
		      struct glint_param_value *value)
{
	char name[64], text[VALUE_MAX];

	while (glint_query_next(&query, name, sizeof(name), text, sizeof(text)))
		if (strcmp(name, param->name) == 0 && nth-- == 0) {
			value->count = 1;
			return glint_param_parse(param, text, value) == 0;
		}
	return false;
}
