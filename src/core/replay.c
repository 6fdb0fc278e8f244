/* SPDX-License-Identifier: MIT */
#include "core/replay.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SPEED_MIN 0.01
#define SPEED_MAX 100.0

static const char *const fault_names[GLINT_REPLAY_FAULTS] = {
	[GLINT_REPLAY_FREEZE] = "freeze",   [GLINT_REPLAY_DROP] = "drop",
	[GLINT_REPLAY_TEAR] = "tear",	    [GLINT_REPLAY_NOISE] = "noise",
	[GLINT_REPLAY_CORRUPT] = "corrupt", [GLINT_REPLAY_SIGNAL] = "no-signal",
};

const char *glint_replay_fault_name(enum glint_replay_fault fault)
{
	return fault_names[fault];
}

const char *glint_replay_state_name(enum glint_replay_state state)
{
	static const char *const names[] = {
		[GLINT_REPLAY_PLAYING] = "playing",
		[GLINT_REPLAY_PAUSED] = "paused",
		[GLINT_REPLAY_ENDED] = "ended",
	};

	return names[state];
}

int glint_replay_speed_parse(const char *text, uint32_t *speed_milli)
{
	double speed;
	char *end;

	if (strcmp(text, "max") == 0) {
		*speed_milli = 0;
		return 0;
	}
	if (!*text || text[strspn(text, "0123456789.")])
		return -EINVAL;
	speed = strtod(text, &end);
	if (*end || !(speed >= SPEED_MIN && speed <= SPEED_MAX))
		return -EINVAL;
	*speed_milli = (uint32_t)lround(speed * 1000);
	return 0;
}

/* Read FAULT@N or FAULT@N:COUNT, which ends at @end. */
static int parse_cue(const char *text, const char *end, struct glint_replay_cue *cue)
{
	const char *at = memchr(text, '@', (size_t)(end - text));
	char *stop;
	long long count;

	if (!at)
		return -EINVAL;
	for (cue->fault = 0; cue->fault < GLINT_REPLAY_FAULTS; cue->fault++)
		if (strlen(fault_names[cue->fault]) == (size_t)(at - text) &&
		    strncmp(fault_names[cue->fault], text, (size_t)(at - text)) == 0)
			break;
	if (cue->fault == GLINT_REPLAY_FAULTS)
		return -EINVAL;
	/* strtoll() would take white space. */
	at++;
	if (!strchr("-0123456789", *at) || at == end)
		return -EINVAL;
	errno = 0;
	cue->n = strtoll(at, &stop, 10);
	cue->frames = 1;
	if (errno || stop == at)
		return -EINVAL;
	if (stop == end)
		return 0;
	if (*stop != ':' || stop[1] < '0' || stop[1] > '9')
		return -EINVAL;
	count = strtoll(stop + 1, &stop, 10);
	if (errno || stop != end || count < 1 || count > GLINT_REPLAY_STEPS_MAX)
		return -EINVAL;
	cue->frames = (uint32_t)count;
	return 0;
}

int glint_replay_cues_parse(const char *text, struct glint_replay_cues *cues)
{
	cues->n = 0;
	while (*text) {
		const char *end = text + strcspn(text, ",");

		if (cues->n == GLINT_REPLAY_CUES_MAX)
			return -E2BIG;
		if (parse_cue(text, end, &cues->list[cues->n]) < 0)
			return -EINVAL;
		cues->n++;
		if (*end && !end[1])
			return -EINVAL;
		text = *end ? end + 1 : end;
	}
	return 0;
}
