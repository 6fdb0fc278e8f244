/* SPDX-License-Identifier: MIT */
#include "http/condition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/condition.h"
#include "core/region.h"
#include "http/json.h"
#include "http/params.h"
#include "http/reply.h"

const char *const glint_reference_types[] = { "image/png", "image/jpeg", "image/x-portable-pixmap",
					      "image/x-portable-graymap", NULL };

/* "X+Y" with numbers from 0. In a query a plain '+' has become a space. */
static bool read_point(const char *text, uint32_t *x, uint32_t *y)
{
	char region[GLINT_REGION_TEXT_MAX];
	struct glint_region point;

	snprintf(region, sizeof(region), "1x1+%.19s", text);
	for (char *at = region; *at; at++)
		*at = *at == ' ' ? '+' : *at;
	if (glint_region_parse(region, &point) < 0)
		return false;
	*x = point.x;
	*y = point.y;
	return true;
}

static bool read_hash(const char *text, uint64_t hash[2])
{
	char half[17];

	if (strlen(text) != 32 || text[strspn(text, "0123456789abcdefABCDEF")])
		return false;
	snprintf(half, sizeof(half), "%.16s", text);
	hash[0] = strtoull(half, NULL, 16);
	hash[1] = strtoull(text + 16, NULL, 16);
	return true;
}

bool glint_condition_read_hash(struct glint_client *client, const struct glint_param *param,
			       const struct glint_param_value *value,
			       struct glint_condition *condition)
{
	if (!read_hash(value->text, condition->hash)) {
		glint_json_refuse_value(client, param, value->text,
					"32 hexadecimal digits, as /hash tells them");
		return false;
	}
	if (!IS_ENABLED(CONFIG_PIXELS_HASH)) {
		glint_reply_refusal(client, 501, "not-built",
				    "this glintd was built without checksums of pixels");
		return false;
	}
	return true;
}

bool glint_condition_read_place(struct glint_client *client, const struct glint_param *param,
				const struct glint_param_value *value,
				struct glint_condition *condition)
{
	condition->has_at = value->count > 0;
	if (!condition->has_at || read_point(value->text, &condition->at_x, &condition->at_y))
		return true;
	glint_json_refuse_value(client, param, value->text, "X+Y in pixels, such as 640+120");
	return false;
}
