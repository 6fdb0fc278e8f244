/* SPDX-License-Identifier: MIT */
#include "core/condition.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"

const char *const glint_condition_names[] = {
	[GLINT_CONDITION_CHANGE] = "change",	 [GLINT_CONDITION_STILL] = "still",
	[GLINT_CONDITION_MOTION] = "motion",	 [GLINT_CONDITION_BLACK] = "black",
	[GLINT_CONDITION_NONBLACK] = "nonblack", [GLINT_CONDITION_LIVE] = "live",
	[GLINT_CONDITION_OFFLINE] = "offline",	 [GLINT_CONDITION_TRANSITION] = "transition",
	[GLINT_CONDITION_HASH] = "hash",	 [GLINT_CONDITION_MATCH] = "match",
	[GLINT_CONDITION_KINDS] = NULL,
};

const char *const glint_metric_names[] = {
	[GLINT_METRIC_LUMA] = "luma",
	[GLINT_METRIC_STBT] = "stbt",
	[GLINT_METRIC_PSNR] = "psnr",
	[GLINT_METRICS] = NULL,
};

int glint_condition_parse(const char *name, enum glint_condition_kind *kind)
{
	for (unsigned i = 0; glint_condition_names[i]; i++)
		if (strcmp(glint_condition_names[i], name) == 0) {
			*kind = (enum glint_condition_kind)i;
			return 0;
		}
	return -EINVAL;
}

/* Those of stb-tester, and for psnr those of openQA, as docs/WAITING.md lists them. */
static double default_threshold(enum glint_condition_kind kind, enum glint_metric metric)
{
	if (kind == GLINT_CONDITION_BLACK || kind == GLINT_CONDITION_NONBLACK)
		return 20;
	if (kind == GLINT_CONDITION_MATCH)
		return 0.96;
	if (metric != GLINT_METRIC_PSNR)
		return 25;
	return kind == GLINT_CONDITION_CHANGE ? 50 : 47;
}

void glint_condition_init(struct glint_condition *condition, enum glint_condition_kind kind,
			  enum glint_metric metric)
{
	*condition = (struct glint_condition){
		.kind = kind,
		.metric = metric,
		.scale = 1,
		.threshold = default_threshold(kind, metric),
		.since.kind = GLINT_MOMENT_NOW,
		.stable_ns = 1 * GLINT_NSEC_PER_SEC,
		.start_timeout_ns = UINT64_MAX,
		.stable_timeout_ns = UINT64_MAX,
		.moved = 10,
		.window = 20,
	};
}
